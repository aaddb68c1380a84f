package flow

import (
	"context"
	"errors"

	"confer/cronofy"
	"confer/internal/links"
	"confer/keystore"
)

// Store is where this run keeps secrets and how that was decided.
type Store struct {
	Kind       keystore.Kind   // empty: not decided yet
	Passphrase cronofy.Secret  // of keystore.File
	Keyring    keystore.Status // what the probe of the keyring found; zero: not asked yet
	File       string          // path of the encrypted file, where there is one: its passphrase is known to somebody; empty: none
	Pinned     bool            // named by a flag, the environment or an earlier run: not asked about
}

// StoreChosen answers the question for a store, wherever it is asked.
type StoreChosen struct {
	Kind       keystore.Kind
	Passphrase cronofy.Secret
}

func (ev StoreChosen) apply(s State) (State, *Task) {
	if s.Running != nil || !s.Asking {
		return s, nil
	}
	s.Problem, s.Notice = nil, ""
	s.Store.Kind, s.Store.Passphrase = ev.Kind, ev.Passphrase
	if s.Unfinished() != nil {
		return ApprovalRetried{}.apply(s)
	}
	return s.start(CheckApplication{Answers: s.Answers, Store: s.Store, Chosen: true})
}

// open opens a store. It does not prompt.
func (r *Runner) open(s Store) (keystore.Store, error) { return r.Stores.Open(s.Kind, s.Passphrase) }

// chooseStore decides on the store: what was named, else the keyring if it is ready,
// else the operator is asked. A wrong passphrase is found before anybody is sent to a
// browser.
func (r *Runner) chooseStore(ctx context.Context, s Store) (_ Store, ask bool, err error) {
	if store, err := r.Stores.Open(keystore.File, cronofy.Secret{}); err == nil {
		s.File = keystore.Existing(store)
	}
	switch {
	case s.Kind == keystore.File && s.Passphrase.Empty():
		err = &keystore.Error{Op: "open", Store: keystore.File, Err: keystore.ErrNoPassphrase, Path: s.File}
	case s.Kind == keystore.File:
		err = r.unlock(ctx, s)
		if !errors.Is(err, keystore.ErrPassphrase) {
			return s, false, err
		}
		s.Passphrase = cronofy.Secret{}
	case s.Kind != "" && s.Kind != keystore.Keyring:
		return s, false, nil
	default:
		s.Keyring = r.Stores.Probe(ctx)
		if s.Keyring.State == keystore.Ready {
			s.Kind = keystore.Keyring
			return s, false, nil
		}
		err = s.Keyring.Failure("open")
	}
	if r.Unattended {
		return s, false, err
	}
	return s, true, nil
}

// UnlockAsked says that a store waits for somebody, or not any more: see WaitWords.
type UnlockAsked struct{ keystore.Wait }

func (ev UnlockAsked) apply(s State) (State, *Task) {
	s.StoreWait = ev.Wait
	return s, nil
}

// unlock lets a keyring that is locked ask for its password, and tries the
// passphrase of a file. A file that is yet to be made takes any; one that went
// while its passphrase was asked for does not: that of a new one is typed twice.
func (r *Runner) unlock(ctx context.Context, s Store) error {
	store, err := r.open(s)
	if err != nil {
		return err
	}
	if store, ok := store.(interface{ Unlock(context.Context) error }); ok {
		err = store.Unlock(ctx)
	}
	if s.File == "" && errors.Is(err, keystore.ErrNotFound) {
		return nil
	}
	return err
}

// withSecret fills in the stored client secret when none was typed in this run. That
// it is not there is ErrNoSecret; anything else is an error of the store, never "not
// there".
func (r *Runner) withSecret(ctx context.Context, a Answers, s Store) (Answers, error) {
	if !a.ClientSecret.Empty() {
		return a, nil
	}
	store, err := r.open(s)
	if err != nil {
		return a, err
	}
	secret, err := store.Get(ctx, clientSecretOf(a).Key())
	if errors.Is(err, keystore.ErrNotFound) {
		return a, ErrNoSecret
	}
	a.ClientSecret = cronofy.NewSecret(secret)
	return a, err
}

// storeSecret stores a secret and reads it back, unless it is there already. What
// could not be read is not written over, and an old secret is put back when the
// store does not give back the new one. It is listed first, and not any more if
// the store certainly did not take it.
func (r *Runner) storeSecret(ctx context.Context, s Store, what links.StoredSecret, secret cronofy.Secret) error {
	store, err := r.open(s)
	if err != nil {
		return err
	}
	key := what.Key()
	old, err := store.Get(ctx, key)
	had := err == nil
	if !had && !errors.Is(err, keystore.ErrNotFound) {
		return err
	}
	unrecord, err := r.recordSecret(ctx, what, s)
	if err != nil || had && old == secret.Reveal() {
		return err
	}
	if err := store.Set(ctx, key, secret.Reveal()); err != nil {
		if had && errors.Is(err, keystore.ErrReadBack) {
			_ = store.Set(ctx, key, old)
		}
		if _, now := store.Get(ctx, key); errors.Is(now, keystore.ErrNotFound) {
			unrecord()
		}
		return err
	}
	_, _ = r.recordSecret(ctx, what, s) // somebody may have removed the entry before there was anything
	return nil
}

// testStore tells whether what an approval gives could be stored now: it is listed,
// and where the client secret is there, a test item is stored. Where it is not,
// the answers' own is stored, which belongs there anyway.
func (r *Runner) testStore(ctx context.Context, a Answers, s Store) error {
	what := clientSecretOf(a)
	store, err := r.open(s)
	if err != nil {
		return err
	}
	if _, err = store.Get(ctx, what.Key()); errors.Is(err, keystore.ErrNotFound) {
		return r.storeSecret(ctx, s, what, a.ClientSecret)
	}
	if err == nil {
		_, err = r.recordSecret(ctx, what, s)
	}
	if err == nil {
		_, err = keystore.TestWrite(ctx, store)
	}
	return err
}

// storeSeen takes over what a failed call saw of the places for secrets. A
// passphrase that was refused is not tried again.
func storeSeen(s Store, err error) Store {
	store := new(keystore.Error)
	if !errors.As(err, &store) {
		return s
	}
	switch {
	case store.Store == keystore.File && errors.Is(err, keystore.ErrNotFound):
		s.File, s.Passphrase = "", cronofy.Secret{}
	case errors.Is(err, keystore.ErrPassphrase):
		s.File, s.Passphrase = store.Path, cronofy.Secret{} // one that came meanwhile, too
	case store.Store == keystore.Keyring && store.State != "":
		s.Keyring = store.Status
	}
	return s
}
