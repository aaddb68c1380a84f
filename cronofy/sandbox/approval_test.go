package sandbox

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"confer/cronofy"
)

func TestDenyOnEveryPage(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		pages int
		open  func(w *testServer) string
		state string
	}{
		{"unit", 3, func(w *testServer) string { return w.authorizeURL(w.unitQuery()) }, "9f0c3e1ab27d44f8"},
		{"enterprise", 2, func(w *testServer) string { return w.enterpriseURL(w.enterpriseQuery()) }, "ec"},
	} {
		for at := 1; at <= c.pages; at++ {
			t.Run(c.name+string(rune('0'+at)), func(t *testing.T) {
				t.Parallel()
				w := start(t, Options{})
				q := w.click(c.open(w), denyAt(at))
				require.Equal(t, url.Values{"error": {"access_denied"}, "state": {c.state}}, q)
				require.Empty(t, w.conferencingOf(w.Accounts()[0]), "nothing was linked")
			})
		}
	}
}

func TestProviderList(t *testing.T) {
	t.Parallel()
	w := start(t, Options{})
	q := w.unitQuery()
	q.Set("conferencing_provider_name", "teams")
	require.NotEmpty(t, w.click(w.authorizeURL(q), choose(cronofy.Webex)).Get("code"))
	require.Equal(t, "webex", w.conferencingOf(w.Accounts()[0])[0]["provider_name"])

	w.act("unlink")
	q = w.unitQuery()
	q.Del("conferencing_provider_name")
	require.NotEmpty(t, w.browse(w.authorizeURL(q)).Get("code"))
	require.Equal(t, "zoom", w.conferencingOf(w.Accounts()[0])[0]["provider_name"], "the one suggested")

	w.act("unlink")
	require.NotEmpty(t, w.click(w.authorizeURL(w.unitQuery()), choose(cronofy.Indeed)).Get("code"))
	require.Equal(t, "zoom", w.conferencingOf(w.Accounts()[0])[0]["provider_name"], "no choice when one was asked for")
}

// Cronofy's documentation says "if necessary", so not of a browser that gave it just now.
func TestTheProofIsAskedForIfNecessary(t *testing.T) {
	t.Parallel()
	w := start(t, Options{})
	wk := w.visit()
	begin := func() string {
		wk.path = w.AppURL() + wk.open(w.authorizeURL(w.unitQuery())).Header.Get("Location")
		return string(wk.open(wk.path).body)
	}
	require.Contains(t, begin(), "Step 1 of 3: Calendar administrator")
	require.Contains(t, begin(), "Step 1 of 3: Calendar administrator", "seen is not passed")
	wk.send(wk.form(), "")
	require.Contains(t, begin(), "Step 1 of 2: Allow Zoom")
	wk.send(wk.form(), "")
	require.Contains(t, string(wk.open(wk.path).body), "Step 2 of 2: Approve the link")
	require.Contains(t, wk.send(wk.form(), "").Header.Get("Location"), "code=")
	w.click(w.authorizeURL(w.unitQuery()), denyAt(3)) // another browser is asked
	w.clock.add(approvalLife / 2)
	require.Contains(t, begin(), "Step 1 of 2: Allow Zoom")
	w.clock.add(approvalLife / 2)
	require.Contains(t, begin(), "Step 1 of 3: Calendar administrator", "nobody is known for ever, however often they come")
}

// A sandbox may run for weeks.
func TestWhatHasEndedIsForgotten(t *testing.T) {
	t.Parallel()
	w := start(t, Options{})
	given := len(w.access)
	w.exchange(w.browse(w.authorizeURL(w.unitQuery())).Get("code"))
	w.visit()
	w.clock.add(linkTokenLife + approvalLife)
	w.visit()
	require.Len(t, w.approvals, 1)
	require.Len(t, w.linkTokens, 1)
	require.Empty(t, w.codes)
	require.Len(t, w.access, given+1)
	w.clock.add(accountTokenLife)
	w.visit()
	require.Len(t, w.access, given, "those from the start have no end")
}

// TestALinkTokenOfAnotherName is refused, or ignored: then everything looks well,
// and nothing is linked.
func TestALinkTokenOfAnotherName(t *testing.T) {
	t.Parallel()
	w := start(t, Options{})
	q := w.unitQuery()
	q["link_token"] = q["ou_link_token"]
	q.Del("ou_link_token")
	require.Equal(t, http.StatusBadRequest, w.do(http.MethodGet, w.authorizeURL(q), "", "", nil).StatusCode)
	w.SetSwitches(Switches{LinkTokenOptional: true})
	require.NotEmpty(t, w.browse(w.authorizeURL(q)).Get("code"))
	require.Empty(t, w.conferencingOf(w.Accounts()[0]))
}

