package ui

import (
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	libtable "charm.land/bubbles/v2/table"
	tea "charm.land/bubbletea/v2"
	"github.com/stretchr/testify/require"

	"confer/cronofy"
	"confer/flow"
	"confer/internal/profiles"
)

func tableOf(t testing.TB, n int) (*Model, *table) {
	m := newModel(t, walk(t, flow.Start(flow.Initial{}), toTable()...))
	resize(m, 120, 40)
	report(t, m, flow.ProfilesRead{Rows: people(n), Counts: summaryOf(people(n))})
	return m, m.profile
}

func (r *rows) indexes() []int {
	var out []int
	for _, i := range r.shown {
		out = append(out, r.all[i].Index)
	}
	return out
}

func TestRowsComeInAnyOrder(t *testing.T) {
	t.Parallel()
	m := newModel(t, walk(t, flow.Start(flow.Initial{}), toTable()...))
	resize(m, 120, 40)
	all := people(12)
	report(t, m, flow.ProfilesRead{Rows: all[6:]}, flow.ProfilesRead{Rows: all[:6]}, flow.ProfilesRead{Rows: all[2:4]})
	tb := m.profile
	require.Equal(t, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, tb.rows.indexes())
}

// TestRowsOfAShorterList: r reads the list again too.
func TestRowsOfAShorterList(t *testing.T) {
	t.Parallel()
	m, tb := tableOf(t, 12)
	report(t, m, flow.ProfilesDone{})
	press(m, "down", "end", "r")
	report(t, m, flow.ProfilesRead{Rows: people(5), Counts: summaryOf(people(5))}, flow.LookPlanned{})
	require.Equal(t, []int{0, 1, 2, 3, 4}, tb.rows.indexes())
	press(m, "/", "type:e", "enter", "esc")
	require.Equal(t, []int{0, 1, 2, 3, 4}, tb.rows.indexes())
}

// TestCursorStaysOnItsRow: rows that come in, a sort and a filter move rows, not
// the choice.
func TestCursorStaysOnItsRow(t *testing.T) {
	t.Parallel()
	m, tb := tableOf(t, 40)
	press(m, "down", "down", "down", "down", "down")
	at, _ := tb.rows.here()
	require.Equal(t, 5, at.Index)
	press(m, "s")
	now, _ := tb.rows.here()
	require.Equal(t, at, now, "sorted")
	press(m, "/", "type:barbara")
	now, _ = tb.rows.here()
	require.Equal(t, at, now, "filtered")
	changed := at
	changed.Record.State = profiles.Disconnected
	report(t, m, flow.ProfilesRead{Rows: []profiles.Row{changed}})
	now, _ = tb.rows.here()
	require.Equal(t, changed, now, "changed")
	press(m, "esc", "s")
	now, _ = tb.rows.here()
	require.Equal(t, 5, now.Index)
	require.False(t, tb.rows.byState)
}

func TestSortByState(t *testing.T) {
	t.Parallel()
	m, tb := tableOf(t, 16)
	press(m, "s")
	require.Equal(t, []int{4, 12, 1, 9, 3, 11}, tb.rows.indexes()[:6])
	press(m, "s")
	require.Equal(t, []int{0, 1, 2, 3, 4, 5}, tb.rows.indexes()[:6], "as in the list again")
}

// TestFilterFindsAsTyped: a filter that grows and shrinks again finds the same
// as one typed at once.
func TestFilterFindsAsTyped(t *testing.T) {
	t.Parallel()
	_, tb := tableOf(t, 3000)
	fresh := func(want string) []int {
		_, other := tableOf(t, 3000)
		other.rows.find(want)
		return other.rows.indexes()
	}
	for _, want := range []string{"a", "ad", "ada", "ada.l", "ada", "g", "", "disconnected", "disc", "TEAMS", "zzz", "zoë"} {
		tb.rows.find(want)
		require.Equal(t, fresh(want), tb.rows.indexes(), want)
	}
}

// TestFilterTypedAtRandom: whatever is typed and deleted, in whatever order the
// rows are, the rows shown are those that hold it.
func TestFilterTypedAtRandom(t *testing.T) {
	t.Parallel()
	_, tb := tableOf(t, 500)
	random := rand.New(rand.NewPCG(1, 2))
	want := ""
	for range 2000 {
		switch n := random.IntN(20); {
		case n == 0:
			tb.rows.sort()
		case n < 8 && want != "":
			want = want[:len(want)-1]
		case n == 8:
			want = ""
		default:
			want += string("adegmnorst.@- 1"[random.IntN(15)])
		}
		tb.rows.find(want)
		var holds []int
		for _, i := range tb.rows.order {
			if strings.Contains(searched(tb.rows.all[i].Record), strings.TrimSpace(want)) {
				holds = append(holds, i)
			}
		}
		require.ElementsMatch(t, holds, tb.rows.shown, want)
	}
}

