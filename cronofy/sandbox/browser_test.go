package sandbox

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"confer/internal/testhost"
)

// pagesAt serves pages that a redirect URI leads to and counts them.
func pagesAt(t *testing.T, pages map[string]http.HandlerFunc) (string, func() []string) {
	seen := make(chan string, 100)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen <- r.URL.Path
		if h := pages[r.URL.Path]; h != nil {
			h(w, r)
			return
		}
		w.WriteHeader(http.StatusNotFound)
	}))
	t.Cleanup(srv.Close)
	return srv.URL, func() []string {
		close(seen)
		var out []string
		for p := range seen {
			out = append(out, p)
		}
		return out
	}
}

func write(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) }
}

func TestBrowserFollowsToTheFinalPage(t *testing.T) {
	t.Parallel()
	w := start(t, Options{})
	base, seen := pagesAt(t, map[string]http.HandlerFunc{
		"/callback": func(w http.ResponseWriter, r *http.Request) {
			http.SetCookie(w, &http.Cookie{Name: "kept", Value: "1", Path: "/"})
			http.Redirect(w, r, "/done/7", http.StatusSeeOther)
		},
		"/done/7": func(w http.ResponseWriter, r *http.Request) {
			if _, err := r.Cookie("kept"); err != nil {
				w.WriteHeader(http.StatusTeapot)
				return
			}
			write(`<meta http-equiv="refresh" content="0; url=/end?a=b&amp;c">`)(w, r)
		},
		"/end": write(`<form id="approval" action="/elsewhere"></form>`),
	})
	q := w.unitQuery()
	q.Set("redirect_uri", base+"/callback")
	require.NoError(t, Browser(t.Context(), nil, w.authorizeURL(q), Approve))
	require.Equal(t, []string{"/callback", "/done/7", "/end"}, seen())
}

func TestBrowserLeavesFailuresToTheCallback(t *testing.T) {
	t.Parallel()
	w := start(t, Options{})
	base, seen := pagesAt(t, nil)
	q := w.unitQuery()
	q.Set("redirect_uri", base+"/callback")
	require.NoError(t, Browser(t.Context(), nil, w.authorizeURL(q), Deny), "a 404 there is not the browser's failure")
	require.Equal(t, []string{"/callback"}, seen())
}

func TestBrowserFails(t *testing.T) {
	t.Parallel()
	w := start(t, Options{})
	q := w.unitQuery()
	q.Set("client_id", "x")
	err := Browser(t.Context(), nil, w.authorizeURL(q), Approve)
	require.ErrorContains(t, err, "400: The application is unknown.")

	loop := httptest.NewServer(http.RedirectHandler("/", http.StatusFound))
	defer loop.Close()
	require.ErrorContains(t, Browser(t.Context(), nil, loop.URL, Approve), "too many pages")

	base, _ := pagesAt(t, map[string]http.HandlerFunc{
		"/nowhere": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusFound) },
	})
	require.ErrorIs(t, Browser(t.Context(), nil, base+"/nowhere", Approve), ErrNotSandbox)
	err = Browser(t.Context(), nil, "http://127.0.0.1:1/?code=abc", Approve)
	require.Error(t, err)
	require.NotContains(t, err.Error(), "abc")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, Browser(ctx, nil, w.authorizeURL(w.unitQuery()), Approve), context.Canceled)
}

// Nobody is there to take the answer, but a person could read the address bar.
func TestBrowserKeepsTheFinalAddress(t *testing.T) {
	t.Parallel()
	w := start(t, Options{})
	gone := testhost.RedirectURI(t)
	for _, d := range []Decision{Approve, Deny} {
		q := w.unitQuery()
		q.Set("redirect_uri", gone)
		var left *LeftError
		require.ErrorAs(t, Browser(t.Context(), nil, w.authorizeURL(q), d), &left)
		require.ErrorContains(t, left.Err, "refused")
		require.Contains(t, left.Final.Reveal(), map[Decision]string{Approve: "/callback?code=", Deny: "/callback?error=access_denied"}[d])
		require.NotContains(t, left.Error(), "/callback")
	}
	q := w.unitQuery()
	q.Set("redirect_uri", gone)
	q.Set("scope", "other")
	var left *LeftError
	require.ErrorAs(t, Browser(t.Context(), nil, w.authorizeURL(q), Approve), &left, "answered without a page")
	require.Contains(t, left.Final.Reveal(), "error=invalid_scope")
}

func TestBrowserKnowsTheSandbox(t *testing.T) {
	t.Parallel()
	base, _ := pagesAt(t, map[string]http.HandlerFunc{
		"/page": write(`<title>Hello</title><form action="/approval/x"><button id="allow"></button></form>`),
		"/away": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://app.example.test/?code=abc", http.StatusSeeOther)
		},
	})
	for _, address := range []string{"https://app.example.test/?code=abc", "http://example.com/x", base + "/page", base + "/away", base + "/404", "confer"} {
		err := Browser(t.Context(), nil, address, Approve)
		require.ErrorIs(t, err, ErrNotSandbox, address)
		require.NotContains(t, err.Error(), "abc")
	}
}

func TestBrowserSaysWhyItWasRefused(t *testing.T) {
	t.Parallel()
	w := start(t, Options{})
	target := w.authorizeURL(w.unitQuery())
	w.browse(target)
	err := Browser(t.Context(), nil, target, Approve)
	require.ErrorContains(t, err, "400: The ou_link_token is used.")
	require.NotErrorIs(t, err, ErrNotSandbox)
}

func TestCloseEndsWebhooks(t *testing.T) {
	t.Parallel()
	w := start(t, Options{})
	w.webhooks.Timeout = 0 // only Close can end it
	arrived := make(chan struct{})
	hang := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		close(arrived)
		<-r.Context().Done()
	}))
	defer hang.Close()
	require.Equal(t, 202, w.post(delegatedPath, w.Credentials().ServiceAccountToken.Reveal(),
		entry("amara@example.test", hang.URL, "read_only")).StatusCode)
	<-arrived
	require.NoError(t, w.Close())
	log := w.Log()
	require.Equal(t, "no answer", log[len(log)-1].Note)
}

func TestFormsAsBrowsersReadThem(t *testing.T) {
	t.Parallel()
	action, values := fill(`<form method="post" id="approval" action="/a?b&amp;c">
		<input type="hidden" name="h" value="1 &lt; 2"><input type="radio" name="r" value="1"><input type="radio" name="r" value="2" required checked>
		<input type="text" name="t" value=""><input type="checkbox" name="c" value="on">
		<button type="submit" id="allow" name="d" value="yes">x</button><button id="deny" name="d" value="no">y</button></form>`, "deny")
	require.Equal(t, "/a?b&c", action)
	require.Equal(t, "d=no&h=1+%3C+2&r=2&t=", values.Encode())
	action, _ = fill("<p>No form", "deny")
	require.Empty(t, action)
}
