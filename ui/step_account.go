package ui

import (
	"slices"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"confer/cronofy"
	"confer/flow"
)

// accountMode is which of its three faces the service account page shows.
type accountMode int

const (
	accountForm    accountMode = iota // type the id
	accountUsed                       // choose one of those used before
	accountConnect                    // authorize one now
)

// serviceAccount is step 3.
type serviceAccount struct {
	mode        accountMode
	list        choice
	used        []flow.Used
	form        form
	id, label   *field
	connect     form
	scope, wide *field
	offers      []string      // other redirect URIs, when a port was busy
	past        *flow.Problem // came up on another face
	fresh       bool          // not shown yet
}

func newServiceAccount() *serviceAccount {
	sa := &serviceAccount{
		id: newField("Service account id", maxEntry), label: newField("Label (optional)", 200),
		scope: newField("Scope", maxEntry), wide: newField("Delegated scope", maxEntry), list: newChoice(), fresh: true,
	}
	sa.id.placeholder = "ser_…"
	sa.id.hint = "The sub that your application got when the calendar administrator authorized Enterprise Connect."
	sa.label.optional = true
	sa.label.placeholder = "none"
	sa.label.hint = "Your own name for this customer."
	sa.form.fields = []*field{sa.id, sa.label, {label: "Authorize a calendar service account now…", action: true}}
	sa.scope.input.set(cronofy.DefaultServiceAccountScope)
	sa.wide.input.set(cronofy.DefaultDelegatedScope)
	sa.scope.input.pos, sa.wide.input.pos = 0, 0 // so that the beginning is seen
	sa.wide.hint = "The widest access that your application may ask for later, account by account."
	sa.connect.fields = []*field{sa.scope, sa.wide}
	return sa
}

func (sa *serviceAccount) sync(s flow.State) {
	sa.id.follow(s.Answers.ServiceAccount)
	sa.label.follow(s.Answers.Label)
	sa.offer(s)
	before := len(sa.used)
	sa.used = usedHere(s)
	rows := []option{}
	for _, u := range sa.used {
		rows = append(rows, usedRow(u))
	}
	sa.list.reset(append(rows, option{label: "Another one", note: "enter its id"}, option{label: "Authorize one now", note: "in the browser"}))
	if len(sa.used) > 0 && s.Answers.ServiceAccount == "" && (sa.fresh || before != len(sa.used)) {
		sa.mode = accountUsed
	}
	sa.fresh = false
}

// offer adds lines for other ports to the form, after one was busy.
func (sa *serviceAccount) offer(s flow.State) {
	sa.offers = nil
	sa.connect.fields = []*field{sa.scope, sa.wide}
	if s.Problem != nil && s.Problem != sa.past && !s.Answers.RedirectSet {
		sa.offers = s.Problem.Offers
	}
	for _, uri := range sa.offers {
		sa.connect.fields = append(sa.connect.fields, &field{label: "Take " + clean(uri) + " instead", action: true})
	}
	if s.PinnedPort() && s.Problem != sa.past {
		sa.connect.fields = append(sa.connect.fields, &field{label: "Change the redirect URI…", action: true})
	}
	sa.connect.focus = min(sa.connect.focus, len(sa.connect.fields)-1)
}

// usedHere are the accounts that this application used before, each once: it may
// have been authorized here and linked with several providers.
func usedHere(s flow.State) []flow.Used {
	var out []flow.Used
	for _, u := range s.Used {
		if u.APIHost != s.Answers.Site.APIHost() || u.ClientID != s.Answers.ClientID {
			continue
		}
		at := slices.IndexFunc(out, func(o flow.Used) bool { return o.ServiceAccount == u.ServiceAccount })
		switch {
		case at < 0:
			out = append(out, u)
		case out[at].Label == "":
			out[at].Label = u.Label
		}
	}
	return out
}

func usedRow(u flow.Used) option {
	if u.Label != "" {
		return option{label: clean(u.Label), note: shortID(u.ServiceAccount)}
	}
	return option{label: clean(u.ServiceAccount)}
}

