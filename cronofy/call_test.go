package cronofy

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// endpoint is one call of the API in the form the tables need.
type endpoint struct {
	op     string
	route  string // method and path
	bearer string
	body   string // what is sent; empty: nothing
	good   string // what a working Cronofy answers
	status int
	safe   bool
	call   func(context.Context, *Client) error
}

func credentialBody(rest string) string {
	return `{"client_id":"` + clientID + `","client_secret":"` + clientSecret + `",` + rest + `}`
}

func endpoints() []endpoint { return append(tokenEndpoints(), apiEndpoints()...) }

func tokenEndpoints() []endpoint {
	const exampleToken = `{"token_type":"bearer","access_token":"oA7","expires_in":3600,"refresh_token":"oR1","scope":"s"}`
	return []endpoint{
		{
			op: "check application", route: "POST /oauth/token", safe: true,
			body: credentialBody(`"grant_type":"refresh_token","refresh_token":"this-is-not-a-refresh-token"`),
			good: `{"error":"invalid_grant"}`, status: 400,
			call: func(ctx context.Context, c *Client) error { return c.CheckApplication(ctx) },
		}, {
			op: "exchange code", route: "POST /oauth/token", good: exampleToken, status: 200,
			body: credentialBody(`"grant_type":"authorization_code","code":"Ab3dEf6hIj9kLm2nOp5qRs8tUv1wXy4z","redirect_uri":"http://127.0.0.1:8739/callback"`),
			call: func(ctx context.Context, c *Client) error {
				_, err := c.Exchange(ctx, NewSecret("Ab3dEf6hIj9kLm2nOp5qRs8tUv1wXy4z"), "http://127.0.0.1:8739/callback")
				return err
			},
		}, {
			op: "refresh token", route: "POST /oauth/token", good: exampleToken, status: 200,
			body: credentialBody(`"grant_type":"refresh_token","refresh_token":"oR1Kx8Bn5Vm2Qz9Lw4Jc7Hs0Pd3Gf6Ya"`),
			call: func(ctx context.Context, c *Client) error {
				_, err := c.Refresh(ctx, NewSecret("oR1Kx8Bn5Vm2Qz9Lw4Jc7Hs0Pd3Gf6Ya"))
				return err
			},
		}, {
			op: "revoke token", route: "POST /oauth/token/revoke", safe: true, status: 200,
			body: credentialBody(`"token":"oR1Kx8Bn5Vm2Qz9Lw4Jc7Hs0Pd3Gf6Ya"`),
			call: func(ctx context.Context, c *Client) error {
				return c.Revoke(ctx, NewSecret("oR1Kx8Bn5Vm2Qz9Lw4Jc7Hs0Pd3Gf6Ya"))
			},
		},
	}
}

func apiEndpoints() []endpoint {
	one := []DelegatedAccess{{Email: "amara@example.test", CallbackURL: "https://app.example.test/cronofy/delegated?u=17", Scope: "read_write"}}
	return []endpoint{
		{
			op: "create link token", route: "POST /v1/organizational_unit_authorization_link_tokens", safe: true,
			bearer: clientSecret, body: `{"service_account_id":"ser_1"}`, status: 200,
			good: `{"organizational_unit_authorization_link_token":{"ou_link_token":"oult_5Jq8sTn2"}}`,
			call: func(ctx context.Context, c *Client) error { _, err := c.LinkToken(ctx, "ser_1"); return err },
		}, {
			op: "read userinfo", route: "GET /v1/userinfo", safe: true, bearer: accessToken, status: 200,
			good: `{"sub":"acc_1"}`,
			call: func(ctx context.Context, c *Client) error {
				_, err := c.UserInfo(ctx, NewSecret(accessToken))
				return err
			},
		}, {
			op: "request delegated access", route: "POST /v1/service_account_authorizations", bearer: accessToken, status: 202,
			body: `{"service_account_authorizations":[{"email":"amara@example.test","callback_url":"https://app.example.test/cronofy/delegated?u=17",` +
				`"scope":"read_write"}]}`,
			call: func(ctx context.Context, c *Client) error {
				return c.RequestDelegatedAccess(ctx, NewSecret(accessToken), one)
			},
		}, {
			op: "list resources", route: "GET /v1/resources", safe: true, bearer: accessToken, status: 200,
			good: `{"resources":[{"email":"room-4@example.test","name":"Room 4"}]}`,
			call: func(ctx context.Context, c *Client) error {
				_, err := c.Resources(ctx, NewSecret(accessToken))
				return err
			},
		},
	}
}