// TestConferencingCategories: without "Recruiting" Indeed is not offered, and a
// link that names it shows the list.
func TestConferencingCategories(t *testing.T) {
	t.Parallel()
	w := start(t, Options{Switches: Switches{NoRecruiting: true}})
	q := w.unitQuery()
	q.Set("conferencing_provider_name", string(cronofy.Indeed))
	wk := w.visitAt(w.authorizeURL(q))
	wk.send(wk.form(), "")
	f := wk.form()
	require.Equal(t, "zoom_enterprise", f.Get("provider"), "the list is shown")
	require.NotContains(t, string(wk.open(wk.path).body), "Indeed")
	f.Set("provider", string(cronofy.Indeed))
	require.Equal(t, 400, wk.send(f, "").StatusCode, "Indeed is not there to choose")
	w.SetSwitches(Switches{})
	w.act("unlink")
	q = w.unitQuery()
	q.Set("conferencing_provider_name", string(cronofy.Indeed))
	require.NotEmpty(t, w.browse(w.authorizeURL(q)).Get("code"))
	require.Equal(t, "indeed", w.conferencingOf(w.Accounts()[0])[0]["provider_name"])
}

func TestOrganizationalUnits(t *testing.T) {
	t.Parallel()
	w := start(t, Options{})
	sub := func(choice choice) string {
		return text(w.exchange(w.click(w.authorizeURL(w.unitQuery()), choice).Get("code")).json(t)["sub"])
	}
	require.Equal(t, "org_6710aa01c0ffee0123459999", sub(asSuggested))
	require.Equal(t, "org_6710aa01c0ffee0123460000", sub(newUnit("Sales <b>")))
	require.Equal(t, "org_6710aa01c0ffee0123459999", sub(asSuggested))
	require.Equal(t, "Sales <b>", w.units[1].name)
	require.Equal(t, "org_6710aa01c0ffee0123460001", sub(newUnit(" ")))
	require.Equal(t, "Another Organisation", w.units[2].name)
}

func TestEnterpriseConnect(t *testing.T) {
	t.Parallel()
	w := start(t, Options{})
	tok := w.exchange(w.browse(w.enterpriseURL(w.enterpriseQuery())).Get("code")).json(t)
	require.Equal(t, serviceAccountID, tok["sub"])
	require.Equal(t, serviceAccountID, tok["service_account_id"])
	require.Equal(t, "service_account/accounts/manage service_account/resources/manage", tok["scope"])
	info := w.get("/v1/userinfo", text(tok["access_token"])).json(t)
	auth := info["cronofy.data"].(map[string]any)["authorization"].(map[string]any)
	require.Equal(t, "read_account read_events create_event delete_event", auth["delegated_scope"])
}

// choice is what somebody does on an approval's page, counted from 1, beside clicking Allow.
type choice func(page int, form url.Values)

func asSuggested(int, url.Values) {}

func denyAt(page int) choice {
	return func(at int, form url.Values) {
		if at == page {
			form.Set("decision", "deny")
		}
	}
}

func choose(p cronofy.Provider) choice {
	return func(_ int, form url.Values) {
		if form.Has("provider") {
			form.Set("provider", string(p))
		}
	}
}

func newUnit(name string) choice {
	return func(_ int, form url.Values) {
		if form.Has("unit") {
			form.Set("unit", "new")
			form.Set("unit_name", name)
		}
	}
}

// click is browse with other choices than those suggested.
func (w *testServer) click(target string, choice choice) url.Values {
	w.t.Helper()
	wk := w.visitAt(target)
	for page := 1; strings.HasPrefix(wk.path, w.AppURL()); page++ {
		form := wk.form()
		choice(page, form)
		next := wk.send(form, "").Header.Get("Location")
		if strings.HasPrefix(next, "/") {
			next = w.AppURL() + next
		}
		wk.path = next
	}
	wk.open(wk.path)
	return w.received()
}

// pageVisitor makes the requests of an approval by hand.
type pageVisitor struct {
	*testServer
	client *http.Client
	path   string
}

func (w *testServer) visit() *pageVisitor { return w.visitAt(w.authorizeURL(w.unitQuery())) }

