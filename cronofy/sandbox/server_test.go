package sandbox

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"confer/cronofy"
)

func TestOnlyLoopback(t *testing.T) {
	t.Parallel()
	for _, addr := range []string{"0.0.0.0:0", ":0", "[::]:0", "192.0.2.1:0", "example.test:0", "127.0.0.1"} {
		api := New(Options{ListenAPI: addr})
		require.Error(t, api.Start(), addr)
		require.NoError(t, api.Close())
		app := New(Options{ListenApp: addr})
		require.Error(t, app.Start(), addr)
		require.NoError(t, app.Close())
	}
}

func TestStartAndClose(t *testing.T) {
	t.Parallel()
	s := New(Options{})
	require.Empty(t, s.APIURL())
	require.NoError(t, s.Start())
	require.Error(t, s.Start(), "twice")
	require.NotEqual(t, s.APIURL(), s.AppURL())
	require.NoError(t, s.Close())
	require.NoError(t, s.Close(), "again")
	require.Error(t, s.Start(), "closed")
	require.NoError(t, New(Options{}).Close(), "never started")
}

func TestCloseEndsSlowAnswers(t *testing.T) {
	t.Parallel()
	s := New(Options{Faults: []Fault{{Slow: time.Hour}}})
	require.NoError(t, s.Start())
	c := plainClient(t)
	arrived, done := make(chan struct{}), make(chan error, 1)
	go func() {
		body := io.MultiReader(strings.NewReader("{}"), tell{arrived})
		resp, err := c.Post(s.APIURL()+"/oauth/token", "application/json", body)
		if err == nil {
			err = errors.Join(errors.New(resp.Status), resp.Body.Close())
		}
		done <- err
	}()
	<-arrived
	require.NoError(t, s.Close())
	require.Error(t, <-done)
}

// tell is an empty reader that says when it was reached.
type tell struct{ reached chan struct{} }

func (r tell) Read([]byte) (int, error) {
	close(r.reached)
	return 0, io.EOF
}

func TestRouting(t *testing.T) {
	t.Parallel()
	w := start(t, Options{})
	for _, c := range []struct {
		method, target string
		status         int
	}{
		{"GET", w.APIURL() + "/", 404},
		{"GET", w.AppURL() + "/", 404},
		{"GET", w.APIURL() + "/v1/userinfo/", 404},
		{"GET", w.APIURL() + "/v1/accounts", 404},
		{"GET", w.APIURL() + "/oauth/authorize", 404},
		{"GET", w.APIURL() + "/control", 404},
		{"GET", w.AppURL() + "/v1/userinfo", 404},
		{"POST", w.APIURL() + "/v1/userinfo", 405},
		{"GET", w.APIURL() + linkTokenPath, 405},
		{"PUT", w.APIURL() + linkTokenPath, 405},
		{"GET", w.APIURL() + "/oauth/token", 405},
		{"GET", w.AppURL() + "/oauth/token/revoke", 405},
		{"POST", w.AppURL() + "/oauth/authorize", 405},
		{"DELETE", w.AppURL() + "/enterprise_connect/oauth/authorize", 405},
		{"PUT", w.AppURL() + "/control", 405},
	} {
		a := w.do(c.method, c.target, w.secret(), "", nil)
		require.Equal(t, c.status, a.StatusCode, "%s %s", c.method, c.target)
		if c.status == 405 {
			require.NotEmpty(t, a.Header.Get("Allow"))
		}
	}
}

func TestHostHeader(t *testing.T) {
	t.Parallel()
	w := start(t, Options{})
	for host, want := range map[string]int{
		"127.0.0.1": 401, "localhost:9000": 401, "[::1]:80": 401, "127.0.0.2:1": 401,
		"evil.test": 421, "127.0.0.1.evil.test:80": 421, "192.0.2.1": 421, "localhost.": 421,
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.APIURL()+"/v1/userinfo", nil)
		require.NoError(t, err)
		r.Host = host
		resp, err := w.client.Do(r)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, want, resp.StatusCode, host)
	}
}

func TestHeaderLimit(t *testing.T) {
	t.Parallel()
	w := start(t, Options{})
	a := w.do(http.MethodGet, w.APIURL()+"/v1/userinfo", strings.Repeat("x", 64<<10), "", nil)
	require.Equal(t, http.StatusRequestHeaderFieldsTooLarge, a.StatusCode)
}

// trace is everything random in a run.
func trace(t *testing.T, o Options) []string {
	w := start(t, o)
	code := w.browse(w.authorizeURL(w.unitQuery())).Get("code")
	tok := w.exchange(code).json(t)
	person := w.Accounts()[3]
	return []string{
		w.secret(), w.Credentials().ServiceAccountToken.Reveal(), w.linkToken(), code,
		text(tok["access_token"]), text(tok["refresh_token"]), person.AccessToken.Reveal(), person.Sub,
		text(w.conferencingOf(person)[0]["profile_id"]), w.control,
	}
}

