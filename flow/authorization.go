package flow

import (
	"context"
	"errors"
	"time"

	"confer/cronofy"
	"confer/flow/callback"
	"confer/internal/crash"
)

// authorization is one way of the administrator's browser through Cronofy and back:
// from the listener over the link to the exchanged code. The answer comes to the
// callback, is pasted as an address, or the operator gives the administrator's word.
type authorization struct {
	r       *Runner
	at      Step
	answers Answers
	store   Store
	inbox   <-chan Delivery
	say     func(Event)

	// link makes a fresh authorization URL for a state.
	link func(ctx context.Context, state string) (string, error)
	// exchange exchanges the code, and gives what stores the tokens.
	exchange func(ctx context.Context, code cronofy.Secret, say func(Event)) (storing, error)
	// done is the title of the browser's page when all went well.
	done string
	// unconfirmed ends the task on the administrator's word; nil: not possible.
	unconfirmed func(ctx context.Context) Event

	srv   *callback.Server
	short string
	url   string
	end   *deadline
	asked <-chan error // of the browser that was asked for; nil: it was told of
	// approving is that of the sandbox's administrator; nil: nobody is at work.
	approving <-chan error
}

// basis are the answers that a code of this authorization is for.
func (z *authorization) basis() Basis { return z.answers.authorizing(z.at) }

// run has the listener there before the link, and the link before the browser. The
// returned event ends the task.
func (z *authorization) run(ctx context.Context) Event {
	srv, err := z.listen(ctx)
	if err != nil {
		return Failed{Err: err}
	}
	z.srv = srv
	defer z.release()
	z.end = newDeadline(z.r.Timeout)
	defer z.end.timer.Stop()
	if err := z.newLink(ctx); err != nil {
		return Failed{Err: err}
	}
	z.open()
	return z.wait(ctx)
}

