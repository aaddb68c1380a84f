package keystore

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"confer/internal/crash"
)

// State is what a probe saw of the keyring.
type State string

// The states.
const (
	// Ready: the keyring is there and unlocked.
	Ready State = "ready"
	// Locked: it is there, and Unlock will open a window, or fail where none can be shown.
	Locked State = "locked"
	// NoCollection: the service runs but has neither a login nor a default keyring.
	NoCollection State = "no-collection"
	// NoService: there is a session bus, and nothing on it offers a keyring.
	NoService State = "no-service"
	// NoBus: there is no session bus, or not one that this user can use.
	NoBus State = "no-bus"
	// Silent: something did not answer within ProbeLimit or the context.
	Silent State = "silent"
)

// sentinel is the error of a call that found this state; nil for Ready.
func (s State) sentinel() error {
	switch s {
	case Ready:
		return nil
	case Locked:
		return ErrLocked
	}
	return ErrUnavailable
}

// Status is the answer of Probe.
type Status struct {
	State State
	// Program is whose keyring it is, where that is known: "GNOME Keyring",
	// "KWallet", "KeePassXC".
	Program string
	// Detail is why, in the platform's words: one clean line of at most some
	// 300 characters, meant for a details line. Empty when there is nothing to add.
	Detail string
	// NoWindow: this session can show no window, so a locked keyring cannot ask.
	NoWindow bool
}

// Probe tells whether the keyring can be used, without asking the user for
// anything, unlocking or writing, within ProbeLimit and ctx. It never starts a
// session bus; the bus itself may start the keyring service that is installed
// for it, as it would for any program.
//
// On macOS and Windows it says Ready without touching anything: there is no way
// to ask there that could not open a window.
func Probe(ctx context.Context) Status {
	ctx, cancel := context.WithTimeout(ctx, ProbeLimit)
	defer cancel()
	return look(ctx)
}

// provider is a keyring without limits. Its errors are ErrNotFound, ErrTooBig and
// ErrDismissed, or the platform's own.
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
// Get, Set and Delete look first (Probe): a locked keyring is ErrLocked, no
// keyring is ErrUnavailable with the state. They end within ProbeLimit and
// CallLimit, unless the keyring shows a window meanwhile, as KeePassXC does for
// each access: then they wait for its answer up to PromptLimit, and OnWait tells.
// On macOS a window cannot be seen from here, and every call may take as long. A
// damaged gnome-keyring file is set aside by gnome-keyring itself, without a word:
// its secrets are ErrNotFound then.
type KeyringStore struct {
	provider     provider
	probe        func(context.Context) Status
	call, prompt time.Duration // limits: of what the keyring does by itself, and of each window

	turn  chan struct{} // held by the running call
	stuck atomic.Bool   // the running call was given up
}

// OpenKeyring gives the keyring. It touches nothing yet. A program needs one
// KeyringStore only: two of them do not wait for each other's calls.
func OpenKeyring() *KeyringStore {
	return &KeyringStore{provider: newProvider(), probe: Probe, call: callLimit, prompt: PromptLimit, turn: make(chan struct{}, 1)}
}

// Kind is Keyring.
func (k *KeyringStore) Kind() Kind { return Keyring }

// Get implements Store.
func (k *KeyringStore) Get(ctx context.Context, key string) (string, error) {
	var secret string
	err := k.do(ctx, "get", "", func(c *call) (err error) {
		secret, err = k.provider.Get(c, key)
		return err
	}, nil)
	if err != nil {
		return "", err // and the call may not have ended
	}
	return secret, nil
}

// Has tells whether there is a secret of key, without a window and without
// reading it (but on macOS).
func (k *KeyringStore) Has(ctx context.Context, key string) (bool, error) {
	var has bool
	err := k.do(ctx, "get", "", func(c *call) (err error) {
		has, err = k.provider.Has(c, key)
		return err
	}, nil)
	return err == nil && has, err
}

