package callback

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"confer/internal/chromium"
)

// provider plays Cronofy: a page with Allow and Deny, which post and redirect
// back. It warms up a connection to the callback, as browsers do by themselves.
func provider(t *testing.T) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /oauth/authorize", func(w http.ResponseWriter, r *http.Request) {
		to, _ := url.Parse(r.FormValue("redirect_uri"))
		fmt.Fprintf(w, `<!doctype html><title>Provider</title><link rel=icon href="data:,"><link rel=preconnect href="http://%s">
<form method=post><button id=allow name=answer value=code>Allow</button><button id=deny name=answer value=error>Deny</button></form>`, to.Host)
	})
	mux.HandleFunc("POST /oauth/authorize", func(w http.ResponseWriter, r *http.Request) {
		value := map[string]string{"code": pastedCode, "error": "access_denied"}[r.FormValue("answer")]
		q := url.Values{r.FormValue("answer"): {value}, "state": {r.URL.Query().Get("state")}}
		http.Redirect(w, r, r.URL.Query().Get("redirect_uri")+"?"+q.Encode(), http.StatusFound)
	})
	p := httptest.NewServer(mux)
	t.Cleanup(p.Close)
	return p
}

// authorize is the short link to the provider's page with a fresh state.
func (s *Server) authorize(p *httptest.Server) string {
	q := url.Values{"redirect_uri": {s.cfg.RedirectURI}, "state": {s.cfg.States.Issue(answers)}}
	return s.ShortURL(p.URL + "/oauth/authorize?" + q.Encode())
}

// answerAll answers for the wizard.
func answerAll(t *testing.T, s *Server) {
	t.Helper()
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case a := <-s.Answers():
				s.ShowOutcome(outcomeOf(a))
			case <-stop:
				return
			}
		}
	}()
	t.Cleanup(func() { close(stop); <-stopped })
}

func outcomeOf(a Answer) Outcome {
	if a.Error != "" {
		return Outcome{Title: "Access was refused", Text: a.Error, Hint: "Nothing was linked."}
	}
	return Outcome{OK: true, Title: "Zoom is linked", Text: "All is stored.", Hint: "You can close this window."}
}

// visited notes every request that a tab makes.
type visited struct {
	mu   sync.Mutex
	urls []string
}

func watch(t *testing.T, ctx context.Context) *visited {
	t.Helper()
	v := &visited{}
	require.NoError(t, chromedp.Listen(ctx, func(ev any) {
		if e, ok := ev.(*network.EventRequestWillBeSent); ok {
			v.mu.Lock()
			defer v.mu.Unlock()
			v.urls = append(v.urls, e.Request.URL)
		}
	}))
	return v
}

func (v *visited) hosts(t *testing.T) []string {
	t.Helper()
	v.mu.Lock()
	defer v.mu.Unlock()
	var hosts []string
	for _, raw := range v.urls {
		u, err := url.Parse(raw)
		require.NoError(t, err)
		if u.Host != "" && (len(hosts) == 0 || hosts[len(hosts)-1] != u.Host) {
			hosts = append(hosts, u.Host)
		}
	}
	return hosts
}

func text[A any](t *testing.T, ctx context.Context, a chromedp.Action[A]) A {
	t.Helper()
	got, err := chromedp.Run(ctx, a)
	require.NoError(t, err)
	return got
}

// mutedScripts turns JavaScript off in a tab.
func mutedScripts(ctx context.Context, tt *chromedp.Target) error {
	_, err := cdp.Call(ctx, tt, emulation.SetScriptExecutionDisabled,
		emulation.SetScriptExecutionDisabledParams{Value: true})
	return err
}

func (s *Server) clicked(t *testing.T, ctx context.Context, p *httptest.Server, button, heading string) {
	t.Helper()
	require.NoError(t, chromedp.Do(ctx, chromedp.Navigate(s.authorize(p)),
		chromedp.Click(chromedp.ID(button)), chromedp.WaitVisible(chromedp.ID(heading))))
}

func TestChromiumShowsTheTruthAtAnAddressWithoutTheCode(t *testing.T) {
	t.Parallel()
	ctx := chromium.Open(t)
	s, p := opened(t, Config{}), provider(t)
	answerAll(t, s)
	v := watch(t, ctx)
	s.clicked(t, ctx, p, "allow", "done")

	require.Equal(t, "Zoom is linked", text(t, ctx, chromedp.TextContent(chromedp.ID("done"))))
	require.Equal(t, "Zoom is linked · confer", text(t, ctx, chromedp.Title()))
	require.Contains(t, text(t, ctx, chromedp.Location()), "?done=")
	for _, e := range text(t, ctx, chromedp.NavigationEntries()).Entries {
		require.NotContains(t, e.URL, pastedCode, "the history has no code")
	}
	require.Equal(t, []string{s.address(t), strings.TrimPrefix(p.URL, "http://"), s.address(t)}, v.hosts(t), "no other origin")
	require.Equal(t, "12px", text(t, ctx, chromedp.Evaluate[string](`getComputedStyle(document.querySelector("main")).borderTopLeftRadius`)),
		"the policy lets the style in")
	require.Empty(t, s.told)
}

func TestChromiumIsToldOfARefusal(t *testing.T) {
	t.Parallel()
	ctx := chromium.Open(t)
	s, p := opened(t, Config{}), provider(t)
	answerAll(t, s)
	s.clicked(t, ctx, p, "deny", "failed")
	require.Equal(t, "Access was refused", text(t, ctx, chromedp.TextContent(chromedp.ID("failed"))))
	require.Contains(t, text(t, ctx, chromedp.TextContent(chromedp.CSS("main"))), "access_denied")
	require.Empty(t, s.told)
}

