package ui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"confer/flow"
	"confer/internal/crash"
	"confer/internal/profiles"
)

// PlainConfig is what the line mode needs of the world. Of Config it ignores
// what only a screen has use for.
type PlainConfig struct {
	Config
	// Err takes all talk; nil: standard error. Output takes results alone: the
	// authorization URL, the line about the link, the table of profiles.
	Err io.Writer
	// Tick gives a channel that ticks every d until stop is called; nil: a
	// time.Ticker's.
	Tick func(d time.Duration) (c <-chan time.Time, stop func())
}

// plainEvery is how often a wait says that it goes on. A screen reader speaks
// every line, so it is not more often.
const plainEvery = 15 * time.Second

// Ways out of a question that are no answer.
var (
	errPlainBack  = errors.New("back")
	errPlainQuit  = errors.New("quit")
	errPlainEnded = errors.New("the input ended")
)

// RunPlain is the wizard line by line, for screen readers, logs and terminals
// that cannot move their cursor. Nothing that was written is ever changed. It
// returns the last State when the operator has left, the input has ended or the
// last step is done. The error is ctx's cause if that ended it, a *crash.Error, or
// says that the terminal or the output could not be used. The terminal is left
// as it was found. Signals are ctx's business.
func RunPlain(ctx context.Context, cfg PlainConfig) (flow.State, error) {
	p := newPlain(ctx, cfg)
	defer p.in.close()
	return p.whole()
}

// whole is the run from the first line to the last.
func (p *plainWizard) whole() (last flow.State, err error) {
	defer func() {
		if caught := crash.Caught(recover()); caught != nil {
			last, err = p.state, caught
		}
	}()
	p.say("confer links calendars with conferencing. Six steps, line by line.")
	p.say("An empty answer takes the one in brackets. b goes back, q quits, ? helps.")
	err = p.run()
	if errors.Is(err, errPlainEnded) {
		p.say("The input has ended.")
	}
	if errors.Is(err, errPlainQuit) || errors.Is(err, errPlainEnded) {
		err = nil
	}
	if p.ctx.Err() != nil {
		p.fresh()
		return p.state, context.Cause(p.ctx)
	}
	p.summary()
	if p.broken != nil {
		err = fmt.Errorf("write: %w", p.broken)
	}
	return p.state, err
}

// plainWizard asks, says and waits; the state changes in apply alone.
type plainWizard struct {
	cfg   PlainConfig
	ctx   context.Context
	state flow.State
	in    *plainInput

	open   bool  // a question stands on the last line, without a line break
	broken error // the first error of a writer

	page    string        // the page whose heading was said
	problem *flow.Problem // said
	notice  string        // said
	left    bool
	warned  bool // what quitting would lose was said

	fields plainFields
	rows   plainRows
}

func newPlain(ctx context.Context, cfg PlainConfig) *plainWizard {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Input == nil {
		cfg.Input = os.Stdin
	}
	if cfg.Output == nil {
		cfg.Output = os.Stdout
	}
	if cfg.Err == nil {
		cfg.Err = os.Stderr
	}
	if cfg.Tick == nil {
		cfg.Tick = func(d time.Duration) (<-chan time.Time, func()) {
			t := time.NewTicker(d)
			return t.C, t.Stop
		}
	}
	return &plainWizard{cfg: cfg, ctx: ctx, state: cfg.State, in: openPlainInput(cfg.Input), fields: newPlainFields()}
}

func (p *plainWizard) run() error {
	for !p.left && p.broken == nil {
		if err := p.turn(); err != nil {
			return err
		}
	}
	return nil
}

// turn asks the page's question, or stays with the task that is running.
func (p *plainWizard) turn() error {
	switch {
	case p.state.Running == nil:
		return p.ask()
	case p.state.Attempt.Phase == flow.PhaseWaiting:
		return newPlainWait(p).run()
	case p.state.Proof.Started:
		return p.watch()
	}
	return p.busy()
}

// ask has the page of the state answered.
func (p *plainWizard) ask() error {
	p.heading()
	ev, err := p.question()
	switch {
	case errors.Is(err, errPlainBack) && p.state.Step == flow.StepDataCenter:
		p.say("This is the first step. q quits.")
	case errors.Is(err, errPlainBack):
		p.apply(flow.Back{})
	case errors.Is(err, errPlainQuit) && p.staysWith():
	case err != nil:
		return err
	case ev == nil:
		p.left = true
	default:
		p.warned = false
		p.apply(ev)
	}
	return nil
}

func (p *plainWizard) question() (flow.Event, error) {
	switch {
	case p.state.Asking:
		return p.askStore()
	case p.state.HeldHere() != nil:
		return p.askHeld()
	}
	switch p.state.Step {
	case flow.StepDataCenter:
		return p.askDataCenter()
	case flow.StepApplication:
		return p.askApplication()
	case flow.StepServiceAccount:
		return p.askServiceAccount()
	case flow.StepProvider:
		return p.askProvider()
	case flow.StepAuthorize:
		return p.askAuthorize()
	case flow.StepProfiles:
	}
	if p.state.Proof.Started {
		return nil, nil // it is done
	}
	return p.askAccounts()
}

// apply is the only place where the state changes.
func (p *plainWizard) apply(ev flow.Event) {
	before := p.state
	after, task := before.Apply(ev)
	p.state = after
	if !before.Proof.Started && after.Proof.Started {
		p.rows = plainRows{}
	}
	p.cfg.Tasks.Follow(before, after, task)
	r, ok := ev.(flow.Report)
	if ok && before.Running != nil && r.Task == before.Running.ID {
		p.told(r.Event)
	}
}

// busy waits while something of ours works and nothing can be asked.
func (p *plainWizard) busy() error {
	p.say(p.working())
	tick, stop := p.cfg.Tick(plainEvery)
	defer stop()
	for p.state.Busy() && p.state.Attempt.Phase != flow.PhaseWaiting {
		got, err := p.next(plainWants{tick: tick})
		if err != nil {
			return err
		}
		if got.kind == plainTicked {
			p.say(p.stillAtWork())
		}
	}
	return nil
}

// frame is for the texts that the screens have too.
func (p *plainWizard) frame() frame {
	return frame{state: p.state, now: p.cfg.Now(), cfg: &p.cfg.Config}
}

// shown is the row's profile that its state is about.
func (p *plainWizard) shown(rec profiles.Record) *profiles.Profile {
	return shownProfile(rec, p.state.Answers.Provider)
}
