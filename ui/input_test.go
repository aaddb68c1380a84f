package ui

import (
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"github.com/stretchr/testify/require"

	"confer/flow"
)

func typed(in *input, keys ...string) {
	for _, k := range keys {
		if s, ok := strings.CutPrefix(k, "type:"); ok {
			in.update(tea.KeyPressMsg{Text: s})
			continue
		}
		in.update(keyMsg(k))
	}
}

func TestInputEdits(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		keys []string
		want string
		pos  int
	}{
		{[]string{"type:abc"}, "abc", 3},
		{[]string{"type:abc", "left", "backspace"}, "ac", 1},
		{[]string{"type:abc", "home", "delete"}, "bc", 0},
		{[]string{"type:abc", "home", "right", "type:X", "end", "type:Y"}, "aXbcY", 5},
		{[]string{"type:one two three", "ctrl+w"}, "one two ", 8},
		{[]string{"type:one two", "ctrl+u"}, "", 0},
		{[]string{"type:one two", "ctrl+a", "ctrl+k"}, "", 0},
		{[]string{"backspace", "delete", "left", "right"}, "", 0},
	} {
		in := newInput()
		typed(in, c.keys...)
		require.Equal(t, c.want, in.Value(), "%v", c.keys)
		require.Equal(t, c.pos, in.Position(), "%v", c.keys)
	}
}

// TestTheLibrarysCursorIsWrong is why the line is drawn here: of a text with wide
// characters, or longer than its field, textinput's own cursor is in another cell.
// When this fails, textinput can draw.
func TestTheLibrarysCursorIsWrong(t *testing.T) {
	t.Parallel()
	in := newInput()
	in.SetWidth(20)
	in.set("王小明")
	_, x := in.view(20, false)
	require.Equal(t, 6, x)
	require.NotEqual(t, x+ansi.StringWidth(in.Prompt), in.Cursor().X)
	in.set(strings.Repeat("abcdefghij", 9))
	typed(in, "left", "left", "left", "left", "left", "left", "left", "left")
	text, x := in.view(20, false)
	require.Equal(t, "c", string([]rune(text)[x]), "the cursor stands on the character that it is at")
	require.NotEqual(t, x+ansi.StringWidth(in.Prompt), in.Cursor().X)
}

// TestPasteIsCleaned: spaces around go, a line break never submits, and control
// characters never arrive.
func TestPasteIsCleaned(t *testing.T) {
	t.Parallel()
	in := newInput()
	in.update(tea.PasteMsg{Content: "  \x1b[31mk3Hn\u202e2cWq\x07\r\n"})
	require.Equal(t, "k3Hn2cWq", in.Value())
	in.set("")
	in.update(tea.PasteMsg{Content: "a\nb"})
	require.Equal(t, "a b", in.Value())

	m := newModel(t, walk(t, flow.Start(flow.Initial{}), toApplication()...))
	resize(m, 80, 24)
	press(m, "paste:"+testClient+"\n", "tab", "paste:"+testSecret+"\r\n")
	require.Nil(t, m.state.Running, "a line break in a paste submits nothing")
	press(m, "enter")
	check := m.state.Running.Effect.(flow.CheckApplication)
	require.Equal(t, testClient, check.Answers.ClientID)
	require.Equal(t, testSecret, check.Answers.ClientSecret.Reveal())
}

// TestWhatIsTooLongIsRefused, and never cut to what looks whole.
func TestWhatIsTooLongIsRefused(t *testing.T) {
	t.Parallel()
	m := newModel(t, walk(t, flow.Start(flow.Initial{}), toApplication()...))
	resize(m, 80, 24)
	press(m, "paste:"+strings.Repeat("a", maxEntry+1), "tab", "paste:"+testSecret, "enter")
	require.Nil(t, m.state.Running)
	require.Contains(t, text(m), "That is too long for the client id.")
	in := newInput()
	in.update(tea.PasteMsg{Content: strings.Repeat("ä", 20<<10)})
	require.Greater(t, len(in.Value()), maxPaste)
}

// TestCtrlVIsTheTerminals: no program is run to read a clipboard.
func TestCtrlVIsTheTerminals(t *testing.T) {
	t.Parallel()
	in := newInput()
	in.update(keyMsg("ctrl+v"))
	require.Empty(t, in.Value())
	_, cmd := in.Update(keyMsg("ctrl+v"))
	require.Nil(t, cmd)
}

// FuzzInput: whatever is typed, the cursor is inside and the view fits.
func FuzzInput(f *testing.F) {
	f.Add("abc", 3, 20)
	f.Add("👩‍🚀e\u0301\u0301王\u200d", 2, 3)
	f.Add("\xff\x1b[31m", 0, 1)
	f.Fuzz(func(t *testing.T, s string, left, w int) {
		if w < 1 || w > 200 || left < 0 || left > 1000 {
			return
		}
		in := newInput()
		in.update(tea.PasteMsg{Content: s})
		for range left {
			in.update(keyMsg("left"))
		}
		for _, secret := range []bool{false, true} {
			text, x := in.view(w, secret)
			require.LessOrEqual(t, ansi.StringWidth(text), w)
			require.True(t, x >= 0 && x <= w, "cursor at %d of %d", x, w)
		}
		typed(in, "type:x", "backspace")
		require.True(t, in.Position() >= 0 && in.Position() <= len([]rune(in.Value())))
	})
}
