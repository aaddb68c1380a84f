package keystore

import (
	"context"
	"time"
)

// Service is the name under which every item lies in the keyring; the key is its user name.
const Service = "confer"

// Limits of one item, the same on every platform. Windows sets the first:
// CRED_MAX_CREDENTIAL_BLOB_SIZE is 5*512 bytes
// (https://learn.microsoft.com/windows/win32/api/wincred/ns-wincred-credentialw).
// With both at their limit the command line that macOS gets stays below its 4096 bytes.
const (
	MaxSecret = 2560
	MaxKey    = 200
)

// Time limits. They hold in addition to the context of a call.
const (
	// ProbeLimit bounds Probe. A gnome-keyring that had to be started took 0.4 s.
	ProbeLimit = 2 * time.Second
	// CallLimit bounds Get, Set and Delete.
	CallLimit = 5 * time.Second
	// UnlockLimit bounds KeyringStore.Unlock: somebody has to find a window and type a password.
	UnlockLimit = 120 * time.Second
)

// Kind is the name of a store, as it is written in settings and flags.
type Kind string

// The stores.
const (
	Keyring Kind = "keyring"
	Session Kind = "session"
	File    Kind = "file"
)

// Store keeps secrets by key. Its methods may be called from several goroutines.
// Every error is an *Error around one of the sentinels of this package.
//
// Keys are made by Key: 1 to MaxKey bytes of ASCII letters, digits and @._/-
// (otherwise ErrKey, or ErrTooBig when too long).
type Store interface {
	// Kind tells where the secrets are.
	Kind() Kind
	// Get gives the secret of key, or ErrNotFound. Any other error says nothing
	// about whether there is one.
	Get(ctx context.Context, key string) (string, error)
	// Set stores secret (at most MaxSecret bytes, otherwise ErrTooBig) in place of
	// what key had, and reads it back: nil means that it is there.
	Set(ctx context.Context, key, secret string) error
	// Delete removes the secret of key. A key that has none is no error.
	Delete(ctx context.Context, key string) error
}

func checkKey(key string) error {
	if len(key) > MaxKey {
		return ErrTooBig
	}
	if key == "" {
		return ErrKey
	}
	for i := range len(key) {
		if !safe(key[i]) {
			return ErrKey
		}
	}
	return nil
}

func checkItem(key, secret string) error {
	if err := checkKey(key); err != nil {
		return err
	}
	if len(secret) > MaxSecret {
		return ErrTooBig
	}
	return nil
}
