package sandbox

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// rightCall is a request that an endpoint takes, and the status that it is answered.
type rightCall struct {
	status int
	send   func() (*http.Response, error)
}

// calls has one for each endpoint.
func (w *testServer) calls() map[Endpoint]rightCall {
	service, person := w.Credentials().ServiceAccountToken.Reveal(), w.Accounts()[0]
	right := func(status int, method, target, bearer string, v any) rightCall {
		body, err := json.Marshal(v)
		require.NoError(w.t, err)
		return rightCall{status, func() (*http.Response, error) { return w.try(method, target, bearer, body) }}
	}
	api := w.APIURL()
	return map[Endpoint]rightCall{
		LinkTokens: right(200, "POST", api+linkTokenPath, w.secret(), map[string]string{"service_account_id": serviceAccountID}),
		Exchange:   right(400, "POST", api+"/oauth/token", "", w.tokenBody(map[string]string{"grant_type": "authorization_code", "code": "x", "redirect_uri": w.back})),
		Refresh:    right(200, "POST", api+"/oauth/token", "", w.tokenBody(map[string]string{"grant_type": "refresh_token", "refresh_token": person.RefreshToken.Reveal()})),
		Revoke:     right(200, "POST", api+"/oauth/token/revoke", "", w.tokenBody(map[string]string{"token": "x"})),
		UserInfo:   right(200, "GET", api+"/v1/userinfo", person.AccessToken.Reveal(), nil),
		Delegated:  right(202, "POST", api+delegatedPath, service, entry("amara@example.test", "https://app.example.test", "read_only")),
		Resources:  right(200, "GET", api+"/v1/resources", service, nil),
		Authorize: {303, func() (*http.Response, error) {
			return w.try("GET", w.authorizeURL(w.unitQuery()), "", nil)
		}},
		EnterpriseConnect: right(303, "GET", w.enterpriseURL(w.enterpriseQuery()), "", nil),
	}
}

func (w *testServer) try(method, target, bearer string, body []byte) (*http.Response, error) {
	r, err := http.NewRequestWithContext(w.t.Context(), method, target, bytesReader(body))
	require.NoError(w.t, err)
	r.Header.Set("Authorization", "Bearer "+bearer)
	r.Header.Set("Content-Type", "application/json")
	return w.client.Do(r)
}

func TestFaultMatrix(t *testing.T) {
	t.Parallel()
	w := start(t, Options{})
	calls := w.calls()
	require.Len(t, calls, len(Endpoints()))
	for _, e := range Endpoints() {
		for _, status := range Statuses() {
			for _, after := range []string{"", "7", "Mon, 02 Mar 2026 09:00:07 GMT"} {
				name := string(e) + " " + strconv.Itoa(status) + " " + after
				w.Set(Fault{Endpoint: e, Status: status, RetryAfter: after, Times: 1})
				resp, err := calls[e].send()
				require.NoError(t, err, name)
				body, err := io.ReadAll(resp.Body)
				require.NoError(t, err, name)
				require.NoError(t, resp.Body.Close(), name)
				require.Equal(t, status, resp.StatusCode, name)
				require.Equal(t, after, resp.Header.Get("Retry-After"), name)
				switch status {
				case 400:
					require.JSONEq(t, `{"error":"invalid_grant"}`, string(body), name)
				case 422:
					require.JSONEq(t, `{"errors":{"service_account_id":[{"key":"errors.invalid","description":"scripted answer"}]}}`, string(body), name)
				default:
					require.Empty(t, body, name)
				}
				require.Empty(t, w.scripted(), "used up: "+name)
			}
		}
		resp, err := calls[e].send()
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, calls[e].status, resp.StatusCode, "as usual again: "+string(e))
	}
}

