package sandbox

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"confer/cronofy"
)

// openControl is a browser that has opened the control page.
func (w *testServer) openControl() *pageVisitor {
	wk := w.visit()
	wk.path = w.ControlURL()
	require.Equal(w.t, http.StatusOK, wk.open(wk.path).StatusCode)
	return wk
}

func TestControlIsGuarded(t *testing.T) {
	t.Parallel()
	w := start(t, Options{})
	control := w.AppURL() + "/control"
	require.Equal(t, 403, w.do(http.MethodGet, control, "", "", nil).StatusCode, "no token")
	require.Equal(t, 403, w.do(http.MethodGet, control+"?token=x", "", "", nil).StatusCode)
	wk := w.openControl()
	good := url.Values{"action": {"unlink"}}
	for name, c := range map[string]struct {
		form   url.Values
		token  string
		origin string
		status int
	}{
		"right":          {good, w.control, w.AppURL(), 303},
		"no origin":      {good, w.control, "", 403},
		"other origin":   {good, w.control, w.APIURL(), 403},
		"null origin":    {good, w.control, "null", 403},
		"no token":       {good, "", w.AppURL(), 403},
		"wrong token":    {good, w.secret(), w.AppURL(), 403},
		"unknown action": {url.Values{"action": {"x"}}, w.control, w.AppURL(), 400},
	} {
		wk.path = control + "?token=" + url.QueryEscape(c.token)
		require.Equal(t, c.status, wk.send(c.form, c.origin).StatusCode, name)
	}
}

func TestControlPrintsNoSecret(t *testing.T) {
	t.Parallel()
	w := start(t, Options{})
	q := w.browse(w.authorizeURL(w.unitQuery()))
	tok := w.exchange(q.Get("code")).json(t)
	html := string(w.openControl().open(w.ControlURL()).body)
	require.Contains(t, html, w.Credentials().ClientID)
	require.Contains(t, html, "POST /oauth/token")
	require.Contains(t, html, "zoom_enterprise")
	for _, secret := range []string{
		w.secret(), q.Get("code"), q.Get("state"), text(tok["access_token"]), text(tok["refresh_token"]),
		w.Accounts()[0].AccessToken.Reveal(), w.Credentials().ServiceAccountToken.Reveal(),
	} {
		require.NotContains(t, html, secret)
	}
}

// controlForms sends forms as the control page does.
func (w *testServer) controlForms() func(url.Values) int {
	wk := w.openControl()
	return func(form url.Values) int {
		return wk.send(form, w.AppURL()).StatusCode
	}
}

func TestControlTurnsSwitches(t *testing.T) {
	t.Parallel()
	w := start(t, Options{})
	wk := w.openControl()
	send := w.controlForms()
	form := url.Values{"action": {"switches"}, "InvalidClientStatus": {"400"}, "LinkTokenField": {"service_account"}, "State": {"wrong"}, "ErrorRedirect": {"server_error"}}
	all := Switches{InvalidClientStatus: 400, LinkTokenField: "service_account", State: "wrong", ErrorRedirect: "server_error"}
	flags := 0
	for _, f := range fields(&all) {
		require.NotEmpty(t, f.text, f.name)
		if on, ok := f.value.Addr().Interface().(*bool); ok {
			*on = true
			form.Set(f.name, "on")
			flags++
		}
	}
	require.Equal(t, 303, send(form))
	require.Equal(t, all, w.switched())
	html := string(wk.open(wk.path).body)
	require.Equal(t, flags, strings.Count(html, `value="on" checked`))
	require.Contains(t, html, `<option value="server_error" selected>`)

	require.Equal(t, 303, send(url.Values{"action": {"switches"}, "LinkTokenField": {""}, "State": {""}, "ErrorRedirect": {""}}))
	require.Equal(t, Switches{}, w.switched())
	require.Equal(t, 400, send(url.Values{"action": {"switches"}, "State": {"odd"}}))
}

func TestControlDelaysProfiles(t *testing.T) {
	t.Parallel()
	w := start(t, Options{Switches: Switches{ProfileDelay: time.Second}})
	wk := w.openControl()
	send := w.controlForms()
	require.Contains(t, string(wk.open(wk.path).body), `name="ProfileDelay" value="1s"`)
	form := url.Values{"action": {"switches"}, "ProfileDelay": {"1h"}, "ProfileGap": {"90s"}}
	require.Equal(t, 303, send(form))
	delayed := Switches{ProfileDelay: time.Hour, ProfileGap: 90 * time.Second}
	require.Equal(t, delayed, w.switched())
	w.Link(cronofy.Zoom)
	w.clock.add(time.Hour)
	require.Len(t, w.conferencingOf(w.Accounts()[0]), 1)
	require.Empty(t, w.conferencingOf(w.Accounts()[1]))
	for name, value := range map[string]string{"ProfileDelay": "soon", "ProfileGap": "-1s"} {
		require.Equal(t, 400, send(url.Values{"action": {"switches"}, "NoPlan": {"on"}, name: {value}}), name)
	}
	require.Equal(t, delayed, w.switched(), "a refused form turns nothing")
}

