package profiles

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf16"

	"github.com/stretchr/testify/require"

	"confer/cronofy"
)

// seenAccount is an Account that can be compared.
type seenAccount struct {
	email, sub, access, refresh string
	row                         int
}

func utf16Text(text string, order binary.ByteOrder) string {
	var b bytes.Buffer
	for _, u := range utf16.Encode([]rune(text)) {
		_ = binary.Write(&b, order, u)
	}
	return b.String()
}

func readAll(text string) (got []seenAccount, errs []string, err error) {
	for a, e := range ReadAccounts(strings.NewReader(text)) {
		_, ofLine := errors.AsType[*ListError](e)
		switch {
		case ofLine:
			errs = append(errs, e.Error())
		case e != nil:
			return got, errs, e
		default:
			got = append(got, seenAccount{a.Email, a.Sub, a.AccessToken.Reveal(), a.RefreshToken.Reveal(), a.Row})
		}
	}
	return got, errs, nil
}

func TestReadAccounts(t *testing.T) {
	t.Parallel()
	one := seenAccount{"amara@example.test", "acc_1", "at1", "rt1", 2}
	for name, c := range map[string]struct {
		text string
		want []seenAccount
	}{
		"as documented":     {"email,sub,access_token,refresh_token\namara@example.test,acc_1,at1,rt1\n", []seenAccount{one}},
		"any order":         {"refresh_token,access_token,sub,email\nrt1,at1,acc_1,amara@example.test", []seenAccount{one}},
		"case and spaces":   {" EMAIL , Sub,Access_Token ,REFRESH_TOKEN\n amara@example.test , acc_1, at1 ,rt1", []seenAccount{one}},
		"BOM and CRLF":      {"\ufeffemail,sub,access_token,refresh_token\r\namara@example.test,acc_1,at1,rt1\r\n", []seenAccount{one}},
		"quotes":            {"\"email\",\"sub\",\"access_token\",\"refresh_token\"\n\"amara@example.test\",\"acc_1\",\"at1\",\"rt1\"\n", []seenAccount{one}},
		"semicolons":        {"email;sub;access_token;refresh_token\namara@example.test;acc_1;at1;rt1\n", []seenAccount{one}},
		"tabs":              {"email\tsub\taccess_token\trefresh_token\namara@example.test\tacc_1\tat1\trt1\n", []seenAccount{one}},
		"columns of others": {"id,email,team,sub,access_token,refresh_token\n7,amara@example.test,\"a, b\",acc_1,at1,rt1\n", []seenAccount{one}},
		"one column":        {"access_token\nat1\n\nat2\n", []seenAccount{{access: "at1", row: 2}, {access: "at2", row: 4}}},
		"only refresh":      {"refresh_token\nrt1", []seenAccount{{refresh: "rt1", row: 2}}},
		"blank lines": {"\n\r\n  \naccess_token,email\n\n,\n\r\nat1,a@example.test\n  , \nat2,\n", []seenAccount{
			{email: "a@example.test", access: "at1", row: 8}, {access: "at2", row: 10}}},
		"a field over lines": {"note,access_token\n\"one\ntwo\",at1\nx,at2", []seenAccount{{access: "at1", row: 2}, {access: "at2", row: 4}}},
		"header only":        {"access_token\n", nil},
		"empty":              {"", nil},
		"only blank":         {"\ufeff\r\n \t\n", nil},
		"only a separator":   {"sep=;\n", nil},
		"JSON lines": {`{"email":"amara@example.test","sub":"acc_1","access_token":"at1","refresh_token":"rt1"}` + "\n", []seenAccount{
			{"amara@example.test", "acc_1", "at1", "rt1", 1}}},
		"JSON, others and null": {"\ufeff\n \r\n {\"access_token\":\" at1 \",\"team\":{\"id\":[1]},\"sub\":null}\r\n\r\n{\"refresh_token\":\"rt2\"}", []seenAccount{
			{access: "at1", row: 3}, {refresh: "rt2", row: 5}}},
		"Google's and Excel's titles": {"First Name [Required];E-mail Address;accessToken;Refresh-Token;Sub\nAmara;amara@example.test;at1;rt1;acc_1\n", []seenAccount{one}},
		"spaces in titles":            {"Access Token\tUser principal name\nat1\tamara@example.test\n", []seenAccount{{email: "amara@example.test", access: "at1", row: 2}}},
		"vertical bars":               {"email|access_token\na@example.test|at1\n", []seenAccount{{email: "a@example.test", access: "at1", row: 2}}},
		"commas in a title":           {"\"Last, First\";email;access_token\n\"Osei, Amara\";a@example.test;at1\n", []seenAccount{{email: "a@example.test", access: "at1", row: 2}}},
		"a line break in a title":     {"\"full\nname\",email,access_token\nx,a@example.test,at1\n", []seenAccount{{email: "a@example.test", access: "at1", row: 3}}},
		"sep=":                        {"\ufeffsep=;\r\nemail;access_token;note\r\na@example.test;at1;\"b,c\"\r\n", []seenAccount{{email: "a@example.test", access: "at1", row: 3}}},
		"sep= a tab":                  {"sep=\t\nemail\taccess_token\na@example.test\tat1\n", []seenAccount{{email: "a@example.test", access: "at1", row: 3}}},
		"a member of another meaning": {"{\"access_token\":\"at1\",\"mail\":{\"x\":1},\"token\":7}", []seenAccount{{access: "at1", row: 1}}},
		"sep= in quotes":              {"\"sep=|\"\nemail|access_token\na@example.test|at1\n", []seenAccount{{email: "a@example.test", access: "at1", row: 3}}},
		"old Macs' line breaks":       {"email,access_token\ra@example.test,at1\r", []seenAccount{{email: "a@example.test", access: "at1", row: 2}}},
		"UTF-16 LE":                   {utf16Text("\ufeffemail\taccess_token\r\nzoë-𝄞@example.test\tat1\r\n", binary.LittleEndian), []seenAccount{{email: "zoë-𝄞@example.test", access: "at1", row: 2}}},
		"UTF-16 BE":                   {utf16Text("\ufeffemail\taccess_token\r\na@example.test\tat1\r\n", binary.BigEndian), []seenAccount{{email: "a@example.test", access: "at1", row: 2}}},
		"a mark that is there twice":  {"\ufeff\ufeff\"email\",access_token\r\na@example.test,at1\r\n", []seenAccount{{email: "a@example.test", access: "at1", row: 2}}},
		"UTF-16 without a mark":       {utf16Text("email\taccess_token\r\na@example.test\tat1\r\n", binary.LittleEndian), []seenAccount{{email: "a@example.test", access: "at1", row: 2}}},
		"JSON in UTF-16":              {utf16Text("\ufeff{\"access_token\":\"at1\"}", binary.LittleEndian), []seenAccount{{access: "at1", row: 1}}},
		"JSON array": {"[\n  {\"email\":\"a@example.test\", \"accessToken\":\"at1\"},\n  {\"Access Token\":\"at2\",\n   \"x\":[1,\"\\n\"]}, {\"refresh_token\":\"rt3\"}\n]\n", []seenAccount{
			{email: "a@example.test", access: "at1", row: 2}, {access: "at2", row: 3}, {refresh: "rt3", row: 4}}},
		"an empty array":     {"[]", nil},
		"unseen at the ends": {"\u00a0email\u200b,access_token\n\u200bamara@example.test\ufeff,\u00adat1\u2060\n", []seenAccount{{email: "amara@example.test", access: "at1", row: 2}}},
		"names are cleaned":  {"email,access_token\na\x1b[2Jb\u202e@example.test,at1\n", []seenAccount{{email: "ab@example.test", access: "at1", row: 2}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, errs, err := readAll(c.text)
			require.NoError(t, err)
			require.Empty(t, errs)
			require.Equal(t, c.want, got)
		})
	}
}

