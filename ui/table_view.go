package ui

import (
	"slices"
	"strings"

	"confer/cronofy"
	"confer/flow"
	"confer/internal/profiles"
)

func (t *table) view(f frame) page {
	var p page
	switch t.mode {
	case tableDetail:
		t.viewDetail(f, &p)
	case tableSummary:
		summary(f, &p)
	case tableExport:
		viewExport(f, &p)
	case tableRows:
		t.viewRows(f, &p)
	}
	if t.flash != "" && t.mode != tableRows {
		p.foot = f.done(t.flash)
	}
	return p
}

// space is how many rows fit.
func (t *table) space(f frame) int {
	used := 2 + len(t.feet(f)) // counts and heads
	if f.h >= 14 {
		used++ // a blank line between them
	}
	if t.filtering || t.filter.value() != "" {
		used++
	}
	return max(1, f.h-used)
}

func (t *table) feet(f frame) []string {
	switch {
	case f.state.Notice != "":
		return f.warning(clean(f.state.Notice))
	case t.rows.len() > 0 && f.state.KnownHere() == nil && f.h >= 16:
		return []string{"", f.st.muted.Render(cutTo("A profile that was there before the link may be the person's own.", f.w))}
	}
	return nil
}

func (t *table) viewRows(f frame, p *page) {
	next := t.nextLook(f)
	if f.w < 60 {
		next = strings.NewReplacer("next look in", "in", "Cronofy asks to wait", "wait").Replace(next)
	}
	p.add(keep, spread(t.countsLine(f, f.w-visible(next)-2), next, f.w))
	if t.filtering || t.filter.value() != "" {
		text, x := t.filter.view(f.w-20, false)
		b := block{tight: true, col: -1, lines: []string{spread(f.st.accent.Render("/ ")+text, f.st.muted.Render(thousands(len(t.rows.shown))+" shown"), f.w)}}
		if t.filtering {
			b.focus, b.col = true, x+2
		}
		p.put(b)
	}
	lines := t.lines(f)
	if f.h >= 14 {
		p.add(keep, lines...)
	} else {
		p.join(keep, lines...)
	}
	p.join(keep, t.feet(f)...)
}

// lines are the heads and the rows on the screen, each one string.
func (t *table) lines(f frame) []string {
	c := columnsFor(f.w, t.rows.need)
	heads := columns{c.state + 2, c.account, c.provider, c.profile}.line("  ", t.rows.sort.marked("State", sortState), t.rows.sort.marked("Account", sortAccount), "Provider", "Profile")
	out := []string{f.st.muted.Render(strings.TrimRight(heads, " "))}
	n := t.space(f)
	t.scrollTo(n)
	for i := t.tops; i < min(len(t.rows.shown), t.tops+n); i++ {
		out = append(out, t.line(f, c, t.rows.all[t.rows.shown[i]], i == t.rows.cursor))
	}
	if len(t.rows.shown) == 0 {
		out = append(out, f.st.muted.Render("  "+t.emptyWords(f)))
	}
	return out
}

func (t *table) emptyWords(f frame) string {
	switch {
	case t.rows.len() > 0:
		return "Nothing matches."
	case f.state.Running != nil:
		return "Reading the accounts…"
	}
	return "No accounts were read."
}

// scrollTo moves the first row as little as the cursor asks for.
func (t *table) scrollTo(n int) {
	t.tops = max(0, min(t.tops, len(t.rows.shown)-n))
	t.tops = min(t.tops, t.rows.cursor)
	t.tops = max(t.tops, t.rows.cursor-n+1)
}

// line draws a row with one style for its sign and one, if at all, for the rest:
// styles cost more than anything else on the screen.
func (t *table) line(f frame, c columns, row profiles.Row, here bool) string {
	of := cellsOf(row, f.state.Answers)
	profile := cutTo(of.profile, c.profile-len(of.more)) + of.more
	line := strings.TrimRight(c.line("", of.state, of.account, of.provider, profile), " ")
	sign := t.sign(f, row.Record.State)
	if here {
		return f.st.accent.Render(signCursor) + " " + sign + " " + f.st.accent.Bold(true).Render(line)
	}
	return "  " + sign + " " + line
}

