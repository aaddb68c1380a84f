package profiles

import (
	"encoding/csv"
	"encoding/json"
	"io"
	"strings"
	"testing"

	"github.com/clipperhouse/displaywidth"
	"github.com/stretchr/testify/require"
)

func someRecords() []Record {
	return []Record{
		{Account: AccountRef{"acc_1", "amara@example.test", "Amara Osei"}, State: Connected, Profiles: []Profile{
			{ProviderName: "zoom", ProfileID: "pro_1", ProfileName: "amara@example.test", Connected: true, New: new(true)},
			{ProviderName: "go_to", ProfileID: "pro_2", ProfileName: "amara@example.test",
				RelinkURL: "https://app-de.cronofy.com/v2/relink/go_to?email=amara%40example.test&x=1"}}, Line: 2},
		{Account: AccountRef{Sub: "acc_2"}, State: Missing, Profiles: []Profile{}},
		{Account: AccountRef{Sub: "acc_3", Email: "hana@example.test"}, State: Missing, Own: true, Profiles: []Profile{
			{ProviderName: "zoom", ProfileID: "pro_3", ProfileName: "hana@example.test", Connected: true, New: new(false)}}, Line: 7, Listed: "h@example.test"},
		{Account: AccountRef{Email: "山田さくら.a-very-long-address-indeed@example.test"}, State: Failed, Profiles: []Profile{},
			Error: &RecordError{"unauthorized", "The access token was not accepted."}, Warnings: []string{"a profile_id was a number"}},
	}
}

func written(t *testing.T, f Format, records ...Record) string {
	t.Helper()
	var b strings.Builder
	w := NewWriter(&b, f, WriterOptions{})
	for _, r := range records {
		require.NoError(t, w.Write(r))
	}
	require.NoError(t, w.Close())
	return b.String()
}

// The contract for scripts: a change here is a change of the contract.
func TestJSONIsTheContract(t *testing.T) {
	t.Parallel()
	require.Equal(t, `{"account":{"sub":"acc_1","email":"amara@example.test","name":"Amara Osei"},"state":"connected","profiles":[`+
		`{"provider_name":"zoom","profile_id":"pro_1","profile_name":"amara@example.test","connected":true,"relink_url":"","new":true},`+
		`{"provider_name":"go_to","profile_id":"pro_2","profile_name":"amara@example.test","connected":false,"relink_url":"https://app-de.cronofy.com/v2/relink/go_to?email=amara%40example.test&x=1"}],"line":2}
{"account":{"sub":"acc_2","email":"","name":""},"state":"missing","profiles":[]}
{"account":{"sub":"acc_3","email":"hana@example.test","name":""},"state":"missing","profiles":[{"provider_name":"zoom","profile_id":"pro_3","profile_name":"hana@example.test","connected":true,"relink_url":"","new":false}],"own":true,"line":7,"listed":"h@example.test"}
{"account":{"sub":"","email":"山田さくら.a-very-long-address-indeed@example.test","name":""},"state":"error","profiles":[],"error":{"code":"unauthorized","message":"The access token was not accepted."},"warnings":["a profile_id was a number"]}
`, written(t, FormatJSON, someRecords()...))
	require.Empty(t, written(t, FormatJSON))
	require.Contains(t, written(t, FormatJSON, Record{}), `"profiles":[]`)
}

func TestTable(t *testing.T) {
	t.Parallel()
	require.Equal(t, `STATE         ACCOUNT                           PROVIDER          CONNECTED  PROFILE
connected     amara@example.test                zoom              yes        amara@example.test (new)
                                                go_to             no         amara@example.test
              relink: https://app-de.cronofy.com/v2/relink/go_to?email=amara%40example.test&x=1
not yet       acc_2
not yet       hana@example.test                 zoom              yes        hana@example.test (their own, from before the link)
error         山田さくら.a-very-long-address-…
              unauthorized: The access token was not accepted.
              odd: a profile_id was a number
`, written(t, FormatTable, someRecords()...))
	require.Equal(t, "STATE         ACCOUNT                           PROVIDER          CONNECTED  PROFILE\n", written(t, FormatTable))
}

func TestFitIsExact(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "a", "山", "山山山山山山山", "🇩🇪🇩🇪🇩🇪🇩🇪🇩🇪🇩🇪🇩🇪", "e\u0301e\u0301", "a\tb\x1b[31m", strings.Repeat("x", 50)} {
		require.Equal(t, 12, displaywidth.String(fit(s, 12)), "%q", s)
	}
}

