package links_test

import (
	"encoding/json"
	"errors"
	"testing"

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
		var text []byte
		_, err := h.manager().Export(t.Context(), l, func(b []byte) error { text = b; return nil })
		require.NoError(t, err)
		var got links.Handed
		require.NoError(t, json.Unmarshal(text, &got))
		require.Equal(t, h.stored(tokenKey(l)), got.RefreshToken)
		require.Equal(t, h.server.APIURL(), got.APIURL)
		require.Equal(t, "bearer", got.TokenType)
		require.Equal(t, fixedNow(), got.Exported)
		require.Equal(t, "Acme", got.Label)
		require.NotEmpty(t, got.OrganizationalUnit.Sub)
		require.NotContains(t, string(text), h.server.Credentials().ClientSecret.Reveal())
		// The access token is one that Cronofy takes, and confer's own goes on working.
		require.Len(t, got.AccessToken, 32)
		_, err = h.manager().Check(t.Context(), l)
		require.NoError(t, err)
	}
}

func TestExportThatCannotBeWrittenKeepsTheToken(t *testing.T) {
	t.Parallel()
	h := newFixture(t, sandbox.Options{Switches: sandbox.Switches{RotateRefreshTokens: true}})
	l := h.link(cronofy.Zoom)
	full := errors.New("no room")
	_, err := h.manager().Export(t.Context(), l, func([]byte) error { return full })
	require.ErrorIs(t, err, full)
	_, err = h.manager().Check(t.Context(), l)
	require.NoError(t, err, "the stored token is spent")
}

// TestExportOfATokenThatCannotBeStored: the file is the only place left for it.
func TestExportOfATokenThatCannotBeStored(t *testing.T) {
	t.Parallel()
	h := newFixture(t, sandbox.Options{Switches: sandbox.Switches{RotateRefreshTokens: true}})
	l := h.link(cronofy.Zoom)
	h.places.store = failAfter(h.places.store, 1, 100)
	var text []byte
	tokens, err := h.manager().Export(t.Context(), l, func(b []byte) error { text = b; return nil })
	var lost *links.NotStoredError
	require.ErrorAs(t, err, &lost)
	require.Contains(t, string(text), tokens.Refresh.Reveal())
}

func TestExportWithoutATokenWritesNothing(t *testing.T) {
	t.Parallel()
	h := newFixture(t, sandbox.Options{})
	l := h.link(cronofy.Zoom)
	h.drop(tokenKey(l))
	_, err := h.manager().Export(t.Context(), l, func([]byte) error { t.Error("written"); return nil })
	require.ErrorIs(t, err, links.ErrMissing)
}
