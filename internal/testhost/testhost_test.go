package testhost

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestProcessesDoNotShare: what one has found, another must not find before it is
// listened on.
func TestProcessesDoNotShare(t *testing.T) {
	one, err := claimFrom(7)
	require.NoError(t, err)
	defer func() { require.NoError(t, one.Close()) }()
	other, err := claimFrom(7)
	require.NoError(t, err)
	defer func() { require.NoError(t, other.Close()) }()
	require.NotEqual(t, one.Addr().String(), other.Addr().String())
}

func TestPortsDiffer(t *testing.T) {
	seen := map[int]bool{}
	for range perPart / 2 {
		port, err := Port()
		require.NoError(t, err)
		require.False(t, seen[port])
		seen[port] = true
	}
}
