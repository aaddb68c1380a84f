package keystore

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// fake is a keyring in memory. The hooks run before the call, without the lock.
type fake struct {
	mu    sync.Mutex
	items map[string]string
	calls []string

	onGet, onSet, onDelete func(key string) error
	window                 func(*call) // shows one, in Get
	lie                    bool        // Set says yes and stores nothing
	stays                  int         // how many more times Delete says yes and deletes nothing
}

func newFake() *fake { return &fake{items: map[string]string{}} }

func (f *fake) begin(op, key string, hook func(string) error) error {
	f.mu.Lock()
	f.calls = append(f.calls, op)
	f.mu.Unlock()
	if hook != nil {
		return hook(key)
	}
	return nil
}

func (f *fake) Get(c *call, key string) (string, error) {
	if f.window != nil {
		f.window(c)
	}
	if err := f.begin("get", key, f.onGet); err != nil {
		return "", err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	s, ok := f.items[key]
	if !ok {
		return "", ErrNotFound
	}
	return s, nil
}

func (f *fake) Set(_ *call, key, secret string) error {
	if err := f.begin("set", key, f.onSet); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.lie {
		f.items[key] = secret
	}
	return nil
}

func (f *fake) Has(_ *call, key string) (bool, error) {
	_, has := f.item(key)
	return has, nil
}

func (f *fake) Unlock(c *call) error {
	_, err := f.Get(c, "")
	if errors.Is(err, ErrNotFound) {
		err = nil
	}
	return err
}

func (f *fake) Delete(_ *call, key string) error {
	if err := f.begin("delete", key, f.onDelete); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.stays > 0 {
		f.stays--
		return nil
	}
	if _, ok := f.items[key]; !ok {
		return ErrNotFound
	}
	delete(f.items, key)
	return nil
}

func (f *fake) item(key string) (string, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s, ok := f.items[key]
	return s, ok
}

func (f *fake) log() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.calls...)
}

// in gives a store on f whose probe always sees states in turn, the last one for ever.
func (f *fake) in(states ...State) *KeyringStore {
	var mu sync.Mutex
	k := OpenKeyring()
	k.provider, k.call = f, CallLimit
	k.probe = func(context.Context) Status {
		mu.Lock()
		defer mu.Unlock()
		s := states[0]
		if len(states) > 1 {
			states = states[1:]
		}
		return Status{State: s, Detail: "probe detail"}
	}
	return k
}

// blocker blocks the nth call of a hook until release is closed.
func blocker(nth int) (hook func(string) error, release func()) {
	var mu sync.Mutex
	ch, n := make(chan struct{}), 0
	return func(string) error {
		mu.Lock()
		n++
		block := n == nth
		mu.Unlock()
		if block {
			<-ch
		}
		return nil
	}, sync.OnceFunc(func() { close(ch) })
}

func asError(t *testing.T, err error, sentinel error) *Error {
	t.Helper()
	var e *Error
	require.ErrorAs(t, err, &e)
	require.ErrorIs(t, err, sentinel)
	return e
}

// settle waits until no call runs in the background any more.
func settle(k *KeyringStore) {
	k.guard.turn <- struct{}{}
	<-k.guard.turn
}
