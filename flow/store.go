package flow

import (
	"context"
	"errors"
	"strings"
	"time"

	"confer/cronofy"
	"confer/internal/links"
	"confer/keystore"
)

// StoreKind names a place for secrets, as --secret-store does.
type StoreKind string

// The stores. StoreNone is the sandbox's: nothing leaves memory, and nothing
// would be worth it.
const (
	StoreKeyring StoreKind = "keyring"
	StoreSession StoreKind = "session"
	StoreFile    StoreKind = "file"
	StoreNone    StoreKind = "none"
)

// Store is where this run keeps secrets and how that was decided.
type Store struct {
	Kind       StoreKind       // empty: not decided yet
	Passphrase cronofy.Secret  // of StoreFile
	Keyring    keystore.Status // what the probe of the keyring found; zero: not asked yet
	File       string          // path of the encrypted file, where there is one: its passphrase is known to somebody; empty: none
	Pinned     bool            // named by a flag, the environment or an earlier run: not asked about
}

// Stores gives access to the places for secrets.
type Stores interface {
	// Probe asks the keyring for its state without a prompt.
	Probe(ctx context.Context) keystore.Status
	// Open gives the store; the passphrase is StoreFile's. It does not prompt.
	Open(kind StoreKind, passphrase cronofy.Secret) (keystore.Store, error)
}

// StoreChosen answers the question for a store, wherever it is asked.
type StoreChosen struct {
	Kind       StoreKind
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
	return s.start(OpenStore{Answers: s.Answers, Store: s.Store})
}

// StoreOpened ends OpenStore.
type StoreOpened struct {
	Store        Store
	ClientSecret cronofy.Secret
	Unchecked    error // as in ApplicationAccepted
}

func (ev StoreOpened) apply(s State) (State, *Task) {
	s.Running, s.Asking, s.Problem = nil, false, nil
	s = s.takeSecret(ev.ClientSecret, ev.Store, ev.Unchecked)
	s.Notice = strings.TrimSpace(s.Notice + " " + weakPassphrase(ev.Store))
	s.Step = max(s.Step, StepApplication+1)
	return s, nil
}

// storedSecret says where the client secret of an application is stored beyond
// this run; the zero value: nowhere.
type storedSecret struct {
	API, ClientID string
	Store         StoreKind
}

// secretPlace is where the client secret of the answers is, or would be, stored.
func (s State) secretPlace() storedSecret {
	if s.Store.Kind != StoreKeyring && s.Store.Kind != StoreFile {
		return storedSecret{}
	}
	return storedSecret{s.Answers.Site.API, s.Answers.ClientID, s.Store.Kind}
}

// secretStored tells whether a later run finds the client secret of the answers.
func (s State) secretStored() bool {
	return s.secretIn != storedSecret{} && s.secretIn == s.secretPlace()
}

// chooseStore decides on the store: what was named, else the keyring if it is ready,
// else the operator is asked.
func (r *Runner) chooseStore(ctx context.Context, s Store) (_ Store, ask bool, _ error) {
	s.File = r.secretsFile()
	if s.Kind == StoreFile {
		return r.checkPassphrase(ctx, s)
	}
	if s.Kind != "" && s.Kind != StoreKeyring {
		return s, false, nil
	}
	ctx, cancel := context.WithTimeout(ctx, keystore.ProbeLimit)
	defer cancel()
	s.Keyring = r.Stores.Probe(ctx)
	if s.Keyring.State == keystore.Ready {
		s.Kind = StoreKeyring
		return s, false, nil
	}
	if !r.Unattended {
		return s, true, nil
	}
	return s, false, s.Keyring.Error("open")
}

