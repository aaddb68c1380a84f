package ui

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/term"

	"confer/cronofy"
	"confer/flow"
	"confer/internal/crash"
)

// linesEvery is how long nothing is said before a wait says that it goes on. A
// screen reader speaks every line, so it is not more often.
const linesEvery = 15 * time.Second

// RunLines is the wizard line by line, for screen readers, logs and terminals
// that cannot move their cursor. Nothing that was written is ever changed. It
// returns the last State when the operator has left, the input has ended or the
// last step is done. The error is ctx's cause if that ended it, a *crash.Error, or
// says that the terminal or the output could not be used. The terminal is left
// as it was found. Signals are ctx's business.
func RunLines(ctx context.Context, cfg Config) (flow.State, error) {
	p := newLines(ctx, cfg)
	defer p.in.close()
	return p.run()
}

// linesWizard says what is new, asks, and waits for one thing after the other: a
// line, a report, the passing of time.
type linesWizard struct {
	wizard
	ctx    context.Context
	in     *linesInput
	still  *time.Ticker
	tick   <-chan time.Time // of still
	width  int              // of the terminal; 0: lines are as long as they are
	broken error            // the first error of a writer
	ended  bool             // the operator has left, or the input has ended

	step    flow.Step     // said; -1: none
	said    string        // the title of the page that was said
	problem *flow.Problem // said
	notice  string        // said
	busy    string        // what confer does, said
	warned  bool          // what quitting would lose was said

	posed  bool   // what can be answered was said
	first  int    // the page's field that was asked first
	field  int    // and the one that is asked now
	asking string // the question that stands on the last line, without a line break

	paste   []string // lines of a final address so far; nil: none was begun
	follows bool     // it was said that an address follows
	pause   *time.Timer
	decides bool // an answer was handed over; the next line waits for what comes of it

	rows  rowList
	given bool // the table of them was, and no row has come since
}

func newLines(ctx context.Context, cfg Config) *linesWizard {
	var width int
	if f, ok := cfg.Err.(*os.File); ok {
		width, _, _ = term.GetSize(int(f.Fd()))
	}
	if cfg.ASCII {
		cfg.Output, cfg.Err = asciiWriter{cfg.Output}, asciiWriter{cfg.Err}
	}
	p := &linesWizard{wizard: newWizard(cfg), width: width, ctx: ctx, in: openLinesInput(cfg.Input),
		still: time.NewTicker(linesEvery), pause: time.NewTimer(time.Hour), step: -1}
	p.tick = p.still.C
	p.pause.Stop()
	return p
}

func (p *linesWizard) run() (last flow.State, err error) {
	defer func() {
		if caught := crash.Caught(recover()); caught != nil {
			last, err = p.state, caught
		}
	}()
	p.say(fmt.Sprintf("confer links calendars with conferencing. There are %d steps, line by line.", len(flow.Steps())))
	p.say("An empty answer takes the one in brackets. b goes back, q quits, ? helps.")
	for !p.ended && err == nil {
		err = p.turn()
	}
	if p.ctx.Err() != nil {
		p.fresh()
		return p.state, context.Cause(p.ctx)
	}
	p.table()
	if p.broken != nil {
		err = fmt.Errorf("write: %w", p.broken)
	}
	return p.state, err
}

// turn says what is new, and waits for one thing.
func (p *linesWizard) turn() error {
	page, hears := p.page(), !p.decides
	switch {
	case p.at() == pageTable && p.state.Running == nil:
		p.do(Act{Open: pageDone})
		return nil
	case p.at() == pageTable && p.in.over(): // what was asked for is read once
		if !p.state.Watch.NextLook.IsZero() {
			p.end()
			return nil
		}
		hears = false
	case !p.live() && page.Busy != "":
		p.works(page)
		hears = false
	default:
		if err := p.pose(page); err != nil {
			return err
		}
	}
	got, text, err := p.next(hears)
	if err != nil {
		return err
	}
	switch got {
	case linesReported:
		p.decides = false
	case linesTicked:
		p.decides = false
		p.goesOn()
	case linesPaused:
		if len(p.in.pending) == 0 {
			p.submit()
		}
	case linesMore:
		if p.paste != nil {
			p.pause.Reset(linesGather)
		}
	case linesEnded:
		if p.paste == nil {
			p.end()
		} else {
			p.submit()
		}
	case linesLine:
		p.heard(page, linesUnmarked(text))
	}
	return nil
}