func TestRequests(t *testing.T) {
	t.Parallel()
	for _, e := range endpoints() {
		t.Run(e.op, func(t *testing.T) {
			t.Parallel()
			c, mux := setup(t, Options{UserAgent: "confer/test"})
			calls := 0
			mux.HandleFunc(e.route, func(w http.ResponseWriter, r *http.Request) {
				calls++
				testRequest(t, r, e)
				reply(w, e.status, e.good)
			})
			require.NoError(t, e.call(t.Context(), c))
			require.Equal(t, 1, calls)
		})
	}
}

func testRequest(t *testing.T, r *http.Request, e endpoint) {
	t.Helper()
	var want []string
	if e.bearer != "" {
		want = []string{"Bearer " + e.bearer}
	}
	requireSame(t, want, r.Header["Authorization"])
	requireSame(t, []string{"confer/test"}, r.Header["User-Agent"])
	requireSame(t, []string{"application/json"}, r.Header["Accept"])
	requireSame(t, "", r.URL.RawQuery)
	if e.body != "" {
		testJSON(t, r, e.body)
	} else {
		requireSame(t, int64(0), r.ContentLength)
	}
}

func TestLinkTokenTriesTheOtherFieldOnce(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		complaint string
		names     Names
		want      []string // bodies
		ok        bool
	}{
		"named": {`{"errors":{"service_account":[{"key":"errors.required","description":"required"}]}}`, DefaultNames(),
			[]string{`{"service_account_id":"ser_1"}`, `{"service_account":"ser_1"}`}, true},
		"other field": {`{"errors":{"service_account_id":[{"key":"errors.unrecognized"}]}}`, DefaultNames(),
			[]string{`{"service_account_id":"ser_1"}`}, false},
		"no fields": {`<html>`, DefaultNames(), []string{`{"service_account_id":"ser_1"}`}, false},
		"already that": {`{"errors":{"service_account":[{"key":"errors.unrecognized"}]}}`, Names{OULinkTokenField: "service_account"},
			[]string{`{"service_account":"ser_1"}`}, false},
		"chosen otherwise": {`{"errors":{"service_account":[{"key":"errors.required"}]}}`, Names{OULinkTokenField: "sub"},
			[]string{`{"sub":"ser_1"}`}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, mux := setup(t, Options{Names: test.names})
			var got []string
			mux.HandleFunc("POST /v1/organizational_unit_authorization_link_tokens", func(w http.ResponseWriter, r *http.Request) {
				got = append(got, readAll(r))
				if len(got) == 2 {
					reply(w, 200, `{"organizational_unit_authorization_link_token":{"ou_link_token":"oult_5Jq8sTn2"}}`)
					return
				}
				reply(w, 422, test.complaint)
			})
			token, err := c.LinkToken(t.Context(), "ser_1")
			require.Equal(t, test.want, got)
			require.Equal(t, test.ok, err == nil)
			require.Equal(t, test.ok, token.Reveal() == "oult_5Jq8sTn2")
		})
	}
}

