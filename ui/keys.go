package ui

import (
	"unicode"
	"unicode/utf8"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"
)

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
	open, copyText, raw, write, paste, message, extend, newLink, handed, yes, permit key.Binding

	// what a problem or a finished link offers
	redirect, goOn, details, again key.Binding

	// the table and the end
	sort, row, refresh, export, another, finish, leave key.Binding
}

func bind(help, desc string, keys ...string) key.Binding {
	return key.NewBinding(key.WithKeys(keys...), key.WithHelp(help, desc))
}

func newKeyMap() keyMap {
	k := keyMap{
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
	}
	k.ofAuthorize()
	k.ofProfiles()
	return k
}

// ofAuthorize are the keys of step 5.
func (k *keyMap) ofAuthorize() {
	k.open = bind("o", "open again", "o")
	k.copyText = bind("c", "copy", "c")
	k.raw = bind("u", "show the real link", "u")
	k.write = bind("w", "write to a file", "w")
	k.paste = bind("p", "paste the final address", "p")
	k.message = bind("m", "message for the administrator", "m")
	k.extend = bind("+", "more time", "+")
	k.newLink = bind("n", "new link", "n")
	k.handed = bind("d", "the administrator says it is done", "d")
	k.yes = bind("y", "yes", "y")
	k.permit = bind("t", "text for Cronofy's permitted list", "t")

	k.redirect = bind("r", "change the redirect URI", "r")
	k.goOn = bind("g", "go on to the profiles", "g")
	k.details = bind("d", "details", "d")
	k.again = bind("n", "authorize again", "n")
}

// ofProfiles are the keys of step 6.
func (k *keyMap) ofProfiles() {
	k.sort = bind("s", "sort", "s")
	k.row = bind("enter", "details", "enter", "right", "l")
	k.refresh = bind("r", "look again", "r")
	k.export = bind("e", "export", "e")
	k.another = bind("a", "another customer", "a")
	k.finish = bind("f", "summary", "f")
	k.leave = bind("q/ctrl+c", "quit", "q")
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

// The letters of other layouts, at the places of the Latin ones: a terminal says
// which character a key made, and mostly not where the key lies.
var places = func() map[rune]rune {
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
}()

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
		to = places[lower]
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
