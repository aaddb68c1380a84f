package ui

import (
	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"confer/flow"
)

// held is the page of an approval whose tokens no store has taken yet.
type held struct {
	list    choice
	problem *flow.Problem
	details bool
	store   flow.StoreKind // the list names it
	step    flow.Step
}

func newHeld() *held { return &held{list: newChoice()} }

// The options, in order. The last but one is for a link alone.
const (
	heldAgain = iota
	heldElsewhere
	heldLast // on to the profiles, or back to the service account
	heldAnew
)

func (h *held) sync(s flow.State) {
	if s.Problem != h.problem {
		h.problem, h.details = s.Problem, false
	}
	if len(h.list.options) > 0 && h.store == s.Store.Kind && h.step == s.Step {
		return
	}
	h.store, h.step = s.Store.Kind, s.Step
	rows := []option{
		{label: "Store it again", note: "in " + storeName(s.Store.Kind)},
		{label: "Another place", note: "memory, or a file"},
	}
	if s.Step == flow.StepServiceAccount {
		h.list.reset(append(rows, option{label: "Do without it", note: "confer forgets the token"}))
		return
	}
	h.list.reset(append(rows,
		option{label: "Go on to the profiles", note: "without a token"},
		option{label: "Make a new link", note: "to be approved again"}))
}

// storeName names a place for secrets within a sentence.
func storeName(k flow.StoreKind) string {
	switch k {
	case flow.StoreKeyring:
		return "the system keyring"
	case flow.StoreFile:
		return "the encrypted file"
	case flow.StoreSession, flow.StoreNone:
	}
	return "memory"
}

func (h *held) update(msg tea.Msg, f frame) (flow.Event, tea.Cmd) {
	k, ok := msg.(tea.KeyPressMsg)
	if f.state.Busy() {
		if ok && key.Matches(k, f.keys.back) {
			return flow.Back{}, nil
		}
		return nil, nil
	}
	if h.list.update(msg, f.keys) || !ok {
		return nil, nil
	}
	switch {
	case key.Matches(k, f.keys.back):
		return flow.Back{}, nil
	case key.Matches(k, f.keys.details):
		h.details = !h.details
	case key.Matches(k, f.keys.submit):
		at, ok := h.list.chosen()
		h.list.leave()
		if ok {
			return heldEvent(f.state, at), nil
		}
	}
	return nil, nil
}

// heldEvent is what an option does, also line by line.
func heldEvent(s flow.State, at int) flow.Event {
	switch {
	case at == heldAgain:
		return flow.StoreRetried{}
	case at == heldElsewhere:
		return flow.OtherStoreWanted{}
	case at == heldLast && s.Step == flow.StepServiceAccount:
		return flow.HeldDropped{}
	case at == heldLast:
		return flow.Continued{}
	}
	return flow.AuthorizeStarted{}
}

func (h *held) view(f frame) page {
	var p page
	p.heading(f, "Approved, but not finished", "")
	if f.state.Busy() {
		p.add(keep, f.working("Storing the token and reading it back…")...)
		return p
	}
	why := heldWhy(f.state)
	p.add(keep, f.signed(f.st.bad.Render(signBad), clean(why.Summary))...)
	p.join(aside, indent(each(f.st.muted, wrap(clean(why.Hint), f.w-2)))...)
	if why != f.state.HeldHere().Problem && !why.Approved {
		p.add(keep, f.warning("What was approved before is still here, and not stored.")...)
	}
	p.blocks = append(p.blocks, h.list.view(f)...)
	if h.details {
		p.add(keep, f.problemDetails(why)...)
	}
	p.note(f, spare, "The token ends with confer if it is not stored.")
	return p
}

// heldWhy is the problem of the moment, or why nothing is stored yet.
func heldWhy(s flow.State) *flow.Problem {
	if s.Problem != nil {
		return s.Problem
	}
	return s.HeldHere().Problem
}

func (h *held) bindings(f frame) []key.Binding {
	if f.state.Busy() {
		return []key.Binding{as(f.keys.back, "stop")}
	}
	return append([]key.Binding{h.list.enter(f.keys), f.keys.back, f.keys.details}, h.list.bindings(f.keys)...)
}

func (h *held) typing() bool { return h.list.filtering }