func (z *authorization) listen(ctx context.Context) (*callback.Server, error) {
	tries := 1
	if z.r.closeLast() {
		tries = portTries
	}
	for {
		srv, err := callback.Open(ctx, callback.Config{
			RedirectURI: z.answers.RedirectURI,
			Listen:      z.answers.Listen,
			States:      z.r.states,
			Answers:     z.basis().String(),
			OnUnusable:  z.tellUnusable,
			ListenFunc:  z.r.Listen,
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

func (z *authorization) newLink(ctx context.Context) error {
	call, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	state := z.r.states.Issue(z.basis().String())
	raw, err := z.link(call, state)
	if err != nil {
		return err
	}
	// Nobody is to approve what could not be stored then.
	if err := z.r.testStore(ctx, z.answers, z.store); err != nil {
		return err
	}
	if z.at == StepAuthorize {
		z.r.recordPending(ctx, state, z.answers, z.store)
	}
	z.url, z.short = raw, z.srv.ShortURL(raw)
	z.say(LinkReady{URL: z.url, ShortURL: z.short, RedirectURI: z.answers.RedirectURI, Listening: z.srv.Listening(), Until: z.end.until})
	return nil
}

// open asks for a browser. A command that is the browser itself goes on, and the
// built-in one until it has seen the last page: answers come meanwhile.
func (z *authorization) open() {
	if z.r.OpenURL == nil {
		z.say(BrowserAsked{Err: ErrNoBrowser})
		return
	}
	z.asked = z.browse(z.r.OpenURL)
}

// browse has do open the link beside the wait.
func (z *authorization) browse(do func(link string) error) <-chan error {
	result, short := make(chan error, 1), z.short
	go func() {
		defer func() {
			if c := crash.Caught(recover()); c != nil {
				result <- c
			}
		}()
		result <- do(short)
	}()
	return result
}

// browserAsked says what became of the browser, once for each that was asked for.
func (z *authorization) browserAsked(ctx context.Context, err error) Event {
	if errors.As(err, new(*BrowserError)) {
		z.say(BrowserAsked{})
		return z.browserEnded(ctx, err)
	}
	z.say(BrowserAsked{Err: err})
	return nil
}

// browserEnded says what the built-in browser met, if it brought nothing. Where
// nobody could do anything else, the wait ends.
func (z *authorization) browserEnded(ctx context.Context, err error) Event {
	var ended *BrowserError
	switch {
	case !errors.As(err, &ended):
	case len(z.srv.Answers()) > 0: // that is what it brought
	case z.r.Unattended:
		return z.stop(ctx, func() Event { return Failed{Err: ended, Approved: ended.Approved} })
	default:
		z.say(AnswerRejected{ended})
	}
	return nil
}

func (z *authorization) wait(ctx context.Context) Event {
	for {
		var last Event
		select {
		case <-ctx.Done():
			last = z.stop(ctx, func() Event { return Failed{Err: context.Cause(ctx)} })
		case <-z.end.timer.C:
			last = z.expired(ctx)
		case err := <-z.asked:
			z.asked = nil
			last = z.browserAsked(ctx, crashed(err))
		case err := <-z.approving:
			z.approving = nil
			last = z.browserEnded(ctx, crashed(err))
		case a := <-z.srv.Answers():
			if z.asked != nil { // it is open: somebody was there
				z.asked = nil
				z.say(BrowserAsked{})
			}
			last = z.use(ctx, a)
		case d := <-z.inbox:
			last = d.deliver(ctx, z)
		}
		if last != nil {
			return last
		}
	}
}

// crashed goes on with a panic of the browser's goroutine in the task's own.
func crashed(err error) error {
	if c := new(crash.Error); errors.As(err, &c) {
		panic(c)
	}
	return err
}

// stop ends the wait without an answer, unless one is here: its state is used up,
// and nobody could bring it again.
func (z *authorization) stop(ctx context.Context, without func() Event) Event {
	if a, ok := z.srv.Next(notWaiting); ok {
		return z.use(ctx, a)
	}
	return without()
}

// expired ends the wait, but for what the operator did at the last moment.
func (z *authorization) expired(ctx context.Context) Event {
	for until := z.end.until; z.end.until == until; {
		select {
		case d := <-z.inbox:
			if last := d.deliver(ctx, z); last != nil {
				return last
			}
		default:
			return z.stop(ctx, func() Event { return Failed{Err: ErrTimeout} })
		}
	}
	return nil // there is more time
}

// take takes a pasted address.
func (z *authorization) take(ctx context.Context, text string) Event {
	a, err := z.claim(ctx, text)
	if err != nil {
		z.say(AnswerRejected{err})
		return nil
	}
	return z.use(ctx, a)
}

// tellUnusable tells the screen what a person sees in a browser window. A wrong host
// is the proxy's doing only where there is one.
func (z *authorization) tellUnusable(err error) {
	if err != callback.ErrHost || z.answers.Listen != "" {
		z.say(AnswerRejected{err})
	}
}

// finish takes the answer whose state was claimed, and gives what its browser is told.
// What the code gives is finished even if the operator leaves: a code cannot be had
// twice.
func (z *authorization) finish(ctx context.Context, a callback.Answer) (last Event, told callback.Outcome) {
	if a.Error != "" {
		err := &cronofy.Error{Op: "authorize", Code: a.Error, Description: a.Description}
		told = callback.Outcome{Title: "Not authorized", Text: Explain(err, z.at).Summary,
			Hint: "The person who set this up sees the same in confer and can try again. " + closeWindow}
		if a.Error == "access_denied" {
			told = callback.Outcome{Title: "You did not approve", Text: "Nothing was linked, and nothing was changed.",
				Hint: "If you want to approve after all, ask the person who sent you the link for a new one. " + closeWindow}
		}
		return Failed{Err: err}, told
	}
	z.say(AnswerArrived{})
	last = z.approved(a.Code).finish(ctx, z.store, z.say)
	if failed, bad := last.(Failed); bad {
		p := approvedProblem(Explain(failed.Err, z.at), z.at, z.answers, failed, false)
		return last, callback.Outcome{Title: "Approved, but not finished",
			Text: "You approved, and nothing more is asked of you here. The set-up program could not finish: " + p.Summary,
			Hint: "The person who set this up sees the same in confer. " + closeWindow}
	}
	return last, callback.Outcome{OK: true, Title: z.done, Text: "The authorization is complete. Nothing more is asked of you.",
		Hint: "You can close this window and go back to the terminal."}
}

// approved is what is to be done with a code.
func (z *authorization) approved(code cronofy.Secret) unfinished {
	return unfinished{code: code, exchange: z.exchange, until: time.Now().Add(codeLife)}
}

// use takes an answer, and the next one that is here if nothing came of it. The
// browsers of the others learn how it ended.
func (z *authorization) use(ctx context.Context, a callback.Answer) Event {
	last, told := z.finish(ctx, a)
	z.srv.ShowOutcome(a.ID, told)
	for {
		failed, bad := last.(Failed)
		another := bad && !failed.TokensKept // where tokens are here, the store would not take others either
		switch {
		case !bad:
			told.Text = "An answer that came before this one was used. Nothing more is asked of you."
		case another:
			told = notWaiting
		}
		next, more := z.srv.Next(told)
		if !more {
			return last
		}
		if another {
			last, told = z.finish(ctx, next)
			if f, again := last.(Failed); again && failed.Approved && !f.Approved { // a mere refusal says less
				last = failed
			}
		}
		z.srv.ShowOutcome(next.ID, told)
	}
}

// release goes on serving the browser's pages, unless the port is needed before
// that.
func (z *authorization) release() {
	if z.url == "" { // nobody was sent anywhere
		z.srv.Close()
		return
	}
	z.r.mu.Lock()
	defer z.r.mu.Unlock()
	z.r.last, z.r.owed = z.srv, time.Now().Add(lingerLimit)
	time.AfterFunc(pagesLimit, z.srv.Close)
}

// A program that is being started holds a copy of every listener until it has
// begun (fork, then close-on-exec): a port that was ours a moment ago may look
// taken for as long.
const (
	portTries = 20
	portPause = 25 * time.Millisecond
)

// deadline is the end of a wait, as the screen shows it and as it comes.
type deadline struct {
	until time.Time
	timer *time.Timer
}

func newDeadline(d time.Duration) *deadline {
	return &deadline{until: time.Now().Add(d), timer: time.NewTimer(d)}
}

// extend puts the end off by d, or takes it away, and gives it.
func (e *deadline) extend(d time.Duration, endless bool) time.Time {
	if endless {
		e.until = time.Time{}
		e.timer.Stop()
		return e.until
	}
	if e.until.IsZero() { // there is no end again: the operator wants one
		e.until = time.Now()
	}
	e.until = e.until.Add(d)
	e.timer.Reset(time.Until(e.until))
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
	Text:  "Your answer was not used, and it still counts.",
	Hint:  "Ask the person who sent you the link to have confer wait again. Then load this page again.",
}

const closeWindow = "You can close this window."

// closeLast ends the serving of the pages of the try before, and tells whether there
// was one.
func (r *Runner) closeLast() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.last == nil {
		return false
	}
	r.last.Close()
	r.last = nil
	return true
}
