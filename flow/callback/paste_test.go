package callback

import (
	"net/url"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

const (
	pastedCode  = "Zy8xWv6uTs4rQp2oNm0lKj9iHg7fEd5c"
	pastedState = "confer1-mfzwizlnmfzwizlnmfzwizlnma-nbswy3dpnbswy3dpnbswy3dpna"
	pasted      = "http://127.0.0.1:8739/callback?code=" + pastedCode + "&state=" + pastedState
	stateFirst  = "http://127.0.0.1:8739/callback?state=" + pastedState + "&code=" + pastedCode
)

func TestParsePasteReadsWhatPeopleCopy(t *testing.T) {
	t.Parallel()
	half := len(pasted) / 2
	for name, text := range map[string]string{
		"address":              pasted,
		"query":                "?code=" + pastedCode + "&state=" + pastedState,
		"query without mark":   "state=" + pastedState + "&code=" + pastedCode,
		"no scheme":            strings.TrimPrefix(pasted, "http://"),
		"other parameters":     pasted + "&iss=https%3A%2F%2Fapp.example.test&scope=a+b",
		"fragment":             pasted + "#_=_",
		"https":                strings.Replace(pasted, "http://127.0.0.1:8739", "https://app.example.test", 1),
		"lines":                pasted[:20] + "\n" + pasted[20:half] + "\r\n" + pasted[half:] + "\n",
		"indented lines":       "  " + pasted[:half] + "   \n    " + pasted[half:] + "  ",
		"newlines as spaces":   pasted[:half] + " " + pasted[half:],
		"box":                  "╭────╮\n│ " + pasted[:half] + " │\n│ " + pasted[half:] + " │\n╰────╯",
		"plain box":            "| " + pasted[:half] + " |\n| " + pasted[half:] + " |",
		"mail quote":           "> " + pasted[:half] + "\n> " + pasted[half:],
		"angle brackets":       "<" + pasted + ">",
		"quotes":               "“" + pasted + "”",
		"shell quotes":         "'" + pasted + "'",
		"bracketed paste":      "\x1b[200~" + pasted + "\x1b[201~",
		"paste without escape": "[200~" + pasted + "[201~",
		"colours":              "\x1b[34m" + pasted[:half] + "\x1b[0m" + pasted[half:],
		"invisible":            "\ufeff" + pasted[:half] + "\u200b\u202e" + pasted[half:],
		"markup":               strings.Replace(pasted, "&", "&amp;", 1),
		"mail scanner":         "https://eur01.scanner.example.test/?url=" + url.QueryEscape(pasted) + "&data=05%7C01",
		"words before":         "the page says: " + pasted,
		"question before":      "What? Is it this? " + pasted,
		"link before":          "I opened https://app.example.test/?x=1 and got " + pasted,
		"words after":          pasted + " Thanks, Bob",
		"words glued on":       pasted + "Thanks, Bob",
		"words with marks":     pasted + " Thanks & bye? See https://example.test/?a=b#c",
		"full stop":            pasted + ".",
		"comma":                pasted + ", I hope",
		"in parentheses":       "(" + pasted + ").",
		"signature":            pasted + "\n\n-- \nBob Stone\nhttps://www.example.test/?code=1\n",
		"wrapped, signature":   pasted[:half] + "\n" + pasted[half:] + "\nThanks\nBob",
		"chat link":            "<" + pasted + "|the address>",
		"chat link, twice":     "<" + pasted + "|" + pasted + "> there",
		"markdown":             "[" + pasted + "](" + pasted + ")",
		"markdown with words":  "see [this](" + pasted + "), please",
		"twice":                pasted + "\n" + pasted,
		"link and address":     "Link: https://app.example.test/oauth/authorize?response_type=code&state=" + pastedState + "\nEnd: " + pasted,
		"state first":          stateFirst,
		"state first, words":   stateFirst + " Thanks, Bob",
		"state first, stop":    stateFirst + ".",
		"state first, quoted":  "<" + stateFirst + "|address> ok",
		"state first, wrapped": stateFirst[:40] + "\n  " + stateFirst[40:80] + "\n  " + stateFirst[80:120] + "\n  " + stateFirst[120:] + "\nThanks, Bob",
		"state first, halves":  stateFirst[:len(stateFirst)-12] + " " + stateFirst[len(stateFirst)-12:] + " Thanks",
	} {
		a, err := ParsePaste(text)
		require.NoError(t, err, name)
		require.Equal(t, pastedCode, a.Code.Reveal(), name)
		require.Equal(t, pastedState, a.State, name)
		require.Empty(t, a.Error+a.Description, name)
	}
}

// TestParsePasteJoinsTheLastValue: wherever a line of an address ends, and whatever is
// left of it for the last one.
func TestParsePasteJoinsTheLastValue(t *testing.T) {
	t.Parallel()
	for tail, read := range map[string]func(Answer) string{
		"&code=Zy8xWv6uTs4rQp2oVmlc":   func(a Answer) string { return a.Code.Reveal() },
		"&code=Zy8xWv6uTs4rQp2o271828": func(a Answer) string { return a.Code.Reveal() },
		"&error=access_denied":         func(a Answer) string { return a.Error },
	} {
		address := "http://127.0.0.1:8739/callback?state=" + pastedState + tail
		for width := 12; width < len(address); width++ {
			for _, words := range []string{"", "\n\nThanks\nBob"} {
				a, err := ParsePaste(strings.Join(wrapped(address, width), "\n> ") + words)
				require.NoError(t, err)
				require.Equal(t, pastedState, a.State)
				alike := len(address)%width == 0 && words != "" // nobody can tell that a full line was the last
				if alone := len(address) <= 2*width; tail[1] == 'e' || !alone && !alike {
					require.Equal(t, tail[strings.Index(tail, "=")+1:], read(a), "width %d", width)
				}
			}
		}
	}
}

func wrapped(s string, width int) (lines []string) {
	for len(s) > width {
		lines, s = append(lines, s[:width]), s[width:]
	}
	return append(lines, s)
}

func TestParsePasteKeepsPercentEncoding(t *testing.T) {
	t.Parallel()
	a, err := ParsePaste("http://127.0.0.1:8739/callback?code=a%2Bb%252F%3D&sta\nte=x%2\nDy")
	require.NoError(t, err)
	require.Equal(t, "a+b%2F=", a.Code.Reveal())
	require.Equal(t, "x-y", a.State)
}

func TestParsePasteReadsARefusal(t *testing.T) {
	t.Parallel()
	a, err := ParsePaste("http://127.0.0.1:8739/callback?error=access_denied&error_description=%1b%5b31mNo%1b%5b0m%07+thanks%0A%E2%80%AE&state=s")
	require.NoError(t, err)
	require.Equal(t, "access_denied", a.Error)
	require.Equal(t, "No thanks", strings.TrimSpace(a.Description))
	require.True(t, a.Code.Empty())
}

func TestParsePasteRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]error{
		"":                                       ErrPasteNoAnswer,
		"   \n ":                                 ErrPasteNoAnswer,
		"hello":                                  ErrPasteNoAnswer,
		"it says it cannot be reached":           ErrPasteNoAnswer,
		"http://127.0.0.1:8739/callback":         ErrPasteNoAnswer,
		"http://127.0.0.1:8739/callback?state=s": ErrPasteNoAnswer,
		"http://127.0.0.1:8739/callback?code=&state=s":      ErrPasteNoAnswer,
		"http://127.0.0.1:8739/callback?code=a%00b&state=s": ErrPasteNoAnswer,
		"http://127.0.0.1:8739/callback?code=a;b&state=s":   ErrPasteNoAnswer,
		"http://127.0.0.1:8739/callback?code=%zz&state=s":   ErrPasteNoAnswer,
		"a=b":      ErrPasteNoAnswer,
		pastedCode: ErrPasteNoAnswer,
		" " + pastedCode[:9] + "\n" + pastedCode[9:]:                         ErrPasteNoAnswer,
		"code=" + pastedCode:                                                 ErrPasteNoState,
		"?code=" + pastedCode:                                                ErrPasteNoState,
		"http://127.0.0.1:8739/callback?code=" + pastedCode:                  ErrPasteNoState,
		"127.0.0.1:8739/callback?code=" + pastedCode + " it says":            ErrPasteNoState,
		"?error=access_denied":                                               ErrPasteNoState,
		pasted + "\n" + strings.Replace(pasted, "Zy8x", "Zy9x", 1):           ErrPasteNoAnswer,
		pasted + " " + strings.Replace(pasted, "confer1-m", "confer1-n", 1):  ErrPasteNoAnswer,
		pasted + "&state=x":                                                  ErrPasteNoAnswer,
		pasted + "&code=x":                                                   ErrPasteNoAnswer,
		pasted + "&error=access_denied":                                      ErrPasteNoAnswer,
		"http://127.0.0.1:8739/go/mfzwizlnmfzwizlnmfzwizlnma":                ErrPasteLink,
		"https://app.cronofy.com/oauth/authorize?response_type=code&state=s": ErrPasteLink,
		pasted + strings.Repeat("x", MaxPaste):                               ErrPasteNoAnswer,
	} {
		a, err := ParsePaste(text)
		require.ErrorIs(t, err, want, text)
		require.Zero(t, a, text)
	}
}