// TestOnlyVisibleRowsAreDrawn: what a window costs does not grow with the list.
func TestOnlyVisibleRowsAreDrawn(t *testing.T) {
	t.Parallel()
	m, _ := tableOf(t, 10000)
	require.Equal(t, 40, strings.Count(text(m), "\n")+1)
	press(m, "end")
	require.Contains(t, text(m), ".9999@example.test")
	press(m, "pgup", "home")
	require.Contains(t, text(m), "› ✓ connected     ada.lovelace.0@example.test")
}

// TestColumns: the account keeps its room, and gets all of it in a narrow window.
func TestColumns(t *testing.T) {
	t.Parallel()
	require.Equal(t, columns{12, 40, 11, 27}, columnsFor(100, false))
	require.Equal(t, columns{12, 27, 8, 19}, columnsFor(76, false))
	require.Equal(t, columns{12, 32, 8}, columnsFor(60, false))
	require.Equal(t, columns{12, 18}, columnsFor(36, false))
	require.Equal(t, columns{19, 36, 10, 25}, columnsFor(100, true))
	require.Equal(t, columns{12, 18}, columnsFor(36, true))
}

// TestTheirOwnIsReadWhole: that a profile is from before the link stands in the state.
func TestTheirOwnIsReadWhole(t *testing.T) {
	t.Parallel()
	m, _ := tableOf(t, 3)
	all := people(3)
	all[1].Record.State, all[1].Record.Own = profiles.Missing, true
	report(t, m, flow.ProfilesRead{Rows: all, Counts: summaryOf(all)})
	for _, width := range []int{120, 80, 60} {
		resize(m, width, 24)
		require.Contains(t, text(m), "not yet (their own)  grace.hopper.1@", width)
	}
}

// TestAnotherLinkEndsTheLook at the accounts of the one before.
func TestAnotherLinkEndsTheLook(t *testing.T) {
	t.Parallel()
	m := newModel(t, walk(t, flow.Start(flow.Initial{}), toTable()...))
	resize(m, 120, 40)
	require.NotNil(t, m.state.Running)
	press(m, "a")
	require.Equal(t, flow.StepServiceAccount, m.state.Step)
	require.Nil(t, m.state.Running)
	require.Equal(t, pageUsedAccounts, m.at())
}

// TestEnterOnTheTableLeadsToTheEnd, and never in a circle.
func TestEnterOnTheTableLeadsToTheEnd(t *testing.T) {
	t.Parallel()
	m, _ := tableOf(t, 3)
	require.Nil(t, press(m, "right"))
	require.Equal(t, pageAccount, m.at())
	require.Nil(t, press(m, "enter"))
	require.Equal(t, pageTable, m.at())
	require.Nil(t, press(m, "enter"))
	require.Equal(t, pageDone, m.at())
	require.IsType(t, tea.QuitMsg{}, press(m, "enter")())
}

// TestRelinkIsALinkOnlyToTheApp: a relink link elsewhere is text.
func TestRelinkIsALinkOnlyToTheApp(t *testing.T) {
	t.Parallel()
	for link, want := range map[string]bool{
		"https://app-de.cronofy.com/relink/1": true, "https://app-de.cronofy.com.example.test/1": false,
		"http://app-de.cronofy.com/relink/1": false, "https://evil.example.test/app-de.cronofy.com": false, "javascript:alert(1)": false,
	} {
		m, _ := tableOf(t, 0)
		rec := person(1)
		rec.Profiles[0].RelinkURL = link
		report(t, m, flow.ProfilesRead{Rows: []profiles.Row{{Record: rec}}})
		press(m, "right")
		require.Contains(t, text(m), link)
		require.Equal(t, want, strings.Contains(m.View().Content, "\x1b]8;id=confer-link;"+link), link)
	}
}

// TestNewListForgetsTheOld: rows of a list that was left are not in the next.
func TestNewListForgetsTheOld(t *testing.T) {
	t.Parallel()
	m, _ := tableOf(t, 20)
	press(m, "esc")
	require.Equal(t, pageLinked, m.at())
	press(m, "2", "enter", "paste:"+testSecret, "enter")
	require.Equal(t, pageTable, m.at())
	require.Zero(t, len(m.profile.rows.order))
}

const many = 100_000

