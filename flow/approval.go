package flow

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"confer/cronofy"
	"confer/internal/links"
	"confer/keystore"
)

// codeLife is how long a code is tried again. Cronofy does not say how long one
// lives; RFC 6749 section 4.1.2 recommends at most 10 minutes.
const codeLife = 5 * time.Minute

// Approval is what an administrator approved and what no link came of so far.
type Approval struct {
	Problem *Problem // why
	Step    Step     // StepServiceAccount or StepAuthorize: where it was approved
	For     Basis    // the answers that were approved

	// Code: there are no tokens yet. The exchange of the code did not reach Cronofy
	// or was not carried out, so that ApprovalRetried can be tried until Until. It
	// is tried once by itself when Cronofy can be reached again.
	Code  bool
	Until time.Time

	waits   bool        // its code or its tokens are here
	kept    *unfinished // them; nil where nothing waits
	retried bool        // the exchange was tried again by itself
}

// approvalHere is the index of the approval of the page and the answers; -1: none.
func (s State) approvalHere() int {
	if s.Step == StepDataCenter {
		return -1
	}
	return s.approval(s.Step, s.Answers.authorizing(s.Step))
}

func (s State) approval(at Step, answers Basis) int {
	return slices.IndexFunc(s.approvals, func(a Approval) bool { return a.Step == at && a.For == answers })
}

// ApprovedNow tells whether the administrator approved these very answers, so
// that the link most likely exists whatever failed afterwards.
func (s State) ApprovedNow() bool {
	return s.approval(StepAuthorize, s.Answers.authorizing(StepAuthorize)) >= 0
}

// Unfinished is what was approved with the answers as they are and can still be
// finished, on the page where it was; nil: nothing can.
func (s State) Unfinished() *Approval {
	if i := s.approvalHere(); i >= 0 && s.approvals[i].waits {
		return &s.approvals[i]
	}
	return nil
}

// HasUnfinished tells whether a code or tokens would be lost if the run ended now.
func (s State) HasUnfinished() bool {
	return slices.ContainsFunc(s.approvals, func(a Approval) bool { return a.waits })
}

// CodeToRetry is the code that is to be tried again by itself; nil: there is none.
func (s State) CodeToRetry() *Approval {
	if a := s.Unfinished(); a != nil && a.Code && !a.retried {
		return a
	}
	return nil
}

// approved notes what was approved and could not be finished. What an earlier
// approval of the same answers left stays where this one left nothing.
func (s State) approved(ev Failed, why *Problem) State {
	a := Approval{Problem: why, Step: s.Step, For: s.Answers.authorizing(s.Step), Code: !ev.CodeUntil.IsZero(), Until: ev.CodeUntil,
		waits: ev.TokensKept || !ev.CodeUntil.IsZero(), kept: ev.kept}
	i := s.approvalHere()
	finish, _ := s.Running.Effect.(FinishApproval)
	again := finish.Code
	switch {
	case i < 0:
		s.approvals = append(slices.Clone(s.approvals), a)
	case a.waits || again || !s.approvals[i].waits:
		a.retried = again && s.approvals[i].retried
		s.approvals = slices.Clone(s.approvals)
		s.approvals[i] = a
	}
	return s
}

// changed changes the approval of the page.
func (s State) changed(change func(*Approval)) State {
	if i := s.approvalHere(); i >= 0 {
		s.approvals = slices.Clone(s.approvals)
		change(&s.approvals[i])
	}
	return s
}

// finished forgets what was approved at a step with the answers as they are: it is
// stored.
func (s State) finished(at Step) State {
	if i := s.approval(at, s.Answers.authorizing(at)); i >= 0 {
		s.approvals = slices.Delete(slices.Clone(s.approvals), i, i+1)
	}
	return s
}

// What the operator does about an approval that can still be finished: see
// State.Unfinished.
type (
	// ApprovalRetried exchanges its code or stores its tokens again.
	ApprovalRetried struct{}
	// OtherStoreWanted asks where else its tokens could be stored.
	OtherStoreWanted struct{}
	// ApprovalDropped gives it up.
	ApprovalDropped struct{}
)

