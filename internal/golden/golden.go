// Package golden compares what a test sees with files that people have looked
// at. With -update the files are written instead: "go test ./... -update", and
// review the difference like code.
//
// Every package with tests imports it, with goldens or without, so that each
// test binary knows the flag; a test holds that.
package golden

import (
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/aymanbagabas/go-udiff"
	_ "github.com/charmbracelet/x/exp/golden" // defines -update; a test of the screen brings it, and a flag is defined once
	"github.com/stretchr/testify/require"
)

// Update tells whether goldens are to be written.
func Update() bool { return flag.Lookup("update").Value.String() == "true" }

// Equal compares got with the file, or writes it.
func Equal(t testing.TB, path, got string) {
	t.Helper()
	if Update() {
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o750))
		require.NoError(t, os.WriteFile(path, []byte(got), 0o600))
		return
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err, "run the test with -update to make the golden")
	diff := udiff.Unified(path, "the test", visible(strings.ReplaceAll(string(want), "\r\n", "\n")), visible(got))
	if diff != "" {
		t.Errorf("the golden is not what the test sees; run it with -update and look at the difference:\n%s", diff)
	}
}

// visible writes control characters out, so that a failure does not act on the
// terminal that shows it.
func visible(s string) string {
	quoted := strconv.Quote(s)
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\n`, "\n")
}

// Dir is a folder of goldens that one test compares with.
type Dir struct {
	path string
	mu   sync.Mutex
	used map[string]bool
}

// Open makes a test that has not failed do so at its end over each file in the
// folder that it did not compare with; -update removes them. One that has failed
// may not have come as far, nor one among whose subtests -run or -skip choose.
func Open(t *testing.T, path string) *Dir {
	t.Helper()
	d := &Dir{path: path, used: map[string]bool{}}
	partly := strings.Contains(flag.Lookup("test.run").Value.String(), "/") || flag.Lookup("test.skip").Value.String() != ""
	t.Cleanup(func() {
		if t.Failed() || partly {
			return
		}
		files, err := os.ReadDir(path)
		require.NoError(t, err)
		for _, f := range files {
			switch unused := filepath.Join(path, f.Name()); {
			case d.used[f.Name()]:
			case Update():
				require.NoError(t, os.Remove(unused))
			default:
				t.Errorf("%s is used by no test; -update removes it", unused)
			}
		}
	})
	return d
}

// Equal compares got with a file of the folder, or writes it.
func (d *Dir) Equal(t testing.TB, name, got string) {
	t.Helper()
	d.mu.Lock()
	d.used[name] = true
	d.mu.Unlock()
	Equal(t, filepath.Join(d.path, name), got)
}
