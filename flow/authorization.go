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

	srv    *callback.Server
	short  string
	until  time.Time // when the wait ends; zero: it has no end
	timer  *time.Timer
	visits chan visit
}

// visit is what became of a browser.
type visit struct {
	asked bool // else it is the sandbox's administrator
	err   error
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
	z.until, z.timer = time.Now().Add(z.r.Timeout), time.NewTimer(z.r.Timeout)
	defer z.timer.Stop()
	z.visits = make(chan visit, inboxSize)
	if err := z.newLink(ctx); err != nil {
		srv.Close() // nobody was sent there
		return Failed{Err: err}
	}
	z.open(ctx)
	return z.wait(ctx)
}

// listen waits for its own port, where the try before had it. A program that is being
// started holds a copy of every listener until it has begun (fork, then close-on-exec):
// a port that was ours a moment ago may look taken for as long.
func (z *authorization) listen(ctx context.Context) (*callback.Server, error) {
	tries := 1
	if z.r.closeLast() {
		tries = 20
	}
	for {
		srv, err := callback.Open(ctx, callback.Config{
			RedirectURI: z.answers.RedirectURI,
			Listen:      z.answers.Listen,
			States:      z.r.states,
			Answers:     z.basis().String(),
			OnUnusable:  func(err error) { z.say(AnswerRejected{err}) },
			ListenFunc:  z.r.Listen,
		})
		var port *callback.PortError
		if tries--; tries == 0 || !errors.As(err, &port) || port.Class != callback.PortInUse {
			return srv, err
		}
		time.Sleep(25 * time.Millisecond)
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
	z.short = z.srv.ShortURL(raw)
	z.say(LinkReady{URL: raw, ShortURL: z.short, Listening: z.srv.Listening(), Until: z.until})
	return nil
}

// open asks for a browser. A command that is the browser itself goes on, and the
// built-in one until it has seen the last page: answers come meanwhile.
func (z *authorization) open(ctx context.Context) {
	if z.r.OpenURL == nil {
		z.say(BrowserAsked{Err: ErrNoBrowser})
		return
	}
	z.browse(ctx, true, z.r.OpenURL)
}

func (z *authorization) browse(ctx context.Context, asked bool, do func(link string) error) {
	short := z.short
	go func() {
		v := visit{asked: asked}
		defer func() {
			if c := crash.Caught(recover()); c != nil {
				v.err = c
			}
			select {
			case z.visits <- v:
			case <-ctx.Done():
			}
		}()
		v.err = do(short)
	}()
}

// visited says what became of a browser, and what the built-in one met if it brought
// nothing. Where nobody could do anything else, the wait ends.
func (z *authorization) visited(ctx context.Context, v visit) Event {
	if c, ok := errors.AsType[*crash.Error](v.err); ok {
		panic(c) // in the task's own goroutine
	}
	ended, builtIn := errors.AsType[*BrowserError](v.err)
	if builtIn {
		v.err = nil
	}
	if v.asked {
		z.say(BrowserAsked{Err: v.err})
	}
	switch {
	case !builtIn, len(z.srv.Answers()) > 0: // that is what it brought
	case z.r.Unattended:
		return z.stop(ctx, Failed{Err: ended, Approved: ended.Approved})
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
			last = z.stop(ctx, Failed{Err: context.Cause(ctx)})
		case <-z.timer.C:
			if len(z.inbox) > 0 { // what the operator did before the end counts
				z.timer.Reset(0)
				continue
			}
			last = z.stop(ctx, Failed{Err: ErrTimeout})
		case v := <-z.visits:
			last = z.visited(ctx, v)
		case a := <-z.srv.Answers():
			last = z.use(ctx, a)
		case d := <-z.inbox:
			last = d.deliver(ctx, z)
		}
		if last != nil {
			return last
		}
	}
}

// stop ends the wait, unless an answer is here: its state is used up, and nobody could
// bring it again.
func (z *authorization) stop(ctx context.Context, last Event) Event {
	if a, here := z.srv.Stop(); here {
		return z.use(ctx, a)
	}
	return last
}

func (z *authorization) take(ctx context.Context, text string) Event {
	a, err := z.claim(ctx, text)
	if err != nil {
		z.say(AnswerRejected{err})
		return nil
	}
	if brought, here := z.srv.Stop(); here { // at the same moment, and its page waits for the truth
		a = brought
	}
	return z.use(ctx, a)
}

// extend puts the end off, or takes it away, and gives it.
func (z *authorization) extend(endless bool) time.Time {
	if endless {
		z.until = time.Time{}
		z.timer.Stop()
		return z.until
	}
	if z.until.IsZero() { // there is no end again: the operator wants one
		z.until = time.Now()
	}
	z.until = z.until.Add(z.r.Timeout)
	z.timer.Reset(time.Until(z.until))
	return z.until
}

func (z *authorization) use(ctx context.Context, a callback.Answer) Event {
	last, told := z.finish(ctx, a)
	z.srv.ShowOutcome(told)
	return last
}

// finish ends the authorization with an answer, even if the operator leaves: a code
// cannot be had twice.
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

func (z *authorization) approved(code cronofy.Secret) Kept {
	return Kept{code: code, exchange: z.exchange, Until: time.Now().Add(codeLife)}
}

// release goes on serving the browser's pages, unless the port is needed before
// that.
func (z *authorization) release() {
	z.r.mu.Lock()
	defer z.r.mu.Unlock()
	z.r.last, z.r.owed = z.srv, time.Now().Add(lingerLimit)
	time.AfterFunc(pagesLimit, z.srv.Close)
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
