package callback

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	_ "confer/internal/golden" // knows -update
	"confer/internal/httpserver"
	"confer/internal/testhost"
)

const answers = "de k3Hn2cWq9ZrT5vXy7LbD ser_1 zoom_enterprise"

// After an answer to a header that is too long net/http sleeps for half a second, which
// is longer than goleak waits.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("net/http.(*conn).closeWriteAndWait"))
}

// opened is a server on a free loopback port, closed with the test.
func opened(t *testing.T, cfg Config) *Server {
	t.Helper()
	if cfg.RedirectURI == "" {
		cfg.RedirectURI = testhost.RedirectURI(t)
	}
	if cfg.States == nil {
		cfg.States = NewStates()
	}
	if cfg.Answers == "" {
		cfg.Answers = answers
	}
	s, err := Open(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return s
}

// come is the redirect back with the parameters given.
func (s *Server) come(params ...string) string {
	q := url.Values{}
	for i := 0; i < len(params); i += 2 {
		q.Add(params[i], params[i+1])
	}
	return s.cfg.RedirectURI + "?" + q.Encode()
}

type reply struct {
	status int
	header http.Header
	body   string
	url    string // where it ended
}

// client follows redirects like a browser, but keeps no connection.
func client() *http.Client {
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true, Proxy: nil}}
}

func get(t *testing.T, c *http.Client, address string) reply {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	require.NoError(t, err)
	return do(t, c, req)
}

func do(t *testing.T, c *http.Client, req *http.Request) reply {
	t.Helper()
	res, err := c.Do(req)
	require.NoError(t, err)
	defer func() { require.NoError(t, res.Body.Close()) }()
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return reply{res.StatusCode, res.Header, string(body), res.Request.URL.String()}
}

func TestTheAnswerIsDeliveredAndThePageTellsTheTruth(t *testing.T) {
	t.Parallel()
	s := opened(t, Config{})
	go func() {
		a := <-s.Answers()
		if a.Code.Reveal() != "Zy8xWv6uTs4rQp2o" {
			s.ShowOutcome(Outcome{Title: "wrong code"})
			return
		}
		s.ShowOutcome(Outcome{OK: true, Title: "Zoom is linked", Text: "All is stored."})
	}()
	got := get(t, client(), s.come("code", "Zy8xWv6uTs4rQp2o", "state", s.cfg.States.Issue(answers)))
	require.Equal(t, http.StatusOK, got.status)
	require.Contains(t, got.body, "Zoom is linked")
	require.NotContains(t, got.url, "code")
	require.Contains(t, got.url, "?done=")
}

// pipes is a listener in memory: in a bubble the clock stands still while
// anything runs, so that Close can be held to its limit exactly.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	select {
	case <-p.closed:
		return errors.New("closed twice")
	default:
		close(p.closed)
		return nil
	}
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8739} }

func (p *pipes) dial() net.Conn {
	ours, theirs := net.Pipe()
	p.conns <- theirs
	return ours
}

func piped(t *testing.T) (*Server, *pipes) {
	t.Helper()
	p := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
	s, err := Open(t.Context(), Config{
		RedirectURI: "http://127.0.0.1:8739/callback", States: NewStates(), Answers: answers,
		ListenFunc: func(context.Context, string, string) (net.Listener, error) { return p, nil },
	})
	require.NoError(t, err)
	return s, p
}

// closing closes and tells how long that took by the bubble's clock.
func closing(s *Server) time.Duration {
	synctest.Wait()
	start := time.Now()
	s.Close()
	return time.Since(start)
}

const inTime = 10 * time.Millisecond

func TestCloseDoesNotWaitForSilentConnections(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, p := piped(t)
		silent, slow := p.dial(), p.dial()
		_, err := io.WriteString(slow, "GET /callback?code=c&sta")
		require.NoError(t, err)
		require.Less(t, closing(s), inTime)
		for _, c := range []net.Conn{silent, slow} {
			_, err := io.ReadAll(c)
			require.NoError(t, err, "the server closed it")
			require.NoError(t, c.Close())
		}
	})
}

func TestCloseDoesNotWaitForAnswersThatNobodyReads(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, p := piped(t)
		c := p.dial()
		_, err := io.WriteString(c, "GET /callback HTTP/1.1\r\nHost: 127.0.0.1:8739\r\n\r\n")
		require.NoError(t, err)
		require.Less(t, closing(s), inTime) // a pipe has no buffer: the page is stuck in it
		_, err = io.ReadAll(c)
		require.NoError(t, err)
		require.NoError(t, c.Close())
	})
}

