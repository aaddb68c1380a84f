package sandbox

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// tokenCase is a change to a right exchange, and what that is answered.
type tokenCase struct {
	change   func(m map[string]string)
	switches Switches
	status   int
	code     string
}

func tokenCases() map[string]tokenCase {
	return map[string]tokenCase{
		"right":                     {func(map[string]string) {}, Switches{}, 200, ""},
		"wrong secret":              {func(m map[string]string) { m["client_secret"] = "x" }, Switches{}, 401, "invalid_client"},
		"wrong secret, switched":    {func(m map[string]string) { m["client_secret"] = "x" }, Switches{InvalidClientStatus: 400}, 400, "invalid_client"},
		"no secret":                 {func(m map[string]string) { delete(m, "client_secret") }, Switches{}, 401, "invalid_client"},
		"wrong id":                  {func(m map[string]string) { m["client_id"] = "x" }, Switches{}, 401, "invalid_client"},
		"no id":                     {func(m map[string]string) { delete(m, "client_id") }, Switches{}, 401, "invalid_client"},
		"no grant type":             {func(m map[string]string) { delete(m, "grant_type") }, Switches{}, 400, "invalid_request"},
		"password":                  {func(m map[string]string) { m["grant_type"] = "password" }, Switches{}, 400, "unsupported_grant_type"},
		"credentials before type":   {func(m map[string]string) { m["grant_type"], m["client_id"] = "password", "x" }, Switches{}, 401, "invalid_client"},
		"no code":                   {func(m map[string]string) { delete(m, "code") }, Switches{}, 400, "invalid_request"},
		"unknown code":              {func(m map[string]string) { m["code"] = "x" }, Switches{}, 400, "invalid_grant"},
		"no redirect URI":           {func(m map[string]string) { delete(m, "redirect_uri") }, Switches{}, 400, "invalid_request"},
		"other redirect URI":        {func(m map[string]string) { m["redirect_uri"] += "/" }, Switches{}, 400, "invalid_grant"},
		"refresh without a token":   {func(m map[string]string) { m["grant_type"] = "refresh_token" }, Switches{}, 400, "invalid_request"},
		"refresh, impossible token": {func(m map[string]string) { m["grant_type"], m["refresh_token"] = "refresh_token", "x" }, Switches{}, 400, "invalid_grant"},
	}
}

func TestTokenChecks(t *testing.T) {
	t.Parallel()
	for name, c := range tokenCases() {
		for _, form := range []string{"json", "form"} {
			for _, host := range []string{"api", "app"} {
				t.Run(name+"/"+form+"/"+host, func(t *testing.T) {
					t.Parallel()
					w := start(t, Options{})
					code := w.browse(w.authorizeURL(w.unitQuery())).Get("code")
					w.SetSwitches(c.switches)
					m := w.tokenBody(map[string]string{"grant_type": "authorization_code", "code": code, "redirect_uri": w.back})
					c.change(m)
					a := w.send(m, form, host)
					require.Equal(t, c.status, a.StatusCode)
					require.Equal(t, "no-store", a.Header.Get("Cache-Control"))
					require.Equal(t, "no-cache", a.Header.Get("Pragma"))
					if c.status != 200 {
						require.JSONEq(t, `{"error":"`+c.code+`"}`, string(a.body))
						require.NotContains(t, a.Header.Get(reasonHeader), w.secret())
					} else {
						require.Len(t, a.json(t)["access_token"], 32)
					}
				})
			}
		}
	}
}

// send posts to the token endpoint of a host in a form.
func (w *testServer) send(m map[string]string, form, host string) answer {
	base := w.APIURL()
	if host == "app" {
		base = w.AppURL()
	}
	if form == "json" {
		body := `{`
		for k, v := range m {
			if len(body) > 1 {
				body += ","
			}
			body += `"` + k + `":"` + v + `"`
		}
		// Some SDKs send a header with nothing in it.
		return w.do(http.MethodPost, base+"/oauth/token", "undefined", "application/json", []byte(body+"}"))
	}
	v := url.Values{}
	for k, one := range m {
		v.Set(k, one)
	}
	return w.do(http.MethodPost, base+"/oauth/token", "", "application/x-www-form-urlencoded", []byte(v.Encode()))
}

