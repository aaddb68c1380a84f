package links_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"confer/cronofy"
	"confer/cronofy/sandbox"
	"confer/internal/links"
)

func TestExportHandsBothTokens(t *testing.T) {
	t.Parallel()
	for _, rotate := range []bool{false, true} {
		h := newFixture(t, sandbox.Options{Switches: sandbox.Switches{RotateRefreshTokens: rotate}})
		l := h.link(cronofy.Zoom)
		token, _, err := h.manager().Check(t.Context(), l)
		require.NoError(t, err)
		text, err := links.Handover(l, token)
		require.NoError(t, err)
		var got links.Handed
		require.NoError(t, json.Unmarshal(text, &got))
		require.Equal(t, h.stored(tokenKey(l)), got.RefreshToken)
		require.Equal(t, h.server.APIURL(), got.APIURL)
		require.Equal(t, "bearer", got.TokenType)
		require.WithinDuration(t, time.Now(), got.Exported, time.Minute)
		require.Equal(t, got.Exported.Add(time.Hour), *got.ExpiresAt)
		require.Equal(t, "Acme", got.Label)
		require.NotEmpty(t, got.OrganizationalUnit.Sub)
		require.NotContains(t, string(text), h.server.Credentials().ClientSecret.Reveal())
		// The access token is one that Cronofy takes, and confer's own goes on working.
		require.Len(t, got.AccessToken, 32)
		_, _, err = h.manager().Check(t.Context(), l)
		require.NoError(t, err)
	}
}

// TestExportOfATokenThatCannotBeStored: the file is the only place left for it.
func TestExportOfATokenThatCannotBeStored(t *testing.T) {
	t.Parallel()
	h := newFixture(t, sandbox.Options{Switches: sandbox.Switches{RotateRefreshTokens: true}})
	l := h.link(cronofy.Zoom)
	h.places.store = failAfter(h.places.store, 1, 100)
	token, rotated, err := h.manager().Check(t.Context(), l)
	var lost *links.NotStoredError
	require.ErrorAs(t, err, &lost)
	require.True(t, rotated)
	text, err := links.Handover(l, token)
	require.NoError(t, err)
	require.Contains(t, string(text), token.RefreshToken.Reveal())
}
