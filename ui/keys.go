package ui

import (
	"sync"
	"unicode"
	"unicode/utf8"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"
)

// keyMap holds the keys that are not a page's own actions. The help is drawn from
// what works now, so it cannot lie. Printable keys are never global: a text field
// owns them.
type keyMap struct {
	quit, help, helpTyping, back, submit, pageUp, pageDown key.Binding
	mouse                                                  key.Binding // no letter: text fields own those
	digit, filter, leaveFilter                             key.Binding // lists
	next, prev                                             key.Binding // forms
	up, down, home, end, details, sort                     key.Binding // the table
}

func bind(help, desc string, keys ...string) key.Binding {
	return key.NewBinding(key.WithKeys(keys...), key.WithHelp(help, desc))
}

func newKeyMap() keyMap {
	return keyMap{
		quit:       bind("ctrl+c", "quit", "ctrl+c"),
		help:       bind("?", "help", "?", "f1"),
		helpTyping: bind("f1", "help", "f1"),
		back:       bind("esc", "back", "esc"),
		submit:     bind("enter", "next", "enter"),
		pageUp:     bind("pgup", "up", "pgup"),
		pageDown:   bind("pgdn", "more", "pgdown"),
		mouse:      bind("f2", "mouse", "f2"),

		digit:       bind("1-9", "choose by number", "1", "2", "3", "4", "5", "6", "7", "8", "9"),
		filter:      bind("/", "filter", "/"),
		leaveFilter: bind("esc", "leave the filter", "esc"),

		next: bind("tab", "next field", "tab", "down"),
		prev: bind("shift+tab", "field before", "shift+tab", "up"),

		up:      bind("↑/↓", "move", "up", "k"),
		down:    bind("↓", "down", "down", "j"),
		home:    bind("home", "first", "home", "g"),
		end:     bind("end", "last", "end", "G"),
		details: bind("→", "details", "right", "l"),
		sort:    bind("s", "sort", "s"),
	}
}

// as gives the binding another description, where the same key does more
// exactly this.
func as(b key.Binding, desc string) key.Binding {
	b.SetHelp(b.Help().Key, desc)
	return b
}

// pressed tells whether a key is an action's.
func (a Action) pressed(k tea.KeyPressMsg) bool { return k.String() == a.Key || k.Text == a.Key }

// bindings are all keys that work on the page now, the most needed first. Their
// words are short in the line of keys, and full in the help.
func (m *Model) bindings(full bool) []key.Binding {
	p, k := m.page(), m.keys
	switch {
	case m.table() != nil:
		return m.tableBindings(p, full)
	case p.Fixed:
		return []key.Binding{k.help, k.quit}
	case p.Busy != "":
		return []key.Binding{as(k.back, "stop"), k.help, k.quit}
	}
	fm := m.form()
	var out []key.Binding
	if word := m.enterWord(p); word != "" {
		out = append(out, as(k.submit, word))
	}
	help := k.help
	if fm.typing() {
		help = k.helpTyping
	}
	back := as(k.back, m.backWord(p))
	if fm.choice != nil && fm.choice.filtering() {
		back = k.leaveFilter
	}
	if m.canGoBack(p) || fm.typing() && fm.here() == nil {
		out = append(out, back)
	}
	out = append(out, help)
	if m.scrolls {
		out = append(out, bind("↑/↓", "more", "up", "down", "pgup", "pgdown"))
	}
	var rest []key.Binding
	if !fm.typing() && !fm.hasTexts() {
		for _, a := range p.Actions {
			b := bind(a.Key, a.short(), a.Key)
			if full {
				b = as(b, a.Words)
			}
			switch {
			case a.Key == "enter":
			case a.Aside:
				rest = append(rest, b)
			default:
				out = append(out, b)
			}
		}
	}
	if p.End {
		rest = append(rest, as(k.quit, "finish"))
	} else {
		out = append(out, k.quit)
	}
	if fm.stops() > 1 && fm.hasTexts() {
		out = append(out, bind("tab", "next field", "tab", "shift+tab", "down", "up"))
	}
	if fm.choice != nil {
		out = append(out, fm.choice.bindings(k)...)
	}
	if full {
		out = append(out, rest...)
	}
	return out
}

// bindings of a list, but for Enter and Esc.
func (c *choice) bindings(k keyMap) []key.Binding {
	if c.filtering() {
		if len(c.VisibleItems()) < 2 {
			return nil
		}
		return []key.Binding{bind("↑/↓", "choose", "up", "down")}
	}
	out := []key.Binding{bind("↑/↓", "choose", "up", "down", "k", "j")}
	if n := min(9, len(c.options)); n > 1 {
		out = append(out, k.filter, bind("1-"+k.digit.Keys()[n-1], "choose by number", k.digit.Keys()[:n]...),
			bind("home/end", "first, last", "home", "end", "g", "G"))
	}
	return out
}

// enterWord is what Enter does now; empty: nothing.
func (m *Model) enterWord(p Page) string {
	fm := m.form()
	switch at := fm.focus - len(p.Fields); {
	case fm.choice != nil:
		o, ok := fm.choice.chosen()
		switch {
		case !ok:
			return ""
		case o.Act.Open != "":
			return "open"
		case o.Act.Leave:
			return "finish"
		}
	case fm.hasTexts() && at >= 0:
		return "open"
	case !fm.hasTexts():
		for _, a := range p.Actions {
			if a.Key == "enter" {
				return a.short()
			}
		}
		return ""
	}
	if p.Enter != "" {
		return p.Enter
	}
	return "next"
}

