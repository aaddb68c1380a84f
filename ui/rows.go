package ui

import (
	"slices"
	"strings"

	"confer/flow"
	"confer/internal/profiles"
)

// rows holds what the table shows, prepared for the filter, so that a key is
// answered within a frame over 100,000 rows.
type rows struct {
	all     []profiles.Row // by Row.Index; one that is not known yet has no state
	words   []searchable   // of all
	order   []int          // all known rows, as in the list of accounts or by state
	shown   []int          // those of order that match want
	want    string
	found   []result // what was shown for shorter filters, shortest first; behind it, the memory of those that were left
	byState bool
	cursor  int          // in shown
	pinned  bool         // the cursor was moved to its row, and stays there
	need    columns      // what the widest cells need; grows with the rows
	of      flow.Answers // what the rows are read for
}

// result is what a filter had found.
type result struct {
	want  string
	shown []int
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

func (r *rows) len() int { return len(r.order) }

// add takes rows that were read. Their words stand side by side: to look through
// memory in its order is several times faster than here and there.
func (r *rows) add(in []profiles.Row) {
	texts := make([]string, len(in))
	for i, row := range in {
		texts[i] = searched(row.Record)
	}
	side := strings.Join(texts, "")
	for i, row := range in {
		words := side[:len(texts[i])]
		side = side[len(words):]
		if row.Index < 0 {
			continue
		}
		if n := row.Index + 1 - len(r.all); n > 0 {
			r.all = append(r.all, make([]profiles.Row, n)...)
			r.words = append(r.words, make([]searchable, n)...)
		}
		row = row.NameLike(r.all[row.Index])
		r.all[row.Index] = row
		r.words[row.Index] = searchable{text: words}
		r.need = r.need.widened(cellsOf(row, r.of).widths())
	}
	r.arrange()
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
	r.keepCursor(func() {
		if r.byState {
			r.order = r.gather(profiles.Failed, profiles.Disconnected, profiles.Missing, profiles.Connected) // what wants attention first
		} else {
			r.order = r.gather("")
		}
		r.found = nil
		r.narrow(r.order)
	})
}

// gather lists the rows of one state after the other, otherwise as in the list of
// accounts. The state "" is any.
func (r *rows) gather(states ...profiles.State) []int {
	out := make([]int, 0, len(r.all))
	for _, want := range states {
		for i := range r.all {
			if is := r.all[i].Record.State; is != "" && (want == "" || is == want) {
				out = append(out, i)
			}
		}
	}
	return out
}

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
		n := len(r.found)
		switch {
		case n == 0 || want == "":
			r.narrow(r.order)
		case r.found[n-1].want == want:
			r.shown = r.found[n-1].shown
		default:
			r.narrow(r.found[n-1].shown)
		}
	})
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
