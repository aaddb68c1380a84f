package flow_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"confer/cronofy"
	"confer/cronofy/sandbox"
	"confer/flow"
	"confer/flow/callback"
	"confer/internal/links"
	"confer/internal/testhost"
	"confer/keystore"
)

// house is a Runner over the sandbox, with a browser that tests choose.
type house struct {
	t       *testing.T
	server  *sandbox.Server
	runner  *flow.Runner
	stores  *testStores
	links   *links.File
	found   flow.Initial
	visits  sync.WaitGroup
	mu      sync.Mutex
	visited []error
}

// testStores gives one store for every kind, and a state of the keyring.
type testStores struct {
	state keystore.State
	store keystore.Store
	open  error
}

func (s *testStores) Probe(context.Context) keystore.Status { return keystore.Status{State: s.state} }
func (s *testStores) Open(keystore.Kind, cronofy.Secret) (keystore.Store, error) {
	return s.store, s.open
}

func newHouse(t *testing.T, o sandbox.Options) *house {
	t.Helper()
	h := &house{t: t, server: sandbox.New(o)}
	require.NoError(t, h.server.Start())
	t.Cleanup(func() { require.NoError(t, h.server.Close()) })
	t.Cleanup(h.visits.Wait)
	h.stores = &testStores{state: keystore.Ready, store: keystore.OpenSession()}
	h.links = links.Open(filepath.Join(t.TempDir(), "confer", "links.json"))
	h.runner = &flow.Runner{
		NewClient: func(site cronofy.Site, app cronofy.App, notify func(cronofy.Wait)) *cronofy.Client {
			return cronofy.New(site, app, cronofy.Options{Notify: notify})
		},
		Stores: h.stores, Links: h.links, ReachPause: time.Millisecond,
		OpenAccounts: func(context.Context, string) (io.ReadCloser, error) {
			var b bytes.Buffer
			err := h.server.AccountsCSV(&b)
			return io.NopCloser(&b), err
		},
	}
	dc, _ := cronofy.FindDataCenter("de")
	c := h.server.Credentials()
	h.found = flow.Initial{Answers: flow.Answers{
		Site: h.server.Site(dc), ClientID: c.ClientID, ClientSecret: c.ClientSecret, ServiceAccount: c.ServiceAccountID,
		Provider: cronofy.Zoom, Label: "Acme", RedirectURI: testhost.RedirectURI(t),
	}}
	return h
}

// browse lets the sandbox's browser click through.
func (h *house) browse(d sandbox.Decision) {
	h.runner.OpenURL = func(url string) error {
		h.visits.Go(func() {
			err := sandbox.Browser(context.Background(), http.DefaultClient, url, d)
			h.mu.Lock()
			defer h.mu.Unlock()
			h.visited = append(h.visited, err)
		})
		return nil
	}
}

// run is the whole set-up, and what was reported on the way.
func (h *house) run(ctx context.Context) (flow.State, []flow.Event) {
	var events []flow.Event
	last := flow.Unattended(ctx, h.runner, h.found, nil, func(_ flow.State, ev flow.Event) {
		if r, ok := ev.(flow.Report); ok {
			events = append(events, r.Event)
		}
	})
	h.visits.Wait()
	return last, events
}

