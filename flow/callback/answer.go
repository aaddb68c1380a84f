package callback

import (
	"net/url"
	"slices"
	"strings"

	"confer/cronofy"
)

// Answer is what came back from the browser: a code or an error, never both.
// https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2
type Answer struct {
	State       string
	Code        cronofy.Secret
	Error       string // the OAuth error code, cleaned for the terminal
	Description string // error_description, cleaned for the terminal
}

// Lengths in runes of what is kept of an error: the standard's codes are at
// most 25 long, and a description is one sentence.
const (
	maxError       = 100
	maxDescription = 500
)

var answerNames = []string{"state", "code", "error", "error_description"}

// parseQuery reads the parameters of a redirect. Others may stand there, however they
// are written: they are no reason to lose a code. Whatever is wrong, the Answer holds
// what could be read, so that the caller can judge the state first. Errors are
// ErrPasteNoState and ErrPasteNoAnswer.
func parseQuery(raw string) (Answer, error) {
	q, bad := url.Values{}, false
	for part := range strings.SplitSeq(raw, "&") {
		key, value, _ := strings.Cut(part, "=")
		key, err := url.QueryUnescape(key)
		if err != nil || !slices.Contains(answerNames, key) {
			continue
		}
		text, err := url.QueryUnescape(value)
		switch {
		case key == "error_description" && err != nil:
			text = value // for people to read, nothing else
		case key != "error_description" && (err != nil || strings.Contains(value, ";")): // some servers split there: nobody can tell where it ends
			bad = true
			continue
		}
		q.Add(key, text)
	}
	a := Answer{
		State:       q.Get("state"),
		Code:        cronofy.NewSecret(q.Get("code")),
		Error:       cronofy.CleanText(q.Get("error"), maxError),
		Description: cronofy.CleanText(q.Get("error_description"), maxDescription),
	}
	switch {
	case bad, len(q["state"]) > 1, len(q["code"]) > 1, len(q["error"]) > 1, a.Code.Empty() == (a.Error == ""), !printable(a.Code.Reveal()):
		return a, ErrPasteNoAnswer
	case a.State == "":
		return a, ErrPasteNoState
	}
	return a, nil
}

// printable tells whether a code is what RFC 6749 appendix A.11 allows.
func printable(code string) bool {
	return !strings.ContainsFunc(code, func(r rune) bool { return r < ' ' || r > '~' })
}
