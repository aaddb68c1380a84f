package ui

import (
	"context"
	"errors"
	"io"
	"os"
	"runtime"
	"sync/atomic"
	"time"

	tea "charm.land/bubbletea/v2"

	"confer/flow"
	"confer/internal/crash"
	"confer/internal/opener"
	"confer/internal/suspend"
)

// Tasks carries out what State.Apply orders; flow.Tasks does.
type Tasks interface {
	Follow(before, after flow.State, task *flow.Task)
	Events() <-chan flow.Report
}

// Config is what the wizard needs of the world.
type Config struct {
	State   flow.State  // where to begin
	Tasks   Tasks       // required
	Session opener.Kind // decides the wording, and which way back from the browser is named first; it closes none
	Browser string      // the command that opens links, or opener.None; empty: what the system has
	Version string      // shown in the help
	// Now is the clock; nil: time.Now.
	Now func() time.Time
	// SaveFile writes a private file (0600) and gives its path; nil: there is no
	// such key. It is called in a command, never while drawing.
	SaveFile func(name, text string) (path string, err error)
	Approves bool // the sandbox's built-in browser can do what the administrator would
	// Flags: the terminal is known to measure flag emoji as two cells.
	Flags bool
	// ASCII: the terminal has no other signs; see DrawsASCII.
	ASCII bool
	// Input and Output are the terminal. In lines, Err takes all talk, and Output
	// results alone: the approval link, the line about the link, the table of profiles.
	Input       io.Reader
	Output, Err io.Writer
}

// framesPerSecond trades the time from a key to the changed cell against what
// the ticker costs while nothing happens: at 60 a key waits up to 17 ms for its
// frame, over the budget of 11 ms; at 120 up to 8.
const framesPerSecond = 120

// Run shows the wizard until the operator leaves it, and gives the last State.
// The error is ctx's if that ended it, or a *crash.Error. The terminal is
// restored on every way out. Signals are ctx's business.
func Run(ctx context.Context, cfg Config) (flow.State, error) {
	m := New(cfg)
	shown, end := context.WithCancel(ctx)
	defer end()
	defer m.Close()
	g := &guarded{Model: m, end: end}
	p := tea.NewProgram(g, append(m.terminalOptions(), tea.WithFPS(framesPerSecond), tea.WithoutSignalHandler())...)
	// Not tea.WithContext: at its end Bubble Tea closes a terminal that is still read.
	defer context.AfterFunc(shown, p.Quit)()
	m.job = suspend.Watch(func() { p.Send(interrupted{stop: true}) }, func() { p.Send(interrupted{}) })
	defer m.job.Close()
	_, err := p.Run()
	if first := g.first.Load(); first != nil {
		return m.state, first
	}
	if ctx.Err() != nil {
		return m.state, context.Cause(ctx)
	}
	if errors.Is(err, tea.ErrInterrupted) {
		err = nil
	}
	return m.state, err
}

// terminalOptions put what is ours between the program and the terminal. Windows
// has its console read by other means than reading.
func (m *Model) terminalOptions() []tea.ProgramOption {
	in, out := m.cfg.Input, m.cfg.Output
	if f, ok := in.(*os.File); ok && runtime.GOOS != "windows" {
		in = &keyboard{File: f}
	}
	if f, ok := out.(*os.File); ok {
		out = display{File: f, ascii: m.cfg.ASCII}
	}
	return []tea.ProgramOption{tea.WithInput(in), tea.WithOutput(out)}
}

// guarded runs a model, and ends the program in order when it panics: Bubble
// Tea's own way writes the panic's value to the terminal.
type guarded struct {
	tea.Model
	end   func()
	first atomic.Pointer[crash.Error]
}

// caught is deferred around whatever is ours.
func (g *guarded) caught() {
	if caught := crash.Caught(recover()); caught != nil {
		g.first.CompareAndSwap(nil, caught)
		g.end()
	}
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
