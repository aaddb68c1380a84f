package ui

import (
	"path/filepath"
	"strings"
	"testing"

	"confer/internal/golden"
)

// TestScreens compares every scene with its golden: the text of the window, at
// 120x40 and 80x24, and some at 40x12.
func TestScreens(t *testing.T) {
	t.Parallel()
	want := golden.Open(t, filepath.Join("testdata", "TestScreens"))
	for _, s := range scenes() {
		for _, size := range []struct {
			name string
			w, h int
		}{{"120x40", 120, 40}, {"80x24", 80, 24}, {"40x12", 40, 12}} {
			if size.w == 40 && !s.small {
				continue
			}
			name := s.name + "_" + size.name
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				want.Equal(t, name+".golden", trimmed(text(s.model(t, size.w, size.h))))
			})
		}
	}
}

// trimmed takes the spaces at the ends of lines out.
func trimmed(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n") + "\n"
}