func (t *table) sign(f frame, s profiles.State) string {
	switch s {
	case profiles.Connected:
		return f.st.good.Render(signDone)
	case profiles.Disconnected:
		return f.st.warn.Render(signWarn)
	case profiles.Failed:
		return f.st.bad.Render(signBad)
	case profiles.Missing:
	}
	return f.st.muted.Render(signMissing)
}

func stateWord(s profiles.State) string {
	switch s {
	case profiles.Connected:
		return "connected"
	case profiles.Disconnected:
		return "disconnected"
	case profiles.Missing:
		return "not yet"
	case profiles.Failed:
		return "error"
	}
	return clean(string(s))
}

// accountName is what a row is called. Of an account whose token was refused
// nothing may be known but where the token came from.
func accountName(row profiles.Row, kind flow.AccountsKind) string {
	switch a := row.Record.Account; {
	case a.Email != "":
		return a.Email
	case a.Name != "":
		return a.Name
	case a.Sub != "":
		return a.Sub
	}
	if kind == flow.AccountsToken {
		return "the pasted token"
	}
	return "account " + thousands(row.Index+1) + " of the list"
}

// providerLabel turns a profile's provider_name into what people call it.
func providerLabel(name string) string { return clean(cronofy.ProviderName(name)) }

// shownProfile is the one that the row's state is about: of the provider asked
// for, a connected one first, and one that is new before others.
func shownProfile(rec profiles.Record, asked cronofy.Provider) *profiles.Profile {
	if asked == "" {
		asked = cronofy.AnyProvider
	}
	weight := func(p *profiles.Profile) int { return 2*btoi(p.Connected) + btoi(p.SinceLink()) }
	var best *profiles.Profile
	for i := range rec.Profiles {
		p := &rec.Profiles[i]
		if asked.Matches(p.ProviderName) && (best == nil || weight(p) > weight(best)) {
			best = p
		}
	}
	return best
}

// counted is one of the numbers above the table.
type counted struct {
	n     int
	state profiles.State
	word  string
}

func countedOf(t flow.Tally) []counted {
	errors := "errors"
	if t.Errors == 1 {
		errors = "error"
	}
	all := []counted{{t.Connected, profiles.Connected, "connected"}, {t.Disconnected, profiles.Disconnected, "disconnected"},
		{t.Missing, profiles.Missing, "not yet"}, {t.Errors, profiles.Failed, errors}}
	return slices.DeleteFunc(all, func(c counted) bool { return c.n == 0 && (c.state != profiles.Connected || t.Read == 0) })
}

// counts are the numbers in a sentence.
func counts(t flow.Tally) string {
	var parts []string
	for _, c := range countedOf(t) {
		parts = append(parts, thousands(c.n)+" "+c.word)
	}
	return strings.Join(parts, " · ")
}

// countsLine has the signs of the rows, which explains them; where there is no
// room for the words, the signs alone.
func (t *table) countsLine(f frame, room int) string {
	var long, short []string
	for _, c := range countedOf(f.state.Proof.Tally) {
		number := t.sign(f, c.state) + " " + f.st.strong.Render(thousands(c.n))
		short = append(short, number)
		long = append(long, number+" "+c.word)
	}
	if line := strings.Join(long, "  "); visible(line) <= room {
		return line
	}
	return strings.Join(short, "   ")
}

// nextLook says what the wizard does by itself.
func (t *table) nextLook(f frame) string {
	s := f.state
	switch {
	case t.flash != "":
		return f.spin + " " + f.st.muted.Render(t.flash)
	case s.Running != nil && s.Proof.NextLook.After(f.now):
		return f.st.muted.Render("next look in " + clock(s.Proof.NextLook.Sub(f.now)))
	case pauses(s, f.now):
		return f.st.muted.Render("Cronofy asks to wait " + clock(s.Pause.Until.Sub(f.now)))
	case s.Running != nil:
		return f.spin + " " + f.st.muted.Render("looking…")
	case s.Proof.Tally.Missing > 0:
		return f.st.muted.Render("r looks again")
	}
	return ""
}
