package sandbox

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"confer/cronofy"
)

const delegatedPath = "/v1/service_account_authorizations"

func entry(email, callback, scope string) map[string]any {
	return map[string]any{"email": email, "callback_url": callback, "scope": scope, "state": "row-17"}
}

// delegatedCase is a body and what it is answered.
type delegatedCase struct {
	body   map[string]any
	status int
	field  string
}

func rightEntry() map[string]any {
	return entry("amara@example.test", "https://app.example.test/d?u=17", "read_write")
}

func delegatedCases() map[string]delegatedCase {
	right := rightEntry
	many := func(n int) map[string]any {
		list := []any{}
		for range n {
			list = append(list, right())
		}
		return map[string]any{"service_account_authorizations": list}
	}
	beside := func(k string, v any) map[string]any { m := many(1); m[k] = v; return m }
	without := func(k string) map[string]any { m := right(); delete(m, k); return m }
	return map[string]delegatedCase{
		"single":           {right(), 202, ""},
		"one":              {many(1), 202, ""},
		"fifty":            {many(50), 202, ""},
		"fifty-one":        {many(51), 422, "service_account_authorizations"},
		"none":             {many(0), 422, "service_account_authorizations"},
		"no list":          {map[string]any{"service_account_authorizations": "x"}, 422, "service_account_authorizations"},
		"no objects":       {map[string]any{"service_account_authorizations": []any{"x"}}, 422, "service_account_authorizations[0]"},
		"both":             {beside("email", "a@example.test"), 422, "service_account_authorizations"},
		"both callback":    {beside("callback_url", "https://app.example.test/d"), 422, "service_account_authorizations"},
		"both scope":       {beside("scope", "read_only"), 422, "service_account_authorizations"},
		"both state":       {beside("state", nil), 422, "service_account_authorizations"},
		"no email":         {without("email"), 422, "email"},
		"no callback":      {without("callback_url"), 422, "callback_url"},
		"no scope":         {without("scope"), 422, "scope"},
		"no state":         {without("state"), 202, ""},
		"second is broken": {map[string]any{"service_account_authorizations": []any{right(), without("scope")}}, 422, "service_account_authorizations[1].scope"},
	}
}

// delegatedValues are single requests with one field changed.
func delegatedValues() map[string]delegatedCase {
	change := func(k string, v any) map[string]any { m := rightEntry(); m[k] = v; return m }
	return map[string]delegatedCase{
		"blank scope":      {change("scope", " "), 422, "scope"},
		"number as scope":  {change("scope", 5), 422, "scope"},
		"number as state":  {change("state", 5), 422, "state"},
		"null as state":    {change("state", nil), 422, "state"},
		"no address":       {change("email", "not an email"), 422, "email"},
		"address and name": {change("email", "Amara <amara@example.test>"), 422, "email"},
		"half an address":  {change("email", "amara@"), 422, "email"},
		"foreign letters":  {change("email", "björn@bücher.example"), 202, ""},
		"callback scheme":  {change("callback_url", "ftp://x.example.test"), 422, "callback_url"},
		"unknown scope":    {change("scope", "everything"), 422, "scope"},
		"narrow scope":     {change("scope", "read_events free_busy"), 202, ""},
	}
}

func TestDelegatedChecks(t *testing.T) {
	t.Parallel()
	cases := delegatedCases()
	maps.Copy(cases, delegatedValues())
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := start(t, Options{})
			a := w.post(delegatedPath, w.Credentials().ServiceAccountToken.Reveal(), c.body)
			require.Equal(t, c.status, a.StatusCode)
			if c.status == 202 {
				require.Empty(t, a.body)
				return
			}
			require.Contains(t, a.json(t)["errors"], c.field)
		})
	}
}

