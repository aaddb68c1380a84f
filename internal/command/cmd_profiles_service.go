package command

import (
	"context"
	"errors"
	"path/filepath"
	"strings"

	"confer/cronofy"
	"confer/flow"
	"confer/internal/delegated"
	"confer/internal/links"
	"confer/internal/profiles"
)

// serviceToken finds the service account's token: in the file that was named,
// else where the wizard stored it.
func (r *profilesRun) serviceToken() (*delegated.ServiceToken, error) {
	if r.f.serviceToken != "" {
		return r.serviceFile()
	}
	m, link, err := r.stored()
	if err != nil {
		return nil, err
	}
	token := delegated.NewServiceToken(cronofy.Secret{}, func(ctx context.Context, _ cronofy.Secret) (cronofy.Secret, error) {
		t, err := m.Check(ctx, link)
		return t.Access, err
	})
	if _, err := token.Get(r.ctx, cronofy.Secret{}); err != nil {
		return nil, r.explainService(err)
	}
	return token, nil
}

// serviceFile reads a bare access token, or a list of accounts with one line.
// Its refresh token is touched only with --tokens-out.
func (r *profilesRun) serviceFile() (*delegated.ServiceToken, error) {
	a, err := readServiceToken(r.ctx, r.f.serviceToken, r.s)
	if err != nil {
		return nil, inputError("--service-account-token-file", err, "it must hold an access token of the service account alone, or CSV or JSON lines with access_token and refresh_token", flow.StepProfiles)
	}
	var renewer *profiles.Renewer
	if r.tokens != nil && !a.RefreshToken.Empty() {
		renewer = profiles.NewRenewer(r.client, r.tokens, 1)
	}
	if a.AccessToken.Empty() && renewer == nil {
		return nil, &usageError{summary: "--service-account-token-file holds a refresh token only", hint: "with --tokens-out FILE confer refreshes it and writes down what replaces it"}
	}
	return delegated.NewServiceToken(a.AccessToken, func(ctx context.Context, refused cronofy.Secret) (cronofy.Secret, error) {
		if renewer == nil {
			return refused, nil
		}
		return renewer.Renew(ctx, a, refused)
	}), nil
}

func readServiceToken(ctx context.Context, path string, s streams) (profiles.Account, error) {
	text, err := readHidden(ctx, path, s, "Access token of the service account: ")
	if err != nil {
		return profiles.Account{}, err
	}
	bare := strings.TrimSpace(text)
	switch {
	case bare == "":
		return profiles.Account{}, errors.New("there is nothing in it")
	case !strings.ContainsAny(bare, " \t\r\n,;{"):
		return profiles.Account{AccessToken: cronofy.NewSecret(bare)}, nil
	}
	for a, err := range profiles.ReadAccounts(strings.NewReader(text)) {
		return a, err
	}
	return profiles.Account{}, errors.New("there is no token in it")
}

// stored gives what works on stored secrets, and the service account as it
// knows links.
func (r *profilesRun) stored() (*links.Manager, links.Link, error) {
	if r.manager != nil {
		return r.manager, r.account, nil
	}
	given := r.f.settings
	given.secretFile, given.passphraseFD = "", "" // they were read already
	m, err := newManager(r.ctx, &given, environment{names: r.e.names}, r.s)
	if err != nil {
		return nil, links.Link{}, err
	}
	m.Given = func(string) cronofy.Secret { return r.app.ClientSecret }
	m.NewClient = func(site cronofy.Site, app cronofy.App) links.Client { return r.clients(site, app, r.progress.wait) }
	m.Stores = &managedStores{stores: newStores(""), path: filepath.Join(filepath.Dir(m.Links.Path()), secretsFile),
		ask: func() (cronofy.Secret, error) { return askPassphrase(r.ctx, &given, r.s, r.passphrase) }}
	r.manager, r.account = m, r.accountLink(m)
	return r.manager, r.account, nil
}

// accountLink is the service account as a link, which has the same key in the
// same store.
func (r *profilesRun) accountLink(m *links.Manager) links.Link {
	l := links.Link{DataCenter: r.site.DataCenter.ID, APIHost: r.site.APIHost(), ClientID: r.app.ClientID,
		ServiceAccount: r.f.serviceAccount, Provider: links.AccountToken, Store: r.f.secretStore, RefreshToken: true}
	if r.site.Overridden() {
		l.APIURL, l.AppURL = r.site.API, r.site.App
	}
	if l.Store == "" {
		l.Store = string(flow.StoreKeyring)
		if c, err := m.Links.Load(r.ctx); err == nil {
			for _, a := range c.ServiceAccounts {
				if a.APIHost == l.APIHost && a.ClientID == l.ClientID && a.ID == l.ServiceAccount {
					l.Store = a.Store
				}
			}
		}
	}
	return l
}

// storedSecret is the application's client secret, from where a set-up put it.
func (r *profilesRun) storedSecret() (cronofy.Secret, error) {
	m, l, err := r.stored()
	if err != nil {
		return cronofy.Secret{}, err
	}
	missing := &usageError{summary: "missing: --client-secret-file", hint: "new tokens need the client secret: give it in a file, with - on standard input, or with CRONOFY_CLIENT_SECRET"}
	if flow.StoreKind(l.Store) == flow.StoreSession {
		return cronofy.Secret{}, missing
	}
	store, err := m.Stores.Open(l.Store)
	if err != nil {
		return cronofy.Secret{}, missing
	}
	secret, err := store.Get(r.ctx, links.StoredClientSecret("", l.APIHost, l.ClientID).Key())
	if err != nil || secret == "" {
		return cronofy.Secret{}, missing
	}
	return cronofy.NewSecret(secret), nil
}
