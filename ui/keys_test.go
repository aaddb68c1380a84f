package ui

import (
	"slices"
	"strings"
	"testing"

	"charm.land/bubbles/v2/help"
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
		m := s.model(t, 120, 40)
		if m.helping { // these are the keys of the screen below
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			for _, b := range m.bindings(true) {
				refused := m.form().refused != nil || m.page().At != "" && m.state.Problem != nil ||
					slices.ContainsFunc(m.page().Fields, func(f Field) bool { return m.refuse(f, m.form().value(f.Name)) != nil })
				again := refused && b.Help().Key == "enter" // refused once more
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
		m := s.model(t, 120, 40)
		if m.typing() || m.helping || m.leaving { // letters are text there
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			named := map[string]bool{}
			for _, b := range m.bindings(true) {
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
		for _, b := range m.bindings(true) {
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

// TestFooterKeepsTheNeededKeys: in the smallest window, too, the keys below the
// page say what Enter does, how to go back, or how to quit, and where the help is.
func TestFooterKeepsTheNeededKeys(t *testing.T) {
	t.Parallel()
	for _, s := range scenes() {
		m := s.model(t, 40, 12)
		if m.helping || m.leaving {
			continue
		}
		on := slices.DeleteFunc(m.bindings(false), func(b key.Binding) bool { return !b.Enabled() })
		require.Contains(t, footer(m), on[0].Help().Key+" "+firstWord(on[0].Help().Desc), s.name)
		for _, b := range on[1:min(3, len(on))] {
			if key := b.Help().Key; key == "esc" || key == "?" || key == "f1" {
				require.Contains(t, footer(m), key+" "+firstWord(b.Help().Desc), s.name)
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
	m := newModel(t, walk(t, flow.Start(flow.Initial{}), toApplication()...))
	resize(m, 80, 24)
	require.IsType(t, tea.QuitMsg{}, press(m, "ctrl+c")())
}

func TestCtrlCAsksOnceWhileTheAdministratorIsInTheBrowser(t *testing.T) {
	t.Parallel()
	m := newModel(t, walk(t, flow.Start(flow.Initial{}), toWaiting()...))
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
	m := newModel(t, walk(t, flow.Start(flow.Initial{}), toApplication()...))
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

// TestTheLibrarysHelpOverflows is why the line of keys is cut before the library
// draws it. When this fails, help can be given its width.
func TestTheLibrarysHelpOverflows(t *testing.T) {
	t.Parallel()
	h := help.New()
	h.SetWidth(13)
	require.Greater(t, visible(h.ShortHelpView([]key.Binding{bind("enter", "go on", "enter"), bind("esc", "back", "esc")})), 13)
}

// TestHelpOfAProblemWithoutDetails leaves no empty place for them.
func TestHelpOfAProblemWithoutDetails(t *testing.T) {
	t.Parallel()
	m := newModel(t, walk(t, flow.Start(flow.Initial{}), append(toApplication(), flow.ApplicationEntered{ClientID: "no id", RedirectURI: flow.DefaultRedirectURI})...))
	resize(m, 120, 40)
	require.Empty(t, m.page().Problem.Details())
	require.Contains(t, whole(m, true), "dashboard.\n\nconfer v0.0.0-test")
}