func TestTokenExamples(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		body, access, refresh, scope, sub string
		life                              time.Duration
	}{
		"account": {`{"token_type":"bearer","access_token":"aT7","expires_in":3600,"refresh_token":"rT1","scope":"read_write",
			"account_id":"acc_6710aa01c0ffee0123450001","sub":"acc_6710aa01c0ffee0123450001","linking_profile":{"provider_name":"google",
			"provider_service":"gsuite","profile_id":"pro_Zx81kQ","profile_name":"amara@example.test"}}`,
			"aT7", "rT1", "read_write", "acc_6710aa01c0ffee0123450001", time.Hour},
		"service account": {`{"token_type":"bearer","access_token":"sA7","expires_in":1800,"refresh_token":"sR1",
			"scope":"service_account/accounts/manage","service_account_id":"ser_6710aa01c0ffee0123456789"}`,
			"sA7", "sR1", "service_account/accounts/manage", "ser_6710aa01c0ffee0123456789", 30 * time.Minute},
		"Organizational Unit": {`{"token_type":"bearer","access_token":"oA7","expires_in":3600,"refresh_token":"oR1",
			"scope":"organizational_unit_use_integrations","sub":"org_6710aa01c0ffee0123459999"}`,
			"oA7", "oR1", "organizational_unit_use_integrations", "org_6710aa01c0ffee0123459999", time.Hour},
		"old account":     {`{"access_token":"a","account_id":"acc_567236000909002"}`, "a", "", "", "acc_567236000909002", 0},
		"unknown fields":  {`{"access_token":"a","organizational_unit":{"x":[1]},"expires_in":"60","sub":null}`, "a", "", "", "", time.Minute},
		"odd lives":       {`{"access_token":"a","expires_in":-5}`, "a", "", "", "", 0},
		"no number":       {`{"access_token":"a","expires_in":{"x":1}}`, "a", "", "", "", 0},
		"huge life":       {`{"access_token":"a","expires_in":1e300}`, "a", "", "", "", 2147483647 * time.Second},
		"scope as a list": {`{"access_token":"a","scope":["x","y",7]}`, "a", "", "x y", "", 0},
		"numbers":         {`{"access_token":"a","sub":17,"token_type":1,"linking_profile":{"profile_id":5}}`, "a", "", "", "17", 0},
		"text profile":    {`{"access_token":"a","linking_profile":"amara@example.test"}`, "a", "", "", "", 0},
		"odd refresh":     {`{"access_token":"a","refresh_token":{}}`, "a", "", "", "", 0},
		"dirty":           {`{"access_token":"a","sub":"acc_\u001b[31m1","scope":"x\u202ey"}`, "a", "", "xy", "acc_1", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, mux := setup(t, Options{})
			mux.HandleFunc("POST /oauth/token", func(w http.ResponseWriter, _ *http.Request) { reply(w, 200, test.body) })
			got, err := c.Exchange(t.Context(), NewSecret("code"), "http://127.0.0.1:8739/callback")
			require.NoError(t, err)
			require.Equal(t, test.access, got.AccessToken.Reveal())
			require.Equal(t, test.refresh, got.RefreshToken.Reveal())
			require.Equal(t, test.scope, got.Scope)
			require.Equal(t, test.sub, got.Sub)
			require.Equal(t, test.life, got.ExpiresIn)
		})
	}
}

func TestCheckApplication(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status     int
		body       string
		ok         bool
		notChecked bool
	}{
		"good":                {400, `{"error":"invalid_grant"}`, true, false},
		"good, other status":  {401, `{"error":"invalid_grant"}`, true, false},
		"wrong client":        {400, `{"error":"invalid_client"}`, false, false},
		"wrong client, 401":   {401, ``, false, false},
		"unauthorized client": {400, `{"error":"unauthorized_client"}`, false, false},
		"other complaint":     {400, `{"error":"invalid_request"}`, false, true},
		"tokens":              {200, `{"access_token":"x"}`, false, true},
		"forbidden":           {403, ``, false, true},
		"down":                {503, ``, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, mux := setup(t, Options{})
			mux.HandleFunc("POST /oauth/token", func(w http.ResponseWriter, _ *http.Request) { reply(w, test.status, test.body) })
			err := c.CheckApplication(t.Context())
			require.Equal(t, test.ok, err == nil, "%v", err)
			if test.status == 200 {
				require.ErrorAs(t, err, new(*BadAnswerError))
			}
			require.Equal(t, !test.ok && !test.notChecked, ClientRefused(err), "%v", err)
		})
	}
}

func TestDelegatedAccessCollection(t *testing.T) {
	t.Parallel()
	c, mux := setup(t, Options{})
	mux.HandleFunc("POST /v1/service_account_authorizations", func(w http.ResponseWriter, r *http.Request) {
		testJSON(t, r, `{"service_account_authorizations":[
			{"email":"amara@example.test","callback_url":"https://app.example.test/cronofy/delegated?u=17","scope":"read_write"},
			{"email":"room-4@example.test","callback_url":"https://app.example.test/cronofy/delegated?u=18","scope":"read_write"}]}`)
		w.WriteHeader(202)
	})
	two := []DelegatedAccess{
		{"amara@example.test", "https://app.example.test/cronofy/delegated?u=17", "read_write"},
		{"room-4@example.test", "https://app.example.test/cronofy/delegated?u=18", "read_write"},
	}
	require.NoError(t, c.RequestDelegatedAccess(t.Context(), NewSecret(accessToken), two))
}

