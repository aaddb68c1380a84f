package ui

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
	"github.com/stretchr/testify/require"
)

// panicky panics with a value that must not be told, where it is asked to.
type panicky struct{ at string }

const panicValue = "CRN_value_of_the_panic"

func (p panicky) fail(at string) {
	if p.at == at {
		panic(errors.New(panicValue))
	}
}

func (p panicky) Init() tea.Cmd {
	p.fail("init")
	first := func() tea.Msg { p.fail("command"); return "go on" }
	return tea.Batch(first, tea.Batch(func() tea.Msg { p.fail("inner command"); return nil }))
}

func (p panicky) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	if msg == "go on" {
		p.fail("update")
	}
	return p, nil
}

func (p panicky) View() tea.View { p.fail("view"); return tea.NewView("shown") }

// TestPanicEndsTheProgramInOrder: wherever it happens, the program ends without
// Bubble Tea's own report, which holds the value.
func TestPanicEndsTheProgramInOrder(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"init", "command", "inner command", "update", "view"} {
		t.Run(at, func(t *testing.T) {
			t.Parallel()
			ctx, end := context.WithCancel(t.Context())
			defer end()
			var out bytes.Buffer
			g := &guarded{Model: panicky{at}, end: end}
			p := tea.NewProgram(g, tea.WithInput(strings.NewReader("")), tea.WithOutput(&out), tea.WithWindowSize(80, 24))
			defer context.AfterFunc(ctx, p.Quit)() // as Run does
			_, err := p.Run()
			require.NotErrorIs(t, err, tea.ErrProgramPanic)
			crash := g.first.Load()
			require.NotNil(t, crash)
			require.Equal(t, "*errors.errorString", crash.Kind)
			require.Contains(t, string(crash.Stack), "panicky")
			require.NotContains(t, crash.Error()+string(crash.Stack)+out.String(), panicValue)
		})
	}
}
