package delegated

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"confer/cronofy"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	secret = "CRN_exampleClientSecret0000000000000000000"
	base   = "https://hooks.example.test/cronofy"
)

// fake is a Cronofy that is told what to answer.
type fake struct {
	Client
	request  func(token string, reqs []cronofy.DelegatedAccess) error // nil: accepted
	exchange func(code, uri string) (cronofy.Token, error)            // nil: the token is "at-" and the code

	mu       sync.Mutex
	requests [][]cronofy.DelegatedAccess
	asked    chan cronofy.DelegatedAccess // each accepted one
}

func newFake() *fake { return &fake{asked: make(chan cronofy.DelegatedAccess, 100_000)} }

func (f *fake) RequestDelegatedAccess(_ context.Context, token cronofy.Secret, reqs []cronofy.DelegatedAccess) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.requests = append(f.requests, reqs)
	if f.request != nil {
		if err := f.request(token.Reveal(), reqs); err != nil {
			return err
		}
	}
	for _, r := range reqs {
		f.asked <- r
	}
	return nil
}

func (f *fake) Exchange(_ context.Context, code cronofy.Secret, uri string) (cronofy.Token, error) {
	if f.exchange != nil {
		return f.exchange(code.Reveal(), uri)
	}
	return cronofy.Token{AccessToken: cronofy.NewSecret("at-" + code.Reveal())}, nil
}

func (f *fake) calls() [][]cronofy.DelegatedAccess {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.requests
}

func config(f *fake) Config {
	callback, err := CallbackURL(base)
	if err != nil {
		panic(err)
	}
	return Config{
		Client: f, ClientSecret: cronofy.NewSecret(secret), CallbackURL: callback, Listener: memory(), Scope: "read_write",
		ServiceToken: NewServiceToken(cronofy.NewSecret("st"), nil), Timeout: 5 * time.Minute, Report: func(Refusal) {},
	}
}

func open(t *testing.T, cfg Config, emails ...string) *Receiver {
	t.Helper()
	d := Open(t.Context(), cfg, emails)
	t.Cleanup(d.Close)
	return d
}

// fatal is the error that ended all asking; nil: there was none.
func fatal(d *Receiver) error {
	if cause := context.Cause(d.ctx); !errors.Is(cause, ErrClosed) {
		return cause
	}
	return nil
}

func people(n int) []string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf("person-%d@example.test", i))
	}
	return all
}

// result is what Access gave for an address.
type result struct {
	token string
	err   error
}

// access asks for all addresses at once and gives their results in order.
func access(ctx context.Context, d *Receiver) func() []result {
	all := make([]result, len(d.emails))
	var wg sync.WaitGroup
	for i := range all {
		wg.Go(func() {
			token, err := d.Access(ctx, i)
			all[i] = result{token.AccessToken.Reveal(), err}
		})
	}
	return func() []result { wg.Wait(); return all }
}

func sign(secret, body string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(body))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// post sends a webhook to the handler, as a proxy in front of it would.
func post(d *Receiver, url, body, header string) int {
	r := httptest.NewRequest(http.MethodPost, "/"+url[strings.LastIndexByte(url, '/')+1:], strings.NewReader(body))
	if header != "" {
		r.Header.Set(cronofy.HMACHeader, header)
	}
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	return w.Code
}

func codeBody(code string) string {
	return `{"authorization":{"code":"` + code + `","state":"x"}}`
}

var errTest = errors.New("test")

func apiError(status int, fields ...string) error {
	e := &cronofy.Error{Op: "request delegated access", Status: status, Fields: map[string][]string{}}
	for _, f := range fields {
		e.Fields[f] = []string{"invalid"}
	}
	return e
}

func body(t *testing.T, r *http.Response) string {
	t.Helper()
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	return string(bytes.TrimSpace(b))
}

// memoryListener takes connections made of pipes, so that a bubble's clock can
// go on while nothing else happens.
type memoryListener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func memory() *memoryListener {
	return &memoryListener{conns: make(chan net.Conn), closed: make(chan struct{})}
}

func (m *memoryListener) Accept() (net.Conn, error) {
	select {
	case c := <-m.conns:
		return c, nil
	case <-m.closed:
		return nil, net.ErrClosed
	}
}

func (m *memoryListener) Close() error { m.once.Do(func() { close(m.closed) }); return nil }

func (m *memoryListener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8080} }

// dial gives the sender's end of a connection.
func (m *memoryListener) dial() net.Conn {
	ours, theirs := net.Pipe()
	m.conns <- theirs
	return ours
}
