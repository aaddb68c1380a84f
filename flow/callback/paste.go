package callback

import (
	"errors"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// MaxPaste is the longest text that ParsePaste reads, in bytes.
const MaxPaste = 16 << 10

// What is wrong with a pasted text.
var (
	// ErrPasteTooLong: longer than MaxPaste.
	ErrPasteTooLong = errors.New("the pasted text is too long")
	// ErrPasteBareCode: a code without its state, so nobody can tell whose it is.
	ErrPasteBareCode = errors.New("the pasted text is a code without its state")
	// ErrPasteNoState: an address, or an error, without its state.
	ErrPasteNoState = errors.New("the pasted address has no state")
	// ErrPasteLink: the authorization link or our short link, before the approval.
	ErrPasteLink = errors.New("the pasted address is the link to open, not the final address")
	// ErrPasteTwice: two different answers, or one with state, code or error more
	// than once, or with both code and error.
	ErrPasteTwice = errors.New("the pasted text holds more than one answer")
	// ErrPasteNoAnswer: nothing that a browser comes back with.
	ErrPasteNoAnswer = errors.New("the pasted text holds no answer")
)

// ParsePaste reads the answer from the final address of any browser, or from
// its query string: wrapped in lines, spaces, box characters or quotes, with the
// marks of a bracketed paste, inside a mail scanner's link, and with words before
// and after it. The same answer may be there twice. The state is not checked
// here. Errors are the ErrPaste ones.
func ParsePaste(text string) (Answer, error) {
	if len(text) > MaxPaste {
		return Answer{}, ErrPasteTooLong
	}
	var found *Answer
	wrong := ErrPasteNoAnswer
	for _, p := range pieces(text) {
		for _, s := range p.addresses() {
			a, err := s.answer()
			switch {
			case err != nil:
				wrong = telling(wrong, err)
			case found != nil && !found.same(a):
				return Answer{}, ErrPasteTwice
			default:
				found = &a
			}
		}
	}
	switch {
	case found != nil:
		return *found, nil
	case wrong == ErrPasteNoAnswer && codeAlone(text):
		return Answer{}, ErrPasteBareCode
	}
	return Answer{}, wrong
}

func (a Answer) same(b Answer) bool {
	return a.State == b.State && a.Code.Equal(b.Code) && a.Error == b.Error
}

// telling is the error that says more about a text in which there are several.
func telling(a, b error) error {
	order := []error{ErrPasteTwice, ErrPasteNoState, ErrPasteBareCode, ErrPasteLink, ErrPasteNoAnswer}
	return order[min(slices.Index(order, a), slices.Index(order, b))]
}

// answer reads a part of a text that holds one address at most.
func (p piece) answer() (Answer, error) {
	query, before, ok := p.query()
	if !ok {
		if strings.Contains(p.text, linkPath) {
			return Answer{}, ErrPasteLink
		}
		return Answer{}, ErrPasteNoAnswer
	}
	if inner, ok := scanned(query); ok {
		return inner.answer()
	}
	a, err := parseQuery(query)
	switch {
	case err == nil:
		return a, nil
	case errors.Is(err, errTwice):
		return Answer{}, ErrPasteTwice
	case errors.Is(err, errNoState) && (a.Error != "" || strings.Contains(before, "/")):
		return Answer{}, ErrPasteNoState
	case errors.Is(err, errNoState):
		return Answer{}, ErrPasteBareCode
	case strings.Contains(query, "response_type="), strings.Contains(p.text, linkPath):
		return Answer{}, ErrPasteLink
	}
	return Answer{}, ErrPasteNoAnswer
}

// scanned gives the address that a mail scanner or a search site wrapped into
// one of its own.
func scanned(query string) (piece, bool) {
	q, _ := url.ParseQuery(query) // what follows the address may be no query
	if q.Has("state") || q.Has("code") {
		return piece{}, false
	}
	for _, key := range []string{"url", "u", "q"} {
		if inner := q.Get(key); answerName.MatchString(inner) {
			return piece{text: inner}, true
		}
	}
	return piece{}, false
}

var bareCode = regexp.MustCompile(`^[A-Za-z0-9._~-]{16,}$`)

// codeAlone tells a code that came alone from anything else: one piece, wrapped
// once at most, long and with a digit, unlike words.
func codeAlone(text string) bool {
	ps := pieces(text)
	return len(ps) == 1 && len(ps[0].breaks) < 2 && bareCode.MatchString(ps[0].text) && strings.ContainsAny(ps[0].text, "0123456789")
}
