package ui

import (
	"io"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"confer/cronofy"
	"confer/flow"
)

// wholeLink is an address that is shown on the normal screen, alone on its lines and
// byte for byte, so that the terminal wraps it itself and gives it back whole when
// it is selected. No cell renderer can do that: while it is shown the wizard draws
// nothing, and takes keys, pastes and reports as ever.
type wholeLink struct {
	keys  int    // pressed since
	typed string // by them: a paste, if the terminal does not mark it
}

// quiet says that no key came for a while.
type quiet struct{ keys int }

// pieces is how long a terminal must be silent before a key, or a paste without
// marks, counts as whole: its pieces come within milliseconds.
const pieces = 100 * time.Millisecond

// showWhole prints what an address is, the address, and how confer goes on.
func (m *Model) showWhole(link, what string) tea.Cmd {
	m.whole = &wholeLink{}
	return released(wholeLines(link, what, wholeBack(m.state)), nil)
}

func wholeLines(link, what, back string) func(io.Writer) error {
	const longest, newline = 1 << 14, "\r\n" // the terminal may be in raw mode
	return func(out io.Writer) error {
		_, err := io.WriteString(out, strings.Join([]string{"", what, "", cronofy.CleanText(link, longest), "", back, ""}, newline))
		return err
	}
}

func wholeBack(s flow.State) string {
	if s.Attempt.Phase == flow.PhaseWaiting {
		return "confer goes on waiting. Any key goes back to it, and so does an answer. The final address can be pasted here."
	}
	return "Any key goes back to confer."
}

// updateWhole comes back with any key or paste, as a whole, and with a report
// that is worth it. What is pasted does not act as keys, whether or not the
// terminal marks it. done: there is nothing else to do with the message.
func (m *Model) updateWhole(msg tea.Msg) (done bool, _ tea.Cmd) {
	switch msg := msg.(type) {
	case tea.PasteMsg:
		m.whole = nil
	case tea.KeyPressMsg:
		m.whole.keys++
		if len(m.whole.typed) <= 2*maxPaste { // beyond that it is refused as too long, whatever follows
			m.whole.typed += msg.Text
		}
		keys := m.whole.keys
		return true, tea.Tick(pieces, func(time.Time) tea.Msg { return quiet{keys} })
	case quiet:
		if msg.keys != m.whole.keys {
			return true, nil
		}
		typed := m.whole.typed
		m.whole = nil
		if len([]rune(typed)) > 1 {
			m.paste(tea.PasteMsg{Content: typed})
		}
		return true, nil
	case reports:
		for _, r := range msg {
			switch r.Event.(type) {
			case flow.AnswerArrived, flow.Failed, flow.Linked, flow.ServiceAccountAccepted:
				m.whole = nil
			}
		}
	case stopAsked, continued:
		m.whole = nil
	}
	return false, nil
}
