package ui

import (
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"github.com/stretchr/testify/require"
)

// TestLatin: a key of another layout is the one at its place; one of a Latin
// layout is what it says.
func TestLatin(t *testing.T) {
	t.Parallel()
	plain := func(s string) tea.KeyPressMsg { return tea.KeyPressMsg{Code: []rune(s)[0], Text: s} }
	ctrl := func(code, base rune) tea.KeyPressMsg {
		return tea.KeyPressMsg{Code: code, BaseCode: base, Mod: tea.ModCtrl}
	}
	for name, c := range map[string]struct {
		key    tea.KeyPressMsg
		typing bool
		want   string
	}{
		"Russian Ctrl+C":                 {ctrl('с', 'c'), false, "ctrl+c"},
		"Russian Ctrl+C, no place":       {ctrl('с', 0), false, "ctrl+c"},
		"Serbian Ctrl+C":                 {ctrl('ц', 'c'), true, "ctrl+c"},
		"Greek Ctrl+C":                   {ctrl('ψ', 0), true, "ctrl+c"},
		"Arabic Ctrl+C":                  {ctrl('ؤ', 0), true, "ctrl+c"},
		"Hebrew Ctrl+C":                  {ctrl('ב', 0), true, "ctrl+c"},
		"Armenian Ctrl+C, a place":       {ctrl('գ', 'c'), true, "ctrl+c"},
		"Ctrl+C under Caps Lock":         {tea.KeyPressMsg{Code: 'с', Mod: tea.ModCtrl | tea.ModCapsLock}, false, "ctrl+c"},
		"Dvorak Ctrl+C":                  {ctrl('c', 'i'), false, "ctrl+c"},
		"French Ctrl+W":                  {ctrl('w', 'z'), true, "ctrl+w"},
		"German Ctrl+Z":                  {ctrl('z', 'y'), false, "ctrl+z"},
		"German Ctrl+Ö":                  {ctrl('ö', ';'), false, "ctrl+ö"},
		"a letter":                       {plain("щ"), false, "o"},
		"a capital":                      {tea.KeyPressMsg{Code: 'п', Text: "П", Mod: tea.ModShift}, false, "G"},
		"a letter in a field":            {plain("щ"), true, "щ"},
		"a digit":                        {plain("٣"), false, "3"},
		"a question mark":                {plain("؟"), false, "?"},
		"a wide letter":                  {plain("ｑ"), false, "q"},
		"a letter that lies nowhere":     {plain("漢"), false, "漢"},
		"an arrow":                       {tea.KeyPressMsg{Code: tea.KeyUp, Mod: tea.ModCtrl}, false, "ctrl+up"},
		"a Latin letter with a sign":     {plain("é"), false, "é"},
		"a letter with Alt, in a field":  {tea.KeyPressMsg{Code: 'и', Mod: tea.ModAlt}, true, "alt+b"},
		"several characters of one key":  {tea.KeyPressMsg{Code: tea.KeyExtended, Text: "لا"}, true, "لا"},
		"space":                          {tea.KeyPressMsg{Code: tea.KeySpace, Text: " "}, true, "space"},
		"Enter, as kitty writes it":      {tea.KeyPressMsg{Code: tea.KeyEnter, BaseCode: tea.KeyEnter}, true, "enter"},
		"a letter, with its whole place": {tea.KeyPressMsg{Code: 'ф', BaseCode: 'a', Text: "ф"}, false, "a"},
	} {
		require.Equal(t, c.want, latin(c.key, c.typing).String(), name)
	}
	for r, to := range places() {
		require.NotZero(t, to, "%c", r)
	}
}

