package flow

import (
	"context"

	"confer/cronofy"
	"confer/internal/delegated"
	"confer/internal/links"
	"confer/internal/manage"
	"confer/keystore"
)

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

// serviceToken gives the service account's access token. It stays in memory; what
// a rotated refresh token replaces is stored before the new access token is used.
func (r *Runner) serviceToken(a Answers, s Store, say func(Event)) *delegated.ServiceToken {
	m := &manage.Manager{
		Stores:    runStores{r.Stores, s},
		NewClient: func(cronofy.Site, cronofy.App) manage.Client { return r.client(a, say) },
		Given:     func(string) cronofy.Secret { return a.ClientSecret },
		Now:       r.Now,
	}
	l := links.Link{DataCenter: a.Site.DataCenter.ID, APIHost: a.Site.APIHost(), ClientID: a.ClientID,
		ServiceAccount: a.ServiceAccount, Provider: links.AccountToken, RefreshToken: true}
	l.APIURL, l.AppURL = overrides(a.Site)
	if links.Outlives(string(s.Kind)) {
		m.Links, l.Store = r.Links, string(s.Kind) // other processes have the same token
	}
	return delegated.NewServiceToken(cronofy.Secret{}, func(ctx context.Context, _ cronofy.Secret) (cronofy.Secret, error) {
		fresh, err := m.Check(ctx, l)
		return fresh.Access, err
	})
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
