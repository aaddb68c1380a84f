package ui

import (
	"strings"
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

// TestALeftFilterKeepsTheChoice: a filter that finds nothing, or was opened by
// mistake, changes no answer.
func TestALeftFilterKeepsTheChoice(t *testing.T) {
	t.Parallel()
	for _, typed := range []string{"", "type:mars", "type:canada ctrl+u"} {
		m := newModel(t, flow.Start(flow.Initial{}))
		resize(m, 80, 24)
		press(m, append(append([]string{"4", "/"}, strings.Fields(typed)...), "esc", "enter")...)
		require.Equal(t, "de", m.state.Answers.Site.DataCenter.ID, typed)
	}
	m := newModel(t, flow.Start(flow.Initial{}))
	resize(m, 80, 24)
	press(m, "4", "/", "type:canada", "esc", "enter")
	require.Equal(t, "ca", m.state.Answers.Site.DataCenter.ID, "what it found is taken")
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