func TestReadAccountsGoesOnAfterABadLine(t *testing.T) {
	t.Parallel()
	const canary = "CANARY"
	for name, c := range map[string]struct{ text, want string }{
		"space in a token": {"email,access_token\nx,CANARY CANARY\n", "line 2: a token holds characters that no token has"},
		"not ASCII":        {"refresh_token,access_token\nCANARYé,x\n", "line 2: a token holds characters that no token has"},
		"no token":         {"email,access_token\nCANARY@example.test,\n", "line 2: no access_token and no refresh_token"},
		"too few fields":   {"email,access_token\nCANARY\n", "line 2: not as many fields as the first line"},
		"too many fields":  {"email,access_token\na,CANARY,CANARY\n", "line 2: not as many fields as the first line"},
		"stray quote":      {"email,access_token\na,CANARY\"x\n", `line 2: bare " in non-quoted-field`},
		"text after quote": {"email,access_token\na,\"CANARY\"x\n", `line 2: extraneous or missing " in quoted-field`},
		"number":           {`{"access_token":"at0"}` + "\n" + `{"access_token":7531}` + "\n", "line 2: access_token must be text"},
		"object":           {`{"access_token":"at0"}` + "\n" + `{"email":{"CANARY":1}}` + "\n", "line 2: email must be text"},
		"not JSON":         {`{"access_token":"at0"}` + "\n" + `{"access_token":CANARY}` + "\n", "line 2: not one JSON object"},
		"not an object":    {`{"access_token":"at0"}` + "\n" + `"CANARY"` + "\n", "line 2: not one JSON object"},
		"two on a line":    {`{"access_token":"at0"}` + "\n" + `{"access_token":"CANARY"} {}` + "\n", "line 2: not one JSON object"},
		"a member twice":   {`{"access_token":"at0"}` + "\n" + `{"access_token":"CANARY","Access_Token":"other"}` + "\n", "line 2: Access_Token is there twice"},
		"no token in JSON": {`{"access_token":"at0"}` + "\n" + `{"sub":"CANARY"}` + "\n", "line 2: no access_token and no refresh_token"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := c.text + "a,last\n"
			if strings.HasPrefix(c.text, "{") {
				text = c.text + `{"access_token":"last"}`
			}
			got, errs, err := readAll(text)
			require.NoError(t, err)
			require.Len(t, errs, 1)
			require.NotContains(t, errs[0], canary)
			require.NotContains(t, errs[0], "7531")
			require.Equal(t, c.want, errs[0])
			require.NotEmpty(t, got)
			require.Equal(t, "last", got[len(got)-1].access, "the list goes on")
		})
	}
}

