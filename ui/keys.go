package ui

import "charm.land/bubbles/v2/key"

// keyMap holds every binding of the wizard. Screens pick from it and may change
// a description; the help is drawn from what they return, so it cannot lie.
// Printable keys are never global: a text field owns them.
type keyMap struct {
	// everywhere
	quit, help, helpTyping, back, submit, pageUp, pageDown key.Binding

	// lists
	up, down, home, end, digit, filter, leaveFilter key.Binding

	// forms; moveField shares its keys with the two
	next, prev, moveField key.Binding

	// the wait for the administrator
	open, copyText, raw, write, paste, message, extend, newLink, handed, yes key.Binding

	// what a problem or a finished link offers
	goOn, details, again key.Binding

	// the table and the end
	sort, row, refresh, export, another, finish, leave key.Binding
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

		up:          bind("↑/↓", "choose", "up", "k"),
		down:        bind("↓", "down", "down", "j"),
		home:        bind("home", "first", "home", "g"),
		end:         bind("end", "last", "end", "G"),
		digit:       bind("1-9", "choose", "1", "2", "3", "4", "5", "6", "7", "8", "9"),
		filter:      bind("/", "filter", "/"),
		leaveFilter: bind("esc", "leave the filter", "esc"),

		next:      bind("tab", "next field", "tab", "down"),
		prev:      bind("shift+tab", "field before", "shift+tab", "up"),
		moveField: bind("tab", "next field", "tab", "shift+tab", "down", "up"),

		open:     bind("o", "open again", "o"),
		copyText: bind("c", "copy", "c"),
		raw:      bind("u", "show the real link", "u"),
		write:    bind("w", "write to a file", "w"),
		paste:    bind("p", "paste the final address", "p"),
		message:  bind("m", "message for the administrator", "m"),
		extend:   bind("+", "more time", "+"),
		newLink:  bind("n", "new link", "n"),
		handed:   bind("d", "the administrator says it is done", "d"),
		yes:      bind("y", "yes", "y"),

		goOn:    bind("g", "go on to the profiles", "g"),
		details: bind("d", "details", "d"),
		again:   bind("n", "authorize again", "n"),

		sort:    bind("s", "sort", "s"),
		row:     bind("enter", "details", "enter", "right", "l"),
		refresh: bind("r", "look again", "r"),
		export:  bind("e", "export", "e"),
		another: bind("a", "another customer", "a"),
		finish:  bind("f", "summary", "f"),
		leave:   bind("q/ctrl+c", "quit", "q"),
	}
}

// as gives the binding another description, where the same key does more
// exactly this.
func as(b key.Binding, desc string) key.Binding {
	b.SetHelp(b.Help().Key, desc)
	return b
}

// when disables the binding, and so takes it out of the help, unless ok.
func when(ok bool, b key.Binding) key.Binding {
	b.SetEnabled(ok)
	return b
}
