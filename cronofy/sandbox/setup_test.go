package sandbox

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"confer/cronofy"
)

// net/http waits half a second before it closes a connection with a body that was too long.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("net/http.(*conn).closeWriteAndWait"))
}

// clock is a time that tests move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// testServer is a running sandbox, a callback server and a client for both.
type testServer struct {
	*Server
	t      *testing.T
	client *http.Client
	clock  *clock
	got    chan url.Values // what came to the callback
	back   string          // the redirect URI
}

func start(t *testing.T, o Options) *testServer {
	t.Helper()
	w := &testServer{t: t, clock: newClock(), got: make(chan url.Values, 10)}
	if o.Now == nil {
		o.Now = w.clock.Now
	}
	if o.Seed == 0 {
		o.Seed = 7
	}
	w.Server = New(o)
	require.NoError(t, w.Start())
	t.Cleanup(func() { require.NoError(t, w.Close()) })
	callback := httptest.NewServer(http.HandlerFunc(w.callback))
	t.Cleanup(callback.Close)
	w.back = callback.URL + "/callback"
	w.client = plainClient(t)
	return w
}

func plainClient(t *testing.T) *http.Client {
	tr := &http.Transport{}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{
		Transport: tr, Timeout: 20 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func (w *testServer) callback(rw http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/callback":
		w.got <- r.URL.Query()
		http.Redirect(rw, r, "/done/1", http.StatusSeeOther)
	case "/done/1":
		_, _ = io.WriteString(rw, "<title>Done</title>")
	default:
		rw.WriteHeader(http.StatusNotFound)
	}
}

// act does what a button of the control page does.
func (w *testServer) act(action string) {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	require.True(w.t, w.turn(params{"action": action}))
}

// scripted are the scripted answers that are left.
func (w *testServer) scripted() []Fault {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.opts.Faults)
}

// SetSwitches turns all switches.
func (w *testServer) SetSwitches(sw Switches) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.opts.Switches = sw
}

func (w *testServer) switched() Switches {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.opts.Switches
}

// answer is an HTTP answer with its body read.
type answer struct {
	*http.Response
	body []byte
}

func (a answer) json(t *testing.T) map[string]any {
	t.Helper()
	var v map[string]any
	require.NoError(t, json.Unmarshal(a.body, &v), "%s", a.body)
	return v
}

func (w *testServer) do(method, target, bearer, contentType string, body []byte) answer {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), method, target, bytes.NewReader(body))
	require.NoError(w.t, err)
	if bearer != "" {
		r.Header.Set("Authorization", "Bearer "+bearer)
	}
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	resp, err := w.client.Do(r)
	require.NoError(w.t, err)
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	require.NoError(w.t, err)
	return answer{resp, data}
}

func (w *testServer) post(path, bearer string, v any) answer {
	w.t.Helper()
	body, err := json.Marshal(v)
	require.NoError(w.t, err)
	return w.do(http.MethodPost, w.APIURL()+path, bearer, "application/json; charset=utf-8", body)
}

func (w *testServer) get(path, bearer string) answer {
	w.t.Helper()
	return w.do(http.MethodGet, w.APIURL()+path, bearer, "", nil)
}

func (w *testServer) secret() string { return w.Credentials().ClientSecret.Reveal() }

const linkTokenPath = "/v1/organizational_unit_authorization_link_tokens"

func (w *testServer) linkToken() string {
	w.t.Helper()
	a := w.post(linkTokenPath, w.secret(), map[string]string{"service_account_id": serviceAccountID})
	require.Equal(w.t, http.StatusOK, a.StatusCode)
	inner, ok := a.json(w.t)["organizational_unit_authorization_link_token"].(map[string]any)
	require.True(w.t, ok)
	token, ok := inner["ou_link_token"].(string)
	require.True(w.t, ok)
	return token
}

// unitQuery is a right authorization request, with a fresh link token.
func (w *testServer) unitQuery() url.Values {
	return url.Values{
		"response_type": {"code"}, "client_id": {w.Credentials().ClientID}, "redirect_uri": {w.back},
		"scope": {unitScope}, "state": {"9f0c3e1ab27d44f8"}, "capabilities[]": {"conferencing"},
		"ou_link_token": {w.linkToken()}, "conferencing_provider_name": {"zoom_enterprise"},
	}
}

func (w *testServer) enterpriseQuery() url.Values {
	return url.Values{
		"response_type": {"code"}, "client_id": {w.Credentials().ClientID}, "redirect_uri": {w.back},
		"scope": {"service_account/accounts/manage service_account/resources/manage"}, "state": {"ec"},
		"delegated_scope": {"read_account read_events create_event delete_event"},
	}
}

