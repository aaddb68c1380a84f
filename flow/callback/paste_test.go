package callback

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	pastedCode  = "Zy8xWv6uTs4rQp2oNm0lKj9iHg7fEd5c"
	pastedState = "confer1-mfzwizlnmfzwizlnmfzwizlnma-nbswy3dpnbswy3dpnbswy3dpna"
	pasted      = "http://127.0.0.1:8739/callback?code=" + pastedCode + "&state=" + pastedState
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
	} {
		a, err := ParsePaste(text)
		require.NoError(t, err, name)
		require.Equal(t, pastedCode, a.Code.Reveal(), name)
		require.Equal(t, pastedState, a.State, name)
		require.Empty(t, a.ID+a.Error+a.Description, name)
	}
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
		pastedCode: ErrPasteBareCode,
		" " + pastedCode[:9] + "\n" + pastedCode[9:]:                         ErrPasteBareCode,
		"code=" + pastedCode:                                                 ErrPasteBareCode,
		"http://127.0.0.1:8739/callback?code=" + pastedCode:                  ErrPasteBareCode,
		"?error=access_denied":                                               ErrPasteNoState,
		pasted + "\n" + pasted:                                               ErrPasteTwice,
		pasted + "&state=x":                                                  ErrPasteTwice,
		pasted + "&code=x":                                                   ErrPasteTwice,
		pasted + "&error=access_denied":                                      ErrPasteTwice,
		"http://127.0.0.1:8739/go/mfzwizlnmfzwizlnmfzwizlnma":                ErrPasteLink,
		"https://app.cronofy.com/oauth/authorize?response_type=code&state=s": ErrPasteLink,
		pasted + strings.Repeat("x", MaxPaste):                               ErrPasteTooLong,
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
