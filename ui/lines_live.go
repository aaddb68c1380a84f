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

// endWait gives the terminal its lines back. Half an address is of no use any more.
func (p *linesWizard) endWait() {
	p.pause.Stop()
	p.paste, p.follows, p.decides = nil, false, false
	p.fresh()
	p.in.drop()
}

// awaitsAddress tells whether a line may be of a final address: a wait takes one at any
// time.
func (p *linesWizard) awaitsAddress() bool { return p.waiting() || p.at() == pagePaste }

// gathers takes a line of a final address, which ends with an empty one. Without a
// terminal nobody wraps lines, so that one is whole unless it was said that several
// may follow.
func (p *linesWizard) gathers(text string) bool {
	switch {
	case p.paste != nil && text == "":
		p.submit()
		return true
	case p.paste == nil && len(clean(text)) < linesShortest && !strings.ContainsAny(text, "=/ "):
		return false
	}
	p.warned = false
	if len(strings.Join(p.paste, "\n")) <= 2*linesLongest { // beyond that it is refused as too long, whatever follows
		p.paste = append(p.paste, text)
	}
	if p.in.typed || p.follows {
		p.pause.Reset(linesGather)
	} else {
		p.submit()
	}
	return true
}

func (p *linesWizard) submit() {
	p.pause.Stop()
	text := strings.Join(p.paste, "\n")
	p.paste, p.follows = nil, false
	if bad := p.refuse(pastePage(p.context()).Fields[0], text); bad != nil {
		p.wrong(bad.Summary, bad.Hint)
		return
	}
	if p.waiting() { // else the page says it
		p.say("Checking what was pasted.")
	}
	p.decides = true
	p.apply(flow.Pasted{Text: text})
}

func (p *linesWizard) remaining() string {
	if p.state.Attempt.Until.IsZero() {
		return "There is no end to the wait."
	}
	return clock(p.state.Attempt.Until.Sub(p.cfg.Now())) + " left."
}

// linesWonder is the shortest pause that is worth a line.
const linesWonder = 3 * time.Second

// told says what a task reported, once it has changed the state, where no page says
// it; nil: nothing was.
func (p *linesWizard) told(ev flow.Event) {
	at := p.state.Attempt
	switch ev := ev.(type) {
	case flow.LinkReady:
		p.say("The administrator has to open this approval link:")
		p.give(at.URL)
		p.said, p.posed = "", false
	case flow.BrowserAsked:
		if ev.Err == nil {
			p.say("A browser was asked to open it.")
		} else {
			p.say("confer: notice: " + clean(at.Browser))
		}
	case flow.TimeExtended:
		p.posed = false
	case flow.AnswerRejected:
		p.notify(at.Notice)
	case flow.Linked:
		line := fmt.Sprintf("linked %s with %s", clean(ev.Link.ServiceAccount), clean(ev.Link.Provider))
		if ev.Link.Unconfirmed {
			line += " (not confirmed)"
		}
		p.give(line)
	case flow.Paused:
		if p.state.Pause.Until.Sub(p.cfg.Now()) >= linesWonder {
			p.say(p.context().pausing())
		}
	case flow.ProfilesRead:
		for _, row := range ev.Rows {
			p.rows.keep(row)
		}
		p.given = false
	case flow.ProfilesDone:
		p.rows.cut(p.state.Watch.Counts.Read)
	case flow.LookPlanned:
		p.rows.cut(p.state.Watch.Counts.Read)
		p.say(fmt.Sprintf("%s. The next look is in %s.", counts(p.state.Watch.Counts), clock(ev.At.Sub(p.cfg.Now()))))
	}
}

// table writes all rows to standard output, as the command profiles does.
func (p *linesWizard) table() {
	if len(p.rows) == 0 || p.given {
		return
	}
	p.given = true
	p.fresh()
	w := profiles.NewWriter(p.cfg.Output, profiles.FormatTable, profiles.WriterOptions{})
	for _, row := range p.rows {
		if row.Record.State == "" {
			continue
		}
		if err := w.Write(row.Record); err != nil && p.broken == nil {
			p.broken = err
		}
	}
}