func (w *testServer) authorizeURL(q url.Values) string {
	return w.AppURL() + "/oauth/authorize?" + q.Encode()
}

func (w *testServer) enterpriseURL(q url.Values) string {
	return w.AppURL() + "/enterprise_connect/oauth/authorize?" + q.Encode()
}

// browse walks the pages and gives what came to the callback.
func (w *testServer) browse(target string) url.Values {
	w.t.Helper()
	require.NoError(w.t, Browser(w.t.Context(), nil, target, Approve))
	return w.received()
}

// received is what came to the callback; it must have come already.
func (w *testServer) received() url.Values {
	w.t.Helper()
	select {
	case v := <-w.got:
		return v
	default:
		require.Fail(w.t, "nothing came to the callback")
		return nil
	}
}

func (w *testServer) tokenBody(more map[string]string) map[string]string {
	body := map[string]string{"client_id": w.Credentials().ClientID, "client_secret": w.secret()}
	for k, v := range more {
		body[k] = v
	}
	return body
}

func (w *testServer) exchange(code string) answer {
	w.t.Helper()
	return w.post("/oauth/token", "", w.tokenBody(map[string]string{
		"grant_type": "authorization_code", "code": code, "redirect_uri": w.back,
	}))
}

func (w *testServer) refreshWith(token string) answer {
	w.t.Helper()
	return w.post("/oauth/token", "", w.tokenBody(map[string]string{"grant_type": "refresh_token", "refresh_token": token}))
}

// conferencing gives an account's conferencing profiles.
func (w *testServer) conferencingOf(a Account) []map[string]any {
	w.t.Helper()
	answer := w.get("/v1/userinfo", a.AccessToken.Reveal())
	require.Equal(w.t, http.StatusOK, answer.StatusCode)
	data, ok := answer.json(w.t)["cronofy.data"].(map[string]any)
	require.True(w.t, ok)
	list, _ := data["conferencing_profiles"].([]any)
	var out []map[string]any
	for _, p := range list {
		object, ok := p.(map[string]any)
		require.True(w.t, ok)
		out = append(out, object)
	}
	return out
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

func TestApproveWithBrowser(t *testing.T) {
	t.Parallel()
	w := start(t, Options{})
	q := w.browse(w.authorizeURL(w.unitQuery()))
	require.Equal(t, []string{"9f0c3e1ab27d44f8"}, q["state"])
	require.Len(t, q.Get("code"), 32)

	a := w.exchange(q.Get("code"))
	require.Equal(t, http.StatusOK, a.StatusCode)
	require.Equal(t, "no-store", a.Header.Get("Cache-Control"))
	require.Equal(t, "no-cache", a.Header.Get("Pragma"))
	tok := a.json(t)
	require.Equal(t, "bearer", tok["token_type"])
	require.Equal(t, "org_6710aa01c0ffee0123459999", tok["sub"])
	require.Equal(t, unitScope, tok["scope"])
	require.InDelta(t, 3600, tok["expires_in"], 0)
	require.Len(t, tok["access_token"], 32)
	require.Len(t, tok["refresh_token"], 32)
	require.NotContains(t, tok, "account_id")
	require.NotContains(t, tok, "linking_profile")

	require.Equal(t, http.StatusForbidden, w.get("/v1/userinfo", text(tok["access_token"])).StatusCode)
	profiles := w.conferencingOf(w.Accounts()[0])
	require.Len(t, profiles, 1)
	require.Equal(t, "zoom", profiles[0]["provider_name"])
	require.Equal(t, true, profiles[0]["profile_connected"])
}

func TestShortLinkAndLeaving(t *testing.T) {
	t.Parallel()
	w := start(t, Options{})
	q := w.unitQuery()
	short := httptest.NewServer(http.RedirectHandler(w.authorizeURL(q), http.StatusSeeOther))
	defer short.Close()
	require.NoError(t, Browser(t.Context(), w.client, short.URL+"/go/abc", Approve))
	require.NotEmpty(t, w.received().Get("code"))

	q = w.unitQuery()
	q.Set("redirect_uri", "https://app.example.test/cronofy?tenant=1")
	err := Browser(t.Context(), nil, w.authorizeURL(q), Approve)
	var left *LeftError
	require.ErrorAs(t, err, &left)
	require.Equal(t, "app.example.test", left.Host)
	require.True(t, strings.HasPrefix(left.Final.Reveal(), "https://app.example.test/cronofy?tenant=1&code="))
	require.NotContains(t, err.Error(), "code=")
	require.False(t, cronofy.LoopbackHost(left.Host))
}

func bytesReader(b []byte) io.Reader {
	if string(b) == "null" {
		return nil
	}
	return bytes.NewReader(b)
}