// end is that of the input.
func (p *linesWizard) end() {
	p.say("The input has ended.")
	p.ended = true
}

// live tells whether something goes on by itself, so that letters are taken and
// nothing is asked: the wait for the administrator, with what is open over it, or
// the look at accounts.
func (p *linesWizard) live() bool {
	return p.waiting() || p.at() == pageTable && p.state.Running != nil
}

// works says what confer does, when that has changed.
func (p *linesWizard) works(page Page) {
	_ = p.in.set(linesCooked)
	p.posed = false
	p.heading(page)
	if p.busy != page.Busy {
		p.busy = page.Busy
		p.say(page.Busy + ".")
	}
}

// goesOn is said after a silence.
func (p *linesWizard) goesOn() {
	switch page := p.page(); {
	case p.waiting():
		p.say("Waiting for the administrator. " + p.remaining())
	case page.Busy != "" && page.Busy == p.busy: // else the next turn says it
		p.say("Still working.")
	}
}

// pose says where the wizard is and what can be answered, once, and asks. What is
// secret is hidden before the question is seen.
func (p *linesWizard) pose(page Page) error {
	p.busy = ""
	if !p.posed {
		p.posed = true
		p.heading(page)
		p.offer(page)
	}
	mode := linesCooked
	switch f := p.asked(page); {
	case p.awaitsAddress():
		mode = linesRaw // a terminal that cannot may cut a long address, which is refused then
	case f != nil && f.Kind == FieldSecret:
		mode = linesHidden
	}
	if err := p.in.set(mode); err != nil && mode != linesRaw {
		return fmt.Errorf("change the terminal's mode: %w", err)
	}
	if p.live() || p.paste != nil {
		return nil
	}
	if p.asking == "" {
		p.fresh()
		p.asking = p.prompt(page)
		p.write(p.cfg.Err, p.asking)
	}
	return nil
}

func (p *linesWizard) back() {
	p.posed = false
	p.form().forgetExact()
	switch {
	case p.over() && (p.at() != pagePassphrase || !p.state.Store.Pinned):
		p.close(p.state)
		p.said = ""
		return
	case p.state.Step == 0 && !p.state.Asking:
		p.say("This is the first step. q quits.")
		return
	case p.waiting():
		p.say("The wait is over. A link that is open in a browser counts again as soon as confer waits again.")
	}
	p.apply(flow.Back{})
}

func (p *linesWizard) do(a Act) {
	switch {
	case a.Leave:
		p.ended = true
	case a.Open == back:
		p.back()
	case a.Open == pagePaste && p.waiting():
		p.follows = true
		p.say("Paste the whole address that the browser ended on, then an empty line. The page may say that it cannot connect; that is as it should be.")
	case a.Open != "":
		if a.Open == pageDone {
			p.table()
		}
		p.open(a.Open, p.state)
		p.said, p.posed = "", false
	case a.Show != "":
		p.give(a.Show)
	case a.Save != nil:
		if fl := p.save(a.Save).flash(); fl.good {
			p.say(fl.text)
		} else {
			p.wrong(fl.text, "")
		}
	case a.Event != nil:
		p.say(a.Told)
		p.posed = p.live()
		p.apply(a.Event)
	}
}

func (p *linesWizard) apply(ev flow.Event) {
	before, turned := p.change(ev)
	if !before.Watch.Started && p.state.Watch.Started {
		p.rows = nil
	}
	if turned {
		p.said, p.posed = "", false
	}
	if before.Attempt.Phase == flow.PhaseWaiting && !p.waiting() {
		p.endWait()
	}
	p.told(reported(before, ev))
}