func TestServiceAccountTokenIsNeeded(t *testing.T) {
	t.Parallel()
	w := start(t, Options{})
	body := entry("amara@example.test", "https://app.example.test/d", "read_write")
	for bearer, want := range map[string]int{
		"": 401, "x": 401, w.secret(): 401, w.Accounts()[0].AccessToken.Reveal(): 403,
	} {
		require.Equal(t, want, w.post(delegatedPath, bearer, body).StatusCode)
		require.Equal(t, want, w.get("/v1/resources", bearer).StatusCode)
	}
	a := w.get("/v1/resources", w.Credentials().ServiceAccountToken.Reveal())
	require.JSONEq(t, `{"resources":[{"email":"room-1@example.test","name":"Room 1"},
		{"email":"room-2@example.test","name":"Room 2"},{"email":"room-4@example.test","name":"Room 4"}]}`, string(a.body))
}

// The documentation's scopes name what a service account may reach.
func TestServiceAccountScopeIsNeeded(t *testing.T) {
	t.Parallel()
	w := start(t, Options{})
	body := entry("amara@example.test", "https://app.example.test/d", "read_only")
	for scope, want := range map[string]struct{ delegate, resources int }{
		"service_account/accounts/manage":                                  {202, 403},
		"service_account/accounts/unrestricted_access":                     {202, 403},
		"service_account/resources/manage":                                 {403, 200},
		"service_account/resources/unrestricted_access":                    {403, 200},
		"service_account/resources/manage service_account/accounts/manage": {202, 200},
	} {
		q := w.enterpriseQuery()
		q.Set("scope", scope)
		q.Set("delegated_scope", "read_only")
		token := text(w.exchange(w.browse(w.enterpriseURL(q)).Get("code")).json(t)["access_token"])
		require.Equal(t, want.delegate, w.post(delegatedPath, token, body).StatusCode, scope)
		require.Equal(t, want.resources, w.get("/v1/resources", token).StatusCode, scope)
	}
}

func TestScopeWithinDelegatedScope(t *testing.T) {
	t.Parallel()
	w := start(t, Options{})
	q := w.enterpriseQuery()
	q.Set("delegated_scope", "read_only")
	token := text(w.exchange(w.browse(w.enterpriseURL(q)).Get("code")).json(t)["access_token"])
	for scope, want := range map[string]int{
		"read_only": 202, "read_events": 202, "free_busy": 202, "read_write": 422, "write_only": 422, "create_event": 422,
	} {
		a := w.post(delegatedPath, token, entry("amara@example.test", "https://app.example.test/d", scope))
		require.Equal(t, want, a.StatusCode, scope)
	}
}

// hook is a request that came to a callback URL.
type hook struct {
	path, signature string
	body            []byte
}

// hooks receives webhooks.
func hooks(t *testing.T) (string, chan hook) {
	got := make(chan hook, maxDelegations)
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- hook{r.Method + " " + r.URL.RequestURI(), r.Header.Get("Cronofy-HMAC-SHA256"), body}
	}))
	t.Cleanup(srv.Close)
	return srv.URL, got
}

func TestWebhooks(t *testing.T) {
	t.Parallel()
	w := start(t, Options{})
	base, got := hooks(t)
	callback := base + "/d?u=17"
	token := w.Credentials().ServiceAccountToken.Reveal()
	require.Equal(t, 202, w.post(delegatedPath, token, map[string]any{"service_account_authorizations": []any{
		entry("AMARA@example.test", callback, "read_only"), entry("nobody@example.test", base+"/n", "read_only"),
	}}).StatusCode)

	h := <-got
	require.Equal(t, "POST /d?u=17", h.path)
	mac := hmac.New(sha256.New, []byte(w.secret()))
	mac.Write(h.body)
	require.Equal(t, base64.StdEncoding.EncodeToString(mac.Sum(nil)), h.signature)
	require.True(t, cronofy.VerifyHMAC(h.signature, h.body, w.Credentials().ClientSecret))
	var hookBody struct{ Authorization map[string]string }
	require.NoError(t, json.Unmarshal(h.body, &hookBody))
	require.Equal(t, "row-17", hookBody.Authorization["state"])
	code := hookBody.Authorization["code"]
	require.Len(t, code, 32)

	exchange := func(uri string) answer {
		return w.post("/oauth/token", "", w.tokenBody(map[string]string{"grant_type": "authorization_code", "code": code, "redirect_uri": uri}))
	}
	require.Equal(t, 400, exchange(base+"/d").StatusCode, "the exact callback URL, query included")
	tok := exchange(callback).json(t)
	require.Equal(t, "acc_6710aa01c0ffee0123450001", tok["sub"])
	require.Equal(t, tok["sub"], tok["account_id"])
	require.Equal(t, "read_only", tok["scope"])
	require.Equal(t, "amara@example.test", tok["linking_profile"].(map[string]any)["profile_name"])
	require.Equal(t, "amara@example.test", w.get("/v1/userinfo", text(tok["access_token"])).json(t)["email"])

	h = <-got
	require.JSONEq(t, `{"authorization":{"error":"access_denied","error_key":"errors.not_found","error_description":"There is no such mailbox","state":"row-17"}}`, string(h.body))
}

