package flow

import (
	"cmp"
	"context"
	"strings"

	"confer/cronofy"
	"confer/internal/links"
)

// servicePrefix is all that is documented of a service account id's form.
const servicePrefix = "ser_"

// CheckServiceAccountID says what is wrong with a service account id, or nil.
func CheckServiceAccountID(id string) *Problem {
	const where = "It is the sub your application got when the administrator authorized Enterprise Connect."
	switch {
	case id == "":
		return usage("The service account id is missing.", "Enter the id that begins with ser_. "+where)
	case !strings.HasPrefix(id, servicePrefix) || len(id) == len(servicePrefix):
		return usage("Service account ids look like ser_6710aa01c0ffee0123456789.", where)
	case len(id) > maxID || strings.IndexFunc(id, notIDRune) >= 0:
		return usage("That is not a service account id: it holds characters that ids do not have.", "Paste the id alone, like ser_6710aa01c0ffee0123456789. "+where)
	}
	return nil
}

// ServiceAccountEntered answers step 3.
type ServiceAccountEntered struct{ ID, Label string }

func (ServiceAccountEntered) page() Step { return StepServiceAccount }

func (ev ServiceAccountEntered) apply(s State) (State, *Task) {
	if p := cmp.Or(s.CheckNoSecret(ev.ID), s.CheckLabel(ev.Label)); p != nil {
		return s.refuse(p)
	}
	s.Answers.ServiceAccount, s.Answers.Label = ev.ID, ev.Label
	if p := CheckServiceAccountID(ev.ID); p != nil {
		return s.refuse(p)
	}
	return s.start(CheckServiceAccount{Answers: s.Answers, Store: s.Store})
}

// ConnectStarted answers step 3 the other way: authorize a calendar service
// account now, through Enterprise Connect. Scopes are space-separated.
type ConnectStarted struct{ Scope, DelegatedScope, Label string }

func (ConnectStarted) page() Step { return StepServiceAccount }

func (ev ConnectStarted) apply(s State) (State, *Task) {
	if p := cmp.Or(s.CheckLabel(ev.Label), s.CheckNoSecret(ev.Scope), s.CheckNoSecret(ev.DelegatedScope)); p != nil {
		return s.refuse(p)
	}
	s.Answers.Label = ev.Label
	s.Attempt = Attempt{Phase: PhasePreparing}
	return s.start(Connect{Answers: s.Answers, Store: s.Store, Scope: ev.Scope, DelegatedScope: ev.DelegatedScope})
}

// ServiceAccountAccepted ends CheckServiceAccount and Connect.
type ServiceAccountAccepted struct{ ID, Notice string }

func (ev ServiceAccountAccepted) apply(s State) (State, *Task) {
	if _, typed := s.Running.Effect.(CheckServiceAccount); !typed { // that says nothing of one that was approved
		s = s.finished(StepServiceAccount)
	}
	s.Running, s.Attempt, s.Asking = nil, Attempt{}, false
	s.Answers.ServiceAccount, s.Notice = ev.ID, ev.Notice
	s = s.accept(StepServiceAccount)
	s.Step = StepServiceAccount + 1
	return s, nil
}

// AnotherWanted begins the set-up of a further customer after a link: it keeps
// what customers share and clears what was this one's.
type AnotherWanted struct{}

func (AnotherWanted) apply(s State) (State, *Task) {
	if s.Step != StepProfiles {
		return s, nil
	}
	s.Used = append(s.Used[:len(s.Used):len(s.Used)], Used{
		APIHost: s.Answers.Site.APIHost(), ClientID: s.Answers.ClientID,
		ServiceAccount: s.Answers.ServiceAccount, Label: s.Answers.Label,
	})
	s.Answers.ServiceAccount, s.Answers.Label, s.Answers.Provider, s.Answers.Accounts = "", "", "", Accounts{}
	s.Link, s.Known, s.Watch = nil, nil, Watch{}
	s.Running, s.Problem, s.Notice = nil, nil, ""
	s.Step = StepServiceAccount
	return s, nil
}

// CheckServiceAccount makes a link token, the documented check of the client secret
// and of the id, and stores the secret now that it is known to be right. It ends in
// ServiceAccountAccepted.
type CheckServiceAccount struct {
	Answers Answers
	Store   Store
}

func (e CheckServiceAccount) do(ctx context.Context, r *Runner, _ <-chan Delivery, say func(Event)) Event {
	a, err := r.withSecret(ctx, e.Answers, e.Store)
	if err != nil {
		return Failed{Err: err}
	}
	call, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	if _, err := r.client(a, say).LinkToken(call, a.ServiceAccount); err != nil {
		return Failed{Err: err}
	}
	if err := r.storeSecret(ctx, e.Store, clientSecretOf(a), a.ClientSecret); err != nil {
		return Failed{Err: err}
	}
	return ServiceAccountAccepted{ID: a.ServiceAccount}
}

// Connect has a calendar service account authorized in the browser, and stores its
// refresh token. The operator's own application does not learn of it. It ends in
// ServiceAccountAccepted.
type Connect struct {
	Answers               Answers
	Store                 Store
	Scope, DelegatedScope string
}

func (e Connect) do(ctx context.Context, r *Runner, inbox <-chan Delivery, say func(Event)) Event {
	a, err := r.withSecret(ctx, e.Answers, e.Store)
	if err != nil {
		return Failed{Err: err}
	}
	client := r.client(a, say)
	z := &authorization{r: r, at: StepServiceAccount, answers: a, store: e.Store, inbox: inbox, say: say, done: "The calendars are authorized"}
	z.link = func(_ context.Context, state string) (string, error) {
		return client.EnterpriseConnectURL(cronofy.EnterpriseConnectRequest{RedirectURI: a.RedirectURI, State: state, Scope: e.Scope, DelegatedScope: e.DelegatedScope}), nil
	}
	z.exchange = func(ctx context.Context, code cronofy.Secret, say func(Event)) (storing, error) {
		a := a
		client := r.client(a, say)
		token, err := client.Exchange(ctx, code, a.RedirectURI)
		if err != nil {
			return nil, err
		}
		if a.ServiceAccount = token.Sub; a.ServiceAccount == "" {
			info, err := client.UserInfo(ctx, token.AccessToken)
			if err != nil {
				return nil, err
			}
			a.ServiceAccount = info.Sub
		}
		if p := CheckServiceAccountID(a.ServiceAccount); p != nil {
			return nil, &cronofy.BadAnswerError{Op: "exchange code", Reason: "it names no service account"}
		}
		what := links.ServiceAccount{APIHost: a.Site.APIHost(), ClientID: a.ClientID, ID: a.ServiceAccount}.Link().Token()
		return r.storeToken(a, what, token.RefreshToken, func(ctx context.Context, s Store) Event {
			notice := ""
			if err := r.recordAccount(ctx, a, s, token); err != nil {
				notice = explainCopies
			}
			return ServiceAccountAccepted{ID: a.ServiceAccount, Notice: notice}
		}), nil
	}
	return z.run(ctx)
}
