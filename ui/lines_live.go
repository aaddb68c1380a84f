package ui

import (
	"fmt"
	"strings"
	"time"

	"confer/flow"
	"confer/internal/profiles"
)

// linesGather is how long a terminal must be silent after a line before a paste
// counts as whole: lines of one paste come within milliseconds, also over SSH.
const linesGather = 250 * time.Millisecond

// linesShortest is the shortest piece that can be of an address; anything under
// it without a sign of one was meant for a letter.
const linesShortest = 16

// live stays with what goes on by itself, the wait for the administrator with what
// is open over it, or the look at accounts, until another page is shown. Nothing is
// asked: a letter does one of the page's actions, and during the wait a final
// address can come at any time. When the input has ended, the look that is under way
// is still finished: what was asked for is read once.
func (p *linesWizard) live(page Page) error {
	at, waits := p.at(), p.waiting()
	var ticks <-chan time.Time
	if waits {
		_ = p.in.set(linesRaw) // a terminal that cannot may cut a long address, which is refused then
		tick, stop := p.tick()
		defer stop()
		defer p.endWait()
		ticks = tick
	}
	p.begin(page)
	for p.at() == at && (p.waiting() || !waits && p.state.Running != nil) {
		if !waits && p.in.over() && !p.state.Watch.NextLook.IsZero() {
			return errLinesEnded
		}
		got, text, err := p.next(!p.decides && (waits || !p.in.over()), ticks)
		if err == nil {
			err = p.hears(got, text)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// begin says what can be done.
func (p *linesWizard) begin(page Page) {
	switch {
	case p.at() == pageWaiting:
		p.invite()
	case p.at() == pageTable:
		p.say("Looking.")
		p.letters(page)
		p.say("b goes back, q quits, an empty answer finishes.")
	default:
		p.heading(page)
		p.letters(page)
		p.say("An empty answer goes on waiting.")
	}
}

// endWait gives the terminal its lines back, if the wait is over. Half an address is
// of no use any more.
func (p *linesWizard) endWait() {
	if p.waiting() {
		return
	}
	p.pause.Stop()
	p.paste, p.asked, p.decides = nil, false, false
	p.fresh()
	p.in.drop()
	_ = p.in.set(linesCooked)
}

func (p *linesWizard) hears(got linesKind, text string) error {
	switch got {
	case linesReported:
		p.decides = false
	case linesTicked:
		p.decides = false
		p.say("Waiting for the administrator. " + p.remaining())
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
			return errLinesEnded
		}
		p.submit()
	case linesLine:
		text = strings.TrimSpace(linesUnmarked(text))
		switch {
		case p.paste != nil && text == "":
			p.submit()
		case p.paste != nil || p.waiting() && (len(clean(text)) >= linesShortest || strings.ContainsAny(text, "=/ ")):
			p.gather(text)
		default:
			return p.letter(linesLetter(clean(text)))
		}
	}
	return nil
}

// letter does what a letter is for.
func (p *linesWizard) letter(letter string) error {
	p.warned = p.warned && letter == "q"
	page := p.page()
	act, ok := page.byLetter(letter)
	switch {
	case letter == "q" && p.staysWith():
	case letter == "q":
		return errLinesQuit
	case letter == "?":
		p.ways(page)
	case letter == "b", letter == "" && p.over():
		p.back()
	case ok:
		p.decides = p.over() && act.Event != nil
		return p.do(act)
	case letter == "":
		p.invite()
	default:
		p.wrong("That is not one of the choices.", "? says what can be done.")
	}
	return nil
}

// gather adds a line to the address. Without a terminal nobody wraps lines, so that
// one is whole unless it was said that several may follow.
func (p *linesWizard) gather(text string) {
	p.warned = false
	size := len(text)
	for _, l := range p.paste {
		size += len(l)
	}
	if size <= 2*linesLongest { // beyond that it is refused as too long, whatever follows
		p.paste = append(p.paste, text)
	}
	if !p.in.typed && !p.asked {
		p.submit()
		return
	}
	p.pause.Reset(linesGather)
}

func (p *linesWizard) submit() {
	p.pause.Stop()
	text := strings.Join(p.paste, "\n")
	p.paste, p.asked = nil, false
	if bad := p.refuse(pastePage(p.context()).Fields[0], text); bad != nil {
		p.wrong(bad.Summary, bad.Hint)
		return
	}
	p.say("Checking what was pasted.")
	p.decides = true
	p.apply(flow.Pasted{Text: text})
}

// remaining is how long the administrator has.
func (p *linesWizard) remaining() string {
	if p.state.Attempt.Until.IsZero() {
		return "There is no end to the wait."
	}
	return clock(p.state.Attempt.Until.Sub(p.cfg.Now())) + " left."
}

// toldLink gives the approval link and says how its answer comes back.
func (p *linesWizard) toldLink() {
	page := pageAt(pageWaiting, p.context())
	p.say("The administrator has to open this approval link:")
	p.give(p.state.Attempt.URL)
	if page.Link != "" {
		p.say("On this machine, this short address leads to it: " + page.Link)
	}
	p.say(page.Lead)
	p.notes(page)
	if p.in.mode == linesRaw {
		p.invite()
	}
}

// invite is said when the terminal is ready for a long address, and not before.
func (p *linesWizard) invite() {
	p.say("Waiting for the administrator. " + p.remaining() + " ? says what can be done.")
}

// ways says every way on, and what silence means.
func (p *linesWizard) ways(page Page) {
	if page.Paste != "" {
		p.say("Paste the address that the browser ended on, or give a letter:")
	}
	if read := counts(p.state.Watch.Counts); read != "" {
		p.say(read + ".")
	}
	for _, a := range page.actions() {
		key := a.Key
		if key == "enter" {
			key = "An empty answer"
		}
		p.say(key + ": " + a.Words)
	}
	p.say("b: " + p.backWord())
	p.say("q: quit")
	for _, l := range page.Explain {
		p.say(l)
	}
}

// linesMostRows is the longest list whose accounts are said one by one as they
// are read. Longer ones have their counts alone, and the table at the end.
const linesMostRows = 200

// linesRows are the newest records, for the table at the end.
type linesRows struct {
	all     []profiles.Row  // one that is not read yet has no state
	given   bool            // the table was, and no row has come since
	advised map[string]bool // next steps that were said: once is enough for a list
}

// toldRows says each account whose state is new or has changed.
func (p *linesWizard) toldRows(in []profiles.Row) {
	r := &p.rows
	r.given = false
	if r.advised == nil {
		r.advised = map[string]bool{}
	}
	for _, row := range in {
		if row.Index < 0 {
			continue
		}
		if n := row.Index + 1 - len(r.all); n > 0 {
			r.all = append(r.all, make([]profiles.Row, n)...)
		}
		row = row.NameLike(r.all[row.Index])
		changed := r.all[row.Index].Record.State != row.Record.State
		r.all[row.Index] = row
		switch {
		case !changed || row.Index > linesMostRows:
		case row.Index == linesMostRows:
			p.say(fmt.Sprintf("There are more than %d accounts: the rest is counted, and stands in the table at the end.", linesMostRows))
		default:
			p.say(p.row(row))
		}
	}
}

func (p *linesWizard) row(row profiles.Row) string {
	rec, kind := row.Record, p.state.Answers.Accounts.Kind
	line := rec.Words() + ": " + clean(accountName(row, kind))
	shown := shownProfile(rec, p.state.Answers.Provider)
	switch {
	case rec.Error != nil:
		_, next := flow.AccountWords(rec.Error.Code, kind)
		line += ", " + clean(rec.Error.Message)
		if p.rows.advised[next] {
			return line
		}
		p.rows.advised[next] = true
		return line + " " + next
	case shown == nil:
		return line
	}
	line += ", " + providerLabel(shown.ProviderName) + " profile " + clean(shown.ProfileName)
	if shown.SinceLink() {
		line += ", new since the link"
	}
	if shown.RelinkURL != "" {
		line += ", to be linked again at " + clean(shown.RelinkURL)
	}
	return line
}

// table writes all rows to standard output, as the command profiles does.
func (p *linesWizard) table() {
	if len(p.rows.all) == 0 || p.rows.given {
		return
	}
	p.rows.given = true
	p.fresh()
	w := profiles.NewWriter(p.cfg.Output, profiles.FormatTable, profiles.WriterOptions{})
	for _, row := range p.rows.all {
		if row.Record.State == "" {
			continue
		}
		if err := w.Write(row.Record); err != nil && p.broken == nil {
			p.broken = err
		}
	}
}