func TestNothingIsSentThatCannotBe(t *testing.T) {
	t.Parallel()
	c, mux := setup(t, Options{})
	mux.HandleFunc("/", func(http.ResponseWriter, *http.Request) { t.Error("sent") })
	_, err := c.UserInfo(t.Context(), NewSecret("a\r\nX-Evil: 1"))
	require.ErrorIs(t, err, ErrUnsendable)
	require.NotContains(t, err.Error(), "Evil")
	for _, api := range []string{"", "http://api.example.test", "ftp://127.0.0.1", "https://user:hunter2@api.example.test"} {
		c := New(Site{API: api}, testApp(), Options{})
		_, err := c.UserInfo(t.Context(), NewSecret(accessToken))
		require.ErrorIs(t, err, ErrSite)
		require.NotContains(t, err.Error(), "hunter2")
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	h := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return nil }, Transport: &http.Transport{}}
	c, mux := setup(t, Options{HTTP: h})
	t.Cleanup(h.CloseIdleConnections)
	mux.HandleFunc("GET /v1/userinfo", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, prefix+"/elsewhere", http.StatusFound)
	})
	mux.HandleFunc("/elsewhere", func(http.ResponseWriter, *http.Request) { t.Error("followed") })
	_, err := c.UserInfo(t.Context(), NewSecret(accessToken))
	require.Equal(t, http.StatusFound, StatusOf(err))
}

func TestAnswersAreLimited(t *testing.T) {
	t.Parallel()
	c, mux := setup(t, Options{})
	pad := maxAnswer
	mux.HandleFunc("GET /v1/userinfo", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, 200, `{"sub":"acc_1","x":"`+strings.Repeat("y", pad)+`"}`)
	})
	_, err := c.UserInfo(t.Context(), NewSecret(accessToken))
	require.ErrorContains(t, err, "longer than 1 MiB")
	pad = maxAnswer - 100
	_, err = c.UserInfo(t.Context(), NewSecret(accessToken))
	require.NoError(t, err)
}

// TestAnEndlessAnswerIsNotReadToItsEnd: a server that never stops sending is left
// when there is too much.
func TestAnEndlessAnswerIsNotReadToItsEnd(t *testing.T) {
	t.Parallel()
	c, mux := setup(t, Options{})
	mux.HandleFunc("GET /v1/userinfo", func(w http.ResponseWriter, _ *http.Request) {
		chunk := strings.Repeat(" ", 64<<10)
		for sent := 0; sent < 64*maxAnswer; sent += len(chunk) {
			if _, err := io.WriteString(w, chunk); err != nil {
				return
			}
		}
		t.Error("all of it was read")
	})
	_, err := c.UserInfo(t.Context(), NewSecret(accessToken))
	require.ErrorContains(t, err, "longer than 1 MiB")
}

// answers serves one status after the other, then 200.
func answers(t *testing.T, c *http.ServeMux, head http.Header, statuses ...int) *int {
	t.Helper()
	calls := new(int)
	c.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		*calls++
		if *calls > len(statuses) {
			reply(w, 200, `{"sub":"acc_1","access_token":"x"}`)
			return
		}
		for name, values := range head {
			w.Header()[name] = values
		}
		reply(w, statuses[*calls-1], "")
	})
	return calls
}

func TestRetriesEndWell(t *testing.T) {
	t.Parallel()
	var told []Wait
	clock := newFakeClock()
	c, mux := setup(t, Options{Limiter: byClock(clock), Notify: func(w Wait) { told = append(told, w) }})
	calls := answers(t, mux, nil, 500, 503, 504)
	_, err := c.UserInfo(t.Context(), NewSecret(accessToken))
	require.NoError(t, err)
	require.Equal(t, 4, *calls)
	pauses := clock.pauses()
	require.Len(t, pauses, 3)
	for i, p := range pauses { // 0.5 s doubled each time, give or take half
		middle := firstRetry << i
		require.GreaterOrEqual(t, p, middle/2)
		require.LessOrEqual(t, p, middle*3/2+1)
	}
	for _, w := range told {
		require.Equal(t, WaitRetry, w.Reason)
		require.GreaterOrEqual(t, w.For, time.Second)
	}
}