func TestWebhookSwitches(t *testing.T) {
	t.Parallel()
	w := start(t, Options{Switches: Switches{SecondDigest: true, ExtraFields: true}})
	base, got := hooks(t)
	token := w.Credentials().ServiceAccountToken.Reveal()
	ask := func() hook {
		require.Equal(t, 202, w.post(delegatedPath, token, entry("amara@example.test", base+"/d", "read_only")).StatusCode)
		return <-got
	}
	h := ask()
	both := strings.Split(h.signature, ",")
	require.Len(t, both, 2)
	require.NotEqual(t, both[0], both[1])
	require.Equal(t, cronofy.Digest(h.body, w.Credentials().ClientSecret), both[1])
	require.Contains(t, string(h.body), "x_added_later")
	w.SetSwitches(Switches{UnsignedWebhooks: true})
	require.Empty(t, ask().signature)
}

func TestWebhooksStayOnLoopback(t *testing.T) {
	t.Parallel()
	w := start(t, Options{})
	loopbackOnly := &http.Transport{}
	t.Cleanup(loopbackOnly.CloseIdleConnections)
	w.webhooks = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		if !cronofy.LoopbackHost(r.URL.Hostname()) {
			panic("sent to " + r.URL.Host)
		}
		return loopbackOnly.RoundTrip(r)
	})}
	list := []any{}
	for _, callback := range []string{
		"https://app.example.test/d", "http://127.0.0.1.example.test/", "http://192.0.2.1/", "http://[2001:db8::1]/", "http://0.0.0.0:1/",
	} {
		list = append(list, entry("amara@example.test", callback, "read_only"))
	}
	w.webhooksDone(list)
	notes := 0
	for _, e := range w.Log() {
		if e.Host == "webhook" && e.Note == "not sent: the address is not on this machine" {
			notes++
		}
	}
	require.Equal(t, 5, notes)
}

// webhooksDone asks for a collection and waits until it was worked through:
// webhooks are sent in order, and its last one comes here.
func (w *testServer) webhooksDone(list []any) {
	w.t.Helper()
	base, got := hooks(w.t)
	list = append(list, entry("amara@example.test", base, "read_only"))
	a := w.post(delegatedPath, w.Credentials().ServiceAccountToken.Reveal(), map[string]any{"service_account_authorizations": list})
	require.Equal(w.t, 202, a.StatusCode)
	<-got
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestDialerRefusesOtherMachines(t *testing.T) {
	t.Parallel()
	for address, ok := range map[string]bool{
		"127.0.0.1:80": true, "[::1]:80": true, "192.0.2.1:80": false, "[2001:db8::1]:80": false, "0.0.0.0:80": false, "": false,
	} {
		require.Equal(t, ok, onlyLoopback("tcp", address, nil) == nil, address)
	}
	// A redirect to another machine is not followed.
	far := httptest.NewServer(http.RedirectHandler("http://192.0.2.1/", http.StatusTemporaryRedirect))
	defer far.Close()
	w := start(t, Options{})
	w.webhooksDone([]any{entry("amara@example.test", far.URL, "read_only")})
	seen := false
	for _, e := range w.Log() {
		seen = seen || e.Host == "webhook" && e.Status == http.StatusTemporaryRedirect
	}
	require.True(t, seen)
}
