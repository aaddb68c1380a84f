package flow

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"confer/cronofy"
	"confer/flow/callback"
	"confer/internal/crash"
	"confer/internal/links"
	"confer/keystore"
)

// DefaultTimeout is how long the administrator has, unless it is extended.
const DefaultTimeout = 5 * time.Minute

// Limits. A call is given up with what Cronofy said last, so that one that is
// refused again and again ends in a sentence within half a minute. What cannot
// be had twice, the exchange of a code and the storing of its tokens, has longer.
const (
	callLimit   = 30 * time.Second
	finishLimit = 45 * time.Second
)

// Runner does the tasks. It keeps nothing between them but the states it has issued, which
// stay good until the run ends, and the pages of the last authorization.
type Runner struct {
	// NewClient makes a client that tells notify when a call has to wait.
	NewClient func(site cronofy.Site, app cronofy.App, notify func(cronofy.Wait)) *cronofy.Client
	Stores    links.Stores        // the places for secrets
	Links     *links.File         // keeps links made and unfinished answers; nil: nothing is kept
	NoDraft   bool                // another run has the place for unfinished answers in Links
	Listen    callback.ListenFunc // takes the callback's port; nil: the network's
	// OpenURL asks for a browser; nil: none is opened. The built-in one returns when it
	// has ended, with a *BrowserError: when no answer is here by then, none will come.
	OpenURL func(url string) error
	// Approve has the sandbox's built-in browser approve at a link, or deny, as the
	// administrator would; nil: there is none. It returns as OpenURL's does.
	Approve func(url string, approve bool) error
	// OpenAccounts opens a list of accounts by its path; neither that nor a read outlives ctx.
	OpenAccounts func(ctx context.Context, path string) (io.ReadCloser, error)
	Tokens       func(Link, cronofy.Token) // hears of the tokens of a new link before they are stored; nil: nobody does
	Timeout      time.Duration             // how long the administrator has; 0: DefaultTimeout
	Looks        []time.Duration           // pauses between looks at the profiles; nil: growing ones
	Unattended   bool                      // nobody can be asked: a missing keyring is then an error
	ReachPause   time.Duration             // between two questions whether Cronofy can be reached again; 0: 5 seconds
	Log          *slog.Logger              // takes down names of tasks and events, and errors; nil: nobody does

	states *callback.States
	saver  saver
	mu     sync.Mutex
	last   *callback.Server // of the try before; its pages may still be served
	owed   time.Time        // until when the last page of that is waited for
}

// note writes to the log what kind of thing happened, never its content: an
// event may hold secrets. Errors hold none.
func (r *Runner) note(what string, task int, v any) {
	if r.Log == nil {
		return
	}
	var err error
	switch ev := v.(type) {
	case Failed:
		err = ev.Err
	case ApplicationAccepted:
		err = ev.Unchecked
	case AnswerRejected:
		err = ev.Err
	case BrowserAsked:
		err = ev.Err
	}
	args := []any{"task", task, "type", fmt.Sprintf("%T", v)}
	if err != nil {
		args = append(args, "error", err.Error())
	}
	if caught, ok := errors.AsType[*crash.Error](err); ok {
		args = append(args, "stack", string(caught.Stack))
	}
	r.Log.Debug(what, args...)
}

func (r *Runner) client(a Answers, say func(Event)) *cronofy.Client {
	return r.NewClient(a.Site, a.App(), func(w cronofy.Wait) {
		say(Paused{Until: time.Now().Add(w.For), Reason: w.Reason})
	})
}

func (r *Runner) wait() {
	r.mu.Lock()
	last, limit := r.last, time.Until(r.owed)
	r.mu.Unlock()
	if last != nil {
		last.Linger(limit)
	}
	r.closeLast()
	r.saver.wg.Wait()
}

// Tasks carries out what Apply orders: one task at a time, each with an inbox.
// It owns every goroutine that a task needs; whoever makes it must Close it.
type Tasks struct {
	runner *Runner
	events chan Report
	ctx    context.Context // ends with Close
	end    context.CancelFunc
	wg     sync.WaitGroup

	mu     sync.Mutex
	id     int // of the newest task
	cancel context.CancelFunc
	inbox  chan Delivery
	closed bool
}

// inboxSize is how many deliveries may wait. A full inbox drops the newest.
const inboxSize = 16

