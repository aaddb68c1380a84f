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
	"confer/flow/links"
	"confer/internal/crash"
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
// the run ends, and the tokens that delegated access gave.
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
	access *accessDesk      // of the last Delegate: tokens, in memory only
	held   map[string]put   // approved and not stored, by Answers.Key
	door   chan struct{}    // held by the task that listens for webhooks
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
		r.door = make(chan struct{}, 1)
	})
}

// Do carries out one task. It emits any number of progress events and exactly
// one last event. It returns early when ctx ends, but for a code that is being
// exchanged.
func (r *Runner) Do(ctx context.Context, t Task, inbox <-chan Delivery, emit func(Event)) {
	r.init()
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
		emit(r.storeHeld(ctx, e))
	case Authorize:
		emit(r.authorize(ctx, e, inbox, emit))
	case LoadProfiles:
		emit(r.loadProfiles(ctx, e, inbox, emit))
	case PlanDelegation:
		emit(r.planDelegation(ctx, e, emit))
	case Delegate:
		emit(r.delegate(ctx, e, inbox, emit))
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

// settle decides on the store: what was named, else the keyring if it is ready,
// else the operator is asked.
func (r *Runner) settle(ctx context.Context, s Store) (_ Store, ask bool, _ error) {
	if s.Kind == StoreFile {
		return r.settleFile(ctx, s)
	}
	if s.Kind != "" && s.Kind != StoreKeyring {
		return s, false, nil
	}
	ctx, cancel := context.WithTimeout(ctx, keystore.ProbeLimit)
	defer cancel()
	status := r.Stores.Probe(ctx)
	s.Keyring, s.Detail = string(status.State), status.Detail
	if status.State == keystore.Ready {
		s.Kind = StoreKeyring
		return s, false, nil
	}
	if !r.Unattended {
		return s, true, nil
	}
	e := &keystore.Error{Op: "open", Store: keystore.Keyring, Err: keystore.ErrUnavailable, State: status.State, Detail: status.Detail}
	if status.State == keystore.Locked {
		e.Err = keystore.ErrLocked
	}
	return s, false, e
}

// fileLimit bounds a call to the secrets file, which derives a key twice: 0.6 s
// each on a laptop, several seconds on a small board.
const fileLimit = 60 * time.Second

// storeLimit bounds one call to a store. The keyring has limits of its own, too.
func storeLimit(kind StoreKind) time.Duration {
	if kind == StoreFile {
		return fileLimit
	}
	return keystore.CallLimit
}

// openLimit bounds the opening of a store.
func openLimit(kind StoreKind) time.Duration {
	if kind == StoreKeyring {
		return keystore.UnlockLimit // a dialog, and a person who types
	}
	return storeLimit(kind)
}

// settleFile finds a wrong passphrase before anybody is sent to a browser.
func (r *Runner) settleFile(ctx context.Context, s Store) (_ Store, ask bool, _ error) {
	if s.Passphrase.Empty() {
		if r.Unattended {
			return s, false, &keystore.Error{Op: "open", Store: keystore.File, Err: keystore.ErrPassphrase}
		}
		return s, true, nil
	}
	ctx, cancel := context.WithTimeout(ctx, storeLimit(s.Kind))
	defer cancel()
	err := r.unlock(ctx, s)
	if errors.Is(err, keystore.ErrPassphrase) && !r.Unattended {
		s.Passphrase = cronofy.Secret{}
		return s, true, nil
	}
	return s, false, err
}

func (r *Runner) openStore(ctx context.Context, e OpenStore, say func(Event)) Event {
	ctx, cancel := context.WithTimeout(ctx, openLimit(e.Store.Kind))
	defer cancel()
	a := e.Answers
	if err := r.unlock(ctx, e.Store); err != nil {
		return Failed{Err: err}
	}
	found, err := r.storedSecret(ctx, a, e.Store)
	if err == nil { // it may be readable and not writable
		err = r.prove(ctx, a, e.Store)
	}
	if errors.Is(err, ErrNoSecret) && !a.ClientSecret.Empty() {
		err = nil
	}
	if err != nil {
		return Failed{Err: err}
	}
	var unchecked error
	if a.ClientSecret.Empty() {
		a.ClientSecret = found
		if unchecked, err = r.refused(ctx, a, say); err != nil {
			return Failed{Err: err}
		}
	}
	return StoreOpened{Store: e.Store, ClientSecret: a.ClientSecret, Unchecked: unchecked}
}

// unlock lets a keyring that is locked ask for its password, and tries the
// passphrase of a file. A file that is yet to be made takes any.
func (r *Runner) unlock(ctx context.Context, s Store) error {
	store, err := r.Stores.Open(s.Kind, s.Passphrase)
	if err != nil {
		return err
	}
	switch store := store.(type) {
	case interface{ Unlock(context.Context) error }:
		return store.Unlock(ctx)
	case interface{ Check(context.Context) error }:
		if err := store.Check(ctx); !errors.Is(err, keystore.ErrNotFound) {
			return err
		}
	}
	return nil
}

func clientSecretKey(a Answers) string { return keystore.Key(clientSecretOf(a).KeyParts()...) }

// serviceTokenKey is that of a calendar service account's token.
func serviceTokenKey(a Answers) string { return keystore.Key(serviceTokenOf(a).KeyParts()...) }

// storedSecret reads the client secret from the store. That it is not there is
// ErrNoSecret; anything else is an error of the store, never "not there".
func (r *Runner) storedSecret(ctx context.Context, a Answers, s Store) (cronofy.Secret, error) {
	store, err := r.Stores.Open(s.Kind, s.Passphrase)
	if err != nil {
		return cronofy.Secret{}, err
	}
	secret, err := store.Get(ctx, clientSecretKey(a))
	if errors.Is(err, keystore.ErrNotFound) {
		return cronofy.Secret{}, ErrNoSecret
	}
	return cronofy.NewSecret(secret), err
}

// keep stores a secret and reads it back, unless it is there already. What
// could not be read is not written over, and an old secret is put back when the
// store does not give back the new one. The ledger has its entry first.
func (r *Runner) keep(ctx context.Context, s Store, what links.Stored, secret cronofy.Secret) error {
	what.Store = string(s.Kind)
	if err := r.recordSecret(ctx, what); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, storeLimit(s.Kind))
	defer cancel()
	store, err := r.Stores.Open(s.Kind, s.Passphrase)
	if err != nil {
		return err
	}
	key := keystore.Key(what.KeyParts()...)
	old, err := store.Get(ctx, key)
	had := err == nil
	switch {
	case had && old == secret.Reveal():
		return nil
	case !had && !errors.Is(err, keystore.ErrNotFound):
		return err
	}
	err = store.Set(ctx, key, secret.Reveal())
	if had && errors.Is(err, keystore.ErrReadBack) {
		_ = store.Set(ctx, key, old)
	}
	if err == nil {
		_ = r.recordSecret(ctx, what) // somebody may have struck the entry before there was anything
	}
	return err
}

// withSecret fills in the stored client secret when none was typed in this run.
func (r *Runner) withSecret(ctx context.Context, a Answers, s Store) (Answers, error) {
	if !a.ClientSecret.Empty() {
		return a, nil
	}
	ctx, cancel := context.WithTimeout(ctx, storeLimit(s.Kind))
	defer cancel()
	secret, err := r.storedSecret(ctx, a, s)
	a.ClientSecret = secret
	return a, err
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
	return ServiceAccountAccepted{ID: a.ServiceAccount, TokenKept: r.holdsToken(ctx, a, e.Store)}
}
