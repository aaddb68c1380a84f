package ui

import (
	"cmp"
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
		out = slices.Insert(slices.Clone(out), min(2, len(out)), scrollMore())
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

// scrollMore is for pages that have more to see and no focus of their own.
func scrollMore() key.Binding { return bind("↑/↓", "more", "up", "down", "pgup", "pgdown") }

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

// keyLine shows as many keys as fit. Where the room is short, the words of the
// first key and of the safe one give way before a needed key does.
func (m *Model) keyLine(all []key.Binding, w int) string {
	on := slices.DeleteFunc(slices.Clone(all), func(b key.Binding) bool { return !b.Enabled() })
	order, needed := byNeed(on)
	on = shortened(on, order[:needed], w)
	var chosen []int
	for _, i := range order {
		if with := append(slices.Clone(chosen), i); keysWidth(on, with) <= w {
			chosen = with
		}
	}
	slices.SortFunc(chosen, func(a, b int) int { return cmp.Or(seat(on[a])-seat(on[b]), a-b) })
	parts := make([]string, len(chosen))
	for i, at := range chosen {
		parts[i] = m.st.key.Render(on[at].Help().Key) + " " + m.st.muted.Render(on[at].Help().Desc)
	}
	return strings.Join(parts, m.st.muted.Render(keyGap))
}

// shortened takes words from the safe key, then from the first, as long as those
// in need do not fit w cells. It takes none where that is of no use.
func shortened(on []key.Binding, need []int, w int) []key.Binding {
	if len(on) == 0 {
		return on
	}
	for n := len(need); n > 0; n-- {
		short := slices.Clone(on)
		for _, i := range []int{slices.IndexFunc(on, isBack), 0} {
			if keysWidth(short, need[:n]) <= w {
				return short
			}
			if i >= 0 {
				short[i] = as(short[i], firstWord(short[i].Help().Desc))
			}
		}
		if keysWidth(short, need[:n]) <= w {
			return short
		}
	}
	return on
}

// byNeed gives the indexes of keys, most needed first. The needed ones are the
// first of the screen, the safe key, the help, and what else there is to see. The
// way out is the last of the keys; it is the safe one where there is no way back.
func byNeed(on []key.Binding) (order []int, needed int) {
	out := len(on) - 1
	if out < 0 {
		return nil, 0
	}
	safe := slices.IndexFunc(on, isBack)
	switch {
	case !isQuit(on[out]): // a page that is an end: the safe key is no more than a way back
		safe = -1
	case safe < 0:
		safe = out
	}
	order = []int{0}
	for _, i := range []int{safe, slices.IndexFunc(on, isHelp), slices.IndexFunc(on, isMore)} {
		if i > 0 && !slices.Contains(order, i) {
			order = append(order, i)
		}
	}
	needed = len(order)
	for i := range on {
		if i != out && !slices.Contains(order, i) {
			order = append(order, i)
		}
	}
	if !slices.Contains(order, out) { // before all but one of the others
		order = slices.Insert(order, min(needed+1, len(order)), out)
	}
	return order, needed
}

func isBack(b key.Binding) bool { return b.Help().Key == "esc" }
func isMore(b key.Binding) bool { return b.Help() == scrollMore().Help() }
func isQuit(b key.Binding) bool { return b.Help().Key == "ctrl+c" }
func isHelp(b key.Binding) bool { return b.Help().Desc == "help" }

// firstWord is what a description comes to where the room is short: "back to the
// link" is "back".
func firstWord(desc string) string {
	word, _, _ := strings.Cut(desc, " ")
	return strings.TrimSuffix(word, ",")
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
