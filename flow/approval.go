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
)

// codeLife is how long a code is tried again. Cronofy does not say how long one
// lives; RFC 6749 section 4.1.2 recommends at most 10 minutes.
const codeLife = 5 * time.Minute

// Approval is what an administrator approved and what no link came of so far.
type Approval struct {
	Problem *Problem // why
	Step    Step     // StepServiceAccount or StepAuthorize: where it was approved
	For     Basis    // the answers that were approved
	Kept    *Kept    // what ApprovalRetried goes on with; nil: nothing

	retried bool // the exchange was tried again by itself
}

// Kept is what can still be finished of an approval: its tokens, which no store took, or
// its code, whose exchange did not reach Cronofy or was not carried out. A code is tried
// once by itself when Cronofy can be reached again.
type Kept struct {
	Until time.Time // when the code is too old; zero: the tokens are here

	code     cronofy.Secret
	exchange func(ctx context.Context, code cronofy.Secret, say func(Event)) (storing, error)
	store    storing // the tokens
}

// Code tells whether there are no tokens yet.
func (k *Kept) Code() bool { return k != nil && !k.Until.IsZero() }

// storing stores what an approval gave and writes it down. Its event ends the task.
type storing func(ctx context.Context, s Store) (Event, error)

// approval is what was approved at a step with the answers as they are; nil: nothing.
func (s State) approval(at Step) *Approval {
	for i := range s.approvals {
		if a := &s.approvals[i]; a.Step == at && a.For == s.Answers.authorizing(at) {
			return a
		}
	}
	return nil
}

// ApprovedNow tells whether the administrator approved these very answers, so
// that the link most likely exists whatever failed afterwards.
func (s State) ApprovedNow() bool { return s.approval(StepAuthorize) != nil }

// Unfinished is what was approved with the answers as they are and can still be
// finished, on the page where it was; nil: nothing can.
func (s State) Unfinished() *Approval {
	if a := s.approval(s.Step); a != nil && a.Kept != nil {
		return a
	}
	return nil
}

// HasUnfinished tells whether a code or tokens would be lost if the run ended.
func (s State) HasUnfinished() bool {
	return slices.ContainsFunc(s.approvals, func(a Approval) bool { return a.Kept != nil })
}

// CodeToRetry is the code that is to be tried again by itself; nil: there is none.
func (s State) CodeToRetry() *Approval {
	if a := s.Unfinished(); a != nil && a.Kept.Code() && !a.retried {
		return a
	}
	return nil
}

// approved notes what was approved and could not be finished. What an earlier
// approval of the same answers left stays where this one left nothing.
func (s State) approved(ev Failed, why *Problem) State {
	a := Approval{Problem: why, Step: s.Step, For: s.Answers.authorizing(s.Step), Kept: ev.Kept}
	before := s.approval(s.Step)
	finish, _ := s.Running.Effect.(FinishApproval)
	if before != nil && before.Kept != nil && a.Kept == nil && !finish.Kept.Code() {
		return s
	}
	a.retried = finish.Kept.Code() && before != nil && before.retried
	return s.noted(a)
}

func (s State) noted(a Approval) State {
	s = s.finished(a.Step)
	s.approvals = append(s.approvals, a)
	return s
}

// finished forgets what was approved at a step with the answers as they are.
func (s State) finished(at Step) State {
	basis := s.Answers.authorizing(at)
	s.approvals = slices.DeleteFunc(slices.Clone(s.approvals), func(a Approval) bool { return a.Step == at && a.For == basis })
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
	if a.Kept.Code() {
		s.Attempt, s.Asking = Attempt{Phase: PhaseExchanging}, false // what follows is the wait's page
	}
	return s.start(FinishApproval{Store: s.Store, Kept: a.Kept})
}

func (OtherStoreWanted) apply(s State) (State, *Task) {
	if a := s.Unfinished(); s.Running != nil || a == nil || a.Kept.Code() {
		return s, nil
	}
	s.Problem, s.Notice, s.Asking = nil, "", true
	return s, nil
}

func (ApprovalDropped) apply(s State) (State, *Task) {
	a := s.Unfinished()
	if s.Running != nil || a == nil {
		return s, nil
	}
	s.Problem, s.Notice, s.Asking = nil, "", false
	dropped := *a
	dropped.Kept = nil
	return s.noted(dropped), nil
}

// Reports of no task, about a code that is kept.
type (
	// CronofyBack says that Cronofy can be reached again: the exchange is tried once
	// by itself.
	CronofyBack struct{ For Basis }
	// CodeExpired says that the code is too old by now.
	CodeExpired struct{ For Basis }
)

