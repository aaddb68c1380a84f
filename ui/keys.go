package ui

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"confer/flow"
)

// command is something that can be done now, and the keys for it. Presses, the line
// of keys and the help go by the same list, so the help cannot lie. Printable keys
// are never global: a text field owns them.
type command struct {
	key.Binding
	full  string // its words in the help; empty: those in the line of keys
	aside bool   // in the help alone
	do    func(tea.KeyPressMsg) tea.Cmd
}

func bind(help, desc string, keys ...string) key.Binding {
	return key.NewBinding(key.WithKeys(keys...), key.WithHelp(help, desc))
}

// The keys that have the same meaning on more than one page.
var (
	keyQuit   = bind("ctrl+c", "quit", "ctrl+c")
	keyStop   = bind("ctrl+z", "stop", "ctrl+z")
	keyHelp   = bind("?", "help", "?", "f1")
	keyBack   = bind("esc", "back", "esc")
	keyEnter  = bind("enter", "next", "enter")
	keyMouse  = bind("f2", "mouse on or off; off selects text", "f2")
	keyFilter = bind("/", "filter", "/")

	keyHelpTyping = bind("f1", "help", "f1")
)

func as(b key.Binding, desc string) key.Binding {
	b.SetHelp(b.Help().Key, desc)
	return b
}

// doing and running are for keys that mean the same whichever was pressed.
func doing(f func()) func(tea.KeyPressMsg) tea.Cmd {
	return func(tea.KeyPressMsg) tea.Cmd { f(); return nil }
}

func running(f func() tea.Cmd) func(tea.KeyPressMsg) tea.Cmd {
	return func(tea.KeyPressMsg) tea.Cmd { return f() }
}

const far = 1 << 30

// moved is how far a key moves: by a line, by a page, to an end.
func moved(k tea.KeyPressMsg, page int) int {
	switch k.String() {
	case "up", "k":
		return -1
	case "down", "j":
		return 1
	case "pgup":
		return -page
	case "pgdown":
		return page
	case "home", "g":
		return -far
	}
	return far
}

// bindings are all keys that work on the page now, the most needed first. Their
// words are short in the line of keys, and full in the help.
func (m *Model) bindings(full bool) []key.Binding {
	var out []key.Binding
	for _, c := range m.commands() {
		switch {
		case !c.Enabled():
		case full && c.full != "":
			out = append(out, as(c.Binding, c.full))
		case (full || !c.aside) && c.Help().Desc != "":
			out = append(out, c.Binding)
		}
	}
	return out
}

// quitKey is called what leaving is: once there is a link, that is finishing.
func (m *Model) quitKey() key.Binding {
	switch {
	case m.page().End:
		return as(keyQuit, "finish")
	case m.state.Link != nil:
		return as(keyQuit, "finish now") // without the summary
	}
	return keyQuit
}

// commands are all that works on the page now, the most needed first. One without
// words is not worth a place.
func (m *Model) commands() []command {
	p, fm := m.page(), m.form()
	quit, help := command{Binding: m.quitKey(), do: running(m.quit)}, command{Binding: keyHelp, do: doing(func() { m.helping = true; m.view.GotoTop() })}
	back := command{Binding: as(keyBack, m.backWord()), do: running(m.back)}
	switch {
	case m.table() != nil:
		return m.tableCommands(p, back, help, quit)
	case p.Fixed:
		return []command{help, quit}
	case p.Busy != "":
		stop := func() tea.Cmd { return m.apply(flow.Back{}) }
		return []command{{Binding: as(keyBack, "stop"), do: running(stop)}, help, quit}
	}
	if fm.typing() {
		help.Binding = keyHelpTyping
	}
	out := []command{m.enter(p, fm)}
	switch {
	case fm.choice != nil && fm.choice.filtering():
		out = append(out, command{Binding: as(keyBack, "leave the filter"), do: doing(fm.choice.leaveFilter)})
	case m.canGoBack():
		out = append(out, back)
	}
	out = append(out, help)
	if m.scrolls {
		out = append(out, command{Binding: bind("↑/↓", "more", "up", "down", "pgup", "pgdown"), do: m.scroll})
	}
	if !fm.typing() && !fm.hasTexts() {
		out = append(out, m.actions(p)...)
	}
	quit.aside = p.End
	out = append(out, quit)
	if fm.stops() > 1 && fm.hasTexts() {
		out = append(out, command{Binding: bind("tab", "next field", "tab", "shift+tab", "down", "up"), do: fm.turn})
	}
	if fm.choice != nil {
		out = append(out, fm.choice.commands()...)
	}
	return out
}

