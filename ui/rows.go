package ui

import (
	"cmp"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"confer/flow"
	"confer/internal/profiles"
)

// sorting is the order of the table.
type sorting int

const (
	sortList sorting = iota // as in the list of accounts
	sortState
	sortAccount
	sortings
)

// next says what comes after s.
func (s sorting) next() string {
	return [...]string{"sort by state", "sort by account", "list order"}[s]
}

// marked is a column's head, with a sign if the table is sorted by it.
func (s sorting) marked(head string, by sorting) string {
	if s == by {
		return head + " ↓"
	}
	return head
}

// rows holds what the table shows, prepared for the filter, so that a key is
// answered within a frame over 100,000 rows.
type rows struct {
	all     []profiles.Row // by Row.Index; one that is not known yet has no state
	words   []searchable
	names   []string // what the table is sorted by, lower case
	order   []int    // all known rows in the order of sort
	shown   []int    // those of order that match want
	want    string
	found   []result // what was shown for shorter filters, shortest first; behind it, the memory of those that were left
	sort    sorting
	cursor  int          // in shown
	pinned  bool         // the cursor was moved to its row, and stays there
	changes int          // counts changes of all, to drop orders that come too late
	need    columns      // what the widest cells need; grows with the rows
	of      flow.Answers // what the rows are read for

	arranging bool // a gathered message is on its way
}

// result is what a filter had found.
type result struct {
	want  string
	shown []int
}

func (r *rows) len() int { return len(r.order) }

func (r *rows) add(in []profiles.Row) {
	for _, row := range in {
		if row.Index < 0 {
			continue
		}
		if n := row.Index + 1 - len(r.all); n > 0 {
			r.all = append(r.all, make([]profiles.Row, n)...)
			r.words = append(r.words, make([]searchable, n)...)
			r.names = append(r.names, make([]string, n)...)
		}
		if r.all[row.Index].Record.State == "" {
			r.order = append(r.order, row.Index)
		}
		row = row.NameLike(r.all[row.Index])
		r.all[row.Index] = row
		r.words[row.Index] = searchable{text: searched(row.Record)}
		r.need = r.need.widened(cellsOf(row, r.of).widths())
		r.names[row.Index] = strings.ToLower(accountName(row, r.of.Accounts.Kind))
	}
	r.changes++
}

// searched is the text that the filter looks in.
func searched(rec profiles.Record) string {
	parts := []string{rec.Words(), rec.Account.Email, rec.Account.Name, rec.Account.Sub}
	for _, p := range rec.Profiles {
		parts = append(parts, p.ProviderName, p.ProfileName)
	}
	return strings.ToLower(strings.Join(parts, "\x00"))
}

// sortHere is how many rows are sorted at once; more are sorted in a command,
// and the table keeps its order until that has come back.
const sortHere = 5000

// ordered is an order that was made in a command.
type ordered struct {
	changes int
	sort    sorting
	order   []int
}

// searchable is what the filter looks in, lower case. While it is typed, what was
// found is most often found again in the same place, one letter longer.
type searchable struct {
	text string
	at   int // where a filter was found last
}

func (w *searchable) hold(want string) bool {
	if strings.HasPrefix(w.text[w.at:], want) {
		return true
	}
	at := strings.Index(w.text, want)
	if at < 0 {
		return false
	}
	w.at = at
	return true
}

// arrange puts the rows in order.
func (r *rows) arrange() tea.Cmd {
	r.arranging = false
	r.gatherWords()
	return r.reorder()
}

// gatherWords puts the words of all rows side by side: to look through memory in
// its order is several times faster than here and there.
func (r *rows) gatherWords() {
	var b strings.Builder
	n := 0
	for _, w := range r.words {
		n += len(w.text)
	}
	b.Grow(n)
	for _, w := range r.words {
		b.WriteString(w.text)
	}
	side := b.String()
	for i := range r.words {
		n := len(r.words[i].text)
		r.words[i].text, side = side[:n], side[n:]
	}
}

func (r *rows) reorder() tea.Cmd {
	if r.sort == sortAccount && len(r.order) > sortHere {
		changes, names, order := r.changes, slices.Clone(r.names), slices.Clone(r.order)
		r.refilter()
		return func() tea.Msg {
			sortByName(order, names)
			return ordered{changes, sortAccount, order}
		}
	}
	r.keepCursor(func() {
		switch r.sort {
		case sortList, sortings:
			r.order = r.gather("")
		case sortState:
			r.order = r.gather(profiles.Failed, profiles.Disconnected, profiles.Missing, profiles.Connected) // what wants attention first
		case sortAccount:
			sortByName(r.order, r.names)
		}
		r.match(r.order)
	})
	return nil
}

func sortByName(order []int, names []string) {
	slices.SortFunc(order, func(a, b int) int { return cmp.Or(cmp.Compare(names[a], names[b]), cmp.Compare(a, b)) })
}

// gather lists the rows of one state after the other, otherwise as in the list of
// accounts. The state "" is any.
func (r *rows) gather(states ...profiles.State) []int {
	out := make([]int, 0, len(r.order))
	for _, want := range states {
		for i := range r.all {
			if is := r.all[i].Record.State; is != "" && (want == "" || is == want) {
				out = append(out, i)
			}
		}
	}
	return out
}

func (r *rows) ordered(o ordered) {
	if o.changes != r.changes || o.sort != r.sort {
		return
	}
	r.keepCursor(func() {
		r.order = o.order
		r.match(r.order)
	})
}

func (r *rows) sortNext() tea.Cmd {
	r.sort = (r.sort + 1) % sortings
	return r.reorder()
}

func (r *rows) refilter() { r.keepCursor(func() { r.match(r.order) }) }

// find filters; a filter that only grew looks in what it had found, and one that
// shrinks again has been found before.
func (r *rows) find(text string) {
	want := strings.ToLower(strings.TrimSpace(text))
	if want == r.want {
		return
	}
	for len(r.found) > 0 && !strings.HasPrefix(want, r.found[len(r.found)-1].want) {
		r.found = r.found[:len(r.found)-1]
	}
	r.want = want
	r.keepCursor(func() {
		if n := len(r.found); n > 0 && want != "" {
			if r.shown = r.found[n-1].shown; r.found[n-1].want != want {
				r.narrow(r.shown)
			}
			return
		}
		r.narrow(r.order)
	})
}

// match filters anew, after rows or their order have changed.
func (r *rows) match(from []int) {
	r.found = nil
	r.narrow(from)
}

func (r *rows) narrow(from []int) {
	if r.want == "" {
		r.shown = r.order
		return
	}
	var shown []int
	if n := len(r.found); n < cap(r.found) { // over many rows, memory is worth using again
		shown = r.found[:n+1][n].shown[:0]
	}
	if shown == nil {
		shown = make([]int, 0, min(len(from), max(1024, len(from)/8)))
	}
	for _, i := range from {
		if r.words[i].hold(r.want) {
			shown = append(shown, i)
		}
	}
	r.shown = shown
	r.found = append(r.found, result{r.want, shown})
}

// keepCursor lets the cursor stay on the row that it was moved to, while rows
// move around it.
func (r *rows) keepCursor(change func()) {
	at := -1
	if r.pinned && r.cursor < len(r.shown) {
		at = r.shown[r.cursor]
	}
	change()
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
