package callback

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

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
		RedirectURI: "http://127.0.0.1:8739/callback", States: NewStates(nil), Answers: answers,
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
		require.Less(t, closing(s), closeLimit, "cut, not waited for")
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
		address, _ := s.arrive(t, s.doors[0].srv.Handler)
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
		require.Equal(t, readLimit, time.Since(start))
		require.NoError(t, c.Close())
		<-over
		s.Close()
	})
}

func TestTheLongHoldOutlastsTheServersLimits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, p := piped(t)
		address, id := s.arrive(t, s.doors[0].srv.Handler)
		c := p.dial()
		page := make(chan string, 1)
		go func() {
			_, _ = io.WriteString(c, "GET "+address+"?again HTTP/1.1\r\nHost: 127.0.0.1:8739\r\n\r\n")
			got, _ := io.ReadAll(c)
			page <- string(got)
		}()
		time.Sleep(againHold - time.Second) // beyond readLimit and writeLimit
		s.Settle(id, Outcome{OK: true, Title: "Zoom is linked"})
		require.Contains(t, <-page, "Zoom is linked")
		require.NoError(t, c.Close())
		s.Close()
	})
}

func TestClosedTwiceAndOpenedAgainOnTheSamePort(t *testing.T) {
	t.Parallel()
	s := opened(t, Config{})
	dial(t, s.Addr()) // silent
	redirect := s.RedirectURI()
	s.Close()
	s.Close()
	again := opened(t, Config{RedirectURI: redirect, States: s.cfg.States})
	require.Equal(t, redirect, again.RedirectURI())
	got := get(t, client(), again.come("state", "x"))
	require.Equal(t, http.StatusBadRequest, got.status)
}

func TestTheBrowserHasItsAnswerBeforeTheCallerHas(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, p := piped(t)
		c := p.dial()
		_, err := io.WriteString(c, "GET /callback?code=c&state="+s.cfg.States.Issue(answers)+" HTTP/1.1\r\nHost: 127.0.0.1:8739\r\n\r\n")
		require.NoError(t, err)
		synctest.Wait()
		require.Empty(t, s.answers, "the redirect is not read yet")
		_, err = io.ReadAll(c)
		require.NoError(t, err)
		require.Equal(t, "c", (<-s.Answers()).Code.Reveal())
		require.NoError(t, c.Close())
		s.Close()
	})
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
