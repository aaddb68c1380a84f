package profiles

import (
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func doneRecords() []Record {
	return []Record{
		{Account: AccountRef{Sub: "acc_1", Email: "amara@example.test"}, State: Connected, Profiles: []Profile{{ProviderName: "zoom"}, {ProviderName: "webex"}}},
		{Account: AccountRef{Email: "+plus@example.test"}, State: Missing, Profiles: []Profile{}},
		{Account: AccountRef{Email: "bad@example.test"}, State: Failed, Profiles: []Profile{}, Error: &RecordError{"network", "The network, \"it\" failed."}},
		{Account: AccountRef{Sub: "acc_4"}, State: Disconnected, Profiles: []Profile{{ProviderName: "zoom"}, {ProviderName: "go_to"}}},
	}
}

func asJSON(t *testing.T, records ...Record) string {
	t.Helper()
	return written(t, FormatJSON, records...)
}

func read(t *testing.T, text string) (d *Done, kept string) {
	t.Helper()
	var b strings.Builder
	d, err := ReadDone(strings.NewReader(text), &b)
	require.NoError(t, err)
	return d, b.String()
}

func TestDone(t *testing.T) {
	t.Parallel()
	d, _ := read(t, asJSON(t, doneRecords()...))
	require.Equal(t, Summary{Read: 4, Connected: 1, Missing: 1, Failed: 1, Disconnected: 1}, d.Summary)
	require.True(t, d.Has(Account{Email: "AMARA@example.test"}))
	require.True(t, d.Has(Account{Sub: "acc_1"}))
	require.True(t, d.Has(Account{Email: "+plus@example.test"}))
	require.False(t, d.Has(Account{Email: "bad@example.test"}), "it was not read")
	require.False(t, d.Has(Account{Email: "new@example.test", Sub: "acc_9"}))
	require.True(t, d.Has(Account{Sub: "acc_4"}))
}

// TestCutAnywhere: wherever a crash cut the file, going on gives the whole, each
// account once, those that were read before first.
func TestCutAnywhere(t *testing.T) {
	t.Parallel()
	all := doneRecords()
	whole := asJSON(t, all...)
	for cut := range len(whole) + 1 {
		d, text := read(t, whole[:cut])
		var before, rest []Record
		for _, r := range all {
			if d.Has(Account{Sub: r.Account.Sub, Email: r.Account.Email}) {
				before = append(before, r)
			} else {
				rest = append(rest, r)
			}
		}
		require.Equal(t, len(before), d.Summary.Read-d.Summary.Failed)
		require.Equal(t, asJSON(t, append(before, rest...)...), text+asJSON(t, rest...), "cut at %d", cut)
	}
}

// readOn goes on with a list behind records, and gives the lines that it reads.
func readOn(t *testing.T, d *Done, list string) (lines []int, err error) {
	t.Helper()
	_, err = Run(t.Context(), answering(connected), ReadAccounts(strings.NewReader(list)), Options{Done: d}, func(r Record) error {
		lines = append(lines, r.Line)
		return nil
	})
	return lines, err
}

func TestDoneAccountsAreLeftOut(t *testing.T) {
	t.Parallel()
	d, _ := read(t, asJSON(t, doneRecords()...))
	got, err := readOn(t, d, "email,sub,access_token\namara@example.test,,t1\n,acc_4,t2\nnew@example.test,,t3\n,,t4\nlate@example.test,,t5\n")
	require.Equal(t, []int{4}, got)
	require.EqualError(t, err, "line 5: neither email nor sub: nobody can tell whether this account was read before")
}

// TestDoneTellsAccountsApart by what the list calls them, and by their line.
func TestDoneTellsAccountsApart(t *testing.T) {
	t.Parallel()
	record := func(line int, sub, email, listed string) Record {
		return Record{Account: AccountRef{Sub: sub, Email: email}, State: Missing, Profiles: []Profile{}, Line: line, Listed: listed}
	}
	const (
		ann, bob = "email,access_token\nann@x.test,t1\n", "bob@x.test,t2\n"
		twoAnns  = ann + bob + "ann@x.test,t3\n"
	)
	for name, c := range map[string]struct {
		records []Record
		list    string
		want    []int
	}{
		"nothing yet":                       {nil, twoAnns, []int{2, 3, 4}},
		"all of them":                       {[]Record{record(2, "acc_1", "ann@x.test", ""), record(3, "acc_2", "bob@x.test", ""), record(4, "acc_3", "ann@x.test", "")}, twoAnns, nil},
		"another address at Cronofy":        {[]Record{record(2, "acc_1", "ann.doe@y.test", "ANN@x.test")}, ann + bob, []int{3}},
		"a formula for an address":          {[]Record{record(2, "acc_1", "+ann@y.test", "+ann@x.test")}, "email,access_token\n+ann@x.test,t1\n", nil},
		"one address twice, the first":      {[]Record{record(2, "acc_1", "ann@x.test", "")}, twoAnns, []int{3, 4}},
		"one address twice, the second":     {[]Record{record(4, "acc_3", "ann@x.test", "")}, twoAnns, []int{2, 3}},
		"a line came before":                {[]Record{record(2, "acc_1", "ann@x.test", ""), record(3, "acc_2", "bob@x.test", "")}, "email,access_token\nnew@x.test,t0\nann@x.test,t1\nbob@x.test,t2\n", []int{2}},
		"a line came before one address":    {[]Record{record(2, "acc_1", "ann@x.test", ""), record(3, "acc_3", "ann@x.test", ""), record(2, "acc_2", "new@x.test", "")}, "email,access_token\nnew@x.test,t0\nann@x.test,t1\nann@x.test,t3\n", nil},
		"a line went":                       {[]Record{record(2, "acc_1", "ann@x.test", ""), record(3, "acc_2", "bob@x.test", "")}, "email,access_token\nbob@x.test,t2\n", nil},
		"lines changed places, one was new": {[]Record{record(2, "acc_1", "ann@x.test", ""), record(3, "acc_2", "bob@x.test", "")}, "email,access_token\nbob@x.test,t2\nann@x.test,t1\nann@x.test,t3\n", []int{4}},
		"by sub alone":                      {[]Record{record(2, "acc_1", "ann@x.test", "")}, "sub,access_token\nacc_1,t1\nacc_2,t2\n", []int{3}},
		"records without lines":             {[]Record{record(0, "acc_1", "ann@x.test", ""), record(0, "acc_2", "bob@x.test", "")}, twoAnns, []int{4}},
		"subs, and records without lines":   {[]Record{record(0, "acc_1", "ann@x.test", "")}, "email,sub,access_token\nann@x.test,acc_2,t1\nann@x.test,acc_1,t2\n", []int{2}},
		"some with lines":                   {[]Record{record(0, "acc_1", "ann@x.test", ""), record(3, "acc_2", "bob@x.test", "")}, twoAnns, []int{4}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, _ := read(t, asJSON(t, c.records...))
			got, err := readOn(t, d, c.list)
			require.NoError(t, err)
			require.Equal(t, c.want, got)
		})
	}
}