func TestLinked(t *testing.T) {
	t.Parallel()
	h := newHouse(t, sandbox.Options{})
	h.browse(sandbox.Approve)
	last, _ := h.run(t.Context())
	require.Nil(t, last.Problem)
	require.Equal(t, []error{nil}, h.visited, "the browser ends on our page")
	require.NotEmpty(t, last.Link.OrganizationalUnit)
	require.Equal(t, "organizational_unit_use_integrations", last.Link.Scope)

	a := h.found.Answers
	key := keystore.Key(a.Site.APIHost(), a.ClientID, a.ServiceAccount, "zoom_enterprise", "refresh_token")
	refresh, err := h.stores.store.Get(t.Context(), key)
	require.NoError(t, err)
	_, err = cronofy.New(a.Site, a.App(), cronofy.Options{}).Refresh(t.Context(), cronofy.NewSecret(refresh))
	require.NoError(t, err, "the stored token is the one that Cronofy gave")
	secret, err := h.stores.store.Get(t.Context(), keystore.Key(a.Site.APIHost(), a.ClientID, "client_secret"))
	require.NoError(t, err)
	require.Equal(t, a.ClientSecret.Reveal(), secret)

	kept, err := h.links.Load(t.Context())
	require.NoError(t, err)
	require.Len(t, kept.Links, 1)
	require.Equal(t, "Acme", kept.Links[0].Label)
	require.Equal(t, "de", kept.Links[0].DataCenter)
}

func TestRefusedByTheAdministrator(t *testing.T) {
	t.Parallel()
	h := newHouse(t, sandbox.Options{})
	h.browse(sandbox.Deny)
	last, _ := h.run(t.Context())
	require.Nil(t, last.Link)
	require.Equal(t, "access_denied", last.Problem.Code)
	require.Equal(t, flow.ExitRefused, last.Problem.Exit)
	require.Equal(t, flow.StepAuthorize, last.Problem.Step)
	require.False(t, last.Problem.Approved)
}

func TestWrongAnswers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(*flow.Answers)
		code  string
		step  flow.Step
		exit  int
	}{
		"wrong secret":            {func(a *flow.Answers) { a.ClientSecret = cronofy.NewSecret("wrong") }, "invalid_client", flow.StepApplication, flow.ExitRefused},
		"unknown client":          {func(a *flow.Answers) { a.ClientID = "unknown" }, "invalid_client", flow.StepApplication, flow.ExitRefused},
		"unknown service account": {func(a *flow.Answers) { a.ServiceAccount = "ser_unknown" }, "unprocessable", flow.StepServiceAccount, flow.ExitRefused},
		"malformed id":            {func(a *flow.Answers) { a.ServiceAccount = "acc_1" }, "usage", flow.StepServiceAccount, flow.ExitUsage},
		"no secret anywhere":      {func(a *flow.Answers) { a.ClientSecret = cronofy.Secret{} }, "usage", flow.StepApplication, flow.ExitUsage},
		"nobody there": {func(a *flow.Answers) { a.Site.API, a.Site.App = "http://127.0.0.1:1", "http://127.0.0.1:1" }, "network",
			flow.StepApplication, flow.ExitFailed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, sandbox.Options{})
			h.runner.OpenURL = func(string) error { t.Error("no browser may be opened"); return nil }
			c.spoil(&h.found.Answers)
			last, _ := h.run(t.Context())
			require.NotNil(t, last.Problem)
			require.Equal(t, c.code, last.Problem.Code, last.Problem.Summary)
			require.Equal(t, c.step, last.Problem.Step)
			require.Equal(t, c.exit, last.Problem.Exit)
			require.NotEmpty(t, last.Problem.Hint)
		})
	}
}

func TestKeyringMissingWithNobodyToAsk(t *testing.T) {
	t.Parallel()
	for _, state := range []keystore.State{keystore.NoBus, keystore.Locked, keystore.Silent} {
		h := newHouse(t, sandbox.Options{})
		h.stores.state = state
		last, _ := h.run(t.Context())
		require.Equal(t, flow.CodeSecretStore, last.Problem.Code)
		require.Equal(t, flow.StepApplication, last.Problem.Step)
	}
}

func TestBusyPort(t *testing.T) {
	t.Parallel()
	h := newHouse(t, sandbox.Options{})
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	h.found.Answers.RedirectURI = "http://" + l.Addr().String() + "/callback"
	last, _ := h.run(t.Context())
	require.Equal(t, flow.CodePort, last.Problem.Code)
	require.Equal(t, flow.RedirectURIs(), last.Problem.Offers)
}

