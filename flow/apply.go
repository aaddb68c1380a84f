package flow

import "time"

// Apply is the only place where a State changes. It returns the next State and
// at most one Task: one to start, or a Delivery to the one that is running.
// Events that do not fit the page or the moment change nothing.
func (s State) Apply(ev Event) (State, *Task) {
	switch ev := ev.(type) {
	case Report:
		return s.report(ev)
	case Back:
		return s.back(), nil
	case Delivery:
		return s.deliver(ev)
	case RedirectURIChosen:
		return s.redirect(ev)
	case RedirectURIWanted:
		if s.PinnedPort() {
			s.Step = StepApplication // the problem goes along, and stands at the field
		}
		return s, nil
	case StoreRetried, OtherStoreWanted, HeldDropped:
		return s.settleHeld(ev)
	case StoreChosen:
		if s.Running != nil || !s.Asking {
			return s, nil
		}
		s.Problem, s.Notice = nil, ""
		return s.store(ev)
	case AnotherWanted:
		if s.Step != StepProfiles {
			return s, nil
		}
		return s.another(), nil
	case answer:
		if s.Running != nil || ev.page() != s.Step || s.Asking && s.Step != StepApplication {
			return s, nil
		}
		s.Problem, s.Notice = nil, ""
		return s.answer(ev)
	}
	return s, nil
}

// Busy tells whether a task is under way that the operator waits for. Profiles
// that are looked at are not.
func (s State) Busy() bool { return s.Running != nil && (s.Step != StepProfiles || !s.Proof.Started) }

// LinkedNow tells whether the link was made with the answers as they are.
func (s State) LinkedNow() bool { return s.Link != nil && s.linkedKey == s.Answers.Key() }

// ApprovedNow tells whether the administrator approved these very answers, so
// that the link most likely exists whatever failed afterwards.
func (s State) ApprovedNow() bool { return s.approvedKey == s.Answers.Key() }

func (s State) start(e Effect) (State, *Task) {
	s.tasks++
	s.Unlock, s.StoreWait = time.Time{}, ""
	s.Running = &Task{ID: s.tasks, Effect: e}
	return s, s.Running
}

func (s State) refuse(p *Problem) (State, *Task) {
	p.Step = s.Step
	s.Problem = p
	return s, nil
}

func (s State) answer(ev answer) (State, *Task) {
	switch ev := ev.(type) {
	case DataCenterChosen:
		if !ev.Site.Chosen() {
			return s.refuse(usage("The data center is missing.", "Choose the one your application was made in."))
		}
		s.Answers.Site = ev.Site
		s.Step = StepApplication
		return s, nil
	case ApplicationEntered:
		return s.application(ev)
	case ServiceAccountEntered:
		return s.serviceAccount(ev)
	case ConnectStarted:
		for _, p := range []*Problem{s.CheckLabel(ev.Label), s.CheckNoSecret(ev.Scope), s.CheckNoSecret(ev.DelegatedScope)} {
			if p != nil {
				return s.refuse(p)
			}
		}
		s.Answers.Label = ev.Label
		s.Attempt = Attempt{Phase: PhasePreparing}
		return s.start(Connect{Answers: s.Answers, Store: s.Store, Scope: ev.Scope, DelegatedScope: ev.DelegatedScope})
	case ProviderChosen:
		if p := s.checkProvider(ev.Provider); p != nil {
			return s.refuse(p)
		}
		s.Notice = unknownProvider(ev.Provider)
		s.Answers.Provider = ev.Provider
		s.Step = StepAuthorize
		return s, nil
	case AuthorizeStarted:
		return s.authorize()
	case Continued:
		if s.LinkedNow() || s.ApprovedNow() {
			s.Step = StepProfiles
		}
		return s, nil
	case AccountsGiven:
		return s.accounts(ev)
	}
	return s, nil
}

