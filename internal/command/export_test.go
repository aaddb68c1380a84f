package command

import (
	"context"
	"encoding/json"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"confer/cronofy"
	"confer/cronofy/sandbox"
	"confer/internal/links"
	"confer/keystore"
)

func TestExportHandsBothTokens(t *testing.T) {
	t.Parallel()
	for _, rotate := range []bool{false, true} {
		h := newCommandHouse(t, commandRow{switches: sandbox.Switches{RotateRefreshTokens: rotate}})
		m, l := h.linked()
		l.Label, l.OrganizationalUnit = "Acme", "oun_1"
		token, _, err := m.Check(t.Context(), l)
		require.NoError(t, err)
		text, err := handover(l, token)
		require.NoError(t, err)
		var got map[string]any
		require.NoError(t, json.Unmarshal(text, &got))
		store, err := m.Stores.Open(keystore.Keyring, cronofy.Secret{})
		require.NoError(t, err)
		stored, err := store.Get(t.Context(), l.Token().Key())
		require.NoError(t, err)
		require.Equal(t, stored, got["refresh_token"])
		require.Equal(t, h.server.APIURL(), got["api_url"])
		require.Equal(t, "bearer", got["token_type"])
		exported, err := time.Parse(time.RFC3339, got["exported"].(string))
		require.NoError(t, err)
		require.WithinDuration(t, time.Now(), exported, time.Minute)
		require.Equal(t, exported.Add(time.Hour).Format(time.RFC3339), got["access_token_expires_at"])
		require.Equal(t, "Acme", got["label"])
		require.Equal(t, map[string]any{"sub": "oun_1"}, got["organizational_unit"])
		require.NotContains(t, string(text), h.server.Credentials().ClientSecret.Reveal())
		require.Equal(t, token.AccessToken.Reveal(), got["access_token"])
		// confer's own goes on working.
		_, _, err = m.Check(t.Context(), l)
		require.NoError(t, err)
	}
}

// unwritable refuses a refresh token, and takes all else.
type unwritable struct{ keystore.Store }

func (s unwritable) Set(ctx context.Context, key, secret string) error {
	if strings.HasSuffix(key, "refresh_token") {
		return &keystore.Error{Op: "set", Store: keystore.Keyring, Err: keystore.ErrRefused}
	}
	return s.Store.Set(ctx, key, secret)
}

// TestExportOfATokenThatCannotBeStored: the file is the only place left for it.
func TestExportOfATokenThatCannotBeStored(t *testing.T) {
	t.Parallel()
	h := newCommandHouse(t, commandRow{switches: sandbox.Switches{RotateRefreshTokens: true}})
	m, l := h.linked()
	m.Stores = oneStore{unwritable{m.Stores.(oneStore).Store}}
	token, rotated, err := m.Check(t.Context(), l)
	var lost *links.NotStoredError
	require.ErrorAs(t, err, &lost)
	require.True(t, rotated)
	require.False(t, token.RefreshToken.Empty())
	var written string
	put := func(text []byte) error { written = string(text); return nil }
	require.ErrorContains(t, handOver(l, token, lost, put), "the file has the only copy")
	require.Contains(t, written, token.RefreshToken.Reveal())
	err = handOver(l, token, lost, func([]byte) error { return syscall.ENOSPC })
	require.ErrorContains(t, err, "no space left on device")
	require.NotContains(t, err.Error(), "still works")
}
