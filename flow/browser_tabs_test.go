package flow_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"confer/cronofy"
	"confer/cronofy/sandbox"
	"confer/flow"
	"confer/internal/testhost"
	"confer/keystore"
)

// heldExchange holds the first exchange of a code until it is let go.
type heldExchange struct {
	first            int // of the calls to the endpoint
	reached, release chan struct{}
	mu               sync.Mutex
	exchanges        int
}

// RoundTrip implements http.RoundTripper.
func (e *heldExchange) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Path == "/oauth/token" {
		e.mu.Lock()
		e.exchanges++
		n := e.exchanges
		e.mu.Unlock()
		if n == e.first {
			close(e.reached)
			<-e.release
		}
	}
	return http.DefaultTransport.RoundTrip(r)
}

func (h *house) holdExchange(first int) *heldExchange {
	e := &heldExchange{first: first, reached: make(chan struct{}), release: make(chan struct{})}
	h.runner.NewClient = func(site cronofy.Site, app cronofy.App, notify func(cronofy.Wait)) *cronofy.Client {
		return cronofy.New(site, app, cronofy.Options{Notify: notify, HTTP: &http.Client{Transport: e}})
	}
	return e
}

// twoLinks makes two links of one wait, and gives both to a browser.
func (h *house) twoLinks(visit func(first, second string)) flow.State {
	acts, made := make(chan flow.Event, 1), []string(nil)
	h.runner.OpenURL = func(string) error { return nil }
	last := flow.Unattended(h.t.Context(), h.runner, h.found, acts, func(_ flow.State, ev flow.Event) {
		r, _ := ev.(flow.Report)
		ready, ok := r.Event.(flow.LinkReady)
		if !ok {
			return
		}
		if made = append(made, ready.URL); len(made) == 1 {
			acts <- flow.NewLinkWanted{}
			return
		}
		h.visits.Go(func() { visit(made[0], made[1]) })
	})
	h.visits.Wait()
	return last
}

// answer is the final address of a link with a code.
func answer(t *testing.T, link, code string) string {
	t.Helper()
	u, err := url.Parse(link)
	require.NoError(t, err)
	q := url.Values{"code": {code}, "state": {u.Query().Get("state")}}
	return u.Query().Get("redirect_uri") + "?" + q.Encode()
}

// refusedAnswer is the final address of a link with an error.
func refusedAnswer(t *testing.T, link, code string) string {
	t.Helper()
	return strings.Replace(answer(t, link, code), "code=", "error=", 1)
}

// arrive brings an answer, and gives the address of its page.
func arrive(t *testing.T, address string) string {
	t.Helper()
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(request(t, address))
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusSeeOther, resp.StatusCode)
	to, err := resp.Location()
	require.NoError(t, err)
	return to.String()
}

func request(t *testing.T, address string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	require.NoError(t, err)
	return r
}

// page is what a browser shows in the end.
func (h *house) page(address string) string {
	for address != "" {
		page, next, err := h.get(address)
		if err != nil {
			return err.Error()
		}
		if next == "" {
			return page
		}
		address = next
	}
	return ""
}

// TestTheNextAnswerStaysGood: a second tab approves while the code of the first is
// being refused.
func TestTheNextAnswerStaysGood(t *testing.T) {
	t.Parallel()
	h := newHouse(t, sandbox.Options{})
	held := h.holdExchange(1)
	w, older, newer := h.waitWithTwoLinks()
	bad, good := arrive(t, answer(t, older.URL, "no-such-code")), finalAddress(t, newer.URL)
	w.until(func(s flow.State) bool { return s.Attempt.Phase == flow.PhaseExchanging })
	<-held.reached
	require.Contains(t, h.page(good), "Your answer was not used, and it still counts.")
	close(held.release)
	require.Contains(t, h.page(bad), "Approved, but not finished")
	require.Equal(t, "invalid_grant", w.until(over).Problem.Code)
	w.apply(flow.AuthorizeStarted{})
	w.until(waiting(1))
	require.Contains(t, h.page(good), "The calendars and Zoom are linked")
	require.NotEmpty(t, w.until(over).Link.OrganizationalUnit)
}

// TestAFurtherAnswerIsToldTheTruth: the first was used, and no other is.
func TestAFurtherAnswerIsToldTheTruth(t *testing.T) {
	t.Parallel()
	h := newHouse(t, sandbox.Options{})
	held := h.holdExchange(2) // after the check of the application
	var further string
	last := h.twoLinks(func(first, second string) {
		answered := arrive(t, finalAddress(t, first))
		<-held.reached
		final := finalAddress(t, second)
		require.Contains(t, h.page(final), "Your answer was not used, and it still counts.")
		close(held.release)
		for !strings.Contains(further, "linked") { // the run stays until its own browser was told
			further = h.page(final)
		}
		h.page(answered)
	})
	require.NotNil(t, last.Link)
	require.Equal(t, 2, held.exchanges, "the check, and one code")
	require.Contains(t, further, "The calendars and Zoom are linked")
}