func TestSeeds(t *testing.T) {
	t.Parallel()
	one := trace(t, Options{Seed: 1})
	require.Equal(t, one, trace(t, Options{Seed: 1}))
	two := trace(t, Options{Seed: 2})
	for i := range one {
		if i != 7 { // the sub is an example's
			require.NotEqual(t, one[i], two[i], i)
		}
	}
	require.NotEqual(t, New(Options{}).Credentials().ClientSecret.Reveal(), New(Options{}).Credentials().ClientSecret.Reveal())
}

func TestGivenCredentials(t *testing.T) {
	t.Parallel()
	c := New(Options{ClientID: "id", ClientSecret: cronofy.NewSecret("secret")}).Credentials()
	require.Equal(t, "id", c.ClientID)
	require.Equal(t, "secret", c.ClientSecret.Reveal())
	require.Equal(t, "ser_6710aa01c0ffee0123456789", c.ServiceAccountID)
}

func TestAccountsCSV(t *testing.T) {
	t.Parallel()
	s := New(Options{Seed: 5})
	var b bytes.Buffer
	require.NoError(t, s.AccountsCSV(&b))
	rows, err := csv.NewReader(&b).ReadAll()
	require.NoError(t, err)
	require.Equal(t, []string{"email", "sub", "access_token", "refresh_token"}, rows[0])
	require.Len(t, rows, 16)
	for i, a := range s.Accounts() {
		require.Equal(t, []string{a.Email, a.Sub, a.AccessToken.Reveal(), a.RefreshToken.Reveal()}, rows[i+1])
	}
	broken := errors.New("disk full")
	require.ErrorIs(t, s.AccountsCSV(failing{broken}), broken)
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func TestManyAccounts(t *testing.T) {
	t.Parallel()
	w := start(t, Options{Accounts: 100_000})
	people := w.Accounts()
	require.Len(t, people, 100_000)
	emails, tokens := map[string]bool{}, map[string]bool{}
	for i, a := range people {
		emails[a.Email], tokens[a.AccessToken.Reveal()] = true, true
		require.Equal(t, i, w.find(strings.ToUpper(a.Email)))
	}
	require.Len(t, emails, 100_000)
	require.Len(t, tokens, 100_000)
	require.Negative(t, w.find("person-100001@example.test"))
	require.Negative(t, w.find("person-50@example.test"), "a room's number")
	w.Link(cronofy.Zoom)
	for _, i := range []int{0, 7, 11, 99_999} {
		info := w.get("/v1/userinfo", people[i].AccessToken.Reveal()).json(t)
		require.Equal(t, people[i].Email, info["email"])
		require.Equal(t, people[i].Sub, info["sub"])
	}
}

func BenchmarkNew100000(b *testing.B) {
	for b.Loop() {
		New(Options{Accounts: 100_000, Seed: 1})
	}
}

func BenchmarkAccountsCSV100000(b *testing.B) {
	s := New(Options{Accounts: 100_000, Seed: 1})
	for b.Loop() {
		if err := s.AccountsCSV(io.Discard); err != nil {
			b.Fatal(err)
		}
	}
}

func TestLogHoldsNoSecret(t *testing.T) {
	t.Parallel()
	w := start(t, Options{})
	secrets := trace(t, Options{}) // the same seed
	q := w.browse(w.authorizeURL(w.unitQuery()))
	tok := w.exchange(q.Get("code")).json(t)
	w.get("/v1/userinfo", w.Accounts()[3].AccessToken.Reveal())
	w.get("/v1/"+url.PathEscape(w.secret()), "")
	w.get("/"+strings.Repeat("a", 60)+"/"+text(tok["access_token"])+"%00", "")
	secrets = append(secrets, q.Get("code"), text(tok["access_token"]), text(tok["refresh_token"]))
	log := w.Log()
	require.GreaterOrEqual(t, len(log), 10)
	require.Equal(t, len(log), w.Requests())
	for _, e := range log {
		line := e.Host + e.Method + e.Path + e.Note
		for i, s := range secrets {
			if i != 7 {
				require.NotContains(t, line, s)
			}
		}
	}
}

func TestLogIsBounded(t *testing.T) {
	t.Parallel()
	s := New(Options{})
	for i := range 3*logSize + 7 {
		s.note(LogEntry{Status: i})
	}
	entries, total := s.Log(), s.Requests()
	require.Equal(t, 3*logSize+7, total)
	require.Len(t, entries, logSize)
	require.Equal(t, total-1, entries[logSize-1].Status)
	require.Equal(t, total-logSize, entries[0].Status)
	require.LessOrEqual(t, len(s.log), 2*logSize)
}