// TestBusyPortOffersTheOthers: whichever of them is busy.
func TestBusyPortOffersTheOthers(t *testing.T) {
	t.Parallel()
	all := flow.RedirectURIs()
	for i, offers := range [][]string{{all[1], all[2]}, {all[0], all[2]}, {all[0], all[1]}} {
		p := flow.Explain(&callback.PortError{Class: callback.PortInUse, Port: 8739 + i}, flow.StepAuthorize)
		require.Equal(t, offers, p.Offers)
	}
}

// failingStore fails at what has the word in its key.
type failingStore struct {
	keystore.Store
	word string
}

func (s failingStore) Set(ctx context.Context, key, secret string) error {
	if strings.Contains(key, s.word) {
		return &keystore.Error{Op: "set", Store: keystore.Keyring, Err: keystore.ErrUnavailable}
	}
	return s.Store.Set(ctx, key, secret)
}

func TestApprovedButNotStored(t *testing.T) {
	t.Parallel()
	h := newHouse(t, sandbox.Options{})
	h.stores.store = failingStore{keystore.OpenSession(), "refresh_token"}
	h.browse(sandbox.Approve)
	last, _ := h.run(t.Context())
	require.Equal(t, flow.CodeSecretStore, last.Problem.Code)
	require.True(t, last.Problem.Approved)
	require.Contains(t, last.Problem.Hint, "The administrator approved")
	require.True(t, last.ApprovedNow())
}

func TestPasteAlone(t *testing.T) {
	t.Parallel()
	h := newHouse(t, sandbox.Options{})
	h.found.Answers.RedirectURI = "https://app.example.test/cronofy/done"
	last, events := h.runWith(t.Context(), func(tasks *flow.Tasks, s flow.State) flow.Event {
		return flow.Pasted{Text: finalAddress(t, s.Attempt.URL)}
	})
	require.Nil(t, last.Problem)
	require.NotNil(t, last.Link)
	ready := first[flow.LinkReady](t, events)
	require.False(t, ready.Listening)
	require.True(t, strings.HasPrefix(ready.ShortURL, "http://127.0.0.1:"), ready.ShortURL)
}

func TestPasteOfAnotherRun(t *testing.T) {
	t.Parallel()
	h := newHouse(t, sandbox.Options{})
	h.found.Answers.RedirectURI = "https://app.example.test/cronofy/done"
	texts := []string{"https://app.example.test/cronofy/done?code=abcdefghijklmnopqrstuvwxyz012345&state=nonsense", "code=abcdefghijklmnopqrstuvwxyz012345"}
	var notices []string
	last, _ := h.runWith(t.Context(), func(tasks *flow.Tasks, s flow.State) flow.Event {
		if s.Attempt.Notice != "" {
			notices = append(notices, s.Attempt.Notice)
		}
		if len(texts) > 0 {
			text := texts[0]
			texts = texts[1:]
			return flow.Pasted{Text: text}
		}
		return flow.Pasted{Text: finalAddress(t, s.Attempt.URL)}
	})
	require.NotNil(t, last.Link, "the wait went on")
	require.Len(t, notices, 2)
	require.Contains(t, notices[0], "for another approval link")
	require.Contains(t, notices[1], "state= is missing")
}

func TestOldTabStillWorks(t *testing.T) {
	t.Parallel()
	h := newHouse(t, sandbox.Options{})
	var firstLink string
	last, events := h.runWith(t.Context(), func(tasks *flow.Tasks, s flow.State) flow.Event {
		if firstLink == "" {
			firstLink = s.Attempt.URL
			return flow.NewLinkWanted{}
		}
		require.NotEqual(t, firstLink, s.Attempt.URL, "a new link has a new link token and state")
		return flow.Pasted{Text: finalAddress(t, firstLink)}
	})
	require.NotNil(t, last.Link)
	require.Equal(t, 2, count[flow.LinkReady](events))
}

