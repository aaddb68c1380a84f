package callback

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// hostile is one request and what becomes of it. HOST and STATE are replaced by
// the right ones.
type hostile struct {
	name, request string
	status        string
	page          page // empty: net/http answered
}

const good = "GET /callback?code=c&state=STATE HTTP/1.1\r\nHost: HOST\r\n"

func line(l string) string { return l + "\r\nHost: HOST\r\n\r\n" }

func with(header string) string { return good + header + "\r\n\r\n" }

func hostiles() []hostile { return append(notForUs(), notTheAnswer()...) }

// notForUs has the wrong name, path or method.
func notForUs() []hostile {
	return []hostile{
		{"DNS rebinding", "GET /callback?code=c&state=STATE HTTP/1.1\r\nHost: evil.test\r\n\r\n", "421", pageHost},
		{"another name", strings.Replace(good, "HOST", "localhost:8739", 1) + "\r\n", "421", pageHost},
		{"no port", strings.Replace(good, "HOST", "127.0.0.1", 1) + "\r\n", "421", pageHost},
		{"no Host", "GET /callback?code=c&state=STATE HTTP/1.1\r\n\r\n", "400", page{}},
		{"no Host, 1.0", "GET /callback?code=c&state=STATE HTTP/1.0\r\n\r\n", "421", pageHost},
		{"two Hosts", good + "Host: evil.test\r\n\r\n", "400", page{}},
		{"absolute form", "GET http://evil.test/callback?code=c&state=STATE HTTP/1.1\r\nHost: HOST\r\n\r\n", "421", pageHost},
		{"favicon", line("GET /favicon.ico HTTP/1.1"), "404", page{}},
		{"root", line("GET / HTTP/1.1"), "404", pageNowhere},
		{"deeper", line("GET /callback/?code=c&state=STATE HTTP/1.1"), "404", pageNowhere},
		{"double slash", line("GET //callback?code=c&state=STATE HTTP/1.1"), "404", pageNowhere},
		{"dots", line("GET /x/../callback?code=c&state=STATE HTTP/1.1"), "404", pageNowhere},
		{"case", line("GET /Callback?code=c&state=STATE HTTP/1.1"), "404", pageNowhere},
		{"unknown outcome", line("GET /callback?done=aaaa HTTP/1.1"), "404", pageNowhere},
		{"unknown link", line("GET /go/aaaa HTTP/1.1"), "404", pageLinkEnded},
		{"HEAD", line("HEAD /callback?code=c&state=STATE HTTP/1.1"), "405", pageMethod},
		{"POST", "POST /callback HTTP/1.1\r\nHost: HOST\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 20\r\n\r\ncode=c&state=STATE...", "405", pageMethod},
		{"POST with query", line("POST /callback?code=c&state=STATE HTTP/1.1"), "405", pageMethod},
		{"OPTIONS", line("OPTIONS /callback?code=c&state=STATE HTTP/1.1"), "405", pageMethod},
		{"OPTIONS *", line("OPTIONS * HTTP/1.1"), "404", pageNowhere},
		{"CONNECT", line("CONNECT HOST HTTP/1.1"), "404", pageNowhere},
		{"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "421", pageHost},
	}
}

// notTheAnswer comes to the right address.
func notTheAnswer() []hostile {
	return []hostile{
		{"TLS hello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", "400", page{}},
		{"image", with("Sec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: image"), "403", pageEmbedded},
		{"script", with("Sec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: script"), "403", pageEmbedded},
		{"fetch", with("Sec-Fetch-Mode: cors\r\nSec-Fetch-Dest: empty"), "403", pageEmbedded},
		{"frame", with("Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: iframe"), "403", pageEmbedded},
		{"prefetch", with("Sec-Purpose: prefetch;prerender"), "503", pagePrefetch},
		{"old prefetch", with("X-Moz: prefetch"), "503", pagePrefetch},
		{"no state", line("GET /callback?code=c HTTP/1.1"), "400", pageMalformed},
		{"error without state", line("GET /callback?error=access_denied HTTP/1.1"), "400", pageMalformed},
		{"wrong state", line("GET /callback?code=c&state=STATEx HTTP/1.1"), "400", pageStateUnknown},
		{"error with wrong state", line("GET /callback?error=access_denied&state=x HTTP/1.1"), "400", pageStateUnknown},
		{"two states", line("GET /callback?code=c&state=STATE&state=STATE HTTP/1.1"), "400", pageMalformed},
		{"two codes", line("GET /callback?code=c&code=d&state=STATE HTTP/1.1"), "400", pageMalformed},
		{"code and error", line("GET /callback?code=c&error=access_denied&state=STATE HTTP/1.1"), "400", pageMalformed},
		{"no code", line("GET /callback?state=STATE HTTP/1.1"), "400", pageMalformed},
		{"empty code", line("GET /callback?code=&state=STATE HTTP/1.1"), "400", pageMalformed},
		{"control characters in the code", line("GET /callback?code=%1b%5b2J&state=STATE HTTP/1.1"), "400", pageMalformed},
		{"semicolon", line("GET /callback?code=c;x&state=STATE HTTP/1.1"), "400", pageMalformed},
		{"broken percent in the code", line("GET /callback?code=c%&state=STATE HTTP/1.1"), "400", pageMalformed},
		{"broken percent in the state", line("GET /callback?code=c&state=STATE% HTTP/1.1"), "400", pageMalformed},
		{"header of 2 MiB", good + "Cookie: " + strings.Repeat("x", 2<<20) + "\r\n\r\n", "431", page{}},
		{"query of 64 KiB", line("GET /callback?state=STATE&code=" + strings.Repeat("x", 64<<10) + " HTTP/1.1"), "400", pageMalformed},
		{"query of 2 MiB", line("GET /callback?state=STATE&code=" + strings.Repeat("x", 2<<20) + " HTTP/1.1"), "431", page{}},
		{"line break in a header", good + "X: a\r\n\tb\x00\r\n\r\n", "400", page{}},
	}
}

func TestNoHostileRequestEndsTheWait(t *testing.T) {
	t.Parallel()
	s := opened(t, Config{})
	state, addr := s.cfg.States.Issue(answers), s.address(t)
	fill := strings.NewReplacer("HOST", addr, "STATE", state)
	for _, h := range hostiles() {
		reply := rawRequest(t, addr, fill.Replace(h.request))
		require.Equal(t, h.status, status(reply), h.name)
		require.NotContains(t, reply, "evil.test", h.name)
		if !strings.HasPrefix(h.request, "HEAD") {
			require.Contains(t, reply, h.page.Title, h.name)
		}
		require.Empty(t, s.answers, h.name)
	}
	require.Equal(t, "303", status(rawRequest(t, addr, fill.Replace(good+"\r\n"))))
	require.Equal(t, "c", (<-s.Answers()).Code.Reveal(), "the good one still wins")
}

func TestTenThousandRequestsAreToldSparingly(t *testing.T) {
	t.Parallel()
	var told atomic.Int32
	s := opened(t, Config{OnUnusable: func(error) { told.Add(1) }})
	state := s.cfg.States.Issue(answers)
	const each, workers = 1250, 8
	request := func(state string) string {
		return "GET /callback?code=c&state=" + state + " HTTP/1.1\r\nHost: " + s.addr + "\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n\r\n"
	}
	var wrong atomic.Int32
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for range each {
				if status(rawRequest(t, s.addr, request("wrong"))) == "400" {
					wrong.Add(1)
				}
			}
		})
	}
	var won string
	all.Go(func() { won = status(rawRequest(t, s.addr, request(state))) })
	all.Wait()
	require.Equal(t, "303", won)
	require.EqualValues(t, each*workers, wrong.Load())
	require.EqualValues(t, 1, told.Load())
	require.Equal(t, state, (<-s.Answers()).State)
	require.Empty(t, s.answers)
}

