package keystore

import (
	"context"
	"errors"
	"time"

	"github.com/zalando/go-keyring"
)

// unlockKey is looked up to make the keyring open its dialog. Nothing is stored there.
const unlockKey = "unlock"

// provider is the part of go-keyring that is used.
type provider interface {
	Get(service, user string) (string, error)
	Set(service, user, secret string) error
	Delete(service, user string) error
}

// system is go-keyring with a known session bus, or not at all.
type system struct{}

func (system) Get(service, user string) (string, error) {
	if err := reach(); err != nil {
		return "", err
	}
	return keyring.Get(service, user)
}

func (system) Set(service, user, secret string) error {
	if err := reach(); err != nil {
		return err
	}
	return keyring.Set(service, user, secret)
}

func (system) Delete(service, user string) error {
	if err := reach(); err != nil {
		return err
	}
	return keyring.Delete(service, user)
}

// KeyringStore is the keyring of the operating system.
//
// Get, Set and Delete look first (Probe) and never open a dialog knowingly: a
// locked keyring is ErrLocked, no keyring is ErrUnavailable with the state. They
// end within ProbeLimit and CallLimit; on macOS, where a dialog cannot be
// foreseen, within UnlockLimit. A damaged gnome-keyring file is set aside by
// gnome-keyring itself, without a word: its secrets are ErrNotFound then.
type KeyringStore struct {
	provider provider
	probe    func(context.Context) Status
	guard    *guard
	call     time.Duration
	unlock   time.Duration
}

// OpenKeyring gives the keyring. It touches nothing yet. A program needs one
// KeyringStore only: two of them do not wait for each other's calls.
func OpenKeyring() *KeyringStore {
	return &KeyringStore{provider: system{}, probe: Probe, guard: newGuard(), call: callLimit, unlock: UnlockLimit}
}

// Kind is Keyring.
func (k *KeyringStore) Kind() Kind { return Keyring }

// Get implements Store.
func (k *KeyringStore) Get(ctx context.Context, key string) (string, error) {
	if err := checkKey(key); err != nil {
		return "", &Error{Op: "get", Store: Keyring, Err: err}
	}
	return k.do(ctx, request{op: "get", job: job{run: func(func() bool) (string, error) {
		return k.provider.Get(Service, key)
	}}})
}

// Set implements Store. One that returns ErrTimeout is undone should it succeed
// later, as its caller was told that it failed: a new item is deleted, and one
// that it replaced is put back.
func (k *KeyringStore) Set(ctx context.Context, key, secret string) error {
	if err := checkItem(key, secret); err != nil {
		return &Error{Op: "set", Store: Keyring, Err: err}
	}
	s := &setting{provider: k.provider, key: key, secret: secret}
	_, err := k.do(ctx, request{op: "set", secret: secret, job: job{run: s.run, late: s.undo}})
	return err
}

// Delete implements Store.
func (k *KeyringStore) Delete(ctx context.Context, key string) error {
	if err := checkKey(key); err != nil {
		return &Error{Op: "delete", Store: Keyring, Err: err}
	}
	_, err := k.do(ctx, request{op: "delete", job: job{run: func(stopped func() bool) (string, error) {
		return "", k.provider.Delete(Service, key)
	}}})
	if errors.Is(err, ErrNotFound) {
		err = nil
	}
	return err
}

// Unlock makes the keyring ask for its password, where it is locked, and waits
// for the answer up to UnlockLimit. It returns nil when the keyring is ready,
// ErrLocked when the dialog was closed or cannot be shown, and ErrTimeout with
// Error.Pending when it was given up: the dialog stays on the screen then, and
// other calls are ErrBusy until somebody answers it.
func (k *KeyringStore) Unlock(ctx context.Context) error {
	if k.guard.stuck() {
		return k.failure(ctx, request{op: "unlock"}, answer{err: ErrBusy})
	}
	s := k.probe(ctx)
	if s.State == Ready {
		return nil
	}
	if s.State != Locked {
		return k.state("unlock", s)
	}
	a := k.run(ctx, k.unlock, job{run: func(func() bool) (string, error) {
		return k.provider.Get(Service, unlockKey)
	}})
	if a.err == nil || errors.Is(a.err, keyring.ErrNotFound) {
		return k.state("unlock", k.probe(ctx))
	}
	return k.failure(ctx, request{op: "unlock"}, a)
}

// request is a job with what is needed to tell how it failed.
type request struct {
	op, secret string
	job        job
}

func (k *KeyringStore) do(ctx context.Context, r request) (string, error) {
	if k.guard.stuck() {
		return "", k.failure(ctx, r, answer{err: ErrBusy})
	}
	if s := k.probe(ctx); s.State != Ready {
		if ctx.Err() != nil {
			return "", k.failure(ctx, r, answer{err: ErrTimeout, cause: ctx.Err()})
		}
		return "", k.state(r.op, s)
	}
	a := k.run(ctx, k.call, r.job)
	if a.err != nil {
		return "", k.failure(ctx, r, a)
	}
	return a.value, nil
}

func (k *KeyringStore) run(ctx context.Context, limit time.Duration, j job) answer {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return k.guard.do(ctx, j)
}

// state is the error of a call that was not made because of s; nil for Ready.
func (k *KeyringStore) state(op string, s Status) error {
	if s.State == Ready {
		return nil
	}
	return &Error{Op: op, Store: Keyring, Err: s.State.sentinel(), State: s.State, Detail: s.Detail, NoWindow: s.NoWindow}
}

func (k *KeyringStore) failure(ctx context.Context, r request, a answer) error {
	e := &Error{Op: r.op, Store: Keyring, Cause: a.cause, Pending: a.pending}
	switch {
	case errors.Is(a.err, ErrTimeout), errors.Is(a.err, ErrBusy), errors.Is(a.err, ErrReadBack):
		e.Err = a.err
		return e
	case errors.Is(a.err, keyring.ErrNotFound):
		e.Err = ErrNotFound
		return e
	case errors.Is(a.err, keyring.ErrSetDataTooBig):
		e.Err = ErrTooBig
		return e
	case errors.Is(a.err, keyring.ErrUnsupportedPlatform):
		e.Err, e.State = ErrUnavailable, Unsupported
		return e
	}
	e.Detail = detail(a.err, r.secret)
	if e.State = classify(a.err); e.State == "" {
		s := k.probe(ctx)
		e.State, e.NoWindow = s.State, s.NoWindow
	}
	if e.Err = e.State.sentinel(); e.Err == nil {
		e.Err = ErrRefused
	}
	return e
}