// userInfoUnder reads userinfo with a fault set; the error is that of reading
// the body.
func (w *testServer) userInfoUnder(f Fault) (answer, error) {
	w.Set(f)
	resp, err := w.try(http.MethodGet, w.APIURL()+"/v1/userinfo", w.Accounts()[0].AccessToken.Reveal(), nil)
	require.NoError(w.t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return answer{resp, body}, err
}

func TestFaultBodies(t *testing.T) {
	t.Parallel()
	w := start(t, Options{})
	get := w.userInfoUnder
	a, err := get(Fault{Endpoint: UserInfo, Body: HTMLBody})
	require.NoError(t, err)
	require.Equal(t, 200, a.StatusCode)
	require.Contains(t, a.Header.Get("Content-Type"), "text/html")
	require.Contains(t, string(a.body), "<h1>")

	a, err = get(Fault{Status: 502, Body: HTMLBody})
	require.NoError(t, err)
	require.Equal(t, 502, a.StatusCode)

	a, err = get(Fault{Body: EmptyBody})
	require.NoError(t, err)
	require.Equal(t, 200, a.StatusCode)
	require.Empty(t, a.body)

	a, err = get(Fault{Body: TruncatedBody})
	require.NoError(t, err)
	require.NotEmpty(t, a.body)
	require.False(t, json.Valid(a.body))

	a, err = get(Fault{Body: CutBody})
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.NotEmpty(t, a.body)

	a, err = get(Fault{Status: 401, Error: "invalid_client"})
	require.NoError(t, err)
	require.JSONEq(t, `{"error":"invalid_client"}`, string(a.body))

	a, err = get(Fault{Status: 422, Field: "service_account"})
	require.NoError(t, err)
	require.Contains(t, a.json(t)["errors"], "service_account")
}

// A spoiled answer comes after the work was done: the code is used up.
func TestTruncatedExchangeUsesTheCode(t *testing.T) {
	t.Parallel()
	w := start(t, Options{})
	code := w.browse(w.authorizeURL(w.unitQuery())).Get("code")
	w.Set(Fault{Endpoint: Exchange, Body: TruncatedBody, Times: 1})
	require.False(t, json.Valid(w.exchange(code).body))
	require.JSONEq(t, `{"error":"invalid_grant"}`, string(w.exchange(code).body))
}

func TestFaultReset(t *testing.T) {
	t.Parallel()
	w := start(t, Options{})
	w.Set(Fault{Endpoint: LinkTokens, Reset: true, Times: 1})
	_, err := w.calls()[LinkTokens].send() //nolint:bodyclose // there is no answer
	require.Error(t, err)
	require.NotErrorIs(t, err, io.EOF, "a reset, not an orderly end")
	require.NoError(t, w.Close(), "waits until the request was written down")
	log := w.Log()
	require.Zero(t, log[len(log)-1].Status)
}

func TestFaultCounts(t *testing.T) {
	t.Parallel()
	w := start(t, Options{Faults: []Fault{
		{Endpoint: UserInfo, Status: 500, Times: 2}, {Endpoint: UserInfo, Status: 503, Times: 1}, {Endpoint: Resources, Status: 423},
	}})
	token := w.Accounts()[0].AccessToken.Reveal()
	var got []int
	for range 4 {
		got = append(got, w.get("/v1/userinfo", token).StatusCode)
	}
	require.Equal(t, []int{500, 500, 503, 200}, got)
	for range 5 {
		require.Equal(t, 423, w.get("/v1/resources", "").StatusCode)
	}
	require.Equal(t, []Fault{{Endpoint: Resources, Status: 423}}, w.scripted())
	w.Set()
	require.Equal(t, 401, w.get("/v1/resources", "").StatusCode)
}

func TestFaultForOneAccount(t *testing.T) {
	t.Parallel()
	w := start(t, Options{})
	w.Set(Fault{Endpoint: UserInfo, Account: "bjorn@example.test", Status: 404})
	people := w.Accounts()
	require.Equal(t, 200, w.get("/v1/userinfo", people[0].AccessToken.Reveal()).StatusCode)
	require.Equal(t, 404, w.get("/v1/userinfo", people[1].AccessToken.Reveal()).StatusCode)
}

func TestExchangeAndRefreshAreApart(t *testing.T) {
	t.Parallel()
	w := start(t, Options{})
	w.Set(Fault{Endpoint: Exchange, Status: 500})
	require.Equal(t, 400, w.refreshWith("x").StatusCode)
	require.Equal(t, 500, w.exchange("x").StatusCode)
	w.Set(Fault{Endpoint: Refresh, Status: 500})
	require.Equal(t, 500, w.refreshWith("x").StatusCode)
	require.Equal(t, 400, w.exchange("x").StatusCode)
}

// A slow answer comes when it is not waited for in vain, and neither the
// client's leaving nor Close has to wait for it.
func TestFaultSlow(t *testing.T) {
	t.Parallel()
	w := start(t, Options{})
	token := w.Accounts()[0].AccessToken.Reveal()
	w.Set(Fault{Endpoint: UserInfo, Slow: time.Millisecond})
	require.Equal(t, 200, w.get("/v1/userinfo", token).StatusCode)

	w.Set(Fault{Endpoint: UserInfo, Slow: time.Hour})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, w.APIURL()+"/v1/userinfo", nil)
		if err == nil {
			_, err = w.client.Do(r) //nolint:bodyclose // there is no answer
		}
		done <- err
	}()
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)
}
