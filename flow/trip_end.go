package flow

import (
	"context"
	"time"

	"confer/flow/callback"
)

const (
	// lingerLimit is how long the listener stays, after the truth is known, for the
	// browser to fetch the page that says it.
	lingerLimit = 3 * time.Second
	// pagesLimit is how long the pages are there to be looked at again, and for an
	// approval that comes from another tab, while confer goes on. Longer, the port
	// would be kept from another confer.
	pagesLimit = 10 * time.Minute
)

// notWaiting is for who comes after the wait.
var notWaiting = callback.Outcome{
	Title: "confer is not waiting for an answer now",
	Text:  "Nothing was taken, and your answer is not used up.",
	Hint:  "Whoever set this up can have confer wait again. Then load this page again.",
}

// use takes an answer, and the next one that is here if nothing came of it. The
// browsers of the others learn how it ended.
func (t *trip) use(ctx context.Context, a callback.Answer) Event {
	last := t.settle(ctx, a)
	for {
		late := notWaiting
		failed, bad := last.(Failed)
		if !bad {
			late = callback.Outcome{OK: true, Title: t.done, Text: "An answer that came before this one was used. Nothing more is asked of you.", Hint: closeWindow}
		}
		next, ok := t.srv.Next(late)
		switch {
		case !ok:
			return last
		case !bad:
			t.srv.Settle(next.ID, late)
		case failed.Held: // the tokens are here, and the store would not take others either
			t.srv.Settle(next.ID, t.unfinished(failed))
		default:
			last = moreTelling(failed, t.settle(ctx, next))
		}
	}
}

// moreTelling keeps a failure after an approval where what came next is a mere
// refusal.
func moreTelling(before Failed, last Event) Event {
	if f, ok := last.(Failed); ok && before.Approved && !f.Approved {
		return before
	}
	return last
}

// unfinished is the page of an approval that nothing came of yet.
func (t *trip) unfinished(f Failed) callback.Outcome {
	p := approvedProblem(explain(f.Err, t.at), t.at, t.answers, f.Held)
	return callback.Outcome{Title: "Approved, but not finished",
		Text: "You approved, and nothing more is asked of you here. The set-up program could not finish: " + p.Summary,
		Hint: "The person who set this up sees the same in confer. " + closeWindow}
}

const closeWindow = "You can close this window."

// release goes on serving the browser's pages, unless the port is needed before
// that. Without an operator who goes on, that is until the last page was fetched.
func (t *trip) release() {
	if t.url == "" { // nobody was sent anywhere
		t.srv.Close()
		return
	}
	stay, leave := context.WithCancel(context.Background())
	t.r.leavePages()
	t.r.mu.Lock()
	defer t.r.mu.Unlock()
	t.r.last, t.r.leave = t.srv, leave
	t.r.linger.Go(func() {
		defer t.srv.Close()
		t.srv.Linger(context.Background(), lingerLimit)
		if !t.r.Unattended {
			t.srv.Stay(stay, pagesLimit)
		}
	})
}

// leavePages ends the serving of the last try's pages, once they were fetched.
func (r *Runner) leavePages() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.leave != nil {
		r.leave()
		r.leave = nil
	}
}

// freePort closes the listener of the try before at once, and tells whether there
// was one.
func (r *Runner) freePort() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.last == nil {
		return false
	}
	r.last.Close()
	r.last = nil
	return true
}
