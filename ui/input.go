package ui

import (
	"strings"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"confer/cronofy"
)

// mask stands for each character of a secret.
const mask = "•"

// input is one line of text that is being edited, in grapheme clusters, so that
// the cursor never stands inside a character. It shows the terminal's own
// cursor and leaves ctrl+v to the terminal: no program is run for a paste.
type input struct {
	parts []string // grapheme clusters
	pos   int      // of the cursor, in clusters
	limit int      // in bytes
	keys  inputKeys
}

type inputKeys struct {
	left, right, wordLeft, wordRight, start, end     key.Binding
	delLeft, delRight, delWord, delToStart, delToEnd key.Binding
}

func newInput(limit int) input {
	b := func(keys ...string) key.Binding { return key.NewBinding(key.WithKeys(keys...)) }
	return input{limit: limit, keys: inputKeys{
		left: b("left", "ctrl+b"), right: b("right", "ctrl+f"),
		wordLeft: b("ctrl+left", "alt+left", "alt+b"), wordRight: b("ctrl+right", "alt+right", "alt+f"),
		start: b("home", "ctrl+a"), end: b("end", "ctrl+e"),
		delLeft: b("backspace", "ctrl+h"), delRight: b("delete", "ctrl+d"),
		delWord: b("ctrl+w", "alt+backspace", "ctrl+backspace"), delToStart: b("ctrl+u"), delToEnd: b("ctrl+k"),
	}}
}

func (in *input) value() string { return strings.Join(in.parts, "") }

func (in *input) set(s string) {
	in.parts = clusters(cronofy.CleanText(s, in.limit))
	in.pos = len(in.parts)
}

// paste takes a whole text: trimmed, one line, no control characters.
func (in *input) paste(s string) {
	in.insert(cronofy.CleanText(strings.TrimSpace(s), in.limit+1))
}

func (in *input) insert(s string) {
	var added []string
	for room := in.limit - len(in.value()); s != ""; {
		c, _ := ansi.FirstGraphemeCluster(s, ansi.GraphemeWidth)
		if room -= len(c); room < 0 || c == "" {
			break
		}
		added, s = append(added, c), s[len(c):]
	}
	head := strings.Join(in.parts[:in.pos], "") + strings.Join(added, "")
	in.parts = clusters(head + strings.Join(in.parts[in.pos:], ""))
	in.pos = min(len(clusters(head)), len(in.parts))
}

// press edits; it tells whether the key was its.
func (in *input) press(k tea.KeyPressMsg) bool {
	n := len(in.parts)
	switch {
	case key.Matches(k, in.keys.left):
		in.pos = max(0, in.pos-1)
	case key.Matches(k, in.keys.right):
		in.pos = min(n, in.pos+1)
	case key.Matches(k, in.keys.wordLeft):
		in.pos = in.wordStart()
	case key.Matches(k, in.keys.wordRight):
		in.pos = in.wordEnd()
	case key.Matches(k, in.keys.start):
		in.pos = 0
	case key.Matches(k, in.keys.end):
		in.pos = n
	case key.Matches(k, in.keys.delLeft):
		in.remove(max(0, in.pos-1), in.pos)
	case key.Matches(k, in.keys.delRight):
		in.remove(in.pos, min(n, in.pos+1))
	case key.Matches(k, in.keys.delWord):
		in.remove(in.wordStart(), in.pos)
	case key.Matches(k, in.keys.delToStart):
		in.remove(0, in.pos)
	case key.Matches(k, in.keys.delToEnd):
		in.remove(in.pos, n)
	case k.Text != "":
		in.insert(cronofy.CleanText(k.Text, in.limit))
	default:
		return false
	}
	return true
}

func (in *input) remove(from, to int) {
	in.parts = append(in.parts[:from:from], in.parts[to:]...)
	in.pos = from
}

func (in *input) wordStart() int {
	i := in.pos
	for i > 0 && in.parts[i-1] == " " {
		i--
	}
	for i > 0 && in.parts[i-1] != " " {
		i--
	}
	return i
}

func (in *input) wordEnd() int {
	i := in.pos
	for i < len(in.parts) && in.parts[i] == " " {
		i++
	}
	for i < len(in.parts) && in.parts[i] != " " {
		i++
	}
	return i
}

// view gives the part of the text around the cursor that fits w cells, and the
// cursor's cell in it. What is left out is marked.
func (in *input) view(w int, secret bool) (text string, x int) {
	shown := in.parts
	if secret {
		shown = strings.Split(strings.Repeat(mask, len(in.parts)), "")
	}
	before := ansi.StringWidth(strings.Join(shown[:in.pos], ""))
	if before+ansi.StringWidth(strings.Join(shown[in.pos:], "")) < w {
		return strings.Join(shown, ""), before
	}
	from, head := in.pos, ""
	for room := w * 3 / 4; from > 0; from-- {
		if room -= ansi.StringWidth(shown[from-1]); room < 0 {
			head = "…"
			break
		}
	}
	text = ansi.Truncate(head+strings.Join(shown[from:], ""), max(1, w-1), "…")
	return text, ansi.StringWidth(head + strings.Join(shown[from:in.pos], ""))
}

// whole is the text from its start, for a field without the focus.
func (in *input) whole(w int, secret bool) string {
	if secret {
		return cutTo(strings.Repeat(mask, len(in.parts)), w)
	}
	return cutTo(in.value(), w)
}

func clusters(s string) []string {
	var out []string
	for s != "" {
		c, _ := ansi.FirstGraphemeCluster(s, ansi.GraphemeWidth)
		if c == "" {
			break
		}
		out = append(out, c)
		s = s[len(c):]
	}
	return out
}
