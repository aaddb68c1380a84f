package flow

import (
	"context"
	"errors"
	"time"

	"confer/cronofy"
	"confer/internal/links"
	"confer/keystore"
)

// settle decides on the store: what was named, else the keyring if it is ready,
// else the operator is asked.
func (r *Runner) settle(ctx context.Context, s Store) (_ Store, ask bool, _ error) {
	s.File = r.secretsFile()
	if s.Kind == StoreFile {
		return r.settleFile(ctx, s)
	}
	if s.Kind != "" && s.Kind != StoreKeyring {
		return s, false, nil
	}
	ctx, cancel := context.WithTimeout(ctx, keystore.ProbeLimit)
	defer cancel()
	status := r.Stores.Probe(ctx)
	s.Keyring, s.Program, s.Detail, s.NoWindow = string(status.State), status.Program, status.Detail, status.NoWindow
	if status.State == keystore.Ready {
		s.Kind = StoreKeyring
		return s, false, nil
	}
	if !r.Unattended {
		return s, true, nil
	}
	e := &keystore.Error{Op: "open", Store: keystore.Keyring, Err: keystore.ErrUnavailable, State: status.State, Program: status.Program, Detail: status.Detail, NoWindow: status.NoWindow}
	if status.State == keystore.Locked {
		e.Err = keystore.ErrLocked
	}
	return s, false, e
}

// storeLimit is the very last bound on work with a store, for one that has
// stopped for good. Stores have shorter limits of their own for whatever they
// wait for: a window, another process; longer ones only for what cannot be had
// twice (keystore.Patient).
const storeLimit = 10 * time.Minute

// settleFile finds a wrong passphrase before anybody is sent to a browser.
func (r *Runner) settleFile(ctx context.Context, s Store) (_ Store, ask bool, _ error) {
	if s.Passphrase.Empty() {
		if r.Unattended {
			return s, false, &keystore.Error{Op: "open", Store: keystore.File, Err: keystore.ErrNoPassphrase, Path: s.File}
		}
		return s, true, nil
	}
	ctx, cancel := context.WithTimeout(ctx, storeLimit)
	defer cancel()
	err := r.unlock(ctx, s)
	if errors.Is(err, keystore.ErrPassphrase) && !r.Unattended {
		s.Passphrase = cronofy.Secret{}
		return s, true, nil
	}
	return s, false, err
}

func (r *Runner) openStore(ctx context.Context, e OpenStore, say func(Event)) Event {
	ctx, cancel := context.WithTimeout(ctx, storeLimit)
	defer cancel()
	a := e.Answers
	if err := r.openChosen(ctx, e.Store); err != nil {
		return Failed{Err: err}
	}
	found, err := r.storedSecret(ctx, a, e.Store)
	if err == nil { // it may be readable and not writable
		err = r.prove(ctx, a, e.Store)
	}
	if errors.Is(err, ErrNoSecret) && !a.ClientSecret.Empty() {
		err = nil
	}
	if err != nil {
		return Failed{Err: err}
	}
	var unchecked error
	if a.ClientSecret.Empty() {
		a.ClientSecret = found
		if unchecked, err = r.refused(ctx, a, say); err != nil {
			return Failed{Err: err}
		}
	}
	return StoreOpened{Store: e.Store, ClientSecret: a.ClientSecret, Unchecked: unchecked}
}

// unlock lets a keyring that is locked ask for its password, and tries the
// passphrase of a file. A file that is yet to be made takes any.
func (r *Runner) unlock(ctx context.Context, s Store) error {
	store, err := r.Stores.Open(s.Kind, s.Passphrase)
	if err != nil {
		return err
	}
	switch store := store.(type) {
	case interface{ Unlock(context.Context) error }:
		return store.Unlock(ctx)
	case interface{ Check(context.Context) error }:
		if err := store.Check(ctx); !errors.Is(err, keystore.ErrNotFound) {
			return err
		}
	}
	return nil
}

func clientSecretKey(a Answers) string { return keystore.Key(clientSecretOf(a).KeyParts()...) }

// storedSecret reads the client secret from the store. That it is not there is
// ErrNoSecret; anything else is an error of the store, never "not there".
func (r *Runner) storedSecret(ctx context.Context, a Answers, s Store) (cronofy.Secret, error) {
	store, err := r.Stores.Open(s.Kind, s.Passphrase)
	if err != nil {
		return cronofy.Secret{}, err
	}
	secret, err := store.Get(ctx, clientSecretKey(a))
	if errors.Is(err, keystore.ErrNotFound) {
		return cronofy.Secret{}, ErrNoSecret
	}
	return cronofy.NewSecret(secret), err
}

// keep stores a secret and reads it back, unless it is there already. What
// could not be read is not written over, and an old secret is put back when the
// store does not give back the new one. The ledger has its entry first.
func (r *Runner) keep(ctx context.Context, s Store, what links.Stored, secret cronofy.Secret) error {
	what.Store = string(s.Kind)
	if err := r.recordSecret(ctx, what); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, storeLimit)
	defer cancel()
	store, err := r.Stores.Open(s.Kind, s.Passphrase)
	if err != nil {
		return err
	}
	key := keystore.Key(what.KeyParts()...)
	old, err := store.Get(ctx, key)
	had := err == nil
	switch {
	case had && old == secret.Reveal():
		return nil
	case !had && !errors.Is(err, keystore.ErrNotFound):
		return err
	}
	err = store.Set(ctx, key, secret.Reveal())
	if had && errors.Is(err, keystore.ErrReadBack) {
		_ = store.Set(ctx, key, old)
	}
	if err == nil {
		_ = r.recordSecret(ctx, what) // somebody may have struck the entry before there was anything
	}
	return err
}

// withSecret fills in the stored client secret when none was typed in this run.
func (r *Runner) withSecret(ctx context.Context, a Answers, s Store) (Answers, error) {
	if !a.ClientSecret.Empty() {
		return a, nil
	}
	ctx, cancel := context.WithTimeout(ctx, storeLimit)
	defer cancel()
	secret, err := r.storedSecret(ctx, a, s)
	a.ClientSecret = secret
	return a, err
}
