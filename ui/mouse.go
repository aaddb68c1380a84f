package ui

import (
	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"
)

// spot is what a click on a line, or on a part of it, is for.
type spot struct {
	point func() bool // moves the cursor there, and tells whether it was there already; nil: there is none
	key   string      // pressed unless the cursor has moved
}

// region is a spot as it was drawn last.
type region struct {
	y, from, to int
	spot
}

// pointing makes the spots of n lines.
func pointing(n int, key string, at func(i int) bool) []spot {
	out := make([]spot, n)
	for i := range out {
		out[i] = spot{func() bool { return at(i) }, key}
	}
	return out
}

// mouse tells whether clicks and the wheel are asked for. A terminal that reports
// them does not select text, or only with Shift held, which few people know; and
// on some pages selecting is what people do: a link, a message or a command is
// there to be copied. So the mouse is off on those, until a key turns it on, and
// on where there is something to choose or to scroll, until the key turns it off.
func (m *Model) mouse() bool {
	if m.mouseSays != nil {
		return *m.mouseSays
	}
	if m.table() != nil {
		return true
	}
	p := m.page()
	copies := p.Link != "" || p.Text != nil
	for _, n := range append(p.Found, p.Notes...) {
		copies = copies || n.Command != ""
	}
	return !copies
}

// regions are where clicks count, in the window as it was drawn.
func (m *Model) regions(l layout, p fitted, keys []key.Binding) []region {
	var out []region
	for i, s := range p.spots {
		out = append(out, region{l.pageY + i, l.pageX, l.pageX + l.pageW, s})
	}
	x, y := l.margin, l.height-1
	for i, b := range keys {
		w := keysWidth([]key.Binding{b})
		if i > 0 {
			x += visible(keyGap)
		}
		if name := b.Keys()[0]; name != keyQuit.Keys()[0] { // by mistake it would cost too much
			out = append(out, region{y, x, x + w, spot{key: name}})
		}
		x += w
	}
	return out
}

func (m *Model) click(msg tea.MouseClickMsg) tea.Cmd {
	if msg.Button != tea.MouseLeft {
		return nil
	}
	for _, r := range m.drawn {
		if msg.Y == r.y && msg.X >= r.from && msg.X < r.to {
			cmd := m.clicked(r.spot)
			m.sync()
			return cmd
		}
	}
	return nil
}

// clicked does what a spot is for. What has the cursor already is taken.
func (m *Model) clicked(s spot) tea.Cmd {
	m.leaving = m.leaving && s.point == nil
	if s.point != nil && !s.point() || s.key == "" {
		return nil
	}
	return m.press(keyNamed(s.key))
}

// wheel moves what the arrows move, and scrolls where they do.
func (m *Model) wheel(msg tea.MouseWheelMsg) {
	by := 1
	switch msg.Button {
	case tea.MouseWheelUp:
		by = -1
	case tea.MouseWheelDown:
	default:
		return
	}
	switch c := m.form().choice; {
	case m.helping || m.scrolls:
		m.view, _ = m.view.Update(msg)
	case m.table() != nil:
		m.profile.rows.move(by * m.view.MouseWheelDelta)
	case c != nil:
		c.move(c.line() + by)
	}
}

// keyNamed is a press of a key by its name.
func keyNamed(name string) tea.KeyPressMsg {
	if code, ok := namedKeys[name]; ok {
		return tea.KeyPressMsg{Code: code}
	}
	return tea.KeyPressMsg{Code: []rune(name)[0], Text: name}
}

// namedKeys are those in the line of keys that make no character.
var namedKeys = map[string]rune{
	"enter": tea.KeyEnter, "esc": tea.KeyEscape, "tab": tea.KeyTab, "up": tea.KeyUp, "right": tea.KeyRight,
	"pgup": tea.KeyPgUp, "home": tea.KeyHome, "f1": tea.KeyF1, "f2": tea.KeyF2,
}
