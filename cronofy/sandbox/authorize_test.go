package sandbox

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// outcome is how an authorization request ends.
type outcome struct {
	status int
	oauth  string // the error of a redirect
}

func page(status int) outcome    { return outcome{status, ""} }
func back(oauth string) outcome  { return outcome{http.StatusSeeOther, oauth} }
func (o outcome) redirect() bool { return o.oauth != "" }

// change is what is wrong with a request, and how that ends.
type change struct {
	apply func(url.Values)
	want  outcome
}

func set(name string, v ...string) func(url.Values) { return func(q url.Values) { q[name] = v } }

func del(name string) func(url.Values) { return func(q url.Values) { q.Del(name) } }

// rename sends a parameter's value under another name.
func rename(from, to string) func(url.Values) {
	return func(q url.Values) { q[to] = q[from]; q.Del(from) }
}

// toPages are requests that open the approval, or end in an error page.
func toPages() map[string]change {
	opened := page(http.StatusSeeOther)
	return map[string]change{
		"right":                  {func(url.Values) {}, opened},
		"no state":               {del("state"), opened},
		"unknown provider":       {set("conferencing_provider_name", "teams"), opened},
		"no provider":            {del("conferencing_provider_name"), opened},
		"PKCE is ignored":        {set("code_challenge", "x"), opened},
		"no client":              {del("client_id"), page(400)},
		"unknown client":         {set("client_id", "x"), page(400)},
		"two clients":            {set("client_id", "a", "b"), page(400)},
		"no redirect URI":        {del("redirect_uri"), page(400)},
		"a custom scheme":        {set("redirect_uri", "confer://callback"), page(400)},
		"a fragment":             {set("redirect_uri", "https://app.example.test/#x"), page(400)},
		"an empty fragment":      {set("redirect_uri", "https://app.example.test/#"), page(400)},
		"a user":                 {set("redirect_uri", "https://u@app.example.test/"), page(400)},
		"a relative URI":         {set("redirect_uri", "/callback"), page(400)},
		"javascript":             {set("redirect_uri", "javascript:alert(1)"), page(400)},
		"no link token":          {del("ou_link_token"), page(400)},
		"unknown link token":     {set("ou_link_token", "oult_x"), page(400)},
		"link_token is not it":   {rename("ou_link_token", "link_token"), page(400)},
		"redirect URI has query": {set("redirect_uri", "https://app.example.test/?a=b"), opened},
	}
}

// toRedirects are requests that are answered by an error redirect.
func toRedirects() map[string]change {
	return map[string]change{
		"no response type":      {del("response_type"), back("invalid_request")},
		"token":                 {set("response_type", "token"), back("unsupported_response_type")},
		"no scope":              {del("scope"), back("invalid_scope")},
		"other scope":           {set("scope", "read_write"), back("invalid_scope")},
		"two scopes":            {set("scope", unitScope+" read_write"), back("invalid_scope")},
		"no capability":         {del("capabilities[]"), back("invalid_request")},
		"other capability":      {set("capabilities[]", "calendars"), back("invalid_request")},
		"two capabilities":      {set("capabilities[]", "conferencing", "conferencing"), back("invalid_request")},
		"capabilities, no list": {rename("capabilities[]", "capabilities"), back("invalid_request")},
		"scope twice":           {set("scope", unitScope, unitScope), back("invalid_request")},
		"state twice":           {set("state", "a", "a"), back("invalid_request")},
	}
}

func TestAuthorizeChecks(t *testing.T) {
	t.Parallel()
	for _, table := range []map[string]change{toPages(), toRedirects()} {
		for name, c := range table {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				w := start(t, Options{})
				q := w.unitQuery()
				c.apply(q)
				w.expect(w.authorizeURL(q), q, c.want)
			})
		}
	}
}

// expect sends an authorization request and checks how it ends.
func (w *testServer) expect(target string, q url.Values, want outcome) {
	w.t.Helper()
	a := w.do(http.MethodGet, target, "", "", nil)
	require.Equal(w.t, want.status, a.StatusCode, a.Header.Get(reasonHeader))
	location := a.Header.Get("Location")
	switch {
	case want.redirect():
		state := ""
		if len(q["state"]) == 1 {
			state = "&state=" + q.Get("state")
		}
		require.Equal(w.t, w.back+"?error="+want.oauth+state, location)
	case want.status == http.StatusSeeOther:
		require.Regexp(w.t, `^/approval/[0-9A-Za-z]{24}$`, location)
	default:
		require.Empty(w.t, location)
		require.Contains(w.t, string(a.body), "<h1>Cannot continue</h1>")
	}
}

