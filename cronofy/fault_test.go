package cronofy

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// fault is one way in which Cronofy, or what lies between, misbehaves.
type fault struct {
	name     string
	answer   func(http.ResponseWriter, endpoint)
	attempts func(endpoint) int // how often the call is made
	check    func(*testing.T, endpoint, error)
}

func once(endpoint) int { return 1 }

func ifSafe(n int) func(endpoint) int {
	return func(e endpoint) int {
		if e.safe {
			return n
		}
		return 1
	}
}

func faults() []fault {
	all := []fault{
		{"HTML", func(w http.ResponseWriter, _ endpoint) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = io.WriteString(w, "<!DOCTYPE html><p>Welcome to the hotel")
		}, once, badAnswer("HTML instead of JSON", true)},
		{"HTML called JSON", func(w http.ResponseWriter, _ endpoint) { reply(w, 200, " <html>") }, once, badAnswer("HTML instead of JSON", true)},
		{"empty", func(w http.ResponseWriter, _ endpoint) { reply(w, 200, "") }, once, badAnswer("empty", false)},
		{"truncated JSON", func(w http.ResponseWriter, e endpoint) {
			reply(w, 200, `{"access_token":"x","sub":"y"`)
		}, once, badAnswer(noObject, false)},
		{"not JSON", func(w http.ResponseWriter, _ endpoint) { reply(w, 200, "OK then") }, once, badAnswer(noObject, false)},
		{"another shape", func(w http.ResponseWriter, _ endpoint) { reply(w, 200, `["x"]`) }, once, badAnswer(noObject, false)},
		{"reset", func(w http.ResponseWriter, _ endpoint) { hangUp(w, "") }, ifSafe(triesReset), network(NetworkReset)},
		{"reset within the head", func(w http.ResponseWriter, _ endpoint) { hangUp(w, "HTTP/1.1 200") }, ifSafe(triesReset), network(NetworkReset)},
	}
	for _, status := range []int{302, 400, 401, 402, 403, 404, 405, 422, 423, 501} {
		all = append(all, statusFault(status, once))
	}
	for _, status := range []int{500, 502, 503, 504} {
		all = append(all, statusFault(status, ifSafe(triesServer)))
	}
	return append(all, statusFault(429, func(endpoint) int { return triesRefused }))
}

func statusFault(status int, attempts func(endpoint) int) fault {
	return fault{
		"status " + strconv.Itoa(status),
		func(w http.ResponseWriter, _ endpoint) { reply(w, status, "<html>"+http.StatusText(status)) },
		attempts,
		func(t *testing.T, e endpoint, err error) {
			var refused *Error
			require.ErrorAs(t, err, &refused)
			require.Equal(t, Error{Op: e.op, Status: status}, *refused)
			require.Equal(t, status >= 500, AnswerLost(err))
		},
	}
}

// badAnswer expects a reason; calls that promise no body care for HTML only.
func badAnswer(reason string, evenIfNoBody bool) func(*testing.T, endpoint, error) {
	return func(t *testing.T, e endpoint, err error) {
		if e.good == "" && !evenIfNoBody {
			require.NoError(t, err)
			return
		}
		var bad *BadAnswerError
		require.ErrorAs(t, err, &bad)
		require.Equal(t, BadAnswerError{Op: e.op, Reason: reason}, *bad)
		require.True(t, AnswerLost(err))
	}
}

func network(kind NetworkKind) func(*testing.T, endpoint, error) {
	return func(t *testing.T, e endpoint, err error) {
		var n *NetworkError
		require.ErrorAs(t, err, &n)
		require.Equal(t, e.op, n.Op)
		require.Equal(t, kind, n.Kind, "%v", err)
		require.Contains(t, n.Host, "127.0.0.1:")
		require.True(t, AnswerLost(err))
		require.NotContains(t, err.Error(), prefix)
	}
}

// hangUp resets the connection, after some first bytes.
func hangUp(w http.ResponseWriter, first string) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	_, _ = io.WriteString(conn, first)
	if first == "" {
		_ = conn.(*net.TCPConn).SetLinger(0)
	}
	_ = conn.Close()
}

func TestEveryFaultOnEveryCall(t *testing.T) {
	t.Parallel()
	for _, e := range endpoints() {
		for _, f := range faults() {
			t.Run(e.op+"/"+f.name, func(t *testing.T) {
				t.Parallel()
				c, mux := setup(t, Options{})
				var calls atomic.Int32
				mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
					calls.Add(1)
					f.answer(w, e)
				})
				err := e.call(t.Context(), c)
				require.Equal(t, f.attempts(e), int(calls.Load()), "attempts")
				f.check(t, e, err)
			})
		}
	}
}

// A body that ends before its announced length may be chance.
func TestBrokenBody(t *testing.T) {
	t.Parallel()
	for _, e := range endpoints() {
		t.Run(e.op, func(t *testing.T) {
			t.Parallel()
			c, mux := setup(t, Options{})
			calls := 0
			mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
				calls++
				hangUp(w, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{\"sub\":")
			})
			err := e.call(t.Context(), c)
			if e.good == "" {
				require.NoError(t, err)
				return
			}
			var bad *BadAnswerError
			require.ErrorAs(t, err, &bad)
			require.Equal(t, "cut short", bad.Reason)
			require.Equal(t, ifSafe(triesReset)(e), calls)
		})
	}
}

// transport answers in the test's own bubble of time.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func bubble(f transport, o Options) *Client {
	o.HTTP, o.Limiter = cmp.Or(o.HTTP, &http.Client{Transport: f}), cmp.Or(o.Limiter, NewLimiter(0, 0))
	return New(Site{API: "https://api.example.test"}, testApp(), o)
}

func TestSlowAnswers(t *testing.T) {
	t.Parallel()
	for _, e := range endpoints() {
		t.Run(e.op, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				calls := 0
				c := bubble(func(r *http.Request) (*http.Response, error) {
					calls++
					<-r.Context().Done()
					return nil, r.Context().Err()
				}, Options{})
				err := e.call(t.Context(), c)
				var n *NetworkError
				require.ErrorAs(t, err, &n)
				require.Equal(t, NetworkTimeout, n.Kind)
				require.NotErrorIs(t, err, context.DeadlineExceeded, "that is for the caller's own context")
				require.True(t, AnswerLost(err))
				require.Equal(t, ifSafe(triesTimeout)(e), calls)
			})
		})
	}
}

func TestTheCallersContextWins(t *testing.T) {
	t.Parallel()
	for _, e := range endpoints() {
		t.Run(e.op, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := bubble(func(r *http.Request) (*http.Response, error) {
					<-r.Context().Done()
					return nil, fmt.Errorf("read tcp: %w", io.ErrClosedPipe)
				}, Options{})
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				err := e.call(ctx, c)
				require.ErrorIs(t, err, context.DeadlineExceeded)
				require.ErrorContains(t, err, e.op)
				require.True(t, AnswerLost(err), "it was under way")

				ctx, cancel = context.WithCancel(t.Context())
				cancel()
				err = e.call(ctx, c)
				require.ErrorIs(t, err, context.Canceled)
				require.False(t, AnswerLost(err), "it never went out")
			})
		})
	}
}

func TestTheTimeLimitIsOfOneAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := bubble(nil, Options{HTTP: &http.Client{Timeout: 5 * time.Second, Transport: transport(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})}})
		start := time.Now()
		_, err := c.Refresh(t.Context(), NewSecret("rT1"))
		require.ErrorContains(t, err, "refresh token: api.example.test: timeout")
		require.Equal(t, 5*time.Second, time.Since(start))
	})
}
