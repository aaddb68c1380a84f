package ui

import (
	"slices"
	"strings"
	"testing"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"
	"github.com/stretchr/testify/require"

	"confer/flow"
)

// recorder notes what it was asked to carry out.
type recorder struct{ tasks []flow.Task }

func (r *recorder) Follow(_, _ flow.State, task *flow.Task) {
	if task != nil {
		r.tasks = append(r.tasks, *task)
	}
}
func (*recorder) Events() <-chan flow.Report { return nil }

// acts tells whether a key does anything on a scene.
func acts(t *testing.T, s scene, k string) bool {
	t.Helper()
	m := s.model(t, 120, 40)
	rec := &recorder{}
	m.cfg.Tasks = rec
	before, problem := m.View().Content, m.state.Problem
	cmd := press(m, k)
	return cmd != nil || len(rec.tasks) > 0 || m.View().Content != before || m.state.Problem != problem
}

// TestAdvertisedKeysAct: every key that the help names does something.
func TestAdvertisedKeysAct(t *testing.T) {
	t.Parallel()
	for _, s := range scenes() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			m := s.model(t, 120, 40)
			if m.helping {
				t.Skip("these are the keys of the screen below")
			}
			for _, b := range m.bindings() {
				again := (s.name == "store_mismatch" || s.name == "application_empty") && b.Help().Key == "enter" // refused once more
				if !b.Enabled() || again {
					continue
				}
				acted := false
				for _, k := range b.Keys() {
					acted = acted || acts(t, s, k)
				}
				require.True(t, acted, "%s (%s) does nothing", b.Help().Key, b.Help().Desc)
			}
		})
	}
}

// TestOtherKeysDoNothing: a printable key that the help does not name changes
// nothing, unless a text field has the focus.
func TestOtherKeysDoNothing(t *testing.T) {
	t.Parallel()
	for _, s := range scenes() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			m := s.model(t, 120, 40)
			if m.screen(m.page).typing() || m.helping || m.leaving {
				t.Skip("letters are text here")
			}
			named := map[string]bool{}
			for _, b := range m.bindings() {
				for _, k := range b.Keys() {
					named[k] = named[k] || b.Enabled()
				}
			}
			for _, r := range "abcdefghijklmnopqrstuvwxyzG+-/?0123456789" {
				if !named[string(r)] && !flashes(s.name) {
					require.False(t, acts(t, s, string(r)), "%c acts and is not in the help", r)
				}
			}
		})
	}
}

// flashes: what a key just did is said until the next key.
func flashes(scene string) bool { return scene == "waiting_copied" || scene == "waiting_browser_none" }

// TestKeysAreNotTwice: no two bindings of a screen share a key.
func TestKeysAreNotTwice(t *testing.T) {
	t.Parallel()
	for _, s := range scenes() {
		seen := map[string]string{}
		m := s.model(t, 120, 40)
		for _, b := range m.bindings() {
			for _, k := range b.Keys() {
				if !b.Enabled() {
					continue
				}
				require.Empty(t, seen[k], "%s: %s is both %q and %q", s.name, k, seen[k], b.Help().Desc)
				seen[k] = b.Help().Desc
			}
		}
	}
}

// TestHelpLineFits: whatever the width, the first key of the screen stays.
func TestHelpLineKeepsTheFirstKey(t *testing.T) {
	t.Parallel()
	for _, s := range scenes() {
		m := s.model(t, 40, 12)
		if m.helping || m.leaving {
			continue
		}
		var first *key.Binding
		for _, b := range m.screen(m.page).bindings(m.frame()) {
			if b.Enabled() {
				first = &b
				break
			}
		}
		if first != nil {
			require.Contains(t, footer(m), first.Help().Key+" "+firstWord(first.Help().Desc), s.name)
		}
	}
}

// TestHelpLineKeepsTheSafeKey: in the smallest window, too, the keys below the
// page say how to go back, or how to quit, and that there is more to see.
func TestHelpLineKeepsTheSafeKey(t *testing.T) {
	t.Parallel()
	for _, s := range scenes() {
		m := s.model(t, 40, 12)
		all := m.bindings()
		if m.helping || m.leaving || !isQuit(all[len(all)-1]) {
			continue
		}
		safe := "ctrl+c quit"
		if at := slices.IndexFunc(all, func(b key.Binding) bool { return b.Enabled() && isBack(b) }); at >= 0 {
			safe = "esc " + firstWord(all[at].Help().Desc)
		}
		require.Contains(t, footer(m), safe, s.name)
		require.Contains(t, footer(m), "help", s.name)
	}
	for _, name := range []string{"waiting_permit", "application_permit", "message"} {
		for _, s := range scenes() {
			if s.name == name {
				require.Contains(t, footer(s.model(t, 40, 12)), "↑/↓ more", name)
			}
		}
	}
}

// footer is the line of keys.
func footer(m *Model) string {
	lines := strings.Split(text(m), "\n")
	return lines[len(lines)-1]
}

func TestCtrlCQuitsAtOnceWhenNothingIsLost(t *testing.T) {
	t.Parallel()
	m := newModel(t, walk(t, flow.Start(flow.Found{}), toApplication()...))
	resize(m, 80, 24)
	require.IsType(t, tea.QuitMsg{}, press(m, "ctrl+c")())
}

func TestCtrlCAsksOnceWhileTheAdministratorIsInTheBrowser(t *testing.T) {
	t.Parallel()
	m := newModel(t, walk(t, flow.Start(flow.Found{}), toWaiting()...))
	resize(m, 80, 24)
	require.Nil(t, press(m, "ctrl+c"))
	require.Contains(t, text(m), "The administrator can still finish")
	press(m, "esc")
	require.NotContains(t, text(m), "The administrator can still finish")
	require.Equal(t, flow.PhaseWaiting, m.state.Attempt.Phase, "esc stays")
	press(m, "ctrl+c")
	require.IsType(t, tea.QuitMsg{}, press(m, "ctrl+c")())
}

func TestTypingOwnsTheLetters(t *testing.T) {
	t.Parallel()
	m := newModel(t, walk(t, flow.Start(flow.Found{}), toApplication()...))
	resize(m, 80, 24)
	press(m, "type:q?/jk123+n")
	require.Contains(t, text(m), "› q?/jk123+n")
	require.False(t, m.helping)
	press(m, "f1")
	require.True(t, m.helping)
	press(m, "esc")
	require.False(t, m.helping)
	require.Equal(t, flow.StepApplication, m.state.Step)
}
