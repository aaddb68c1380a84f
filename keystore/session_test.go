package keystore

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSession(t *testing.T) {
	t.Parallel()
	ctx, s := t.Context(), OpenSession()
	var _ = []Store{s, OpenKeyring(), OpenFile("x", nil)}
	require.Equal(t, Session, s.Kind())
	_, err := s.Get(ctx, "k")
	require.Equal(t, "session get: no such secret", asError(t, err, ErrNotFound).Error())
	require.NoError(t, s.Set(ctx, "k", "v"))
	got, err := s.Get(ctx, "k")
	require.NoError(t, err)
	require.Equal(t, "v", got)
	require.NoError(t, s.Delete(ctx, "k"))
	require.NoError(t, s.Delete(ctx, "k"))
	_, err = s.Get(ctx, "k")
	asError(t, err, ErrNotFound)
	_, err = OpenSession().Get(ctx, "k")
	asError(t, err, ErrNotFound)
}

func TestSessionHasTheSameLimits(t *testing.T) {
	t.Parallel()
	ctx, s := t.Context(), OpenSession()
	require.NoError(t, s.Set(ctx, strings.Repeat("k", MaxKey), strings.Repeat("x", MaxSecret)))
	asError(t, s.Set(ctx, "k", strings.Repeat("x", MaxSecret+1)), ErrTooBig)
	asError(t, s.Set(ctx, "a:b", "v"), ErrKey)
	asError(t, s.Delete(ctx, ""), ErrKey)
	_, err := s.Get(ctx, strings.Repeat("k", MaxKey+1))
	asError(t, err, ErrTooBig)
	dead, cancel := context.WithCancel(ctx)
	cancel()
	require.ErrorIs(t, asError(t, s.Set(dead, "k", "v"), ErrTimeout), context.Canceled)
}
