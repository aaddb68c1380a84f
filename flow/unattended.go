package flow

import "context"

// Unattended runs the steps with the answers given and nobody to ask, up to the
// link. follow sees each new State with the event that led to it. It returns
// the last State: linked, or with the Problem that stopped it. The same Apply
// and the same Runner are at work as with a terminal.
func Unattended(ctx context.Context, r *Runner, f Found, follow func(State, Event)) State {
	return Attended(ctx, r, f, nil, follow)
}

// Attended is Unattended with somebody who may do things meanwhile: what comes
// from acts is applied too.
func Attended(ctx context.Context, r *Runner, f Found, acts <-chan Event, follow func(State, Event)) State {
	r.Unattended = true
	tasks := NewTasks(r)
	defer tasks.Close()
	s := State{Answers: f.Answers, Store: f.Store}
	apply := func(ev Event) {
		before := s
		var task *Task
		s, task = before.Apply(ev)
		tasks.Follow(before, s, task)
		follow(s, ev)
	}
	done := ctx.Done()
	for s.Problem == nil && s.Link == nil {
		if s.Running == nil {
			apply(s.given())
			continue
		}
		select {
		case r := <-tasks.Events():
			apply(r)
		case ev := <-acts:
			apply(ev)
		case <-done:
			done = nil
			if s.Attempt.Phase < PhaseExchanging { // a code cannot be had twice
				p := explain(context.Canceled, s.Step)
				s.Problem, s.Running = &p, nil
			}
		}
	}
	return s
}

// given is the answer to the page of a State, from what was given beforehand.
func (s State) given() Event {
	a := s.Answers
	switch s.Step {
	case StepDataCenter:
		return DataCenterChosen{a.Site}
	case StepApplication:
		return ApplicationEntered{ClientID: a.ClientID, ClientSecret: a.ClientSecret, RedirectURI: a.RedirectURI}
	case StepServiceAccount:
		return ServiceAccountEntered{ID: a.ServiceAccount, Label: a.Label}
	case StepProvider:
		return ProviderChosen{a.Provider}
	case StepAuthorize:
		return AuthorizeStarted{}
	case StepProfiles:
	}
	return AccountsGiven{Accounts{Kind: AccountsNone}}
}