func benchTable(b *testing.B) *Model {
	m := newModel(b, walk(b, flow.Start(flow.Initial{}), toTable()...))
	resize(m, 120, 40)
	all := people(many)
	tb := m.profile
	for i := 0; i < many; i += 256 {
		tb.rows.add(all[i:min(many, i+256)])
	}
	b.ResetTimer()
	return m
}

// libraryTable is Bubbles' table with as many rows.
func libraryTable(many int) libtable.Model {
	rows := slices.Repeat([]libtable.Row{{"connected", "ada@example.test", "Zoom", "new"}}, many)
	columns := []libtable.Column{{Title: "State", Width: 15}, {Title: "Account", Width: 30}, {Title: "Provider", Width: 10}, {Title: "Profile", Width: 20}}
	return libtable.New(libtable.WithColumns(columns), libtable.WithRows(rows), libtable.WithFocused(true), libtable.WithHeight(18), libtable.WithWidth(80))
}

// TestTheLibrarysTableMakesRoomForAll is why the table is made by hand.
func TestTheLibrarysTableMakesRoomForAll(t *testing.T) {
	allocated := func(many int) uint64 {
		lib := libraryTable(many)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range 10 {
			lib, _ = lib.Update(keyMsg("down"))
		}
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc
	}
	require.Greater(t, allocated(100_000), 10*allocated(1000))
}

// BenchmarkScrollTheLibrarys is one key in Bubbles' table.
func BenchmarkScrollTheLibrarys(b *testing.B) {
	lib := libraryTable(100_000)
	for i := range b.N {
		lib, _ = lib.Update(keyMsg([]string{"down", "pgdown", "end", "home"}[i%4]))
		lib.View()
	}
}

// BenchmarkScroll is one key and one window over 100,000 rows.
func BenchmarkScroll(b *testing.B) {
	m := benchTable(b)
	for i := range b.N {
		press(m, []string{"down", "pgdown", "end", "home"}[i%4])
		m.View()
	}
}

// BenchmarkFilter is one key of a filter that is typed, over 100,000 rows.
func BenchmarkFilter(b *testing.B) {
	m := benchTable(b)
	press(m, "/")
	keys := []string{"a", "d", "a", "backspace", "backspace", "backspace"}
	for i := range b.N {
		press(m, keys[i%len(keys)])
		m.View()
	}
}

// BenchmarkScrollFiltered is one key under a filter.
func BenchmarkScrollFiltered(b *testing.B) {
	m := benchTable(b)
	press(m, "/", "type:example.test")
	for i := range b.N {
		press(m, []string{"down", "up"}[i%2])
		m.View()
	}
}

// BenchmarkSort is the sort key.
func BenchmarkSort(b *testing.B) {
	m := benchTable(b)
	for range b.N {
		press(m, "s")
		m.View()
	}
}

// BenchmarkRowsComeIn is a batch of rows into a long table.
func BenchmarkRowsComeIn(b *testing.B) {
	m := benchTable(b)
	all := people(256)
	for range b.N {
		m.Update(flow.Report{Task: m.state.Running.ID, Event: flow.ProfilesRead{Rows: all}})
		m.View()
	}
}

// BenchmarkView is a window of each page.
func BenchmarkView(b *testing.B) {
	for _, s := range scenes() {
		if s.small {
			b.Run(s.name, func(b *testing.B) {
				m := s.model(b, 120, 40)
				for range b.N {
					m.View()
				}
			})
		}
	}
}

// TestShownProfile: a row shows the profile that its state is about, and a new
// one before the person's own.
func TestShownProfile(t *testing.T) {
	t.Parallel()
	own := profiles.Profile{ProviderName: "zoom", ProfileID: "own", Connected: true}
	fresh := profiles.Profile{ProviderName: "zoom_enterprise", ProfileID: "new", Connected: true, New: new(true)}
	broken := profiles.Profile{ProviderName: "zoom_enterprise", ProfileID: "broken", New: new(true)}
	teams := profiles.Profile{ProviderName: "ms_teams", ProfileID: "teams", Connected: true}
	for _, c := range []struct {
		have []profiles.Profile
		want string
	}{{[]profiles.Profile{own, fresh}, "new"}, {[]profiles.Profile{broken, own}, "own"}, {[]profiles.Profile{teams, broken}, "broken"}} {
		require.Equal(t, c.want, shownProfile(profiles.Record{Profiles: c.have}, cronofy.Zoom).ProfileID)
	}
	require.Nil(t, shownProfile(profiles.Record{Profiles: []profiles.Profile{teams}}, cronofy.Zoom))
	require.NotNil(t, shownProfile(profiles.Record{Profiles: []profiles.Profile{teams}}, ""))
}