// TestALineWithATokenThatCameBefore has no record, and gets none by going on.
func TestALineWithATokenThatCameBefore(t *testing.T) {
	t.Parallel()
	const list = "email,access_token\nann@x.test,t1\nann@x.test,t1\n"
	d, _ := read(t, "")
	got, err := readOn(t, d, list)
	require.NoError(t, err)
	require.Equal(t, []int{2}, got)
	d, _ = read(t, asJSON(t, Record{Account: AccountRef{Sub: "acc_1", Email: "ann@x.test"}, State: Missing, Line: 2}))
	got, err = readOn(t, d, list)
	require.NoError(t, err)
	require.Empty(t, got)
}

func TestRecords(t *testing.T) {
	t.Parallel()
	text := asJSON(t, doneRecords()...)
	var got []Record
	for r, err := range Records(strings.NewReader("\n" + text)) {
		require.NoError(t, err)
		got = append(got, r)
	}
	require.Equal(t, text, asJSON(t, got...))
	var last error
	for _, err := range Records(strings.NewReader(text + "CANARY\n")) {
		last = err
	}
	require.ErrorIs(t, last, ErrNotRecords)
	require.ErrorContains(t, last, "line 5: ")
	require.NotContains(t, last.Error(), "CANARY")
}

func TestDoneKnowsWhatIsNoRecord(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"hello\n", "{}\n", `{"state":"other"}` + "\n", "STATE ACCOUNT\n", written(t, FormatCSV, doneRecords()...)} {
		_, err := ReadDone(strings.NewReader(text), io.Discard)
		require.ErrorIs(t, err, ErrNotRecords, "%q", text)
	}
}

func FuzzReadDone(f *testing.F) {
	f.Add(`{"account":{"sub":"acc_1"},"state":"missing"}` + "\n")
	f.Add(`{"account":{"sub":"acc_1"},"state":"error"}` + "\n" + `{"state":"missing"}` + "\n{")
	f.Fuzz(func(t *testing.T, text string) {
		var kept, again strings.Builder
		d, err := ReadDone(strings.NewReader(text), &kept)
		if err != nil {
			require.ErrorIs(t, err, ErrNotRecords)
			return
		}
		once, err := ReadDone(strings.NewReader(kept.String()), &again)
		require.NoError(t, err)
		require.Equal(t, kept.String(), again.String())
		require.Equal(t, d.Summary.Read-d.Summary.Failed, once.Summary.Read)
		for a := range ReadAccounts(strings.NewReader(text)) {
			_ = d.Has(a)
		}
	})
}
