package callback

import (
	"cmp"
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
		a, err := answer(p)
		switch {
		case err != nil && wrong == ErrPasteNoAnswer: // anything else says more
			wrong = err
		case err != nil:
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

// answer reads a piece of a text, which holds one address at most.
func answer(piece string) (Answer, error) {
	q := query(piece)
	if inner, ok := scanned(q); ok {
		q = query(inner)
	}
	a, err := parseQuery(q)
	switch {
	case err == nil:
		return a, nil
	case err == ErrPasteNoState:
		return Answer{}, err
	case strings.Contains(q, "response_type="), strings.Contains(piece, linkPath):
		return Answer{}, ErrPasteLink
	}
	return Answer{}, ErrPasteNoAnswer
}

// scanned gives the address that a mail scanner or a search site wrapped into
// one of its own.
func scanned(query string) (string, bool) {
	q, _ := url.ParseQuery(query) // what follows the address may be no query
	inner := cmp.Or(q.Get("url"), q.Get("u"), q.Get("q"))
	return inner, !q.Has("state") && !q.Has("code") && strings.Contains(inner, "state=")
}

// delimiters end an address, or the query in it: RFC 3986 allows none of them there.
const delimiters = "#\"'`<>[]{}|\u201c\u201d\u2018\u2019\u201e\u00ab\u00bb"

// address begins one, but for one that is the value of a parameter.
var address = regexp.MustCompile(`(?i)(^|[^=\s])(\s*)(https?://)`)

// pieces splits a text before each address, and at what cannot be inside of one. What
// terminals, mails and people put between the parts of an address becomes a space.
func pieces(text string) []string {
	text = strings.ReplaceAll(cronofy.CleanText(text, MaxPaste), "&amp;", "&")
	var b strings.Builder
	for _, word := range strings.FieldsFunc(address.ReplaceAllString(text, "$1$2<$3"), wraps) {
		word = strings.Map(visible, word)
		b.WriteString(" " + strings.TrimRight(strings.TrimLeft(word, "|>"), "|")) // a box's side, a mail's quote
	}
	return strings.FieldsFunc(b.String(), func(r rune) bool { return strings.ContainsRune(delimiters, r) })
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

// query gives the parameters in a piece, without the spaces in them and the words
// around them. Browsers may leave "http://" out, and people copy from "code=" on.
func query(piece string) string {
	parts := strings.Split(piece, "&")
	for len(parts) > 1 && !strings.Contains(parts[len(parts)-1], "=") { // an ampersand between words
		parts = parts[:len(parts)-1]
	}
	lines := strings.Fields(strings.Join(parts, "&"))
	for i, part := range parts {
		key, value, _ := strings.Cut(part, "=")
		words := strings.Fields(key[strings.LastIndexByte(key, '?')+1:])
		if key = strings.Join(words, ""); len(words) > 1 && !slices.Contains(answerNames, key) {
			key = words[len(words)-1]
		}
		if i == len(parts)-1 {
			value = lastValue(key, value, lines)
		}
		parts[i] = key + "=" + strings.ReplaceAll(value, " ", "")
	}
	return strings.Join(parts, "&")
}

var (
	ourState    = regexp.MustCompile(`^` + statePrefix + `[a-z2-7]{26}-[a-z2-7]{26}`)
	oauthError  = regexp.MustCompile(`^(access_denied|invalid_request|unauthorized_client|unsupported_response_type|invalid_scope|server_error|temporarily_unavailable)`)
	ofAddress   = regexp.MustCompile(`^[\w.~%+/=-]+$`)
	unlikeAWord = regexp.MustCompile(`[0-9].*[A-Za-z]|[A-Za-z].*[0-9]|[a-z][A-Z]`)
)

// lastValue is the value that no parameter follows, without the words that do.
func lastValue(key, value string, lines []string) string {
	words, joined := strings.Fields(value), strings.ReplaceAll(value, " ", "")
	if key == "state" {
		return cmp.Or(ourState.FindString(joined), joined)
	}
	first := slices.IndexFunc(lines, func(line string) bool { return strings.ContainsAny(line, "/?=") })
	all := ""
	for i, word := range words {
		bare := strings.TrimRight(word, ".,;:!?)*\u2026")
		if i > 0 && !goesOn(lines[first:len(lines)-len(words)+i], bare) {
			break
		}
		if all += bare; bare != word { // the end of a sentence
			break
		}
	}
	if key == "error" {
		return cmp.Or(oauthError.FindString(joined), all)
	}
	return all
}

// goesOn tells whether a line is of the address whose lines stand before it: the last of
// them is none the shorter, or it is unlike a word.
func goesOn(before []string, line string) bool {
	last := len(before) - 1
	wrapped := last > 0 && !slices.ContainsFunc(before[:last], func(l string) bool { return len(l) > len(before[last]) })
	return ofAddress.MatchString(line) && (wrapped || unlikeAWord.MatchString(line))
}
