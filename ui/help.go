package ui

import (
	"slices"
	"strings"

	"charm.land/bubbles/v2/key"
)

// bindings are all keys that work now, from the screen and from the Model.
func (m *Model) bindings() []key.Binding {
	return m.around(m.screen(m.page).bindings(m.frame()))
}

// brief is for screens that list some of their keys themselves.
type brief interface {
	briefly(f frame) []key.Binding
}

// helper is for screens whose help is more than keys.
type helper interface {
	helps(f frame) []string
}

// around adds the Model's own keys to a screen's.
func (m *Model) around(out []key.Binding) []key.Binding {
	s := m.screen(m.page)
	if m.cut(-1) || m.cut(1) {
		out = slices.Insert(slices.Clone(out), min(2, len(out)), bind("↑/↓", "more", "up", "down", "pgup", "pgdown"))
	}
	if s.typing() {
		return append(out, m.keys.helpTyping, m.keys.quit)
	}
	if at := slices.IndexFunc(out, func(b key.Binding) bool { return b.Help() == m.keys.leave.Help() }); at >= 0 {
		leave := out[at] // it names ctrl+c too
		return append(slices.Delete(slices.Clone(out), at, at+1), m.keys.help, leave)
	}
	return append(out, m.keys.help, m.keys.quit)
}

// helpLine shows as many keys as fit. The help itself and the way out stay.
func (m *Model) helpLine(w int) string {
	switch {
	case m.leaving:
		return m.keyLine([]key.Binding{as(m.keys.quit, "quit"), as(m.keys.back, "stay")}, w)
	case m.helping:
		return m.keyLine([]key.Binding{as(m.keys.back, "close the help"), m.keys.quit}, w)
	}
	if b, ok := m.screen(m.page).(brief); ok {
		return m.keyLine(m.around(b.briefly(m.frame())), w)
	}
	return m.keyLine(m.bindings(), w)
}

const keyGap = " · "

// keyLine shows as many keys as fit: the first two of the screen, the help and
// the way out before all others.
func (m *Model) keyLine(all []key.Binding, w int) string {
	on := slices.DeleteFunc(slices.Clone(all), func(b key.Binding) bool { return !b.Enabled() })
	var chosen []int
	for _, i := range byNeed(len(on)) {
		chosen = append(chosen, i)
		slices.Sort(chosen)
		if keysWidth(on, chosen) > w {
			chosen = slices.DeleteFunc(chosen, func(at int) bool { return at == i })
		}
	}
	slices.SortStableFunc(chosen, func(a, b int) int { return seat(on[a]) - seat(on[b]) })
	parts := make([]string, len(chosen))
	for i, at := range chosen {
		parts[i] = m.st.key.Render(on[at].Help().Key) + " " + m.st.muted.Render(on[at].Help().Desc)
	}
	return strings.Join(parts, m.st.muted.Render(keyGap))
}

// byNeed gives the indexes of n keys, most needed first; help and quit are the
// last two of the list.
func byNeed(n int) []int {
	var out []int
	for i := range n {
		out = append(out, i)
	}
	if n < 4 {
		return out
	}
	need := append([]int{0, n - 2, 1, n - 1}, out[2:n-2]...)
	return need
}

// seat puts moving before acting, and leaving last.
func seat(b key.Binding) int {
	switch b.Help().Key {
	case "↑/↓":
		return 0
	case "/", "tab":
		return 1
	case "enter":
		return 2
	case "esc":
		return 4
	case "?", "f1":
		return 5
	case "q/ctrl+c", "ctrl+c":
		return 6
	}
	return 3
}

func keysWidth(bs []key.Binding, chosen []int) int {
	n := 0
	for i, at := range chosen {
		if i > 0 {
			n += visible(keyGap)
		}
		n += visible(bs[at].Help().Key) + 1 + visible(bs[at].Help().Desc)
	}
	return n
}

// helpPage lists every key of the screen, and what went wrong in full.
func (m *Model) helpPage(f frame, all []key.Binding) page {
	var p page
	p.add(keep, m.st.title.Render("Keys"))
	var lines []string
	for _, b := range all {
		if !b.Enabled() {
			continue
		}
		lines = append(lines, m.st.key.Render(pad(b.Help().Key, 11))+cutTo(b.Help().Desc, max(1, f.w-11)))
	}
	p.add(keep, lines...)
	if h, ok := m.screen(m.page).(helper); ok {
		p.add(keep, h.helps(f)...)
	}
	if pr := m.state.Problem; pr != nil {
		p.add(keep, f.problem(pr)...)
	}
	if m.cfg.Version != "" {
		p.add(keep, m.st.muted.Render(cutTo("confer "+clean(m.cfg.Version), f.w)))
	}
	return p
}
