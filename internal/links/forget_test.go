package links_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"confer/cronofy"
	"confer/cronofy/sandbox"
	"confer/internal/links"
	"confer/keystore"
)

func TestForgetHereOnly(t *testing.T) {
	t.Parallel()
	h := newFixture(t, sandbox.Options{})
	l := h.link(cronofy.Zoom)
	got, err := h.manager().Forget(t.Context(), l, false)
	require.NoError(t, err)
	require.Equal(t, links.Forgotten{ClientSecret: true, RefreshTokens: 1}, got)
	require.Zero(t, countRevokes(h))
	require.Empty(t, h.stored(tokenKey(l)))
	require.Empty(t, h.stored(secretKey(l)))
	require.Empty(t, h.contents().Links)
	entries, err := os.ReadDir(filepath.Dir(h.links.Path()))
	require.NoError(t, err)
	require.Len(t, entries, 1, "the list, and no lock of the token")
}

func TestForgetRevokes(t *testing.T) {
	t.Parallel()
	h := newFixture(t, sandbox.Options{})
	l := h.link(cronofy.Zoom)
	token := h.stored(tokenKey(l))
	got, err := h.manager().Forget(t.Context(), l, true)
	require.NoError(t, err)
	require.True(t, got.Revoked)
	site, err := links.Site(l)
	require.NoError(t, err)
	c := h.server.Credentials()
	_, err = cronofy.New(site, cronofy.App{ClientID: c.ClientID, ClientSecret: c.ClientSecret}, cronofy.Options{}).Refresh(t.Context(), cronofy.NewSecret(token))
	require.Equal(t, "invalid_grant", cronofy.CodeOf(err), "the token still works")
}

// TestForgetKeepsWhatOthersNeed: two providers of one customer share the client secret.
func TestForgetKeepsWhatOthersNeed(t *testing.T) {
	t.Parallel()
	h := newFixture(t, sandbox.Options{})
	zoom, webex := h.link(cronofy.Zoom), h.link(cronofy.Webex)
	account := links.ServiceAccount{DataCenter: "de", APIHost: zoom.APIHost, ClientID: zoom.ClientID, ID: zoom.ServiceAccount, Store: zoom.Store}
	key := account.Link().Token().Key()
	require.NoError(t, h.places.store.Set(t.Context(), key, "service account token"))
	h.change(func(c *links.Contents) { c.AddServiceAccount(account) })

	got, err := h.manager().Forget(t.Context(), zoom, false)
	require.NoError(t, err)
	require.Equal(t, links.Forgotten{RefreshTokens: 1, SecretStays: true}, got)
	require.NotEmpty(t, h.stored(secretKey(webex)))
	require.NotEmpty(t, h.stored(tokenKey(webex)))
	require.NotEmpty(t, h.stored(key))
	require.Len(t, h.contents().ServiceAccounts, 1)

	got, err = h.manager().Forget(t.Context(), webex, true)
	require.NoError(t, err)
	require.Equal(t, links.Forgotten{Revoked: true, ClientSecret: true, RefreshTokens: 2}, got)
	require.Empty(t, h.stored(secretKey(webex)))
	require.Empty(t, h.stored(key))
	require.Empty(t, h.contents().ServiceAccounts)
}

// TestServiceAccountsAreNeverRevoked: whatever is revoked, the service account's
// own token works afterwards.
func TestServiceAccountsAreNeverRevoked(t *testing.T) {
	t.Parallel()
	h := newFixture(t, sandbox.Options{})
	l := h.link(cronofy.Zoom)
	h.change(func(c *links.Contents) {
		c.AddServiceAccount(links.ServiceAccount{DataCenter: "de", APIHost: l.APIHost, ClientID: l.ClientID, ID: l.ServiceAccount, Store: l.Store})
	})
	_, err := h.manager().Forget(t.Context(), l, true)
	require.NoError(t, err)
	_, err = h.manager().DeleteUnneeded(t.Context(), true)
	require.NoError(t, err)
	site, err := links.Site(l)
	require.NoError(t, err)
	_, err = cronofy.New(site, cronofy.App{}, cronofy.Options{}).UserInfo(t.Context(), h.server.Credentials().ServiceAccountToken)
	require.NoError(t, err)
	require.Equal(t, 1, countRevokes(h))
}

