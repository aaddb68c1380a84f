package command

import (
	"context"
	"fmt"
	"sync"

	"confer/cronofy"
	"confer/flow"
	"confer/keystore"
)

// stores opens each place for secrets once, so that what is kept in memory for
// this run stays there.
type stores struct {
	filePath string

	mu     sync.Mutex
	opened map[flow.StoreKind]keystore.Store
	phrase cronofy.Secret // the file was opened with
}

func newStores(filePath string) *stores {
	return &stores{filePath: filePath, opened: map[flow.StoreKind]keystore.Store{}}
}

// Probe implements flow.Stores.
func (s *stores) Probe(ctx context.Context) keystore.Status { return keystore.Probe(ctx) }

// Open implements flow.Stores. Without a passphrase the file that was opened
// before stays open.
func (s *stores) Open(kind flow.StoreKind, passphrase cronofy.Secret) (keystore.Store, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if kind == flow.StoreFile && !passphrase.Empty() && !s.phrase.Equal(passphrase) {
		delete(s.opened, kind)
		s.phrase = passphrase
	}
	if st, ok := s.opened[kind]; ok {
		return st, nil
	}
	switch kind {
	case flow.StoreKeyring:
		s.opened[kind] = keystore.OpenKeyring()
	case flow.StoreSession, flow.StoreNone:
		s.opened[kind] = keystore.OpenSession()
	case flow.StoreFile:
		file := keystore.OpenFile(s.filePath, func(context.Context) (string, error) { return passphrase.Reveal(), nil })
		if passphrase.Empty() {
			return file, nil
		}
		s.opened[kind] = file
	default:
		return nil, fmt.Errorf("open store %q: %w", kind, keystore.ErrUnavailable)
	}
	return s.opened[kind], nil
}
