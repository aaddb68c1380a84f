package cronofy

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func TestCleanText(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"": "",
		"plain Ünïcode 日本 🇩🇪 👩‍🚀":            "plain Ünïcode 日本 🇩🇪 👩‍🚀",
		"a\x1b[31mred\x1b[0m":                "ared",
		"a\x1b[38;2;1;2;3mb":                 "ab",
		"a\u009b2Jb":                         "ab",
		"\x1b]0;title\a!":                    "!",
		"\x1b]8;;https://x.test\x1b\\link":   "link",
		"\u009d52;c;aGk=\u009c!":             "!",
		"\x1bPq#0\x1b\\sixel":                "sixel",
		"\x1b(0x\x1b7y\x1bMz":                "xyz",
		"\x1b[unfinished":                    "nfinished",
		"\x1b]0;a\x1b[31mb\a":                "]0;ab",
		"\x1b]unfinished":                    "]unfinished",
		"\x1b[\x1b[31mnested":                "[nested",
		"end\x1b":                            "end",
		"a\r\nb\nc\td\u2028e\u0085f":         "a b c d e f",
		"nul\x00 bell\a del\x7f c1\u0080":    "nul bell del c1",
		"ab\u202ecd\u2066ef\u200fgh\u061cij": "abcdefghij",
		"bad\xffbyte\x9b":                    "bad\ufffdbyte\ufffd",
		"\ufeffann\u200b@x\u00ad.test\u2060": "ann@x.test",
		"a\U000e0001\U000e0061\U000e007fb":   "ab",
		"x\ufe0f\u034f\u3164\u180e\u115fy":   "xy",
		"a\u200db\u200c c\u200d":             "ab c",
		"\u200d日\u200d\u200d本\u200d":         "日本",
		"نیم\u200cفاصله":                     "نیم\u200cفاصله",
	} {
		require.Equal(t, want, CleanText(in, 100), "%q", in)
	}
	require.Equal(t, "abc", CleanText("abc", 3))
	require.Equal(t, "ab…", CleanText("abcd", 3))
	require.Equal(t, "…", CleanText("abcd", 1))
	require.Equal(t, "", CleanText("abcd", 0))
	require.Equal(t, "日…", CleanText("日本語", 2))
}

// A megabyte of openings takes as many steps as a megabyte of letters: if each
// were searched to the end, this test would not finish.
func TestCleanTextIsLinear(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"\x1b]", "\u009d", "\x1b[0", "\x1b ", "\x1b"} {
		require.LessOrEqual(t, len([]rune(CleanText(strings.Repeat(s, maxAnswer/len(s)), 10))), 10)
	}
}

func FuzzCleanText(f *testing.F) {
	for _, s := range []string{"a\x1b[31mb", "\x1b]0;x\a", "\u009b2J\u202e", "\xff\xfe\x9b1m", "日本\r\n", "\x1b\x1b[[m"} {
		f.Add(s, 10)
	}
	f.Fuzz(func(t *testing.T, s string, limit int) {
		got := CleanText(s, limit)
		require.True(t, utf8.ValidString(got))
		require.LessOrEqual(t, utf8.RuneCountInString(got), max(0, limit))
		for _, r := range got {
			require.False(t, unicode.IsControl(r) || invisible(r) && !unicode.Is(unicode.Join_Control, r) || r == '\u2028' || r == '\u2029', "%q in %q", r, got)
		}
		require.Equal(t, got, CleanText(got, limit), "cleaning twice changes nothing")
	})
}

func TestThousands(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{7: "7", 1234: "1,234", 100_000: "100,000"} {
		require.Equal(t, want, Thousands(n))
	}
}