// Set implements Store. What is there already is not written again, because some
// keyrings ask each time. A Set that returns ErrTimeout is undone should it
// succeed later, as its caller was told that it failed: a new item is deleted, and
// one that it replaced is put back.
func (k *KeyringStore) Set(ctx context.Context, key, secret string) error {
	if len(secret) > MaxSecret {
		return &Error{Op: "set", Store: Keyring, Err: ErrTooBig}
	}
	var before string
	var had, changed bool
	return k.do(ctx, "set", secret, func(c *call) (err error) {
		before, err = k.provider.Get(c, key)
		had = err == nil
		switch {
		case !had && !errors.Is(err, ErrNotFound):
			return err
		case had && before == secret:
			return nil
		case c.ended.Load(): // given up: nothing is changed any more
			return ErrTimeout
		}
		changed = true
		if err := k.provider.Set(c, key, secret); err != nil {
			return err
		}
		got, err := k.provider.Get(c, key)
		if errors.Is(err, ErrNotFound) || err == nil && got != secret {
			return ErrReadBack
		}
		return err
	}, func(c *call) { // as well as the keyring lets it; what has not changed needs no window
		now, err := "", error(nil)
		if changed {
			now, err = k.provider.Get(c, key)
		}
		switch {
		case !changed, had && err == nil && now == before, !had && errors.Is(err, ErrNotFound):
		case had:
			_ = k.provider.Set(c, key, before)
		default:
			_ = k.provider.Delete(c, key)
		}
	})
}

// deleteTries is how often Delete looks whether a secret is gone, and deletePause
// the time between: a service may answer before it has deleted.
const (
	deleteTries = 5
	deletePause = 100 * time.Millisecond
)

// Delete implements Store. Several items of one key are all deleted.
func (k *KeyringStore) Delete(ctx context.Context, key string) error {
	err := k.do(ctx, "delete", "", func(c *call) error {
		for n := range deleteTries {
			if n > 0 {
				time.Sleep(deletePause)
			}
			if err := k.provider.Delete(c, key); err != nil {
				return err
			}
			if has, err := k.provider.Has(c, key); err != nil || !has {
				return err
			}
		}
		return errStays
	}, nil)
	if errors.Is(err, ErrNotFound) {
		err = nil
	}
	return err
}

var errStays = errors.New("the item is still there after it was deleted")

// Unlock makes the keyring ask for its password, where it is locked, and waits
// for the answer up to PromptLimit. It returns nil when the keyring is ready,
// ErrLocked when the window was closed or cannot be shown, and ErrTimeout with
// Error.Pending when it was given up: the window stays on the screen then, and
// other calls are ErrBusy until somebody answers it.
func (k *KeyringStore) Unlock(ctx context.Context) error {
	s, err := k.look(ctx, "unlock")
	if err == nil && s.State == Locked {
		if err = k.run(ctx, "unlock", "", k.provider.Unlock, nil); err == nil {
			s = k.probe(ctx)
		}
	}
	if err == nil && s.State != Ready {
		err = s.Error("unlock")
	}
	return err
}

// do makes one call where the keyring is ready. secret is taken out of details.
func (k *KeyringStore) do(ctx context.Context, op, secret string, do func(*call) error, late func(*call)) error {
	s, err := k.look(ctx, op)
	if err == nil && s.State != Ready {
		err = s.Error(op)
	}
	if err != nil {
		return err
	}
	return k.run(ctx, op, secret, do, late)
}

// look probes before a call, unless that could not be made in any case.
func (k *KeyringStore) look(ctx context.Context, op string) (s Status, err error) {
	if k.stuck.Load() {
		return s, &Error{Op: op, Store: Keyring, Err: ErrBusy}
	}
	s = k.probe(ctx)
	if ctx.Err() != nil {
		return s, &Error{Op: op, Store: Keyring, Err: ErrTimeout, Cause: ctx.Err()}
	}
	return s, nil
}

// Error is the error of a call that finds the keyring so, and not Ready.
func (s Status) Error(op string) *Error {
	return &Error{Op: op, Store: Keyring, Err: s.State.sentinel(), State: s.State, Program: s.Program, Detail: s.Detail, NoWindow: s.NoWindow}
}

