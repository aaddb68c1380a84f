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
func (w *world) openControl() *walker {
	wk := w.walk()
	wk.path = w.AppURL() + "/control"
	a := wk.open(w.ControlURL())
	require.Equal(w.t, http.StatusSeeOther, a.StatusCode)
	require.Equal(w.t, "/control", a.Header.Get("Location"))
	return wk
}

func TestControlIsGuarded(t *testing.T) {
	t.Parallel()
	w := start(t, Options{})
	control := w.AppURL() + "/control"
	require.Equal(t, 403, w.do(http.MethodGet, control, "", "", nil).StatusCode, "no token")
	require.Equal(t, 403, w.do(http.MethodGet, control+"?token=x", "", "", nil).StatusCode)
	wk := w.openControl()
	require.Equal(t, 200, wk.open(control).StatusCode)

	good := url.Values{"action": {"unlink"}, "token": {w.formToken()}}
	for name, c := range map[string]struct {
		form   url.Values
		origin string
		status int
	}{
		"right":          {good, w.AppURL(), 303},
		"no origin":      {good, "", 403},
		"other origin":   {good, w.APIURL(), 403},
		"null origin":    {good, "null", 403},
		"no token":       {url.Values{"action": {"unlink"}}, w.AppURL(), 403},
		"wrong token":    {url.Values{"action": {"unlink"}, "token": {w.control}}, w.AppURL(), 403},
		"unknown action": {url.Values{"action": {"x"}, "token": {w.formToken()}}, w.AppURL(), 400},
	} {
		require.Equal(t, c.status, wk.send(c.form, c.origin).StatusCode, name)
	}
	stranger := w.walk()
	stranger.path = control
	require.Equal(t, 403, stranger.send(good, w.AppURL()).StatusCode, "no cookie")
	stranger.setCookie(w.controlCookie(), w.formToken())
	require.Equal(t, 403, stranger.send(good, w.AppURL()).StatusCode, "wrong cookie")
	require.Equal(t, 403, stranger.open(control).StatusCode, "wrong cookie")
}

func TestControlPrintsNoSecret(t *testing.T) {
	t.Parallel()
	w := start(t, Options{})
	q := w.browse(w.authorizeURL(w.unitQuery()), Script{})
	tok := w.exchange(q.Get("code")).json(t)
	html := string(w.openControl().open(w.AppURL() + "/control").body)
	require.Contains(t, html, w.Credentials().ClientID)
	require.Contains(t, html, "POST /oauth/token")
	require.Contains(t, html, "zoom_enterprise")
	for _, secret := range []string{
		w.secret(), w.control, q.Get("code"), q.Get("state"), text(tok["access_token"]), text(tok["refresh_token"]),
		w.Accounts()[0].AccessToken.Reveal(), w.Credentials().ServiceAccountToken.Reveal(),
	} {
		require.NotContains(t, html, secret)
	}
}

// controlForms sends forms as the control page does.
func (w *world) controlForms() func(url.Values) int {
	wk := w.openControl()
	return func(form url.Values) int {
		form.Set("token", w.formToken())
		return wk.send(form, w.AppURL()).StatusCode
	}
}

func TestControlTurnsSwitches(t *testing.T) {
	t.Parallel()
	w := start(t, Options{})
	wk := w.openControl()
	send := w.controlForms()
	form := url.Values{"action": {"switches"}, "invalid_client": {"400"}, "field": {"either"}, "state": {"wrong"}, "error": {"server_error"}}
	all := Switches{InvalidClientStatus: 400, LinkTokenField: "either", State: "wrong", ErrorRedirect: "server_error"}
	for _, f := range all.flags() {
		*f.Value = true
		form.Set(f.Name, "on")
	}
	require.Equal(t, 303, send(form))
	require.Equal(t, all, w.Switches())
	html := string(wk.open(wk.path).body)
	require.Equal(t, len(all.flags()), strings.Count(html, `value="on" checked`))
	require.Contains(t, html, `<option value="server_error" selected>`)

	require.Equal(t, 303, send(url.Values{"action": {"switches"}, "field": {""}, "state": {""}, "error": {""}}))
	require.Equal(t, Switches{}, w.Switches())
	require.Equal(t, 400, send(url.Values{"action": {"switches"}, "state": {"odd"}}))
}

func TestControlScriptsAnswers(t *testing.T) {
	t.Parallel()
	w := start(t, Options{})
	send := w.controlForms()
	fault := url.Values{"action": {"fault"}, "endpoint": {"userinfo"}, "status": {"503"}, "times": {"2"}, "slow": {"1"}, "retry_after": {"3"}, "reset": {"on"}, "body": {"html"}}
	require.Equal(t, 303, send(fault))
	require.Equal(t, []Fault{{Endpoint: UserInfo, Status: 503, Times: 2, Slow: time.Second, RetryAfter: "3", Reset: true, Body: HTMLBody}}, w.Faults())
	for k, v := range map[string]string{"endpoint": "x", "status": "200", "times": "-1", "slow": "121", "body": "x"} {
		bad := url.Values{}
		for name, one := range fault {
			bad[name] = slices.Clone(one)
		}
		bad.Set(k, v)
		require.Equal(t, 400, send(bad), k)
	}
	require.Equal(t, 303, send(url.Values{"action": {"clear"}}))
	require.Empty(t, w.Faults())

	w.Link(cronofy.Zoom)
	require.Equal(t, 303, send(url.Values{"action": {"unlink"}}))
	require.Empty(t, w.conferencingOf(w.Accounts()[0]))
	require.Equal(t, 303, send(url.Values{"action": {"expire"}}))
	require.Equal(t, 401, w.get("/v1/userinfo", w.Accounts()[0].AccessToken.Reveal()).StatusCode)
}