func (w *testServer) visitAt(target string) *pageVisitor {
	jar, err := cookiejar.New(nil)
	require.NoError(w.t, err)
	c := *w.client
	c.Jar = jar
	wk := &pageVisitor{testServer: w, client: &c}
	a := wk.open(target)
	require.Equal(w.t, http.StatusSeeOther, a.StatusCode)
	wk.path = w.AppURL() + a.Header.Get("Location")
	return wk
}

func (wk *pageVisitor) open(target string) answer {
	main := wk.testServer.client
	defer func() { wk.testServer.client = main }()
	wk.testServer.client = wk.client
	return wk.do(http.MethodGet, target, "", "", nil)
}

func (wk *pageVisitor) send(form url.Values, origin string) answer {
	wk.t.Helper()
	r, err := http.NewRequestWithContext(wk.t.Context(), http.MethodPost, wk.path, strings.NewReader(form.Encode()))
	require.NoError(wk.t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if origin != "" {
		r.Header.Set("Origin", origin)
	}
	resp, err := wk.client.Do(r)
	require.NoError(wk.t, err)
	require.NoError(wk.t, resp.Body.Close())
	return answer{Response: resp}
}

// setCookie is what a stranger could do who knows a cookie's name.
func (wk *pageVisitor) setCookie(name, value string) {
	u, err := url.Parse(wk.AppURL())
	require.NoError(wk.t, err)
	wk.client.Jar.SetCookies(u, []*http.Cookie{{Name: name, Value: value, Path: "/"}})
}

// form is the shown page's, as clicking Allow sends it.
func (wk *pageVisitor) form() url.Values {
	wk.t.Helper()
	_, v := fill(string(wk.open(wk.path).body), "allow")
	require.NotEmpty(wk.t, v)
	return v
}

func TestHandMadeForms(t *testing.T) {
	t.Parallel()
	with := func(k, v string) func(url.Values) { return func(f url.Values) { f.Set(k, v) } }
	for name, c := range map[string]struct {
		change func(url.Values)
		origin string
		status int
	}{
		"right":           {func(url.Values) {}, "", 303},
		"no CSRF token":   {func(f url.Values) { f.Del("csrf") }, "", 403},
		"wrong CSRF":      {with("csrf", "x"), "", 403},
		"CSRF on deny":    {func(f url.Values) { f.Set("decision", "deny"); f.Del("csrf") }, "", 403},
		"foreign origin":  {func(url.Values) {}, "https://evil.test", 403},
		"null origin":     {func(url.Values) {}, "null", 403},
		"no decision":     {func(f url.Values) { f.Del("decision") }, "", 400},
		"other decision":  {with("decision", "maybe"), "", 400},
		"steps skipped":   {with("step", "3"), "", 303},
		"step impossible": {with("step", "x"), "", 303},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wk := start(t, Options{}).visit()
			f := wk.form()
			c.change(f)
			a := wk.send(f, c.origin)
			require.Equal(t, c.status, a.StatusCode)
			want := "1"
			if name == "right" {
				want = "2"
			}
			require.Equal(t, want, wk.form().Get("step"))
		})
	}
}

func TestReplays(t *testing.T) {
	t.Parallel()
	w := start(t, Options{})
	wk := w.visit()
	first := wk.form()
	require.Equal(t, 303, wk.send(first, "").StatusCode)
	require.Equal(t, 303, wk.send(first, "").StatusCode, "sent twice")
	require.Equal(t, "2", wk.form().Get("step"), "but counted once")
	require.Equal(t, 303, wk.send(wk.form(), w.AppURL()).StatusCode)
	last := wk.form()
	require.Equal(t, "3", last.Get("step"))

	for name, change := range map[string]func(url.Values){
		"unknown unit": func(f url.Values) { f.Set("unit", "org_x") },
		"no unit":      func(f url.Values) { f.Del("unit") },
	} {
		f := wk.form()
		change(f)
		require.Equal(t, 400, wk.send(f, "").StatusCode, name)
	}
	a := wk.send(last, "")
	require.True(t, strings.HasPrefix(a.Header.Get("Location"), w.back+"?code="))
	require.Equal(t, 410, wk.send(last, "").StatusCode, "a second answer")
	require.Equal(t, 410, wk.open(wk.path).StatusCode)
}

// sendAll sends the same form many times at once, and gives the answers.
func (wk *pageVisitor) sendAll(form url.Values) []answer {
	answers := make([]answer, 8)
	var sent sync.WaitGroup
	for i := range answers {
		sent.Go(func() { answers[i] = wk.send(form, "") })
	}
	sent.Wait()
	return answers
}

