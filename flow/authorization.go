package flow

import (
	"context"
	"errors"
	"time"

	"confer/cronofy"
	"confer/flow/callback"
	"confer/internal/crash"
	"confer/keystore"
)

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
	end   *deadline
	asked <-chan browserResult // of the browser that was asked for; nil: it was told of
	walk  <-chan *LostError    // of the built-in browser with the newest link; nil: none is under way
}

// run makes the trip. The listener is there before the link, the link before
// the browser. The returned event ends the task.
func (t *trip) run(ctx context.Context) Event {
	srv, err := t.listen(ctx)
	if err != nil {
		return Failed{Err: err}
	}
	t.srv = srv
	defer t.release()
	t.end = newDeadline(t.r.Now, t.r.Timeout)
	defer t.end.timer.Stop()
	if err := t.newLink(ctx); err != nil {
		return Failed{Err: err}
	}
	t.open()
	return t.wait(ctx)
}

func (t *trip) listen(ctx context.Context) (*callback.Server, error) {
	tries := 1
	if t.r.freePort() {
		tries = portTries
	}
	for {
		srv, err := callback.Open(ctx, callback.Config{
			RedirectURI: t.answers.RedirectURI,
			Listen:      t.answers.Listen,
			States:      t.r.states,
			Answers:     t.answers.Key(),
			OnStray:     t.stray,
			ListenFunc:  t.r.Listen,
		})
		var port *callback.PortError
		if tries--; tries == 0 || !errors.As(err, &port) || port.Class != callback.PortInUse {
			return srv, err
		}
		select {
		case <-time.After(portPause):
		case <-ctx.Done():
			return nil, err
		}
	}
}

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
	t.say(LinkReady{URL: t.url, ShortURL: t.short, RedirectURI: t.answers.RedirectURI, Listening: t.srv.Listening(), Until: t.end.until})
	return nil
}

func (t *trip) open() {
	switch {
	case t.r.OpenURL != nil:
		t.ask(t.short)
	case t.r.Walk != nil:
		t.walk = t.r.Walk(t.short)
		t.say(BrowserAsked{})
	default:
		t.say(BrowserAsked{Err: ErrNoBrowser})
	}
}

// browserResult is what became of a browser that was asked for.
type browserResult struct {
	err   error
	crash *crash.Error
}

// usualStart is how long the word about a browser is waited for before anything
// else: most commands hand over and end. One that is the browser itself goes on,
// and answers come meanwhile.
const usualStart = 300 * time.Millisecond

func (t *trip) ask(short string) {
	asked := make(chan browserResult, 1)
	go func() {
		defer func() {
			if c := crash.Caught(recover()); c != nil {
				asked <- browserResult{crash: c}
			}
		}()
		asked <- browserResult{err: t.r.OpenURL(short)}
	}()
	t.asked = asked
	timer := time.NewTimer(usualStart)
	defer timer.Stop()
	select {
	case r := <-asked:
		t.tellBrowser(r)
	case <-timer.C:
	}
}

// tellBrowser says what became of the browser, once for each that was asked for.
func (t *trip) tellBrowser(r browserResult) {
	if r.crash != nil {
		panic(r.crash)
	}
	t.asked = nil
	t.say(BrowserAsked{Err: r.err})
}

// walked says that the built-in browser has ended. Where nobody could do anything
// else, so does the wait.
func (t *trip) walked(lost *LostError) Event {
	t.walk = nil
	if t.r.Unattended {
		return Failed{Err: lost, Approved: lost.Approved}
	}
	t.say(Strayed{lost})
	return nil
}

func (t *trip) wait(ctx context.Context) Event {
	for {
		var last Event
		select {
		case <-ctx.Done():
			last = t.stop(ctx, func() Event { return Failed{Err: context.Cause(ctx)} })
		case <-t.end.timer.C:
			last = t.expired(ctx)
		case r := <-t.asked:
			t.tellBrowser(r)
		case a := <-t.srv.Answers():
			if t.asked != nil { // it is open: somebody was there
				t.tellBrowser(browserResult{})
			}
			last = t.use(ctx, a)
		case lost := <-t.walk:
			last = t.stop(ctx, func() Event { return t.walked(lost) })
		case d := <-t.inbox:
			last = t.deliver(ctx, d)
		}
		if last != nil {
			return last
		}
	}
}

// stop ends the wait without an answer, unless one is here: its state is used up,
// and nobody could bring it again.
func (t *trip) stop(ctx context.Context, without func() Event) Event {
	if a, ok := t.srv.Next(notWaiting); ok {
		return t.use(ctx, a)
	}
	return without()
}

// expired ends the wait, but for what the operator did at the last moment.
func (t *trip) expired(ctx context.Context) Event {
	until := t.end.until
	for {
		select {
		case d := <-t.inbox:
			if last := t.deliver(ctx, d); last != nil {
				return last
			}
			continue
		default:
		}
		if t.end.until != until {
			return nil
		}
		return t.stop(ctx, func() Event { return Failed{Err: ErrTimeout} })
	}
}