// checkPassphrase finds a wrong passphrase before anybody is sent to a browser.
func (r *Runner) checkPassphrase(ctx context.Context, s Store) (_ Store, ask bool, _ error) {
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

// storeLimit is the very last bound on work with a store, for one that has
// stopped for good. Stores have shorter limits of their own for whatever they
// wait for: a window, another process; longer ones only for what cannot be had
// twice (keystore.Patient).
const storeLimit = 10 * time.Minute

// UnlockAsked says that a store waits for somebody: the keyring shows a window,
// or another process has the encrypted file.
type UnlockAsked struct {
	Until time.Time // when it is given up; zero: as long as it takes
	Words string    // what to do, without a full stop; empty: it is over
}

func (ev UnlockAsked) apply(s State) (State, *Task) {
	s.Unlock, s.StoreWait = ev.Until, ev.Words
	return s, nil
}

// OpenStore opens the store that the operator chose, unlocking it if need be. It
// ends in StoreOpened.
type OpenStore struct {
	Answers Answers
	Store   Store
}

func (e OpenStore) do(ctx context.Context, r *Runner, _ <-chan Delivery, say func(Event)) Event {
	ctx, cancel := context.WithTimeout(ctx, storeLimit)
	defer cancel()
	a := e.Answers
	if err := r.unlock(ctx, e.Store); err != nil {
		return Failed{Err: err}
	}
	found, err := r.storedSecret(ctx, a, e.Store)
	if err == nil { // it may be readable and not writable
		err = r.testStore(ctx, a, e.Store)
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
		if unchecked, err = r.askAboutApplication(ctx, a, say); err != nil {
			return Failed{Err: err}
		}
	}
	return StoreOpened{Store: e.Store, ClientSecret: a.ClientSecret, Unchecked: unchecked}
}

// unlock lets a keyring that is locked ask for its password, and tries the
// passphrase of a file. A file that is yet to be made takes any; one that went
// while its passphrase was asked for does not: that of a new one is typed twice.
func (r *Runner) unlock(ctx context.Context, s Store) error {
	store, err := r.Stores.Open(s.Kind, s.Passphrase)
	if err != nil {
		return err
	}
	switch store := store.(type) {
	case interface{ Unlock(context.Context) error }:
		return store.Unlock(ctx)
	case interface{ Check(context.Context) error }:
		if err := store.Check(ctx); s.File != "" || !errors.Is(err, keystore.ErrNotFound) {
			return err
		}
	}
	return nil
}

// secretsFile is the path of the encrypted file, where there is one.
func (r *Runner) secretsFile() string {
	store, err := r.Stores.Open(StoreFile, cronofy.Secret{})
	if err != nil {
		return ""
	}
	if file, ok := store.(*keystore.FileStore); ok {
		return file.Existing()
	}
	return ""
}

// storedSecret reads the client secret from the store. That it is not there is
// ErrNoSecret; anything else is an error of the store, never "not there".
func (r *Runner) storedSecret(ctx context.Context, a Answers, s Store) (cronofy.Secret, error) {
	store, err := r.Stores.Open(s.Kind, s.Passphrase)
	if err != nil {
		return cronofy.Secret{}, err
	}
	secret, err := store.Get(ctx, clientSecretOf(a).Key())
	if errors.Is(err, keystore.ErrNotFound) {
		return cronofy.Secret{}, ErrNoSecret
	}
	return cronofy.NewSecret(secret), err
}

// storeSecret stores a secret and reads it back, unless it is there already. What
// could not be read is not written over, and an old secret is put back when the
// store does not give back the new one. It is listed first, and not any more if
// the store certainly did not take it.
func (r *Runner) storeSecret(ctx context.Context, s Store, what links.StoredSecret, secret cronofy.Secret) error {
	what.Store = string(s.Kind)
	unrecord, err := r.recordSecret(ctx, what)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, storeLimit)
	defer cancel()
	store, err := r.Stores.Open(s.Kind, s.Passphrase)
	if err != nil {
		unrecord()
		return err
	}
	key := what.Key()
	old, err := store.Get(ctx, key)
	had := err == nil
	switch {
	case had && old == secret.Reveal():
		return nil
	case !had && !errors.Is(err, keystore.ErrNotFound):
		unrecord()
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
	_, _ = r.recordSecret(ctx, what) // somebody may have removed the entry before there was anything
	return nil
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
		s.Keyring = statusOf(store)
	}
	return s
}

// testStore tells whether what an approval gives could be stored now: it is listed,
// and where the client secret is there, a test item is stored. Where it is not,
// the answers' own is stored, which belongs there anyway.
func (r *Runner) testStore(ctx context.Context, a Answers, s Store) error {
	what := clientSecretOf(a)
	what.Store = string(s.Kind)
	limited, cancel := context.WithTimeout(ctx, storeLimit)
	defer cancel()
	store, err := r.Stores.Open(s.Kind, s.Passphrase)
	if err != nil {
		return err
	}
	switch _, err := store.Get(limited, what.Key()); {
	case errors.Is(err, keystore.ErrNotFound):
		return r.storeSecret(ctx, s, what, a.ClientSecret)
	case err != nil:
		return err
	}
	if _, err := r.recordSecret(ctx, what); err != nil {
		return err
	}
	_, err = keystore.TestWrite(limited, store)
	return err
}
