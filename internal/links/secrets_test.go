package links

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"confer/keystore"
)

var noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

func TestKeysFollowTheLayout(t *testing.T) {
	t.Parallel()
	l := link("ser_one")
	a := ServiceAccount{APIHost: "h", ClientID: "c", ID: "ser_one", Store: "file"}
	for key, parts := range map[string][]string{
		l.Token().Key():                               {"api-de.cronofy.com", "k3Hn2cWq9ZrT5vXy7LbD", "ser_one", "zoom_enterprise", "refresh_token"},
		a.Link().Token().Key():                        {"h", "c", "ser_one", "service_account", "refresh_token"},
		StoredClientSecret("keyring", "h", "c").Key(): {"h", "c", "client_secret"},
	} {
		require.Equal(t, keystore.Key(parts...), key)
	}
}

func TestAddAndRemoveSecret(t *testing.T) {
	t.Parallel()
	var c Contents
	s := StoredClientSecret("keyring", "h", "c")
	c.AddSecret(s, noon)
	require.Len(t, c.Secrets, 1)
	read := c.Secrets[0]
	c.AddSecret(s, noon.Add(time.Second))
	require.Len(t, c.Secrets, 1, "held once")
	c.RemoveSecret(read)
	require.Len(t, c.Secrets, 1, "it was recorded anew, so it may have been stored anew")
	c.RemoveSecret(c.Secrets[0])
	require.Empty(t, c.Secrets)
	for _, ends := range []keystore.Kind{"session", "none", ""} {
		c.AddSecret(StoredClientSecret(ends, "h", "c"), noon)
		require.Empty(t, c.Secrets, "%q ends with the run", ends)
	}
}

// TestALinkElsewhereKeepsTheOldEntries: they say where the old secrets still are.
func TestALinkElsewhereKeepsTheOldEntries(t *testing.T) {
	t.Parallel()
	f := tempFile(t)
	update(t, f, func(c *Contents) { c.AddLink(link("ser_one")) })
	moved := link("ser_one")
	moved.Store = "session"
	update(t, f, func(c *Contents) { c.AddLink(moved) })
	c := load(t, f)
	require.ElementsMatch(t, []StoredSecret{link("ser_one").Token(), StoredClientSecret("keyring", moved.APIHost, moved.ClientID)}, c.UnneededSecrets())
}

// TestADraftElsewhereKeepsTheOldEntry: the same for unfinished answers.
func TestADraftElsewhereKeepsTheOldEntry(t *testing.T) {
	t.Parallel()
	f := tempFile(t)
	update(t, f, func(c *Contents) { c.Draft = &Draft{DataCenter: "de", ClientID: "id", Store: "keyring", Kept: true} })
	require.Empty(t, load(t, f).UnneededSecrets())
	update(t, f, func(c *Contents) { c.Draft = &Draft{DataCenter: "de", ClientID: "id", Store: "session"} })
	require.Equal(t, []StoredSecret{StoredClientSecret("keyring", "api-de.cronofy.com", "id")}, load(t, f).UnneededSecrets())
}

func TestNeeded(t *testing.T) {
	t.Parallel()
	secret := StoredClientSecret("keyring", "api-de.cronofy.com", "id")
	for name, c := range map[string]Contents{
		"link":            {Links: []Link{{APIHost: secret.APIHost, ClientID: "id", ServiceAccount: "s", Provider: "p", Store: "keyring"}}},
		"service account": {ServiceAccounts: []ServiceAccount{{APIHost: secret.APIHost, ClientID: "id", ID: "s", Store: "keyring"}}},
		"draft":           {Draft: &Draft{DataCenter: "de", ClientID: "id", Store: "keyring", Kept: true}},
		"":                {Draft: &Draft{DataCenter: "de", ClientID: "id", Store: "keyring"}},
	} {
		require.Equal(t, name != "", c.Needs(secret), name)
		elsewhere := secret
		elsewhere.Store = "file"
		require.False(t, c.Needs(elsewhere), "a copy in another store")
	}
}

func TestAnOldFileGetsItsLedger(t *testing.T) {
	t.Parallel()
	want := full()
	old := want
	old.Secrets = nil
	b, err := json.Marshal(versioned{1, old})
	require.NoError(t, err)
	require.False(t, strings.Contains(string(b), "ledger"))
	got, err := decode(b)
	require.NoError(t, err)
	require.Equal(t, want, got)
}
