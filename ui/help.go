package ui

import (
	"strings"

	"charm.land/bubbles/v2/key"
)

// bindings are all keys that work now, from the screen and from the Model.
func (m *Model) bindings() []key.Binding {
	f := m.frame()
	s := m.screen(m.page)
	out := s.bindings(f)
	if s.typing() {
		out = append(out, m.keys.helpTyping)
	} else {
		out = append(out, m.keys.help)
	}
	return append(out, m.keys.quit)
}

// helpLine shows as many keys as fit. The help itself and the way out stay.
func (m *Model) helpLine(w int) string {
	switch {
	case m.leaving:
		return m.keyLine([]key.Binding{as(m.keys.quit, "quit"), as(m.keys.back, "stay")}, w)
	case m.helping:
		return m.keyLine([]key.Binding{as(m.keys.back, "close the help"), m.keys.quit}, w)
	}
	return m.keyLine(m.bindings(), w)
}

const keyGap = " · "

func (m *Model) keyLine(all []key.Binding, w int) string {
	var on []key.Binding
	for _, b := range all {
		if b.Enabled() {
			on = append(on, b)
		}
	}
	fixed := min(2, len(on))
	for drop := len(on) - fixed; drop > 0 && keysWidth(on) > w; drop = len(on) - fixed {
		on = append(on[:drop-1:drop-1], on[drop:]...)
	}
	if keysWidth(on) > w {
		on = on[len(on)-1:]
	}
	parts := make([]string, len(on))
	for i, b := range on {
		parts[i] = m.st.key.Render(b.Help().Key) + " " + m.st.muted.Render(b.Help().Desc)
	}
	return strings.Join(parts, m.st.muted.Render(keyGap))
}

func keysWidth(bs []key.Binding) int {
	n := 0
	for i, b := range bs {
		if i > 0 {
			n += visible(keyGap)
		}
		n += visible(b.Help().Key) + 1 + visible(b.Help().Desc)
	}
	return n
}

// helpPage lists every key of the screen, and what went wrong in full.
func (m *Model) helpPage(f frame) page {
	var p page
	p.add(keep, m.st.title.Render("Keys"))
	var lines []string
	for _, b := range m.bindings() {
		if !b.Enabled() {
			continue
		}
		lines = append(lines, m.st.key.Render(pad(b.Help().Key, 11))+cutTo(b.Help().Desc, max(1, f.w-11)))
	}
	p.add(keep, lines...)
	if pr := m.state.Problem; pr != nil {
		p.add(keep, f.problem(pr)...)
	}
	if m.cfg.Version != "" {
		p.add(keep, m.st.muted.Render(cutTo("confer "+clean(m.cfg.Version), f.w)))
	}
	return p
}
