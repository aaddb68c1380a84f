package flow

import (
	"context"
	"errors"
	"time"

	"confer/flow/callback"
	"confer/internal/links"
)

// PendingHere is the newest link of an earlier run that was made for the
// answers as they are, on the page where one would make another; nil: there is
// none. Pasted is taken there without a new link.
func (s State) PendingHere() *links.Pending {
	if s.Step != StepAuthorize {
		return nil
	}
	for _, h := range s.Pending {
		if authorized(h.Answers) == authorized(draftOf(s.Answers)) {
			return &h
		}
	}
	return nil
}

// authorized are the answers that a code is good for.
func authorized(d links.Draft) links.Draft {
	return links.Draft{DataCenter: d.DataCenter, APIURL: d.APIURL, AppURL: d.AppURL, ClientID: d.ClientID,
		ServiceAccount: d.ServiceAccount, Provider: d.Provider, RedirectURI: d.RedirectURI}
}

// FinishPending takes the final address of a link of an earlier run. It ends as
// Authorize.
type FinishPending struct {
	Answers Answers
	Store   Store
	Text    string // as pasted
}

func (e FinishPending) do(ctx context.Context, r *Runner, _ <-chan Delivery, say func(Event)) Event {
	z, err := r.newAuthorize(ctx, e.Answers, e.Store, say)
	if err != nil {
		return Failed{Err: err}
	}
	if err := r.testStore(ctx, z.answers, z.store); err != nil {
		return Failed{Err: err} // nothing is used up yet
	}
	a, err := r.claimPaste(ctx, e.Text, z)
	if err != nil {
		return Failed{Err: &pasteError{err}}
	}
	if a.Error != "" {
		return Failed{Err: &RefusedError{Code: a.Error, Description: a.Description}}
	}
	say(AnswerArrived{})
	return z.approved(a.Code).finish(ctx, z.store, say)
}

// pasteError is a pasted text that is not the answer.
type pasteError struct{ err error }

func (e *pasteError) Error() string { return "read the pasted address: " + e.err.Error() }
func (e *pasteError) Unwrap() error { return e.err }

func (e *pasteError) problem(at Step) Problem {
	return Problem{Summary: explainRejected(e.err), Code: CodeUsage, Exit: ExitUsage, Step: at}
}

// claimPaste reads a pasted address and uses its state up: one of this run, or of a
// link of an earlier run for the same answers.
func (r *Runner) claimPaste(ctx context.Context, text string, z *authorization) (callback.Answer, error) {
	a, err := callback.ParsePaste(text)
	if err != nil {
		return a, err
	}
	err = r.states.Claim(a.State, z.basis().String())
	if errors.Is(err, callback.ErrStateEarlierRun) && z.at == StepAuthorize && r.claimPending(ctx, a.State, z.answers) {
		err = nil
	}
	return a, err
}

// recordPending keeps the hash of a state for later runs. Without it they refuse
// the answer, so that a new link is needed; nothing else is lost.
func (r *Runner) recordPending(ctx context.Context, state string, a Answers, s Store) {
	if r.Links == nil || r.NoDraft || r.Unattended {
		return
	}
	d := draftOf(a)
	d.Store, d.Kept = string(s.Kind), links.Outlives(string(s.Kind))
	ctx, cancel := context.WithTimeout(ctx, saveLimit)
	defer cancel()
	_ = r.Links.Update(ctx, func(c *links.Contents) error {
		c.AddPending(state, d, time.Now())
		return nil
	})
}

// claimPending uses a state of an earlier run up, once for all runs.
func (r *Runner) claimPending(ctx context.Context, state string, a Answers) (ok bool) {
	if r.Links == nil {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, saveLimit)
	defer cancel()
	err := r.Links.Update(ctx, func(c *links.Contents) error {
		p, found := c.FindPending(state, time.Now())
		if ok = found && authorized(p.Answers) == authorized(draftOf(a)); ok {
			c.RemovePending(state)
		}
		return nil
	})
	return ok && err == nil
}
