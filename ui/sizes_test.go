package ui

import (
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
	"github.com/stretchr/testify/require"
)

// TestSizes draws every scene in windows from 1x1 to 130x45: no line may be
// wider than the window, nothing may panic, and the cursor stays inside. Every
// width is tried at the heights where the layout changes, and every height at
// such widths.
func TestSizes(t *testing.T) {
	t.Parallel()
	for _, s := range scenes() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			m := s.model(t, 80, 24)
			for h := 0; h <= 45; h++ {
				for w := 0; w <= 130; w++ {
					if small := w < minWidth || h < minHeight; small && (w+h)%7 != 0 || !small && !edge(w, h) {
						continue
					}
					resize(m, w, h)
					requireInside(t, m, w, h)
				}
			}
		})
	}
}

func edge(w, h int) bool {
	switch h {
	case 12, 18, 24:
		return true
	}
	switch w {
	case 40, 60, 80, 130:
		return true
	}
	return false
}

func requireInside(t *testing.T, m *Model, w, h int) {
	t.Helper()
	v := m.View()
	lines := strings.Split(v.Content, "\n")
	if w == 0 || h == 0 {
		require.Empty(t, v.Content)
		return
	}
	require.LessOrEqual(t, len(lines), h, "%dx%d", w, h)
	for _, l := range lines {
		if ansi.StringWidth(l) > w {
			require.Fail(t, "too wide", "%dx%d: %q", w, h, ansi.Strip(l))
		}
	}
	if c := v.Cursor; c != nil {
		require.True(t, c.X >= 0 && c.X < w && c.Y >= 0 && c.Y < h, "cursor at %d,%d in %dx%d", c.X, c.Y, w, h)
	}
}

// TestFocusStaysInSight: at 40x12 the field or the row that has the focus is on
// the screen, whatever else had to go.
func TestFocusStaysInSight(t *testing.T) {
	t.Parallel()
	for _, s := range scenes() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			m := s.model(t, 40, 12)
			if m.helping {
				t.Skip("the help has no focus")
			}
			f, p := m.frame(), sheet{}
			if m.table() != nil {
				p = m.profile.draw(f, m.page(), flash{})
			} else {
				p = f.draw(m.page(), m.form(), flash{})
			}
			if c := stack(p.blocks, true); c.y < 0 {
				t.Skip("nothing has the focus")
			} else if want := strings.TrimSpace(ansi.Strip(c.lines[c.y])); want != "" {
				require.Contains(t, text(m), want)
			}
		})
	}
}
