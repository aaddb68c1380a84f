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
	p.listens, p.paste, p.follows, p.decides = false, nil, false, false
	p.fresh()
	p.in.drop()
}

// gathers takes a line of a final address, which ends with an empty one. Without a
// terminal nobody wraps lines, so that one is whole unless it was said that several
// may follow.
func (p *linesWizard) gathers(text string) bool {
	switch {
	case p.paste != nil && text == "":
		p.submit()
		return true
	case p.paste == nil && (!p.waiting() || len(clean(text)) < linesShortest && !strings.ContainsAny(text, "=/ ")):
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
		p.toldRows(ev.Rows)
	case flow.LookPlanned:
		p.say(fmt.Sprintf("%s. The next look is in %s.", counts(p.state.Watch.Counts), clock(ev.At.Sub(p.cfg.Now()))))
	}
}

// linesMostRows is the longest list whose accounts are said one by one as they
// are read. Longer ones have their counts alone, and the table at the end.
const linesMostRows = 200

// linesRows are the newest records, for the table at the end.
type linesRows struct {
	all     rowList
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
		switch before := r.all.keep(row); {
		case before == row.Record.State || row.Index > linesMostRows:
		case row.Index == linesMostRows:
			p.say(fmt.Sprintf("There are more than %d accounts: the rest is counted, and stands in the table at the end.", linesMostRows))
		default:
			p.say(p.row(row))
		}
	}
}

func (p *linesWizard) row(row profiles.Row) string {
	rec, from := row.Record, p.state.Answers.Accounts
	line := rec.Words() + ": " + clean(accountName(row, from))
	shown := shownProfile(rec, p.state.Answers.Provider)
	switch {
	case rec.Error != nil:
		_, next := from.AccountWords(rec.Error.Code)
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
