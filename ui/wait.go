package ui

import (
	"fmt"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"confer/flow"
)

// waitMode is what the waiting page shows.
type waitMode int

const (
	waitDoors   waitMode = iota // the link and every way back
	waitPaste                   // the field for the final address
	waitMessage                 // the message for the administrator
	waitHanded                  // "is it done?"
	waitPermit                  // the text for Cronofy's permitted list
)

// maxPaste is how long an address may be, in bytes. One more is kept, so that
// flow sees that a longer one was too long.
const maxPaste = 16 << 10

// wait is the page while the administrator is in the browser: for the link
// itself, and for the authorization of a service account.
type wait struct {
	mode    waitMode
	address input
	flash   flash
	opened  bool   // the last key asked for the browser
	seen    string // a notice that was answered by leaving the field
	checked string // what was submitted last
	message letter
	permit  letter
}

func newWait() *wait {
	return &wait{address: newInput(maxPaste + 1), message: letter{what: messageWhat, file: messageFile}, permit: newPermit()}
}

func (w *wait) sync(s flow.State) {
	switch s.Attempt.Phase {
	case flow.PhaseWaiting:
	case flow.PhaseNone, flow.PhasePreparing, flow.PhaseExchanging, flow.PhaseStoring:
		w.mode, w.flash, w.opened, w.seen = waitDoors, flash{}, false, ""
		if s.Attempt.Phase > flow.PhaseWaiting || !w.unchecked() {
			w.forget()
		} else {
			w.mode = waitPaste
		}
	}
	if s.Attempt.Notice == "" {
		w.seen = ""
	}
}

// unchecked tells whether the field has an address that nobody has looked at:
// the wait may have ended before.
func (w *wait) unchecked() bool { return w.address.value() != "" && w.address.value() != w.checked }

func (w *wait) forget() {
	w.checked = ""
	w.address.set("")
}

// keepPasted is for an address that comes after the end of the wait: its state
// counts in the next one.
func (m *Model) keepPasted(msg tea.Msg) {
	text := ""
	switch msg := msg.(type) {
	case tea.PasteMsg:
		text = msg.Content
	case rawShown:
		text = msg.pasted
	}
	if w, ok := m.screens[pageWaiting].(*wait); ok && text != "" {
		w.paste(text)
	}
}

func (w *wait) update(msg tea.Msg, f frame) (flow.Event, tea.Cmd) {
	switch msg := msg.(type) {
	case saved:
		w.flash = msg.flash()
	case rawShown:
		if msg.err != nil {
			w.flash = flash{text: "The link could not be shown: " + clean(msg.err.Error()) + "."}
		}
		if msg.pasted != "" && f.state.Attempt.Phase == flow.PhaseWaiting {
			w.paste(msg.pasted)
		}
	case tea.PasteMsg:
		if f.state.Attempt.Phase == flow.PhaseWaiting {
			w.paste(msg.Content)
		}
	case tea.KeyPressMsg:
		return w.press(msg, f)
	}
	return nil, nil
}

// paste opens the field by itself; what was typed there before is replaced,
// because half an address is of no use.
func (w *wait) paste(text string) {
	w.mode, w.flash, w.opened = waitPaste, flash{}, false
	w.address.set("")
	w.address.paste(text)
}

func (w *wait) press(k tea.KeyPressMsg, f frame) (flow.Event, tea.Cmd) {
	w.flash, w.opened = flash{}, false
	if f.state.Attempt.Phase != flow.PhaseWaiting {
		if key.Matches(k, f.keys.back) && f.state.Attempt.Phase == flow.PhasePreparing {
			return flow.Back{}, nil
		}
		return nil, nil
	}
	if w.mode != waitDoors && key.Matches(k, f.keys.back) {
		if w.mode == waitPaste {
			w.seen = f.state.Attempt.Notice
		}
		w.mode = waitDoors
		return nil, nil
	}
	switch w.mode {
	case waitPaste:
		return w.pressPaste(k, f), nil
	case waitMessage:
		return nil, w.letter(k, f, &w.message, messageFor(f.state, f.state.Attempt.URL))
	case waitPermit:
		return nil, w.letter(k, f, &w.permit, permitText(f.state.Answers))
	case waitHanded:
		if key.Matches(k, f.keys.yes) {
			w.mode = waitDoors
			w.forget()
			return flow.Handed{}, nil
		}
		return nil, nil
	case waitDoors:
	}
	return w.pressDoor(k, f)
}

func (w *wait) pressPaste(k tea.KeyPressMsg, f frame) flow.Event {
	if key.Matches(k, f.keys.submit) {
		w.checked = w.address.value()
		return flow.Pasted{Text: w.checked}
	}
	w.address.press(k)
	return nil
}

func (w *wait) letter(k tea.KeyPressMsg, f frame, l *letter, text string) tea.Cmd {
	cmd := l.press(k, f, text)
	w.flash = l.flash
	return cmd
}