func TestAFloodOfSlowSendersDoesNotKeepTheAnswerOut(t *testing.T) {
	t.Parallel()
	s := opened(t, Config{})
	addr := s.address(t)
	for i := range 3 * silentLimit {
		c := dial(t, addr)
		if i%2 == 0 {
			_, err := io.WriteString(c, "GET /callback?code=x&sta")
			require.NoError(t, err)
		}
	}
	got := rawRequest(t, addr, "GET /callback?code=c&state="+s.cfg.States.Issue(answers)+" HTTP/1.1\r\nHost: "+addr+"\r\n\r\n")
	require.Equal(t, "303", status(got))
	require.Equal(t, "c", (<-s.Answers()).Code.Reveal())
}

func TestOneStateManyTimesAtOnceIsDeliveredOnce(t *testing.T) {
	t.Parallel()
	s := opened(t, Config{})
	address := s.come("code", "c", "state", s.cfg.States.Issue(answers))
	c := client()
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	var all sync.WaitGroup
	pages := make(chan string, 50)
	for range cap(pages) {
		all.Go(func() {
			got := get(t, c, address)
			pages <- fmt.Sprint(got.status, got.header.Get("Location"))
		})
	}
	all.Wait()
	close(pages)
	first := <-pages
	require.True(t, strings.HasPrefix(first, "303/callback?done="), first)
	for p := range pages {
		require.Equal(t, first, p, "each is sent to the same page")
	}
	require.Equal(t, "c", (<-s.Answers()).Code.Reveal())
	require.Empty(t, s.answers)
}