func TestTokenBodies(t *testing.T) {
	t.Parallel()
	w := start(t, Options{})
	path := w.APIURL() + "/oauth/token"
	for name, c := range map[string]struct {
		contentType, body string
		status            int
	}{
		"text":       {"text/plain", "{}", 400},
		"none":       {"", "{}", 400},
		"nonsense":   {"application/json; charset", "{}", 400},
		"cut":        {"application/json", `{"client_id":`, 400},
		"twice":      {"application/x-www-form-urlencoded", "client_id=a&client_id=a", 400},
		"bad escape": {"application/x-www-form-urlencoded", "client_id=%zz", 400},
		"null":       {"application/json", "null", 400},
	} {
		t.Run(name, func(t *testing.T) {
			a := w.do(http.MethodPost, path, "", c.contentType, []byte(c.body))
			require.Equal(t, c.status, a.StatusCode)
			if c.status == 400 {
				require.JSONEq(t, `{"error":"invalid_request"}`, string(a.body))
			}
		})
	}
}

func TestCodeIsUsedOnce(t *testing.T) {
	t.Parallel()
	w := start(t, Options{})
	code := w.browse(w.enterpriseURL(w.enterpriseQuery())).Get("code")
	first := w.exchange(code).json(t)
	require.Equal(t, 200, w.get("/v1/userinfo", text(first["access_token"])).StatusCode)
	a := w.exchange(code)
	require.Equal(t, 400, a.StatusCode)
	require.JSONEq(t, `{"error":"invalid_grant"}`, string(a.body))
	require.Equal(t, 401, w.get("/v1/userinfo", text(first["access_token"])).StatusCode, "the second use revokes")
	require.Equal(t, 400, w.refreshWith(text(first["refresh_token"])).StatusCode)
}

func TestLives(t *testing.T) {
	t.Parallel()
	w := start(t, Options{})
	code := w.browse(w.enterpriseURL(w.enterpriseQuery())).Get("code")
	w.clock.add(codeLife)
	require.Equal(t, 400, w.exchange(code).StatusCode, "an expired code")

	code = w.browse(w.enterpriseURL(w.enterpriseQuery())).Get("code")
	w.clock.add(codeLife - time.Second)
	tok := w.exchange(code).json(t)
	require.InDelta(t, 1800, tok["expires_in"], 0)
	w.clock.add(serviceAccountLife - time.Second)
	require.Equal(t, 200, w.get("/v1/userinfo", text(tok["access_token"])).StatusCode)
	w.clock.add(time.Second)
	require.Equal(t, 401, w.get("/v1/userinfo", text(tok["access_token"])).StatusCode)
	tok = w.refreshWith(text(tok["refresh_token"])).json(t)
	require.Equal(t, 200, w.get("/v1/userinfo", text(tok["access_token"])).StatusCode)

	q := w.unitQuery()
	w.clock.add(linkTokenLife)
	require.Equal(t, 400, w.do(http.MethodGet, w.authorizeURL(q), "", "", nil).StatusCode, "an expired link token")
}

