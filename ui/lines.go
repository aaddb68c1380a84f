package ui

import (
	"context"
	"errors"
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

// linesEvery is how often a wait says that it goes on. A screen reader speaks
// every line, so it is not more often.
const linesEvery = 15 * time.Second

// Ways out of a question that are no answer.
var (
	errLinesBack  = errors.New("back")
	errLinesQuit  = errors.New("quit")
	errLinesEnded = errors.New("the input ended")
	errLinesMoved = errors.New("another page")
)

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

// linesWizard asks, says and waits.
type linesWizard struct {
	wizard
	tick func() (c <-chan time.Time, stop func()) // ticks every linesEvery
	ctx  context.Context
	in   *linesInput

	prompted string // the question
	asking   bool   // a question stands on the last line, without a line break
	width    int    // of the terminal; 0: lines are as long as they are
	broken   error  // the first error of a writer

	said    pageID        // the page whose heading was said
	problem *flow.Problem // said
	notice  string        // said
	ended   bool          // the operator has finished
	warned  bool          // what quitting would lose was said

	paste   []string // lines of a final address so far; nil: none was begun
	asked   bool     // it was said that an address follows
	pause   *time.Timer
	decides bool // an answer was handed over; the next line waits for what comes of it

	rows linesRows
}

func newLines(ctx context.Context, cfg Config) *linesWizard {
	tick := func() (<-chan time.Time, func()) {
		t := time.NewTicker(linesEvery)
		return t.C, t.Stop
	}
	p := &linesWizard{wizard: newWizard(cfg), tick: tick, ctx: ctx, in: openLinesInput(cfg.Input), pause: time.NewTimer(time.Hour)}
	p.pause.Stop()
	if f, ok := cfg.Err.(*os.File); ok {
		p.width, _, _ = term.GetSize(int(f.Fd()))
	}
	return p
}

// run goes from the first line to the last.
func (p *linesWizard) run() (last flow.State, err error) {
	defer func() {
		if caught := crash.Caught(recover()); caught != nil {
			last, err = p.state, caught
		}
	}()
	p.say(fmt.Sprintf("confer links calendars with conferencing. There are %d steps, line by line.", len(flow.Steps())))
	p.say("An empty answer takes the one in brackets. b goes back, q quits, ? helps.")
	for !p.ended && p.broken == nil && err == nil {
		err = p.turn()
	}
	if errors.Is(err, errLinesEnded) {
		p.say("The input has ended.")
	}
	if errors.Is(err, errLinesQuit) || errors.Is(err, errLinesEnded) {
		err = nil
	}
	if p.ctx.Err() != nil {
		p.fresh()
		return p.state, context.Cause(p.ctx)
	}
	p.table()
	if !p.ended && p.state.Step == flow.StepProfiles && p.said != pageDone {
		p.end()
	}
	if p.broken != nil {
		err = fmt.Errorf("write: %w", p.broken)
	}
	return p.state, err
}

// end says what was done, where the operator left before the last page.
func (p *linesWizard) end() {
	if p.state.Link == nil && !p.state.ApprovedNow() {
		return
	}
	page := donePage(p.context())
	p.say(page.Title + ".")
	p.notes(page)
}

// turn asks the page's question, or stays with the task that is running.
func (p *linesWizard) turn() error {
	page := p.page()
	switch {
	case p.waiting(), p.at() == pageTable && p.state.Running != nil:
		return p.live(page)
	case p.at() == pageTable:
		return p.do(Act{Open: pageDone})
	case page.Busy != "":
		return p.busy(page)
	}
	p.heading(page)
	act, err := p.question(page)
	switch {
	case errors.Is(err, errLinesMoved):
		return nil
	case errors.Is(err, errLinesBack):
		p.back()
		return nil
	case errors.Is(err, errLinesQuit) && p.staysWith():
		return nil
	case err != nil:
		return err
	}
	p.warned = false
	return p.do(act)
}

func (p *linesWizard) back() {
	switch {
	case p.over() && (p.at() != pagePassphrase || !p.state.Store.Pinned):
		p.close(p.state)
		p.said = ""
	case p.state.Step == 0 && !p.state.Asking:
		p.say("This is the first step. q quits.")
	case p.waiting():
		p.say("The wait is over. A link that is open in a browser counts again as soon as confer waits again.")
		p.apply(flow.Back{})
	default:
		p.apply(flow.Back{})
	}
}

// do does what an action is for.
func (p *linesWizard) do(a Act) error {
	switch {
	case a.Leave:
		p.ended = true
	case a.Open == back:
		p.back()
	case a.Open == pagePaste && p.waiting():
		p.asked = true
		p.say("Paste the whole address that the browser ended on, then an empty line. The page may say that it cannot connect; that is as it should be.")
	case a.Open != "":
		if a.Open == pageDone {
			p.table()
		}
		p.open(a.Open, p.state)
		p.said = ""
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
		p.apply(a.Event)
	}
	return nil
}

func (p *linesWizard) apply(ev flow.Event) {
	before, turned := p.change(ev)
	if !before.Watch.Started && p.state.Watch.Started {
		p.rows = linesRows{}
	}
	if turned {
		p.said = ""
	}
	p.told(reported(before, ev))
}

// busy waits while something of ours works and nothing can be asked.
func (p *linesWizard) busy(page Page) error {
	if !page.Fixed { // what is fixed was said when it began
		p.say(page.Busy + ".")
	}
	tick, stop := p.tick()
	defer stop()
	for p.state.Busy() && p.state.Attempt.Phase != flow.PhaseWaiting {
		got, _, err := p.next(false, tick)
		if err != nil {
			return err
		}
		if got == linesTicked {
			still := p.context().windowWords()
			if still == "" {
				still = "Still working"
			}
			p.say(still + ".")
		}
	}
	return nil
}

func (p *linesWizard) page() Page { return pageAt(p.at(), p.context()) }

func (p *linesWizard) context() Context { return p.wizard.context(p.rows.all) }

// heading says where the wizard is, and what is wrong there, each once.
func (p *linesWizard) heading(page Page) {
	if page.Warning != "" && page.Warning != p.notice {
		p.say("confer: notice: " + clean(page.Warning))
	}
	p.notice = page.Warning
	if page.Problem != nil && p.state.Problem != p.problem {
		p.wrong(page.Problem.Summary, page.Problem.Hint)
	}
	p.problem = p.state.Problem
	if p.said == p.at() {
		return
	}
	p.said = p.at()
	if !p.over() && !page.End {
		at := ""
		if p.state.Step > 0 && p.state.Answers.Site.Chosen() {
			at = " " + clean(place(p.state.Answers.Site)) + "."
		}
		p.say(fmt.Sprintf("Step %d of %d: %s.%s", p.state.Step+1, len(flow.Steps()), p.state.Step.Title(), at))
	}
	if len(page.Found) == 0 || !strings.HasPrefix(page.Found[0].Text, page.Title) {
		p.say(sentence(page.Title))
	}
	p.say(page.Lead)
	if page.Text != nil {
		p.recite(page.Text)
	}
	p.notes(page)
}

// sentence ends a title that is none.
func sentence(s string) string {
	if s == "" || strings.ContainsAny(s[len(s)-1:], ".?!)") {
		return s
	}
	return s + "."
}

// notes says the notes of a page.
func (p *linesWizard) notes(page Page) {
	for _, n := range slices.Concat(page.Found, page.Notes) {
		text := n.Text
		if n.Head != "" && (text != "" || len(n.Items) > 0) {
			text = strings.TrimSpace(n.Head + ": " + text)
		}
		p.say(text)
		p.say(n.Command)
		for i, item := range n.Items {
			if n.Bullets {
				p.say("- " + item)
				continue
			}
			p.say(fmt.Sprintf("%d. %s", i+1, item))
		}
	}
}

// recite gives a text as it is, to be copied.
func (p *linesWizard) recite(t *Text) {
	p.say(t.What + " begins.")
	for l := range strings.Lines(t.Body) {
		p.fresh()
		p.write(p.cfg.Err, linesText(strings.TrimSuffix(l, "\n"))+"\n")
	}
	p.say(t.What + " ends.")
}

// staysWith asks once before something is lost.
func (p *linesWizard) staysWith() bool {
	if !p.losable() || p.warned {
		return false
	}
	p.warned = true
	p.say(leavingWords(p.state) + " q again quits.")
	return true
}

// told says what a task reported, once it has changed the state; nil: nothing was.
func (p *linesWizard) told(ev flow.Event) {
	at, c := p.state.Attempt, p.context()
	switch ev := ev.(type) {
	case flow.UnlockAsked:
		if words := c.windowWords(); words != "" {
			p.say(words + ".")
		}
	case flow.ApplicationAccepted:
		if !ev.Ask && p.state.Notice == "" {
			p.say("Cronofy knows the application.")
		}
	case flow.ServiceAccountAccepted:
		p.say("The service account is accepted: " + clean(ev.ID) + ".")
	case flow.LinkReady:
		p.toldLink()
	case flow.BrowserAsked:
		if ev.Err == nil {
			p.say("A browser was asked to open it.")
			return
		}
		p.say("confer: notice: " + clean(at.Browser))
	case flow.TimeExtended:
		if !ev.Until.IsZero() {
			p.say("More time. " + p.remaining())
		}
	case flow.AnswerRejected:
		p.notice = at.Notice
		p.say("confer: notice: " + clean(at.Notice))
	case flow.AnswerArrived:
		p.say("The administrator approved. The code is being exchanged for tokens; confer finishes that even if you leave.")
	case flow.Exchanged:
		p.say("The tokens have arrived. They are being stored and read back.")
	case flow.Linked:
		line := fmt.Sprintf("linked %s with %s", clean(ev.Link.ServiceAccount), clean(ev.Link.Provider))
		if ev.Link.Unconfirmed {
			line += " (not confirmed)"
		}
		p.give(line)
	case flow.Paused:
		if left := p.state.Pause.Until.Sub(p.cfg.Now()); left >= linesWonder {
			p.say(c.pausing())
		}
	case flow.ProfilesRead:
		p.toldRows(ev.Rows)
	case flow.LookPlanned:
		p.say(fmt.Sprintf("%s. The next look is in %s.", counts(p.state.Watch.Counts), clock(ev.At.Sub(p.cfg.Now()))))
	}
}

// linesWonder is the shortest pause that is worth a line.
const linesWonder = 3 * time.Second

// fresh begins a line of its own.
func (p *linesWizard) fresh() {
	if p.asking || len(p.in.pending) > 0 && p.in.shows() {
		p.write(p.cfg.Err, "\n")
	}
	p.asking = false
}

// say writes a sentence on a line of its own, broken between words where the
// terminal would break it within one.
func (p *linesWizard) say(text string) {
	if text == "" {
		return
	}
	p.fresh()
	text = linesText(linesWords(text))
	if p.width > 0 {
		text = strings.Join(wrap(text, p.width), "\n")
	}
	p.write(p.cfg.Err, text+"\n")
}

// give writes a result to standard output.
func (p *linesWizard) give(text string) {
	p.fresh()
	p.write(p.cfg.Output, cronofy.CleanText(text, linesLongest)+"\n")
}

func (p *linesWizard) write(w io.Writer, text string) {
	if _, err := io.WriteString(w, text); err != nil && p.broken == nil {
		p.broken = err
	}
}

// wrong says what is not right and what to do about it.
func (p *linesWizard) wrong(summary, hint string) {
	p.say("confer: error: " + clean(summary))
	if hint != "" {
		p.say("confer: hint: " + clean(hint))
	}
}

// linesWords says what Enter is in lines.
func linesWords(s string) string { return strings.ReplaceAll(s, "{enter}", "an empty answer") }

// linesText keeps a line in the characters that every terminal has and every
// screen reader speaks; names from outside keep theirs.
func linesText(s string) string {
	return strings.NewReplacer("“", `"`, "”", `"`, "‘", "'", "’", "'", " · ", ", ", "…", "...", "█", "#", "░", ".").Replace(cronofy.CleanText(s, linesLongest))
}
