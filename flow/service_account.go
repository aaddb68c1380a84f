package flow

import (
	"context"
	"strings"

	"confer/cronofy"
)

// servicePrefix is all that is documented of a service account id's form.
const servicePrefix = "ser_"

// CheckServiceAccountID says what is wrong with a service account id, or nil.
func CheckServiceAccountID(id string) *Problem {
	const where = "It is the sub your application got when the calendar administrator authorized Enterprise Connect."
	switch {
	case id == "":
		return usage("The service account id is missing.", "Enter the id that begins with ser_. "+where)
	case !strings.HasPrefix(id, servicePrefix) || len(id) == len(servicePrefix):
		return usage("A service account id begins with ser_ and goes on after that.", where)
	case len(id) > maxID || strings.IndexFunc(id, notIDRune) >= 0:
		return usage("That is not a service account id: it holds characters that ids do not have.", "Paste the id alone, like ser_6710aa01c0ffee0123456789. "+where)
	}
	return nil
}

func (s State) serviceAccount(ev ServiceAccountEntered) (State, *Task) {
	for _, p := range []*Problem{s.CheckNoSecret(ev.ID), s.CheckLabel(ev.Label)} {
		if p != nil {
			return s.refuse(p)
		}
	}
	s.Answers.ServiceAccount, s.Answers.Label = ev.ID, ev.Label
	s.accepted.account = ""
	if p := CheckServiceAccountID(ev.ID); p != nil {
		return s.refuse(p)
	}
	return s.start(CheckServiceAccount{Answers: s.Answers, Store: s.Store})
}

func (s State) accountAccepted(ev ServiceAccountAccepted) State {
	if !s.checksAccount() {
		s = s.dropHeld()
	}
	s.Running, s.Attempt, s.Asking = nil, Attempt{}, false
	s.Answers.ServiceAccount, s.Notice = ev.ID, ev.Notice
	s = s.keptIf(true).acceptUpTo(StepDataCenter)
	s.Step = StepProvider
	return s
}

// checksAccount: an id that was typed, which says nothing of one that was approved.
func (s State) checksAccount() bool {
	_, ok := s.Running.Effect.(CheckServiceAccount)
	return ok
}

// another keeps what further customers share and clears what was this one's.
func (s State) another() State {
	s.Used = append(s.Used[:len(s.Used):len(s.Used)], Used{
		APIHost: s.Answers.Site.APIHost(), ClientID: s.Answers.ClientID,
		ServiceAccount: s.Answers.ServiceAccount, Label: s.Answers.Label,
	})
	s.Answers.ServiceAccount, s.Answers.Label, s.Answers.Provider = "", "", ""
	s.Answers.Accounts = Accounts{}
	s.Link, s.linkedKey, s.Known, s.Proof = nil, "", nil, Proof{}
	s.Running, s.Problem, s.Notice = nil, nil, ""
	s.Step = StepServiceAccount
	return s
}

// connectAnswers are the answers that an authorization of a calendar service
// account belongs to.
func connectAnswers(a Answers) Answers {
	a.ServiceAccount, a.Provider = "", ""
	return a
}

// checkServiceAccount makes a link token, the documented check of the client
// secret and of the id, and stores the secret now that it is known to be right.
func (r *Runner) checkServiceAccount(ctx context.Context, e CheckServiceAccount, say func(Event)) Event {
	a, err := r.withSecret(ctx, e.Answers, e.Store)
	if err != nil {
		return Failed{Err: err}
	}
	call, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	if _, err := r.client(a, say).LinkToken(call, a.ServiceAccount); err != nil {
		return Failed{Err: err}
	}
	if err := r.keep(ctx, e.Store, clientSecretOf(a), a.ClientSecret); err != nil {
		return Failed{Err: err}
	}
	return ServiceAccountAccepted{ID: a.ServiceAccount}
}

// connect has a calendar service account authorized, and stores its refresh
// token. The operator's own application does not learn of it.
func (r *Runner) connect(ctx context.Context, e Connect, inbox <-chan Delivery, say func(Event)) Event {
	a, err := r.withSecret(ctx, e.Answers, e.Store)
	if err != nil {
		return Failed{Err: err}
	}
	a = connectAnswers(a)
	client := r.client(a, say)
	t := &trip{r: r, at: StepServiceAccount, answers: a, store: e.Store, inbox: inbox, say: say, done: "The calendars are authorized"}
	t.link = func(_ context.Context, state string) (string, error) {
		return client.EnterpriseConnectURL(cronofy.EnterpriseConnectRequest{RedirectURI: a.RedirectURI, State: state, Scope: e.Scope, DelegatedScope: e.DelegatedScope}), nil
	}
	t.finish = func(ctx context.Context, code cronofy.Secret) (put, error) {
		return r.connected(ctx, client, a, code, say)
	}
	return t.run(ctx)
}

func (r *Runner) connected(ctx context.Context, client *cronofy.Client, a Answers, code cronofy.Secret, say func(Event)) (put, error) {
	token, err := client.Exchange(ctx, code, a.RedirectURI)
	if err != nil {
		return nil, err
	}
	say(Exchanged{})
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
	return r.putToken(a, serviceTokenOf(a), token.RefreshToken, func(ctx context.Context, s Store) Event {
		notice := ""
		if err := r.recordAccount(ctx, a, s, token); err != nil {
			notice = explainCopies(err)
		}
		return ServiceAccountAccepted{ID: a.ServiceAccount, Notice: notice}
	}), nil
}
