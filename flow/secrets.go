package flow

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"confer/cronofy"
)

// secretPrefix is what Cronofy's newer client secrets begin with.
const secretPrefix = "CRN_"

// tellingLength is that of a secret that no other text holds by chance.
const tellingLength = 8

var (
	clientSecret = regexp.MustCompile(`(?i)` + secretPrefix + `[A-Za-z0-9_-]{4,}`)
	longWord     = regexp.MustCompile(`[A-Za-z0-9_~+=-]{24,}`)
)

// LooksLikeSecret tells whether a text holds what looks like a client secret. It
// does not belong in a field that is shown.
func LooksLikeSecret(text string) bool { return clientSecret.MatchString(text) }

// LooksLikeToken tells whether a text that people make up, a name or a path,
// holds what looks like a client secret, a token or a code: one long word of
// small and capital letters and digits.
func LooksLikeToken(text string) bool {
	for _, word := range longWord.FindAllString(text, -1) {
		if strings.ContainsAny(word, "0123456789") && strings.ToUpper(word) != word && strings.ToLower(word) != word {
			return true
		}
	}
	return LooksLikeSecret(text)
}

// CheckNoSecret refuses a text for a field that is shown and saved: what looks
// like a client secret, and every secret that was given in this run. nil: it
// holds none. The sentence does not repeat the text.
func (s State) CheckNoSecret(text string) *Problem {
	const hint = "Secrets belong in their own field, where they are not shown. It was not saved."
	if LooksLikeSecret(text) {
		return usage("That looks like the client secret.", hint)
	}
	for _, known := range []cronofy.Secret{s.Answers.ClientSecret, s.Answers.Accounts.Token, s.Store.Passphrase} {
		secret := known.Reveal()
		if secret != "" && (text == secret || len(secret) >= tellingLength && strings.Contains(text, secret)) {
			return usage("That is a secret that was given in this run.", hint)
		}
	}
	return nil
}

// CheckLabel refuses a label that holds a secret or what looks like one; nil: it
// can be taken.
func (s State) CheckLabel(label string) *Problem {
	if LooksLikeToken(label) && !LooksLikeSecret(label) {
		return usage("That looks like a token or another secret, not like a name.", "Give a name that people know, or leave it empty. It was not saved.")
	}
	return s.CheckNoSecret(label)
}

// CheckAccountsPath refuses the name of a file with accounts that is empty or
// holds a secret; nil: it can be taken.
func (s State) CheckAccountsPath(path string) *Problem {
	if !strings.ContainsAny(path, `./\`) && LooksLikeToken(path) && !LooksLikeSecret(path) {
		return usage("That looks like a token, not like the name of a file.", "Choose one access token to paste it, or name a CSV or JSON lines file.")
	}
	return s.CheckNoSecret(path)
}

// assignments are lines of shells, .env files and YAML. For a passphrase, which
// may hold any sign, only names that nobody would begin one with count.
var (
	assignment      = regexp.MustCompile(`^(?:export\s+|\$env:|set\s+)?[A-Za-z_][A-Za-z0-9_.-]*(?:[ \t]*=[ \t]*[!-<>-~]|:[ \t]+\S)`)
	namedAssignment = regexp.MustCompile(`^(?:export\s+\w+|[$]env:\w+|[A-Z][A-Z0-9]*_[A-Z0-9_]+|(?i:passphrase|password))\s*[=:]\s*\S`)
)

// NotBare tells what stands around a secret that should stand alone; nil: it does.
// To send such a text as the secret would only be refused, and be said to be wrong.
func NotBare(text string, passphrase bool) error {
	first, last := text[:1], text[len(text)-1:]
	named := assignment
	if passphrase {
		named = namedAssignment
	}
	switch {
	case strings.Contains("{[", first) && json.Valid([]byte(text)):
		return errors.New("it is JSON")
	case len(text) > 1 && first == last && strings.Contains("\"'`", first):
		return errors.New("it is in quotes")
	case strings.HasPrefix(text, "-----BEGIN "):
		return errors.New("it is a key or a certificate (PEM)")
	case strings.HasPrefix(strings.ToLower(text), "<!doctype") || strings.HasPrefix(text, "<html"):
		return errors.New("it is an HTML page")
	case named.MatchString(text):
		return errors.New("it is NAME=value; give the value alone")
	case passphrase:
		return nil
	}
	for _, r := range text {
		if r <= ' ' || r > '~' {
			return fmt.Errorf("there is a character in it that secrets do not have: %s", strconv.QuoteRuneToASCII(r))
		}
	}
	return nil
}
