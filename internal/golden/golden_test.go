package golden

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestEveryPackageKnowsTheFlag: "go test ./... -update" fails in a test binary
// that does not.
func TestEveryPackageKnowsTheFlag(t *testing.T) {
	t.Parallel()
	knows := map[string]bool{}
	require.NoError(t, filepath.WalkDir("../..", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		dir := filepath.Dir(path)
		knows[dir] = knows[dir] || strings.Contains(string(text), `"confer/internal/golden"`)
		return err
	}))
	delete(knows, filepath.Join("..", "..", "internal", "golden"))
	require.NotEmpty(t, knows)
	for dir, ok := range knows {
		require.True(t, ok, "no test in %s imports confer/internal/golden: a line like cronofy/golden_test.go's is enough", dir)
	}
}