func TestReadAccountsOfWhatIsNoList(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"no token column": {"\nemail,CANARY\nx,y\n", "line 2: the header names neither access_token nor refresh_token"},
		"a column twice":  {"email,access_token,EMAIL\n", "line 1: email is there twice"},
		"half an array":   {"\n[{\"access_token\":\"at1\"},\n{\"access_token\":\"CAN", "line 2: not a JSON array of objects from here on"},
		"more behind it":  {"[{\"access_token\":\"at1\"}]\n{\"access_token\":\"CANARY\"}\n", "line 2: not a JSON array of objects from here on"},
		"text behind it":  {"[{\"access_token\":\"at1\"}]\n CANARY\n", "line 2: not a JSON array of objects from here on"},
		"no array":        {"[{\"access_token\":\"at1\"}\n\nCANARY", "line 3: not a JSON array of objects from here on"},
		"a workbook":      {"PK\x03\x04CANARY", "an Excel workbook (.xlsx) or another zip archive; save the list as CSV (UTF-8)"},
		"an old workbook": {"\xd0\xcf\x11\xe0\xa1\xb1CANARY", "an old Excel workbook (.xls) or another Office document; save the list as CSV (UTF-8)"},
		"gzip":            {"\x1f\x8b\x08\x00CANARY", "compressed (gzip or the like); unpack it first"},
		"a PDF":           {"%PDF-1.7\nCANARY", "a PDF; save the list as CSV (UTF-8)"},
		"a web page":      {"\n <!DOCTYPE html><table><tr><td>CANARY", "a web page or XML, whatever its name says; save the list as CSV (UTF-8)"},
		"XML":             {"\ufeff<?xml version=\"1.0\"?>", "a web page or XML, whatever its name says; save the list as CSV (UTF-8)"},
		"RTF":             {"{\\rtf1 CANARY", "an old Excel workbook (.xls) or another Office document; save the list as CSV (UTF-8)"},
		"bytes":           {"\x7fELF\x02\x01\x00\x00", "not a text file; save the list as CSV (UTF-8)"},
		"header unclosed": {"\"access_token\nCANARY\n", `line 1: extraneous or missing " in quoted-field`},
		"quote unclosed": {"access_token\nat1\n\"" + strings.Repeat("CANARY\n", 1<<18),
			"line 3: read the list: more than 1 MiB in one line"},
		"endless line": {"{\"access_token\":\"at1\"}\n{\"x\":\"" + strings.Repeat("CANARY", 1<<18),
			"line 2: read the list: more than 1 MiB in one line"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := readAll(c.text)
			var ofLine *ListError
			require.NotErrorAs(t, err, &ofLine)
			require.EqualError(t, err, c.want)
		})
	}
}

