package ui

import (
	"fmt"
	"slices"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"confer/cronofy"
	"confer/flow"
)

// accounts is step 6 before the table: where accounts' tokens come from.
type accounts struct {
	list        choice
	form        form
	path, token *field
	entering    flow.AccountsKind   // what is being entered; AccountsUnknown: it is being chosen
	offered     []flow.AccountsKind // the options, in order
	seen        flow.AccountsKind
}

func newAccounts() *accounts {
	a := &accounts{path: newField("File", maxEntry), token: newField("Access token", maxEntry), list: newChoice()}
	a.path.hint = "CSV with a header, or JSON lines; columns email and access_token."
	a.path.placeholder = "accounts.csv"
	a.token.secret = true
	a.token.hint = "It stays in memory, for this run only."
	return a
}

func (a *accounts) offer(s flow.State) {
	a.offered = []flow.AccountsKind{flow.AccountsFile, flow.AccountsToken, flow.AccountsNone}
	rows := []option{{label: "A file", note: "a list with access tokens"}, {label: "One access token", note: "of one account, pasted"}}
	a.list.reset(append(rows, option{label: "Not now", note: withoutProof(s)}))
}

// withoutProof says what there is when no profiles are looked at.
func withoutProof(s flow.State) string {
	switch {
	case s.Link == nil:
		return "the link most likely exists"
	case s.Link.Unconfirmed:
		return "the link stays unconfirmed"
	}
	return "the link is done anyway"
}

func (a *accounts) sync(s flow.State) {
	a.path.follow(s.Answers.Accounts.Path)
	a.token.follow(s.Answers.Accounts.Token.Reveal())
	a.offer(s)
	if kind := s.Answers.Accounts.Kind; kind != a.seen {
		a.seen = kind
		a.entering = flow.AccountsUnknown
		a.list.point(max(0, slices.Index(a.offered, kind)))
	}
}

func (a *accounts) update(msg tea.Msg, f frame) (flow.Event, tea.Cmd) {
	switch {
	case f.state.Busy():
		if k, ok := msg.(tea.KeyPressMsg); ok && key.Matches(k, f.keys.back) {
			return flow.Back{}, nil
		}
		return nil, nil
	case a.entering != flow.AccountsUnknown:
		return a.updateField(msg, f), nil
	}
	if a.list.update(msg, f.keys) {
		return nil, nil
	}
	k, ok := msg.(tea.KeyPressMsg)
	switch {
	case !ok:
	case key.Matches(k, f.keys.back):
		return flow.Back{}, nil
	case key.Matches(k, f.keys.submit):
		return a.choose(), nil
	}
	return nil, nil
}

func (a *accounts) choose() flow.Event {
	at, ok := a.list.chosen()
	a.list.leave()
	switch {
	case !ok:
		return nil
	case a.offered[at] == flow.AccountsNone:
		a.seen = flow.AccountsNone
		return flow.AccountsGiven{Accounts: flow.Accounts{Kind: flow.AccountsNone}}
	case a.offered[at] == flow.AccountsToken:
		a.form.fields = []*field{a.token}
	default:
		a.form.fields = []*field{a.path}
	}
	a.entering = a.offered[at]
	return nil
}

func (a *accounts) updateField(msg tea.Msg, f frame) flow.Event {
	if k, ok := msg.(tea.KeyPressMsg); ok && key.Matches(k, f.keys.back) {
		a.entering = flow.AccountsUnknown
		return nil
	}
	if a.form.update(msg, f.keys) != movedSubmit {
		return nil
	}
	if a.entering == flow.AccountsToken {
		a.seen = flow.AccountsToken
		return flow.AccountsGiven{Accounts: flow.Accounts{Kind: flow.AccountsToken, Token: cronofy.NewSecret(a.token.submitted())}}
	}
	a.seen = flow.AccountsFile
	return flow.AccountsGiven{Accounts: flow.Accounts{Kind: flow.AccountsFile, Path: a.path.submitted()}}
}

func (a *accounts) view(f frame) page {
	var p page
	p.linked(f)
	if a.entering != flow.AccountsUnknown {
		under := map[int][]string{}
		if f.state.Problem != nil && f.state.Answers.Accounts.Kind == a.entering {
			under[0] = f.under().problem(f.state.Problem)
		}
		p.blocks = append(p.blocks, a.form.view(f, under)...)
		return p
	}
	p.heading(f, "See it at work: where do accounts' tokens come from?",
		"Cronofy lists no accounts, so the conferencing profiles are read account by account.")
	p.blocks = append(p.blocks, a.list.view(f)...)
	p.trouble(f)
	return p
}

// linked confirms what has been reached.
func (p *page) linked(f frame) {
	l := f.state.Link
	between := fmt.Sprintf("the calendars of %s and %s", customer(f.state.Answers), toProvider(f.state.Answers.Provider))
	switch {
	case l == nil:
		p.join(keep, f.warning("Most likely linked: "+between+".")...)
		p.join(aside, indent(each(f.st.muted, wrap("The administrator approved. confer has no token of its own.", f.w-2)))...)
		return
	case l.Unconfirmed:
		p.join(keep, f.warning("Not confirmed: "+between+".")...)
		p.join(aside, indent(each(f.st.muted, wrap("The administrator says that it is done. confer has no token of its own.", f.w-2)))...)
		return
	}
	p.join(keep, f.done("Linked: "+between+".")...)
	detail := "confer's own token is " + storedWhere(l.Store, l.RefreshToken) + "."
	if l.OrganizationalUnit != "" {
		detail = "Organizational Unit " + clean(l.OrganizationalUnit) + " · " + detail
	}
	p.join(aside, indent(each(f.st.muted, wrap(detail, f.w-2)))...)
}

func storedWhere(kind flow.StoreKind, refresh bool) string {
	switch {
	case !refresh:
		return "for this run only: Cronofy gave none to keep"
	case kind == flow.StoreKeyring:
		return "in the system keyring"
	case kind == flow.StoreFile:
		return "in the encrypted secrets file"
	}
	return "in memory, for this run only"
}

func (a *accounts) bindings(f frame) []key.Binding {
	switch {
	case f.state.Busy():
		return []key.Binding{as(f.keys.back, "stop")}
	case a.entering != flow.AccountsUnknown:
		return []key.Binding{as(f.keys.submit, "read the profiles"), f.keys.back}
	case a.list.filtering:
		return append([]key.Binding{a.list.enter(f.keys)}, a.list.bindings(f.keys)...)
	}
	return append([]key.Binding{a.list.enter(f.keys), f.keys.back}, a.list.bindings(f.keys)...)
}

func (a *accounts) typing() bool {
	return a.entering != flow.AccountsUnknown || a.list.filtering
}