// deliver does what the operator asked for meanwhile. A non-nil event ends the
// task.
func (t *trip) deliver(ctx context.Context, d Delivery) Event {
	switch d := d.(type) {
	case Pasted:
		return t.pasted(ctx, d.Text)
	case Extended:
		t.say(TimeExtended{t.end.extend(t.r.Timeout)})
	case NoDeadlineWanted:
		t.end.drop()
		t.say(TimeExtended{})
	case NewLinkWanted:
		switch err := t.newLink(ctx); {
		case err == nil:
			t.open()
		case ctx.Err() != nil:
			return t.stop(ctx, func() Event { return Failed{Err: err} })
		default: // the administrator may be at work with the link before
			t.say(Strayed{&newLinkError{err}})
		}
	case OpenWanted:
		t.open()
	case Handed:
		if t.handed != nil {
			return t.stop(ctx, func() Event { return t.handed(ctx) })
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
	return t.use(ctx, a)
}

// stray tells the screen about what a person sees in a browser window; noise
// from other programs stays out of it. A wrong host is the proxy's doing only
// where there is one.
func (t *trip) stray(s callback.Stray) {
	if s.Person && s.Err != nil && (s.Kind != callback.StrayHost || t.answers.Listen != "") {
		t.say(Strayed{s.Err})
	}
}

// settle takes the answer whose state was claimed. What the code gives is
// finished even if the operator leaves: a code cannot be had twice.
func (t *trip) settle(ctx context.Context, a callback.Answer) Event {
	if a.Error != "" {
		err := &RefusedError{Code: a.Error, Description: a.Description}
		p := explain(err, t.at)
		o := callback.Outcome{Title: "Not authorized", Text: p.Summary, Hint: "The person who set this up sees the same in confer and can try again. " + closeWindow}
		if a.Error == "access_denied" {
			o.Title, o.Text = "You did not approve", "Nothing was linked, and nothing was changed."
			o.Hint = "If you want to approve after all, ask the person who sent you the link for a new one. " + closeWindow
		}
		t.srv.Settle(a.ID, o)
		return Failed{Err: err}
	}
	t.say(AnswerArrived{})
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishLimit)
	defer cancel()
	last, held, err := t.complete(ctx, a.Code)
	if err != nil {
		last := Failed{Err: err, Approved: true, Held: held}
		t.srv.Settle(a.ID, t.unfinished(last))
		return last
	}
	t.srv.Settle(a.ID, callback.Outcome{OK: true, Title: t.done, Text: "The authorization is complete. Nothing more is asked of you.", Hint: backToTerminal})
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
	if last, err = store(keystore.Patient(context.WithoutCancel(ctx)), t.store); err != nil {
		t.r.hold(t.answers.Key(), store)
		return nil, true, err
	}
	return last, false, nil
}

// use takes an answer, and the next one that is here if nothing came of it. The
// browsers of the others learn how it ended.
func (t *trip) use(ctx context.Context, a callback.Answer) Event {
	last := t.settle(ctx, a)
	for {
		late := notWaiting
		failed, bad := last.(Failed)
		if !bad {
			late = callback.Outcome{OK: true, Title: t.done, Text: "An answer that came before this one was used. Nothing more is asked of you.", Hint: backToTerminal}
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

// unfinished is the page of an approval that nothing came of yet.
func (t *trip) unfinished(f Failed) callback.Outcome {
	p := approvedProblem(explain(f.Err, t.at), t.at, t.answers, f.Held)
	return callback.Outcome{Title: "Approved, but not finished",
		Text: "You approved, and nothing more is asked of you here. The set-up program could not finish: " + p.Summary,
		Hint: "The person who set this up sees the same in confer. " + closeWindow}
}

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

// A program that is being started holds a copy of every listener until it has
// begun (fork, then close-on-exec): a port that was ours a moment ago may look
// taken for as long.
const (
	portTries = 20
	portPause = 25 * time.Millisecond
)

// newLinkError: there is no further link, and the one before still counts.
type newLinkError struct{ err error }

func (e *newLinkError) Error() string { return "make a new link: " + e.err.Error() }

func (e *newLinkError) Unwrap() error { return e.err }

// deadline is the end of a wait, as the screen shows it and as it comes.
type deadline struct {
	until time.Time
	timer *time.Timer
	now   func() time.Time
}

func newDeadline(now func() time.Time, d time.Duration) *deadline {
	return &deadline{until: now().Add(d), timer: time.NewTimer(d), now: now}
}

// drop has the wait go on without an end.
func (e *deadline) drop() {
	e.until = time.Time{}
	e.timer.Stop()
}

// extend puts the end off by d, and gives it.
func (e *deadline) extend(d time.Duration) time.Time {
	if e.until.IsZero() { // there is no end again: the operator wants one
		e.until = e.now()
	}
	e.until = e.until.Add(d)
	e.timer.Reset(e.until.Sub(e.now()))
	return e.until
}

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

// moreTelling keeps a failure after an approval where what came next is a mere
// refusal.
func moreTelling(before Failed, last Event) Event {
	if f, ok := last.(Failed); ok && before.Approved && !f.Approved {
		return before
	}
	return last
}

const (
	closeWindow    = "You can close this window."
	backToTerminal = "You can close this window and go back to the terminal."
)

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