func TestPausesDiffer(t *testing.T) {
	t.Parallel()
	seen := make(map[time.Duration]bool)
	for range 20 {
		clock := newFakeClock()
		c, mux := setup(t, Options{Limiter: byClock(clock)})
		mux.HandleFunc("GET /v1/userinfo", func(w http.ResponseWriter, _ *http.Request) { reply(w, 502, "") })
		_, err := c.UserInfo(t.Context(), NewSecret(accessToken))
		require.Equal(t, 502, StatusOf(err))
		seen[clock.pauses()[0]] = true
	}
	require.Greater(t, len(seen), 10)
}

type refusalTest struct {
	head    http.Header
	least   time.Duration
	most    time.Duration
	refused bool
}

func TestRefusalsAreWaitedOut(t *testing.T) {
	t.Parallel()
	start := newFakeClock().Now()
	for name, test := range map[string]refusalTest{
		"no header":   {nil, firstPause / 2, firstPause * 3 / 2, false},
		"seconds":     {http.Header{"Retry-After": {"7"}}, 7 * time.Second, 8 * time.Second, false},
		"date":        {http.Header{"Retry-After": {httpDate(start.Add(9 * time.Second))}, "Date": {httpDate(start)}}, 9 * time.Second, 10 * time.Second, false},
		"their clock": {http.Header{"Retry-After": {httpDate(start.Add(time.Hour + 9*time.Second))}, "Date": {httpDate(start.Add(time.Hour))}}, 9 * time.Second, 10 * time.Second, false},
		"past date":   {http.Header{"Retry-After": {httpDate(start.Add(-time.Hour))}, "Date": {httpDate(start)}}, firstPause / 2, firstPause * 3 / 2, false},
		"nonsense":    {http.Header{"Retry-After": {"soon"}}, firstPause / 2, firstPause * 3 / 2, false},
		"negative":    {http.Header{"Retry-After": {"-5"}}, firstPause / 2, firstPause * 3 / 2, false},
		"too long":    {http.Header{"Retry-After": {"3600"}}, 0, 0, true},
		"endless":     {http.Header{"Retry-After": {"1e300"}}, 0, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.run(t)
		})
	}
}

func (test refusalTest) run(t *testing.T) {
	t.Helper()
	clock := newFakeClock()
	var told []Wait
	c, mux := setup(t, Options{Limiter: byClock(clock), Notify: func(w Wait) { told = append(told, w) }})
	calls := answers(t, mux, test.head, 429)
	_, err := c.Exchange(t.Context(), NewSecret("code"), "http://127.0.0.1:8739/callback")
	if test.refused {
		require.Equal(t, 429, StatusOf(err))
		require.ErrorContains(t, err, ", retry after ")
		require.Equal(t, 1, *calls)
		require.Empty(t, clock.pauses())
		return
	}
	require.NoError(t, err, "a 429 was not carried out, so even an exchange may be repeated")
	require.Equal(t, 2, *calls)
	require.Len(t, clock.pauses(), 1)
	require.GreaterOrEqual(t, clock.pauses()[0], test.least)
	require.LessOrEqual(t, clock.pauses()[0], test.most)
	if test.least > time.Second {
		require.Equal(t, []Wait{{clock.pauses()[0], WaitRateLimit}}, told)
	}
}

func httpDate(t time.Time) string { return t.UTC().Format(http.TimeFormat) }

// Without a header the pauses grow as long as nothing is accepted.
func TestRefusalsGrow(t *testing.T) {
	t.Parallel()
	clock := newFakeClock()
	c, mux := setup(t, Options{Limiter: byClock(clock)})
	answers(t, mux, nil, 429, 429, 429, 429, 429, 429, 429, 429)
	_, err := c.UserInfo(t.Context(), NewSecret(accessToken))
	require.Equal(t, 429, StatusOf(err))
	pauses := clock.pauses()
	require.Len(t, pauses, triesRefused-1)
	for i, p := range pauses {
		middle := min(firstPause<<i, longestPause)
		require.GreaterOrEqual(t, p, middle/2)
		require.LessOrEqual(t, p, middle*3/2+1)
	}
}

