package ui

import (
	"strings"

	tea "charm.land/bubbletea/v2"

	"confer/flow"
	"confer/internal/profiles"
)

// table drives the page of accounts on the screen. It is made by hand: Bubbles'
// table holds each row as the texts of its cells, and makes room for all rows at
// each key: 1.7 MB and 1.9 ms over 100,000 rows, where this one takes 0.5 ms
// (go test ./ui -bench Scroll).
type table struct {
	rows      *rows
	filter    *input
	filtering bool // the filter's field has the focus
	tops      int  // first row on the screen
}

func newTable() *table { return &table{rows: &rows{}, filter: newInput()} }

// clear forgets the rows of an earlier list.
func (t *table) clear() { *t = *newTable() }

// edit changes the filter, while it has the focus.
func (t *table) edit(msg tea.Msg) {
	if t.filtering {
		t.filter.update(msg)
		t.rows.find(t.filter.Value())
	}
}

func (t *table) find(text string) {
	t.filter.set(text)
	t.rows.find(text)
}

// tableCommands are the table's own and the page's actions.
func (m *Model) tableCommands(p Page, back, help, quit command) []command {
	t := m.profile
	some, many := len(t.rows.shown) > 0, len(t.rows.shown) > 1
	move := func(k tea.KeyPressMsg) tea.Cmd {
		t.rows.move(moved(k, max(1, t.space(m.frame(), p)-1)))
		return nil
	}
	moves := command{Binding: bind("↑/↓", "move", "up", "down"), do: move}
	if t.filtering {
		help.Binding = keyHelpTyping
		out := []command{{Binding: as(keyEnter, "keep the filter"), do: doing(func() { t.filtering = false })},
			{Binding: as(keyBack, "clear it"), do: doing(func() { t.filtering = false; t.find("") })}, help}
		if many {
			out = append(out, moves)
		}
		return append(out, quit)
	}
	if t.filter.Value() != "" {
		back.do = doing(func() { t.find("") })
	}
	out := []command{m.enter(p, m.form()), back, help}
	if some {
		out = append(out, command{Binding: bind("→", "details", "right", "l"), do: running(func() tea.Cmd { return m.do(Act{Open: pageAccount}) })})
	}
	near, rest := m.actions(p)
	out = append(out, near...)
	if t.rows.len() > 1 {
		out = append(out, command{Binding: keyFilter, do: doing(func() { t.filtering = true })},
			command{Binding: bind("s", t.rows.otherOrder(), "s"), do: doing(t.rows.sort)})
	}
	if many {
		moves.SetKeys("up", "down", "k", "j")
		out = append(out, moves)
		rest = append(rest, command{Binding: bind("pgup/pgdn", "page", "pgup", "pgdown"), aside: true, do: move},
			command{Binding: bind("home/end", "first, last", "home", "end", "g", "G"), aside: true, do: move})
	}
	return append(append(out, rest...), quit)
}

// space is how many rows fit.
func (t *table) space(f frame, p Page) int {
	used := 2 + len(t.feet(f, p)) // counts and heads
	if f.h >= 14 {
		used++ // a blank line between them
	}
	if t.filtering || t.filter.Value() != "" {
		used++
	}
	return max(1, f.h-used)
}

func (t *table) feet(f frame, p Page) []string {
	var s sheet
	switch {
	case p.Warning != "":
		return f.warning(clean(p.Warning))
	case f.h < 16 || t.rows.len() == 0:
		return nil
	}
	for _, n := range p.Notes {
		f.note(&s, n)
	}
	if lines := stack(s.blocks, false).lines; len(lines) > 0 {
		return append([]string{""}, lines...)
	}
	return nil
}

// draw makes the sheet of the table.
func (t *table) draw(f frame, p Page, told flash) sheet {
	var s sheet
	next := p.Lead
	if told.text != "" {
		next = told.text
	}
	if f.w < 60 {
		next = strings.NewReplacer("next look in", "in", "Cronofy asks to wait", "wait").Replace(next)
	}
	if next != "" {
		next = f.st.muted.Render(next)
	}
	if f.spin != "" {
		next = f.spin + " " + next
	}
	s.add(keep, spread(t.countsLine(f, f.w-visible(next)-2), next, f.w))
	if t.filtering || t.filter.Value() != "" {
		text, x := t.filter.view(f.w-20, f.refuse(Field{}, t.filter.Value()) != nil)
		b := block{tight: true, col: -1, lines: []string{spread(f.st.accent.Render("/ ")+text, f.st.muted.Render(thousands(len(t.rows.shown))+" shown"), f.w)}}
		if t.filtering {
			b.focus, b.col = true, x+2
		}
		s.put(b)
	}
	lines := t.lines(f, p)
	heads := []spot{{kind: spotKey, key: "s"}}
	s.put(block{lines: lines, tight: f.h < 14, col: -1, spots: append(heads, spots(spotRow, t.tops, min(len(lines)-1, len(t.rows.shown)-t.tops))...)})
	s.join(keep, t.feet(f, p)...)
	return s
}

