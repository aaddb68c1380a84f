package keystore

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"confer/internal/crash"
)

// State is what a probe saw of the keyring.
type State string

// The states.
const (
	Ready        State = "ready"         // there and unlocked
	Locked       State = "locked"        // Unlock will open a window, or fail where none can be shown
	NoCollection State = "no-collection" // the service runs but has neither a login nor a default keyring
	NoService    State = "no-service"    // there is a session bus, and nothing on it offers a keyring
	NoBus        State = "no-bus"        // there is no session bus, or not one that this user can use
	Silent       State = "silent"        // something did not answer within ProbeLimit or the context
)

// Status is the answer of Probe.
type Status struct {
	State    State
	Program  string // whose keyring it is, where that is known: "GNOME Keyring", "KWallet", "KeePassXC"
	Detail   string // why, in the platform's words, which are to be cleaned before they are shown; may be empty
	NoWindow bool   // this session can show no window, so a locked keyring cannot ask
}

// Failure is the error of a call that finds the keyring so, and not Ready.
func (s Status) Failure(op string) *Error {
	e := &Error{Op: op, Store: Keyring, Err: ErrUnavailable, Status: s}
	if s.State == Locked {
		e.Err = ErrLocked
	}
	return e
}

// Probe tells whether the keyring can be used, without asking the user for
// anything, unlocking or writing, within ProbeLimit and ctx. It never starts a
// session bus. On macOS and Windows it says Ready without touching anything: there is
// no way to ask there that could not open a window.
func Probe(ctx context.Context) Status {
	ctx, cancel := context.WithTimeout(ctx, ProbeLimit)
	defer cancel()
	return look(ctx)
}

// provider is a keyring without limits. Its errors are ErrNotFound, ErrDismissed, that
// of a Status, or the platform's own.
type provider interface {
	Get(c *call, key string) (string, error)
	// Has opens no window where the keyring is Ready.
	Has(c *call, key string) (bool, error)
	Set(c *call, key, secret string) error
	// Delete removes what there is, or says ErrNotFound.
	Delete(c *call, key string) error
	Unlock(c *call) error
}

// KeyringStore is the keyring of the operating system.
//
// Get, Set and Delete probe first. They end within ProbeLimit and CallLimit, unless
// the keyring shows a window meanwhile, as KeePassXC does for each access: then they
// wait for its answer up to PromptLimit, and OnWait tells. On macOS a window cannot be
// seen from here, and every call may take as long. A damaged file of gnome-keyring's is
// set aside by itself, without a word: its secrets are ErrNotFound then.
//
// Calls are made one at a time, and what comes meanwhile is ErrBusy. One that outlives
// its limit keeps its goroutine and its turn until it ends, so that however many are
// made only one goroutine is ever stuck, and only one window is ever open.
type KeyringStore struct {
	provider     provider
	probe        func(context.Context) Status
	call, prompt time.Duration // limits: of what the keyring does by itself, and of each window
	turn         sync.Mutex    // held by the running call
}

// OpenKeyring gives the keyring. It touches nothing yet. A program needs one
// KeyringStore only: two of them do not know of each other's calls.
func OpenKeyring() *KeyringStore {
	return &KeyringStore{provider: newProvider(), probe: Probe, call: callLimit, prompt: PromptLimit}
}

// Kind is Keyring.
func (k *KeyringStore) Kind() Kind { return Keyring }

// Get implements Store.
func (k *KeyringStore) Get(ctx context.Context, key string) (string, error) {
	var secret string
	err := k.run(ctx, "get", func(c *call) (err error) {
		secret, err = k.provider.Get(c, key)
		return err
	})
	if err != nil {
		return "", err // and the call may not have ended
	}
	return secret, nil
}

// Has tells whether there is a secret of key, without a window and without
// reading it (but on macOS).
func (k *KeyringStore) Has(ctx context.Context, key string) (bool, error) {
	var has bool
	err := k.run(ctx, "get", func(c *call) (err error) {
		has, err = k.provider.Has(c, key)
		return err
	})
	return err == nil && has, err
}

// Set implements Store. What is there already is not written again, because some
// keyrings ask each time. One that succeeds after it was given up is undone, as its
// caller was told that it failed: a new item is deleted, and one that it replaced is
// put back.
func (k *KeyringStore) Set(ctx context.Context, key, secret string) error {
	if len(secret) > MaxSecret {
		return &Error{Op: "set", Store: Keyring, Err: ErrTooBig}
	}
	return k.run(ctx, "set", func(c *call) error {
		c.secret = secret
		before, err := k.provider.Get(c, key)
		had := err == nil
		if !had && !errors.Is(err, ErrNotFound) || had && before == secret {
			return err
		}
		select {
		case <-c.givenUp: // nothing is changed any more
			return ErrTimeout
		default:
		}
		c.undo = func() { // as well as the keyring lets it; what has not changed needs no window
			switch now, err := k.provider.Get(c, key); {
			case had && (err != nil || now != before):
				_ = k.provider.Set(c, key, before)
			case !had && !errors.Is(err, ErrNotFound):
				_ = k.provider.Delete(c, key)
			}
		}
		if err := k.provider.Set(c, key, secret); err != nil {
			return err
		}
		got, err := k.provider.Get(c, key)
		if errors.Is(err, ErrNotFound) || err == nil && got != secret {
			return ErrReadBack
		}
		return err
	})
}

// deleteTries is how often Delete looks whether a secret is gone, and deletePause
// the time between: a service may answer before it has deleted.
const (
	deleteTries = 5
	deletePause = 100 * time.Millisecond
)