func (w *wait) pressDoor(k tea.KeyPressMsg, f frame) (flow.Event, tea.Cmd) {
	at := f.state.Attempt
	switch {
	case key.Matches(k, f.keys.back):
		return flow.Back{}, nil
	case key.Matches(k, f.keys.open):
		w.opened = true
		return flow.OpenWanted{}, nil
	case key.Matches(k, f.keys.extend):
		return flow.Extended{}, nil
	case key.Matches(k, f.keys.newLink):
		w.flash = flash{"A new link is on its way. The one before can still come back.", true}
		return flow.NewLinkWanted{}, nil
	case key.Matches(k, f.keys.copyText):
		w.flash = flash{"The real link was sent to the terminal's clipboard. It works in any browser.", true}
		return nil, tea.SetClipboard(at.URL)
	case key.Matches(k, f.keys.raw):
		return nil, showRaw(rawLink{link: at.URL, what: "The link for the administrator. It can be used once.",
			back: "confer goes on waiting. Any key goes back to it, and so does an answer. The final address can be pasted here."}, f)
	case key.Matches(k, f.keys.write) && f.cfg.SaveFile != nil:
		return nil, save(f, linkWhat, linkFile, at.URL+"\n")
	case key.Matches(k, f.keys.paste):
		w.mode = waitPaste
	case key.Matches(k, f.keys.message):
		w.mode = waitMessage
	case key.Matches(k, f.keys.permit):
		w.mode = waitPermit
	case key.Matches(k, f.keys.handed) && f.state.Step == flow.StepAuthorize:
		w.mode = waitHanded
	}
	return nil, nil
}

// messageFor is the message of this step. Nothing is sent back where the answer
// reaches confer without this machine's own loopback.
func messageFor(s flow.State, link string) string {
	back := !s.Attempt.Listening || flow.LoopbackRedirect(s.Attempt.RedirectURI)
	if s.Step == flow.StepServiceAccount {
		return connectMessage(s.Answers, link, back)
	}
	return handover(s.Answers, link, back)
}

// door is a key of the waiting page, in a few words, and in one for the
// smallest window; its binding's own words are for the help.
type door struct {
	key         key.Binding
	short, word string // no word: only the help has it there
}

// doorGroup is doors that belong together.
type doorGroup struct {
	name  string
	doors []door
}

// doors are all ways to the browser and back, the likeliest first.
func (w *wait) doors(f frame) []doorGroup {
	k := f.keys
	open, file := door{k.open, "open", "open"}, door{when(f.cfg.SaveFile != nil, k.write), "to a file", "to a file"}
	copied, raw := door{as(k.copyText, "copy the real link"), "copy", "copy"}, door{k.raw, "show in full", "show"}
	done := when(f.state.Step == flow.StepAuthorize, k.handed)
	link := doorGroup{"Link", []door{open, copied, raw, file}}
	message := doorGroup{"Message", []door{{k.message, "to the administrator", "message"}, {k.permit, "to Cronofy", ""}}}
	answer := doorGroup{"Answer", []door{{k.paste, "paste the address", "paste"}, {done, "they say it is done", "done"}}}
	time := doorGroup{"Time", []door{{k.extend, "more time", "more time"}, {k.newLink, "new link", "new link"}}}
	if f.state.Attempt.Browser != "" {
		link.doors = []door{copied, raw, file, open}
	}
	if away(f) {
		link.doors = []door{raw, copied, file, open}
	}
	if byHand(f) {
		link.doors = []door{raw, copied, file, open}
		return []doorGroup{link, answer, message, time}
	}
	return []doorGroup{link, message, answer, time}
}

// byHand tells whether the answer will most likely be brought back by a person.
func byHand(f frame) bool {
	return !f.state.Attempt.Listening || away(f) && !delivered(f)
}

// away tells whether browsers are most likely on another machine.
func away(f frame) bool {
	if f.state.Attempt.Opened { // here, whatever the session is called
		return false
	}
	switch f.cfg.Session {
	case SessionSSH, SessionRemote, SessionContainer, SessionHeadless:
		return true
	case SessionLocal, SessionWSL:
	}
	return false
}

// delivered: a proxy, tunnel or published port of the operator's brings the answer.
func delivered(f frame) bool { return f.state.Attempt.Listening && f.state.Answers.Listen != "" }

// published: the redirect URI's own port leads here from another machine.
func published(f frame) bool {
	return delivered(f) && flow.LoopbackRedirect(f.state.Attempt.RedirectURI)
}

func (w *wait) bindings(f frame) []key.Binding {
	k := f.keys
	stop := as(k.back, "stop waiting")
	switch {
	case f.state.Attempt.Phase == flow.PhasePreparing:
		return []key.Binding{stop}
	case f.state.Attempt.Phase != flow.PhaseWaiting:
		return nil
	}
	switch w.mode {
	case waitPaste:
		return []key.Binding{as(k.submit, "check it"), as(k.back, "back to the link")}
	case waitMessage:
		return w.message.bindings(f, "back to the link")
	case waitPermit:
		return w.permit.bindings(f, "back to the link")
	case waitHanded:
		return []key.Binding{as(k.yes, "yes, go on"), as(k.back, "no, keep waiting")}
	case waitDoors:
	}
	out := []key.Binding{stop}
	for _, g := range w.doors(f) {
		for _, d := range g.doors {
			out = append(out, d.key)
		}
	}
	return out
}

// briefly leaves out of the help line what the page itself lists.
func (w *wait) briefly(f frame) []key.Binding {
	all := w.bindings(f)
	if f.state.Attempt.Phase == flow.PhaseWaiting && w.mode == waitDoors {
		return all[:1]
	}
	return all
}

func (w *wait) typing() bool { return w.mode == waitPaste }

// left is how long the administrator has.
func left(f frame) string { return clock(f.state.Attempt.Until.Sub(f.now)) }

// linkCount says which link this is, once there was more than one.
func linkCount(at flow.Attempt) string {
	if at.Links < 2 {
		return ""
	}
	return fmt.Sprintf("Link %d of this wait. An answer to any of them counts.", at.Links)
}
