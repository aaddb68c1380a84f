package ui

import (
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"confer/cronofy"
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

func newTable() *table { return &table{rows: &rows{found: []result{{}}}, filter: newInput()} }

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
	out = append(out, m.actions(p)...)
	if len(t.rows.order) > 1 {
		out = append(out, command{Binding: keyFilter, do: doing(func() { t.filtering = true })},
			command{Binding: bind("s", t.rows.otherOrder(), "s"), do: doing(t.rows.sort)})
	}
	if many {
		moves.SetKeys("up", "down", "k", "j")
		out = append(out, moves, command{Binding: bind("pgup/pgdn", "page", "pgup", "pgdown"), aside: true, do: move},
			command{Binding: bind("home/end", "first, last", "home", "end", "g", "G"), aside: true, do: move})
	}
	return append(out, quit)
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
	case f.h < 16 || len(t.rows.order) == 0:
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
		next = strings.TrimPrefix(next, "next look ")
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
		b := block{tight: true, col: -1, lines: []string{spread(f.st.accent.Render("/ ")+text, f.st.muted.Render(cronofy.Thousands(len(t.rows.shown))+" shown"), f.w)}}
		if t.filtering {
			b.focus, b.col = true, x+2
		}
		s.put(b)
	}
	lines := t.lines(f, p)
	heads := []spot{{key: "s"}}
	s.put(block{lines: lines, tight: f.h < 14, col: -1, spots: append(heads, pointing(min(len(lines)-1, len(t.rows.shown)-t.tops), "right", t.point)...)})
	s.join(keep, t.feet(f, p)...)
	return s
}

// point moves the cursor to a row on the screen, and tells whether it was there.
func (t *table) point(i int) bool {
	by := t.tops + i - t.rows.cursor
	t.rows.move(by)
	return by == 0
}

// lines are the heads and the rows on the screen, each one string.
func (t *table) lines(f frame, p Page) []string {
	c := columnsFor(f.w, f.ctx.Watch.Counts.Own > 0)
	state := "State"
	if t.rows.byState {
		state += " ↓"
	}
	heads := columns{c[0] + 2, c[1], c[2], c[3]}.line(state, "Account", "Provider", "Profile")
	out := []string{f.st.muted.Render("  " + heads)}
	n := t.space(f, p)
	t.tops = max(0, min(t.tops, len(t.rows.shown)-n)) // moves as little as the cursor asks for
	t.tops = max(min(t.tops, t.rows.cursor), t.rows.cursor-n+1)
	for i := t.tops; i < min(len(t.rows.shown), t.tops+n); i++ {
		out = append(out, t.line(f, c, t.rows.all[t.rows.shown[i]], i == t.rows.cursor))
	}
	if len(t.rows.shown) == 0 {
		empty := "Reading the accounts…"
		if len(t.rows.order) > 0 {
			empty = "Nothing matches."
		}
		out = append(out, f.st.muted.Render("  "+empty))
	}
	return out
}

// line draws a row with one style for its sign and one, if at all, for the rest:
// styles cost more than anything else on the screen.
func (t *table) line(f frame, c columns, row profiles.Row, here bool) string {
	rec, of := row.Record, f.ctx.Answers
	provider, profile, more := "", "", ""
	switch shown := shownProfile(rec, of.Provider); {
	case shown != nil:
		provider, profile = providerLabel(shown.ProviderName), clean(shown.ProfileName)
		if shown.SinceLink() {
			profile = "new · " + profile
		}
		if n := len(rec.Profiles) - 1; n > 0 {
			more = " +" + cronofy.Thousands(n) // never cut
		}
	case rec.Error != nil:
		profile, _ = of.Accounts.AccountWords(rec.Error.Code)
	}
	line := c.line(rec.Words(), clean(accountName(row, of.Accounts)), provider, cutTo(profile, c[3]-len(more))+more)
	sign := stateSign(f, rec.State)
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
		number := stateSign(f, c.state) + " " + f.st.strong.Render(cronofy.Thousands(c.n))
		short = append(short, number)
		long = append(long, number+" "+c.word)
	}
	if line := strings.Join(long, "  "); visible(line) <= room {
		return line
	}
	return strings.Join(short, "   ")
}

// columns are the widths of state, account, provider and profile.
type columns [4]int

const columnGap = "  "

// columnsFor gives the account three fifths of what is left, because it says whose
// row it is. Narrow windows leave out the profile, and then the provider. own: there
// are profiles from before the link, whose state has the most words.
func columnsFor(w int, own bool) columns {
	const gap = len(columnGap)
	state := len("disconnected")
	if own && w >= 48 {
		state = visible(profiles.Record{State: profiles.Missing, Own: true}.Words())
	}
	rest := w - 4 - state - gap
	provider := max(len("Provider"), min(12, rest/7))
	switch {
	case rest < 34:
		return columns{state, rest}
	case rest < 50:
		return columns{state, rest - provider - gap, provider}
	}
	rest -= provider + 2*gap
	return columns{state, rest * 3 / 5, provider, rest - rest*3/5}
}

// line cuts or fills each text to the width of its column.
func (c columns) line(texts ...string) string {
	var cells []string
	for i, text := range texts {
		if c[i] > 0 {
			cells = append(cells, pad(cutTo(text, c[i]), c[i]))
		}
	}
	return strings.TrimRight(strings.Join(cells, columnGap), " ")
}

