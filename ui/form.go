package ui

import (
	"strings"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"
)

// field is one line of a form: a text to enter, or, with an action, a line to
// press Enter on.
type field struct {
	label       string
	name        string // in the middle of a sentence; empty: the label
	hint        string // under it, muted
	placeholder string // while it is empty
	secret      bool
	optional    bool // may stay empty
	action      bool

	input input
	seen  string // the answer that it was filled from
}

func newField(label string, limit int) *field { return &field{label: label, input: newInput(limit)} }

// follow takes an answer that changed elsewhere; what was typed since stays.
func (fd *field) follow(answer string) {
	if answer != fd.seen {
		fd.input.set(answer)
		fd.seen = answer
	}
}

// submitted notes what the answer will now be.
func (fd *field) submitted() string {
	fd.seen = fd.input.value()
	return fd.seen
}

func (fd *field) called() string {
	if fd.name != "" {
		return fd.name
	}
	return strings.ToLower(fd.label[:1]) + fd.label[1:]
}

func (fd *field) filled() bool { return fd.action || fd.optional || len(fd.input.parts) > 0 }

// form is fields, one of which has the focus.
type form struct {
	fields  []*field
	focus   int
	missing *field // Enter was pressed while it was empty; nil: none, or typed in since
}

// moved is what a key did to a form.
type moved int

const (
	movedNot    moved = iota // not the form's key
	movedInside              // typed, or another field
	movedSubmit              // the form is complete
	movedAction              // the action under the focus was chosen
)

func (fm *form) update(msg tea.Msg, k keyMap) moved {
	at := fm.fields[fm.focus]
	switch msg := msg.(type) {
	case tea.PasteMsg:
		fm.missing = nil
		if !at.action {
			at.input.paste(msg.Content)
		}
		return movedInside
	case tea.KeyPressMsg:
		fm.missing = nil
		switch {
		case key.Matches(msg, k.submit):
			return fm.enter()
		case key.Matches(msg, k.next):
			fm.focus = (fm.focus + 1) % len(fm.fields)
		case key.Matches(msg, k.prev):
			fm.focus = (fm.focus - 1 + len(fm.fields)) % len(fm.fields)
		case !at.action && at.input.press(msg):
		default:
			return movedNot
		}
		return movedInside
	}
	return movedNot
}

// enter goes to the next field that wants something, and submits if no other
// does: one that is empty then is refused in words. Where several are empty it
// stays and says so, so that Enter alone never goes round in circles.
func (fm *form) enter() moved {
	here := fm.fields[fm.focus]
	if here.action {
		return movedAction
	}
	for i := 1; i < len(fm.fields); i++ {
		at := (fm.focus + i) % len(fm.fields)
		switch {
		case fm.fields[at].filled():
			continue
		case !here.filled():
			fm.missing = here
		case at < fm.focus && fm.last():
			return movedSubmit
		case at < fm.focus:
			fm.focus, fm.missing = at, fm.fields[at]
		default:
			fm.focus = at
		}
		return movedInside
	}
	return movedSubmit
}

// missingWords say what an empty field wants, in the place of its hint.
func (fm *form) missingWords(f frame, fd *field) []string {
	if fd != fm.missing {
		return nil
	}
	return f.under().signed(f.st.bad.Render(signBad), "The "+fd.called()+" is missing.")
}

// last tells whether no text field follows the one in focus.
func (fm *form) last() bool {
	for _, fd := range fm.fields[fm.focus+1:] {
		if !fd.action {
			return false
		}
	}
	return true
}

func (fm *form) typing() bool { return !fm.fields[fm.focus].action }

func (fm *form) bindings(k keyMap) []key.Binding {
	return []key.Binding{when(len(fm.fields) > 1, k.moveField)}
}

// view draws each field as label, text and hint. trouble is drawn under the
// field of its index, in the place of the hint.
func (fm *form) view(f frame, trouble map[int][]string) []block {
	var out []block
	for i, fd := range fm.fields {
		here := i == fm.focus
		if fd.action {
			out = append(out, fm.action(f, fd, here))
			continue
		}
		out = append(out, fm.entry(f, fd, here))
		lines := fm.missingWords(f, fd)
		if len(lines) == 0 {
			lines = trouble[i]
		}
		if len(lines) > 0 {
			out = append(out, block{lines: indent(lines), tight: true, col: -1})
		}
		if fd.hint != "" && len(lines) == 0 {
			out = append(out, block{lines: indent(each(f.st.muted, wrap(fd.hint, f.w-2))), tight: true, rank: extra, col: -1})
		}
	}
	return out
}

func (fm *form) action(f frame, fd *field, here bool) block {
	b := block{focus: here, col: -1, lines: []string{"  " + cutTo(fd.label, f.w-2)}}
	if here {
		b.lines[0] = f.st.accent.Render(signCursor) + " " + f.st.accent.Bold(true).Render(cutTo(fd.label, f.w-2))
	}
	return b
}

func (fm *form) entry(f frame, fd *field, here bool) block {
	const margin = 2
	text, x := fd.input.whole(f.w-margin, fd.secret), 0
	if here {
		text, x = fd.input.view(f.w-margin, fd.secret)
	}
	if text == "" {
		text = f.st.muted.Render(cutTo(fd.placeholder, f.w-margin))
	}
	b := block{col: -1, lines: []string{"  " + f.st.muted.Render(fd.label), "  " + text}}
	if here {
		sign := f.st.accent.Render(signCursor) + " "
		b = block{col: x + margin, focus: true, line: 1, lines: []string{"  " + f.st.accent.Render(fd.label), sign + text}}
	}
	return b
}

func indent(lines []string) []string {
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = "  " + l
	}
	return out
}