func (m *Model) backWord(p Page) string {
	if m.at() == pageWaiting && !m.over() {
		return "stop waiting"
	}
	return "back"
}

// canGoBack tells whether Esc leads anywhere.
func (m *Model) canGoBack(Page) bool { return m.over() || m.state.Step > 0 || m.state.Asking }

const keyGap = " · "

// footer is the line of keys.
func (m *Model) footer(keys []key.Binding) string {
	m.helpLine.Styles.ShortKey, m.helpLine.Styles.ShortDesc = m.st.key, m.st.muted
	m.helpLine.Styles.ShortSeparator = m.st.muted
	m.helpLine.ShortSeparator = keyGap
	return m.helpLine.ShortHelpView(keys)
}

// footerKeys are as many as fit, the most needed first.
func (m *Model) footerKeys(w int) []key.Binding {
	all := m.bindings(false)
	switch {
	case m.leaving:
		all = []key.Binding{as(m.keys.quit, "quit"), as(m.keys.back, "stay")}
	case m.helping:
		all = []key.Binding{as(m.keys.back, "close the help"), m.keys.quit}
		if m.scrolls {
			all = append(all, bind("↑/↓", "more", "up", "down"))
		}
	}
	need := all[:min(len(all), 3)]
	for i := range need { // words give way before a needed key does
		if keysWidth(need) > w-2 {
			need[i] = as(need[i], firstWord(need[i].Help().Desc))
		}
	}
	for n := keysWidth(all); len(all) > 1 && n > w; { // with a width, help overflows it where its own "…" has no room
		n -= visible(keyGap) + keysWidth(all[len(all)-1:])
		all = all[:len(all)-1]
	}
	return all
}

func keysWidth(bs []key.Binding) int {
	n := 0
	for i, b := range bs {
		n += btoi(i > 0)*visible(keyGap) + visible(b.Help().Key) + 1 + visible(b.Help().Desc)
	}
	return n
}

// The letters of other layouts, at the places of the Latin ones: a terminal says
// which character a key made, and mostly not where the key lies.
var places = sync.OnceValue(func() map[rune]rune {
	at := map[rune]rune{'؟': '?'}
	for _, l := range []struct{ there, here string }{
		{"йцукенгшщзфывапролдячсмитьі", "qwertyuiopasdfghjklzxcvbnms"},           // Russian, Ukrainian
		{"ςερτυθιοπασδφγηξκλζχψωβνμ", "wertyuiopasdfghjklzxcvbnm"},               // Greek
		{"קראטוןםפשדגכעיחלךזסבהנמצ", "ertyuiopasdfghjklzxcvbnm"},                 // Hebrew
		{"ضصثقفغعهخحشسيیبلاتنمظطئزءذؤرىدةپ", "qwertyuiopasddfghjklzxzcxbcvnnmm"}, // Arabic, Persian
		{"ㅂㅈㄷㄱㅅㅛㅕㅑㅐㅔㅁㄴㅇㄹㅎㅗㅓㅏㅣㅋㅌㅊㅍㅠㅜㅡ", "qwertyuiopasdfghjklzxcvbnm"},             // Korean
		{"ๆไำพะัีรนยฟหกดเ้่าสผปแอิืท", "qwertyuiopasdfghjklzxcvbnm"},             // Thai
		{"ქწერტყუიოპასდფგჰჯკლზხცვბნმ", "qwertyuiopasdfghjklzxcvbnm"},             // Georgian
		{"٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹०१२३४५६७८९", "012345678901234567890123456789"},     // digits
	} {
		here := []rune(l.here)
		for i, r := range []rune(l.there) {
			at[r] = here[i]
		}
	}
	return at
})

// latin gives a key the Latin character of its place, where it made another one:
// every binding is a Latin letter. A text field keeps its letters, but not its
// combinations with Ctrl and Alt. The character of a Latin layout stays what it
// is, wherever its key lies: Ctrl+C of Dvorak is Ctrl+C.
func latin(k tea.KeyPressMsg, typing bool) tea.KeyPressMsg {
	lower := unicode.ToLower(k.Code)
	wide := lower - '！' + '!' // as an input method writes it
	inputMethod := wide >= '!' && wide <= '~'
	switch {
	case k.Code > unicode.MaxRune: // of no character
		return k
	case !inputMethod && (k.Code < utf8.RuneSelf || unicode.Is(unicode.Latin, k.Code)):
		k.BaseCode = 0
		return k
	}
	to := k.BaseCode
	if to <= ' ' || to >= utf8.RuneSelf {
		to = places()[lower]
	}
	if to == 0 && inputMethod {
		to = wide
	}
	switch combined := k.Mod.Contains(tea.ModCtrl) || k.Mod.Contains(tea.ModAlt); {
	case to == 0:
	case combined:
		k.Code, k.BaseCode, k.Text = to, 0, ""
	case !typing:
		if text := []rune(k.Text); len(text) == 1 && text[0] != lower || k.Mod.Contains(tea.ModShift) {
			to = unicode.ToUpper(to)
		}
		k.Code, k.BaseCode, k.Text = to, 0, string(to)
	}
	return k
}
