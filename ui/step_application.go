package ui

import (
	"errors"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"confer/cronofy"
	"confer/flow"
)

// maxEntry bounds an answer that is typed, in bytes: a URL may be long.
const maxEntry = 2048

// application is step 2.
type application struct {
	form        form
	id, secret  *field
	redirect    *field
	lastProblem *flow.Problem
	permitting  bool // the text for Cronofy is shown
	permit      letter
}

func newApplication() *application {
	a := &application{
		id: newField("Client id", maxEntry), secret: newField("Client secret", maxEntry), redirect: newField("Redirect URI", maxEntry), permit: newPermit(),
	}
	a.secret.secret = true
	a.redirect.follow(flow.DefaultRedirectURI)
	a.form.fields = []*field{a.id, a.secret, a.redirect, {label: "Text for Cronofy's permitted list…", action: true}}
	return a
}

func (a *application) sync(s flow.State) {
	a.id.follow(s.Answers.ClientID)
	a.secret.follow(s.Answers.ClientSecret.Reveal())
	if s.Answers.RedirectURI != "" { // until there is one, the field has the usual one, or is as it was left
		a.redirect.follow(s.Answers.RedirectURI)
	}
	a.secret.optional = secretMayBeStored(s)
	a.secret.placeholder = "paste it here"
	if a.secret.optional {
		a.secret.placeholder = "leave empty to use the stored one"
	}
	a.secret.hint = keptWhere(s.Store)
	a.redirect.hint = redirectHint(a.redirect.input.value(), s)
	if s.Problem != nil && s.Problem != a.lastProblem && s.Step == flow.StepApplication {
		if at := a.troubled(s); at >= 0 {
			a.form.focus = at
		}
	}
	a.lastProblem = s.Problem
}

// secretMayBeStored: an earlier run left its client id, so its secret may be in
// the store too, unless that was just found not to be so.
func secretMayBeStored(s flow.State) bool {
	if s.Problem != nil && errors.Is(s.Problem.Err, flow.ErrNoSecret) {
		return false
	}
	kept := s.Store.Kind == flow.StoreKeyring || s.Store.Kind == flow.StoreFile
	return kept && s.Answers.ClientID != "" && s.Answers.ClientSecret.Empty()
}

func keptWhere(s flow.Store) string {
	switch s.Kind {
	case flow.StoreKeyring:
		return "It will be kept in the system keyring."
	case flow.StoreSession:
		return "It stays in memory, for this run only."
	case flow.StoreFile:
		return "It will be kept in the encrypted secrets file."
	case flow.StoreNone:
		return "The sandbox's own. Nothing is stored on this machine."
	}
	return "It will be kept in the system keyring. If there is none, confer asks first."
}

func redirectHint(uri string, s flow.State) string {
	switch {
	case s.Answers.Site.Sandbox:
		return "Where the browser comes back to. confer listens there."
	case !flow.LoopbackRedirect(uri) && s.Answers.Listen == "":
		return "The server there must do nothing with the code: a static page or a 404 is right. You will paste the final address."
	}
	return "Applications in production: it must be on the list of permitted redirect URIs at Cronofy."
}

// troubled is the field that the problem is about; -1: none of them.
func (a *application) troubled(s flow.State) int {
	switch {
	case s.Problem == nil:
		return -1
	case flow.CheckClientID(s.Answers.ClientID) != nil:
		return 0
	case flow.CheckRedirectURI(s.Answers.RedirectURI) != nil:
		return 2
	case s.Problem.Code == flow.CodeUnauthorized, s.Problem.Code == "invalid_client", s.Problem.Code == flow.CodeUsage:
		return 1
	case s.Problem.Code == flow.CodePort:
		return 2
	}
	return -1
}

func (a *application) update(msg tea.Msg, f frame) (flow.Event, tea.Cmd) {
	k, ok := msg.(tea.KeyPressMsg)
	switch {
	case a.permitting:
		var cmd tea.Cmd
		a.permitting, cmd = a.permit.update(msg, f, permitText(a.drafted(f.state.Answers)))
		return nil, cmd
	case ok && key.Matches(k, f.keys.back):
		return flow.Back{}, nil
	case f.state.Busy():
		return nil, nil
	}
	switch a.form.update(msg, f.keys) {
	case movedSubmit:
		return flow.ApplicationEntered{
			ClientID: a.id.submitted(), ClientSecret: cronofy.NewSecret(a.secret.submitted()), RedirectURI: a.redirect.submitted(),
		}, nil
	case movedInside:
		a.redirect.hint = redirectHint(a.redirect.input.value(), f.state)
	case movedAction:
		a.permitting = true
	case movedNot:
	}
	return nil, nil
}

// drafted are the answers as they stand in the fields.
func (a *application) drafted(in flow.Answers) flow.Answers {
	in.ClientID, in.RedirectURI = a.id.input.value(), a.redirect.input.value()
	return in
}

func (a *application) view(f frame) page {
	var p page
	if a.permitting {
		a.permit.viewPermit(f, &p, a.drafted(f.state.Answers))
		return p
	}
	p.heading(f, "Your Cronofy application", "Its client id and secret are in Cronofy's developer dashboard.")
	under := map[int][]string{}
	at := a.troubled(f.state)
	if at >= 0 {
		under[at] = f.under().problem(f.state.Problem)
	}
	p.blocks = append(p.blocks, a.form.view(f, under)...)
	switch {
	case f.state.Busy():
		p.foot = f.working("Asking Cronofy about this application…")
	case at < 0:
		p.trouble(f)
	}
	return p
}

func (a *application) bindings(f frame) []key.Binding {
	if a.permitting {
		return a.permit.bindings(f, "back to the fields")
	}
	if f.state.Busy() {
		return []key.Binding{as(f.keys.back, "stop")}
	}
	return append([]key.Binding{f.keys.submit}, append(a.form.bindings(f.keys), f.keys.back)...)
}

func (a *application) typing() bool { return !a.permitting && a.form.typing() }