func (ApprovalRetried) apply(s State) (State, *Task) {
	a := s.Unfinished()
	if s.Running != nil || a == nil {
		return s, nil
	}
	s.Problem, s.Notice = nil, ""
	if a.Code {
		s.Attempt = Attempt{Phase: PhaseExchanging}
	}
	return s.start(FinishApproval{Store: s.Store, Code: a.Code, kept: a.kept})
}

func (OtherStoreWanted) apply(s State) (State, *Task) {
	if a := s.Unfinished(); s.Running != nil || a == nil || a.Code {
		return s, nil
	}
	s.Problem, s.Notice, s.Asking = nil, "", true
	return s, nil
}

func (ApprovalDropped) apply(s State) (State, *Task) {
	if s.Running != nil || s.Unfinished() == nil {
		return s, nil
	}
	s.Problem, s.Notice, s.Asking = nil, "", false
	return s.changed(func(a *Approval) { a.waits = false }), nil
}

// Remarks about a code that is kept.
type (
	// CronofyBack says that Cronofy can be reached again: the exchange is tried once
	// by itself.
	CronofyBack struct{ For Basis }
	// CodeExpired says that the code is too old by now.
	CodeExpired struct{ For Basis }
)

func (CronofyBack) remark() {}
func (CodeExpired) remark() {}

func (ev CronofyBack) apply(s State) (State, *Task) {
	if a := s.CodeToRetry(); s.Running != nil || a == nil || a.For != ev.For {
		return s, nil
	}
	return ApprovalRetried{}.apply(s.changed(func(a *Approval) { a.retried = true }))
}

func (ev CodeExpired) apply(s State) (State, *Task) {
	if a := s.Unfinished(); a == nil || !a.Code || a.For != ev.For {
		return s, nil
	}
	if s.Problem != nil && s.Problem.Approved {
		p := *s.Problem
		p.Hint = approvedWords + "its code is too old by now. Try again with a new approval link, or go on to the profiles."
		if s.Step == StepServiceAccount {
			p.Hint = "The administrator approved, and the code is too old by now. Authorize once more: that makes a new one."
		}
		s.Problem = &p
	}
	return s.changed(func(a *Approval) { a.waits, a.Code = false, false }), nil
}

// storing stores what an approval gave and writes it down. Its event ends the task.
type storing func(ctx context.Context, s Store) (Event, error)

// unfinished is what can be finished of an approval: a code, or tokens.
type unfinished struct {
	exchange func(ctx context.Context, say func(Event)) (storing, error)
	store    storing   // nil: the code is not exchanged yet
	until    time.Time // when the code is too old
}

// finish exchanges the code and stores the tokens, even if the operator leaves. What
// can be tried again goes along with the failure.
func (a unfinished) finish(ctx context.Context, s Store, say func(Event)) Event {
	ctx = context.WithoutCancel(ctx)
	if a.store == nil {
		limited, cancel := context.WithTimeout(ctx, finishLimit)
		defer cancel()
		store, err := a.exchange(limited, say)
		switch {
		case err == nil:
			a.store = store
		case cronofy.MayRepeat(err) && time.Now().Add(retryAfter(err)).Before(a.until):
			return Failed{Err: err, Approved: true, CodeUntil: a.until, kept: &a}
		default:
			return Failed{Err: err, Approved: true}
		}
	}
	// Every call to a store has a limit of its own.
	last, err := a.store(keystore.Patient(ctx), s)
	if err != nil {
		return Failed{Err: err, Approved: true, TokensKept: true, kept: &a}
	}
	return last
}

// retryAfter is how long Cronofy asked to wait.
func retryAfter(err error) time.Duration {
	if api := new(cronofy.Error); errors.As(err, &api) {
		return api.RetryAfter
	}
	return 0
}

// FinishApproval exchanges the code of an approval again, or stores the tokens that
// a store did not take. It ends as Connect or Authorize would have.
type FinishApproval struct {
	Store Store
	Code  bool // there are no tokens yet

	kept *unfinished
}

