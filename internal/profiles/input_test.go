package profiles

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"confer/cronofy"
)

// seenAccount is an Account that can be compared.
type seenAccount struct {
	email, sub, access, refresh string
	row                         int
}

func readAll(text string) (got []seenAccount, errs []string, err error) {
	for a, e := range ReadAccounts(strings.NewReader(text)) {
		var row *RowError
		switch {
		case errors.As(e, &row):
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
		"JSON lines": {`{"email":"amara@example.test","sub":"acc_1","access_token":"at1","refresh_token":"rt1"}` + "\n", []seenAccount{
			{"amara@example.test", "acc_1", "at1", "rt1", 1}}},
		"JSON, others and null": {"\ufeff\n \r\n {\"access_token\":\" at1 \",\"team\":{\"id\":[1]},\"sub\":null}\r\n\r\n{\"refresh_token\":\"rt2\"}", []seenAccount{
			{access: "at1", row: 3}, {refresh: "rt2", row: 5}}},
		"names are cleaned": {"email,access_token\na\x1b[2Jb\u202e@example.test,at1\n", []seenAccount{{email: "ab@example.test", access: "at1", row: 2}}},
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
		"no token":         {"email,access_token\nCANARY@example.test,\n", "line 2: no access_token and no refresh_token"},
		"space in a token": {"email,access_token\nx,CANARY CANARY\n", "line 2, column 3, access_token: holds characters that no token has"},
		"not ASCII":        {"refresh_token,access_token\nCANARYé,x\n", "line 2, column 1, refresh_token: holds characters that no token has"},
		"too long":         {"access_token\n" + strings.Repeat(canary, 700) + "\n", "line 2, column 1, access_token: longer than 4096 bytes"},
		"too few fields":   {"email,access_token\nCANARY\n", "line 2: not as many fields as the header"},
		"too many fields":  {"email,access_token\na,CANARY,CANARY\n", "line 2: not as many fields as the header"},
		"stray quote":      {"email,access_token\na,CANARY\"x\n", `line 2, column 9: bare " in non-quoted-field`},
		"text after quote": {"email,access_token\na,\"CANARY\"x\n", `line 2, column 10: extraneous or missing " in quoted-field`},
		"number":           {`{"access_token":"at0"}` + "\n" + `{"access_token":7531}` + "\n", "line 2, column 20, access_token: must be text"},
		"object":           {`{"access_token":"at0"}` + "\n" + `{"email":{"CANARY":1}}` + "\n", "line 2, column 10, email: must be text"},
		"not JSON":         {`{"access_token":"at0"}` + "\n" + `{"access_token":CANARY}` + "\n", "line 2, column 17: not a JSON object on one line"},
		"not an object":    {`{"access_token":"at0"}` + "\n" + `"CANARY"` + "\n", "line 2: not a JSON object on one line"},
		"two on a line":    {`{"access_token":"at0"}` + "\n" + `{"access_token":"CANARY"} {}` + "\n", "line 2, column 27: not a JSON object on one line"},
		"no token in JSON": {`{"access_token":"at0"}` + "\n" + `{"sub":"CANARY"}` + "\n", "line 2: no access_token and no refresh_token"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := c.text + "a,last\n"
			if strings.HasPrefix(c.text, "{") {
				text = c.text + `{"access_token":"last"}`
			} else if strings.HasPrefix(c.text, "access_token\n") {
				text = c.text + "last\n"
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
		"empty":           {"", "the list is empty"},
		"only blank":      {"\ufeff\r\n \t\n", "the list is empty"},
		"no token column": {"\nemail,CANARY\nx,y\n", "line 2: the header names neither access_token nor refresh_token"},
		"a column twice":  {"email,access_token,EMAIL\n", "line 1, email: the header has this column twice"},
		"an array":        {"\n[{\"access_token\":\"CANARY\"}]", "line 2: a JSON array; the list must have one object a line"},
		"UTF-16":          {"\xff\xfea\x00", "the list is UTF-16; save it as UTF-8"},
		"header unclosed": {"\"access_token\nCANARY\n", `line 1: read the list: extraneous or missing " in quoted-field`},
		"quote unclosed": {"access_token\nat1\n\"" + strings.Repeat("CANARY\n", 1<<18),
			"line 3: read the list: more than 1 MiB in one line"},
		"endless line": {"{\"access_token\":\"at1\"}\n{\"x\":\"" + strings.Repeat("CANARY", 1<<18),
			"line 2: read the list: more than 1 MiB in one line"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := readAll(c.text)
			var list *InputError
			require.ErrorAs(t, err, &list)
			require.Equal(t, c.want, err.Error())
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
		var list *InputError
		require.ErrorAs(t, last, &list, name)
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
		"access_token\n\"open", "\xff\xfe", "[", "{", ",\n", "\x00access_token\nx",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		row, over := 0, false
		for a, err := range ReadAccounts(strings.NewReader(string(b))) {
			if over {
				t.Fatal("went on after the end")
			}
			var bad *RowError
			var list *InputError
			switch {
			case errors.As(err, &bad):
				if bad.Line < 1 {
					t.Fatalf("no line: %v", err)
				}
			case errors.As(err, &list):
				over = true
			case err != nil:
				t.Fatalf("untyped: %v", err)
			case a.AccessToken.Empty() && a.RefreshToken.Empty():
				t.Fatal("an account without a token")
			case badToken(a.AccessToken.Reveal()) != "" || badToken(a.RefreshToken.Reveal()) != "":
				t.Fatal("a token that cannot be sent")
			}
			if !over && a.Row <= row {
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
	var row *RowError
	require.ErrorAs(t, err, &row)
	require.Equal(t, 3, row.Line)
	require.Equal(t, 1, sum.Read)
	require.Zero(t, c.count("t3"))
}
