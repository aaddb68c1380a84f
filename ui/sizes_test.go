package ui

import (
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
	"github.com/stretchr/testify/require"
)

// TestSizes draws every scene in windows from 40x12 to 130x45, and the sentence of
// smaller ones: no line may be wider than the window, nothing may panic, and the
// cursor stays inside. Every width is tried at the heights where least and most is
// shown, every height at the widths where the layout changes.
func TestSizes(t *testing.T) {
	t.Parallel()
	for i, s := range scenes() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			m, widths := s.model(t, 80, 24), map[string]int{}
			for h := 0; h <= 45; h++ {
				for w := 0; w <= 130; w++ {
					small := w < minWidth || h < minHeight // where all scenes say the same
					if small && (i > 0 || (w+h)%7 != 0) || !small && (!edge(w, h) || m.table() == nil && beyond(w, h)) {
						continue
					}
					resize(m, w, h)
					requireInside(t, m, w, h, widths)
				}
			}
		})
	}
}

func edge(w, h int) bool {
	switch h {
	case 12, 24:
		return true
	case 18:
		return w%5 == 0
	}
	switch w {
	case 40, 60, 80, 130:
		return true
	}
	return false
}

// beyond tells whether a window only has more empty space than another one that is
// tried. A table uses it.
func beyond(w, h int) bool { return w > maxWidth+1 && w != 130 || h > maxHeight+1 && h != 45 }

// requireInside measures each line once: most stand in many windows.
func requireInside(t *testing.T, m *Model, w, h int, widths map[string]int) {
	t.Helper()
	v := m.View()
	lines := strings.Split(v.Content, "\n")
	if w == 0 || h == 0 {
		require.Empty(t, v.Content)
		return
	}
	require.LessOrEqual(t, len(lines), h, "%dx%d", w, h)
	for _, l := range lines {
		width, ok := widths[l]
		if !ok {
			width = ansi.StringWidth(l)
			widths[l] = width
		}
		if width > w {
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
		m := s.model(t, 40, 12)
		if m.helping { // which has no focus
			continue
		}
		f, p := m.frame(), sheet{}
		if m.table() != nil {
			p = m.profile.draw(f, m.page(), flash{})
		} else {
			p = f.draw(m.page(), m.form(), flash{})
		}
		c := stack(p.blocks, true)
		if c.y < 0 { // nothing has the focus
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			if want := strings.TrimSpace(ansi.Strip(c.lines[c.y])); want != "" {
				require.Contains(t, text(m), want)
			}
		})
	}
}
