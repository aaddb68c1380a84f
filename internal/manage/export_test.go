package manage_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"confer/cronofy"
	"confer/cronofy/sandbox"
	"confer/internal/manage"
)

func TestExportHandsBothTokens(t *testing.T) {
	t.Parallel()
	for _, rotate := range []bool{false, true} {
		h := newHouse(t, sandbox.Options{Switches: sandbox.Switches{RotateRefreshTokens: rotate}})
		l := h.link(cronofy.Zoom)
		var text []byte
		_, err := h.manager().Export(t.Context(), l, func(b []byte) error { text = b; return nil })
		require.NoError(t, err)
		var got manage.Handed
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
	h := newHouse(t, sandbox.Options{Switches: sandbox.Switches{RotateRefreshTokens: true}})
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
	h := newHouse(t, sandbox.Options{Switches: sandbox.Switches{RotateRefreshTokens: true}})
	l := h.link(cronofy.Zoom)
	h.places.store = failAfter(h.places.store, 1, 100)
	var text []byte
	tokens, err := h.manager().Export(t.Context(), l, func(b []byte) error { text = b; return nil })
	var lost *manage.NotKeptError
	require.ErrorAs(t, err, &lost)
	require.Contains(t, string(text), tokens.Refresh.Reveal())
}

func TestExportWithoutATokenWritesNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t, sandbox.Options{})
	l := h.link(cronofy.Zoom)
	h.drop(tokenKey(l))
	_, err := h.manager().Export(t.Context(), l, func([]byte) error { t.Error("written"); return nil })
	require.ErrorIs(t, err, manage.ErrMissing)
}

func TestPrivateFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "tokens.json")
	f, err := manage.CreatePrivate(path, false)
	require.NoError(t, err)
	require.NoError(t, f.Write([]byte("one\n")))
	require.NoError(t, f.Close())
	requirePrivate(t, path, "one\n")

	_, err = manage.CreatePrivate(path, false)
	require.ErrorIs(t, err, manage.ErrExists)
	requirePrivate(t, path, "one\n")

	f, err = manage.CreatePrivate(path, true)
	require.NoError(t, err)
	requirePrivate(t, path, "one\n")
	require.NoError(t, f.Write([]byte("two\n")))
	require.NoError(t, f.Close())
	requirePrivate(t, path, "two\n")
	requireAlone(t, dir, "tokens.json")
}

func TestPrivateFileThatIsGivenUp(t *testing.T) {
	t.Parallel()
	for _, replace := range []bool{false, true} {
		dir := t.TempDir()
		path := filepath.Join(dir, "tokens.json")
		f, err := manage.CreatePrivate(path, replace)
		require.NoError(t, err)
		require.NoError(t, f.Close())
		requireAlone(t, dir)
	}
}

// TestPrivateFileKeepsWide: a file that others can read becomes one that they cannot.
func TestPrivateFileNarrowsAndDoesNotFollow(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	wide, link, target := filepath.Join(dir, "wide"), filepath.Join(dir, "link"), filepath.Join(dir, "target")
	require.NoError(t, os.WriteFile(wide, []byte("x"), 0o644))
	f, err := manage.CreatePrivate(wide, true)
	require.NoError(t, err)
	require.NoError(t, f.Write([]byte("y")))
	require.NoError(t, f.Close())
	requirePrivate(t, wide, "y")

	require.NoError(t, os.WriteFile(target, []byte("kept"), 0o600))
	if err := os.Symlink(target, link); err != nil {
		t.Skip("no symbolic links here")
	}
	for _, replace := range []bool{false, true} {
		_, err = manage.CreatePrivate(link, replace)
		require.ErrorIs(t, err, manage.ErrExists)
	}
	requirePrivate(t, target, "kept")
}

func requirePrivate(t *testing.T, path, text string) {
	t.Helper()
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, text, string(got))
	info, err := os.Stat(path)
	require.NoError(t, err)
	if runtime.GOOS != "windows" {
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	}
}

func requireAlone(t *testing.T, dir string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	got := []string{}
	for _, e := range entries {
		got = append(got, e.Name())
	}
	require.ElementsMatch(t, names, got)
}
