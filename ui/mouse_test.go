package ui

import (
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
	"github.com/stretchr/testify/require"

	"confer/flow"
)

// clickOn clicks where a text is drawn.
func clickOn(t *testing.T, m *Model, what string) tea.Cmd {
	t.Helper()
	for y, line := range strings.Split(text(m), "\n") {
		if before, _, ok := strings.Cut(line, what); ok {
			_, cmd := m.Update(tea.MouseClickMsg{X: visible(before), Y: y, Button: tea.MouseLeft})
			return cmd
		}
	}
	require.Fail(t, "nothing to click on", "%s in\n%s", what, text(m))
	return nil
}

func named(t *testing.T, name string) *Model {
	t.Helper()
	for _, s := range scenes() {
		if s.name == name {
			return s.model(t, 100, 30)
		}
	}
	require.Fail(t, "no such scene", name)
	return nil
}

// TestClicks: the first puts the cursor there, the second takes what it is on.
func TestClicks(t *testing.T) {
	t.Parallel()
	m := named(t, "data_center")
	clickOn(t, m, "Singapore")
	require.Contains(t, text(m), "› Singapore")
	require.Equal(t, flow.StepDataCenter, m.State().Step)
	clickOn(t, m, "Singapore")
	require.Equal(t, "sg", m.State().Answers.Site.DataCenter.ID)
	require.Equal(t, flow.StepApplication, m.State().Step)

	clickOn(t, m, "Redirect URI")
	require.Equal(t, 2, m.form().focus)
	clickOn(t, m, "esc back")
	require.Equal(t, flow.StepDataCenter, m.State().Step)
	clickOn(t, m, "/ filter")
	press(m, "type:kingdom")
	clickOn(t, m, "United Kingdom")
	require.Equal(t, "uk", m.State().Answers.Site.DataCenter.ID)

	m = named(t, "table")
	before := m.profile.rows.cursor
	clickOn(t, m, "! disconnected")
	require.NotEqual(t, before, m.profile.rows.cursor)
	clickOn(t, m, "! disconnected")
	require.Equal(t, pageAccount, m.at())

	m = named(t, "waiting")
	clickOn(t, m, testShort)
	require.Equal(t, openTold, m.told.text)
	clickOn(t, m, "ctrl+c quit")
	require.False(t, m.leaving, "quitting by mistake costs too much")
}

// TestClicksStayInTheirPlace: on no page and in no size does a click fail, and
// what is clicked on is what is drawn there.
func TestClicksStayInTheirPlace(t *testing.T) {
	t.Parallel()
	for _, s := range scenes() {
		for _, size := range [][2]int{{100, 30}, {40, 12}} {
			m := s.model(t, size[0], size[1])
			lines := strings.Split(text(m), "\n")
			for _, r := range m.drawn {
				require.True(t, r.from >= 0 && r.to <= size[0] && r.y < len(lines), "%s: %+v", s.name, r)
				if c := m.form().choice; c != nil && r.point != nil {
					r.point()
					o, _ := c.chosen()
					require.Contains(t, lines[r.y], cutTo(o.Label, m.frame().w-2), s.name)
				}
			}
		}
	}
}

// TestWheel moves through lists and tables, and scrolls what has no cursor.
func TestWheel(t *testing.T) {
	t.Parallel()
	down, up := tea.MouseWheelMsg{Button: tea.MouseWheelDown}, tea.MouseWheelMsg{Button: tea.MouseWheelUp}
	m := named(t, "data_center")
	m.Update(down)
	require.Contains(t, text(m), "› Australia")
	m.Update(up)
	m.Update(up)
	require.Contains(t, text(m), "› United States", "it does not go round")

	m = named(t, "table")
	m.Update(down)
	require.Equal(t, 3, m.profile.rows.cursor)
	m.Update(up)
	require.Zero(t, m.profile.rows.cursor)

	m = named(t, "waiting_help")
	resize(m, 100, 20)
	_ = text(m)
	m.Update(down)
	require.Positive(t, m.view.YOffset())
}

// TestMouseLeavesTextToBeSelected: it is off where there is something to copy, and
// a key says otherwise.
func TestMouseLeavesTextToBeSelected(t *testing.T) {
	t.Parallel()
	for name, on := range map[string]bool{"data_center": true, "table": true, "application": true, "waiting": false, "message": false, "done": false} {
		m := named(t, name)
		require.Equal(t, on, m.View().MouseMode == tea.MouseModeCellMotion, name)
		press(m, "f2")
		require.Equal(t, !on, m.View().MouseMode == tea.MouseModeCellMotion, name)
		press(m, "f2")
		require.Equal(t, on, m.View().MouseMode == tea.MouseModeCellMotion, name)
	}
}
