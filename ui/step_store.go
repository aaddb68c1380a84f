package ui

import (
	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"confer/cronofy"
	"confer/flow"
)

// store asks where secrets are kept, when the keyring cannot be used.
type store struct {
	list       choice
	form       form
	typingPass bool
	seen       string // of the places for secrets, when the list was made
	mismatch   bool
	problem    *flow.Problem
	opening    bool     // the file is there, so that one passphrase is enough; a wrong one is told
	fields     []*field // of the form: the passphrase, and the same again
}

// The options, in order.
const (
	storeKeyring = iota
	storeSession
	storeFile
)

func newStore() *store {
	s := &store{list: newChoice()}
	first, second := newField("Passphrase", maxEntry), newField("The same again", maxEntry)
	second.name = "second passphrase"
	first.secret, second.secret = true, true
	s.fields = []*field{first, second}
	return s
}

func (s *store) sync(st flow.State) {
	s.opening = st.Store.File != ""
	s.form.fields, s.fields[0].hint = s.fields, "There is no way back without it. confer does not keep it."
	if s.opening {
		s.form.fields, s.fields[0].hint, s.form.focus = s.fields[:1], "", 0
	}
	if st.Problem != s.problem { // what is masked cannot be put right
		s.problem = st.Problem
		s.forget()
	}
	seen := st.Store.Keyring + "\n" + st.Store.File
	if len(s.list.options) > 0 && s.seen == seen {
		return
	}
	s.seen = seen
	s.forget()
	again := keyringAgain(st.Store)
	s.list.reset([]option{{label: again.label, note: again.note},
		{label: "Memory, for this run", note: "gone when confer ends"},
		{label: "Encrypted file", note: fileNote(st.Store)},
	})
	s.list.point(storeSession)
	switch {
	case st.Store.Kind == flow.StoreFile:
		s.list.point(storeFile)
		s.typingPass = st.Store.Passphrase.Empty()
	case st.Store.Kind == flow.StoreKeyring && st.Step > flow.StepApplication: // it was in use
		s.list.point(storeKeyring)
	}
}

func (s *store) forget() {
	for _, f := range s.fields {
		f.input.set("")
	}
}

func (s *store) update(msg tea.Msg, f frame) (flow.Event, tea.Cmd) {
	k, isKey := msg.(tea.KeyPressMsg)
	if f.state.Busy() {
		if isKey && key.Matches(k, f.keys.back) {
			return flow.Back{}, nil
		}
		return nil, nil
	}
	if s.typingPass {
		return s.updatePass(msg, f)
	}
	if s.list.update(msg, f.keys) {
		return nil, nil
	}
	switch {
	case isKey && key.Matches(k, f.keys.back):
		return flow.Back{}, nil
	case isKey && key.Matches(k, f.keys.submit):
		return s.choose(f.state.Store), nil
	}
	return nil, nil
}

func (s *store) choose(now flow.Store) flow.Event {
	at, ok := s.list.chosen()
	s.list.leave()
	switch {
	case !ok:
	case at == storeFile && now.Kind == flow.StoreFile && !now.Passphrase.Empty():
		return flow.StoreChosen{Kind: flow.StoreFile, Passphrase: now.Passphrase} // it was open, and failed
	case at == storeFile:
		s.typingPass = true
	case at == storeKeyring:
		return flow.StoreChosen{Kind: flow.StoreKeyring}
	default:
		return flow.StoreChosen{Kind: flow.StoreSession}
	}
	return nil
}

func (s *store) updatePass(msg tea.Msg, f frame) (flow.Event, tea.Cmd) {
	if k, ok := msg.(tea.KeyPressMsg); ok && key.Matches(k, f.keys.back) {
		s.typingPass, s.mismatch = false, false
		return nil, nil
	}
	switch s.form.update(msg, f.keys) {
	case movedInside:
		s.mismatch = false
	case movedSubmit:
		return s.passphrase(), nil
	case movedNot, movedAction:
	}
	return nil, nil
}

func (s *store) passphrase() flow.Event {
	first, second := s.fields[0].input.value(), s.fields[1].input.value()
	if first == "" || !s.opening && first != second {
		s.mismatch = true
		s.fields[1].input.set("")
		s.form.focus = btoi(first != "")
		return nil
	}
	return flow.StoreChosen{Kind: flow.StoreFile, Passphrase: cronofy.NewSecret(first)}
}

func (s *store) view(f frame) page {
	var p page
	if s.opening && s.typingPass {
		p.heading(f, "Open the secrets file", "The secrets file needs its passphrase. It is "+clean(f.state.Store.File))
	} else {
		p.heading(f, "Where should the secrets be kept?", keyringWords(f.state.Store))
	}
	if s.typingPass {
		under := map[int][]string{}
		if s.mismatch {
			under[s.form.focus] = f.under().signed(f.st.bad.Render(signBad), s.mismatchWords())
		}
		p.blocks = append(p.blocks, s.form.view(f, under)...)
	} else {
		if how := keyringHelp(f.state); how != "" {
			p.note(f, aside, how)
		}
		p.blocks = append(p.blocks, s.list.view(f)...)
		p.note(f, extra, "Secrets are the client secret and confer's own refresh tokens. Nothing is written anywhere else.")
		if d := systemSays(f.state); d != "" {
			p.note(f, spare, d)
		}
	}
	if f.state.Busy() {
		p.foot = f.working(storeWorking(f.state, f.now))
		return p
	}
	p.trouble(f)
	return p
}

func (s *store) mismatchWords() string {
	if s.opening {
		return "Type the passphrase."
	}
	return "Type the same passphrase in both fields."
}

func (s *store) bindings(f frame) []key.Binding {
	switch {
	case f.state.Busy():
		return []key.Binding{as(f.keys.back, "stop")}
	case s.typingPass:
		return append([]key.Binding{f.keys.submit}, append(s.form.bindings(f.keys), f.keys.back)...)
	case s.list.filtering:
		return append([]key.Binding{s.list.enter(f.keys)}, s.list.bindings(f.keys)...)
	}
	return append([]key.Binding{s.list.enter(f.keys), f.keys.back}, s.list.bindings(f.keys)...)
}

func (s *store) typing() bool { return s.typingPass || s.list.filtering }
