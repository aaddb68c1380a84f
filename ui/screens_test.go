package ui

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"confer/internal/golden"
)

// TestScreens compares the page of every scene with its golden, at 120x40 and 80x24,
// and some at 40x12. What stands around the page is left out: a further step changes
// the list of steps on every screen. TestWindows has it.
func TestScreens(t *testing.T) {
	t.Parallel()
	want := golden.Open(t, filepath.Join("testdata", "TestScreens"))
	for _, s := range scenes() {
		sizes := [][2]int{{120, 40}, {80, 24}}
		if s.small {
			sizes = append(sizes, [2]int{40, 12})
		}
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			want.Equal(t, s.name+".golden", s.drawn(t, sizes, pageAlone))
		})
	}
}

// TestWindows compares whole windows with their goldens: the head, the list of steps
// beside the page or folded above it, the rules and the keys.
func TestWindows(t *testing.T) {
	t.Parallel()
	want := golden.Open(t, filepath.Join("testdata", "TestWindows"))
	names := map[string]bool{"data_center_sandbox": true, "provider": true, "authorize_any": true, "linked_unconfirmed": true, "waiting": true, "waiting_help": true, "table": true, "done": true}
	for _, s := range scenes() {
		if !names[s.name] {
			continue
		}
		delete(names, s.name)
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			sizes := [][2]int{{120, 40}, {80, 24}, {80, 16}, {79, 20}, {40, 12}}
			want.Equal(t, s.name+".golden", s.drawn(t, sizes, text))
		})
	}
	for name := range names {
		t.Errorf("there is no scene %s", name)
	}
}

// drawn is a scene in windows of several sizes.
func (s scene) drawn(t *testing.T, sizes [][2]int, draw func(*Model) string) string {
	t.Helper()
	var out strings.Builder
	for _, size := range sizes {
		fmt.Fprintf(&out, "== %dx%d\n%s\n", size[0], size[1], trimmed(draw(s.model(t, size[0], size[1]))))
	}
	return out.String()
}

// pageAlone is what stands in the page's part of the window, whether there is more of
// it, and the keys.
func pageAlone(m *Model) string {
	lines, l := strings.Split(text(m), "\n"), m.layout()
	page, below := lines[l.pageY:l.pageY+l.pageH], lines[l.pageY+l.pageH:]
	for i := range page {
		page[i] = ansi.TruncateLeft(page[i], l.pageX, "")
	}
	shown := strings.TrimRight(strings.Join(page, "\n"), " \n") + "\n"
	if !l.rules { // which say it otherwise
		shown += m.fitted().more() + "\n"
	}
	for _, line := range below {
		shown += strings.Trim(line, " ─") + "\n"
	}
	return strings.TrimRight(shown, "\n")
}

// trimmed takes the spaces at the ends of lines out.
func trimmed(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n") + "\n"
}
