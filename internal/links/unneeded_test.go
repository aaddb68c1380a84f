package links_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"confer/cronofy"
	"confer/cronofy/sandbox"
	"confer/internal/links"
	"confer/keystore"
)

// put stores something under an entry's name, and records it.
func (h *fixture) put(all ...links.StoredSecret) {
	h.t.Helper()
	for _, s := range all {
		store, err := h.places.Open(s.Store, cronofy.Secret{})
		require.NoError(h.t, err)
		require.NoError(h.t, store.Set(h.t.Context(), s.Key(), "something"))
		h.change(func(c *links.Contents) { c.AddSecret(s, fixedNow()) })
	}
}

// has tells whether an entry's secret is in its store.
func (h *fixture) has(s links.StoredSecret) bool {
	h.t.Helper()
	store, err := h.places.Open(s.Store, cronofy.Secret{})
	require.NoError(h.t, err)
	_, err = store.Get(h.t.Context(), s.Key())
	if err != nil {
		require.ErrorIs(h.t, err, keystore.ErrNotFound)
	}
	return err == nil
}

func clientSecret(store keystore.Kind, l links.Link) links.StoredSecret {
	return links.StoredClientSecret(store, l.APIHost, l.ClientID)
}

// TestForgetFindsCopies: in whichever store an earlier set-up left them.
func TestForgetFindsCopies(t *testing.T) {
	t.Parallel()
	h := newFixture(t, sandbox.Options{})
	h.places.others = map[keystore.Kind]keystore.Store{"file": keystore.OpenSession()}
	old := made("file")
	copies := []links.StoredSecret{made("keyring").Token(), clientSecret("keyring", old), old.Token(), clientSecret("file", old)}
	h.put(copies...)
	h.change(func(c *links.Contents) { c.AddLink(made("session")) })
	got, err := h.manager().Forget(t.Context(), made("session"), false)
	require.NoError(t, err)
	require.Equal(t, links.Forgotten{ClientSecret: true, RefreshTokens: 2}, got)
	for _, s := range copies {
		require.False(t, h.has(s), s)
	}
	require.Empty(t, h.contents().Secrets)
}

// TestForgetTellsOfCopiesThatStay: the link is forgotten, and they stay recorded.
func TestForgetTellsOfCopiesThatStay(t *testing.T) {
	t.Parallel()
	h := newFixture(t, sandbox.Options{})
	h.places.others = map[keystore.Kind]keystore.Store{"file": spy{Store: keystore.OpenSession(), del: func(string) error { return refused("delete") }}}
	copied := made("file").Token()
	h.put(copied, made("keyring").Token(), clientSecret("keyring", made("keyring")))
	h.change(func(c *links.Contents) { c.AddLink(made("keyring")) })
	got, err := h.manager().Forget(t.Context(), made("keyring"), false)
	require.NoError(t, err)
	require.ErrorIs(t, got.Left, keystore.ErrRefused)
	require.Equal(t, 1, got.RefreshTokens)
	require.Empty(t, h.contents().Links)
	left := h.contents().UnneededSecrets()
	require.Len(t, left, 1)
	require.True(t, left[0].Same(copied))
}

// TestForgetMemoryLinkWithAnAccountInTheKeyring: its application's secret goes too.
func TestForgetMemoryLinkWithAnAccountInTheKeyring(t *testing.T) {
	t.Parallel()
	h := newFixture(t, sandbox.Options{})
	l := made("session")
	account := links.ServiceAccount{DataCenter: "de", APIHost: l.APIHost, ClientID: l.ClientID, ID: l.ServiceAccount, Store: "keyring"}
	h.put(account.Link().Token(), clientSecret("keyring", l))
	h.change(func(c *links.Contents) { c.AddLink(l); c.AddServiceAccount(account) })
	got, err := h.manager().Forget(t.Context(), l, false)
	require.NoError(t, err)
	require.Equal(t, links.Forgotten{ClientSecret: true, RefreshTokens: 1}, got)
	require.Empty(t, h.contents().Secrets)
}