// TestOneAnswerIsTaken: a further one waits a little for what comes of it, is told the
// truth, and its state stays good, until all is done.
func TestOneAnswerIsTaken(t *testing.T) {
	t.Parallel()
	s := opened(t, Config{})
	h, one, two := s.servers[0].Handler, s.cfg.States.Issue(answers), s.cfg.States.Issue(answers)
	taken := serve(h, s.address(t), "/callback?code=c1&state="+one)
	further := func() *httptest.ResponseRecorder {
		return serve(h, s.address(t), "/callback?error=access_denied&state="+two)
	}
	require.Equal(t, "c1", (<-s.Answers()).Code.Reveal())
	require.Contains(t, further().Body.String(), "Your answer was not used, and it still counts.")
	time.AfterFunc(firstHold/10, func() { s.ShowOutcome(Outcome{OK: true, Title: "Zoom is linked"}) })
	require.Equal(t, taken.Header().Get("Location"), further().Header().Get("Location"))
	require.Empty(t, s.answers)
	require.NoError(t, s.cfg.States.Claim(two, answers))
}

// TestAGoodAnswerInBadCompany: what else stands in the request is no reason to
// lose the code.
func TestAGoodAnswerInBadCompany(t *testing.T) {
	t.Parallel()
	for name, request := range map[string]string{
		"broken percent":       line("GET /callback?utm=100%&code=c&state=STATE&x=%zz HTTP/1.1"),
		"broken percent, key":  line("GET /callback?code=c&%=1&state=STATE HTTP/1.1"),
		"semicolon":            line("GET /callback?a;b=1&code=c&state=STATE&x=1;2 HTTP/1.1"),
		"nothing between &":    line("GET /callback?&&code=c&state=STATE& HTTP/1.1"),
		"other parameters":     line("GET /callback?code=c&state=STATE&last_linked_profile_id=pro_1&iss=x HTTP/1.1"),
		"40 kB of cookies":     with("Cookie: " + strings.Repeat("a=b; ", 8000)),
		"700 kB of cookies":    with("Cookie: " + strings.Repeat("a=b; ", 140_000)),
		"description, broken":  line("GET /callback?code=c&state=STATE&error_description=100% HTTP/1.1"),
		"broken state, before": line("GET /callback?code=c&state=STATE&states=% HTTP/1.1"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := opened(t, Config{})
			fill := strings.NewReplacer("HOST", s.address(t), "STATE", s.cfg.States.Issue(answers))
			require.Equal(t, "303", status(rawRequest(t, s.addr, fill.Replace(request))))
			require.Equal(t, "c", (<-s.Answers()).Code.Reveal())
		})
	}
}

// address is the host:port that the server listens on.
func (s *Server) address(t *testing.T) string {
	t.Helper()
	u, err := url.Parse(s.cfg.RedirectURI)
	require.NoError(t, err)
	return u.Host
}

func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	c, err := new(net.Dialer).DialContext(t.Context(), "tcp", addr)
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// rawRequest sends bytes and gives all that comes back until the server closes.
// A reset after the answer is no failure: the server does not read everything.
func rawRequest(t *testing.T, addr, request string) string {
	t.Helper()
	c, err := new(net.Dialer).DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Error(err) // not require: also called beside the test's own goroutine
		return ""
	}
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		_, _ = io.WriteString(c, request)
	}()
	got, _ := io.ReadAll(c)
	_ = c.Close()
	<-sent
	return string(got)
}

func status(reply string) string {
	line, _, _ := strings.Cut(reply, "\r\n")
	_, code, _ := strings.Cut(line, " ")
	code, _, _ = strings.Cut(code, " ")
	return code
}