var errStays = errors.New("the item is still there after it was deleted")

// Delete implements Store. Several items of one key are all deleted.
func (k *KeyringStore) Delete(ctx context.Context, key string) error {
	err := k.run(ctx, "delete", func(c *call) error {
		for range deleteTries {
			if err := k.provider.Delete(c, key); err != nil {
				return err
			}
			if has, err := k.provider.Has(c, key); err != nil || !has {
				return err
			}
			time.Sleep(deletePause)
		}
		return errStays
	})
	if errors.Is(err, ErrNotFound) {
		err = nil
	}
	return err
}

// Unlock makes the keyring ask for its password, where it is locked. It is ErrLocked
// when the window was closed or cannot be shown. When it was given up the window stays
// on the screen, and other calls are ErrBusy until somebody answers it.
func (k *KeyringStore) Unlock(ctx context.Context) error {
	return k.run(ctx, unlock, func(c *call) error {
		if err := k.provider.Unlock(c); err != nil {
			return err
		}
		if s := k.probe(ctx); s.State != Ready {
			return s.Failure("")
		}
		return nil
	})
}

const unlock = "unlock"

// call is a call to the keyring that is being made. It cannot be cancelled, but given up.
type call struct {
	windows chan *string  // the program that opened a window, where it is known; nil: it is closed
	givenUp chan struct{} // closed when nobody waits for the call any more
	secret  string        // is taken out of the platform's words
	undo    func()        // of a call that was given up, before the next one; nil: there is nothing to undo
}

// window tells the caller that a program has opened a window, or (nil) closed it.
func (c *call) window(program *string) {
	select {
	case c.windows <- program:
	case <-c.givenUp:
	}
}

// run makes a call where the keyring is ready, or locked and to be unlocked: for at
// most k.call without a window, and k.prompt for each window.
func (k *KeyringStore) run(ctx context.Context, op string, do func(*call) error) error {
	e := &Error{Op: op, Store: Keyring, Err: ErrBusy}
	if !k.turn.TryLock() {
		return e
	}
	defer func() {
		if !e.Pending { // or it is the call's until that ends
			k.turn.Unlock()
		}
	}()
	s := k.probe(ctx)
	switch {
	case ctx.Err() != nil:
		e.Err, e.Cause = ErrTimeout, ctx.Err()
		return e
	case op == unlock && s.State == Ready:
		return nil
	case s.State != Ready && !(op == unlock && s.State == Locked):
		return s.Failure(op)
	}
	c := &call{windows: make(chan *string), givenUp: make(chan struct{})}
	done := make(chan error)
	go func() {
		err := contained(func() error { return do(c) })
		select {
		case done <- err:
		case <-c.givenUp:
			if c.undo != nil {
				_ = contained(func() error { c.undo(); return nil })
			}
			k.turn.Unlock()
		}
	}()
	if err := k.await(ctx, e, c, done); err != nil {
		return k.failure(ctx, e, c, err)
	}
	return nil
}

// windowDelay is how long a prompt may be open before anybody is told: KWallet and
// KeePassXC answer some of theirs themselves, without a window.
const windowDelay = 500 * time.Millisecond

// await gives the error of a call that has ended, or gives it up. It notes in e what
// it saw.
func (k *KeyringStore) await(ctx context.Context, e *Error, c *call, done <-chan error) error {
	timer := time.NewTimer(k.call)
	defer timer.Stop()
	var announce <-chan time.Time
	wait := Wait{Store: Keyring, Over: true} // as long as nobody was told of a window
	closed := func() {
		if announce = nil; !wait.Over {
			wait.Over = true
			tell(ctx, wait)
		}
	}
	defer closed()
	for {
		select {
		case err := <-done:
			return err
		case program := <-c.windows:
			closed()
			if program == nil {
				timer.Reset(k.call)
				continue
			}
			timer.Reset(k.prompt)
			announce = time.After(windowDelay)
			e.Program = *program
			wait.Who, wait.Until = *program, time.Now().Add(k.prompt)
			continue
		case <-announce:
			wait.Over = false
			tell(ctx, wait)
			continue
		case <-timer.C:
			e.Cause = context.DeadlineExceeded
		case <-ctx.Done():
			e.Cause = ctx.Err()
		}
		e.Pending = true
		close(c.givenUp)
		return ErrTimeout
	}
}

// failure makes e the error of a call that ended with err.
func (k *KeyringStore) failure(ctx context.Context, e *Error, c *call, err error) error {
	if found, ok := errors.AsType[*Error](err); ok {
		found.Op = e.Op
		return found
	}
	if known, ok := errors.AsType[sentinel](err); ok && known != ErrDismissed {
		e.Err = known
		return e
	}
	s := k.probe(ctx) // which tells what the service's errors do not
	s.Program = cmp.Or(s.Program, e.Program)
	s.Detail = err.Error()
	if c.secret != "" { // should a service repeat what it was given
		s.Detail = strings.ReplaceAll(s.Detail, c.secret, "[redacted]")
	}
	if s.State != Ready {
		return s.Failure(e.Op)
	}
	e.Err, e.Status = ErrRefused, s
	if errors.Is(err, ErrDismissed) {
		e.Err = ErrDismissed
	}
	return e
}

// contained makes an error of a panic: in a goroutine of its own it would end the
// program, leave the terminal as it is, and show a value that may hold a secret.
func contained(do func() error) (err error) {
	defer func() {
		if caught := crash.Caught(recover()); caught != nil {
			err = caught
		}
	}()
	return do()
}