func TestServerErrorsMayAskForTime(t *testing.T) {
	t.Parallel()
	clock := newFakeClock()
	c, mux := setup(t, Options{Limiter: byClock(clock)})
	answers(t, mux, http.Header{"Retry-After": {"30"}}, 503)
	_, err := c.UserInfo(t.Context(), NewSecret(accessToken))
	require.NoError(t, err)
	require.Equal(t, []time.Duration{30 * time.Second}, clock.pauses())
}

// endedClock ends the context instead of sleeping.
type endedClock struct {
	*fakeClock
	cancel context.CancelFunc
}

func (c endedClock) Sleep(ctx context.Context, _ time.Duration) error {
	c.cancel()
	<-ctx.Done()
	return ctx.Err()
}

func TestPausesEndWithTheContext(t *testing.T) {
	t.Parallel()
	for _, status := range []int{429, 503} {
		ctx, cancel := context.WithCancel(t.Context())
		c, mux := setup(t, Options{Limiter: byClock(endedClock{newFakeClock(), cancel})})
		calls := answers(t, mux, nil, status, status)
		_, err := c.UserInfo(ctx, NewSecret(accessToken))
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorContains(t, err, "read userinfo")
		require.Equal(t, 1, *calls)
	}
}

func TestUnsafeCallsAreRepeatedOnlyIfNothingWasSent(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		err   error
		safe  bool
		again bool
	}{
		{&NetworkError{Kind: NetworkRefused}, false, true},
		{&NetworkError{Kind: NetworkTimeout, Sent: true}, false, false},
		{&NetworkError{Kind: NetworkReset, Sent: true}, false, false},
		{&NetworkError{Kind: NetworkReset, Sent: true}, true, true},
		{&NetworkError{Kind: NetworkDNS}, true, false},
		{&NetworkError{Kind: NetworkTLS}, true, false},
		{&NetworkError{Kind: NetworkProxy}, true, false},
		{&BadAnswerError{Reason: "empty"}, true, false},
		{&Error{Status: 401}, true, false},
		{&Error{Status: 423}, true, false},
	} {
		tries, _ := call{safe: test.safe}.tries(test.err)
		require.Equal(t, test.again, tries > 1, "%#v", test.err)
	}
}

// TestRefusedUntilTheTimeIsOver: a caller with little time hears why, not that
// its time was over, and does not wait for a pause that it cannot outlast.
func TestRefusedUntilTheTimeIsOver(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusTooManyRequests, http.StatusServiceUnavailable} {
		synctest.Test(t, func(t *testing.T) {
			calls := 0
			refuse := roundTrip(func(r *http.Request) (*http.Response, error) {
				calls++
				return &http.Response{StatusCode: status, Body: http.NoBody, Header: http.Header{}, Request: r}, nil
			})
			c := New(DataCenters()[0].Site(), App{}, Options{HTTP: &http.Client{Transport: refuse}, Limiter: NewLimiter(0, 0)})
			const limit = 3 * time.Second
			began := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			_, err := c.UserInfo(ctx, NewSecret("token"))
			require.Equal(t, status, StatusOf(err), "%v", err)
			require.NotErrorIs(t, err, context.DeadlineExceeded)
			require.Greater(t, calls, 1)
			require.LessOrEqual(t, time.Since(began), limit)
		})
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestACodeGoesOutOnAFreshConnection: a server may close a connection that was
// kept in the moment in which it is used again, and a code cannot be sent twice.
func TestACodeGoesOutOnAFreshConnection(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, l.Close()) }()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go answerOnce(conn)
		}
	}()
	c := clientFor(t, "http://"+l.Addr().String(), route{})
	for range 3 {
		_, err = c.UserInfo(t.Context(), NewSecret("token"))
		require.NoError(t, err)
		_, err = c.Exchange(t.Context(), NewSecret("code"), "http://127.0.0.1:8739/callback")
		require.NoError(t, err)
	}
}

// answerOnce promises to keep the connection, and does not.
func answerOnce(conn net.Conn) {
	defer conn.Close()
	requests := bufio.NewReader(conn)
	for first := true; ; first = false {
		req, err := http.ReadRequest(requests)
		if err != nil || !first {
			return
		}
		_, _ = io.Copy(io.Discard, req.Body)
		const body = `{"sub":"acc_1","access_token":"a","token_type":"bearer"}`
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 56\r\n\r\n"+body)
	}
}