// A try right after a refusal must not meet the listener of the try before.
func TestTryAgainAtOnce(t *testing.T) {
	t.Parallel()
	h := newHouse(t, sandbox.Options{})
	h.browse(sandbox.Deny)
	try, s := h.tries()
	for range 3 {
		s = try(s)
		require.Equal(t, "access_denied", s.Problem.Code)
	}
}

// tries gives a set-up that is ready, and what authorizes it once.
func (h *house) tries() (try func(flow.State) flow.State, ready flow.State) {
	tasks := flow.NewTasks(h.runner)
	h.t.Cleanup(func() { tasks.Close() })
	h.found.Store = flow.Store{Kind: keystore.Session}
	return func(s flow.State) flow.State {
		next, task := s.Apply(flow.AuthorizeStarted{})
		tasks.Follow(s, next, task)
		for s = next; s.Running != nil; s = next {
			next, task = s.Apply(<-tasks.Events())
			tasks.Follow(s, next, task)
		}
		return s
	}, flow.Start(h.found)
}

// TestBehindAProxy: an https redirect URI whose proxy delivers to --listen.
func TestBehindAProxy(t *testing.T) {
	t.Parallel()
	h := newHouse(t, sandbox.Options{})
	addr, err := testhost.Address()
	require.NoError(t, err)
	h.found.Answers.RedirectURI, h.found.Answers.Listen = "https://app.example.test/cronofy/done", addr
	h.runner.OpenURL = func(short string) error {
		h.visits.Go(func() {
			final, err := url.Parse(finalAddress(t, short))
			require.NoError(t, err)
			req, err := http.NewRequest(http.MethodGet, "http://"+addr+final.RequestURI(), nil)
			require.NoError(t, err)
			req.Host = "app.example.test" // as proxies pass it on
			resp, err := http.DefaultTransport.RoundTrip(req)
			require.NoError(t, err)
			resp.Body.Close()
			require.Equal(t, http.StatusSeeOther, resp.StatusCode)
		})
		return nil
	}
	last, events := h.run(t.Context())
	require.Nil(t, last.Problem)
	require.NotNil(t, last.Link)
	require.True(t, first[flow.LinkReady](t, events).Listening)
}