func TestParsePasteReadsUpToTheLimit(t *testing.T) {
	t.Parallel()
	long := "?state=s&code=" + strings.Repeat("c", MaxPaste-len("?state=s&code="))
	a, err := ParsePaste(long)
	require.NoError(t, err)
	require.Len(t, a.Code.Reveal(), MaxPaste-len("?state=s&code="))
}

// FuzzParsePasteInProse: whatever stands before or after a good address, on
// lines of its own or after a space, the answer is the same.
func FuzzParsePasteInProse(f *testing.F) {
	for _, words := range []string{"Thanks, Bob", "-- \nBob Stone\nHead of IT", "What? 1 & 2; see (3).", "It is a\tpage: *nothing* > there", "100% \"sure\" \u201eja\u201c", "a=b&c", "|x|"} {
		f.Add(words, words, uint8(0))
		f.Add("", words, uint8(5))
		f.Add(words, "", uint8(2))
	}
	f.Fuzz(func(t *testing.T, before, after string, kind uint8) {
		if prose := before + "\n" + after; strings.ContainsAny(prose, "=#%") || strings.Contains(prose, "://") || len(prose) > 4000 || hidden(prose) {
			return // may be an address, or hide one
		}
		gaps := []string{" ", "\n", "\r\n\r\n"}
		address := []string{pasted, stateFirst}[kind%2]
		if w := firstWord(after); address == stateFirst && unlikeAWord.MatchString(w) {
			return // may be the code's end
		}
		gap := gaps[int(kind/2)%len(gaps)]
		a, err := ParsePaste(before + gap + address + gap + after)
		require.NoError(t, err)
		require.Equal(t, pastedCode, a.Code.Reveal())
		require.Equal(t, pastedState, a.State)
	})
}

func firstWord(text string) string {
	for _, w := range strings.Fields(text) {
		return w
	}
	return ""
}

// hidden tells whether a text has more than letters, digits, signs and spaces: a
// control sequence takes away what follows it.
func hidden(text string) bool {
	return !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) && !unicode.IsSpace(r) })
}

func FuzzParsePaste(f *testing.F) {
	for _, seed := range []string{pasted, "?error=a&state=b", "| x |\n> y", "\x1b[200~code=a&state=b\x1b[201~", "http://a/?url=http%3A%2F%2Fb%3Fcode%3Dc%26state%3Dd", "://?", "\xff\xfe"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, err := ParsePaste(text)
		if err != nil {
			require.Zero(t, a)
			require.NotContains(t, err.Error(), "\x1b")
			return
		}
		require.NotEmpty(t, a.State)
		require.NotEqual(t, a.Code.Empty(), a.Error == "", "one of code and error")
		for _, shown := range []string{a.Error, a.Description} {
			require.NotContains(t, shown, "\x1b")
			require.NotContains(t, shown, "\u202e")
		}
	})
}
