package keystore

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/zalando/go-keyring"
)

// Outcome tells how a Set that was given up ended.
type Outcome string

// The outcomes.
const (
	// Waiting: the call still runs; the secret may be stored at any moment.
	Waiting Outcome = "waiting"
	// Undone: the keyring holds again what it held before the call, checked by reading.
	Undone Outcome = "undone"
	// Uncertain: it could not be undone or checked; the secret may be in the keyring.
	Uncertain Outcome = "uncertain"
)

// Late is a Set that returned ErrTimeout with Error.Pending.
type Late struct {
	Key     string
	Outcome Outcome
}

// lateList is the memory of the Sets that were given up.
type lateList struct {
	mu    sync.Mutex
	items map[string]Outcome
}

func (l *lateList) put(key string, o Outcome) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.items == nil {
		l.items = map[string]Outcome{}
	}
	l.items[key] = o
}

func (l *lateList) drop(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.items, key)
}

func (l *lateList) list() []Late {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make([]Late, 0, len(l.items))
	for k, o := range l.items {
		out = append(out, Late{k, o})
	}
	slices.SortFunc(out, func(a, b Late) int { return cmp.Compare(a.Key, b.Key) })
	return out
}

// Late lists the Sets that were given up and whose key was not set or deleted
// successfully since, sorted by key. A Set that finishes after it was given up is
// undone, as its caller was told that it failed: a new item is deleted, and one
// that it replaced is put back. What is Waiting or Uncertain at the end of the
// program should be told to the user.
func (k *KeyringStore) Late() []Late { return k.late.list() }

// Settle waits until no call runs in the background any more, or ctx ends, and
// gives Late.
func (k *KeyringStore) Settle(ctx context.Context) []Late {
	_ = k.guard.wait(ctx)
	return k.Late()
}

// setting is one Set: what was there before, and whether anything was changed.
type setting struct {
	provider    provider
	key, secret string
	before      string
	had, known  bool // had: there was an item before; known: that is known, so Set may have been called
}

func (s *setting) run(stopped func() bool) (string, error) {
	before, err := s.provider.Get(Service, s.key)
	if err != nil && !errors.Is(err, keyring.ErrNotFound) {
		return "", err
	}
	if stopped() {
		return "", ErrTimeout
	}
	s.before, s.had, s.known = before, err == nil, true
	if err := s.provider.Set(Service, s.key, s.secret); err != nil {
		return "", err
	}
	got, err := s.provider.Get(Service, s.key)
	if errors.Is(err, keyring.ErrNotFound) || err == nil && got != s.secret {
		return "", ErrReadBack
	}
	return "", err
}

// undo brings back what was there before and tells whether it is there.
func (s *setting) undo() Outcome {
	if !s.known || s.restored() {
		return Undone
	}
	if s.had {
		_ = s.provider.Set(Service, s.key, s.before)
	} else {
		_ = s.provider.Delete(Service, s.key)
	}
	if s.restored() {
		return Undone
	}
	return Uncertain
}

func (s *setting) restored() bool {
	got, err := s.provider.Get(Service, s.key)
	if s.had {
		return err == nil && got == s.before
	}
	return errors.Is(err, keyring.ErrNotFound)
}
