package links_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"confer/cronofy"
	"confer/cronofy/sandbox"
	"confer/internal/links"
	"confer/keystore"
)

func TestStatusOfARealLink(t *testing.T) {
	t.Parallel()
	h := newFixture(t, sandbox.Options{})
	l := h.link(cronofy.Zoom)
	requests := len(h.server.Log())
	o, err := h.manager().Status(t.Context())
	require.NoError(t, err)
	require.False(t, o.Problem())
	require.Len(t, o.Links, 1)
	require.True(t, o.Links[0].Same(l))
	require.Equal(t, links.Secret{State: links.Present}, o.Secret(o.Links[0].ClientSecret()))
	require.Equal(t, links.Secret{State: links.Present}, o.Token(o.Links[0]))
	require.Len(t, h.server.Log(), requests, "it sent something")

	h.drop(tokenKey(l))
	o, err = h.manager().Status(t.Context())
	require.NoError(t, err)
	require.True(t, o.Problem())
	require.Equal(t, links.Missing, o.Token(o.Links[0]).State)
}

// made is a link that needs no server.
func made(store keystore.Kind) links.Link {
	return links.Link{DataCenter: "de", APIHost: "api-de.cronofy.com", ClientID: "id", ServiceAccount: "ser_1",
		Provider: "zoom_enterprise", Store: store, RefreshToken: true}
}

// statusCase is a link, a state of the keyring, and what is seen of the secrets.
type statusCase struct {
	name            string
	link            links.Link
	keyring         keystore.State
	dialog          bool
	secret, refresh links.SecretState
	cause           error
	problem         bool
}

func statusCases() []statusCase {
	unconfirmed := made("keyring")
	unconfirmed.Unconfirmed = true
	lost := made("keyring")
	lost.DataCenter = "moon"
	return []statusCase{
		{"memory", made("session"), keystore.Ready, false, links.Gone, links.Gone, nil, false},
		{"never a token", unconfirmed, keystore.Ready, false, links.Missing, links.None, nil, true},
		{"keyring is empty", made("keyring"), keystore.Ready, false, links.Missing, links.Missing, nil, true},
		{"locked", made("keyring"), keystore.Locked, false, links.Unread, links.Unread, keystore.ErrLocked, true},
		{"no bus", made("keyring"), keystore.NoBus, false, links.Unread, links.Unread, keystore.ErrUnavailable, true},
		{"silent", made("keyring"), keystore.Silent, false, links.Unread, links.Unread, keystore.ErrUnavailable, true},
		{"a dialog is possible", made("keyring"), keystore.Ready, true, links.Unread, links.Unread, links.ErrDialog, false},
		{"no such data center", lost, keystore.Ready, false, links.Missing, links.Missing, nil, true},
	}
}

func TestStatusBySecretStore(t *testing.T) {
	t.Parallel()
	for _, c := range statusCases() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := newFixture(t, sandbox.Options{})
			h.change(func(all *links.Contents) { all.AddLink(c.link) })
			h.places.state = c.keyring
			if c.keyring != keystore.Ready || c.dialog {
				h.places.store = spy{Store: h.places.store, get: func(string) error { t.Error("the keyring was read"); return nil }}
			}
			m := h.manager()
			m.DialogPossible = c.dialog
			o, err := m.Status(t.Context())
			require.NoError(t, err)
			require.Equal(t, c.secret, o.Secret(o.Links[0].ClientSecret()).State)
			require.Equal(t, c.refresh, o.Token(o.Links[0]).State)
			require.ErrorIs(t, o.Secret(o.Links[0].ClientSecret()).Err, c.cause)
			require.Equal(t, c.problem, o.Problem())
			require.Equal(t, c.link.Store == "keyring", h.places.probes == 1, "one probe is enough for all")
		})
	}
}

