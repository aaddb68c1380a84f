package sandbox

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"confer/cronofy"
)

// still is a sandbox that is asked without a listener.
func still() *Server {
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	return New(Options{Seed: 1, ClientSecret: cronofy.NewSecret("CRN_fuzz"), Now: func() time.Time { return now }})
}

func serve(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	r.Host = "127.0.0.1"
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func FuzzTokenBody(f *testing.F) {
	f.Add("application/json", `{"client_id":"k3Hn2cWq9ZrT5vXy7LbD","client_secret":"CRN_fuzz","grant_type":"refresh_token","refresh_token":"x"}`)
	f.Add("application/x-www-form-urlencoded", "client_id=k3Hn2cWq9ZrT5vXy7LbD&client_secret=CRN_fuzz&grant_type=authorization_code&code=a&redirect_uri=b")
	f.Add("application/json; charset=utf-8", `{"a":1,"a":2}`)
	f.Add("text/plain", "")
	f.Add("application/json", "[")
	s := still()
	h := s.handler("api", s.apiRoutes())
	f.Fuzz(func(t *testing.T, contentType, body string) {
		r := httptest.NewRequest(http.MethodPost, "/oauth/token", strings.NewReader(body))
		r.Header.Set("Content-Type", contentType)
		w := serve(h, r)
		switch w.Code {
		case 400, 401:
			var v map[string]string
			if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil || v["error"] == "" {
				t.Errorf("%d without an error: %q", w.Code, w.Body)
			}
		default: // no token of the sandbox can be guessed
			t.Errorf("status %d", w.Code)
		}
	})
}

func FuzzLinkTokenBody(f *testing.F) {
	f.Add("application/json", `{"service_account_id":"ser_6710aa01c0ffee0123456789"}`)
	f.Add("application/json", `{"service_account_id":["ser_6710aa01c0ffee0123456789"]}`)
	f.Add("application/x-www-form-urlencoded", "service_account_id=%00")
	f.Add("application/json", "{}{}")
	s := still()
	h := s.handler("api", s.apiRoutes())
	f.Fuzz(func(t *testing.T, contentType, body string) {
		r := httptest.NewRequest(http.MethodPost, linkTokenPath, strings.NewReader(body))
		r.Header.Set("Content-Type", contentType)
		r.Header.Set("Authorization", "Bearer CRN_fuzz")
		w := serve(h, r)
		switch w.Code {
		case 200:
			if parseParams(contentType, []byte(body)).text("service_account_id") != serviceAccountID {
				t.Errorf("a link token for %q", body)
			}
		case 422:
			var v struct{ Errors map[string]any }
			if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil || len(v.Errors) != 1 {
				t.Errorf("422 without a field: %q", w.Body)
			}
		default:
			t.Errorf("status %d", w.Code)
		}
	})
}

func FuzzDelegatedBody(f *testing.F) {
	f.Add(`{"email":"amara@example.test","callback_url":"https://app.example.test","scope":"read_only"}`)
	f.Add(`{"service_account_authorizations":[{"email":"a","callback_url":"https://b","scope":"free_busy"},{}]}`)
	f.Add(`{"service_account_authorizations":{},"email":1}`)
	f.Fuzz(func(t *testing.T, body string) {
		c := &call{params: parseParams("application/json", []byte(body))}
		list, errs := delegations(c, serviceDelegatedScope)
		if errs == nil && (len(list) == 0 || len(list) > maxDelegations) {
			t.Errorf("%d delegations", len(list))
		}
		for _, d := range list {
			if errs == nil && (d.email == "" || !Permittable(d.callbackURL) || !within(d.scope, serviceDelegatedScope)) {
				t.Errorf("accepted %+v", d)
			}
		}
	})
}

// FuzzAuthorizeQuery: an answer by redirect goes to the permitted redirect URI
// and nowhere else, whatever is asked.
func FuzzAuthorizeQuery(f *testing.F) {
	const permitted = "http://127.0.0.1:8739/callback"
	tail := "&client_id=k3Hn2cWq9ZrT5vXy7LbD&redirect_uri=http%3A%2F%2F127.0.0.1%3A8739%2Fcallback&state=s"
	f.Add("response_type=code&scope=organizational_unit_use_integrations&capabilities%5B%5D=conferencing&ou_link_token=x"+tail, false)
	f.Add("response_type=token"+tail, false)
	f.Add("response_type=code&scope=service_account/accounts/manage&delegated_scope=read_write"+tail, true)
	f.Add("client_id=%zz;redirect_uri=//evil.test", false)
	s := New(Options{Seed: 1, PermittedRedirectURIs: []string{permitted}})
	h := s.handler("app", s.appRoutes())
	f.Fuzz(func(t *testing.T, query string, enterprise bool) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.URL = &url.URL{Path: "/oauth/authorize", RawQuery: query}
		if enterprise {
			r.URL.Path = "/enterprise_connect" + r.URL.Path
		}
		w := serve(h, r)
		location := w.Header().Get("Location")
		switch w.Code {
		case http.StatusSeeOther:
			own := enterprise && strings.HasPrefix(location, "/approval/")
			if !own && !strings.HasPrefix(location, permitted+"?error=") || strings.ContainsAny(location, "\r\n ") {
				t.Errorf("redirect to %q", location)
			}
		case http.StatusBadRequest:
			if location != "" {
				t.Errorf("refused, with a redirect to %q", location)
			}
		default:
			t.Errorf("status %d", w.Code)
		}
	})
}

func FuzzElements(f *testing.F) {
	f.Add(`<form id="approval" action=/x><input type='hidden' name=a value="&lt;b&gt;"><button id=allow name=d value=1>x</form>`)
	f.Add("<a <b = / = x='")
	f.Add("</><!doctype html><!-- <form> -->")
	f.Fuzz(func(t *testing.T, page string) {
		for _, e := range elements(page) {
			if e.name == "" || strings.ContainsAny(e.name, "> \t\n") {
				t.Errorf("element %q", e.name)
			}
		}
		fill(page, "allow")
		refresh(&url.URL{Scheme: "http", Host: "127.0.0.1"}, page)
	})
}
