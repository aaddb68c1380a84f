package ui

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/charmbracelet/x/exp/golden"
	"github.com/stretchr/testify/require"
)

// TestScreens compares every scene with its golden: the text of the window, at
// 120x40 and 80x24, and some at 40x12.
func TestScreens(t *testing.T) {
	for _, s := range scenes() {
		for _, size := range []struct {
			name string
			w, h int
		}{{"120x40", 120, 40}, {"80x24", 80, 24}, {"40x12", 40, 12}} {
			if size.w == 40 && !s.small {
				continue
			}
			t.Run(s.name+"_"+size.name, func(t *testing.T) {
				golden.RequireEqual(t, trimmed(text(s.model(t, size.w, size.h))))
			})
		}
	}
}

// TestGoldensAreUsed fails on golden files that no test compares with.
func TestGoldensAreUsed(t *testing.T) {
	used := map[string]bool{}
	for _, s := range scenes() {
		for _, size := range []string{"120x40", "80x24"} {
			used[filepath.Join("testdata", "TestScreens", s.name+"_"+size+".golden")] = true
		}
		if s.small {
			used[filepath.Join("testdata", "TestScreens", s.name+"_40x12.golden")] = true
		}
	}
	for _, theme := range []string{"dark", "light", "neutral"} {
		used[filepath.Join("testdata", "TestThemes", theme+".golden")] = true
	}
	err := filepath.WalkDir("testdata", func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			require.True(t, used[path] || !strings.HasSuffix(path, ".golden"), "%s is used by no test", path)
		}
		return err
	})
	require.NoError(t, err)
}

// trimmed takes the spaces at the ends of lines out.
func trimmed(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n") + "\n"
}
