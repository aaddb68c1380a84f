package keystore

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/zalando/go-keyring"
)

// fake is a keyring in memory. The hooks run before the call, without the lock.
type fake struct {
	mu    sync.Mutex
	items map[string]string
	calls []string

	onGet, onSet, onDelete func(key string) error
	lie                    bool // Set says yes and stores nothing
}

func newFake() *fake { return &fake{items: map[string]string{}} }

func (f *fake) begin(op, service, key string, hook func(string) error) error {
	f.mu.Lock()
	f.calls = append(f.calls, op)
	f.mu.Unlock()
	if service != Service {
		return errors.New("another service: " + service)
	}
	if hook != nil {
		return hook(key)
	}
	return nil
}

func (f *fake) Get(service, key string) (string, error) {
	if err := f.begin("get", service, key, f.onGet); err != nil {
		return "", err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	s, ok := f.items[key]
	if !ok {
		return "", keyring.ErrNotFound
	}
	return s, nil
}

func (f *fake) Set(service, key, secret string) error {
	if err := f.begin("set", service, key, f.onSet); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.lie {
		f.items[key] = secret
	}
	return nil
}

func (f *fake) Delete(service, key string) error {
	if err := f.begin("delete", service, key, f.onDelete); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, ok := f.items[key]; !ok {
		return keyring.ErrNotFound
	}
	delete(f.items, key)
	return nil
}

func (f *fake) has(key string) (string, bool) {
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
	k.guard.sem <- struct{}{}
	<-k.guard.sem
}
