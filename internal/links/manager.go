package links

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"confer/cronofy"
	"confer/internal/atomicfile"
	"confer/keystore"
)

// What stands in the way beside the errors of cronofy, keystore and File.
var (
	ErrNoToken  = errors.New("confer has no token of its own for this link") // and never had: see Link.HasToken
	ErrGone     = errors.New("the secret was kept in memory only")           // and ended with that run
	ErrNoSecret = errors.New("the client secret is not stored")              // any more
	ErrMissing  = errors.New("the refresh token is not stored")              // any more
	ErrSite     = errors.New("the link's data center cannot be used")        // or its address
)

// NotStoredError: Cronofy gave another refresh token and the store did not take it.
type NotStoredError struct{ Err error }

// Error is one line.
func (e *NotStoredError) Error() string { return "store rotated token: " + e.Err.Error() }

// Unwrap gives the reason.
func (e *NotStoredError) Unwrap() error { return e.Err }

// Client is what is asked of Cronofy.
type Client interface {
	Refresh(ctx context.Context, refreshToken cronofy.Secret) (cronofy.Token, error)
	Revoke(ctx context.Context, token cronofy.Secret) error
}

// Stores gives access to the places for secrets. Neither method prompts.
type Stores interface {
	// Probe asks the keyring for its state.
	Probe(ctx context.Context) keystore.Status
	// Open gives the store; the passphrase is keystore.File's, where it is known.
	Open(kind keystore.Kind, passphrase cronofy.Secret) (keystore.Store, error)
}

// Manager works on links that were made: it tells what is linked and where each
// secret is, checks tokens, and forgets.
//
// A refresh may rotate the refresh token, and then the old one is spent. So every
// refresh holds a lock of the link while it reads the token, shows that the store
// can be written, asks Cronofy and stores the new token, and is not broken off in
// between. Set-up does not take the lock: should it have stored the token of a new
// authorization meanwhile, that one stays.
type Manager struct {
	Links  *File
	Stores Stores
	// NewClient makes a client. Required for all but Status.
	NewClient func(cronofy.Site, cronofy.App) Client
	// Given has the client secret that this run was told for a client id; nil, or
	// empty: the stored one is used.
	Given *cronofy.App
	// DialogPossible: reading the keyring could open a dialog that no probe
	// foresees (macOS). Status does not read it then.
	DialogPossible bool
}

// Site is where a link's calls go, or ErrSite.
func Site(l Link) (cronofy.Site, error) {
	site, err := Draft{DataCenter: l.DataCenter, APIURL: l.APIURL, AppURL: l.AppURL}.Site()
	if err == nil && site.APIHost() != l.APIHost {
		err = ErrSite
	}
	return site, err
}

// open gives the store of a link's secrets, or ErrGone.
func (m *Manager) open(kind keystore.Kind) (keystore.Store, error) {
	if kind == keystore.Session {
		return nil, ErrGone
	}
	return m.Stores.Open(kind, cronofy.Secret{})
}

// ClientSecret is that of a link's application: the given one, or the stored one.
func (m *Manager) ClientSecret(ctx context.Context, l Link) (cronofy.Secret, error) {
	if m.Given != nil && m.Given.ClientID == l.ClientID && !m.Given.ClientSecret.Empty() {
		return m.Given.ClientSecret, nil
	}
	store, err := m.open(l.Store)
	if err != nil {
		return cronofy.Secret{}, err
	}
	secret, err := store.Get(ctx, l.ClientSecret().Key())
	if errors.Is(err, keystore.ErrNotFound) {
		err = ErrNoSecret
	}
	return cronofy.NewSecret(secret), err
}

// access gives a link's refresh token, the store that has it, and the client of its
// application.
func (m *Manager) access(ctx context.Context, l Link) (store keystore.Store, token cronofy.Secret, client Client, err error) {
	if !l.HasToken() {
		return nil, token, nil, ErrNoToken
	}
	if store, err = m.open(l.Store); err != nil {
		return nil, token, nil, err
	}
	text, err := store.Get(ctx, l.Token().Key())
	if errors.Is(err, keystore.ErrNotFound) || err == nil && text == "" {
		err = ErrMissing
	}
	if err != nil {
		return nil, token, nil, err
	}
	site, err := Site(l)
	if err != nil {
		return nil, token, nil, err
	}
	secret, err := m.ClientSecret(ctx, l)
	if err != nil {
		return nil, token, nil, err
	}
	return store, cronofy.NewSecret(text), m.NewClient(site, cronofy.App{ClientID: l.ClientID, ClientSecret: secret}), nil
}

// unbroken bounds a refresh, and storeLimit the storing of what it gave, which are
// not broken off when the caller's context ends: a rotated token would be lost.
const (
	unbroken   = 60 * time.Second
	storeLimit = 10 * time.Minute
)

// storeTries: a token that Cronofy has just rotated is worth more than one try.
const storeTries = 3

// Check refreshes the token of a link, which tests confer's own token and not the
// link. A rotated token is stored and read back. The token that it gives has the
// refresh token that counts now, and comes with a *NotStoredError too.
func (m *Manager) Check(ctx context.Context, l Link) (token cronofy.Token, rotated bool, err error) {
	unlock, err := m.lock(ctx, l.Token())
	if err != nil {
		return token, false, err
	}
	defer unlock()
	store, old, client, err := m.access(ctx, l)
	if err != nil {
		return token, false, err
	}
	// That a store is readable and not writable must be known before the token is spent.
	if _, err := keystore.TestWrite(ctx, store); err != nil {
		return token, false, err
	}
	if err := ctx.Err(); err != nil {
		return token, false, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), unbroken)
	defer cancel()
	storing, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeLimit)
	defer cancel()
	if token, err = client.Refresh(ctx, old); err != nil {
		return cronofy.Token{}, false, err
	}
	if token.RefreshToken.Empty() || token.RefreshToken.Equal(old) {
		token.RefreshToken = old
		return token, false, nil
	}
	return token, true, storeRotated(storing, store, l.Token().Key(), old, token.RefreshToken)
}

// storeRotated stores the new token in the place of the old one, unless another
// than the old one is there: that is of a newer authorization.
func storeRotated(ctx context.Context, store keystore.Store, key string, old, fresh cronofy.Secret) (err error) {
	for range storeTries {
		now, getErr := store.Get(ctx, key)
		switch {
		case getErr == nil && now != old.Reveal(): // the new one, or another program's newer one
			return nil
		case errors.Is(getErr, keystore.ErrNotFound):
			return &NotStoredError{fmt.Errorf("forgotten meanwhile: %w", getErr)}
		}
		if err = store.Set(ctx, key, fresh.Reveal()); err == nil {
			return nil
		}
	}
	return &NotStoredError{err}
}

// linkLockLimit is longer than a refresh with what is read and stored around it
// (see unbroken), unless that waits for yet another process.
const linkLockLimit = 2 * time.Minute

// lock keeps other processes, and other goroutines of this one, from working on a
// refresh token. Its file tells nothing of the link.
func (m *Manager) lock(ctx context.Context, token StoredSecret) (unlock func(), err error) {
	sum := sha256.Sum256([]byte(token.Key()))
	path := filepath.Join(filepath.Dir(m.Links.Path()), fmt.Sprintf("token-%x.lock", sum[:4]))
	unlock, err = atomicfile.Lock(ctx, path, linkLockLimit)
	return unlock, failure("lock", path, err)
}
