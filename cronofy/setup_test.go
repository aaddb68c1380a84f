package cronofy

import (
	"cmp"
	"context"
	"crypto/x509"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	_ "confer/internal/golden" // knows -update
)

const (
	clientID     = "k3Hn2cWq9ZrT5vXy7LbD"
	clientSecret = "CRN_exampleClientSecret0000000000000000000"
	accessToken  = "aT7Qm2Zx9Lk4Wv8Nc3Rb6Yp1Hd5Gs0Jf"
	prefix       = "/some/prefix" // so that a path put together wrongly is noticed
)

// setup serves mux below a path prefix and gives a client for it. Pauses pass at
// once unless an option says otherwise.
func setup(t *testing.T, o Options) (*Client, *http.ServeMux) {
	t.Helper()
	mux := http.NewServeMux()
	outer := http.NewServeMux()
	outer.Handle(prefix+"/", http.StripPrefix(prefix, mux))
	outer.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		t.Errorf("%s is outside the base path: the base URL's path was dropped", r.URL.Path)
		http.NotFound(w, r)
	})
	server := httptest.NewServer(outer)
	h, err := NewHTTPClient("")
	require.NoError(t, err)
	t.Cleanup(func() { h.CloseIdleConnections(); server.Close() })
	o.HTTP, o.Limiter = cmp.Or(o.HTTP, h), cmp.Or(o.Limiter, byClock(newFakeClock()))
	return New(testSite(server.URL), testApp(), o), mux
}

// route is how a test's client reaches a host.
type route struct {
	CAFile      string
	DialContext dialer                                // nil: as usual
	Proxy       func(*http.Request) (*url.URL, error) // nil: as usual
}

func (r route) httpClient(t *testing.T) *http.Client {
	t.Helper()
	h, err := NewHTTPClient(r.CAFile)
	require.NoError(t, err)
	t.Cleanup(h.CloseIdleConnections)
	if transport := h.Transport.(*http.Transport); r.DialContext != nil {
		transport.DialContext = r.DialContext
	}
	if r.Proxy != nil {
		h.Transport.(*http.Transport).Proxy = Proxied(r.Proxy)
	}
	return h
}

// byClock has a client pause by a clock.
func byClock(k interface {
	Now() time.Time
	Sleep(context.Context, time.Duration) error
}) *Limiter {
	return NewLimiter(0, 0).WithClock(k.Now, k.Sleep)
}

func testSite(url string) Site { return Site{API: url + prefix, App: url + prefix} }

func testApp() App { return App{ClientID: clientID, ClientSecret: NewSecret(clientSecret)} }

// fakeClock's time passes only by sleeping.
type fakeClock struct {
	mu    sync.Mutex
	now   time.Time
	slept []time.Duration
}

func newFakeClock() *fakeClock {
	return &fakeClock{now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)}
}

func (c *fakeClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *fakeClock) Sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	c.slept = append(c.slept, d)
	return ctx.Err()
}

func (c *fakeClock) pauses() []time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.slept)
}

func testJSON(t *testing.T, r *http.Request, want string) {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil || !json.Valid(b) {
		t.Errorf("body %q is not JSON (%v)", b, err)
		return
	}
	if got := canonical(t, string(b)); got != canonical(t, want) {
		t.Errorf("body %s, want %s", got, want)
	}
	if got := r.Header.Get("Content-Type"); got != "application/json; charset=utf-8" {
		t.Errorf("content type %q", got)
	}
}

func canonical(t *testing.T, s string) string {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(s), &v); err != nil {
		t.Errorf("%q: %v", s, err)
	}
	b, _ := json.Marshal(v)
	return string(b)
}

// requireSame is for handlers, which must not end a test from their goroutine.
func requireSame[T any](t *testing.T, want, got T) {
	t.Helper()
	if !reflect.DeepEqual(want, got) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func readAll(r *http.Request) string {
	b, _ := io.ReadAll(r.Body)
	return string(b)
}

func reply(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.Copy(w, strings.NewReader(body))
}

func quiet() *log.Logger { return log.New(io.Discard, "", 0) }

func systemRoots() *x509.CertPool {
	roots, err := x509.SystemCertPool()
	if err != nil {
		return x509.NewCertPool()
	}
	return roots
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