func TestHandedOver(t *testing.T) {
	t.Parallel()
	h := newHouse(t, sandbox.Options{})
	last, _ := h.runWith(t.Context(), func(*flow.Tasks, flow.State) flow.Event { return flow.ReportedDone{} })
	require.True(t, last.Link.Unconfirmed)
	kept, err := h.links.Load(t.Context())
	require.NoError(t, err)
	require.True(t, kept.Links[0].Unconfirmed)
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	h := newHouse(t, sandbox.Options{})
	h.runner.Timeout = 1 // one nanosecond: over as soon as it has begun
	last, _ := h.run(t.Context())
	require.Equal(t, flow.CodeTimeout, last.Problem.Code)
	require.Equal(t, flow.ExitTimeout, last.Problem.Exit)
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	h := newHouse(t, sandbox.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	h.runner.OpenURL = func(string) error { cancel(); return nil }
	last, _ := h.run(ctx)
	require.Equal(t, flow.CodeCancelled, last.Problem.Code)
	require.Equal(t, flow.ExitCancelled, last.Problem.Exit)
}

func TestBrowserThatDoesNotOpenIsANotice(t *testing.T) {
	t.Parallel()
	h := newHouse(t, sandbox.Options{})
	h.runner.OpenURL = func(string) error { return errors.New("none") }
	last, events := h.runWith(t.Context(), func(_ *flow.Tasks, s flow.State) flow.Event {
		return flow.Pasted{Text: finalAddress(t, s.Attempt.URL)}
	})
	require.NotNil(t, last.Link)
	require.Error(t, first[flow.BrowserAsked](t, events).Err)
}

func TestProfilesAreNewOrKnown(t *testing.T) {
	t.Parallel()
	h := newHouse(t, sandbox.Options{})
	h.found.Answers.Accounts = flow.Accounts{Path: "people"}
	h.browse(sandbox.Approve)
	last, _ := h.run(t.Context())
	require.NotNil(t, last.Known)
	isNew, isOld := 0, 0
	h.load(last, func(ev flow.ProfilesRead) {
		for _, row := range ev.Rows {
			for _, p := range row.Record.Profiles {
				if p.SinceLink() {
					isNew++
				} else {
					isOld++
				}
			}
		}
	})
	require.Positive(t, isNew, "profiles made by the link")
	require.Positive(t, isOld, "profiles that people had before")
}

func TestConnect(t *testing.T) {
	t.Parallel()
	h := newHouse(t, sandbox.Options{})
	h.browse(sandbox.Approve)
	var got flow.Event
	h.runner.Do(t.Context(), flow.Connect{Answers: h.found.Answers, Store: flow.Store{Kind: keystore.Session},
		Scope: cronofy.DefaultServiceAccountScope, DelegatedScope: cronofy.DefaultDelegatedScope}, func(ev flow.Event) { got = ev })
	h.visits.Wait()
	require.IsType(t, flow.ServiceAccountAccepted{}, got)
	id := got.(flow.ServiceAccountAccepted).ID
	require.Nil(t, flow.CheckServiceAccountID(id))
	a := h.found.Answers
	_, err := h.stores.store.Get(t.Context(), keystore.Key(a.Site.APIHost(), a.ClientID, id, "service_account", "refresh_token"))
	require.NoError(t, err)
}

// load reads the profiles of the sandbox's people after a link.
func (h *house) load(last flow.State, see func(flow.ProfilesRead)) {
	h.t.Helper()
	ctx, cancel := context.WithCancel(h.t.Context())
	h.runner.Do(ctx, flow.LoadProfiles{Answers: last.Answers, Known: last.KnownHere()}, func(ev flow.Event) {
		switch ev := ev.(type) {
		case flow.ProfilesRead:
			see(ev)
		case flow.LookPlanned:
			cancel() // one look is enough
		}
	})
	cancel()
}

// runWith plays an operator: while the administrator is waited for, each
// progress of the attempt is answered with what act returns.
func (h *house) runWith(ctx context.Context, act func(*flow.Tasks, flow.State) flow.Event) (flow.State, []flow.Event) {
	h.t.Helper()
	tasks := flow.NewTasks(h.runner)
	defer tasks.Close()
	h.found.Store = flow.Store{Kind: keystore.Session}
	s := flow.Start(h.found)
	var events []flow.Event
	apply := func(ev flow.Event) {
		before := s
		next, task := before.Apply(ev)
		tasks.Follow(before, next, task)
		s = next
	}
	apply(flow.AuthorizeStarted{})
	for s.Problem == nil && s.Link == nil {
		select {
		case r := <-tasks.Events():
			events = append(events, r.Event)
			apply(r)
			switch r.Event.(type) {
			case flow.LinkReady, flow.AnswerRejected:
				apply(act(tasks, s))
			}
		case <-ctx.Done():
			h.t.Fatal("the set-up did not end")
		}
	}
	return s, events
}

// finalAddress approves at the sandbox and gives the address that the browser
// would end on, which nobody serves.
func finalAddress(t *testing.T, authorizeURL string) string {
	t.Helper()
	final, err := sandbox.FinalAddress(t.Context(), authorizeURL, sandbox.Approve)
	require.NoError(t, err)
	return final
}

func first[T flow.Event](t *testing.T, events []flow.Event) T {
	t.Helper()
	for _, ev := range events {
		if ev, ok := ev.(T); ok {
			return ev
		}
	}
	t.Fatalf("no such event among %d", len(events))
	panic("unreachable")
}

func count[T flow.Event](events []flow.Event) (n int) {
	for _, ev := range events {
		if _, ok := ev.(T); ok {
			n++
		}
	}
	return n
}