func TestReadAccountsOfABrokenReader(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{"CSV": "access_token\nat1\nat2", "JSON": "{\"access_token\":\"at1\"}\n{", "nothing": ""} {
		boom := errors.New("boom")
		var last error
		for _, err := range ReadAccounts(io.MultiReader(strings.NewReader(text), iotest.ErrReader(boom))) {
			last = err
		}
		require.ErrorIs(t, last, boom, name)
	}
}

// A pipe that stays open must not keep the first account back.
func TestReadAccountsReadsNoFurtherThanAsked(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{"CSV": "access_token\nat1\n", "JSON": "{\"access_token\":\"at1\"}\n"} {
		r, w := io.Pipe()
		go func() { // ends when r is closed
			_, _ = io.WriteString(w, text)
		}()
		for a, err := range ReadAccounts(r) {
			require.NoError(t, err, name)
			require.True(t, a.AccessToken.Equal(cronofy.NewSecret("at1")), name)
			break
		}
		require.NoError(t, r.Close())
	}
}

func FuzzReadAccounts(f *testing.F) {
	for _, seed := range []string{
		"email,sub,access_token,refresh_token\na@example.test,acc_1,at1,rt1\n",
		"\ufeffaccess_token;email\r\nat1;\"x;\"\"y\"\r\n\r\n",
		`{"access_token":"at1","email":"a@example.test"}` + "\n{}\n{\"access_token\":1}",
		"access_token\n\"open", "\xff\xfea\x00", "[", "{", "sep=;\nemail;token\r", `[{"token":"a"},` + "\n1]", ",\n", "\x00access_token\nx",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		row, over := 0, false
		for a, err := range ReadAccounts(strings.NewReader(string(b))) {
			if over {
				t.Fatal("went on after the end")
			}
			line, ofLine := errors.AsType[*ListError](err)
			switch {
			case ofLine && line.Line < 1:
				t.Fatalf("no line: %v", err)
			case ofLine:
			case err != nil:
				over = true
			case a.AccessToken.Empty() && a.RefreshToken.Empty():
				t.Fatal("an account without a token")
			}
			if !over && a.Row < row {
				t.Fatalf("row %d after %d", a.Row, row)
			}
			row = a.Row
			if cronofy.CleanText(a.Email+a.Sub, 1000) != a.Email+a.Sub {
				t.Fatal("not clean")
			}
		}
	})
}

// The limit is a line's, not the list's.
func TestReadAccountsOfALongList(t *testing.T) {
	t.Parallel()
	const n = 60_000
	blank := strings.Repeat("\n", maxLine+maxLine/2)
	for name, text := range map[string]string{
		"CSV":  blank + "email,access_token\n" + strings.Repeat("amara-with-a-long-name@example.test,at1\n", n),
		"JSON": blank + strings.Repeat("{\"email\":\"amara@example.test\",\"access_token\":\"at1\"}\n", n),
	} {
		got, errs, err := readAll(text)
		require.NoError(t, err, name)
		require.Empty(t, errs, name)
		require.Len(t, got, n, name)
	}
}

func TestStrictEndsAtABadLine(t *testing.T) {
	t.Parallel()
	const list = "email,access_token\namara@example.test,t1\nbjorn@example.test,\nchiara@example.test,t3\n"
	c := answering(connected)
	var got []Record
	sum, err := Run(t.Context(), c, ReadAccounts(strings.NewReader(list)), Options{Strict: true}, collect(&got))
	var row *ListError
	require.ErrorAs(t, err, &row)
	require.Equal(t, 3, row.Line)
	require.Equal(t, 1, sum.Read)
	require.Zero(t, c.count("t3"))
}