func TestSimultaneousFormsCountOnce(t *testing.T) {
	t.Parallel()
	w := start(t, Options{})
	wk := w.visit()
	wk.sendAll(wk.form())
	require.Equal(t, "2", wk.form().Get("step"))
	wk.sendAll(wk.form())
	require.Equal(t, "3", wk.form().Get("step"))
	codes := 0
	for _, a := range wk.sendAll(wk.form()) {
		if a.StatusCode == http.StatusSeeOther {
			codes++
			continue
		}
		require.Equal(t, http.StatusGone, a.StatusCode)
	}
	require.Equal(t, 1, codes)
}

func TestChoiceIsRequired(t *testing.T) {
	t.Parallel()
	w := start(t, Options{})
	wk := w.visit()
	q := w.unitQuery()
	q.Set("conferencing_provider_name", "unknown")
	wk.path = w.AppURL() + wk.open(w.authorizeURL(q)).Header.Get("Location")
	require.Equal(t, 303, wk.send(wk.form(), "").StatusCode)
	f := wk.form()
	f.Set("provider", "teams")
	require.Equal(t, 400, wk.send(f, "").StatusCode)
	f.Del("provider")
	require.Equal(t, 400, wk.send(f, "").StatusCode)
	f.Set("provider", "indeed")
	require.Equal(t, 303, wk.send(f, "").StatusCode)
	require.Contains(t, string(wk.open(wk.path).body), "conferencing from <strong>Indeed</strong>")
}

func TestApprovalBelongsToItsBrowser(t *testing.T) {
	t.Parallel()
	w := start(t, Options{})
	wk := w.visit()
	form := wk.form()
	stranger := *w.client
	stranger.Jar, _ = cookiejar.New(nil)
	own := wk.client
	wk.client = &stranger
	require.Equal(t, 403, wk.open(wk.path).StatusCode)
	require.Equal(t, 403, wk.send(form, "").StatusCode)
	wk.setCookie(w.cookie, strings.Repeat("x", 32))
	require.Equal(t, 403, wk.open(wk.path).StatusCode)
	require.Equal(t, 403, wk.send(form, "").StatusCode)
	wk.client = own
	require.Equal(t, 404, wk.open(w.AppURL()+"/approval/x").StatusCode)
	w.clock.add(approvalLife)
	require.Equal(t, 404, wk.open(wk.path).StatusCode)
}

func TestLinkTokenIsUsedOnce(t *testing.T) {
	t.Parallel()
	w := start(t, Options{})
	q := w.unitQuery()
	target := w.authorizeURL(q)
	require.Equal(t, 405, w.do(http.MethodHead, target, "", "", nil).StatusCode, "a look does not use it up")
	wk := w.visit()
	wk.path = w.AppURL() + wk.open(target).Header.Get("Location")
	again := wk.open(target)
	require.Equal(t, wk.path, w.AppURL()+again.Header.Get("Location"), "the same browser may come again")
	a := w.do(http.MethodGet, target, "", "", nil)
	require.Equal(t, 400, a.StatusCode, "another browser may not")
	require.Contains(t, string(a.body), "used")
	f := wk.form()
	f.Set("decision", "deny")
	require.Equal(t, w.back+"?error=access_denied&state=9f0c3e1ab27d44f8", wk.send(f, "").Header.Get("Location"))
	require.Equal(t, 400, wk.open(target).StatusCode, "decided")
}

func TestRedirectSwitches(t *testing.T) {
	t.Parallel()
	w := start(t, Options{})
	run := func(sw Switches) url.Values {
		w.SetSwitches(sw)
		return w.browse(w.authorizeURL(w.unitQuery()))
	}
	q := run(Switches{State: "wrong"})
	require.Len(t, q["state"], 1)
	require.NotEqual(t, "9f0c3e1ab27d44f8", q.Get("state"))
	require.Equal(t, []string{"9f0c3e1ab27d44f8", "9f0c3e1ab27d44f8"}, run(Switches{State: "duplicate"})["state"])
	require.NotContains(t, run(Switches{State: "missing"}), "state")
	q = run(Switches{ErrorRedirect: "temporarily_unavailable"})
	require.Equal(t, url.Values{"error": {"temporarily_unavailable"}, "state": {"9f0c3e1ab27d44f8"}}, q)
	q = run(Switches{RepeatCallback: true})
	require.Equal(t, q, w.received(), "the same again")
}