func countRevokes(h *fixture) (n int) {
	for _, r := range h.server.Log() {
		if r.Path == "/oauth/token/revoke" {
			n++
		}
	}
	return n
}

// keeps makes a fixture whose store does not delete a key.
func keeps(key func(links.Link) string) func(*fixture, links.Link) {
	return func(h *fixture, l links.Link) {
		h.places.store = spy{Store: h.places.store, del: func(k string) error {
			if k == key(l) {
				return refused("delete")
			}
			return nil
		}}
	}
}

func TestFailedStepsKeepWhatFollows(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		spin func(*fixture, links.Link)
		step links.Step
		left []string // of the two keys, still stored
	}{
		{"cronofy does not revoke", func(h *fixture, _ links.Link) {
			h.server.Set(sandbox.Fault{Endpoint: sandbox.Revoke, Status: 403})
		}, links.StepRevoke, []string{"token", "secret"}},
		{"the token is not there", func(h *fixture, l links.Link) { h.drop(tokenKey(l)) }, links.StepRevoke, []string{"secret"}},
		{"the client secret is not there", func(h *fixture, l links.Link) { h.drop(secretKey(l)) }, links.StepRevoke, []string{"token"}},
		{"the token is not deleted", keeps(tokenKey), links.StepSecrets, []string{"token", "secret"}},
		{"the client secret is not deleted", keeps(secretKey), links.StepSecrets, []string{"secret"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := newFixture(t, sandbox.Options{})
			l := h.link(cronofy.Zoom)
			c.spin(h, l)
			got, err := h.manager().Forget(t.Context(), l, true)
			require.Error(t, err)
			require.Equal(t, c.step, got.Failed)
			require.Len(t, h.contents().Links, 1, "it is not listed any more")
			require.Equal(t, slices.Contains(c.left, "token"), h.stored(tokenKey(l)) != "")
			require.Equal(t, slices.Contains(c.left, "secret"), h.stored(secretKey(l)) != "")
		})
	}
}

func TestForgetMemoryLink(t *testing.T) {
	t.Parallel()
	h := newFixture(t, sandbox.Options{})
	h.change(func(c *links.Contents) { c.AddLink(made("session")) })
	_, err := h.manager().Forget(t.Context(), made("session"), true)
	require.ErrorIs(t, err, links.ErrGone)
	require.Len(t, h.contents().Links, 1)
	got, err := h.manager().Forget(t.Context(), made("session"), false)
	require.NoError(t, err)
	require.True(t, got.Memory)
	require.Empty(t, h.contents().Links)
}

func TestForgetUnconfirmedLink(t *testing.T) {
	t.Parallel()
	h := newFixture(t, sandbox.Options{})
	l := made("keyring")
	l.Unconfirmed = true
	h.change(func(c *links.Contents) { c.AddLink(l) })
	got, err := h.manager().Forget(t.Context(), l, true)
	require.NoError(t, err)
	require.False(t, got.Revoked)
	require.Empty(t, h.contents().Links)
}

func TestForgetTakesTheDraft(t *testing.T) {
	t.Parallel()
	draft := links.Draft{DataCenter: "de", ClientID: "id", ServiceAccount: "ser_1", Store: "keyring"}
	other := draft
	other.ClientID = "another"
	for _, c := range []struct {
		draft links.Draft
		stays bool
	}{{draft, false}, {other, true}} {
		h := newFixture(t, sandbox.Options{})
		h.change(func(all *links.Contents) { all.AddLink(made("keyring")); all.Draft = &c.draft })
		_, err := h.manager().Forget(t.Context(), made("keyring"), false)
		require.NoError(t, err)
		require.Equal(t, c.stays, h.contents().Draft != nil)
	}
}

