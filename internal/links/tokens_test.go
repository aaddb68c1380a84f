package links_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"confer/cronofy"
	"confer/cronofy/sandbox"
	"confer/internal/links"
	"confer/keystore"
)

func TestCheckKeepsAnUnrotatedToken(t *testing.T) {
	t.Parallel()
	h := newFixture(t, sandbox.Options{})
	l := h.link(cronofy.Zoom)
	before := h.stored(tokenKey(l))
	got, rotated, err := h.manager().Check(t.Context(), l)
	require.NoError(t, err)
	require.False(t, rotated)
	require.Equal(t, before, h.stored(tokenKey(l)))
	require.Equal(t, time.Hour, got.ExpiresIn)
	require.Equal(t, "organizational_unit_use_integrations", got.Scope)
}

func TestCheckStoresARotatedToken(t *testing.T) {
	t.Parallel()
	h := newFixture(t, sandbox.Options{Switches: sandbox.Switches{RotateRefreshTokens: true}})
	l := h.link(cronofy.Zoom)
	before := h.stored(tokenKey(l))
	got, rotated, err := h.manager().Check(t.Context(), l)
	require.NoError(t, err)
	require.True(t, rotated)
	require.NotEqual(t, before, h.stored(tokenKey(l)))
	require.Equal(t, got.RefreshToken.Reveal(), h.stored(tokenKey(l)))
	_, _, err = h.manager().Check(t.Context(), l) // with the new one, which the old one would fail
	require.NoError(t, err)
}

// TestManyRefreshAtOnce: each refresh spends the token, so whoever read it before
// another stored its own would be refused, and could store a token that is spent.
func TestManyRefreshAtOnce(t *testing.T) {
	t.Parallel()
	h := newFixture(t, sandbox.Options{Switches: sandbox.Switches{RotateRefreshTokens: true}})
	l := h.link(cronofy.Zoom)
	var all sync.WaitGroup
	const many = 12
	errs := make([]error, many)
	for i := range many {
		all.Go(func() { _, _, errs[i] = h.manager().Check(t.Context(), l) })
	}
	all.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	_, _, err := h.manager().Check(t.Context(), l)
	require.NoError(t, err, "the token that is stored is not the last one")
}

func TestUnwritableStoreSpendsNothing(t *testing.T) {
	t.Parallel()
	h := newFixture(t, sandbox.Options{Switches: sandbox.Switches{RotateRefreshTokens: true}})
	l := h.link(cronofy.Zoom)
	before, store := h.stored(tokenKey(l)), h.places.store
	h.places.store = spy{Store: store, set: func(string) error { return refused("set") }}
	_, _, err := h.manager().Check(t.Context(), l)
	require.ErrorIs(t, err, keystore.ErrRefused)
	var lost *links.NotStoredError
	require.NotErrorAs(t, err, &lost)
	h.places.store = store
	require.Equal(t, before, h.stored(tokenKey(l)))
	_, _, err = h.manager().Check(t.Context(), l)
	require.NoError(t, err)
}

// failAfter makes a store fail from its n-th Set on, for times calls.
func failAfter(store keystore.Store, n, times int) spy {
	count := 0
	return spy{Store: store, set: func(string) error {
		count++
		if count > n && count <= n+times {
			return refused("set")
		}
		return nil
	}}
}

func TestRotatedTokenIsStoredAtAnotherTry(t *testing.T) {
	t.Parallel()
	h := newFixture(t, sandbox.Options{Switches: sandbox.Switches{RotateRefreshTokens: true}})
	l := h.link(cronofy.Zoom)
	h.places.store = failAfter(h.places.store, 1, 2)
	got, _, err := h.manager().Check(t.Context(), l)
	require.NoError(t, err)
	require.Equal(t, got.RefreshToken.Reveal(), h.stored(tokenKey(l)))
}

func TestRotatedTokenThatCannotBeStoredIsTold(t *testing.T) {
	t.Parallel()
	h := newFixture(t, sandbox.Options{Switches: sandbox.Switches{RotateRefreshTokens: true}})
	l := h.link(cronofy.Zoom)
	h.places.store = failAfter(h.places.store, 1, 100)
	got, rotated, err := h.manager().Check(t.Context(), l)
	var lost *links.NotStoredError
	require.ErrorAs(t, err, &lost)
	require.ErrorIs(t, err, keystore.ErrRefused)
	require.True(t, rotated)
	require.False(t, got.RefreshToken.Empty())
}

// TestNewerTokenStays: a set-up that ran meanwhile has stored the token of a new
// authorization, which a rotated token of the old one must not replace.
func TestNewerTokenStays(t *testing.T) {
	t.Parallel()
	h := newFixture(t, sandbox.Options{Switches: sandbox.Switches{RotateRefreshTokens: true}})
	l := h.link(cronofy.Zoom)
	store := h.places.store
	m := h.manager()
	real := m.NewClient
	m.NewClient = func(s cronofy.Site, a cronofy.App) links.Client {
		return meddler{real(s, a), func() { _ = store.Set(context.Background(), tokenKey(l), "newer") }}
	}
	_, _, err := m.Check(t.Context(), l)
	require.NoError(t, err)
	require.Equal(t, "newer", h.stored(tokenKey(l)))
}

