package profiles

import (
	"bytes"
	"slices"
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

func recordsAs(t *testing.T, f Format, records ...Record) string {
	t.Helper()
	var b bytes.Buffer
	w, err := NewWriter(&b, f)
	require.NoError(t, err)
	for _, r := range records {
		require.NoError(t, w.Write(r))
	}
	require.NoError(t, w.Close())
	return b.String()
}

func read(t *testing.T, text string, f Format) *Done {
	t.Helper()
	d, err := ReadDone(strings.NewReader(text), f)
	require.NoError(t, err)
	return d
}

func TestDone(t *testing.T) {
	t.Parallel()
	all := doneRecords()
	for _, f := range []Format{FormatJSON, FormatCSV} {
		text := recordsAs(t, f, all...)
		d := read(t, text, f)
		want, n := Summary{Read: 4, Connected: 1, Missing: 1, Failed: 1, Disconnected: 1}, int64(len(text))
		if f == FormatCSV { // the last may have been cut off
			want, n = Summary{Read: 3, Connected: 1, Missing: 1, Failed: 1}, int64(len(recordsAs(t, f, all[:3]...)))
		}
		require.Equal(t, want, d.Summary, f)
		require.Equal(t, n, d.Size, f)
		require.True(t, d.Has(Account{Email: "AMARA@example.test"}))
		require.True(t, d.Has(Account{Sub: "acc_1"}))
		require.True(t, d.Has(Account{Email: "+plus@example.test"}))
		require.False(t, d.Has(Account{Email: "bad@example.test"}), "it was not read")
		require.False(t, d.Has(Account{Email: "new@example.test", Sub: "acc_9"}))
		require.Equal(t, f == FormatJSON, d.Has(Account{Sub: "acc_4"}))
	}
}

// TestCutAnywhere: wherever a crash cut the file, going on gives the whole, each
// account once, those that were read before first.
func TestCutAnywhere(t *testing.T) {
	t.Parallel()
	all := doneRecords()
	for _, f := range []Format{FormatJSON, FormatCSV} {
		whole := recordsAs(t, f, all...)
		for cut := range len(whole) + 1 {
			d := read(t, whole[:cut], f)
			var b bytes.Buffer
			require.NoError(t, d.DropFailed(&b, strings.NewReader(whole), f))
			require.EqualValues(t, b.Len(), d.Size)
			w, err := ResumeWriter(&b, f, d)
			require.NoError(t, err)
			var before, rest []Record
			for _, r := range all {
				if d.Has(Account{Sub: r.Account.Sub, Email: r.Account.Email}) {
					before = append(before, r)
					continue
				}
				rest = append(rest, r)
				require.NoError(t, w.Write(r))
			}
			require.NoError(t, w.Close())
			require.Equal(t, Summary{Read: len(before)}, Summary{Read: d.Summary.Read, Failed: d.Summary.Failed})
			require.Equal(t, recordsAs(t, f, append(before, rest...)...), b.String(), "%s cut at %d", f, cut)
		}
	}
}

func TestSkip(t *testing.T) {
	t.Parallel()
	d := read(t, recordsAs(t, FormatJSON, doneRecords()...), FormatJSON)
	const list = "email,sub,access_token\namara@example.test,,t1\n,acc_4,t2\nnew@example.test,,t3\n,,t4\nlate@example.test,,t5\n"
	var got []string
	var last error
	for a, err := range d.Skip(ReadAccounts(strings.NewReader(list))) {
		if last = err; err == nil {
			got = append(got, a.Email)
		}
	}
	require.Equal(t, []string{"new@example.test"}, got)
	var broken *InputError
	require.ErrorAs(t, last, &broken)
	require.Equal(t, 5, broken.Line)
}

func TestDoneKnowsWhatIsNoRecord(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"hello\n", "{}\n", `{"state":"other"}` + "\n", "STATE ACCOUNT\n"} {
		for _, f := range []Format{FormatJSON, FormatCSV, FormatTable} {
			_, err := ReadDone(strings.NewReader(text), f)
			require.ErrorIs(t, err, ErrNotRecords, "%q as %s", text, f)
		}
	}
	csv := recordsAs(t, FormatCSV, doneRecords()...)
	_, err := ReadDone(strings.NewReader(csv+csv), FormatCSV)
	require.ErrorIs(t, err, ErrNotRecords, "a heading in the middle")
}

func FuzzReadDone(f *testing.F) {
	f.Add(`{"account":{"sub":"acc_1"},"state":"missing"}`+"\n", true)
	f.Add("sub,email,name,state,provider_name,profile_id,profile_name,connected,new,relink_url,error_code,error_message\n'=a,,,missing,,,,,,,,\n,,,missing,,,,,,,,\n", false)
	f.Fuzz(func(t *testing.T, text string, isJSON bool) {
		format := FormatCSV
		if isJSON {
			format = FormatJSON
		}
		d, err := ReadDone(strings.NewReader(text), format)
		if err != nil {
			require.ErrorIs(t, err, ErrNotRecords)
			return
		}
		require.LessOrEqual(t, d.Size, int64(len(text)))
		again, err := ReadDone(strings.NewReader(text[:d.Size]), format)
		require.NoError(t, err)
		require.LessOrEqual(t, again.Size, d.Size)
		if isJSON {
			require.Equal(t, d.Summary, again.Summary)
		}
		_ = slices.Collect(func(yield func(Account) bool) {
			for a := range d.Skip(ReadAccounts(strings.NewReader(text))) {
				if !yield(a) {
					return
				}
			}
		})
	})
}
