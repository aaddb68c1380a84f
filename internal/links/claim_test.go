package links

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestOneClaim: the second is told, and the first one's end frees it.
func TestOneClaim(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "confer", "links.json")
	release, err := Open(path).Claim()
	require.NoError(t, err)
	_, err = Open(path).Claim()
	require.ErrorIs(t, err, ErrClaimed)
	release()
	release, err = Open(path).Claim()
	require.NoError(t, err)
	release()
	require.NoFileExists(t, path)
}

// TestClaimWhereNothingCanBeWritten says what an Update would.
func TestClaimWhereNothingCanBeWritten(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "confer")
	require.NoError(t, os.WriteFile(dir, nil, 0o600))
	_, err := Open(filepath.Join(dir, "links.json")).Claim()
	require.Error(t, err)
	require.NotErrorIs(t, err, ErrClaimed)
}
