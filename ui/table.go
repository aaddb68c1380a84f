package ui

import (
	"time"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"confer/flow"
	"confer/internal/profiles"
)

// tableMode is what lies over the table, if anything.
type tableMode int

const (
	tableRows tableMode = iota
	tableDetail
	tableSummary
	tableExport
)

// table is the end of the road: the conferencing profiles of the accounts.
type table struct {
	rows      *rows
	mode      tableMode
	filter    input
	filtering bool // the filter's field has the focus
	tops      int  // first row on the screen
	flash     string
}

func newTable() *table { return &table{rows: newRows(), filter: newInput(200)} }

func (t *table) sync(s flow.State) { t.rows.of = s.Answers }

// clear forgets the rows of an earlier list.
func (t *table) clear() { *t = *newTable() }

// settleAfter is how long rows that come in are gathered before a long table is
// put in order again: 100,000 rows come in hundreds of batches.
const (
	settleAfter = 100 * time.Millisecond
	settleFrom  = 2000
)

type settled struct{}

// add takes rows that were read.
func (t *table) add(in []profiles.Row) tea.Cmd {
	t.rows.add(in)
	if t.rows.len() < settleFrom {
		t.rows.settle()
		return nil
	}
	if t.rows.settling {
		return nil
	}
	t.rows.settling = true
	return tea.Tick(settleAfter, func(time.Time) tea.Msg { return settled{} })
}

func (t *table) update(msg tea.Msg, f frame) (flow.Event, tea.Cmd) {
	switch msg := msg.(type) {
	case settled:
		return nil, t.rows.settle()
	case ordered:
		t.rows.ordered(msg)
	case tea.PasteMsg:
		if t.filtering {
			t.filter.paste(msg.Content)
			t.rows.find(t.filter.value())
		}
	case tea.KeyPressMsg:
		t.flash = ""
		switch {
		case t.filtering:
			t.pressFilter(msg, f)
			return nil, nil
		case t.mode != tableRows:
			return t.pressOver(msg, f)
		}
		return t.press(msg, f)
	}
	return nil, nil
}

func (t *table) press(k tea.KeyPressMsg, f frame) (flow.Event, tea.Cmd) {
	if t.move(k, f) {
		return nil, nil
	}
	switch {
	case key.Matches(k, f.keys.back):
		if t.filter.value() != "" {
			t.filter.set("")
			t.rows.find("")
			return nil, nil
		}
		return flow.Back{}, nil
	case key.Matches(k, f.keys.filter):
		t.filtering = true
	case key.Matches(k, f.keys.sort):
		return nil, t.rows.sortNext()
	case key.Matches(k, f.keys.row):
		if _, ok := t.rows.here(); ok {
			t.mode = tableDetail
		}
	case key.Matches(k, f.keys.refresh):
		t.flash = "Looking again…"
		return flow.Refreshed{}, nil
	case key.Matches(k, f.keys.export):
		t.mode = tableExport
	case key.Matches(k, f.keys.finish):
		t.mode = tableSummary
	case key.Matches(k, f.keys.another):
		return flow.AnotherWanted{}, nil
	case key.Matches(k, f.keys.leave):
		return nil, tea.Quit
	}
	return nil, nil
}

func (t *table) move(k tea.KeyPressMsg, f frame) bool {
	step := max(1, t.space(f)-1)
	switch {
	case key.Matches(k, f.keys.up):
		t.rows.move(-1)
	case key.Matches(k, f.keys.down):
		t.rows.move(1)
	case key.Matches(k, f.keys.pageUp):
		t.rows.move(-step)
	case key.Matches(k, f.keys.pageDown):
		t.rows.move(step)
	case key.Matches(k, f.keys.home):
		t.rows.move(-t.rows.len())
	case key.Matches(k, f.keys.end):
		t.rows.move(t.rows.len())
	default:
		return false
	}
	return true
}

func (t *table) pressFilter(k tea.KeyPressMsg, f frame) {
	switch {
	case key.Matches(k, f.keys.leaveFilter):
		t.filtering = false
		t.filter.set("")
		t.rows.find("")
	case key.Matches(k, f.keys.submit):
		t.filtering = false
	case k.String() == "up":
		t.rows.move(-1)
	case k.String() == "down":
		t.rows.move(1)
	default:
		if t.filter.press(k) {
			t.rows.find(t.filter.value())
		}
	}
}

// pressOver is for what lies over the table.
func (t *table) pressOver(k tea.KeyPressMsg, f frame) (flow.Event, tea.Cmd) {
	relink := ""
	if row, ok := t.rows.here(); ok && t.mode == tableDetail {
		relink = relinkOf(row.Record)
	}
	switch {
	case key.Matches(k, f.keys.leave):
		return nil, tea.Quit
	case key.Matches(k, f.keys.back, f.keys.submit) || k.String() == "left":
		t.mode = tableRows
	case relink != "" && key.Matches(k, f.keys.copyText):
		t.flash = "The relink link was sent to the terminal's clipboard."
		return nil, tea.SetClipboard(relink)
	case relink != "" && key.Matches(k, f.keys.raw):
		return nil, showRaw(rawLink{link: relink, what: "The link with which the person signs in again.", back: "Any key goes back to confer."}, f)
	case t.mode == tableDetail && key.Matches(k, f.keys.up):
		t.rows.move(-1)
	case t.mode == tableDetail && key.Matches(k, f.keys.down):
		t.rows.move(1)
	}
	return nil, nil
}

func (t *table) bindings(f frame) []key.Binding {
	k := f.keys
	some, many := len(t.rows.shown) > 0, len(t.rows.shown) > 1
	moves := bind("↑/↓", "move", "up", "down", "k", "j")
	switch {
	case t.filtering:
		return []key.Binding{as(k.submit, "keep the filter"), as(k.leaveFilter, "clear it"), when(many, bind("↑/↓", "move", "up", "down"))}
	case t.mode == tableDetail:
		row, _ := t.rows.here()
		relink := relinkOf(row.Record) != ""
		return []key.Binding{as(k.back, "back to the table"), when(many, bind("↑/↓", "other accounts", "up", "down", "k", "j")),
			when(relink, as(k.copyText, "copy the relink link")), when(relink, as(k.raw, "show it")), k.leave}
	case t.mode != tableRows:
		return []key.Binding{as(k.back, "back to the table"), k.leave}
	}
	return []key.Binding{when(many, moves), when(some, k.row), k.filter, k.refresh, as(k.sort, t.rows.sort.next()), k.export, k.finish, k.another, k.back, k.leave,
		when(many, bind("pgup/pgdn", "page", "pgup", "pgdown")), when(many, bind("home/end", "first, last", "home", "end", "g", "G"))}
}

func (t *table) typing() bool { return t.filtering }
