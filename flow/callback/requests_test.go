package callback

import (
	"bufio"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// serve asks a handler without a network.
func serve(h http.Handler, host, target string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, target, nil)
	r.Host = host
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestEachWrongStateHasItsOwnWords(t *testing.T) {
	t.Parallel()
	states := NewStates()
	var told []error
	s := opened(t, Config{States: states, OnUnusable: func(err error) { told = append(told, err) }})
	h := s.servers[0].Handler
	used := states.Issue(answers)
	require.NoError(t, states.Claim(used, answers)) // by a paste
	for _, c := range []struct {
		state, words string
		err          error
	}{
		{used, "already received", ErrStateUsed},
		{NewStates().Issue(answers), "for another approval link", ErrStateEarlierRun},
		{states.Issue("other answers"), "for another approval link", ErrStateOtherAnswers},
	} {
		w := serve(h, s.address(t), "/callback?code=secret-code&state="+c.state)
		require.Equal(t, 400, w.Code)
		require.Contains(t, w.Body.String(), c.words)
		require.NotContains(t, w.Body.String(), "secret-code")
		require.ErrorIs(t, told[len(told)-1], c.err)
	}
	require.Empty(t, s.answers)
}

func TestEveryPageIsGuarded(t *testing.T) {
	t.Parallel()
	s := opened(t, Config{})
	h, addr := s.servers[0].Handler, s.address(t)
	link := strings.TrimPrefix(s.ShortURL("https://app.example.test/oauth/authorize?x=1"), "http://"+addr)
	back := serve(h, addr, "/callback?code=c&state="+s.cfg.States.Issue(answers))
	for name, w := range map[string]*httptest.ResponseRecorder{
		"answer": back, "wrong state": serve(h, addr, "/callback?code=c&state=x"), "link": serve(h, addr, link),
		"waiting": serve(h, addr, back.Header().Get("Location")), "path": serve(h, addr, "/x"), "host": serve(h, "evil.test", "/"),
	} {
		require.Equal(t, "no-store", w.Header().Get("Cache-Control"), name)
		require.Equal(t, "no-referrer", w.Header().Get("Referrer-Policy"), name)
		require.Equal(t, "nosniff", w.Header().Get("X-Content-Type-Options"), name)
		if w.Code == http.StatusSeeOther {
			require.Empty(t, w.Body.String(), name)
			continue
		}
		require.Regexp(t, `^default-src 'none'; img-src data:; base-uri 'none'; .*style-src 'sha256-[^']+'$`, w.Header().Get("Content-Security-Policy"), name)
		require.Contains(t, w.Body.String(), `<html lang="en">`, name)
		require.NotContains(t, w.Body.String(), "<script", name)
	}
}

func TestAnErrorFromOutsideIsCleanedForTerminalAndPage(t *testing.T) {
	t.Parallel()
	s := opened(t, Config{})
	h := s.servers[0].Handler
	long := strings.Repeat("z", 4*maxDescription)
	serve(h, s.address(t), "/callback?error=access_denied%1b%5d52;c;aGk%07&error_description=%1b%5b2Jno%0d%0a%9b31m%c2%9b%e2%80%ae<script>alert(1)</script>"+long+"&state="+s.cfg.States.Issue(answers))
	require.Empty(t, s.answers, "a semicolon is not escaped: not an answer")
	back := serve(h, s.address(t), "/callback?error=access_denied%1b%5d52%3bc%3baGk%07&error_description=%1b%5b2Jno%0d%0a%9b31m%c2%9b%e2%80%ae<script>alert(1)</script>"+long+"&state="+s.cfg.States.Issue(answers))
	a := <-s.Answers()
	require.Equal(t, "access_denied", a.Error)
	require.NotRegexp(t, `[\x00-\x1f\x7f\x{80}-\x{9f}\x{202e}]`, a.Description)
	require.LessOrEqual(t, len([]rune(a.Description)), maxDescription)

	s.ShowOutcome(Outcome{Title: "Access was refused", Text: a.Description})
	page := serve(h, s.address(t), back.Header().Get("Location")).Body.String()
	require.Contains(t, page, "Access was refused")
	require.Contains(t, page, "&lt;script&gt;")
	require.NotContains(t, page, "<script")
}

func TestTheShortLinkLeadsOnAndUsesNothingUp(t *testing.T) {
	t.Parallel()
	s := opened(t, Config{})
	const target = "https://app.example.test/oauth/authorize?ou_link_token=oult_secret"
	one, two := s.ShortURL(target), s.ShortURL(target+"2")
	require.NotEqual(t, one, two)
	require.NotContains(t, one, "oult")
	require.Equal(t, "http://"+s.address(t)+"/go/", one[:strings.LastIndex(one, "/")+1])
	h, path := s.servers[0].Handler, strings.TrimPrefix(one, "http://"+s.address(t))

	for _, header := range [][]string{{"Sec-Purpose", "prefetch"}, {"Sec-Fetch-Dest", "image"}, {"Purpose", "prefetch"}} {
		require.Empty(t, serve(h, s.address(t), path, header...).Header().Get("Location"))
	}
	head := httptest.NewRequest(http.MethodHead, path, nil)
	head.Host = s.address(t)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, head)
	require.Equal(t, http.StatusMethodNotAllowed, w.Code)

	for range 3 { // reload, a second tab: it works until the attempt ends
		w := serve(h, s.address(t), path)
		require.Equal(t, http.StatusSeeOther, w.Code)
		require.Equal(t, target, w.Header().Get("Location"))
	}
	require.Equal(t, target+"2", serve(h, s.address(t), strings.TrimPrefix(two, "http://"+s.address(t))).Header().Get("Location"))
}

// FuzzCallback sends whole requests to the handler: without a valid state
// nothing is delivered, and nothing of the request comes back.
func FuzzCallback(f *testing.F) {
	for _, h := range hostiles() {
		if len(h.request) < 1000 {
			f.Add(h.request)
		}
	}
	f.Add(good + "\r\n")
	t, err := parseTarget("http://127.0.0.1:8739/callback")
	require.NoError(f, err)
	f.Fuzz(func(tt *testing.T, raw string) {
		s := newServer(Config{States: NewStates(), Answers: answers}, t)
		state := s.cfg.States.Issue(answers)
		raw = strings.NewReplacer("HOST", "127.0.0.1:8739", "STATE", state).Replace(raw)
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(raw)))
		if err != nil {
			return
		}
		w := httptest.NewRecorder()
		s.gate(t.host(), s.serveCallback).ServeHTTP(w, r)
		if w.Code == http.StatusSeeOther {
			require.Equal(tt, state, (<-s.Answers()).State)
			require.Equal(tt, state, r.URL.Query().Get("state"))
			require.Equal(tt, "127.0.0.1:8739", strings.ToLower(r.Host))
			return
		}
		require.Empty(tt, s.answers)
		require.GreaterOrEqual(tt, w.Code, 400)
		require.NotContains(tt, w.Body.String(), state)
	})
}