// do opens the store for tokens first, which the operator may stop.
func (e FinishApproval) do(ctx context.Context, r *Runner, _ <-chan Delivery, say func(Event)) Event {
	if !e.Code {
		opening, cancel := context.WithTimeout(ctx, storeLimit)
		defer cancel()
		if err := r.unlock(opening, e.Store); err != nil {
			return Failed{Err: err, Approved: true, TokensKept: true, kept: e.kept}
		}
	}
	return e.kept.finish(ctx, e.Store, say)
}

// reachPause is between two questions whether Cronofy can be reached again.
const reachPause = 5 * time.Second

// awaitCronofy tells when a code that is kept can be tried again, or is too old.
// nil: ctx ended before.
func (r *Runner) awaitCronofy(ctx context.Context, a Answers, kept Approval) Event {
	pause := cmp.Or(r.ReachPause, reachPause)
	pause = max(pause, retryAfter(kept.Problem.Err))
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
		if !time.Now().Before(kept.Until) {
			return CodeExpired{kept.For}
		}
		call, cancel := context.WithTimeout(ctx, callLimit)
		err := r.client(a, func(Event) {}).CheckApplication(call)
		cancel()
		var network *cronofy.NetworkError
		if ctx.Err() == nil && !errors.As(err, &network) && !cronofy.MayRepeat(err) {
			return CronofyBack{kept.For}
		}
	}
}

// storeToken stores the refresh token that an approval gave, if it gave one. The
// client secret goes with it: it may be another place than the one that was
// tested, or another confer may have deleted it meanwhile.
func (r *Runner) storeToken(a Answers, what links.StoredSecret, token cronofy.Secret, stored func(context.Context, Store) Event) storing {
	return func(ctx context.Context, s Store) (Event, error) {
		if err := r.storeSecret(ctx, s, clientSecretOf(a), a.ClientSecret); err != nil {
			return nil, err
		}
		if !token.Empty() {
			if err := r.storeSecret(ctx, s, what, token); err != nil {
				return nil, err
			}
		}
		return stored(ctx, s), nil
	}
}

// approvedProblem puts first what matters most after an approval. The screen, the
// events and the browser's page say the same.
func approvedProblem(p Problem, at Step, a Answers, ev Failed, retried bool) Problem {
	p.Step = at
	p.Approved = true
	account := at == StepServiceAccount
	again := "confer tries again by itself, once, when Cronofy can be reached; or try the exchange again now."
	if retried {
		again = "Try the exchange again, or make a new approval link."
	}
	switch {
	case ev.TokensKept && account:
		p.Hint = "The administrator approved. The account's token is here, in memory, and is yet to be stored: try that again, or choose another place."
		return p
	case ev.TokensKept:
		p.Hint = approvedWords + "it is here, in memory, and is yet to be stored. Try that again, choose another place, or go on to the profiles."
		return p
	case !ev.CodeUntil.IsZero() && account:
		p.Hint = "The administrator approved, and the code is not used up. " + again
		return p
	case !ev.CodeUntil.IsZero():
		p.Hint = approvedWords + "its code is here and not used up. " + again
		return p
	}
	var api *cronofy.Error
	if account {
		if errors.As(p.Err, &api) && (api.Code == "invalid_grant" || api.Code == "" && api.Status > 401 && api.Status < 423) {
			p.Summary = fmt.Sprintf("Cronofy did not give confer the service account's token (%s).", cmp.Or(api.Code, fmt.Sprint("status ", api.Status)))
			p.Hint = "The administrator approved. Authorize once more: that makes a new code. If it goes on, check the secret and the data center."
		}
		return p
	}
	if errors.As(p.Err, &api) && api.Code == "" && api.Status > 401 && api.Status < 423 {
		p.Summary = fmt.Sprintf("Cronofy did not give confer a token of its own (status %d).", api.Status)
	}
	p.Hint = approvedWords + "try again with a new approval link, or go on to the profiles."
	if p.Code == "invalid_grant" && !LoopbackRedirect(a.RedirectURI) {
		p.Hint += " Before that, make sure that no server behind the redirect URI uses codes up: it must be a page that does nothing with them."
	}
	return p
}
