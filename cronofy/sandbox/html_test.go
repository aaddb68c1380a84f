package sandbox

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"confer/cronofy"
)

// allPages gives each page of the sandbox by name.
func allPages(t *testing.T) map[string]answer {
	w := start(t, Options{ClientID: `<script>"id"&`, Faults: []Fault{{Endpoint: Revoke, Status: 500, Slow: 1}}})
	out := map[string]answer{}
	wk := w.visit()
	out["proof"] = wk.open(wk.path)
	wk.send(wk.form(), "")
	out["provider"] = wk.open(wk.path)
	wk.send(wk.form(), "")
	out["unit"] = wk.open(wk.path)

	q := w.unitQuery()
	q.Del("conferencing_provider_name")
	wk.path = w.AppURL() + wk.open(w.authorizeURL(q)).Header.Get("Location")
	out["provider list"] = wk.open(wk.path)

	wk.path = w.AppURL() + wk.open(w.enterpriseURL(w.enterpriseQuery())).Header.Get("Location")
	out["enterprise proof"] = wk.open(wk.path)
	wk.send(wk.form(), "")
	out["enterprise access"] = wk.open(wk.path)
	out["error"] = wk.open(w.AppURL() + "/approval/x")
	out["control"] = w.openControl().open(w.ControlURL())
	return out
}

func TestPagesAreSound(t *testing.T) {
	t.Parallel()
	for name, a := range allPages(t) {
		html := string(a.body)
		tags := elements(html)
		require.Regexp(t, `^<!doctype html>\n<html lang="en">`, html, name)
		require.Regexp(t, `<title>[^<]+ · Sandbox</title>`, html, name)
		require.Contains(t, html, "nothing here is real", name)
		require.NotContains(t, html, `<script>"id"`, name)
		require.Equal(t, 1, strings.Count(html, "<h1>"), name)
		requireBalanced(t, name, tags)
		requireUniqueIDs(t, name, tags)
		requireNothingForeign(t, name, tags)
		csp := a.Header.Get("Content-Security-Policy")
		require.Contains(t, csp, "default-src 'none'", name)
		require.NotContains(t, csp, "script-src", name)
		require.Equal(t, "same-origin", a.Header.Get("Referrer-Policy"), name)
		require.Equal(t, "no-store", a.Header.Get("Cache-Control"), name)
		require.Equal(t, "nosniff", a.Header.Get("X-Content-Type-Options"), name)
	}
}

func requireBalanced(t *testing.T, page string, tags []element) {
	t.Helper()
	void := []string{"meta", "link", "input", "br"}
	var open []string
	for _, e := range tags {
		end, isEnd := strings.CutPrefix(e.name, "/")
		switch {
		case isEnd:
			require.NotEmpty(t, open, "%s: </%s>", page, end)
			require.Equal(t, open[len(open)-1], end, page)
			open = open[:len(open)-1]
		case !slices.Contains(void, e.name):
			open = append(open, e.name)
		}
	}
	require.Empty(t, open, page)
}

func requireUniqueIDs(t *testing.T, page string, tags []element) {
	t.Helper()
	seen := map[string]bool{}
	for _, e := range tags {
		if id, ok := e.attrs["id"]; ok {
			require.False(t, seen[id], "%s: id %s twice", page, id)
			seen[id] = true
		}
	}
}

func requireNothingForeign(t *testing.T, page string, tags []element) {
	t.Helper()
	for _, e := range tags {
		require.NotEqual(t, "script", e.name, page)
		for _, attr := range []string{"src", "href", "action"} {
			if v, ok := e.attrs[attr]; ok && v != "data:," {
				require.True(t, strings.HasPrefix(v, "/") && !strings.HasPrefix(v, "//"), "%s: %s", page, v)
			}
		}
		for attr := range e.attrs {
			require.False(t, strings.HasPrefix(attr, "on") || attr == "style", "%s: %s", page, attr)
		}
	}
}

func TestApprovalPagesHaveStableNames(t *testing.T) {
	t.Parallel()
	pages := allPages(t)
	titles := map[string]string{
		"proof": "Step 1 of 3: Calendar administrator", "provider": "Step 2 of 3: Allow Zoom",
		"provider list": "Step 1 of 2: Choose a provider", "unit": "Step 3 of 3: Approve the link",
		"enterprise proof": "Step 1 of 2: Calendar administrator", "enterprise access": "Step 2 of 2: Allow calendar access",
	}
	for name, want := range titles {
		html := string(pages[name].body)
		require.Contains(t, html, "<title>"+want+" · Sandbox</title>")
		for _, id := range []string{"allow", "deny"} {
			require.True(t, slices.ContainsFunc(elements(html), func(e element) bool {
				return e.name == "button" && e.attrs["id"] == id && e.attrs["type"] == "submit"
			}), "%s %s", name, id)
		}
	}
	list := string(pages["provider list"].body)
	require.Len(t, regexp.MustCompile(`type="radio" name="provider"`).FindAllString(list, -1), len(cronofy.Providers())-1, "each one, but \"any\"")
	access := string(pages["enterprise access"].body)
	for _, scope := range []string{"service_account/accounts/manage", "read_events", "delete_event"} {
		require.Contains(t, access, scope)
	}
}

func TestStyleSheet(t *testing.T) {
	t.Parallel()
	w := start(t, Options{})
	a := w.do(http.MethodGet, w.AppURL()+"/sandbox.css", "", "", nil)
	require.Equal(t, 200, a.StatusCode)
	require.Equal(t, "text/css; charset=utf-8", a.Header.Get("Content-Type"))
	css := string(a.body)
	require.Contains(t, css, "prefers-color-scheme: dark")
	require.NotContains(t, css, "url(")
	require.NotContains(t, css, "@import")
}