// TestForgetKeepsAnotherCustomersDraft: with the client secret that it goes on
// with, if it has one.
func TestForgetKeepsAnotherCustomersDraft(t *testing.T) {
	t.Parallel()
	for _, kept := range []bool{true, false} {
		h := newFixture(t, sandbox.Options{})
		draft := links.Draft{DataCenter: "de", ClientID: "id", ServiceAccount: "ser_3", Store: "keyring", Kept: kept}
		h.change(func(all *links.Contents) { all.AddLink(made("keyring")); all.Draft = &draft })
		require.NoError(t, h.places.store.Set(t.Context(), secretKey(made("keyring")), "secret"))
		got, err := h.manager().Forget(t.Context(), made("keyring"), false)
		require.NoError(t, err)
		require.Equal(t, &draft, h.contents().Draft)
		require.Equal(t, !kept, got.ClientSecret)
		require.Equal(t, kept, got.SecretStays)
		require.Equal(t, kept, h.stored(secretKey(made("keyring"))) != "")
	}
}

func TestForgetRest(t *testing.T) {
	t.Parallel()
	h := newFixture(t, sandbox.Options{})
	l := made("keyring")
	account := links.ServiceAccount{DataCenter: "de", APIHost: l.APIHost, ClientID: "second", ID: "ser_2", Store: "keyring"}
	draft := links.Draft{DataCenter: "de", ClientID: "third", Store: "keyring", Kept: true}
	h.change(func(c *links.Contents) { c.AddLink(l); c.AddServiceAccount(account); c.Draft = &draft })
	keys := map[string]bool{ // to whether it must stay
		secretKey(l): true, tokenKey(l): true,
		account.Link().Token().Key():                            false,
		links.StoredClientSecret("", l.APIHost, "second").Key(): false,
		links.StoredClientSecret("", l.APIHost, "third").Key():  false,
	}
	for k := range keys {
		require.NoError(t, h.places.store.Set(t.Context(), k, "secret"))
	}
	got, err := h.manager().DeleteUnneeded(t.Context(), true)
	require.NoError(t, err)
	require.Equal(t, links.Forgotten{ClientSecret: true, RefreshTokens: 1}, got)
	for k, stays := range keys {
		require.Equal(t, stays, h.stored(k) != "", k)
	}
	require.Empty(t, h.contents().ServiceAccounts)
	require.Nil(t, h.contents().Draft)
	require.Len(t, h.contents().Links, 1)
}

func TestForgetRestKeepsWhatItCouldNotDelete(t *testing.T) {
	t.Parallel()
	h := newFixture(t, sandbox.Options{})
	h.change(func(c *links.Contents) {
		c.AddServiceAccount(links.ServiceAccount{DataCenter: "de", APIHost: "api-de.cronofy.com", ClientID: "id", ID: "ser_2", Store: "keyring"})
	})
	h.places.store = spy{Store: h.places.store, del: func(string) error { return refused("delete") }}
	got, err := h.manager().DeleteUnneeded(t.Context(), true)
	require.ErrorIs(t, err, keystore.ErrRefused)
	require.Equal(t, links.StepSecrets, got.Failed)
	require.Len(t, h.contents().ServiceAccounts, 1)

	list := h.links.Path()
	h.places.store = spy{Store: h.places.store.(spy).Store, del: func(string) error { // and then a folder is in its place
		return errors.Join(os.RemoveAll(list), os.Mkdir(list, 0o700))
	}}
	got, err = h.manager().DeleteUnneeded(t.Context(), true)
	require.ErrorIs(t, err, links.ErrUnsafe)
	require.Equal(t, links.StepList, got.Failed, "the secrets are deleted")
}