func TestRefresh(t *testing.T) {
	t.Parallel()
	w := start(t, Options{})
	old := w.Accounts()[2].RefreshToken.Reveal()
	a := w.refreshWith(old).json(t)
	require.Equal(t, old, a["refresh_token"])
	for _, absent := range []string{"sub", "account_id", "service_account_id", "linking_profile"} {
		require.NotContains(t, a, absent)
	}
	info := w.get("/v1/userinfo", text(a["access_token"])).json(t)
	require.Equal(t, "chiara@example.test", info["email"])

	w.SetSwitches(Switches{RotateRefreshTokens: true})
	first := w.refreshWith(old).json(t)
	require.NotEqual(t, old, first["refresh_token"])
	require.Equal(t, 400, w.refreshWith(old).StatusCode, "spent")
	second := w.refreshWith(text(first["refresh_token"])).json(t)
	require.Equal(t, 400, w.refreshWith(text(first["refresh_token"])).StatusCode, "spent")
	require.Equal(t, 200, w.get("/v1/userinfo", text(second["access_token"])).StatusCode)
	require.Equal(t, 200, w.get("/v1/userinfo", w.Accounts()[2].AccessToken.Reveal()).StatusCode, "access tokens stay")

	w.SetSwitches(Switches{OmitRefreshToken: true})
	require.NotContains(t, w.refreshWith(text(second["refresh_token"])).json(t), "refresh_token")
}

func TestExpireAccessTokens(t *testing.T) {
	t.Parallel()
	w := start(t, Options{})
	a := w.Accounts()[0]
	issued := w.refreshWith(a.RefreshToken.Reveal()).json(t)
	w.act("expire")
	for _, token := range []string{a.AccessToken.Reveal(), text(issued["access_token"]), w.Credentials().ServiceAccountToken.Reveal()} {
		require.Equal(t, 401, w.get("/v1/userinfo", token).StatusCode)
	}
	issued = w.refreshWith(a.RefreshToken.Reveal()).json(t)
	require.Equal(t, 200, w.get("/v1/userinfo", text(issued["access_token"])).StatusCode)
}

func TestRevoke(t *testing.T) {
	t.Parallel()
	w := start(t, Options{})
	people := w.Accounts()
	revoke := func(more map[string]string) answer { return w.post("/oauth/token/revoke", "", w.tokenBody(more)) }
	status := func(i int) int { return w.get("/v1/userinfo", people[i].AccessToken.Reveal()).StatusCode }

	require.Equal(t, 401, w.post("/oauth/token/revoke", "", map[string]string{"token": "x"}).StatusCode)
	require.Equal(t, 400, revoke(nil).StatusCode)
	a := revoke(map[string]string{"token": "unknown"})
	require.Equal(t, 200, a.StatusCode, "RFC 7009 section 2.2")
	require.Empty(t, a.body)

	require.Equal(t, 200, revoke(map[string]string{"token": people[0].AccessToken.Reveal(), "sub": people[1].Sub}).StatusCode)
	require.Equal(t, []int{401, 200}, []int{status(0), status(1)}, "token wins")
	require.Equal(t, 400, w.refreshWith(people[0].RefreshToken.Reveal()).StatusCode)

	issued := w.refreshWith(people[1].RefreshToken.Reveal()).json(t)
	require.Equal(t, 200, revoke(map[string]string{"sub": people[1].Sub}).StatusCode)
	require.Equal(t, 401, status(1))
	require.Equal(t, 401, w.get("/v1/userinfo", text(issued["access_token"])).StatusCode)

	require.Equal(t, 200, revoke(map[string]string{"token": people[2].RefreshToken.Reveal()}).StatusCode)
	require.Equal(t, []int{401, 200}, []int{status(2), status(3)})

	code := w.browse(w.authorizeURL(w.unitQuery())).Get("code")
	tok := w.exchange(code).json(t)
	require.Equal(t, 200, revoke(map[string]string{"token": text(tok["refresh_token"])}).StatusCode)
	require.Equal(t, 401, w.get("/v1/userinfo", text(tok["access_token"])).StatusCode)
	require.NotEmpty(t, w.conferencingOf(people[3]), "the link is another thing than the token")
}

func TestOmitSub(t *testing.T) {
	t.Parallel()
	w := start(t, Options{Switches: Switches{OmitSub: true, OmitRefreshToken: true}})
	tok := w.exchange(w.browse(w.enterpriseURL(w.enterpriseQuery())).Get("code")).json(t)
	require.NotContains(t, tok, "sub")
	require.NotContains(t, tok, "service_account_id")
	require.NotContains(t, tok, "refresh_token")
	require.NotEmpty(t, tok["access_token"])
}
