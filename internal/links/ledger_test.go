package links

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

func TestLedgerNamesSecretsAsTheStoreDoes(t *testing.T) {
	t.Parallel()
	l := link("ser_one")
	a := ServiceAccount{APIHost: "h", ClientID: "c", ID: "ser_one", Store: "file"}
	require.Equal(t, RefreshTokenKeyParts(l), StoredToken(l).KeyParts())
	require.Equal(t, ServiceAccountKeyParts(a), StoredAccountToken(a).KeyParts())
	require.Equal(t, ClientSecretKeyParts("h", "c"), StoredClientSecret("file", "h", "c").KeyParts())
}

func TestRecordAndStrike(t *testing.T) {
	t.Parallel()
	var c Contents
	s := StoredClientSecret("keyring", "h", "c")
	c.Record(s, noon)
	require.Len(t, c.Ledger, 1)
	read := c.Ledger[0]
	c.Record(s, noon.Add(time.Second))
	require.Len(t, c.Ledger, 1, "held once")
	c.Strike(read)
	require.Len(t, c.Ledger, 1, "it was recorded anew, so it may have been stored anew")
	c.Strike(c.Ledger[0])
	require.Empty(t, c.Ledger)
	for _, ends := range []string{"session", "none", ""} {
		c.Record(StoredClientSecret(ends, "h", "c"), noon)
		require.Empty(t, c.Ledger, "%q ends with the run", ends)
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
	require.ElementsMatch(t, []Stored{StoredToken(link("ser_one")), StoredClientSecret("keyring", moved.APIHost, moved.ClientID)}, c.Leftover())
}

// TestADraftElsewhereKeepsTheOldEntry: the same for unfinished answers.
func TestADraftElsewhereKeepsTheOldEntry(t *testing.T) {
	t.Parallel()
	f := tempFile(t)
	update(t, f, func(c *Contents) { c.Draft = &Draft{DataCenter: "de", ClientID: "id", Store: "keyring", Kept: true} })
	require.Empty(t, load(t, f).Leftover())
	update(t, f, func(c *Contents) { c.Draft = &Draft{DataCenter: "de", ClientID: "id", Store: "session"} })
	require.Equal(t, []Stored{StoredClientSecret("keyring", "api-de.cronofy.com", "id")}, load(t, f).Leftover())
}

func TestNeeded(t *testing.T) {
	t.Parallel()
	secret := StoredClientSecret("keyring", "api-de.cronofy.com", "id")
	for by, c := range map[string]Contents{
		ByLink:           {Links: []Link{{APIHost: secret.APIHost, ClientID: "id", ServiceAccount: "s", Provider: "p", Store: "keyring"}}},
		ByServiceAccount: {ServiceAccounts: []ServiceAccount{{APIHost: secret.APIHost, ClientID: "id", ID: "s", Store: "keyring"}}},
		ByDraft:          {Draft: &Draft{DataCenter: "de", ClientID: "id", Store: "keyring", Kept: true}},
		"":               {Draft: &Draft{DataCenter: "de", ClientID: "id", Store: "keyring"}},
	} {
		require.Equal(t, by, c.Needed(secret))
		elsewhere := secret
		elsewhere.Store = "file"
		require.Empty(t, c.Needed(elsewhere), "a copy in another store")
	}
}

func TestAnOldFileGetsItsLedger(t *testing.T) {
	t.Parallel()
	want := full()
	old := want
	old.Ledger = nil
	b, err := encode(old)
	require.NoError(t, err)
	require.False(t, strings.Contains(string(b), "ledger"))
	got, err := decode(b)
	require.NoError(t, err)
	require.Equal(t, want, got)
}
