package flow

import (
	"context"
	"errors"
	"time"

	"confer/cronofy"
	"confer/flow/callback"
	"confer/internal/links"
)

// PendingHere is the newest link of an earlier run that was made for the
// answers as they are, on the page where one would make another; nil: there is
// none.
func (s State) PendingHere() *links.Pending {
	if s.Step != StepAuthorize {
		return nil
	}
	for _, p := range s.Pending {
		if isFor(p, s.Answers) {
			return &p
		}
	}
	return nil
}

// isFor tells whether the code of an attempt is good for the answers.
func isFor(p links.Pending, a Answers) bool {
	code := func(d links.Draft) links.Draft {
		d.Listen, d.Label, d.Store, d.Kept, d.Open = "", "", "", false, ""
		return d
	}
	return code(p.Answers) == code(draftOf(a))
}

// FinishPending takes the final address of a link that is not waited for. It ends as
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
	a, err := z.claim(ctx, e.Text)
	if err != nil {
		return Failed{Err: err}
	}
	if a.Error != "" {
		return Failed{Err: &cronofy.Error{Op: "authorize", Code: a.Error, Description: a.Description}}
	}
	say(AnswerArrived{})
	return z.approved(a.Code).finish(ctx, z.store, say)
}

// claim reads a pasted address and uses its state up: one of this run, or of a link
// of an earlier run for the same answers, once for all runs.
func (z *authorization) claim(ctx context.Context, text string) (callback.Answer, error) {
	a, err := callback.ParsePaste(text)
	if err != nil {
		return a, err
	}
	err = z.r.states.Claim(a.State, z.basis().String())
	if !errors.Is(err, callback.ErrStateEarlierRun) || z.at != StepAuthorize {
		return a, err
	}
	ours := false
	updated := z.r.update(ctx, func(c *links.Contents) {
		ours = c.TakePending(a.State, time.Now(), func(p links.Pending) bool { return isFor(p, z.answers) })
	})
	if ours && updated == nil {
		err = nil
	}
	return a, err
}

// recordPending keeps the hash of a state for later runs. Without it they refuse
// the answer, so that a new link is needed; nothing else is lost.
func (r *Runner) recordPending(ctx context.Context, state string, a Answers, s Store) {
	if r.NoDraft || r.Unattended {
		return
	}
	d := draftOf(a)
	d.Store, d.Kept = s.Kind, s.Kind.Outlives()
	_ = r.update(ctx, func(c *links.Contents) { c.AddPending(state, d, time.Now()) })
}
