package flow

import (
	"strings"
	"time"

	"confer/cronofy"
)

// report takes what a task said. Reports of tasks that are over are dropped:
// a keyring's prompt cannot be cancelled, and its answer may come any time.
func (s State) report(r Report) (State, *Task) {
	if ev, ok := r.Event.(AnswersUnsaved); ok {
		return s.unsaved(ev.Err), nil
	}
	if s.Running == nil || r.Task != s.Running.ID {
		return s, nil
	}
	switch ev := r.Event.(type) {
	case ApplicationAccepted:
		s.Running = nil
		s = s.secretHere(ev.ClientSecret, ev.Store, ev.Unchecked)
		s.accepted.application = applicationKey(s.Answers)
		s.Asking = ev.Ask
		if !ev.Ask {
			s.Step = StepServiceAccount
		}
	case StoreOpened:
		s.Running, s.Asking, s.Problem = nil, false, nil
		s = s.secretHere(ev.ClientSecret, ev.Store, ev.Unchecked)
		s.Step = max(s.Step, StepServiceAccount)
	case ServiceAccountAccepted:
		return s.accountAccepted(ev), nil
	case Linked:
		return s.linked(ev), nil
	case ProfilesDone:
		s.Running = nil
		s.Proof.Done, s.Proof.Tally, s.Proof.NextLook = true, ev.Tally, time.Time{}
	case Failed:
		return s.failed(ev), nil
	default:
		return s.progress(ev), nil
	}
	return s, nil
}

// secretHere: one that was not typed in this run came from the store.
func (s State) secretHere(secret cronofy.Secret, store Store, unchecked error) State {
	found := s.Answers.ClientSecret.Empty() && !secret.Empty()
	s.Answers.ClientSecret, s.Store, s.Notice = secret, store, explainUnchecked(unchecked)
	return s.keptIf(found)
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

func (s State) linked(ev Linked) State {
	if !ev.Link.Unconfirmed { // the administrator's word is no token
		s = s.dropHeld()
	}
	s.Running, s.Attempt, s.Proof, s.Asking = nil, Attempt{}, Proof{}, false
	link := ev.Link
	s.Made = append(s.Made[:len(s.Made):len(s.Made)], link)
	s.Link, s.linkedKey, s.Notice = &link, s.Answers.Key(), ev.Notice
	s.Known, s.knownFrom = ev.Known, s.Answers.Accounts
	s.Step = StepProfiles
	return s
}

// unsaved tells once that a later run will not find the answers; nil: it will.
func (s State) unsaved(err error) State {
	if err == nil || s.Unsaved {
		return s
	}
	s.Unsaved = true
	s.Notice = strings.TrimSpace(s.Notice + " " + explainUnsaved(err))
	return s
}

// keptIf notes that the client secret is in the store.
func (s State) keptIf(kept bool) State {
	if kept {
		s.keptKey = s.storeKey()
	}
	return s
}

func (s State) failed(ev Failed) State {
	p := explain(ev.Err, s.Step)
	if noSecret(ev.Err) { // the store's page has no field for it
		s.keptKey, s.Asking = "", false
	}
	if ev.Approved {
		p = approvedProblem(p, s.Step, s.Answers, ev.Held)
		s.approvedKey = s.Answers.Key()
	}
	p.Step = min(p.Step, s.Step) // an error never leads past an answer
	s = s.reopen(p).holdIf(ev.Held, &p)
	s.Running, s.Attempt = nil, Attempt{}
	if s.Step == StepProfiles {
		s.Proof = Proof{}
	}
	s.Problem = &p
	if p.Code == CodeSecretStore && s.Step <= StepAuthorize {
		return s.storeFailed(ev)
	}
	s.Step = p.Step
	if s.Step != StepApplication {
		s.Asking = false
	}
	return s
}

// storeFailed asks about the store where it failed, so that it can be tried again
// there or another one taken. After an approval there is more to choose from.
func (s State) storeFailed(ev Failed) State {
	s.Asking = s.Asking || !ev.Approved
	s.Store = storeSeen(s.Store, ev.Err)
	return s
}

// progress takes what does not end a task.
func (s State) progress(ev Event) State {
	a := &s.Attempt
	switch ev := ev.(type) {
	case LinkReady:
		a.Phase, a.Links, a.Notice = PhaseWaiting, a.Links+1, ""
		a.URL, a.ShortURL, a.RedirectURI = ev.URL, ev.ShortURL, ev.RedirectURI
		a.Listening, a.Until = ev.Listening, ev.Until
		s = s.keptIf(true) // see Runner.prove
	case BrowserAsked:
		a.Opened, a.Browser = ev.Err == nil, ""
		if ev.Err != nil {
			a.Browser = explainBrowser(ev.Err)
		}
	case TimeExtended:
		a.Until = ev.Until
	case Strayed:
		a.Notice = explainStray(ev.Err)
	case AnswerArrived:
		a.Phase = PhaseExchanging
	case Exchanged:
		a.Phase = PhaseStoring
	case UnlockAsked:
		s.Unlock, s.StoreWait = ev.Until, ev.Words
	case Paused:
		s.Pause = Pause(ev)
	case ProfilesRead:
		s.Proof.Tally = ev.Tally
		if s.Proof.Since.IsZero() {
			s.Proof.Since = ev.At
		}
	case LookPlanned:
		s.Proof.NextLook = ev.At
	}
	return s
}
