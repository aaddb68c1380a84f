package callback

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// offline is a server without listeners, for its handler in a synctest bubble.
func offline(t *testing.T, redirectURI string) (*Server, http.Handler) {
	t.Helper()
	target, err := parseTarget(redirectURI)
	require.NoError(t, err)
	s := newServer(Config{States: NewStates(nil), Answers: answers}, target)
	return s, s.gate(target.host(), s.callbackDoor)
}

// arrive brings a good answer and gives the outcome's address and id.
func (s *Server) arrive(t *testing.T, h http.Handler) (address, id string) {
	t.Helper()
	w := serve(h, s.target.host(), s.target.path()+"?code=c&state="+s.cfg.States.Issue(answers))
	require.Equal(t, http.StatusSeeOther, w.Code)
	return w.Header().Get("Location"), (<-s.Answers()).ID
}

func TestTheOutcomesPageWaitsForTheTruth(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, h := offline(t, "http://127.0.0.1:8739/callback")
		address, id := s.arrive(t, h)
		start := time.Now()
		w := serve(h, s.target.host(), address)
		require.Equal(t, firstHold, time.Since(start))
		require.Contains(t, w.Body.String(), "Your answer arrived")
		require.Contains(t, w.Body.String(), `http-equiv="refresh" content="1; url=`+address+`?again"`)
		require.NotContains(t, w.Body.String(), "✓")

		got := make(chan *httptest.ResponseRecorder)
		go func() { got <- serve(h, s.target.host(), address+"?again") }()
		time.Sleep(10 * time.Second) // the bubble's: an exchange that takes long
		synctest.Wait()
		s.Settle(id, Outcome{OK: true, Title: "Zoom is linked", Text: "Stored.", Hint: "Close this window."})
		w = <-got
		require.Equal(t, firstHold+10*time.Second, time.Since(start), "shown at once")
		require.Contains(t, w.Body.String(), "Zoom is linked")
		require.NotContains(t, w.Body.String(), "refresh")
	})
}

func TestAFailureStaysAndALaterTruthReplacesIt(t *testing.T) {
	t.Parallel()
	s, h := offline(t, "http://127.0.0.1:8739/callback")
	address, id := s.arrive(t, h)
	s.Settle(id, Outcome{Title: "The keyring is locked", Text: "why", Hint: "what to do"})
	for range 2 {
		page := serve(h, s.target.host(), address).Body.String()
		require.Contains(t, page, `<main class="bad">`)
		require.Contains(t, page, "✗")
		require.Contains(t, page, "Not done")
		require.Contains(t, page, "The keyring is locked")
		require.Contains(t, page, "what to do")
		require.NotContains(t, page, "refresh")
	}
	s.Settle(id, Outcome{OK: true, Title: "Zoom is linked"})
	s.Settle("", Outcome{Title: "a paste has no page"})
	require.Contains(t, serve(h, s.target.host(), address).Body.String(), `<main class="good">`)
}

func TestAReloadOfTheAnswerLeadsToItsOutcome(t *testing.T) {
	t.Parallel()
	s, h := offline(t, "http://127.0.0.1:8739/callback")
	answer := "/callback?code=c&state=" + s.cfg.States.Issue(answers)
	first := serve(h, s.target.host(), answer).Header().Get("Location")
	for range 2 {
		require.Equal(t, first, serve(h, s.target.host(), answer).Header().Get("Location"))
	}
	require.Len(t, s.answers, 1)
}

func TestClosingTellsPagesThatWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, h := offline(t, "http://127.0.0.1:8739/callback")
		address, _ := s.arrive(t, h)
		got := make(chan *httptest.ResponseRecorder)
		go func() { got <- serve(h, s.target.host(), address) }()
		synctest.Wait()
		s.Close()
		s.Close()
		require.Contains(t, (<-got).Body.String(), "confer has ended")
	})
}

func TestLingerWaitsForTheOutcomeToBeShown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, h := offline(t, "http://127.0.0.1:8739/callback")
		start := time.Now()
		s.Linger(t.Context(), time.Minute)
		require.Zero(t, time.Since(start), "nobody waits")

		address, id := s.arrive(t, h)
		s.arrive(t, h) // never settled: not owed
		s.Settle(id, Outcome{OK: true, Title: "Zoom is linked"})
		over := make(chan struct{})
		go func() { s.Linger(t.Context(), time.Minute); close(over) }()
		time.Sleep(time.Second)
		serve(h, s.target.host(), address)
		<-over
		require.Equal(t, time.Second, time.Since(start))
	})
}

func TestLingerHasALimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, h := offline(t, "http://127.0.0.1:8739/callback")
		_, id := s.arrive(t, h)
		s.Settle(id, Outcome{OK: true, Title: "Zoom is linked"})
		start := time.Now()
		s.Linger(t.Context(), 3*time.Second) // the browser was closed
		require.Equal(t, 3*time.Second, time.Since(start))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		s.Linger(ctx, time.Hour)
		s.Close()
		s.Linger(t.Context(), time.Hour)
		require.Equal(t, 3*time.Second, time.Since(start))
	})
}

func TestBehindATunnelOnlyTheRedirectURIsPathIsUsed(t *testing.T) {
	t.Parallel()
	s := opened(t, Config{RedirectURI: "https://App.example.test/cronofy/answer", Listen: "127.0.0.1:0"})
	require.True(t, s.Listening())
	require.Equal(t, "https://App.example.test/cronofy/answer", s.RedirectURI())
	ask := func(target, host string) string {
		return rawRequest(t, s.Addr(), "GET "+target+" HTTP/1.1\r\nHost: "+host+"\r\nX-Forwarded-For: 192.0.2.7\r\n\r\n")
	}
	answer := "/cronofy/answer?code=c&state=" + s.cfg.States.Issue(answers)
	require.Equal(t, "421", status(ask(answer, s.Addr())))
	require.Equal(t, "404", status(ask("/callback?code=c&state=x", "app.example.test")))
	require.Equal(t, "404", status(ask("/go/x", "app.example.test")))

	back := ask(answer, "app.example.test:443")
	a := <-s.Answers()
	require.Contains(t, back, "Location: /cronofy/answer?done="+a.ID+"\r\n")
	s.Settle(a.ID, Outcome{OK: true, Title: "Zoom is linked"})
	require.Contains(t, ask("/cronofy/answer?done="+a.ID, "app.example.test"), "Zoom is linked")
	require.Contains(t, ask("/cronofy/answer?done=other", "app.example.test"), "earlier try")

	link := s.ShortURL("https://app.example.test/oauth/authorize")
	require.Regexp(t, `^http://127\.0\.0\.1:\d+/go/[a-z2-7]{26}$`, link)
	require.NotContains(t, link, s.Addr())
	c := client()
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	require.Equal(t, "https://app.example.test/oauth/authorize", get(t, c, link).header.Get("Location"))
	require.Equal(t, http.StatusNotFound, get(t, c, link[:strings.Index(link, "/go/")]+"/cronofy/answer?code=c&state=s").status)
}

func TestTheWaitingPageBehindATunnelAsksAgainAtTheSamePath(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, h := offline(t, "https://app.example.test/answer")
		address, _ := s.arrive(t, h)
		require.Contains(t, serve(h, "app.example.test", address).Body.String(), `url=`+address+`&amp;again"`)
		start := time.Now()
		serve(h, "app.example.test", address+"&again")
		require.Equal(t, againHold, time.Since(start))
	})
}

func TestWithoutListenOnlyTheShortLinkIsServed(t *testing.T) {
	t.Parallel()
	s := opened(t, Config{RedirectURI: "https://app.example.test/answer"})
	require.False(t, s.Listening())
	require.Empty(t, s.Addr())
	link := s.ShortURL("https://app.example.test/oauth/authorize")
	c := client()
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	require.Equal(t, http.StatusSeeOther, get(t, c, link).status)
	require.Equal(t, http.StatusNotFound, get(t, c, link[:strings.Index(link, "/go/")]+"/answer?code=c&state="+s.cfg.States.Issue(answers)).status)
	require.Empty(t, s.answers)
}

func TestAPublishedContainerPortServesLoopbackThroughListen(t *testing.T) {
	t.Parallel()
	s := opened(t, Config{RedirectURI: "http://127.0.0.1:8739/callback", Listen: "127.0.0.1:0"})
	require.Equal(t, "http://127.0.0.1:8739/callback", s.RedirectURI())
	require.Regexp(t, `^http://127\.0\.0\.1:8739/go/`, s.ShortURL("https://app.example.test/"))
	got := rawRequest(t, s.Addr(), "GET /callback?code=c&state="+s.cfg.States.Issue(answers)+" HTTP/1.1\r\nHost: 127.0.0.1:8739\r\n\r\n")
	require.Equal(t, "303", status(got))
}
