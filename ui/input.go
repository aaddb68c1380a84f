package ui

import (
	"strings"

	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"confer/cronofy"
)

// mask stands for each character of a secret.
const mask = "•"

// maxPaste is how long an answer may be, in bytes. One more is kept, so that a
// longer one is refused and never cut to one that looks whole.
const maxPaste = 16 << 10

// input is one line of text that is being edited. Bubbles' textinput edits; the
// line is drawn here, because with the terminal's own cursor textinput puts it
// in the wrong cell of a text that is longer than its field or has wide
// characters (it counts runes from the text's beginning).
type input struct{ textinput.Model }

func newInput() *input {
	in := &input{textinput.New()}
	in.SetVirtualCursor(false)
	in.Focus()
	in.KeyMap.Paste.SetEnabled(false) // it would run a program; a paste comes from the terminal
	in.KeyMap.AcceptSuggestion.SetEnabled(false)
	in.KeyMap.NextSuggestion.SetEnabled(false)
	in.KeyMap.PrevSuggestion.SetEnabled(false)
	return in
}

func (in *input) set(s string) {
	in.SetValue(cronofy.CleanText(s, maxPaste+1))
	in.CursorEnd()
}

// update edits. A paste is trimmed, on one line and without control characters.
func (in *input) update(msg tea.Msg) {
	switch m := msg.(type) {
	case tea.PasteMsg:
		msg = tea.PasteMsg{Content: cronofy.CleanText(strings.TrimSpace(m.Content), maxPaste+1)}
	case tea.KeyPressMsg:
		m.Text = cronofy.CleanText(m.Text, maxPaste)
		msg = m
	}
	in.Model, _ = in.Update(msg)
}

// view gives the part of the text around the cursor that fits w cells, and the
// cursor's cell in it. What is left out is marked.
func (in *input) view(w int, secret bool) (text string, x int) {
	shown := []rune(in.Value())
	if secret {
		shown = []rune(strings.Repeat(mask, len(shown)))
	}
	at := in.Position()
	before := ansi.StringWidth(string(shown[:at]))
	if before+ansi.StringWidth(string(shown[at:])) < w {
		return string(shown), before
	}
	from, head := at, ""
	for room := w * 3 / 4; from > 0; from-- {
		if room -= ansi.StringWidth(string(shown[from-1])); room < 0 {
			head = "…"
			break
		}
	}
	text = ansi.Truncate(head+string(shown[from:]), max(1, w-1), "…")
	return text, min(w, ansi.StringWidth(head+string(shown[from:at])))
}

// whole is the text from its start, for a field without the focus.
func (in *input) whole(w int, secret bool) string {
	if secret {
		return cutTo(strings.Repeat(mask, len([]rune(in.Value()))), w)
	}
	return cutTo(in.Value(), w)
}
