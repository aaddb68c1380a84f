package ui

import (
	"testing"

	"charm.land/bubbles/v2/list"
	tea "charm.land/bubbletea/v2"
	"github.com/stretchr/testify/require"

	"confer/flow"
)

// TestFilterAnswersAtOnce: Enter takes what the filter has found by then, however
// quickly it follows.
func TestFilterAnswersAtOnce(t *testing.T) {
	t.Parallel()
	m := newModel(t, flow.Start(flow.Initial{}))
	resize(m, 80, 24)
	press(m, "/", "paste:singapore", "enter")
	require.Equal(t, "sg", m.state.Answers.Site.DataCenter.ID)
}

type country string

func (n country) FilterValue() string { return string(n) }

// TestTheLibrarysFilterIsLate is one reason why the list of options is made by
// hand: Bubbles' list filters in a command, and until its answer has come the
// cursor is on an option that the filter excludes.
func TestTheLibrarysFilterIsLate(t *testing.T) {
	t.Parallel()
	l := list.New([]list.Item{country("australia"), country("singapore")}, list.NewDefaultDelegate(), 80, 24)
	l, _ = l.Update(keyMsg("/"))
	l, find := l.Update(tea.PasteMsg{Content: "singapore"})
	require.Equal(t, country("australia"), l.SelectedItem())
	require.NotNil(t, find)
}