func (ev CronofyBack) apply(s State) (State, *Task) {
	a := s.CodeToRetry()
	if s.Running != nil || a == nil || a.For != ev.For {
		return s, nil
	}
	again := *a
	again.retried = true
	return ApprovalRetried{}.apply(s.noted(again))
}

func (ev CodeExpired) apply(s State) (State, *Task) {
	a := s.Unfinished()
	if a == nil || !a.Kept.Code() || a.For != ev.For {
		return s, nil
	}
	expired := *a
	expired.Kept = nil
	if s.Problem != nil && s.Problem.Approved {
		p := *s.Problem
		p.Hint = approvedHint(s.Step, "its code is too old by now. Try again with a new approval link")
		s.Problem = &p
	}
	return s.noted(expired), nil
}

// finish exchanges the code and stores the tokens, even if the operator leaves. What
// can be tried again goes along with the failure.
func (k Kept) finish(ctx context.Context, s Store, say func(Event)) Event {
	ctx = context.WithoutCancel(ctx)
	if k.Code() {
		limited, cancel := context.WithTimeout(ctx, finishLimit)
		defer cancel()
		store, err := k.exchange(limited, k.code, say)
		switch {
		case err == nil:
			k.store, k.Until = store, time.Time{}
		case cronofy.MayRepeat(err) && time.Now().Add(retryAfter(err)).Before(k.Until):
			return Failed{Err: err, Approved: true, Kept: &k}
		default:
			return Failed{Err: err, Approved: true}
		}
	}
	ctx, cancel := context.WithTimeout(ctx, storeLimit)
	defer cancel()
	last, err := k.store(ctx, s)
	if err != nil {
		return Failed{Err: err, Approved: true, Kept: &k}
	}
	return last
}

func retryAfter(err error) time.Duration {
	if api := new(cronofy.Error); errors.As(err, &api) {
		return api.RetryAfter
	}
	return 0
}

// storeLimit bounds the wait for a store that is to take what cannot be had twice. For
// another process it stands in place of keystore.LockLimit; a window has its own limit.
const storeLimit = 10 * time.Minute

// FinishApproval exchanges the code of an approval again, or stores the tokens that
// a store did not take. It ends as Connect or Authorize would have.
type FinishApproval struct {
	Store Store
	Kept  *Kept
}

// do opens the store for tokens first, which the operator may stop.
func (e FinishApproval) do(ctx context.Context, r *Runner, _ <-chan Delivery, say func(Event)) Event {
	if !e.Kept.Code() {
		if err := r.unlock(ctx, e.Store); err != nil {
			return Failed{Err: err, Approved: true, Kept: e.Kept}
		}
	}
	return e.Kept.finish(ctx, e.Store, say)
}

// reachPause is between two questions whether Cronofy can be reached again.
const reachPause = 5 * time.Second

// awaitCronofy tells when a code can be tried again, or is too old; nil: ctx ended before.
func (r *Runner) awaitCronofy(ctx context.Context, a Answers, kept Approval) Event {
	pause := max(cmp.Or(r.ReachPause, reachPause), retryAfter(kept.Problem.Err))
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
		if !time.Now().Before(kept.Kept.Until) {
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

// approvedHint says what matters most after an approval at a step, and what is left to do.
func approvedHint(at Step, left string) string {
	if at == StepServiceAccount {
		return "The administrator approved. Only the account's token is missing: " + left + "."
	}
	return approvedWords + left + ", or go on to the profiles."
}

// approvedProblem puts first what matters most after an approval.
func approvedProblem(p Problem, at Step, a Answers, ev Failed, retried bool) Problem {
	p.Step, p.Approved = at, true
	if ev.Kept != nil {
		left := "it is in memory and not stored yet. Try again, there or in another place"
		switch {
		case ev.Kept.Code() && retried:
			left = "its code has not been used. Try the exchange again"
		case ev.Kept.Code():
			left = "its code has not been used. confer tries again by itself, once, when Cronofy can be reached. Try the exchange again now"
		}
		p.Hint = approvedHint(at, left)
		return p
	}
	if api := new(cronofy.Error); errors.As(p.Err, &api) && api.Code == "" && api.Status > 401 && api.Status < 423 {
		p.Summary = fmt.Sprintf("Cronofy did not give confer a token of its own (status %d).", api.Status)
	}
	p.Hint = approvedHint(at, "try again with a new approval link")
	if p.Code == "invalid_grant" && !LoopbackRedirect(a.RedirectURI) {
		p.Hint += " Before that, make sure that no server behind the redirect URI uses the code: it must be a page that does nothing with it."
	}
	return p
}