func (s State) application(ev ApplicationEntered) (State, *Task) {
	before := s
	s.Answers.ClientSecret = ev.ClientSecret
	for _, text := range []string{ev.ClientID, ev.RedirectURI} {
		for _, known := range []State{s, before} {
			if p := known.CheckNoSecret(text); p != nil {
				return s.refuse(p)
			}
		}
	}
	s.Answers.ClientID = ev.ClientID
	s.Answers.RedirectURI = ev.RedirectURI
	s.Asking, s.accepted.application = false, ""
	if p := checkApplicationAnswer(ev); p != nil {
		return s.refuse(p)
	}
	return s.start(CheckApplication{Answers: s.Answers, Store: s.Store})
}

func (s State) store(ev StoreChosen) (State, *Task) {
	s.Store.Kind, s.Store.Passphrase = ev.Kind, ev.Passphrase
	if s.HeldHere() != nil {
		return s.storeHeld()
	}
	return s.start(OpenStore{Answers: s.Answers, Store: s.Store})
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

// redirect takes another redirect URI where a port was busy: on the page of the
// service account, whose authorization is then begun again, or to authorize.
func (s State) redirect(ev RedirectURIChosen) (State, *Task) {
	if s.Running != nil || s.Asking || s.Answers.RedirectSet || s.Step != StepAuthorize && s.Step != StepServiceAccount {
		return s, nil
	}
	s.Problem, s.Notice = nil, ""
	if p := s.CheckNoSecret(ev.URI); p != nil {
		return s.refuse(p)
	}
	s.Answers.RedirectURI = ev.URI
	if s.Step == StepServiceAccount {
		return s, nil
	}
	return s.authorize()
}

// PinnedPort tells whether the port of a redirect URI that the operator named was
// busy: no other one is offered then, and only that URI itself can be changed.
func (s State) PinnedPort() bool {
	p := s.Problem
	return p != nil && p.Code == CodePort && s.Running == nil && s.Answers.RedirectSet && s.Answers.Listen == "" &&
		(s.Step == StepAuthorize || s.Step == StepServiceAccount)
}

func (s State) authorize() (State, *Task) {
	s.Attempt = Attempt{Phase: PhasePreparing}
	return s.start(Authorize{Answers: s.Answers, Store: s.Store})
}

func (s State) accounts(ev AccountsGiven) (State, *Task) {
	if p := s.CheckAccountsPath(ev.Accounts.Path); p != nil {
		return s.refuse(p)
	}
	s.Answers.Accounts, s.Proof = ev.Accounts, Proof{}
	if p := checkAccountsAnswer(ev.Accounts); p != nil {
		return s.refuse(p)
	}
	s.Proof = Proof{Started: true}
	if ev.Accounts.Kind == AccountsNone {
		s.Proof.Done = true
		return s, nil
	}
	return s.start(LoadProfiles{Answers: s.Answers, Known: s.KnownHere()})
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

func (s State) deliver(d Delivery) (State, *Task) {
	if _, ok := d.(Refreshed); ok {
		return s.refresh()
	}
	if s.Running == nil || s.Attempt.Phase != PhaseWaiting {
		return s, nil
	}
	if _, ok := d.(Handed); ok && s.Step != StepAuthorize {
		return s, nil
	}
	s.Attempt.Notice = ""
	return s, &Task{ID: s.Running.ID, Effect: d}
}

func (s State) refresh() (State, *Task) {
	switch {
	case s.Step != StepProfiles || !s.Proof.Started || s.Answers.Accounts.Kind == AccountsNone:
		return s, nil
	case s.Running != nil:
		return s, &Task{ID: s.Running.ID, Effect: Refreshed{}}
	}
	s.Problem = nil
	s.Proof.Done, s.Proof.NextLook = false, time.Time{}
	return s.start(LoadProfiles{Answers: s.Answers, Known: s.KnownHere()})
}

// back ends what is under way, or goes one page back. A code that is being
// exchanged is not given up: it cannot be had twice.
func (s State) back() State {
	if p := s.Attempt.Phase; p == PhaseExchanging || p == PhaseStoring {
		return s
	}
	s.Problem, s.Notice = nil, ""
	switch {
	case s.Busy():
		s.Running, s.Attempt = nil, Attempt{}
	case s.Asking:
		s.Asking = false
	case s.Step == StepProfiles && s.Proof.Started:
		s.Running, s.Proof = nil, Proof{}
	case s.Step > StepDataCenter:
		s.Step--
	}
	return s
}