func TestStatusDoesNotAskForAPassphrase(t *testing.T) {
	t.Parallel()
	h := newFixture(t, sandbox.Options{})
	path := filepath.Join(t.TempDir(), "secrets.age")
	asked := func(context.Context) (string, error) { t.Error("asked for a passphrase"); return "", errors.New("no") }
	h.places.store = keystore.OpenFile(path, asked, 0)
	h.change(func(all *links.Contents) { all.AddLink(made("file")) })
	o, err := h.manager().Status(t.Context())
	require.NoError(t, err)
	require.Equal(t, links.Missing, o.Token(o.Links[0]).State)
	require.True(t, o.Problem())

	require.NoError(t, os.WriteFile(path, []byte("sealed"), 0o600))
	o, err = h.manager().Status(t.Context())
	require.NoError(t, err)
	require.Equal(t, links.Sealed, o.Token(o.Links[0]).State)
	require.False(t, o.Problem())
}

func TestStatusOfServiceAccounts(t *testing.T) {
	t.Parallel()
	h := newFixture(t, sandbox.Options{})
	a := links.ServiceAccount{DataCenter: "de", APIHost: "api-de.cronofy.com", ClientID: "id", ID: "ser_2", Store: "keyring"}
	h.change(func(all *links.Contents) { all.AddServiceAccount(a) })
	o, err := h.manager().Status(t.Context())
	require.NoError(t, err)
	require.Equal(t, links.Missing, o.Token(a.Link()).State)
	require.True(t, o.Problem())
	require.NoError(t, h.places.store.Set(t.Context(), a.Link().Token().Key(), "token"))
	o, err = h.manager().Status(t.Context())
	require.NoError(t, err)
	require.False(t, o.Problem())
}

// TestStatusOfADamagedFile: as often as it is asked, until the operator acts.
func TestStatusOfADamagedFile(t *testing.T) {
	t.Parallel()
	h := newFixture(t, sandbox.Options{})
	require.NoError(t, os.MkdirAll(filepath.Dir(h.links.Path()), 0o700))
	require.NoError(t, os.WriteFile(h.links.Path(), []byte("{"), 0o600))
	for range 3 {
		o, err := h.manager().Status(t.Context())
		require.NoError(t, err)
		require.True(t, o.Problem())
		require.Len(t, o.Damaged, 1)
		require.FileExists(t, o.Damaged[0])
	}
	got, err := h.manager().DeleteUnneeded(t.Context(), false)
	require.NoError(t, err)
	require.Len(t, got.Damaged, 1, "what is left over is not known")
	require.NoError(t, os.Remove(h.links.Path()+".damaged-1"))
	o, err := h.manager().Status(t.Context())
	require.NoError(t, err)
	require.False(t, o.Problem())
}

// TestAnEncryptedFileThatNothingLists: the list was lost or deleted.
func TestAnEncryptedFileThatNothingLists(t *testing.T) {
	t.Parallel()
	h := newFixture(t, sandbox.Options{})
	path := filepath.Join(t.TempDir(), "secrets.age")
	require.NoError(t, os.WriteFile(path, []byte("sealed"), 0o600))
	h.places.others = map[keystore.Kind]keystore.Store{"file": keystore.OpenFile(path, nil, 0)}
	o, err := h.manager().Status(t.Context())
	require.NoError(t, err)
	require.Equal(t, path, o.UnlistedFile)
	require.True(t, o.Problem())
	got, err := h.manager().DeleteUnneeded(t.Context(), false)
	require.NoError(t, err)
	require.Equal(t, path, got.UnlistedFile)
	require.FileExists(t, path)
	h.change(func(c *links.Contents) { c.AddSecret(clientSecret("file", made("file")), fixedNow()) })
	o, err = h.manager().Status(t.Context())
	require.NoError(t, err)
	require.Empty(t, o.UnlistedFile)
}

func TestStatusOfANewerFile(t *testing.T) {
	t.Parallel()
	h := newFixture(t, sandbox.Options{})
	require.NoError(t, os.MkdirAll(filepath.Dir(h.links.Path()), 0o700))
	require.NoError(t, os.WriteFile(h.links.Path(), []byte(`{"version":99}`), 0o600))
	for range 2 {
		_, err := h.manager().Status(t.Context())
		require.ErrorIs(t, err, links.ErrNewer)
		_, err = h.manager().DeleteUnneeded(t.Context(), false)
		require.ErrorIs(t, err, links.ErrNewer)
	}
	require.FileExists(t, h.links.Path())
}