func (sa *serviceAccount) update(msg tea.Msg, f frame) (flow.Event, tea.Cmd) {
	if k, ok := msg.(tea.KeyPressMsg); ok && key.Matches(k, f.keys.back) && (f.state.Busy() || !sa.list.filtering) {
		return sa.back(f), nil
	}
	if f.state.Busy() {
		return nil, nil
	}
	switch sa.mode {
	case accountUsed:
		return sa.updateList(msg, f), nil
	case accountConnect:
		switch sa.connect.update(msg, f.keys) {
		case movedSubmit:
			return flow.ConnectStarted{Scope: sa.scope.input.value(), DelegatedScope: sa.wide.input.value(), Label: sa.label.submitted()}, nil
		case movedAction:
			at := sa.connect.focus - 2
			sa.connect.focus = 0
			if at == len(sa.offers) {
				return flow.RedirectURIWanted{}, nil
			}
			return flow.RedirectURIChosen{URI: sa.offers[at]}, nil
		case movedNot, movedInside:
		}
	case accountForm:
		switch sa.form.update(msg, f.keys) {
		case movedSubmit:
			return flow.ServiceAccountEntered{ID: sa.id.submitted(), Label: sa.label.submitted()}, nil
		case movedAction:
			sa.turn(accountConnect, f)
		case movedNot, movedInside:
		}
	}
	return nil, nil
}

// turn shows another face; what went wrong on this one is left behind.
func (sa *serviceAccount) turn(to accountMode, f frame) {
	sa.mode, sa.past = to, f.state.Problem
	sa.form.focus, sa.connect.focus = 0, 0
}

// back leaves one face for the one before, or the page.
func (sa *serviceAccount) back(f frame) flow.Event {
	switch {
	case f.state.Busy():
	case sa.mode == accountConnect:
		sa.turn(accountForm, f)
		return nil
	case sa.mode == accountForm && len(sa.used) > 0:
		sa.turn(accountUsed, f)
		return nil
	}
	return flow.Back{}
}

func (sa *serviceAccount) updateList(msg tea.Msg, f frame) flow.Event {
	if sa.list.update(msg, f.keys) {
		return nil
	}
	k, ok := msg.(tea.KeyPressMsg)
	if !ok || !key.Matches(k, f.keys.submit) {
		return nil
	}
	at, ok := sa.list.chosen()
	if !ok {
		return nil
	}
	sa.list.leave()
	switch at - len(sa.used) {
	case 0:
		sa.turn(accountForm, f)
	case 1:
		sa.turn(accountConnect, f)
	default:
		u := sa.used[at]
		return flow.ServiceAccountEntered{ID: u.ServiceAccount, Label: u.Label}
	}
	return nil
}

func (sa *serviceAccount) view(f frame) page {
	if f.state.Problem == sa.past {
		f.state.Problem = nil
	}
	var p page
	under := map[int][]string{}
	switch sa.mode {
	case accountUsed:
		p.heading(f, "Whose calendars?", "Service accounts that were used with this application before.")
		p.blocks = append(p.blocks, sa.list.view(f)...)
	case accountConnect:
		p.heading(f, "Authorize a calendar service account", "The calendar administrator opens a link and allows it, through Enterprise Connect.")
		p.blocks = append(p.blocks, sa.connect.view(f, under)...)
		p.note(f, aside, "Your own application does not learn of the account by itself: note the id that you see afterwards.")
		p.note(f, spare, "The browser comes back to "+clean(f.state.Answers.RedirectURI)+".")
	case accountForm:
		p.heading(f, "Whose calendars?", "A calendar service account stands for one customer's calendars.")
		if sa.troubled(f.state) {
			under[0] = f.under().problem(f.state.Problem)
		}
		p.blocks = append(p.blocks, sa.form.view(f, under)...)
	}
	switch {
	case f.state.Busy():
		p.foot = f.working("Asking Cronofy for a link token, which checks the id and the secret…")
	case len(under) == 0:
		p.trouble(f)
	}
	return p
}

// troubled tells whether the problem is about the id.
func (sa *serviceAccount) troubled(s flow.State) bool {
	if s.Problem == nil {
		return false
	}
	c := s.Problem.Code
	return c == flow.CodeUsage || c == flow.CodeNotFound || c == flow.CodeUnprocessable
}

func (sa *serviceAccount) bindings(f frame) []key.Binding {
	if f.state.Busy() {
		return []key.Binding{as(f.keys.back, "stop")}
	}
	switch sa.mode {
	case accountUsed:
		if sa.list.filtering {
			return append([]key.Binding{sa.list.enter(f.keys)}, sa.list.bindings(f.keys)...)
		}
		return append([]key.Binding{sa.list.enter(f.keys), f.keys.back}, sa.list.bindings(f.keys)...)
	case accountConnect:
		return append([]key.Binding{as(f.keys.submit, "make a link")}, append(sa.connect.bindings(f.keys), f.keys.back)...)
	case accountForm:
	}
	return append([]key.Binding{f.keys.submit}, append(sa.form.bindings(f.keys), f.keys.back)...)
}

func (sa *serviceAccount) typing() bool {
	switch sa.mode {
	case accountUsed:
		return sa.list.filtering
	case accountConnect:
		return sa.connect.typing()
	case accountForm:
	}
	return sa.form.typing()
}
