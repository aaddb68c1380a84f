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
	keyring    string
	mismatch   bool
	// opening: the file is there, since the secret is in it, so that one
	// passphrase is enough; a wrong one is told.
	opening bool
	fields  []*field // of the form: the passphrase, and the same again
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
	s.opening = st.Store.Kind == flow.StoreFile && st.Answers.ClientSecret.Empty()
	s.form.fields, s.fields[0].hint = s.fields, "There is no way back without it. confer does not keep it."
	if s.opening {
		s.form.fields, s.fields[0].hint, s.form.focus = s.fields[:1], "", 0
	}
	if len(s.list.options) > 0 && s.keyring == st.Store.Keyring {
		return
	}
	s.keyring = st.Store.Keyring
	keyring := option{label: "Try the keyring again", note: "after you started it"}
	if s.keyring == "locked" {
		keyring = option{label: "Unlock the keyring", note: "your desktop asks"}
	}
	s.list.reset([]option{keyring,
		{label: "Memory, for this run", note: "gone when confer ends"},
		{label: "Encrypted file", note: "with a passphrase"},
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

func keyringWords(s flow.Store) string {
	switch s.Keyring {
	case "": // not asked: the file was chosen before
		return "In the encrypted secrets file. Its passphrase opens it."
	case "locked":
		return "The system keyring is locked."
	case "no-collection":
		return "The keyring service runs, but there is no keyring in it yet."
	case "no-service":
		return "No keyring service runs in this session."
	case "no-bus":
		return "This session has no D-Bus, so no keyring can be reached. Over SSH and in containers that is usual."
	case "silent":
		return "The system keyring does not answer."
	case "unsupported":
		return "This build has no keyring for this system."
	}
	return "The system keyring cannot be used."
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
		p.heading(f, "Open the secrets file", "The client secret is in it. Its passphrase opens it.")
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
		p.blocks = append(p.blocks, s.list.view(f)...)
		p.note(f, extra, "Secrets are the client secret and confer's own refresh tokens. Nothing is written anywhere else.")
		if d := f.state.Store.Detail; d != "" {
			p.note(f, spare, clean(d))
		}
	}
	if f.state.Busy() {
		p.foot = f.working(storeWorking(f.state) + "…")
		return p
	}
	p.trouble(f)
	return p
}

// storeWorking says what is done with the store.
func storeWorking(s flow.State) string {
	if _, ok := s.Running.Effect.(flow.StoreHeld); ok {
		return "Storing the token and reading it back"
	}
	return "Opening the store"
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