// TestDeleteUnneeded: what is listed stays, with its secrets.
func TestDeleteUnneeded(t *testing.T) {
	t.Parallel()
	h := newFixture(t, sandbox.Options{})
	l := made("keyring")
	refusedRun := links.StoredClientSecret("keyring", l.APIHost, "another")
	h.put(l.Token(), clientSecret("keyring", l), refusedRun)
	h.change(func(c *links.Contents) {
		c.AddLink(l)
		c.Draft = &links.Draft{DataCenter: "de", ClientID: "third", Store: "keyring", Kept: true}
	})
	h.put(h.contents().Draft.ClientSecret())
	got, err := h.manager().DeleteUnneeded(t.Context(), false)
	require.NoError(t, err)
	require.Equal(t, links.Forgotten{ClientSecret: true}, got)
	require.False(t, h.has(refusedRun))
	c := h.contents()
	require.True(t, h.has(l.Token()) && h.has(clientSecret("keyring", l)) && h.has(c.Draft.ClientSecret()))
	require.Len(t, c.Secrets, 3)
	require.Len(t, c.Links, 1)
}

// TestLeftoverOfOneStoreDoesNotWaitForAnother: a store that cannot be used is
// asked once, and what it has stays recorded.
func TestLeftoverOfOneStoreDoesNotWaitForAnother(t *testing.T) {
	t.Parallel()
	h := newFixture(t, sandbox.Options{})
	asked := 0
	broken := spy{Store: keystore.OpenSession(), del: func(string) error { asked++; return refused("delete") }}
	h.places.others = map[keystore.Kind]keystore.Store{"file": broken}
	l := made("keyring")
	h.put(made("file").Token(), clientSecret("file", l), l.Token(), clientSecret("keyring", l))
	_, err := h.manager().DeleteUnneeded(t.Context(), false)
	require.ErrorIs(t, err, keystore.ErrRefused)
	require.Equal(t, 1, asked)
	require.False(t, h.has(l.Token()) || h.has(clientSecret("keyring", l)))
	require.Len(t, h.contents().Secrets, 2)
	for _, s := range h.contents().Secrets {
		require.Equal(t, keystore.File, s.Store)
	}
}

// TestARecordMadeMeanwhileStays: a set-up stores again what is being deleted.
func TestARecordMadeMeanwhileStays(t *testing.T) {
	t.Parallel()
	h := newFixture(t, sandbox.Options{})
	s := clientSecret("keyring", made("keyring"))
	h.put(s)
	h.places.store = spy{Store: h.places.store, del: func(string) error {
		h.change(func(c *links.Contents) { c.AddSecret(s, fixedNow().Add(time.Second)) })
		return nil
	}}
	_, err := h.manager().DeleteUnneeded(t.Context(), false)
	require.NoError(t, err)
	require.Len(t, h.contents().Secrets, 1)
}

// TestForgetDoesNotFailForAnotherSetUpsSecret: a client secret in another store is
// not the link's, and status lists it.
func TestForgetDoesNotFailForAnotherSetUpsSecret(t *testing.T) {
	t.Parallel()
	h := newFixture(t, sandbox.Options{})
	h.places.others = map[keystore.Kind]keystore.Store{"file": spy{Store: keystore.OpenSession(), del: func(string) error { return refused("delete") }}}
	other := clientSecret("file", made("file"))
	h.put(other, made("keyring").Token(), clientSecret("keyring", made("keyring")))
	h.change(func(c *links.Contents) { c.AddLink(made("keyring")) })
	got, err := h.manager().Forget(t.Context(), made("keyring"), false)
	require.NoError(t, err)
	require.NoError(t, got.Left)
	require.ErrorIs(t, got.LeftSecret, keystore.ErrRefused)
	require.True(t, h.contents().HasSecret(other))
}