func TestReadEmails(t *testing.T) {
	t.Parallel()
	const ann, bob = "ann@x.test", "bob@x.test"
	both := func(lineA, lineB int) []Account { return []Account{{Email: ann, Row: lineA}, {Email: bob, Row: lineB}} }
	for name, c := range map[string]struct {
		in      string
		want    []Account
		column  string
		without int
	}{
		"lines":              {in: "ann@x.test\nbob@x.test\n", want: both(1, 2)},
		"no last newline":    {in: "ann@x.test\nbob@x.test", want: both(1, 2)},
		"Windows":            {in: "\ufeffann@x.test\r\n\r\nbob@x.test\r\n", want: both(1, 3)},
		"one person twice":   {in: "ann@x.test\nANN@X.test\n ann@x.test\u200b\nbob@x.test\n", want: both(1, 4)},
		"spaces around it":   {in: "  ann@x.test  \n\tbob@x.test\n", want: both(1, 2)},
		"unseen around it":   {in: "\u200bann@x.test\u00a0\n\ufeffbob@x.test\u00ad\U000e0041\ufe0f\u3164\n", want: both(1, 2)},
		"in quotes":          {in: "\"ann@x.test\"\n\"bob@x.test\"\n", want: both(1, 2)},
		"a heading":          {in: "Email\nann@x.test\nbob@x.test\n", want: both(2, 3), column: "Email"},
		"the last of names":  {in: "\"Last, First\",Email,Manager\n\"Doe, Ann\",ann@x.test,boss@x.test\n\"Roe, Bob\",bob@x.test,boss@x.test\n", want: both(2, 3), column: "Email"},
		"the same with ;":    {in: "sep=;\n\"Last; First\";Email;Manager\n\"Doe, Ann\";ann@x.test;boss@x.test\n\"Roe\nBob\";bob@x.test;boss@x.test\n", want: both(3, 4), column: "Email"},
		"Google Workspace":   {in: "First Name [Required],Last Name [Required],Email Address [Required],Password [Required],New Primary Email [UPLOAD ONLY],Recovery Email\nAnn,Doe,ann@x.test,****,,me@home.test\nBob,Roe,bob@x.test,****,,\n", want: both(2, 3), column: "Email Address [Required]"},
		"Entra":              {in: "\ufeffuserPrincipalName,displayName,surname,mail,givenName,id\nann_ext@x.test,Ann,Doe,ann@x.test,Ann,1\nsvc@x.test,Service,,,,2\nbob_ext@x.test,Bob,Roe,bob@x.test,Bob,3\n", want: both(2, 4), column: "mail", without: 1},
		"Microsoft 365":      {in: "Block credential,City,Display name,User principal name\nFalse,,Ann,ann@x.test\nFalse,,Bob,bob@x.test\n", want: both(2, 3), column: "User principal name"},
		"Outlook":            {in: "First Name,E-mail Address,E-mail 2 Address\nAnn,ann@x.test,x@y.test\nBob,bob@x.test,\n", want: both(2, 3), column: "E-mail Address"},
		"Zoom":               {in: "Email,First Name,Last Name,Department,Manager\nann@x.test,Ann,Doe,,boss@x.test\nbob@x.test,Bob,Roe,,boss@x.test\n", want: both(2, 3), column: "Email"},
		"German":             {in: "Name;E-Mail-Adresse\nAnn;ann@x.test\nBob;bob@x.test\n", want: both(2, 3), column: "E-Mail-Adresse"},
		"tabs in UTF-16":     {in: utf16Text("\ufeffName\tE_MAIL\r\nAnn\tann@x.test\r\nBob\tbob@x.test\r\n", binary.LittleEndian), want: both(2, 3), column: "E_MAIL"},
		"JSON lines":         {in: "{\"mail\":\"ann@x.test\"}\n{\"Email\":\"bob@x.test\"}", want: both(1, 2)},
		"blank rows":         {in: "a,email\n,\n1,ann@x.test\n  ,\n2,bob@x.test\n", want: both(3, 5), column: "email"},
		"what addresses may": {in: "o'neil+tag_1=x{y}@sub-1.x9.example\n", want: []Account{{Email: "o'neil+tag_1=x{y}@sub-1.x9.example", Row: 1}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := ReadEmails(strings.NewReader(c.in))
			require.NoError(t, err)
			require.Equal(t, Addresses{All: c.want, Column: c.column, Without: c.without}, got)
		})
	}
}

