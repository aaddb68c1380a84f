package links

import (
	"context"
	"errors"
	"fmt"
	"time"

	"confer/cronofy"
	"confer/keystore"
)

// The places for secrets by their names in a Link.
const (
	storeKeyring = string(keystore.Keyring)
	storeSession = string(keystore.Session)
	storeFile    = string(keystore.File)
)

// What stands in the way beside the errors of cronofy, keystore and File.
var (
	// ErrNoToken: confer has no token of its own for this link, and never had:
	// the administrator's word was taken, or Cronofy gave no refresh token.
	ErrNoToken = errors.New("confer has no token of its own for this link")
	// ErrGone: the secret was kept in memory and ended with that run.
	ErrGone = errors.New("the secret was kept in memory only")
	// ErrNoSecret: the client secret is not where it was stored.
	ErrNoSecret = errors.New("the client secret is not stored")
	// ErrMissing: the refresh token is not where it was stored.
	ErrMissing = errors.New("the refresh token is not stored")
	// ErrSite: the link names a data center or an address that cannot be used.
	ErrSite = errors.New("the link's data center cannot be used")
)

// NotStoredError: Cronofy gave another refresh token and the store did not take
// it, so the stored one is most likely spent. Err is why.
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

// Stores gives access to the places for secrets.
type Stores interface {
	// Probe asks the keyring for its state without a prompt.
	Probe(ctx context.Context) keystore.Status
	// Open gives a store by its name. It does not prompt.
	Open(kind string) (keystore.Store, error)
}

// Manager works on links that were made: it tells what is linked and where each
// secret is, checks and exports tokens, and forgets. It keeps nothing between calls.
//
// A refresh may rotate the refresh token, and then the old one is spent. So every
// refresh holds a lock of the link while it reads the token, shows that the store
// can be written, asks Cronofy and stores the new token, and is not broken off in
// between. A process that waited reads the token anew. Set-up does not take the
// lock: should it have stored the token of a new authorization meanwhile, that one
// stays.
type Manager struct {
	// Links is the file. For Check alone it may be nil, where no other process
	// knows the secrets: then nothing is locked.
	Links  *File
	Stores Stores
	// NewClient makes a client. Required for all but Status.
	NewClient func(cronofy.Site, cronofy.App) Client
	// Given is the client secret that this run was told for a client id; nil, or
	// empty: the stored one is used.
	Given func(clientID string) cronofy.Secret
	// DialogPossible: reading the keyring could open a dialog that no probe
	// foresees (macOS). Status does not read it then.
	DialogPossible bool
	// Now is the clock; nil: the real one.
	Now func() time.Time
}

func (m *Manager) now() time.Time {
	if m.Now == nil {
		return time.Now()
	}
	return m.Now()
}

// Site is where a link's calls go. Its error wraps ErrSite.
func Site(l Link) (cronofy.Site, error) {
	dc, ok := cronofy.FindDataCenter(l.DataCenter)
	if !ok {
		return cronofy.Site{}, ErrSite
	}
	site, err := dc.Site().Override(l.APIURL, l.AppURL)
	if err != nil {
		return cronofy.Site{}, fmt.Errorf("%w: %w", ErrSite, err)
	}
	if site.APIHost() != l.APIHost {
		return cronofy.Site{}, fmt.Errorf("%w: it was made at another host", ErrSite)
	}
	return site, nil
}

// open gives the store of a link's secrets, or ErrGone.
func (m *Manager) open(kind string) (keystore.Store, error) {
	if kind == storeSession {
		return nil, ErrGone
	}
	return m.Stores.Open(kind)
}

// client makes the client of a link's application.
func (m *Manager) client(ctx context.Context, l Link) (Client, error) {
	site, err := Site(l)
	if err != nil {
		return nil, err
	}
	secret, err := m.clientSecret(ctx, l)
	if err != nil {
		return nil, err
	}
	return m.NewClient(site, cronofy.App{ClientID: l.ClientID, ClientSecret: secret}), nil
}

func (m *Manager) clientSecret(ctx context.Context, l Link) (cronofy.Secret, error) {
	if m.Given != nil {
		if s := m.Given(l.ClientID); !s.Empty() {
			return s, nil
		}
	}
	store, err := m.open(l.Store)
	if err != nil {
		return cronofy.Secret{}, err
	}
	secret, err := store.Get(ctx, StoredClientSecret(l.Store, l.APIHost, l.ClientID).Key())
	if errors.Is(err, keystore.ErrNotFound) {
		return cronofy.Secret{}, ErrNoSecret
	}
	return cronofy.NewSecret(secret), err
}

// refreshToken gives the store of a link's refresh token, and the token.
func (m *Manager) refreshToken(ctx context.Context, l Link) (keystore.Store, cronofy.Secret, error) {
	if l.Unconfirmed || !l.RefreshToken {
		return nil, cronofy.Secret{}, ErrNoToken
	}
	store, err := m.open(l.Store)
	if err != nil {
		return nil, cronofy.Secret{}, err
	}
	token, err := store.Get(ctx, StoredToken(l).Key())
	if errors.Is(err, keystore.ErrNotFound) || err == nil && token == "" {
		return nil, cronofy.Secret{}, ErrMissing
	}
	return store, cronofy.NewSecret(token), err
}
