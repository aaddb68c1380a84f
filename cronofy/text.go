package cronofy

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	esc  = '\x1b'
	bell = '\a'
	st   = '\u009c' // string terminator, 8-bit form
)

// CleanText makes text from outside safe for one line of a terminal: ANSI
// sequences, control characters (C0, DEL, C1) and what cannot be seen are
// removed, line breaks and tabs become spaces, bytes that are not UTF-8 become
// U+FFFD. The result has at most limit runes; if text was cut the last is "…".
// Sequences are those of ECMA-48 section 5.4 and 8.3. Joiners stay between two
// characters of scripts or emoji that need them.
func CleanText(s string, limit int) string {
	if !isClean(s) {
		s = strip([]rune(s))
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
	for i := 0; i < len(rs); {
		if n := sequence(rs[i:]); n > 0 {
			i += n
			continue
		}
		switch r := rs[i]; {
		case r == '\r' && i+1 < len(rs) && rs[i+1] == '\n':
		case breaksLine(r):
			b.WriteByte(' ')
		case !unsafeRune(r), joins(rs, i):
			b.WriteRune(r)
		}
		i++
	}
	return b.String()
}

// sequence is the length in runes of the control sequence that rs begins with,
// 0 if there is none. An unfinished one is no sequence: swallowing all that
// follows would let a sender hide an error's text, and without its first
// character it does nothing.
func sequence(rs []rune) int {
	if rs[0] == esc && len(rs) > 1 {
		if c1 := rs[1] + 0x40; c1 >= 0x80 && c1 <= 0x9f {
			return control(rs, c1, 2)
		}
		return escape(rs)
	}
	return control(rs, rs[0], 1)
}

// control measures what a C1 function, written in n runes, opens.
func control(rs []rune, c1 rune, n int) int {
	switch c1 {
	case '\u009b': // CSI
		for i := n; i < len(rs); i++ {
			if rs[i] >= 0x40 && rs[i] <= 0x7e {
				return i + 1
			}
			if rs[i] < 0x20 || rs[i] > 0x3f {
				return 0
			}
		}
		return 0
	case '\u0090', '\u0098', '\u009d', '\u009e', '\u009f': // DCS, SOS, OSC, PM, APC
		return commandString(rs, n)
	}
	if n == 2 {
		return n
	}
	return 0
}

// commandString stops at any other sequence, as terminals do. It also means that
// no rune is searched twice: the text's length is the sender's choice.
func commandString(rs []rune, from int) int {
	for i := from; i < len(rs); i++ {
		switch r := rs[i]; {
		case r == bell || r == st:
			return i + 1
		case r == esc && i+1 < len(rs) && rs[i+1] == '\\':
			return i + 2
		case r == esc || r >= 0x80 && r <= 0x9f:
			return 0
		}
	}
	return 0
}

// escape measures ESC, intermediate bytes, one final byte.
func escape(rs []rune) int {
	i := 1
	for i < len(rs) && rs[i] >= 0x20 && rs[i] <= 0x2f {
		i++
	}
	if i < len(rs) && rs[i] >= 0x30 && rs[i] <= 0x7e {
		return i + 1
	}
	return 0
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