func TestEnterpriseConnectChecks(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]change{
		"right":                  {func(url.Values) {}, page(http.StatusSeeOther)},
		"wide scope":             {set("scope", "service_account/accounts/unrestricted_access"), page(http.StatusSeeOther)},
		"unknown client":         {set("client_id", "x"), page(400)},
		"token":                  {set("response_type", "token"), back("unsupported_response_type")},
		"no scope":               {set("scope"), back("invalid_scope")},
		"blank scope":            {set("scope", " "), back("invalid_scope")},
		"an account's scope":     {set("scope", "read_write"), back("invalid_scope")},
		"old name":               {set("scope", "service_account/manage_accounts"), back("invalid_scope")},
		"no delegated scope":     {set("delegated_scope"), back("invalid_request")},
		"bad delegated scope":    {set("delegated_scope", "read_write <b>"), back("invalid_scope")},
		"delegated scope, twice": {set("delegated_scope", "a", "b"), back("invalid_request")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := start(t, Options{})
			q := w.enterpriseQuery()
			c.apply(q)
			w.expect(w.enterpriseURL(q), q, c.want)
		})
	}
}

func TestEncodingsOfTheReferenceExample(t *testing.T) {
	t.Parallel()
	w := start(t, Options{})
	tail := "response_type=code&client_id=k3Hn2cWq9ZrT5vXy7LbD&redirect_uri=http%3A%2F%2F127.0.0.1%3A8739%2Fcallback" +
		"&scope=organizational_unit_use_integrations&state=9f0c3e1ab27d44f8"
	for _, capability := range []string{"&capabilities%5B%5D=conferencing", "&capabilities[]=conferencing"} {
		a := w.do(http.MethodGet, w.AppURL()+"/oauth/authorize?"+tail+capability+"&ou_link_token="+w.linkToken()+
			"&conferencing_provider_name=zoom_enterprise", "", "", nil)
		require.True(t, strings.HasPrefix(a.Header.Get("Location"), "/approval/"), capability)
	}
	a := w.do(http.MethodGet, w.AppURL()+"/oauth/authorize?client_id=%zz", "", "", nil)
	require.Equal(t, 400, a.StatusCode)
}

func TestProductionRedirectURIs(t *testing.T) {
	t.Parallel()
	s := New(Options{PermittedRedirectURIs: []string{"https://app.example.test/back", "https://*.example.com/auth/cronofy/callback", "https://*.example.org"}})
	for uri, want := range map[string]bool{
		"https://app.example.test/back":                        true,
		"https://app.example.test/back?":                       false,
		"https://app.example.test/back/":                       false,
		"https://app.example.test:443/back":                    false,
		"http://app.example.test/back":                         false,
		"http://127.0.0.1:8739/callback":                       false,
		"https://a.example.com/auth/cronofy/callback":          true,
		"https://a.b.example.com/auth/cronofy/callback":        true,
		"https://example.com/auth/cronofy/callback":            false,
		"https://a.example.com/auth/cronofy/callback?x=1":      false,
		"https://a.example.com/other":                          false,
		"http://a.example.com/auth/cronofy/callback":           false,
		"https://aexample.com/auth/cronofy/callback":           false,
		"https://evil.test/x.example.com/auth/callback":        false,
		"https://*.example.com/auth/cronofy/callback#f":        false,
		"https://evil.test?.example.com/auth/cronofy/callback": false,
		"https://a.example.org":                                true,
		"https://a.example.org/":                               false,
		"https://evil.test/a.example.org":                      false,
	} {
		require.Equal(t, want, s.redirectAllowed(uri), uri)
	}
	none := New(Options{PermittedRedirectURIs: []string{}})
	require.False(t, none.redirectAllowed("http://127.0.0.1:8739/callback"), "an empty list permits nothing")
	require.True(t, New(Options{}).redirectAllowed("http://127.0.0.1:8739/callback"))
}
