package callback

import (
	"errors"
	"net/url"
	"regexp"
	"strings"
	"unicode"

	"confer/cronofy"
)

// MaxPaste is the longest text that ParsePaste reads, in bytes.
const MaxPaste = 16 << 10

// What is wrong with a pasted text.
var (
	// ErrPasteTooLong: longer than MaxPaste.
	ErrPasteTooLong = errors.New("the pasted text is too long")
	// ErrPasteBareCode: a code without its state, so nobody can tell whose it is.
	ErrPasteBareCode = errors.New("the pasted text is a code without its state")
	// ErrPasteNoState: an error without its state.
	ErrPasteNoState = errors.New("the pasted address has no state")
	// ErrPasteLink: the authorization link or our short link, before the approval.
	ErrPasteLink = errors.New("the pasted address is the link to open, not the final address")
	// ErrPasteTwice: state, code or error more than once, or both code and error.
	ErrPasteTwice = errors.New("the pasted text holds more than one answer")
	// ErrPasteNoAnswer: nothing that a browser comes back with.
	ErrPasteNoAnswer = errors.New("the pasted text holds no answer")
)

// ParsePaste reads the answer from the final address of any browser, or from
// its query string: wrapped in lines, spaces, box characters or quotes, with the
// marks of a bracketed paste, or inside a mail scanner's link. The state is not
// checked here. Errors are the ErrPaste ones.
func ParsePaste(text string) (Answer, error) {
	if len(text) > MaxPaste {
		return Answer{}, ErrPasteTooLong
	}
	joined := unwrap(text)
	query, ok := queryOf(joined)
	if !ok {
		return Answer{}, notAnAddress(text, joined)
	}
	if inner := scanned(query); inner != "" {
		query = inner
	}
	a, err := parseQuery(query)
	switch {
	case err == nil:
		return a, nil
	case errors.Is(err, errTwice):
		return Answer{}, ErrPasteTwice
	case errors.Is(err, errNoState) && a.Error != "":
		return Answer{}, ErrPasteNoState
	case errors.Is(err, errNoState):
		return Answer{}, ErrPasteBareCode
	case strings.Contains(query, "response_type="):
		return Answer{}, ErrPasteLink
	}
	return Answer{}, ErrPasteNoAnswer
}

// unwrap takes out what terminals, mails and people put around and into an
// address. No address has any of it unescaped.
func unwrap(text string) string {
	lines := strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' })
	for i, line := range lines {
		lines[i] = strings.Trim(strings.Map(visible, cronofy.CleanText(line, MaxPaste)), "|>")
	}
	text = strings.Join(lines, "")
	text = strings.TrimSuffix(strings.TrimPrefix(text, "[200~"), "[201~") // an escape character that got lost
	text = strings.Trim(text, "\"'`<>()[]{}\u201c\u201d\u2018\u2019\u201e\u00ab\u00bb")
	return strings.ReplaceAll(text, "&amp;", "&")
}

func visible(r rune) rune {
	box := r >= 0x2500 && r <= 0x259f // box drawing and block elements
	if box || unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == unicode.ReplacementChar {
		return -1
	}
	return r
}

// queryOf finds the query string; browsers may leave "http://" out, and people
// copy from "code=" on.
func queryOf(text string) (string, bool) {
	if i := strings.Index(text, "://"); i >= 0 {
		text = text[i:]
	}
	text, _, _ = strings.Cut(text, "#")
	if _, query, ok := strings.Cut(text, "?"); ok {
		return query, true
	}
	return text, strings.Contains(text, "=") && !strings.Contains(text, "://")
}

// scanned gives the query of an address that a mail scanner or a search site
// wrapped into one of its own.
func scanned(query string) string {
	q, err := url.ParseQuery(query)
	if err != nil || q.Has("state") || q.Has("code") {
		return ""
	}
	for _, key := range []string{"url", "u", "q"} {
		if inner, ok := queryOf(q.Get(key)); ok {
			return inner
		}
	}
	return ""
}

// notAnAddress tells a code that came alone from anything else: one piece,
// wrapped once at most, long and with a digit, unlike words.
func notAnAddress(text, joined string) error {
	code := regexp.MustCompile(`^[A-Za-z0-9._~-]{16,}$`).MatchString(joined)
	switch {
	case strings.Contains(joined, linkPath):
		return ErrPasteLink
	case code && strings.ContainsAny(joined, "0123456789") && len(strings.Fields(text)) <= 2:
		return ErrPasteBareCode
	}
	return ErrPasteNoAnswer
}
