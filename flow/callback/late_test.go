package callback

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
)

// TestTheAnswerOnItsWayIsWaitedFor: its state is used up already.
func TestTheAnswerOnItsWayIsWaitedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, p := piped(t)
		c := p.dial()
		go func() {
			_, _ = c.Write([]byte("GET /callback?code=c&state=" + s.cfg.States.Issue(answers) + " HTTP/1.1\r\nHost: 127.0.0.1:8739\r\n\r\n"))
		}()
		synctest.Wait()
		require.Empty(t, s.answers, "the redirect is not read yet")
		got := make(chan Answer, 1)
		go func() { a, _ := s.Next(Outcome{}); got <- a }()
		synctest.Wait()
		require.NoError(t, c.Close())
		require.Equal(t, "c", (<-got).Code.Reveal())
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
		_, more := s.Next(Outcome{OK: ok, Title: "How it ended", Text: "t", Hint: "h"})
		require.False(t, more)
		w := serve(h, s.target.host(), "/callback?code=secret-code&state="+state)
		if ok {
			require.Equal(t, http.StatusSeeOther, w.Code)
			require.Contains(t, serve(h, s.target.host(), w.Header().Get("Location")).Body.String(), "How it ended")
			require.Contains(t, serve(h, s.target.host(), link).Body.String(), "How it ended")
		} else {
			require.Equal(t, http.StatusServiceUnavailable, w.Code)
			require.Contains(t, w.Body.String(), "How it ended")
			require.Contains(t, serve(h, s.target.host(), link).Body.String(), "This link has ended")
		}
		require.NotContains(t, w.Body.String(), "secret-code")
		require.Empty(t, s.answers)
		require.Equal(t, 1, s.Strays()[StrayLate])
		require.NoError(t, s.cfg.States.Claim(state, answers), "its state stays good")
	}
}

// TestWhoIsToldOfStrays: a person's window is, and not what other programs ask.
func TestWhoIsToldOfStrays(t *testing.T) {
	t.Parallel()
	window := []string{"Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}
	for name, c := range map[string]struct {
		host, target string
		header       []string
		err          error
		person       bool
	}{
		"wrong host, right state":      {"10.0.0.7", "/answer?code=c&state=STATE", nil, ErrHost, true},
		"wrong host in a window":       {"10.0.0.7", "/answer?code=c", window, ErrHost, true},
		"wrong host, health check":     {"10.0.0.7", "/answer", nil, ErrHost, false},
		"wrong host, scanner":          {"10.0.0.7", "/answer?code=c&state=x", nil, ErrHost, false},
		"no answer in a right state":   {"app.example.test", "/answer?state=STATE", nil, ErrMalformed, true},
		"no state, window":             {"app.example.test", "/answer?code=c", window, ErrStateMissing, true},
		"no state, program":            {"app.example.test", "/answer?code=c", nil, ErrStateMissing, false},
		"no answer at all, window":     {"app.example.test", "/answer", window, ErrStateMissing, false},
		"unknown state, window":        {"app.example.test", "/answer?code=c&state=x", window, ErrStateUnknown, true},
		"unknown state, program":       {"app.example.test", "/answer?code=c&state=x", nil, ErrStateUnknown, false},
		"unknown state, looking ahead": {"app.example.test", "/answer?code=c&state=x", append([]string{"Sec-Purpose", "prefetch"}, window...), nil, false},
		"another run's":                {"app.example.test", "/answer?code=c&state=" + NewStates(nil).Issue(answers), nil, ErrStateEarlierRun, true},
	} {
		s, h := offline(t, "https://app.example.test/answer")
		var told []Stray
		s.strays.tell = func(x Stray) { told = append(told, x) }
		for range 3 { // noise before does not use a person's turn up
			serve(h, c.host, "/answer?code=c&state=noise")
			serve(h, c.host, "/answer?code=c")
		}
		told = nil
		serve(h, c.host, strings.Replace(c.target, "STATE", s.cfg.States.Issue(answers), 1), c.header...)
		if c.person {
			require.Len(t, told, 1, name)
			require.True(t, told[0].Person, name)
			require.ErrorIs(t, told[0].Err, c.err, name)
			continue
		}
		for _, x := range told {
			require.False(t, x.Person, name)
		}
	}
}
