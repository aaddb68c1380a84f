package callback

import (
	"errors"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"confer/cronofy"
)

// MaxPaste is the longest text that ParsePaste reads, in bytes.
const MaxPaste = 16 << 10

// What is wrong with a pasted text.
var (
	// ErrPasteNoState: a code or an error without its state, so nobody can tell whose it is.
	ErrPasteNoState = errors.New("the pasted address has no state")
	// ErrPasteLink: the authorization link or our short link, before the approval.
	ErrPasteLink = errors.New("the pasted address is the link to open, not the final address")
	// ErrPasteNoAnswer: nothing that a browser comes back with, more than one answer,
	// or a text longer than MaxPaste.
	ErrPasteNoAnswer = errors.New("the pasted text does not hold one answer")
)

// ParsePaste reads the answer from the final address of any browser, or from
// its query string: wrapped in lines, spaces, box characters or quotes, with the
// marks of a bracketed paste, inside a mail scanner's link, and with words before
// and after it. The same answer may be there twice. The state is not checked
// here. Errors are the ErrPaste ones.
func ParsePaste(text string) (Answer, error) {
	if len(text) > MaxPaste {
		return Answer{}, ErrPasteNoAnswer
	}
	var found *Answer
	wrong := ErrPasteNoAnswer
	for _, p := range pieces(text) {
		a, err := p.answer()
		switch {
		case err != nil:
			wrong = telling(wrong, err)
		case found != nil && !found.same(a):
			return Answer{}, ErrPasteNoAnswer
		default:
			found = &a
		}
	}
	if found == nil {
		return Answer{}, wrong
	}
	return *found, nil
}

func (a Answer) same(b Answer) bool {
	return a.State == b.State && a.Code.Equal(b.Code) && a.Error == b.Error
}

// telling is the error that says more about a text in which there are several.
func telling(a, b error) error {
	order := []error{ErrPasteNoState, ErrPasteLink, ErrPasteNoAnswer}
	return order[min(slices.Index(order, a), slices.Index(order, b))]
}

