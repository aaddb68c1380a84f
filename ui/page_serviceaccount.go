package ui

import (
	"slices"

	"confer/cronofy"
	"confer/flow"
)

// The pages of the service account's step: the id to enter, those used before to
// choose from, and an authorization of a new one.
const (
	pageServiceAccount pageID = "service account"
	pageUsedAccounts   pageID = "service accounts used before"
	pageConnect        pageID = "authorize a service account"
	pageNewAccount     pageID = "new service account"
)

var _ = registerStep(flow.StepServiceAccount, pageServiceAccount, serviceAccountPage, serviceAccountAnswer)

func serviceAccountAnswer(s flow.State) string {
	if s.Answers.ServiceAccount == "" {
		return ""
	}
	return organisation(s.Answers)
}

// organisation names whose calendars they are: the operator's own name for it, or
// the id.
func organisation(a flow.Answers) string {
	if a.Label != "" {
		return clean(a.Label)
	}
	return shortID(a.ServiceAccount)
}

// The fields of the service account.
const (
	fieldAccount = "service_account"
	fieldLabel   = "label"
	fieldScope   = "scope"
	fieldWide    = "delegated_scope"
)

// checking is said while a service account is looked at.
const checking = "Asking Cronofy for a link token, which checks the id and the secret"

func serviceAccountPage(c Context) Page {
	return Page{
		Title: "Whose calendars?",
		Lead:  "A calendar service account stands for one organisation's calendars.",
		Fields: []Field{
			{Name: fieldAccount, Label: "Service account id", Called: "service account id", Flag: "--service-account", Answer: c.Answers.ServiceAccount, Placeholder: "ser_…",
				Hint: says("The sub that your application got when the administrator authorized Enterprise Connect."), Check: flow.CheckServiceAccountID},
			labelField(c),
		},
		Submit: func(v Values) flow.Event {
			return flow.ServiceAccountEntered{ID: v[fieldAccount], Label: v[fieldLabel]}
		},
		Actions: []Action{{Key: "c", Words: "authorize a calendar service account now", Act: Act{Open: pageConnect}}},
		Problem: c.problem(), At: accountFault(c.State), Warning: c.Notice, Busy: c.working(checking),
		Explain: []string{
			"An administrator of the organisation authorizes your application once for all its calendars. Cronofy calls that Enterprise Connect, and the result a service account. Service account ids look like ser_6710….",
			"Your application got the id as sub when it exchanged the code of that authorization. If nobody has authorized it yet, confer can have that done now.",
		},
	}
}

func labelField(c Context) Field {
	return Field{Name: fieldLabel, Label: "Name of the organisation", Called: "name", Flag: "--label", Answer: c.Answers.Label, Optional: true, Placeholder: "none",
		Hint: says("Your own name for it, in your lists."), Check: c.CheckLabel, Shy: true}
}

// accountFault is the field that the problem is about.
func accountFault(s flow.State) string {
	if p := s.Problem; p != nil && (p.Code == flow.CodeUsage || p.Code == flow.CodeNotFound || p.Code == flow.CodeUnprocessable) {
		return fieldAccount
	}
	return ""
}

// usedPath begins with the accounts used before; once there is an answer, with it
// in its field.
func usedPath(s flow.State) []pageID {
	if s.Answers.ServiceAccount == "" {
		return []pageID{pageUsedAccounts}
	}
	return []pageID{pageUsedAccounts, pageServiceAccount}
}