// lines are the heads and the rows on the screen, each one string.
func (t *table) lines(f frame, p Page) []string {
	c := columnsFor(f.w, t.rows.need)
	state := "State"
	if t.rows.byState {
		state += " ↓"
	}
	heads := columns{c.state + 2, c.account, c.provider, c.profile}.line("  ", state, "Account", "Provider", "Profile")
	out := []string{f.st.muted.Render(strings.TrimRight(heads, " "))}
	n := t.space(f, p)
	t.scrollTo(n)
	for i := t.tops; i < min(len(t.rows.shown), t.tops+n); i++ {
		out = append(out, t.line(f, c, t.rows.all[t.rows.shown[i]], i == t.rows.cursor))
	}
	if len(t.rows.shown) == 0 {
		empty := "Reading the accounts…"
		if t.rows.len() > 0 {
			empty = "Nothing matches."
		}
		out = append(out, f.st.muted.Render("  "+empty))
	}
	return out
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
	of := cellsOf(row, f.ctx.Answers)
	profile := cutTo(of.profile, c.profile-len(of.more)) + of.more
	line := strings.TrimRight(c.line("", of.state, of.account, of.provider, profile), " ")
	sign := stateSign(f, row.Record.State)
	if here {
		return f.st.accent.Render(signCursor) + " " + sign + " " + f.st.accent.Bold(true).Render(line)
	}
	return "  " + sign + " " + line
}

func stateSign(f frame, s profiles.State) string {
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

// countsLine has the signs of the rows, which explains them; where there is no
// room for the words, the signs alone.
func (t *table) countsLine(f frame, room int) string {
	var long, short []string
	for _, c := range countedOf(f.ctx.Watch.Counts) {
		number := stateSign(f, c.state) + " " + f.st.strong.Render(thousands(c.n))
		short = append(short, number)
		long = append(long, number+" "+c.word)
	}
	if line := strings.Join(long, "  "); visible(line) <= room {
		return line
	}
	return strings.Join(short, "   ")
}

// columns are the widths of a row.
type columns struct{ state, account, provider, profile int }

func (c columns) widened(by columns) columns {
	return columns{max(c.state, by.state), max(c.account, by.account), max(c.provider, by.provider), max(c.profile, by.profile)}
}

const columnGap = "  "

// columnsFor gives each column what its widest cell needs, and the last what is
// left. Where that is too much, the account keeps at least three fifths of the
// room, because it says whose row it is. The widths are those of all rows: nothing
// moves while one scrolls or filters.
func columnsFor(w int, need columns) columns {
	const gap = len(columnGap)
	c := columns{state: max(len("disconnected"), need.state), provider: len("Provider")}
	rest := w - 4 - c.state - gap
	switch {
	case rest < 34:
		c.account, c.provider = rest, 0
	case rest < 50:
		c.account = rest - c.provider - gap
	default:
		c.provider = max(c.provider, min(need.provider, 12))
		room := rest - c.provider - 2*gap
		c.account = max(len("Account"), need.account)
		if c.account+need.profile > room {
			c.account = min(c.account, max(room*3/5, room-max(len("Profile"), need.profile)))
		}
		c.profile = room - c.account
	}
	return c
}

func (c columns) line(sign, state, account, provider, profile string) string {
	var b strings.Builder
	b.WriteString(sign)
	b.WriteString(fixed(state, c.state))
	b.WriteString(columnGap)
	b.WriteString(fixed(account, c.account))
	if c.provider > 0 {
		b.WriteString(columnGap)
		b.WriteString(fixed(provider, c.provider))
	}
	if c.profile > 0 {
		b.WriteString(columnGap)
		b.WriteString(fixed(profile, c.profile))
	}
	return b.String()
}

// fixed cuts or fills s to w cells.
func fixed(s string, w int) string {
	if n := visible(s); n > w {
		s = cutTo(s, w)
	}
	return pad(s, w)
}

// cells are the texts of a row.
type cells struct {
	state, account, provider, profile string
	more                              string // how many profiles are not shown; never cut
}

func cellsOf(row profiles.Row, of flow.Answers) cells {
	rec := row.Record
	c := cells{state: rec.Words(), account: clean(accountName(row, of.Accounts.Kind))}
	shown := shownProfile(rec, of.Provider)
	switch {
	case shown != nil:
		c.provider, c.profile = providerLabel(shown.ProviderName), clean(shown.ProfileName)
		if more := len(rec.Profiles) - 1; more > 0 {
			c.more = " +" + thousands(more)
		}
		if shown.SinceLink() {
			c.profile = "new · " + c.profile
		}
	case rec.Error != nil:
		c.profile, _ = flow.AccountWords(rec.Error.Code, of.Accounts.Kind)
		c.profile = clean(c.profile)
	}
	return c
}

// widths are what the texts need whole.
func (c cells) widths() columns {
	return columns{state: visible(c.state), account: visible(c.account), provider: visible(c.provider), profile: visible(c.profile) + len(c.more)}
}

// unmet are some accounts that are not connected, with why.
func unmet(rows []profiles.Row, s flow.State) []string {
	const most = 5
	left := s.Watch.Counts.Read - s.Watch.Counts.Connected
	var out []string
	for _, row := range rows {
		if row.Record.State == profiles.Connected || row.Record.State == "" {
			continue
		}
		if len(out) == most {
			return append(out, "and "+thousands(left-most)+" more")
		}
		out = append(out, clean(accountName(row, s.Answers.Accounts.Kind))+" · "+row.Record.Words())
	}
	return out
}