// failure completes the error of a call that ended with err.
func (k *KeyringStore) failure(ctx context.Context, e *Error, secret string, err error) error {
	if err == nil {
		return nil
	}
	for _, known := range []error{ErrTimeout, ErrBusy, ErrReadBack, ErrNotFound, ErrTooBig} {
		if errors.Is(err, known) {
			e.Err = known
			return e
		}
	}
	e.Detail = detail(err, secret)
	if e.State = classify(err); e.State == "" {
		s := k.probe(ctx)
		e.State, e.NoWindow = s.State, s.NoWindow
		if s.Program != "" {
			e.Program = s.Program
		}
	}
	e.Err = e.State.sentinel()
	switch {
	case e.Err != nil:
	case errors.Is(err, ErrDismissed):
		e.Err = ErrDismissed
	default:
		e.Err = ErrRefused
	}
	return e
}

// call is a call to the keyring that is being made. do asks whether it has ended
// before it changes anything. When it was given up, late runs after do has
// returned and before the next call can begin; it may be nil.
type call struct {
	do      func(*call) error
	late    func(*call)
	windows chan string   // the program that opened a window; "": it is closed
	ended   atomic.Bool   // do has returned, or it was given up, whichever came first
	givenUp chan struct{} // closed when it was given up
	done    chan error    // of do
}

// window tells the caller that a program has opened a window ("": closed it).
func (c *call) window(program string) {
	select {
	case c.windows <- program:
	case <-c.givenUp:
	}
}

// someProgram stands for a keyring whose name is not known.
const someProgram = "the keyring"

// windowDelay is how long a prompt may be open before anybody is told: KWallet and
// KeePassXC answer some of theirs themselves, without a window.
const windowDelay = 500 * time.Millisecond

// run makes a call that cannot be cancelled, for at most k.call without a window,
// and k.prompt for each window. Calls are made one at a time. One that outlives its
// limit keeps its goroutine; until it ends, further calls fail at once with ErrBusy,
// so that however many are made only one goroutine is ever stuck, and only one
// window is ever open.
func (k *KeyringStore) run(ctx context.Context, op, secret string, do func(*call) error, late func(*call)) error {
	e := &Error{Op: op, Store: Keyring, Err: ErrBusy}
	timer := time.NewTimer(k.call)
	defer timer.Stop()
	select {
	case k.turn <- struct{}{}:
	case <-ctx.Done():
		e.Cause = ctx.Err()
		return e
	case <-timer.C:
		e.Cause = context.DeadlineExceeded
		return e
	}
	c := &call{do: do, late: late, windows: make(chan string), givenUp: make(chan struct{}), done: make(chan error, 1)}
	go k.work(c)
	return k.failure(ctx, e, secret, k.await(ctx, e, c, timer))
}

// await gives what do returned, or ErrTimeout. It notes in e what it saw.
func (k *KeyringStore) await(ctx context.Context, e *Error, c *call, timer *time.Timer) error {
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
		case err := <-c.done:
			return err
		case opened := <-c.windows:
			closed()
			if opened == "" {
				timer.Reset(k.call)
				continue
			}
			timer.Reset(k.prompt)
			announce = time.After(windowDelay)
			if e.Program = opened; opened == someProgram {
				e.Program = ""
			}
			wait.Who, wait.Until = e.Program, time.Now().Add(k.prompt)
		case <-announce:
			wait.Over = false
			tell(ctx, wait)
		case <-timer.C:
			return k.giveUp(e, c, context.DeadlineExceeded)
		case <-ctx.Done():
			return k.giveUp(e, c, ctx.Err())
		}
	}
}

func (k *KeyringStore) giveUp(e *Error, c *call, cause error) error {
	if !c.ended.CompareAndSwap(false, true) {
		return <-c.done
	}
	k.stuck.Store(true)
	close(c.givenUp)
	e.Cause, e.Pending = cause, true
	return ErrTimeout
}

func (k *KeyringStore) work(c *call) {
	err := contained(func() error { return c.do(c) })
	if !c.ended.CompareAndSwap(false, true) {
		<-c.givenUp // and k is stuck from then on
		if c.late != nil {
			_ = contained(func() error { c.late(c); return nil })
		}
		k.stuck.Store(false)
	}
	<-k.turn
	c.done <- err
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