func TestReadEmailsNamesTheLine(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"ann@x.test\nAmara\n":                  "line 2: not an e-mail address",
		"a@\n":                                 "line 1: not an e-mail address",
		"@x.test\n":                            "line 1: not an e-mail address",
		"a b@x.test\n":                         "line 1: not an e-mail address",
		"x\n":                                  "line 1: not an e-mail address",
		"a@b\n":                                "line 1: not an e-mail address",
		"a@1.2.3.4\n":                          "line 1: not an e-mail address",
		"a@[1.2.3.4]\n":                        "line 1: not an e-mail address",
		"a@x.test.\n":                          "line 1: not an e-mail address",
		"a@-x.test\n":                          "line 1: not an e-mail address",
		"a..b@x.test\n":                        "line 1: not an e-mail address",
		".a@x.test\n":                          "line 1: not an e-mail address",
		"a@b@x.test\n":                         "line 1: not an e-mail address",
		"a@x.test;b@x.test\n":                  "line 1: the header does not say which column has the e-mail addresses; call it email",
		"ann@x.test,\n":                        "line 1: the header does not say which column has the e-mail addresses; call it email",
		"Name,Dienst-Mail\nAnn,ann@x.test\n":   "line 1: the header does not say which column has the e-mail addresses; call it email",
		"Ann,ann@x.test\nBob,bob@x.test\n":     "line 1: the header does not say which column has the e-mail addresses; call it email",
		"mailto:ann@x.test\n":                  "line 1: not an e-mail address",
		"Email\nMAILTO:ann@x.test\n":           "line 2: not an e-mail address",
		"Ann <ann@x.test>\n":                   "line 1: not an e-mail address",
		"an\u200bn@x.test\n":                   "line 1: not an e-mail address: it holds the character U+200B",
		"a\x1b[2J@x.test\n":                    "line 1: not an e-mail address: it holds the character U+001B",
		"zoë@x.test\n":                         "line 1: not an e-mail address: it holds the character U+00EB",
		"a@münchen.test\n":                     "line 1: not an e-mail address: it holds the character U+00FC",
		"email,name\n\"amara@x.test,x\n":       "line 2: extraneous or missing \" in quoted-field",
		"email,name\nann@x.test\nb@x.test,b\n": "line 2: not as many fields as the first line",
		"email,name\na@x.test,\nann@x.test,Ann,boss@x.test\n":    "line 3: not as many fields as the first line",
		"ann@x.test\nb@x.test, c@x.test ":                        "line 2: not as many fields as the first line",
		strings.Repeat("a", 400) + "@x.test\n":                   "line 1: not an e-mail address",
		strings.Repeat("a", 65) + "@x.test\n":                    "line 1: not an e-mail address",
		"a@" + strings.Repeat("a", 64) + ".test\n":               "line 1: not an e-mail address",
		"Name,Manager Email\nAnn,boss@x.test\n":                  "line 1: the header does not say which column has the e-mail addresses; call it email",
		"Name,Owner e-mail\nAnn,boss@x.test\n":                   "line 1: the header does not say which column has the e-mail addresses; call it email",
		"Name,E-Mail Vorgesetzte\nAnn,boss@x.test\n":             "line 1: the header does not say which column has the e-mail addresses; call it email",
		"Ann,ann@x.test,boss@x.test\n":                           "line 1: the header does not say which column has the e-mail addresses; call it email",
		"Mail home,Mail office\na@x.test,b@x.test\n":             "line 1: the header does not say which column has the e-mail addresses; call it email",
		"email,name,Email\na@x.test,A,b@x.test\n":                "line 1: email is there twice",
		"{\"email\":\"a@x.test\"}\n{\"email\":[\"b@x.test\"]}\n": "line 2: email must be text",
		"[{\"email\":\"a@x.test\"},\n{\"E-mail\":5}]":            "line 2: E-mail must be text",
		"email\n\n":          "there are no addresses in it",
		"email,name\n,Ann\n": "there are no addresses in it",
		"":                   "there are no addresses in it",
		"PK\x03\x04":         "an Excel workbook (.xlsx) or another zip archive; save the list as CSV (UTF-8)",
	} {
		got, err := ReadEmails(strings.NewReader(in))
		require.EqualError(t, err, want, "%.40q", in)
		require.Empty(t, got.All)
	}
	boom := errors.New("boom")
	_, err := ReadEmails(iotest.ErrReader(boom))
	require.ErrorIs(t, err, boom)
}

func TestAddRooms(t *testing.T) {
	t.Parallel()
	list := []Account{{Email: "Room-1@example.test", Row: 1}, {Email: "amara@example.test", Row: 2}}
	got := AddRooms(list, []cronofy.Resource{
		{Email: "room-1@example.test"}, {Email: "room-2@example.test"}, {Email: "Boardroom"}, {Email: "room-2@example.test"}})
	require.Equal(t, append(list, Account{Email: "room-2@example.test"}), got)
}

func FuzzReadEmails(f *testing.F) {
	f.Add("amara@example.test\n")
	f.Add("a,email\n1,amara@example.test\n\"")
	f.Add("\ufeffemail\n\x00@\n")
	f.Add("sep=;\nName;E-Mail\nx;a@x.test\n")
	f.Fuzz(func(t *testing.T, in string) {
		list, err := ReadEmails(strings.NewReader(in))
		require.Equal(t, err == nil, len(list.All) > 0)
		line := 0
		for _, a := range list.All {
			require.Empty(t, badAddress(a.Email))
			require.GreaterOrEqual(t, a.Row, line)
			line = a.Row
		}
	})
}