// meddler does something after Cronofy has answered.
type meddler struct {
	links.Client
	after func()
}

func (m meddler) Refresh(ctx context.Context, s cronofy.Secret) (cronofy.Token, error) {
	t, err := m.Client.Refresh(ctx, s)
	m.after()
	return t, err
}

// interrupted is called while somebody presses Ctrl+C.
type interrupted struct {
	links.Client
	cancel func()
}

func (i interrupted) Refresh(ctx context.Context, s cronofy.Secret) (cronofy.Token, error) {
	i.cancel()
	return i.Client.Refresh(ctx, s)
}

// TestCancelDoesNotLoseATokenOnItsWay: Ctrl+C while Cronofy answers.
func TestCancelDoesNotLoseATokenOnItsWay(t *testing.T) {
	t.Parallel()
	h := newFixture(t, sandbox.Options{Switches: sandbox.Switches{RotateRefreshTokens: true}})
	l := h.link(cronofy.Zoom)
	ctx, cancel := context.WithCancel(t.Context())
	m := h.manager()
	real := m.NewClient
	m.NewClient = func(s cronofy.Site, a cronofy.App) links.Client { return interrupted{real(s, a), cancel} }
	got, _, err := m.Check(ctx, l)
	require.NoError(t, err)
	require.Equal(t, got.RefreshToken.Reveal(), h.stored(tokenKey(l)))
}

func TestCheckRefusals(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		edit func(*fixture, *testLink)
		want error
	}{
		{"unconfirmed", func(_ *fixture, l *testLink) { l.Unconfirmed = true }, links.ErrNoToken},
		{"no token came", func(_ *fixture, l *testLink) { l.RefreshToken = false }, links.ErrNoToken},
		{"memory", func(_ *fixture, l *testLink) { l.Store = "session" }, links.ErrGone},
		{"token deleted", func(h *fixture, l *testLink) { h.drop(tokenKey(l.Link)) }, links.ErrMissing},
		{"client secret deleted", func(h *fixture, l *testLink) { h.drop(secretKey(l.Link)) }, links.ErrNoSecret},
		{"unknown data center", func(_ *fixture, l *testLink) { l.DataCenter = "moon" }, links.ErrSite},
		{"plain http elsewhere", func(_ *fixture, l *testLink) { l.APIURL = "http://api.example.test" }, links.ErrSite},
		{"another host", func(_ *fixture, l *testLink) { l.APIURL = "https://api.example.test" }, links.ErrSite},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := newFixture(t, sandbox.Options{})
			l := &testLink{h.link(cronofy.Zoom)}
			c.edit(h, l)
			_, _, err := h.manager().Check(t.Context(), l.Link)
			require.ErrorIs(t, err, c.want)
		})
	}
}

func TestCheckOfARevokedToken(t *testing.T) {
	t.Parallel()
	h := newFixture(t, sandbox.Options{})
	l := h.link(cronofy.Zoom)
	h.server.Set(sandbox.Fault{Endpoint: sandbox.Refresh, Status: 400, Error: "invalid_grant"})
	_, _, err := h.manager().Check(t.Context(), l)
	require.Equal(t, "invalid_grant", cronofy.CodeOf(err))
	require.NotEmpty(t, h.stored(tokenKey(l)), "a refused token is still there")
}

func TestGivenSecretComesFirst(t *testing.T) {
	t.Parallel()
	h := newFixture(t, sandbox.Options{})
	l := h.link(cronofy.Zoom)
	h.drop(secretKey(l))
	m := h.manager()
	m.Given = &cronofy.App{ClientID: l.ClientID, ClientSecret: h.server.Credentials().ClientSecret}
	_, _, err := m.Check(t.Context(), l)
	require.NoError(t, err)
}

// refusing is a keyring whose user refuses each write: only what is there already
// reads back as it was written. It notes what could not be had twice.
type refusing struct {
	keystore.Store
	patient map[string]bool
	allow   bool
}

func (s refusing) Set(ctx context.Context, key, secret string) error {
	_, s.patient[key] = ctx.Deadline()
	if now, err := s.Get(ctx, key); s.allow || err == nil && now == secret {
		return s.Store.Set(ctx, key, secret)
	}
	return &keystore.Error{Op: "set", Store: keystore.Keyring, Err: keystore.ErrReadBack}
}

// TestTokenIsNotSpentWhereNoneCanBeStored: to store the old one again proves nothing.
func TestTokenIsNotSpentWhereNoneCanBeStored(t *testing.T) {
	t.Parallel()
	h := newFixture(t, sandbox.Options{Switches: sandbox.Switches{RotateRefreshTokens: true}})
	l := h.link(cronofy.Zoom)
	real, patient := h.places.store, map[string]bool{}
	h.places.store = refusing{real, patient, false}
	_, _, err := h.manager().Check(t.Context(), l)
	require.ErrorIs(t, err, keystore.ErrReadBack)
	require.NotContains(t, patient, tokenKey(l))
	h.places.store = refusing{real, patient, true}
	_, rotated, err := h.manager().Check(t.Context(), l)
	require.NoError(t, err, "the token was not spent")
	require.True(t, rotated)
	require.True(t, patient[tokenKey(l)], "a rotated token waits as long as it takes")
}
