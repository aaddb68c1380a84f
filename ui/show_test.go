package ui

import (
	"os"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
)

// TestShow puts a scene on the terminal, to be looked at:
//
//	go test -c -o /tmp/show ./ui && CONFER_SHOW=waiting /tmp/show -test.run TestShow
func TestShow(t *testing.T) {
	name := os.Getenv("CONFER_SHOW")
	if name == "" {
		t.Skip("CONFER_SHOW names no scene")
	}
	for _, s := range scenes() {
		if s.name != name {
			continue
		}
		m := s.model(t, 80, 24)
		begun := time.Now()
		m.cfg.Now = func() time.Time { return start.Add(time.Since(begun)) }
		if _, err := tea.NewProgram(m, tea.WithFPS(framesPerSecond)).Run(); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Fatalf("there is no scene %q", name)
}