// TestTheLastPageWaitsForItsBrowser: a script's run has its result by then.
func TestTheLastPageWaitsForItsBrowser(t *testing.T) {
	t.Parallel()
	h := newHouse(t, sandbox.Options{})
	linked := make(chan struct{})
	var page string
	h.runner.OpenURL = func(short string) error {
		h.visits.Go(func() {
			final, err := sandbox.FinalAddress(context.Background(), short, sandbox.Approve)
			require.NoError(t, err)
			address := arrive(t, final)
			<-linked
			page = h.page(address)
		})
		return nil
	}
	last := flow.Unattended(t.Context(), h.runner, h.found, nil, func(s flow.State, _ flow.Event) {
		if s.Link != nil {
			close(linked)
		}
	})
	h.visits.Wait()
	require.NotNil(t, last.Link)
	require.Contains(t, page, "The calendars and Zoom are linked")
}

// wizard is an operator who starts the authorization again and again.
type wizard struct {
	h     *house
	tasks *flow.Tasks
	state flow.State
}

func (h *house) wizard() *wizard {
	h.found.Store = flow.Store{Kind: keystore.Session}
	w := &wizard{h: h, tasks: flow.NewTasks(h.runner), state: flow.Start(h.found)}
	h.t.Cleanup(func() { w.tasks.Close() })
	return w
}

func (w *wizard) apply(ev flow.Event) {
	before := w.state
	next, task := before.Apply(ev)
	w.tasks.Follow(before, next, task)
	w.state = next
}

// until takes reports until the state is as wanted.
func (w *wizard) until(ok func(flow.State) bool) flow.State {
	for !ok(w.state) {
		w.apply(<-w.tasks.Events())
	}
	return w.state
}

func waiting(links int) func(flow.State) bool {
	return func(s flow.State) bool { return s.Attempt.Phase == flow.PhaseWaiting && s.Attempt.Links == links }
}

func over(s flow.State) bool { return s.Running == nil }

// waitWithTwoLinks begins an authorization, and makes a second link in it. No browser
// is opened.
func (h *house) waitWithTwoLinks() (w *wizard, older, newer flow.Attempt) {
	h.runner.OpenURL = func(string) error { return nil }
	w = h.wizard()
	w.apply(flow.AuthorizeStarted{})
	older = w.until(waiting(1)).Attempt
	w.apply(flow.NewLinkWanted{})
	return w, older, w.until(waiting(2)).Attempt
}

// TestPagesStayWhileTheWizardGoesOn: a reload, an old link and a further
// approval are told the truth after the last page was fetched.
func TestPagesStayWhileTheWizardGoesOn(t *testing.T) {
	t.Parallel()
	h := newHouse(t, sandbox.Options{})
	w, older, newer := h.waitWithTwoLinks()
	other, final := finalAddress(t, older.URL), finalAddress(t, newer.URL)
	seen := h.page(final)
	require.NotNil(t, w.until(over).Link)
	require.Contains(t, seen, "The calendars and Zoom are linked")
	for name, address := range map[string]string{"reload": arrive(t, final), "the answer again": final, "the short link": newer.ShortURL} {
		require.Contains(t, h.page(address), "The calendars and Zoom are linked", name)
	}
	further := arrive(t, other)
	require.NotContains(t, further, "code=")
	require.Contains(t, h.page(further), "The calendars and Zoom are linked")
	w.tasks.Close()
	require.Contains(t, h.page(final), "connection refused")
}

// TestPagesOfARefusedTryStayUntilTheNext: what comes in between is not used up.
func TestPagesOfARefusedTryStayUntilTheNext(t *testing.T) {
	t.Parallel()
	h := newHouse(t, sandbox.Options{})
	w, older, newer := h.waitWithTwoLinks()
	refused := refusedAnswer(t, newer.URL, "access_denied")
	page := arrive(t, refused)
	require.Contains(t, h.page(page), "You did not approve")
	require.Equal(t, "access_denied", w.until(over).Problem.Code)
	require.Contains(t, h.page(page), "You did not approve", "a reload")
	approved := finalAddress(t, older.URL)
	for range 2 {
		require.Contains(t, h.page(approved), "confer is not waiting for an answer now")
	}
	require.Contains(t, h.page(older.ShortURL), "This approval link no longer works")
	w.apply(flow.AuthorizeStarted{})
	w.until(waiting(1))
	require.Contains(t, h.page(approved), "The calendars and Zoom are linked", "it counts now")
	require.NotNil(t, w.until(over).Link)
}

// TestAProxyThatChangesTheHostIsNamed: the browser is refused, and the operator
// reads why.
func TestAProxyThatChangesTheHostIsNamed(t *testing.T) {
	t.Parallel()
	h := newHouse(t, sandbox.Options{})
	addr, err := testhost.Address()
	require.NoError(t, err)
	h.found.Answers.RedirectURI, h.found.Answers.Listen = "https://app.example.test/cronofy/done", addr
	h.runner.OpenURL = func(string) error { return nil }
	w := h.wizard()
	w.apply(flow.AuthorizeStarted{})
	final, err := url.Parse(finalAddress(t, w.until(waiting(1)).Attempt.URL))
	require.NoError(t, err)
	through := func(host string) int {
		req := request(t, "http://"+addr+final.RequestURI())
		req.Host = host
		resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		return resp.StatusCode
	}
	require.Equal(t, http.StatusMisdirectedRequest, through(addr))
	s := w.until(func(s flow.State) bool { return s.Attempt.Notice != "" })
	require.Contains(t, s.Attempt.Notice, "The proxy must pass Host on unchanged")
	require.Equal(t, http.StatusSeeOther, through("app.example.test"))
	require.NotNil(t, w.until(over).Link)
}