// NewTasks makes the runner ready for work.
func NewTasks(r *Runner) *Tasks {
	r.Timeout, r.states = cmp.Or(r.Timeout, DefaultTimeout), cmp.Or(r.states, callback.NewStates())
	ctx, end := context.WithCancel(context.Background())
	return &Tasks{runner: r, events: make(chan Report, 64), cancel: func() {}, ctx: ctx, end: end}
}

// Events are the reports of tasks, for Apply. The channel is never closed.
func (t *Tasks) Events() <-chan Report { return t.events }

// Follow does what a step from one State to the next asks for: it ends the
// task that is over, starts the one that is new, or delivers to the running one.
func (t *Tasks) Follow(before, after State, task *Task) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return
	}
	if before.Running != nil && before.Running != after.Running {
		t.cancel()
	}
	t.runner.remember(before, after, func(ev Event) { t.events <- Report{Event: ev} })
	if kept := after.CodeToRetry(); kept != nil && before.CodeToRetry() == nil { // it is tried again by itself
		t.wg.Go(func() {
			if ev := t.runner.awaitCronofy(t.ctx, after.Answers, *kept); ev != nil {
				t.events <- Report{Event: ev}
			}
		})
	}
	if task == nil {
		return
	}
	if d, ok := task.Effect.(Delivery); !ok {
		t.start(*task)
	} else if task.ID == t.id {
		select {
		case t.inbox <- d:
		default:
		}
	}
}

// start has a task done: it reports any number of events on its way, and one last.
// It ends early when it is cancelled, but for a code that is being exchanged.
func (t *Tasks) start(task Task) {
	ctx, cancel := context.WithCancel(context.Background())
	inbox := make(chan Delivery, inboxSize)
	t.id, t.cancel, t.inbox = task.ID, cancel, inbox
	emit := func(ev Event) {
		t.runner.note("event", task.ID, ev)
		t.events <- Report{task.ID, ev}
	}
	ctx = keystore.OnWait(ctx, func(w keystore.Wait) { emit(UnlockAsked{w}) })
	t.wg.Go(func() {
		defer cancel()
		// A panic is the task's last report, so that the wizard goes on and the
		// terminal stays whole.
		defer func() {
			if caught := crash.Caught(recover()); caught != nil {
				emit(Failed{Err: caught})
			}
		}()
		t.runner.note("task", task.ID, task.Effect)
		emit(task.Effect.(work).do(ctx, t.runner, inbox, emit))
	})
}

// Close ends the running task and waits until every goroutine is done. A code
// that is being exchanged is finished first: it cannot be had twice. It gives
// the reports that nobody took, for a last Apply.
func (t *Tasks) Close() (left []Report) {
	t.mu.Lock()
	t.closed = true
	t.cancel()
	t.end()
	t.mu.Unlock()
	over := make(chan struct{})
	go func() {
		t.wg.Wait()
		t.runner.wait()
		close(over)
	}()
	for {
		select {
		case r := <-t.events:
			left = append(left, r)
		case <-over:
			for len(t.events) > 0 {
				left = append(left, <-t.events)
			}
			return left
		}
	}
}

// Unattended runs the steps with the answers given and nobody to ask, up to the link or
// to the Problem that stops it. What comes from acts, which may be nil, is applied
// meanwhile. follow sees each new State with the event that led to it.
func Unattended(ctx context.Context, r *Runner, f Initial, acts <-chan Event, follow func(State, Event)) State {
	r.Unattended = true
	tasks := NewTasks(r)
	defer tasks.Close()
	s := State{Answers: f.Answers, Store: f.Store}
	apply := func(ev Event) {
		before := s
		var task *Task
		s, task = before.Apply(ev)
		tasks.Follow(before, s, task)
		follow(s, ev)
	}
	done := ctx.Done()
	for s.Link == nil && (s.Problem == nil || s.CodeToRetry() != nil) {
		if s.Running == nil && s.Problem == nil {
			if given := steps[s.Step].given; given != nil {
				apply(given(s.Answers))
			} else {
				apply(PagePassed{s.Step})
			}
			continue
		}
		select {
		case r := <-tasks.Events():
			apply(r)
		case ev := <-acts:
			apply(ev)
		case <-done:
			done = nil
			if s.Attempt.Phase < PhaseExchanging { // a code cannot be had twice
				p := Explain(context.Canceled, s.Step)
				s.Problem, s.Running = &p, nil
			}
		}
	}
	return s
}