// TestEveryPasteEnds: by Ctrl+C in each of its forms, and after a silence.
func TestEveryPasteEnds(t *testing.T) {
	t.Parallel()
	const begin, end = ansi.BracketedPasteStart, ansi.BracketedPasteEnd
	now := time.Now()
	type step struct {
		in    string
		after time.Duration
	}
	for name, c := range map[string]struct {
		steps []step
		want  string
		open  bool
	}{
		"whole":                  {steps: []step{{in: begin + "abc" + end + "x"}}, want: begin + "abc" + end + "x"},
		"in pieces":              {steps: []step{{in: "\x1b[20"}, {in: "0~ab"}, {in: "c\x1b[2", after: time.Second}, {in: "01~x", after: time.Second}}, want: begin + "abc" + end + "x"},
		"no end":                 {steps: []step{{in: begin + "abc"}}, want: begin + "abc", open: true},
		"a silence":              {steps: []step{{in: begin + "abc"}, {in: "x", after: pasteStall}}, want: begin + "abc" + end + "x"},
		"Ctrl+C":                 {steps: []step{{in: begin + "abc"}, {in: "\x03"}}, want: begin + "abc" + end + "\x03"},
		"Ctrl+C, kitty":          {steps: []step{{in: begin + "a\x1b[99;5u"}}, want: begin + "a\x1b[99;5" + end + "\x03"},
		"Ctrl+C, Cyrillic":       {steps: []step{{in: begin + "a\x1b[1089;5u"}}, want: begin + "a\x1b[1089;5" + end + "\x03"},
		"Ctrl+C, with its place": {steps: []step{{in: begin + "a\x1b[1094::99;133u"}}, want: begin + "a\x1b[1094::99;133" + end + "\x03"},
		"Ctrl+C, xterm":          {steps: []step{{in: begin + "a\x1b[27;5;99~"}}, want: begin + "a\x1b[27;5;99" + end + "\x03"},
		"another key":            {steps: []step{{in: begin + "a\x1b[98;5u\x1b[27;5;98~\x1b[99;2u"}}, want: begin + "a\x1b[98;5u\x1b[27;5;98~\x1b[99;2u", open: true},
		"no paste":               {steps: []step{{in: "\x03\x1b[99;5u" + end, after: time.Hour}}, want: "\x03\x1b[99;5u" + end},
		"much too long":          {steps: []step{{in: begin}, {in: strings.Repeat("y", pasteMost)}, {in: "yyy"}, {in: end + "x"}}, want: begin + strings.Repeat("y", pasteMost) + end + "x"},
	} {
		var g pasteGuard
		var got strings.Builder
		at := now
		for _, s := range c.steps {
			at = at.Add(s.after)
			got.Write(g.pass([]byte(s.in), at))
		}
		require.True(t, c.want == got.String(), "%s: %.80q", name, got.String())
		require.Equal(t, c.open, g.open, name)
	}
}

// TestASCIIKeepsEveryCell.
func TestASCIIKeepsEveryCell(t *testing.T) {
	t.Parallel()
	for _, s := range scenes() {
		shown := text(s.model(t, 80, 24))
		ascii := toASCII(shown)
		require.Equal(t, -1, strings.IndexFunc(ascii, func(r rune) bool { return r > 126 }), s.name)
		want, got := strings.Split(shown, "\n"), strings.Split(ascii, "\n")
		for i := range want {
			require.Equal(t, ansi.StringWidth(want[i]), ansi.StringWidth(got[i]), want[i])
		}
	}
	require.Equal(t, "+ * - ! x . > ? ??", toASCII(strings.Join([]string{signDone, signNow, signLater, signWarn, signBad, signMissing, signCursor, "é", "漢"}, " ")))
}

func TestDrawsASCII(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		env  map[string]string
		want bool
	}{
		{map[string]string{}, false},
		{map[string]string{"LANG": "C"}, true},
		{map[string]string{"LANG": "POSIX"}, true},
		{map[string]string{"LANG": "C.UTF-8"}, false},
		{map[string]string{"LANG": "de_DE.ISO-8859-1"}, true},
		{map[string]string{"LANG": "C", "LC_CTYPE": "en_US.utf8"}, false},
		{map[string]string{"LANG": "en_US.UTF-8", "LC_ALL": "C"}, true},
		{map[string]string{"LANG": "en_US.UTF-8", "TERM": "linux"}, true},
	} {
		require.Equal(t, c.want, DrawsASCII(func(name string) string { return c.env[name] }), c.env)
	}
}
