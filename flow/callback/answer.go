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

// parseQuery reads the parameters of a redirect. Whatever is wrong, the Answer
// holds what could be read, so that the caller can judge the state first. Errors
// are ErrPasteNoState and ErrPasteNoAnswer.
func parseQuery(raw string) (Answer, error) {
	q, err := ownParameters(raw)
	a := Answer{
		State:       q.Get("state"),
		Code:        cronofy.NewSecret(q.Get("code")),
		Error:       cronofy.CleanText(q.Get("error"), maxError),
		Description: cronofy.CleanText(q.Get("error_description"), maxDescription),
	}
	if err != nil {
		return a, ErrPasteNoAnswer
	}
	return a, a.check(q)
}

var answerNames = []string{"state", "code", "error", "error_description"}

// ownParameters reads the parameters that an answer has. Others may stand in the
// address, however they are written: they are no reason to lose a code.
func ownParameters(raw string) (url.Values, error) {
	q := url.Values{}
	var bad error
	for part := range strings.SplitSeq(raw, "&") {
		key, value, _ := strings.Cut(part, "=")
		key, err := url.QueryUnescape(key)
		if err != nil || !slices.Contains(answerNames, key) {
			continue
		}
		text, err := url.QueryUnescape(value)
		if err != nil && key == "error_description" {
			text, err = value, nil // for people to read, nothing else
		}
		if err == nil && key != "error_description" && strings.Contains(value, ";") {
			err = ErrPasteNoAnswer // some servers split there: nobody can tell where it ends
		}
		if err != nil {
			bad = err
			continue
		}
		q.Add(key, text)
	}
	return q, bad
}

func (a Answer) check(q url.Values) error {
	switch {
	case len(q["state"]) > 1 || len(q["code"]) > 1 || len(q["error"]) > 1,
		!a.Code.Empty() && a.Error != "",
		a.Error == "" && !printable(a.Code.Reveal()):
		return ErrPasteNoAnswer
	case a.State == "":
		return ErrPasteNoState
	}
	return nil
}

// printable tells whether a code is what RFC 6749 appendix A.11 allows.
func printable(code string) bool {
	outside := func(r rune) bool { return r < ' ' || r > '~' }
	return code != "" && !strings.ContainsFunc(code, outside)
}