func TestCSV(t *testing.T) {
	t.Parallel()
	text := written(t, FormatCSV, someRecords()...)
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	require.NoError(t, err)
	require.Equal(t, [][]string{
		{"sub", "email", "name", "state", "provider_name", "profile_id", "profile_name", "connected", "new", "relink_url", "error_code", "error_message", "line", "listed", "warnings"},
		{"acc_1", "amara@example.test", "Amara Osei", "connected", "zoom", "pro_1", "amara@example.test", "yes", "yes", "", "", "", "2", "", ""},
		{"acc_1", "amara@example.test", "Amara Osei", "connected", "go_to", "pro_2", "amara@example.test", "no", "",
			"https://app-de.cronofy.com/v2/relink/go_to?email=amara%40example.test&x=1", "", "", "2", "", ""},
		{"acc_2", "", "", "missing", "", "", "", "", "", "", "", "", "", "", ""},
		{"acc_3", "hana@example.test", "", "missing", "zoom", "pro_3", "hana@example.test", "yes", "no", "", "", "", "7", "h@example.test", ""},
		{"", "山田さくら.a-very-long-address-indeed@example.test", "", "error", "", "", "", "", "", "", "unauthorized", "The access token was not accepted.", "", "", "a profile_id was a number"},
	}, rows)
	require.Equal(t, 1, strings.Count(written(t, FormatCSV), "\n"), "the heading alone")
}

func TestCSVHoldsNoFormulas(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"=1+1", "+1", "-1", "@SUM(A1)", " =1", "\t=1", "\r=1", "\x1b[m=1", "＝1", "'=1", "\u00a0=1",
		"\u3000=1", "\u200b=1", "\ufeff＋1", "\u00ad@x", "\u2060-1", "\u3164=1", "\ufe0f=1", "\"=1", "\u115f=1", "\u0301=1"} {
		rec := Record{Account: AccountRef{Sub: name, Email: name, Name: name}, Profiles: []Profile{
			{ProviderName: name, ProfileID: name, ProfileName: name, RelinkURL: name}}, Error: &RecordError{name, name}}
		rows, err := csv.NewReader(strings.NewReader(written(t, FormatCSV, rec))).ReadAll()
		require.NoError(t, err)
		for i, f := range rows[1] {
			if f != "" && f != "yes" && f != "no" {
				require.True(t, strings.HasPrefix(f, "'"), "%q: column %d: %q", name, i, f)
			}
		}
	}
	require.Equal(t, "a=b", cell("a=b"))
	require.Equal(t, "Doe;'=1+1", cell("Doe;=1+1"))
	require.Equal(t, "a,' \"@b|' -c; d", cell("a, \"@b| -c; d"))
	require.Equal(t, "amara@example.test", cell("amara@example.test"))
}

// TestCSVInAnotherCountry: whatever separator a spreadsheet takes, no cell begins
// with a formula, and what is in quotes is not split.
func TestCSVInAnotherCountry(t *testing.T) {
	t.Parallel()
	const evil = "Doe; =HYPERLINK(\"http://x.test\";\"Ann\")"
	text := written(t, FormatCSV, Record{Account: AccountRef{Sub: "acc_1", Email: "a|@b", Name: evil}, State: Missing, Warnings: []string{"x\t=y"}})
	require.Contains(t, text, `"Doe;' =HYPERLINK(""http://x.test"";""Ann"")"`)
	for _, comma := range ",;|\t" {
		r := csv.NewReader(strings.NewReader(text))
		r.Comma, r.LazyQuotes, r.FieldsPerRecord = comma, true, -1
		rows, err := r.ReadAll()
		require.NoError(t, err)
		for _, row := range rows {
			for _, f := range row {
				require.False(t, strings.ContainsAny(strings.TrimLeftFunc(f, unseen)[:min(1, len(strings.TrimLeftFunc(f, unseen)))], formulaSigns), "%q: %q", comma, f)
			}
		}
	}
}

// Records of this package are clean; these are not, and still nothing gets out.
func TestTextFormatsCleanWhatTheyWrite(t *testing.T) {
	t.Parallel()
	const dirty = "a\x1b]52;c;b3duZWQ=\x07\x1b[2J\u202e\u009b\r\nb"
	rec := Record{Account: AccountRef{dirty, dirty, dirty}, State: Disconnected, Profiles: []Profile{
		{ProviderName: dirty, ProfileID: dirty, ProfileName: dirty, RelinkURL: dirty}}, Error: &RecordError{dirty, dirty}}
	for _, f := range []Format{FormatTable, FormatCSV} {
		text := written(t, f, rec)
		for line := range strings.SplitSeq(text, "\n") {
			requireClean(t, line)
		}
		require.NotContains(t, text, "52;c")
	}
}

type limitedWriter struct{ pieces []string }

func (l *limitedWriter) Write(p []byte) (int, error) {
	if len(l.pieces) == 2 {
		return 0, io.ErrClosedPipe
	}
	l.pieces = append(l.pieces, string(p))
	return len(p), nil
}

func TestWritersWriteWholeRecordsAndTellOfErrors(t *testing.T) {
	t.Parallel()
	for _, f := range []Format{FormatTable, FormatJSON, FormatCSV} { // a report is written by Close
		out := &limitedWriter{}
		w := NewWriter(out, f, WriterOptions{})
		for _, r := range someRecords()[:2] {
			require.NoError(t, w.Write(r))
		}
		require.ErrorIs(t, w.Write(someRecords()[2]), io.ErrClosedPipe)
		for _, p := range out.pieces {
			require.True(t, strings.HasSuffix(p, "\n"), f)
		}
	}
}

func TestRecordsHoldNoSecret(t *testing.T) {
	t.Parallel()
	_, err := json.Marshal(Account{})
	require.Error(t, err, "an account with its tokens cannot be encoded by mistake")
}