func usedAccountsPage(c Context) Page {
	p := Page{Title: "Whose calendars?", Lead: "Service accounts that were used with this application before.",
		Problem: c.problem(), Warning: c.Notice, Busy: c.working(checking), Explain: serviceAccountPage(Context{}).Explain}
	f := Field{Name: fieldAccount, Label: "Service account", Kind: FieldChoice, Answer: c.Answers.ServiceAccount}
	for _, u := range usedHere(c.State) {
		o := Option{Value: u.ServiceAccount, Label: clean(u.ServiceAccount), Act: Act{Event: flow.ServiceAccountEntered{ID: u.ServiceAccount, Label: u.Label}}}
		if u.Label != "" {
			o.Label, o.Note = clean(u.Label), shortID(u.ServiceAccount)
		}
		f.Options = append(f.Options, o)
	}
	f.Options = append(f.Options, Option{Label: "Another one", Note: "enter its id", Act: Act{Open: pageServiceAccount}},
		Option{Label: "Authorize one now", Note: "in the browser", Act: Act{Open: pageConnect}})
	p.Fields = []Field{f}
	return p
}

// usedHere are the accounts that this application used before, each once: it may
// have been authorized here and linked with several providers.
func usedHere(s flow.State) []flow.Used {
	var out []flow.Used
	for _, u := range s.Used {
		if !s.Answers.Site.Chosen() || u.APIHost != s.Answers.Site.APIHost() || u.ClientID != s.Answers.ClientID {
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

// connectPage authorizes a service account now.
func connectPage(c Context) Page {
	p := Page{
		Title: "Authorize a calendar service account",
		Lead:  "The administrator of the calendars opens a link and approves, through Enterprise Connect.",
		Fields: []Field{
			{Name: fieldScope, Label: "Scope", Answer: cronofy.DefaultServiceAccountScope, Hint: says("What the service account itself may do, separated by spaces.")},
			{Name: fieldWide, Label: "Delegated scope", Answer: cronofy.DefaultDelegatedScope, Hint: says("The widest access that your application may ask for later, account by account.")},
			labelField(c),
		},
		Enter: "make the approval link",
		Submit: func(v Values) flow.Event {
			return flow.ConnectStarted{Scope: v[fieldScope], DelegatedScope: v[fieldWide], Label: v[fieldLabel]}
		},
		Problem: c.problem(), Warning: c.Notice,
		Notes: []Note{
			{Text: "Your own application is not told of the account: confer shows you the new id.", Kind: noteMuted, Rank: aside},
			{Text: "The browser comes back to " + clean(c.Answers.RedirectURI) + ".", Kind: noteMuted, Rank: extra},
		},
		Explain: []string{"Enterprise Connect is Cronofy's name for access to all calendars of an organisation. The administrator signs in to Microsoft 365, Google Workspace or Exchange, and approves what your application asks for."},
	}
	p.Fields[2].Answer = c.draft(pageServiceAccount, fieldLabel, c.Answers.Label)
	p.Actions = portActions(c)
	return p
}

// portActions are the ways on when the port of the redirect URI was busy.
func portActions(c Context) []Action {
	problem := c.problem()
	if problem == nil || c.Answers.RedirectSet {
		return nil
	}
	var out []Action
	for i, uri := range problem.Offers {
		out = append(out, Action{Key: string(rune('1' + i)), Words: "take " + clean(uri) + " instead", Act: Act{Event: flow.RedirectURIChosen{URI: uri}}})
	}
	return out
}

// newAccountPage shows the id of an account that was authorized just now.
func newAccountPage(c Context) Page {
	id := clean(c.Answers.ServiceAccount)
	return Page{
		Title: "The service account is authorized",
		Lead:  "Keep its id: you will need it for the next link.",
		Notes: []Note{{Text: id, Kind: noteDone},
			{Text: "Your own application is not told of this account. Enter the id there if it should use it.", Kind: noteMuted, Rank: aside}},
		Warning: c.Notice,
		Actions: []Action{{Key: "enter", Words: "go on", Act: Act{Open: back}},
			{Key: "c", Words: "copy the id", Act: Act{Copy: id, Told: "The id was sent to the terminal's clipboard."}}},
		Explain: []string{"The service account stands for the calendars of the organisation whose administrator approved. It is used now to link these calendars with a provider."},
	}
}
