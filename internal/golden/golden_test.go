package golden

import (
	"io/fs"
	"os"
	"os/exec"
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

// TestAFailedTestNamesNoUnusedGolden: what panics or fails has not come to its
// goldens, and they are not to be removed for that. One that passes names them.
func TestAFailedTestNamesNoUnusedGolden(t *testing.T) {
	t.Parallel()
	for how, named := range map[string]bool{"panics": false, "fails": false, "passes": true} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			require.NoError(t, os.WriteFile(filepath.Join(dir, "a.golden"), []byte("a"), 0o600))
			cmd := exec.Command(os.Args[0], "-test.run=^TestEnds$")
			cmd.Env = append(os.Environ(), "GOLDEN_TEST_ENDS="+how, "GOLDEN_TEST_DIR="+dir)
			out, err := cmd.CombinedOutput()
			require.Error(t, err)
			require.Equal(t, named, strings.Contains(string(out), "is used by no test"), string(out))
			require.FileExists(t, filepath.Join(dir, "a.golden"))
		})
	}
}

// TestEnds is run by the test above, in a process of its own.
func TestEnds(t *testing.T) {
	how := os.Getenv("GOLDEN_TEST_ENDS")
	if how == "" {
		return
	}
	Open(t, os.Getenv("GOLDEN_TEST_DIR"))
	t.Run("scene", func(t *testing.T) {
		switch how {
		case "panics":
			panic("before the golden")
		case "fails":
			t.Fatal("before the golden")
		}
	})
}
