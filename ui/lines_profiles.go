package ui

import (
	"fmt"

	"confer/flow"
	"confer/internal/profiles"
)

// linesMostRows is the longest list whose accounts are said one by one as they
// are read. Longer ones have their counts alone, and the table at the end.
const linesMostRows = 200

// linesRows are the newest records, for the table at the end.
type linesRows struct {
	all     []profiles.Row  // one that is not read yet has no state
	given   bool            // the table was, and no row has come since
	advised map[string]bool // next steps that were said: once is enough for a list
}

// watch drives the page of accounts in lines: it reads along while they are looked
// at, and does the page's actions. When the input has ended, the look that is
// under way is still finished: what was asked for is read once.
func (p *linesWizard) watch() error {
	page := p.page()
	p.say("Looking.")
	p.letters(page)
	p.say("b goes back, q quits, an empty answer finishes.")
	for p.state.Running != nil && p.at() == pageTable {
		if p.in.ended && len(p.in.lines) == 0 && !p.state.Watch.NextLook.IsZero() {
			return errPlainEnded
		}
		got, text, err := p.next(linesWants{input: !p.in.ended || len(p.in.lines) > 0})
		if err != nil {
			return err
		}
		if got != linesLine {
			continue
		}
		if err := p.watched(linesLetter(clean(linesUnmarked(text)))); err != nil {
			return err
		}
	}
	return nil
}

func (p *linesWizard) watched(text string) error {
	page := p.page()
	switch act, ok := page.byLetter(text); {
	case text == "q":
		return errPlainQuit
	case text == "b":
		p.apply(flow.Back{})
	case text == "?":
		if read := counts(p.state.Watch.Counts); read != "" {
			p.say(read + ".")
		}
		for _, l := range page.Explain {
			p.say(l)
		}
		p.letters(page)
	case ok:
		return p.do(act)
	default:
		p.wrong("That is not one of the choices.", "? says what can be done.")
	}
	return nil
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
	w, err := profiles.NewWriter(p.cfg.Output, profiles.FormatTable, profiles.WriterOptions{}), error(nil)
	for _, row := range p.rows.all {
		if row.Record.State != "" && err == nil {
			err = w.Write(row.Record)
		}
	}
	if err != nil && p.broken == nil {
		p.broken = err
	}
}