// actions are the page's own, but for Enter's.
func (m *Model) actions(p Page) []command {
	var out []command
	for _, a := range p.Actions {
		if a.Key != "enter" {
			out = append(out, command{Binding: bind(a.Key, a.short(), a.Key), full: a.Words, aside: a.Aside, do: running(func() tea.Cmd { return m.do(a.Act) })})
		}
	}
	return out
}

// commands of a list, but for Enter and Esc.
func (c *choice) commands() []command {
	moves := command{Binding: bind("↑/↓", "choose", "up", "down", "k", "j"), do: func(k tea.KeyPressMsg) tea.Cmd { c.turn(moved(k, 0)); return nil }}
	n := min(9, len(c.options))
	switch {
	case c.filtering():
		moves.SetKeys("up", "down")
		moves.SetEnabled(len(c.shown()) > 1)
		return []command{moves}
	case n < 2:
		return []command{moves}
	}
	digits := strings.Split("123456789"[:n], "")
	return []command{
		moves,
		{Binding: keyFilter, do: doing(func() { c.filter = newInput() })},
		{Binding: bind("1-"+digits[n-1], "choose by number", digits...), do: func(k tea.KeyPressMsg) tea.Cmd { c.move(slices.Index(digits, k.String())); return nil }},
		{Binding: bind("home/end", "first, last", "home", "end", "g", "G"), do: func(k tea.KeyPressMsg) tea.Cmd { c.move(c.line() + moved(k, 0)); return nil }},
	}
}

// enter takes the option, submits the fields or does what the page says.
func (m *Model) enter(p Page, fm *form) command {
	words := cmp.Or(p.Enter, "next")
	do := func() tea.Cmd {
		if values, ok := fm.enter(m.refuse); ok {
			return m.apply(p.Submit(values))
		}
		return nil
	}
	switch at := fm.focus - len(p.Fields); {
	case fm.choice != nil:
		o, ok := fm.choice.chosen()
		switch {
		case !ok:
			words, do = "", func() tea.Cmd { fm.choice.leaveFilter(); return nil }
		case o.Act.Open != "":
			words = "open"
		case o.Act.Event == noAccounts:
			words = "finish"
		}
		if ok {
			do = func() tea.Cmd { return m.take(p, fm, o) }
		}
	case fm.hasTexts() && at >= 0:
		words, do = "open", func() tea.Cmd { fm.focus = 0; return m.do(p.Actions[at].Act) }
	case fm.hasTexts():
	default:
		words, do = "", func() tea.Cmd {
			if m.over() {
				return m.back()
			}
			return nil
		}
		if a, ok := p.enter(); ok {
			words, do = a.short(), func() tea.Cmd { return m.do(a.Act) }
		}
	}
	return command{Binding: as(keyEnter, words), do: running(do)}
}

func (m *Model) take(p Page, fm *form, o Option) tea.Cmd {
	fm.choice.leaveFilter()
	if !o.Act.none() {
		return m.do(o.Act)
	}
	fm.answers[p.Fields[0].Name] = o.Value
	return m.apply(p.Submit(Values{p.Fields[0].Name: o.Value}))
}

func (w *wizard) backWord() string {
	if w.at() == pageWaiting {
		return "stop waiting"
	}
	return "back"
}

// canGoBack tells whether Esc leads anywhere.
func (m *Model) canGoBack() bool { return m.over() || m.state.Step > 0 || m.state.Asking }

const keyGap = " · "

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
		all = []key.Binding{m.quitKey(), as(keyBack, "stay")}
	case m.helping:
		all = []key.Binding{as(keyBack, "close the help"), m.quitKey()}
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

// firstWord is what a description comes to where the room is short: "back to the
// link" is "back".
func firstWord(desc string) string {
	word, _, _ := strings.Cut(desc, " ")
	return strings.TrimSuffix(word, ",")
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