func TestControlDisconnectsProfiles(t *testing.T) {
	t.Parallel()
	w := start(t, Options{})
	w.Link(cronofy.Zoom)
	require.Equal(t, 303, w.controlForms()(url.Values{"action": {"switches"}, "Disconnected": {"on"}}))
	p := w.conferencingOf(w.Accounts()[0])
	require.Len(t, p, 1)
	require.Equal(t, false, p[0]["profile_connected"])
	require.Equal(t, "https://app.cronofy.com/v2/relink/zoom?email=amara%40example.test", p[0]["profile_relink_url"])
}

func TestControlScriptsDetails(t *testing.T) {
	t.Parallel()
	w := start(t, Options{})
	wk, send := w.openControl(), w.controlForms()
	add := func(more ...string) int {
		form := url.Values{"action": {"fault"}}
		for i := 0; i < len(more); i += 2 {
			form.Set(more[i], more[i+1])
		}
		return send(form)
	}
	require.Equal(t, 303, add("Endpoint", "token", "Status", "401", "Error", "invalid_client"))
	require.Equal(t, 303, add("Endpoint", "link_token", "Status", "422", "Field", "service_account"))
	require.Equal(t, 303, add("Status", "423", "Account", "BJORN@example.test"))
	require.Equal(t, []Fault{
		{Endpoint: Exchange, Status: 401, Error: "invalid_client"},
		{Endpoint: LinkTokens, Status: 422, Field: "service_account"},
		{Status: 423, Account: "BJORN@example.test"},
	}, w.scripted())
	html := string(wk.open(wk.path).body)
	for _, shown := range []string{"OAuth error: <code>invalid_client</code>", "Field of a 422: <code>service_account</code>", "everybody): <code>BJORN@example.test</code>"} {
		require.Contains(t, html, shown)
	}
	people := w.Accounts()
	require.Equal(t, 200, w.get("/v1/userinfo", people[0].AccessToken.Reveal()).StatusCode)
	require.Equal(t, 423, w.get("/v1/userinfo", people[1].AccessToken.Reveal()).StatusCode)
	require.Equal(t, 423, w.refreshWith(people[1].RefreshToken.Reveal()).StatusCode, "the refresh token is that account's too")
	require.Equal(t, 200, w.refreshWith(people[0].RefreshToken.Reveal()).StatusCode)
	require.Equal(t, 400, add("Status", "423", "Account", "nobody@example.test"))
	require.Len(t, w.scripted(), 3)
}

func TestControlScriptsAnswers(t *testing.T) {
	t.Parallel()
	w := start(t, Options{})
	send := w.controlForms()
	fault := url.Values{"action": {"fault"}, "Endpoint": {"userinfo"}, "Status": {"503"}, "Times": {"2"}, "Slow": {"1s"}, "RetryAfter": {"3"}, "Reset": {"on"}, "Body": {"html"}}
	require.Equal(t, 303, send(fault))
	require.Equal(t, []Fault{{Endpoint: UserInfo, Status: 503, Times: 2, Slow: time.Second, RetryAfter: "3", Reset: true, Body: HTMLBody}}, w.scripted())
	for k, v := range map[string]string{"Endpoint": "x", "Status": "200", "Times": "-1", "Slow": "1", "Body": "x"} {
		bad := url.Values{}
		for name, one := range fault {
			bad[name] = slices.Clone(one)
		}
		bad.Set(k, v)
		require.Equal(t, 400, send(bad), k)
	}
	require.Equal(t, 303, send(url.Values{"action": {"clear"}}))
	require.Empty(t, w.scripted())

	w.Link(cronofy.Zoom)
	require.Equal(t, 303, send(url.Values{"action": {"unlink"}}))
	require.Empty(t, w.conferencingOf(w.Accounts()[0]))
	require.Equal(t, 303, send(url.Values{"action": {"expire"}}))
	require.Equal(t, 401, w.get("/v1/userinfo", w.Accounts()[0].AccessToken.Reveal()).StatusCode)
}
