package flow

import (
	"context"
	"crypto/rand"
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

// Stores gives access to the places for secrets.
type Stores interface {
	// Probe asks the keyring for its state without a prompt.
	Probe(ctx context.Context) keystore.Status
	// Open gives the store; the passphrase is StoreFile's. It does not prompt.
	Open(kind StoreKind, passphrase cronofy.Secret) (keystore.Store, error)
}

// Runner does the tasks. Everything it needs of the world is a field; it keeps
// nothing between tasks but the states it has issued, which stay good until
// the run ends, and what was approved and is not stored yet.
type Runner struct {
	// NewClient makes a client for a site and an application; it tells notify
	// when a call has to wait. Required.
	NewClient func(site cronofy.Site, app cronofy.App, notify func(cronofy.Wait)) *cronofy.Client
	// Stores are the places for secrets. Required.
	Stores Stores
	// Links keeps links made and unfinished answers; nil: nothing is kept.
	Links *links.File
	// Listen takes the callback's port; nil: the network's.
	Listen callback.ListenFunc
	// NoDraft: another run has the place for unfinished answers in Links.
	NoDraft bool
	// OpenURL asks for a browser; nil: none is opened.
	OpenURL func(url string) error
	// Walk sends a built-in browser to a link where OpenURL is nil, and gives its
	// end: when no answer is here by then, none will come. nil: there is none.
	Walk func(url string) <-chan *LostError
	// OpenAccounts opens a list of accounts by its path; neither that nor a read
	// outlives ctx. Required for lists.
	OpenAccounts func(ctx context.Context, path string) (io.ReadCloser, error)
	// Timeout is how long the administrator has; 0: DefaultTimeout.
	Timeout time.Duration
	// Looks are the pauses between looks at the profiles; nil: growing ones.
	Looks []time.Duration
	// Unattended: nobody can be asked. A missing keyring is then an error.
	Unattended bool
	// Log takes down names of tasks and events, and errors; nil: nobody does.
	Log *slog.Logger
	// Now and Rand are the clock and the source of states; nil: the real ones.
	Now  func() time.Time
	Rand io.Reader

	once   sync.Once
	states *callback.States
	saver  saver
	linger sync.WaitGroup
	mu     sync.Mutex
	last   *callback.Server // of the try before; its pages may still be served
	leave  func()           // ends that, once they were fetched
	held   map[string]put   // approved and not stored, by Answers.Key
}

func (r *Runner) init() {
	r.once.Do(func() {
		if r.Now == nil {
			r.Now = time.Now
		}
		if r.Rand == nil {
			r.Rand = rand.Reader
		}
		if r.Timeout == 0 {
			r.Timeout = DefaultTimeout
		}
		r.states = callback.NewStates(r.Rand)
	})
}

// Do carries out one task. It emits any number of progress events and exactly
// one last event. It returns early when ctx ends, but for a code that is being
// exchanged.
func (r *Runner) Do(ctx context.Context, t Task, inbox <-chan Delivery, emit func(Event)) {
	r.init()
	ctx = keystore.OnWait(ctx, func(w keystore.Wait) {
		if w.Over {
			w.Until = time.Time{}
		}
		emit(UnlockAsked{Until: w.Until, Words: WaitWords(w)})
	})
	switch e := t.Effect.(type) {
	case CheckApplication:
		emit(r.checkApplication(ctx, e, emit))
	case OpenStore:
		emit(r.openStore(ctx, e, emit))
	case CheckServiceAccount:
		emit(r.checkServiceAccount(ctx, e, emit))
	case Connect:
		emit(r.connect(ctx, e, inbox, emit))
	case StoreHeld:
		emit(r.storeHeld(ctx, e, emit))
	case Authorize:
		emit(r.authorize(ctx, e, inbox, emit))
	case LoadProfiles:
		emit(r.loadProfiles(ctx, e, inbox, emit))
	}
}

// note writes to the log what kind of thing happened, never its content: an
// event may hold secrets. Errors hold none.
func (r *Runner) note(what string, task int, v any) {
	if r.Log == nil {
		return
	}
	args := []any{"task", task, "type", fmt.Sprintf("%T", v)}
	switch v := v.(type) {
	case Failed:
		args = append(args, "error", v.Err.Error(), "approved", v.Approved)
		if caught := (*crash.Error)(nil); errors.As(v.Err, &caught) {
			args = append(args, "stack", string(caught.Stack))
		}
	case ApplicationAccepted:
		if v.Unchecked != nil {
			args = append(args, "error", v.Unchecked.Error())
		}
	case Strayed:
		args = append(args, "error", v.Err.Error())
	case BrowserAsked:
		if v.Err != nil {
			args = append(args, "error", v.Err.Error())
		}
	}
	r.Log.Debug(what, args...)
}

// client makes the client for the answers; its waits become events.
func (r *Runner) client(a Answers, say func(Event)) *cronofy.Client {
	return r.NewClient(a.Site, a.App(), func(w cronofy.Wait) {
		say(Paused{Until: r.Now().Add(w.For), Reason: w.Reason})
	})
}

// wait ends when the last page was served and the last answers are saved.
func (r *Runner) wait() {
	r.leavePages()
	r.linger.Wait()
	r.saver.wait()
}

func (r *Runner) checkApplication(ctx context.Context, e CheckApplication, say func(Event)) Event {
	store, ask, err := r.settle(ctx, e.Store)
	if err != nil {
		return Failed{Err: err}
	}
	a := e.Answers
	if a.ClientSecret.Empty() {
		if ask { // the secret may be behind the question
			return ApplicationAccepted{Store: store, Ask: true}
		}
		if a.ClientSecret, err = r.storedSecret(ctx, a, store); err != nil {
			return Failed{Err: err}
		}
	}
	unchecked, err := r.refused(ctx, a, say)
	if err != nil {
		return Failed{Err: err}
	}
	return ApplicationAccepted{ClientSecret: a.ClientSecret, Store: store, Ask: ask, Unchecked: unchecked}
}

// refused asks Cronofy about client id and secret. Only a clear no, or no
// connection at all, stops the operator: the documented check comes with the
// link token, and this one is inferred.
func (r *Runner) refused(ctx context.Context, a Answers, say func(Event)) (unchecked, err error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	err = r.client(a, say).CheckApplication(ctx)
	var api *cronofy.Error
	var bad *cronofy.BadAnswerError
	switch {
	case err == nil:
		return nil, nil
	case errors.As(err, &bad),
		errors.As(err, &api) && api.Status != 401 && api.Code != "invalid_client" && api.Status != 429 && api.Status < 500:
		return err, nil
	}
	return nil, err
}

// checkServiceAccount makes a link token, the documented check of the client
// secret and of the id, and stores the secret now that it is known to be right.
func (r *Runner) checkServiceAccount(ctx context.Context, e CheckServiceAccount, say func(Event)) Event {
	a, err := r.withSecret(ctx, e.Answers, e.Store)
	if err != nil {
		return Failed{Err: err}
	}
	call, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	if _, err := r.client(a, say).LinkToken(call, a.ServiceAccount); err != nil {
		return Failed{Err: err}
	}
	if err := r.keep(ctx, e.Store, clientSecretOf(a), a.ClientSecret); err != nil {
		return Failed{Err: err}
	}
	return ServiceAccountAccepted{ID: a.ServiceAccount}
}
