package ui

import (
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
	"github.com/stretchr/testify/require"

	"confer/flow"
)

func typed(t *testing.T, in *input, keys ...string) {
	t.Helper()
	for _, k := range keys {
		if s, ok := strings.CutPrefix(k, "type:"); ok {
			in.insert(s)
			continue
		}
		require.True(t, in.press(keyMsg(k)), k)
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
		{[]string{"type:e\u0301", "type:👩‍🚀", "backspace"}, "e\u0301", 1},
		{[]string{"type:e\u0301", "backspace"}, "", 0},
		{[]string{"backspace", "delete", "left", "right"}, "", 0},
	} {
		in := newInput(100)
		typed(t, &in, c.keys...)
		require.Equal(t, c.want, in.value(), "%v", c.keys)
		require.Equal(t, c.pos, in.pos, "%v", c.keys)
	}
}

// TestPasteIsCleaned: spaces around go, a line break never submits, and control
// characters never arrive.
func TestPasteIsCleaned(t *testing.T) {
	t.Parallel()
	in := newInput(100)
	in.paste("  \x1b[31mk3Hn\u202e2cWq\x07\r\n")
	require.Equal(t, "k3Hn2cWq", in.value())
	in.set("")
	in.paste("a\nb")
	require.Equal(t, "a b", in.value())

	m := newModel(t, walk(t, flow.Start(flow.Found{}), toApplication()...))
	resize(m, 80, 24)
	press(m, "paste:"+testClient+"\n", "tab", "paste:"+testSecret+"\r\n")
	require.Nil(t, m.state.Running, "a line break in a paste submits nothing")
	press(m, "enter")
	check := m.state.Running.Effect.(flow.CheckApplication)
	require.Equal(t, testClient, check.Answers.ClientID)
	require.Equal(t, testSecret, check.Answers.ClientSecret.Reveal())
}

func TestInputHasALimit(t *testing.T) {
	t.Parallel()
	in := newInput(10)
	in.insert(strings.Repeat("ä", 50))
	require.Equal(t, strings.Repeat("ä", 5), in.value())
	in.insert("x")
	require.Equal(t, strings.Repeat("ä", 5), in.value())
}

// TestCtrlVIsTheTerminals: no program is run to read a clipboard.
func TestCtrlVIsTheTerminals(t *testing.T) {
	t.Parallel()
	in := newInput(10)
	require.False(t, in.press(keyMsg("ctrl+v")))
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
		in := newInput(400)
		in.paste(s)
		for range left {
			in.press(keyMsg("left"))
		}
		for _, secret := range []bool{false, true} {
			text, x := in.view(w, secret)
			require.LessOrEqual(t, ansi.StringWidth(text), w)
			require.True(t, x >= 0 && x <= w, "cursor at %d of %d", x, w)
		}
		in.insert("x")
		in.press(keyMsg("backspace"))
		require.True(t, in.pos >= 0 && in.pos <= len(in.parts))
		require.LessOrEqual(t, len(in.value()), 400)
	})
}
