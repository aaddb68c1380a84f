package ui

import (
	"context"
	"errors"
	"io"
	"time"

	tea "charm.land/bubbletea/v2"

	"confer/flow"
)

// Tasks carries out what State.Apply orders; flow.Tasks does.
type Tasks interface {
	Follow(before, after flow.State, task *flow.Task)
	Events() <-chan flow.Report
}

// Session says where the wizard runs, which decides the wording and which way
// back from the browser is named first. No way is ever closed by it.
type Session string

// The kinds of session.
const (
	SessionLocal     Session = "local"
	SessionSSH       Session = "ssh"
	SessionWSL       Session = "wsl"
	SessionContainer Session = "container"
	SessionRemote    Session = "remote"   // an editor's remote window
	SessionHeadless  Session = "headless" // no display and nothing to tell why
)

// Browser says what becomes of a link here, as far as that was said.
type Browser string

// What --browser and BROWSER come to. The usual one is the system's, which there
// may be none of where the wizard runs.
const (
	BrowserUsual Browser = ""
	BrowserNamed Browser = "named" // a command, which is started wherever the wizard runs
	BrowserNone  Browser = "none"
)

// Config is what the wizard needs of the world.
type Config struct {
	State   flow.State // where to begin
	Tasks   Tasks      // required
	Session Session    // "": SessionLocal
	Browser Browser    // what opens links
	Version string     // shown in the help
	// Now is the clock; nil: time.Now.
	Now func() time.Time
	// SaveFile writes a private file (0600) and gives its path; nil: there is no
	// such key. It is called in a command, never while drawing.
	SaveFile func(name, text string) (path string, err error)
	// Flags: the terminal is known to measure flag emoji as two cells.
	Flags bool
	// Input and Output are the terminal; nil: the process's own.
	Input  io.Reader
	Output io.Writer
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
	m.ctx = shown
	defer m.Close()
	opts := []tea.ProgramOption{tea.WithContext(shown), tea.WithFPS(framesPerSecond), tea.WithoutSignalHandler()}
	if cfg.Input != nil {
		opts = append(opts, tea.WithInput(cfg.Input))
	}
	if cfg.Output != nil {
		opts = append(opts, tea.WithOutput(cfg.Output))
	}
	g := &guarded{Model: m, end: end}
	_, err := tea.NewProgram(g, opts...).Run()
	if first := g.crashed(); first != nil {
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
