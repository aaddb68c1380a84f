package ui

import (
	"cmp"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"confer/flow/profiles"
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

// rows holds what the table shows, with an index for the filter, so that a key
// is answered within a frame over 100,000 rows.
type rows struct {
	all     []profiles.Row // by Row.Index
	known   []bool
	words   []string // what the filter looks in, lower case
	order   []int    // all known rows in the order of sort
	shown   []int    // those of order that match want
	want    string
	sort    sorting
	cursor  int // in shown
	changes int // counts changes of all, to drop orders that come too late

	settling bool // a settled message is on its way
	dirty    bool // rows came in since order was made
}

func newRows() *rows { return &rows{} }

func (r *rows) len() int { return len(r.order) }

func (r *rows) add(in []profiles.Row) {
	for _, row := range in {
		if row.Index < 0 {
			continue
		}
		if row.Index >= len(r.all) {
			r.grow(row.Index + 1)
		}
		if !r.known[row.Index] {
			r.known[row.Index] = true
			r.order = append(r.order, row.Index)
		}
		r.all[row.Index] = row
		r.words[row.Index] = searched(row.Record)
	}
	r.changes++
	r.dirty = true
}

func (r *rows) grow(n int) {
	r.all = append(r.all, make([]profiles.Row, n-len(r.all))...)
	r.known = append(r.known, make([]bool, n-len(r.known))...)
	r.words = append(r.words, make([]string, n-len(r.words))...)
}

// searched is the text that the filter looks in.
func searched(rec profiles.Record) string {
	parts := []string{stateWord(rec.State), rec.Account.Email, rec.Account.Name, rec.Account.Sub}
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

// settle puts the rows in order and filters them again.
func (r *rows) settle() tea.Cmd {
	r.settling = false
	if !r.dirty {
		return nil
	}
	r.dirty = false
	return r.reorder()
}

func (r *rows) reorder() tea.Cmd {
	if r.sort == sortAccount && len(r.order) > sortHere {
		changes, names, order := r.changes, slices.Clone(r.names()), slices.Clone(r.order)
		r.refilter()
		return func() tea.Msg {
			slices.SortStableFunc(order, func(a, b int) int { return cmp.Or(cmp.Compare(names[a], names[b]), cmp.Compare(a, b)) })
			return ordered{changes, sortAccount, order}
		}
	}
	r.keepCursor(func() {
		switch r.sort {
		case sortList, sortings:
			slices.Sort(r.order)
		case sortState:
			slices.SortFunc(r.order, func(a, b int) int {
				return cmp.Or(cmp.Compare(urgency(r.all[a].Record.State), urgency(r.all[b].Record.State)), cmp.Compare(a, b))
			})
		case sortAccount:
			names := r.names()
			slices.SortFunc(r.order, func(a, b int) int { return cmp.Or(cmp.Compare(names[a], names[b]), cmp.Compare(a, b)) })
		}
		r.match(r.order)
	})
	return nil
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

func (r *rows) names() []string {
	out := make([]string, len(r.all))
	for i, row := range r.all {
		out[i] = strings.ToLower(accountName(row.Record.Account))
	}
	return out
}

func (r *rows) sortNext() tea.Cmd {
	r.sort = (r.sort + 1) % sortings
	return r.reorder()
}

func (r *rows) refilter() { r.keepCursor(func() { r.match(r.order) }) }

// find filters; a filter that only grew looks in what it had found.
func (r *rows) find(text string) {
	want := strings.ToLower(strings.TrimSpace(text))
	if want == r.want {
		return
	}
	from := r.order
	if r.want != "" && strings.HasPrefix(want, r.want) {
		from = r.shown
	}
	r.want = want
	r.keepCursor(func() { r.match(from) })
}

func (r *rows) match(from []int) {
	if r.want == "" {
		r.shown = r.order
		return
	}
	shown := make([]int, 0, min(len(from), 1024))
	for _, i := range from {
		if strings.Contains(r.words[i], r.want) {
			shown = append(shown, i)
		}
	}
	r.shown = shown
}

// keepCursor lets the cursor stay on its row while rows move around it.
func (r *rows) keepCursor(change func()) {
	at := -1
	if r.cursor < len(r.shown) && r.cursor > 0 {
		at = r.shown[r.cursor]
	}
	change()
	if at >= 0 {
		if i := slices.Index(r.shown, at); i >= 0 {
			r.cursor = i
			return
		}
	}
	r.cursor = max(0, min(r.cursor, len(r.shown)-1))
	if at < 0 {
		r.cursor = 0
	}
}

func (r *rows) move(by int) {
	r.cursor = max(0, min(r.cursor+by, len(r.shown)-1))
}

// here is the row under the cursor.
func (r *rows) here() (profiles.Row, bool) {
	if r.cursor >= len(r.shown) {
		return profiles.Row{}, false
	}
	return r.all[r.shown[r.cursor]], true
}

// urgency sorts what wants attention first.
func urgency(s profiles.State) int {
	switch s {
	case profiles.Failed:
		return 0
	case profiles.Disconnected:
		return 1
	case profiles.Missing:
		return 2
	case profiles.Connected:
	}
	return 3
}
