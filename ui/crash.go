package ui

import (
	"sync"

	tea "charm.land/bubbletea/v2"

	"confer/internal/crash"
)

// guarded runs a model, and ends the program in order when it panics: Bubble
// Tea's own way writes the panic's value to the terminal.
type guarded struct {
	tea.Model
	end func()

	mu    sync.Mutex
	first *crash.Error
}

// caught is deferred around whatever is ours.
func (g *guarded) caught() {
	caught := crash.Caught(recover())
	if caught == nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.first == nil {
		g.first = caught
	}
	g.end()
}

func (g *guarded) crashed() *crash.Error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.first
}

// Init implements tea.Model.
func (g *guarded) Init() tea.Cmd {
	defer g.caught()
	return g.command(g.Model.Init())
}

// Update implements tea.Model.
func (g *guarded) Update(msg tea.Msg) (next tea.Model, cmd tea.Cmd) {
	defer g.caught()
	next = g
	g.Model, cmd = g.Model.Update(msg)
	return g, g.command(cmd)
}

// View implements tea.Model.
func (g *guarded) View() tea.View {
	defer g.caught()
	return g.Model.View()
}

// command guards what Bubble Tea runs in goroutines of its own.
func (g *guarded) command(cmd tea.Cmd) tea.Cmd {
	if cmd == nil {
		return nil
	}
	return func() tea.Msg {
		defer g.caught()
		msg := cmd()
		if batch, ok := msg.(tea.BatchMsg); ok {
			for i := range batch {
				batch[i] = g.command(batch[i])
			}
		}
		return msg
	}
}