func TestCloseDoesNotWaitForABodyThatDoesNotCome(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, p := piped(t)
		c := p.dial()
		_, err := io.WriteString(c, "POST /callback HTTP/1.1\r\nHost: 127.0.0.1:8739\r\nContent-Length: 1000\r\n\r\nx")
		require.NoError(t, err)
		res, err := http.ReadResponse(bufio.NewReader(c), nil)
		require.NoError(t, err)
		require.Equal(t, http.StatusMethodNotAllowed, res.StatusCode)
		require.Less(t, closing(s), inTime)
		require.NoError(t, c.Close())
	})
}

func TestCloseAnswersThePageThatWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, p := piped(t)
		address := s.arrive(t, s.servers[0].Handler)
		c := p.dial()
		page := make(chan string, 1)
		go func() {
			_, _ = io.WriteString(c, "GET "+address+" HTTP/1.1\r\nHost: 127.0.0.1:8739\r\n\r\n")
			got, _ := io.ReadAll(c)
			page <- string(got)
		}()
		require.Less(t, closing(s), inTime)
		require.Contains(t, <-page, "confer has ended")
		require.NoError(t, c.Close())
	})
}

func TestSlowSendersAreCut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, p := piped(t)
		start, c, over := time.Now(), p.dial(), make(chan struct{})
		go func() {
			defer close(over)
			for _, err := c.Write([]byte("G")); err == nil; _, err = c.Write([]byte("x")) {
				time.Sleep(time.Second)
			}
		}()
		_, _ = io.ReadAll(c)
		require.Equal(t, httpserver.Patience, time.Since(start))
		require.NoError(t, c.Close())
		<-over
		s.Close()
	})
}

func TestTheLongHoldOutlastsTheServersLimits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, p := piped(t)
		address := s.arrive(t, s.servers[0].Handler)
		c := p.dial()
		page := make(chan string, 1)
		go func() {
			_, _ = io.WriteString(c, "GET "+address+"&again HTTP/1.1\r\nHost: 127.0.0.1:8739\r\n\r\n")
			got, _ := io.ReadAll(c)
			page <- string(got)
		}()
		time.Sleep(againHold - time.Second) // beyond the server's patience
		s.ShowOutcome(Outcome{OK: true, Title: "Zoom is linked"})
		require.Contains(t, <-page, "Zoom is linked")
		require.NoError(t, c.Close())
		s.Close()
	})
}

func TestClosedTwiceAndOpenedAgainOnTheSamePort(t *testing.T) {
	t.Parallel()
	s := opened(t, Config{})
	dial(t, s.addr) // silent
	redirect := s.cfg.RedirectURI
	s.Close()
	s.Close()
	again := opened(t, Config{RedirectURI: redirect, States: s.cfg.States})
	require.Equal(t, redirect, again.cfg.RedirectURI)
	got := get(t, client(), again.come("state", "x"))
	require.Equal(t, http.StatusBadRequest, got.status)
}

func TestAnAnswerIsNotLostWithABrowserThatGoesAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, p := piped(t)
		c := p.dial()
		_, err := io.WriteString(c, "GET /callback?code=c&state="+s.cfg.States.Issue(answers)+" HTTP/1.1\r\nHost: 127.0.0.1:8739\r\n\r\n")
		require.NoError(t, err)
		require.NoError(t, c.Close())
		require.Equal(t, "c", (<-s.Answers()).Code.Reveal())
		s.Close()
	})
}

// TestNobodyIsClaimedForNothing: after the wait an answer is not used up, and
// after a success it leaves the address bar.
func TestNobodyIsClaimedForNothing(t *testing.T) {
	t.Parallel()
	for _, ok := range []bool{false, true} {
		s, h := offline(t, "http://127.0.0.1:8739/callback")
		link := strings.TrimPrefix(s.ShortURL("https://app.example.test/"), s.short)
		state := s.cfg.States.Issue(answers)
		if ok {
			s.ShowOutcome(Outcome{OK: ok, Title: "How it ended", Text: "t", Hint: "h"}) // of a paste
		}
		_, here := s.Stop()
		require.False(t, here)
		w := serve(h, s.target.host(), "/callback?code=secret-code&state="+state)
		if ok {
			require.Equal(t, http.StatusSeeOther, w.Code)
			require.Contains(t, serve(h, s.target.host(), w.Header().Get("Location")).Body.String(), "How it ended")
			require.Contains(t, serve(h, s.target.host(), link).Body.String(), "How it ended")
		} else {
			require.Equal(t, http.StatusServiceUnavailable, w.Code)
			require.Contains(t, w.Body.String(), "confer is not waiting for an answer now")
			require.Contains(t, serve(h, s.target.host(), link).Body.String(), "This approval link no longer works")
		}
		require.NotContains(t, w.Body.String(), "secret-code")
		require.Empty(t, s.answers)
		require.NoError(t, s.cfg.States.Claim(state, answers), "its state stays good")
	}
}

