package keystore

import (
	"context"
	"sync"
)

// SessionStore keeps secrets in memory; they are gone when the program ends.
type SessionStore struct {
	mu    sync.Mutex
	items map[string]string
}

// OpenSession gives an empty store.
func OpenSession() *SessionStore { return &SessionStore{items: map[string]string{}} }

// Kind is Session.
func (s *SessionStore) Kind() Kind { return Session }

// Get implements Store.
func (s *SessionStore) Get(ctx context.Context, key string) (string, error) {
	if err := s.check(ctx, "get", checkKey(key)); err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	secret, ok := s.items[key]
	if !ok {
		return "", &Error{Op: "get", Store: Session, Err: ErrNotFound}
	}
	return secret, nil
}

// Set implements Store.
func (s *SessionStore) Set(ctx context.Context, key, secret string) error {
	if err := s.check(ctx, "set", checkItem(key, secret)); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.items[key] = secret
	return nil
}

// Delete implements Store.
func (s *SessionStore) Delete(ctx context.Context, key string) error {
	if err := s.check(ctx, "delete", checkKey(key)); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.items, key)
	return nil
}

func (s *SessionStore) check(ctx context.Context, op string, err error) error {
	if err != nil {
		return &Error{Op: op, Store: Session, Err: err}
	}
	if ctx.Err() != nil {
		return &Error{Op: op, Store: Session, Err: ErrTimeout, Cause: ctx.Err()}
	}
	return nil
}