func (p *linesWizard) page() Page { return pageAt(p.at(), p.context()) }

func (p *linesWizard) context() Context { return p.wizard.context(p.rows) }

// heading says where the wizard is, and what is wrong there, each once.
func (p *linesWizard) heading(page Page) {
	if page.Warning != p.notice {
		p.notify(page.Warning)
	}
	if page.Problem != nil && p.state.Problem != p.problem {
		p.wrong(page.Problem.Summary, page.Problem.Hint)
	}
	p.problem = p.state.Problem
	if p.said == page.Title {
		return
	}
	p.said = page.Title
	if p.step != p.state.Step && !page.End {
		p.step = p.state.Step
		at := ""
		if p.step > 0 && p.state.Answers.Site.Chosen() {
			at = " " + clean(place(p.state.Answers.Site)) + "."
		}
		p.say(fmt.Sprintf("Step %d of %d: %s.%s", p.step+1, len(flow.Steps()), p.step.Title(), at))
	}
	if len(page.Found) == 0 || !strings.HasPrefix(page.Found[0].Text, page.Title) {
		p.say(page.Title)
	}
	if page.Link != "" {
		p.say("On this machine, this short address leads to it: " + page.Link)
	}
	p.say(capital(page.Lead))
	if t := page.Text; t != nil { // as it is, to be copied
		p.say(t.What + " begins.")
		for l := range strings.Lines(t.Body) {
			p.write(p.cfg.Err, linesText(strings.TrimSuffix(l, "\n"))+"\n")
		}
		p.say(t.What + " ends.")
	}
	p.notes(page)
}

func (p *linesWizard) notes(page Page) {
	for _, n := range slices.Concat(page.Found, page.Notes) {
		text := n.Text
		if n.Head != "" && (text != "" || len(n.Items) > 0) {
			text = strings.TrimSpace(n.Head + ": " + text)
		}
		p.say(text)
		p.say(n.Command)
		for i, item := range n.Items {
			sign := "-"
			if !n.Bullets {
				sign = fmt.Sprintf("%d.", i+1)
			}
			p.say(sign + " " + item)
		}
	}
}

func (p *linesWizard) fresh() {
	if p.asking != "" || len(p.in.pending) > 0 && p.in.shows() {
		p.write(p.cfg.Err, "\n")
	}
	p.asking = ""
}

// say writes a sentence on a line of its own, broken between words where the
// terminal would break it within one.
func (p *linesWizard) say(text string) {
	if text == "" {
		return
	}
	p.still.Reset(linesEvery)
	p.fresh()
	text = linesText(linesWords(text))
	if p.width > 0 {
		text = strings.Join(wrap(text, p.width), "\n")
	}
	p.write(p.cfg.Err, text+"\n")
}

func (p *linesWizard) give(text string) {
	p.fresh()
	p.write(p.cfg.Output, cronofy.CleanText(text, linesLongest)+"\n")
}

func (p *linesWizard) write(w io.Writer, text string) {
	if _, err := io.WriteString(w, text); err != nil && p.broken == nil {
		p.broken = err
	}
}

func (p *linesWizard) wrong(summary, hint string) {
	p.say("confer: error: " + clean(summary))
	if hint != "" {
		p.say("confer: hint: " + clean(hint))
	}
}

// notify says what stops nothing, and remembers it.
func (p *linesWizard) notify(notice string) {
	if p.notice = notice; notice != "" {
		p.say("confer: notice: " + clean(notice))
	}
}

// linesWords says what Enter is in lines.
func linesWords(s string) string { return strings.ReplaceAll(s, "{enter}", "an empty answer") }

// linesText keeps a line in the characters that every terminal has and every
// screen reader speaks; names from outside keep theirs.
func linesText(s string) string {
	return strings.NewReplacer("“", `"`, "”", `"`, "‘", "'", "’", "'", " · ", ", ", "…", "...", "█", "#", "░", ".").Replace(cronofy.CleanText(s, linesLongest))
}