// answer reads a piece, which holds one address at most.
func (p piece) answer() (Answer, error) {
	query, ok := p.query()
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
	case err == ErrPasteNoState:
		return Answer{}, err
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

// piece is a part of a pasted text, without what terminals, mails and
// people put into an address. No address has any of it unescaped.
type piece struct {
	text   string
	breaks []int // where in text something was taken out: the end of a line, or of a word
}

// delimiters end an address, or the query in it: RFC 3986 allows none of them there.
const delimiters = "#\"'`<>[]{}|\u201c\u201d\u2018\u2019\u201e\u00ab\u00bb"

// address begins one, but for one that is the value of a parameter.
var address = regexp.MustCompile(`(?i)(^|[^=\s])(\s*)(https?://)`)

// pieces splits a text before each address, and at what cannot be inside of one.
func pieces(text string) []piece {
	text = strings.ReplaceAll(cronofy.CleanText(text, MaxPaste), "&amp;", "&")
	text = address.ReplaceAllString(text, "$1$2<$3")
	var all []piece
	var p piece
	end := func() {
		if p.text != "" {
			all = append(all, p)
		}
		p = piece{}
	}
	for _, word := range strings.FieldsFunc(text, wraps) {
		word = strings.TrimRight(strings.TrimLeft(strings.Map(visible, word), "|>"), "|") // a box's side, a mail's quote
		if word != "" && p.text != "" {
			p.breaks = append(p.breaks, len(p.text))
		}
		for i, part := range strings.FieldsFunc(" "+word+" ", func(r rune) bool { return strings.ContainsRune(delimiters, r) }) {
			if i > 0 {
				end()
			}
			p.text += strings.Trim(part, " ")
		}
	}
	end()
	return all
}

// wraps tells what stands between the lines of an address.
func wraps(r rune) bool {
	box := r >= 0x2500 && r <= 0x259f // box drawing and block elements
	return box || unicode.IsSpace(r)
}

func visible(r rune) rune {
	if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == unicode.ReplacementChar {
		return -1
	}
	return r
}

var (
	answerName = regexp.MustCompile(`(?:^|[^A-Za-z0-9_])(code|state|error)=`)
	ourState   = regexp.MustCompile(`^` + statePrefix + `[a-z2-7]{26}-[a-z2-7]{26}`)
	parameter  = regexp.MustCompile(`&[A-Za-z_][A-Za-z0-9_.-]*=`)
	oauthError = regexp.MustCompile(`^(access_denied|invalid_request|unauthorized_client|unsupported_response_type|invalid_scope|server_error|temporarily_unavailable)`)
)

// query finds the query string, without the words that follow it: browsers may
// leave "http://" out, and people copy from "code=" on.
func (p piece) query() (query string, ok bool) {
	start := p.firstName()
	mark := strings.IndexByte(p.text, '?')
	switch {
	case start < 0 && mark < 0:
		return "", false
	case start < 0:
		start = mark + 1
	case start > 0 && p.text[start-1] == '&':
		if mark := strings.LastIndexByte(p.text[:start], '?'); mark >= 0 {
			start = mark + 1
		}
	}
	return p.text[start:p.end(start)], true
}

// firstName is where the first parameter of an answer begins; -1 if none does.
func (p piece) firstName() int {
	at := -1
	if m := answerName.FindStringSubmatchIndex(p.text); m != nil {
		at = m[2]
	}
	for _, b := range p.breaks { // a name at the beginning of a line
		if m := answerName.FindStringIndex(p.text[b:]); m != nil && m[0] == 0 && (at < 0 || b < at) {
			at = b
		}
	}
	return at
}

// end is where the query string that begins at start ends.
func (p piece) end(start int) int {
	for {
		eq := strings.IndexByte(p.text[start:], '=')
		if eq < 0 {
			return len(p.text)
		}
		name, value := p.text[start:start+eq], start+eq+1
		next := len(p.text)
		if m := parameter.FindStringIndex(p.text[value:]); m != nil {
			next = value + m[0]
		}
		whole := 0
		switch name {
		case "state":
			whole = len(ourState.FindString(p.text[value:]))
		case "error":
			whole = len(oauthError.FindString(p.text[value:]))
		}
		switch last := next == len(p.text); {
		case whole > 0 && (last || value+whole < next):
			return value + whole
		case last && name == "state": // not ours, whatever it is
			return next
		case last:
			return p.lastEnd(value)
		}
		start = next + 1
	}
}

// lastEnd is where a value ends that nothing of the address follows: at the
// first break that was none of the address.
func (p piece) lastEnd(value int) int {
	end := len(p.text)
	for i, b := range p.breaks {
		if b > value && !p.goesOn(i) {
			end = b
			break
		}
	}
	return value + len(strings.TrimRight(p.text[value:end], ".,;:!?)*&\u2026"))
}

// goesOn tells whether what follows a break belongs to the address before it.
// Lines of one width do, and so does what looks like a code and unlike a word.
func (p piece) goesOn(i int) bool {
	at := append(append([]int{0}, p.breaks...), len(p.text))
	line, next := p.text[at[i]:at[i+1]], strings.TrimRight(p.text[at[i+1]:at[i+2]], ".,;:!?)*&")
	switch {
	case cutEscape.MatchString(line):
		return true
	case !ofAddress.MatchString(next):
		return false
	case len(next) == len(line):
		return true
	}
	width := 0
	for k := range i {
		width = max(width, at[k+1]-at[k])
	}
	const shortest = 6
	mixed := letter.MatchString(next) && digit.MatchString(next) || len(turn.FindAllString(next, 2)) == 2
	return i > 0 && len(line) >= width || len(next) >= shortest && mixed
}

var (
	cutEscape = regexp.MustCompile(`%[0-9A-Fa-f]?$`)
	ofAddress = regexp.MustCompile(`^[A-Za-z0-9._~%+/=-]+$`)
	letter    = regexp.MustCompile(`[A-Za-z]`)
	digit     = regexp.MustCompile(`[0-9]`)
	turn      = regexp.MustCompile(`[a-z][A-Z]`)
)
