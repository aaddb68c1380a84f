package flow

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"confer/cronofy"
	"confer/flow/delegated"
	"confer/flow/links"
	"confer/flow/manage"
	"confer/keystore"
)

// serviceAccountToken is the place of a provider in the key of a service
// account's own refresh token.
const serviceAccountToken = "service_account"

// holdsToken tells whether the service account's refresh token is in the store.
// A store that does not say has none: then nothing is offered that needs it.
func (r *Runner) holdsToken(ctx context.Context, a Answers, s Store) bool {
	ctx, cancel := context.WithTimeout(ctx, keystore.CallLimit)
	defer cancel()
	store, err := r.Stores.Open(s.Kind, s.Passphrase)
	if err != nil {
		return false
	}
	token, err := store.Get(ctx, serviceTokenKey(a))
	return err == nil && token != ""
}

// serviceToken gives the service account's access token, and another one when
// it was refused. It stays in memory; what a rotated refresh token replaces is
// stored before the new access token is used.
type serviceToken struct {
	check func(context.Context) (manage.Tokens, error)

	mu      sync.Mutex
	current cronofy.Secret
}

func (r *Runner) serviceToken(a Answers, s Store, say func(Event)) *serviceToken {
	m := &manage.Manager{
		Stores:    runStores{r.Stores, s},
		NewClient: func(cronofy.Site, cronofy.App) manage.Client { return r.client(a, say) },
		Given:     func(string) cronofy.Secret { return a.ClientSecret },
		Now:       r.Now,
	}
	if s.Kind == StoreKeyring || s.Kind == StoreFile {
		m.Links = r.Links // other processes have the same token
	}
	l := links.Link{DataCenter: a.Site.DataCenter.ID, APIHost: a.Site.APIHost(), ClientID: a.ClientID,
		ServiceAccount: a.ServiceAccount, Provider: serviceAccountToken, RefreshToken: true}
	l.APIURL, l.AppURL = overrides(a.Site)
	return &serviceToken{check: func(ctx context.Context) (manage.Tokens, error) { return m.Check(ctx, l) }}
}

// runStores is the store of this run for a manager, whatever a link says.
type runStores struct {
	stores Stores
	store  Store
}

// Probe implements manage.Stores.
func (s runStores) Probe(ctx context.Context) keystore.Status { return s.stores.Probe(ctx) }

// Open implements manage.Stores.
func (s runStores) Open(string) (keystore.Store, error) {
	return s.stores.Open(s.store.Kind, s.store.Passphrase)
}

// get is for delegated.Config.ServiceToken.
func (t *serviceToken) get(ctx context.Context, refused cronofy.Secret) (cronofy.Secret, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.current.Empty() && !t.current.Equal(refused) {
		return t.current, nil
	}
	fresh, err := t.check(ctx)
	if err == nil {
		t.current = fresh.Access
	}
	return t.current, err
}

// use makes a call with the token, and once more with another if it was refused.
// Its error wraps ErrNoServiceToken or is a *delegated.RequestError.
func (t *serviceToken) use(ctx context.Context, do func(cronofy.Secret) error) error {
	token, err := t.get(ctx, cronofy.Secret{})
	if err != nil {
		return fmt.Errorf("%w: %w", delegated.ErrNoServiceToken, err)
	}
	if err = do(token); cronofy.StatusOf(err) == 401 {
		fresh, renewErr := t.get(ctx, token)
		switch {
		case renewErr != nil:
			err = errors.Join(err, renewErr)
		case !fresh.Equal(token):
			err = do(fresh)
		}
	}
	if err != nil {
		return &delegated.RequestError{Every: true, Err: err}
	}
	return nil
}
