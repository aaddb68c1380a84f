package keystore

import (
	"errors"

	"github.com/zalando/go-keyring"
)

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

// undo brings back what was there before, as well as the keyring lets it.
func (s *setting) undo() {
	switch {
	case !s.known || s.restored():
	case s.had:
		_ = s.provider.Set(Service, s.key, s.before)
	default:
		_ = s.provider.Delete(Service, s.key)
	}
}

func (s *setting) restored() bool {
	got, err := s.provider.Get(Service, s.key)
	if s.had {
		return err == nil && got == s.before
	}
	return errors.Is(err, keyring.ErrNotFound)
}
