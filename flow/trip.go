package flow

import (
	"context"
	"errors"
	"time"

	"confer/cronofy"
	"confer/flow/callback"
)

// lingerLimit is how long the listener stays, after the truth is known, for the
// browser to fetch the page that says it.
const lingerLimit = 3 * time.Second

// trip is one way of the administrator's browser through Cronofy and back:
// from the listener over the link to the exchanged code. Three doors lead back:
// the callback, a pasted address, and the operator's word.
type trip struct {
	r       *Runner
	at      Step
	answers Answers
	inbox   <-chan Delivery
	say     func(Event)
	store   Store

	// link makes a fresh authorization URL for a state.
	link func(ctx context.Context, state string) (string, error)
	// finish exchanges the code, and gives what stores what came.
	finish func(ctx context.Context, code cronofy.Secret) (put, error)
	// done is the title of the browser's page when all went well.
	done string
	// handed ends the task on the administrator's word; nil: not possible.
	handed func(ctx context.Context) Event

	srv   *callback.Server
	short string
	url   string
	until time.Time
	timer *time.Timer
}

// run makes the trip. The listener is there before the link, the link before
// the browser. The returned event ends the task.
func (t *trip) run(ctx context.Context) Event {
	t.r.freePort()
	srv, err := callback.Open(ctx, callback.Config{
		RedirectURI: t.answers.RedirectURI,
		Listen:      t.answers.Listen,
		States:      t.r.states,
		Answers:     t.answers.Key(),
		OnStray:     t.stray,
		ListenFunc:  t.r.Listen,
	})
	if err != nil {
		return Failed{Err: err}
	}
	t.srv = srv
	defer t.release()
	t.timer = time.NewTimer(t.r.Timeout)
	defer t.timer.Stop()
	t.until = t.r.Now().Add(t.r.Timeout)
	if err := t.newLink(ctx); err != nil {
		return Failed{Err: err}
	}
	t.open()
	return t.wait(ctx)
}

// release lets the browser fetch its last page, unless the port is needed for
// another try before that.
func (t *trip) release() {
	t.r.mu.Lock()
	defer t.r.mu.Unlock()
	t.r.last = t.srv
	t.r.linger.Go(func() {
		t.srv.Linger(context.Background(), lingerLimit)
		t.srv.Close()
	})
}

// freePort closes the listener of the try before, which may still linger.
func (r *Runner) freePort() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.last != nil {
		r.last.Close()
		r.last = nil
	}
}

// newLinkError: there is no further link, and the one before still counts.
type newLinkError struct{ err error }

func (e *newLinkError) Error() string { return "make a new link: " + e.err.Error() }
func (e *newLinkError) Unwrap() error { return e.err }

func (t *trip) newLink(ctx context.Context) error {
	call, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	state := t.r.states.Issue(t.answers.Key())
	raw, err := t.link(call, state)
	if err != nil {
		return err
	}
	// Nobody is to approve what could not be stored then.
	if err := t.r.prove(ctx, t.answers, t.store); err != nil {
		return err
	}
	t.url, t.short = raw, t.srv.ShortURL(raw)
	t.say(LinkReady{URL: t.url, ShortURL: t.short, RedirectURI: t.answers.RedirectURI, Listening: t.srv.Listening(), Until: t.until})
	return nil
}

func (t *trip) open() {
	if t.r.OpenURL == nil {
		t.say(BrowserAsked{Err: ErrNoBrowser})
		return
	}
	t.say(BrowserAsked{Err: t.r.OpenURL(t.short)})
}

func (t *trip) wait(ctx context.Context) Event {
	for {
		select {
		case <-ctx.Done():
			return Failed{Err: context.Cause(ctx)}
		case <-t.timer.C:
			return Failed{Err: ErrTimeout}
		case a := <-t.srv.Answers():
			return t.settle(ctx, a)
		case d := <-t.inbox:
			if last := t.deliver(ctx, d); last != nil {
				return last
			}
		}
	}
}

// deliver does what the operator asked for meanwhile. A non-nil event ends the
// task.
func (t *trip) deliver(ctx context.Context, d Delivery) Event {
	switch d := d.(type) {
	case Pasted:
		return t.pasted(ctx, d.Text)
	case Extended:
		t.until = t.until.Add(t.r.Timeout)
		t.timer.Reset(t.until.Sub(t.r.Now()))
		t.say(TimeExtended{t.until})
	case NewLinkWanted:
		switch err := t.newLink(ctx); {
		case err == nil:
			t.open()
		case ctx.Err() != nil:
			return Failed{Err: err}
		default: // the administrator may be at work with the link before
			t.say(Strayed{&newLinkError{err}})
		}
	case OpenWanted:
		t.open()
	case Handed:
		if t.handed != nil {
			return t.handed(ctx)
		}
	}
	return nil
}

func (t *trip) pasted(ctx context.Context, text string) Event {
	a, err := callback.ParsePaste(text)
	if err == nil {
		err = t.r.states.Claim(a.State, t.answers.Key())
	}
	if err != nil {
		t.say(Strayed{err})
		return nil
	}
	return t.settle(ctx, a)
}

// stray tells the screen about what a person sees in a browser window; noise
// from other programs on this machine stays out of it.
func (t *trip) stray(s callback.Stray) {
	for _, e := range []error{callback.ErrStateUsed, callback.ErrStateEarlierRun, callback.ErrStateOtherAnswers} {
		if errors.Is(s.Err, e) {
			t.say(Strayed{s.Err})
		}
	}
}

// settle takes the answer whose state was claimed. What the code gives is
// finished even if the operator leaves: a code cannot be had twice.
func (t *trip) settle(ctx context.Context, a callback.Answer) Event {
	if a.Error != "" {
		err := &RefusedError{Code: a.Error, Description: a.Description}
		p := explain(err, t.at)
		t.srv.Settle(a.ID, callback.Outcome{Title: "Not authorized", Text: p.Summary, Hint: "The person who set this up sees the same in confer and can try again. You can close this window."})
		return Failed{Err: err}
	}
	t.say(AnswerArrived{})
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishLimit)
	defer cancel()
	last, held, err := t.complete(ctx, a.Code)
	if err != nil {
		p := approvedProblem(explain(err, t.at), t.at, t.answers, held)
		t.srv.Settle(a.ID, callback.Outcome{Title: "Approved, but not finished", Text: "You approved, and nothing more is asked of you here. The set-up program could not finish: " + p.Summary,
			Hint: "The person who set this up sees the same in confer. You can close this window."})
		return Failed{Err: err, Approved: true, Held: held}
	}
	t.srv.Settle(a.ID, callback.Outcome{OK: true, Title: t.done, Text: "The authorization is complete. Nothing more is asked of you.", Hint: "You can close this window and go back to the terminal."})
	return last
}

// complete exchanges the code and stores what came. Held tells that only the
// storing failed: what came is kept for another try.
func (t *trip) complete(ctx context.Context, code cronofy.Secret) (last Event, held bool, _ error) {
	store, err := t.finish(ctx, code)
	if err != nil {
		return nil, false, err
	}
	// Every call to a store has a limit of its own.
	if last, err = store(context.WithoutCancel(ctx), t.store); err != nil {
		t.r.hold(t.answers.Key(), store)
		return nil, true, err
	}
	return last, false, nil
}