// TestWhoIsToldOfUnusableRequests: a person's window is, and not what other programs ask.
func TestWhoIsToldOfUnusableRequests(t *testing.T) {
	t.Parallel()
	window := []string{"Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}
	for name, c := range map[string]struct {
		host, target string
		header       []string
		err          error // nil: nobody is told
	}{
		"wrong host, right state":      {"10.0.0.7", "/answer?code=c&state=STATE", nil, ErrHost},
		"wrong host in a window":       {"10.0.0.7", "/answer?code=c", window, nil},
		"wrong host, health check":     {"10.0.0.7", "/answer", nil, nil},
		"wrong host, scanner":          {"10.0.0.7", "/answer?code=c&state=x", nil, nil},
		"no answer in a right state":   {"app.example.test", "/answer?state=STATE", nil, ErrMalformed},
		"no state, window":             {"app.example.test", "/answer?code=c", window, ErrMalformed},
		"no state, program":            {"app.example.test", "/answer?code=c", nil, nil},
		"no answer at all, window":     {"app.example.test", "/answer", window, nil},
		"unknown state, window":        {"app.example.test", "/answer?code=c&state=x", window, ErrStateUnknown},
		"unknown state, program":       {"app.example.test", "/answer?code=c&state=x", nil, nil},
		"unknown state, looking ahead": {"app.example.test", "/answer?code=c&state=x", append([]string{"Sec-Purpose", "prefetch"}, window...), nil},
		"another run's":                {"app.example.test", "/answer?code=c&state=" + NewStates().Issue(answers), nil, ErrStateEarlierRun},
	} {
		s, h := offline(t, "https://app.example.test/answer")
		s.cfg.Listen = "127.0.0.1:8080" // where a proxy delivers
		var told []error
		s.cfg.OnUnusable = func(err error) { told = append(told, err) }
		for range 3 { // noise before does not use a person's turn up
			serve(h, c.host, "/answer?code=c&state=noise")
			serve(h, c.host, "/answer?code=c")
		}
		require.Empty(t, told, name)
		serve(h, c.host, strings.Replace(c.target, "STATE", s.cfg.States.Issue(answers), 1), c.header...)
		if c.err == nil {
			require.Empty(t, told, name)
			continue
		}
		require.Equal(t, []error{c.err}, told, name)
	}
}

// offline is a server without listeners, for its handler in a synctest bubble.
func offline(t *testing.T, redirectURI string) (*Server, http.Handler) {
	t.Helper()
	target, err := parseTarget(redirectURI)
	require.NoError(t, err)
	s := newServer(Config{States: NewStates(), Answers: answers}, target)
	return s, s.gate(target.host(), s.serveCallback)
}

// arrive brings a good answer and gives the outcome's address.
func (s *Server) arrive(t *testing.T, h http.Handler) string {
	t.Helper()
	w := serve(h, s.target.host(), s.target.path()+"?code=c&state="+s.cfg.States.Issue(answers))
	require.Equal(t, http.StatusSeeOther, w.Code)
	<-s.Answers()
	return w.Header().Get("Location")
}

func TestTheOutcomesPageWaitsForTheTruth(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, h := offline(t, "http://127.0.0.1:8739/callback")
		address := s.arrive(t, h)
		start := time.Now()
		w := serve(h, s.target.host(), address)
		require.Equal(t, firstHold, time.Since(start))
		require.Contains(t, w.Body.String(), "Your answer arrived")
		require.Contains(t, w.Body.String(), `http-equiv="refresh" content="1; url=`+address+`&amp;again"`)
		require.NotContains(t, w.Body.String(), "✓")

		got := make(chan *httptest.ResponseRecorder)
		go func() { got <- serve(h, s.target.host(), address+"&again") }()
		time.Sleep(10 * time.Second) // the bubble's: an exchange that takes long
		synctest.Wait()
		s.ShowOutcome(Outcome{OK: true, Title: "Zoom is linked", Text: "Stored.", Hint: "Close this window."})
		w = <-got
		require.Equal(t, firstHold+10*time.Second, time.Since(start), "shown at once")
		require.Contains(t, w.Body.String(), "Zoom is linked")
		require.NotContains(t, w.Body.String(), "refresh")
	})
}