// unmet are some accounts that are not connected, with why.
func (c Context) unmet() []string {
	const most = 5
	left := c.Watch.Counts.Read - c.Watch.Counts.Connected
	var out []string
	for _, row := range c.rows {
		if row.Record.State == profiles.Connected || row.Record.State == "" {
			continue
		}
		if len(out) == most {
			return append(out, "and "+cronofy.Thousands(left-most)+" more")
		}
		out = append(out, clean(accountName(row, c.Answers.Accounts))+" · "+row.Record.Words())
	}
	return out
}

// rows holds what the table shows, prepared for the filter, so that a key is
// answered within a frame over 100,000 rows.
type rows struct {
	all     rowList
	words   []string // of all, lower case: what the filter looks in
	order   []int    // all known rows, as in the list of accounts or by state
	shown   []int    // those of order that match want
	want    string
	found   []result // for no filter, then for longer and longer ones up to want; behind it, the memory of those that were left
	byState bool
	cursor  int  // in shown
	pinned  bool // the cursor was moved to its row, and stays there
}

// result is what a filter had found.
type result struct {
	want  string
	shown []int
}

// rowList has each row at its Index. One that is not known yet has no state.
type rowList []profiles.Row

// keep puts a row in its place.
func (l *rowList) keep(row profiles.Row) {
	if n := row.Index + 1 - len(*l); n > 0 {
		*l = append(*l, make(rowList, n)...)
	}
	(*l)[row.Index] = row
}

// cut takes away what was of a longer list, which was read again.
func (l *rowList) cut(n int) { *l = (*l)[:min(n, len(*l))] }

// add takes rows that were read. Their words stand side by side: to look through
// memory in its order is several times faster than here and there.
func (r *rows) add(in []profiles.Row) {
	texts := make([]string, len(in))
	for i, row := range in {
		texts[i] = searched(row.Record)
	}
	side := strings.Join(texts, "")
	for i, row := range in {
		r.all.keep(row)
		r.words = append(r.words, make([]string, len(r.all)-len(r.words))...)
		r.words[row.Index] = side[:len(texts[i])]
		side = side[len(texts[i]):]
	}
	r.arrange()
}

func (r *rows) cut(n int) {
	if r.all.cut(n); n < len(r.words) {
		r.words = r.words[:n]
		r.arrange()
	}
}

// searched is the text that the filter looks in.
func searched(rec profiles.Record) string {
	parts := []string{rec.Words(), rec.Account.Email, rec.Account.Name, rec.Account.Sub}
	for _, p := range rec.Profiles {
		parts = append(parts, p.ProviderName, p.ProfileName)
	}
	return strings.ToLower(strings.Join(parts, "\x00"))
}

// otherOrder says what sort does.
func (r *rows) otherOrder() string {
	if r.byState {
		return "list order"
	}
	return "sort by state"
}

// sort changes between the two orders.
func (r *rows) sort() {
	r.byState = !r.byState
	r.arrange()
}

// arrange puts the rows in order.
func (r *rows) arrange() {
	states := []profiles.State{""} // any
	if r.byState {
		states = []profiles.State{profiles.Failed, profiles.Disconnected, profiles.Missing, profiles.Connected} // what wants attention first
	}
	r.order = make([]int, 0, len(r.all))
	for _, want := range states {
		for i := range r.all {
			if is := r.all[i].Record.State; is != "" && (want == "" || is == want) {
				r.order = append(r.order, i)
			}
		}
	}
	r.found = append(r.found[:0], result{shown: r.order})
	r.find(r.want)
}

// find filters; a filter that grew looks in what the shorter one had found, and one that
// shrinks again has been found before. The cursor stays on the row that it was moved to,
// while rows move around it.
func (r *rows) find(text string) {
	at := -1
	if r.pinned && r.cursor < len(r.shown) {
		at = r.shown[r.cursor]
	}
	r.want = strings.ToLower(strings.TrimSpace(text))
	n := len(r.found)
	for !strings.HasPrefix(r.want, r.found[n-1].want) {
		n--
	}
	r.found = r.found[:n]
	if r.shown = r.found[n-1].shown; r.found[n-1].want != r.want {
		var shown []int
		if n < cap(r.found) { // over many rows, memory is worth using again
			shown = r.found[:n+1][n].shown[:0]
		}
		if shown == nil {
			shown = make([]int, 0, min(len(r.shown), max(1024, len(r.shown)/8)))
		}
		for _, i := range r.shown {
			if strings.Contains(r.words[i], r.want) {
				shown = append(shown, i)
			}
		}
		r.shown, r.found = shown, append(r.found, result{r.want, shown})
	}
	if r.cursor = max(0, slices.Index(r.shown, at)); r.cursor == 0 {
		r.pinned = len(r.shown) > 0 && r.shown[0] == at
	}
}

func (r *rows) move(by int) {
	r.cursor = max(0, min(r.cursor+by, len(r.shown)-1))
	r.pinned = r.cursor > 0
}

// here is the row under the cursor.
func (r *rows) here() (profiles.Row, bool) {
	if r.cursor >= len(r.shown) {
		return profiles.Row{}, false
	}
	return r.all[r.shown[r.cursor]], true
}
