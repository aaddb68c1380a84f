package cronofy

import (
	"errors"
	"io/fs"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// sequences are those of ECMA-48 section 5.4 and 8.3, each finished: swallowing all
// that follows an unfinished one would let a sender hide an error's text, and
// without its first character it does nothing. A command string ends at any other
// sequence, as in terminals.
var sequences = regexp.MustCompile(strings.Join([]string{
	`(?:\x1b\[|\x{9b})[ -?]*[@-~]`, // CSI
	`(?:\x1b[PX\]^_]|[\x{90}\x{98}\x{9d}-\x{9f}])[^\a\x1b\x{80}-\x{9f}]*(?:\a|\x{9c}|\x1b\\)`, // DCS, SOS, OSC, PM, APC
	`\x1b[@-OQ-WYZ\\]`, // the other C1 functions in their 7-bit form
	`\x1b[ -/]+[0-~]`,  // with intermediate bytes
	`\x1b[0-?\x60-~]`,  // without
}, "|"))

// CleanText makes text from outside safe for one line of a terminal: ANSI
// sequences, control characters (C0, DEL, C1) and what cannot be seen are
// removed, line breaks and tabs become spaces, bytes that are not UTF-8 become
// U+FFFD. The result has at most limit runes; if text was cut the last is "…".
// Joiners stay between two characters of scripts or emoji that need them.
func CleanText(s string, limit int) string {
	if !isClean(s) {
		s = strip([]rune(sequences.ReplaceAllString(s, "")))
	}
	return cut(s, limit)
}

func isClean(s string) bool {
	return utf8.ValidString(s) && strings.IndexFunc(s, func(r rune) bool { return unsafeRune(r) || breaksLine(r) }) < 0
}

func unsafeRune(r rune) bool { return unicode.Is(unicode.Cc, r) || invisible(r) }

// invisible tells what a terminal or a person does not show: formatting (soft
// hyphen, zero-width spaces, bidirectional controls, tags), fillers and variation
// selectors. Two texts that differ only there look the same.
func invisible(r rune) bool {
	return unicode.In(r, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector) &&
		!unicode.Is(unicode.Prepended_Concatenation_Mark, r)
}

// joins tells whether the joiner at i stands where it shows: emoji are built with
// them, and scripts from Arabic on shape letters by them.
func joins(rs []rune, i int) bool {
	const first = '\u0600'
	shows := func(r rune) bool {
		return r >= first && !invisible(r) && unicode.In(r, unicode.L, unicode.M, unicode.So, unicode.Sk)
	}
	return unicode.Is(unicode.Join_Control, rs[i]) && i > 0 && i+1 < len(rs) && shows(rs[i-1]) && shows(rs[i+1])
}

func breaksLine(r rune) bool {
	return strings.ContainsRune("\n\r\t\v\f\u0085\u2028\u2029", r)
}

func strip(rs []rune) string {
	var b strings.Builder
	for i, r := range rs {
		switch {
		case r == '\r' && i+1 < len(rs) && rs[i+1] == '\n':
		case breaksLine(r):
			b.WriteByte(' ')
		case !unsafeRune(r), joins(rs, i):
			b.WriteRune(r)
		}
	}
	return b.String()
}

func cut(s string, limit int) string {
	if limit <= 0 {
		return ""
	}
	if len(s) <= limit || utf8.RuneCountInString(s) <= limit {
		return s
	}
	return string([]rune(s)[:limit-1]) + "…"
}

// FileReason is why a file could not be used, without its path, which the operator
// typed and knows. It is one line.
func FileReason(err error) string {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		err = path.Err
	}
	return CleanText(err.Error(), maxDetail)
}

// Thousands writes 100000 as 100,000.
func Thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