func TestAFailureStays(t *testing.T) {
	t.Parallel()
	s, h := offline(t, "http://127.0.0.1:8739/callback")
	address := s.arrive(t, h)
	s.ShowOutcome(Outcome{Title: "The keyring is locked", Text: "why", Hint: "what to do"})
	for range 2 {
		page := serve(h, s.target.host(), address).Body.String()
		require.Contains(t, page, `<main class="bad">`)
		require.Contains(t, page, "✗")
		require.Contains(t, page, "Not done")
		require.Contains(t, page, "The keyring is locked")
		require.Contains(t, page, "what to do")
		require.NotContains(t, page, "refresh")
	}
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
		address := s.arrive(t, h)
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
		s.Linger(time.Minute)
		require.Zero(t, time.Since(start), "nobody waits")

		address := s.arrive(t, h)
		s.Linger(time.Minute)
		require.Zero(t, time.Since(start), "it is not known how it ended")
		s.ShowOutcome(Outcome{OK: true, Title: "Zoom is linked"})
		over := make(chan struct{})
		go func() { s.Linger(time.Minute); close(over) }()
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
		s.arrive(t, h)
		s.ShowOutcome(Outcome{OK: true, Title: "Zoom is linked"})
		start := time.Now()
		s.Linger(3 * time.Second) // the browser was closed
		require.Equal(t, 3*time.Second, time.Since(start))
		s.Close()
		s.Linger(time.Hour)
		require.Equal(t, 3*time.Second, time.Since(start))
	})
}

func TestBehindATunnelOnlyTheRedirectURIsPathIsUsed(t *testing.T) {
	t.Parallel()
	s := opened(t, Config{RedirectURI: "https://App.example.test/cronofy/answer", Listen: "127.0.0.1:0"})
	require.True(t, s.Listening())
	ask := func(target, host string) string {
		return rawRequest(t, s.addr, "GET "+target+" HTTP/1.1\r\nHost: "+host+"\r\nX-Forwarded-For: 192.0.2.7\r\n\r\n")
	}
	answer := "/cronofy/answer?code=c&state=" + s.cfg.States.Issue(answers)
	require.Equal(t, "421", status(ask(answer, s.addr)))
	require.Equal(t, "404", status(ask("/callback?code=c&state=x", "app.example.test")))
	require.Equal(t, "404", status(ask("/go/x", "app.example.test")))

	link := s.ShortURL("https://app.example.test/oauth/authorize")
	require.Regexp(t, `^http://127\.0\.0\.1:\d+/go/[a-z2-7]{26}$`, link)
	require.NotContains(t, link, s.addr)
	c := client()
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	require.Equal(t, "https://app.example.test/oauth/authorize", get(t, c, link).header.Get("Location"))
	require.Equal(t, http.StatusNotFound, get(t, c, link[:strings.Index(link, "/go/")]+"/cronofy/answer?code=c&state=s").status)

	back := ask(answer, "app.example.test:443")
	<-s.Answers()
	require.Contains(t, back, "Location: /cronofy/answer?done="+s.done+"\r\n")
	s.ShowOutcome(Outcome{OK: true, Title: "Zoom is linked"})
	require.Contains(t, ask("/cronofy/answer?done="+s.done, "app.example.test"), "Zoom is linked")
	require.Contains(t, ask("/cronofy/answer?done=other", "app.example.test"), "no longer does")
}

func TestTheWaitingPageBehindATunnelAsksAgainAtTheSamePath(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, h := offline(t, "https://app.example.test/answer")
		address := s.arrive(t, h)
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
	require.Empty(t, s.addr)
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
	require.Regexp(t, `^http://127\.0\.0\.1:8739/go/`, s.ShortURL("https://app.example.test/"))
	got := rawRequest(t, s.addr, "GET /callback?code=c&state="+s.cfg.States.Issue(answers)+" HTTP/1.1\r\nHost: 127.0.0.1:8739\r\n\r\n")
	require.Equal(t, "303", status(got))
}