func TestChromiumReloadsAndGoesBack(t *testing.T) {
	t.Parallel()
	ctx := chromium.Open(t)
	s, p := opened(t, Config{}), provider(t)
	answerAll(t, s)
	s.clicked(t, ctx, p, "allow", "done")
	require.NoError(t, chromedp.Do(ctx, chromedp.Reload(), chromedp.WaitVisible(chromedp.ID("done"))))
	require.NoError(t, chromedp.Do(ctx,
		chromedp.NavigateBack(), chromedp.WaitVisible(chromedp.ID("allow")),
		chromedp.NavigateForward(), chromedp.WaitVisible(chromedp.ID("done")),
		chromedp.NavigateBack(), chromedp.Click(chromedp.ID("allow")), chromedp.WaitVisible(chromedp.ID("done"))))
	require.Empty(t, s.told)
}

func TestChromiumWithTwoTabs(t *testing.T) {
	t.Parallel()
	ctx := chromium.Open(t)
	s, p := opened(t, Config{}), provider(t)
	answerAll(t, s)
	older, newer := ctx, chromium.Tab(t, ctx)
	require.NoError(t, chromedp.Do(older, chromedp.Navigate(s.authorize(p))))
	s.clicked(t, newer, p, "deny", "failed") // a new try, refused
	require.NoError(t, chromedp.Do(older, chromedp.Click(chromedp.ID("allow")), chromedp.WaitVisible(chromedp.ID("unusable"))))
	s.Close()
	s = opened(t, Config{RedirectURI: s.cfg.RedirectURI, States: s.cfg.States})
	answerAll(t, s)
	require.NoError(t, chromedp.Do(older, chromedp.Reload(), chromedp.WaitVisible(chromedp.ID("done"))), "the old tab of an earlier try still works")

	again := chromium.Tab(t, ctx)
	require.NoError(t, chromedp.Do(again, chromedp.Navigate(text(t, older, chromedp.Location())), chromedp.WaitVisible(chromedp.ID("done"))))
}

func TestChromiumWithoutJavaScriptWaitsForTheTruth(t *testing.T) {
	t.Parallel()
	ctx := chromium.Open(t)
	s, p := opened(t, Config{}), provider(t)
	require.NoError(t, chromedp.Do(ctx, chromedp.Func(mutedScripts)))
	s.clicked(t, ctx, p, "allow", "waiting")
	a := <-s.Answers()
	require.Equal(t, pastedCode, a.Code.Reveal())
	s.ShowOutcome(outcomeOf(a))
	require.NoError(t, chromedp.Do(ctx, chromedp.WaitVisible(chromedp.ID("done"))))
	require.NotContains(t, text(t, ctx, chromedp.OuterHTML(chromedp.CSS("html"))), "<script")
}

func TestChromiumIsGoneBeforeTheListener(t *testing.T) {
	t.Parallel()
	ctx := chromium.Open(t)
	s, p := opened(t, Config{}), provider(t)
	s.clicked(t, ctx, p, "allow", "waiting")
	a := <-s.Answers()
	s.ShowOutcome(outcomeOf(a))
	s.Linger(time.Minute)
	start := time.Now()
	s.Close()
	t.Logf("closed in %v", time.Since(start))
	require.NoError(t, chromedp.Do(ctx, chromedp.WaitVisible(chromedp.ID("done"))), "it got the outcome")
}

func TestChromiumReadsThePagesOut(t *testing.T) {
	t.Parallel()
	ctx := chromium.Open(t)
	all := allPages()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := all[r.URL.Query().Get("page")]
		p.Refresh = ""
		p.write(w)
	}))
	t.Cleanup(srv.Close)
	for name, p := range all {
		for _, theme := range []string{"light", "dark"} {
			require.NoError(t, chromedp.Do(ctx, chromedp.EmulateViewport(320, 640), chromedp.Func(themed(theme)),
				chromedp.Navigate(srv.URL+"/?page="+url.QueryEscape(name))))
			spoken := text(t, ctx, chromedp.Action[[]string](readOut))
			require.Equal(t, []string{"RootWebArea " + p.Title + " · confer", "main ", "heading " + p.Title}, spoken, name)
			require.True(t, text(t, ctx, chromedp.Evaluate[bool](`document.documentElement.scrollWidth <= 320`)), "no sideways scrolling: "+name)
			saveShot(t, ctx, name+" "+theme)
		}
	}
}

func themed(theme string) func(context.Context, *chromedp.Target) error {
	return func(ctx context.Context, tt *chromedp.Target) error {
		_, err := cdp.Call(ctx, tt, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: theme}},
		})
		return err
	}
}

// readOut gives the landmarks and headings that a screen reader announces.
func readOut(ctx context.Context, tt *chromedp.Target) ([]string, error) {
	tree, err := cdp.Call(ctx, tt, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
	var spoken []string
	for _, n := range tree.Nodes {
		role, name := axText(n.Role), axText(n.Name)
		if !n.Ignored && (role == "RootWebArea" || role == "main" || role == "heading" || role == "banner" || role == "link" || role == "image") {
			spoken = append(spoken, role+" "+name)
		}
	}
	return spoken, err
}

func axText(v *accessibility.Value) string {
	var text string
	if v == nil || json.Unmarshal(v.Value, &text) != nil {
		return ""
	}
	return text
}

// saveShot writes a picture into the folder that CONFER_TEST_SHOTS names.
func saveShot(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	dir := os.Getenv("CONFER_TEST_SHOTS")
	if dir == "" {
		return
	}
	png := text(t, ctx, chromedp.CaptureScreenshot())
	require.NoError(t, os.WriteFile(filepath.Join(dir, strings.ReplaceAll(name, " ", "-")+".png"), png, 0o600))
}
