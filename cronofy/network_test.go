package cronofy

import (
	"context"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"confer/internal/freeport"
)

type dialer = func(context.Context, string, string) (net.Conn, error)

// client makes a client for a host that only the options lead to.
func clientFor(t *testing.T, api string, o HTTPOptions) *Client {
	t.Helper()
	h, err := NewHTTPClient(o)
	require.NoError(t, err)
	t.Cleanup(h.CloseIdleConnections)
	return New(Site{API: api}, testApp(), WithHTTPClient(h), WithLimiter(nil), WithClock(newFakeClock()))
}

// tlsServer answers userinfo with a certificate for example.com that no system trusts.
func tlsServer(t *testing.T) (address, caFile string) {
	t.Helper()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requireSame(t, "/v1/userinfo", r.URL.Path)
		reply(w, 200, `{"sub":"acc_1"}`)
	}))
	s.Config.ErrorLog = quiet()
	s.StartTLS()
	t.Cleanup(s.Close)
	caFile = filepath.Join(t.TempDir(), "ca.pem")
	b := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	require.NoError(t, os.WriteFile(caFile, b, 0o600))
	return s.Listener.Addr().String(), caFile
}

func to(address string) dialer {
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, address)
	}
}

func noProxy(*http.Request) (*url.URL, error) { return nil, nil }

func TestCAFile(t *testing.T) {
	t.Parallel()
	address, ca := tlsServer(t)
	c := clientFor(t, "https://api.example.com", HTTPOptions{CAFile: ca, DialContext: to(address), Proxy: noProxy})
	_, err := c.UserInfo(t.Context(), NewSecret(accessToken))
	require.NoError(t, err)

	c = clientFor(t, "https://api.example.com", HTTPOptions{DialContext: to(address), Proxy: noProxy})
	_, err = c.UserInfo(t.Context(), NewSecret(accessToken))
	var n *NetworkError
	require.ErrorAs(t, err, &n)
	require.Equal(t, NetworkTLS, n.Kind)
	require.Equal(t, "O=Acme Co", n.Issuer)
	require.False(t, AnswerLost(err))
	require.ErrorContains(t, err, "read userinfo: api.example.com: tls (certificate issued by O=Acme Co)")

	c = clientFor(t, "https://api.example.org", HTTPOptions{CAFile: ca, DialContext: to(address), Proxy: noProxy})
	_, err = c.UserInfo(t.Context(), NewSecret(accessToken))
	require.ErrorAs(t, err, &n)
	require.Equal(t, NetworkTLS, n.Kind, "a certificate for another name")
}

func TestCAFileIsAddedToTheSystemsRoots(t *testing.T) {
	t.Parallel()
	_, ca := tlsServer(t)
	system, err := trustedRoots("")
	require.NoError(t, err)
	require.Nil(t, system, "nil means the system's")
	with, err := trustedRoots(ca)
	require.NoError(t, err)
	b, err := os.ReadFile(ca)
	require.NoError(t, err)
	want := systemRoots()
	require.True(t, want.AppendCertsFromPEM(b))
	require.True(t, want.Equal(with))
}

func TestBadCAFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	text := filepath.Join(dir, "text.pem")
	require.NoError(t, os.WriteFile(text, []byte("no certificate"), 0o600))
	for _, file := range []string{text, dir, filepath.Join(dir, "missing.pem")} {
		_, err := NewHTTPClient(HTTPOptions{CAFile: file})
		require.ErrorContains(t, err, "CA file: ")
	}
	_, err := NewHTTPClient(HTTPOptions{CAFile: filepath.Join(dir, "missing.pem")})
	require.ErrorIs(t, err, os.ErrNotExist)
}

// connectProxy tunnels every CONNECT to address, or refuses with status.
func connectProxy(t *testing.T, address string, status int) *url.URL {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requireSame(t, http.MethodConnect, r.Method)
		requireSame(t, "api.example.com:443", r.Host)
		if status != 200 {
			http.Error(w, "no", status)
			return
		}
		tunnel(t, w, address)
	}))
	t.Cleanup(s.Close)
	u, err := url.Parse(s.URL)
	require.NoError(t, err)
	u.User = url.UserPassword("amara", "hunter2")
	return u
}

func tunnel(t *testing.T, w http.ResponseWriter, address string) {
	up, err := net.Dial("tcp", address)
	if err != nil {
		t.Error(err)
		return
	}
	down, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		t.Error(err)
		return
	}
	_, _ = io.WriteString(down, "HTTP/1.1 200 Connection established\r\n\r\n")
	go func() {
		_, _ = io.Copy(up, down)
		_ = up.Close()
	}()
	_, _ = io.Copy(down, up)
	_ = down.Close()
}

func TestProxy(t *testing.T) {
	t.Parallel()
	address, ca := tlsServer(t)
	gone := &url.URL{Scheme: "http", Host: closedPort(t), User: url.UserPassword("amara", "hunter2")}
	refusing := connectProxy(t, address, http.StatusProxyAuthRequired)
	unusable := "the proxy's address cannot be used"
	for name, test := range map[string]struct {
		proxy  *url.URL
		err    error
		ca     string
		kind   NetworkKind // empty: it works
		text   string
		status int
		why    NetworkKind
	}{
		"works":    {connectProxy(t, address, 200), nil, ca, "", "", 0, ""},
		"refuses":  {refusing, nil, ca, NetworkProxy, "through proxy " + refusing.Host + ": proxy: the proxy answered 407 Proxy Authentication Required", 407, ""},
		"gone":     {gone, nil, ca, NetworkProxy, "through proxy " + gone.Host + ": proxy: ", 0, NetworkRefused},
		"unusable": {nil, errors.New(`invalid proxy address "http://amara:hunter2@:x"`), ca, NetworkProxy, unusable, 0, ""},
		"no host":  {&url.URL{Scheme: "http", Host: "http:", Path: "//amara:hunter2@bad host:x"}, nil, ca, NetworkProxy, unusable, 0, ""},
		"no proxy": {&url.URL{Scheme: "ftp", Host: "proxy.example.test"}, nil, ca, NetworkProxy, unusable, 0, ""},
		"inspects": {connectProxy(t, address, 200), nil, "", NetworkTLS, "certificate issued by O=Acme Co", 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pick := func(*http.Request) (*url.URL, error) { return test.proxy, test.err }
			c := clientFor(t, "https://api.example.com", HTTPOptions{CAFile: test.ca, Proxy: pick})
			_, err := c.UserInfo(t.Context(), NewSecret(accessToken))
			if test.kind == "" {
				require.NoError(t, err)
				return
			}
			var n *NetworkError
			require.ErrorAs(t, err, &n)
			require.Equal(t, test.kind, n.Kind, "%v", err)
			require.Equal(t, "api.example.com", n.Host)
			require.Equal(t, test.status, n.ProxyStatus)
			require.Equal(t, test.why, n.ProxyKind)
			require.ErrorContains(t, err, test.text)
			require.NotContains(t, fmt.Sprintf("%v %+v %#v", err, n, n.Err), "hunter2")
			require.False(t, AnswerLost(err))
		})
	}
}

func TestLoopbackIsAlwaysDirect(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { reply(w, 200, `{"sub":"acc_1"}`) }))
	t.Cleanup(s.Close)
	u, err := url.Parse(s.URL)
	require.NoError(t, err)
	never := func(r *http.Request) (*url.URL, error) {
		t.Errorf("proxy asked about %s", r.URL.Host)
		return nil, nil
	}
	for _, host := range []string{"127.0.0.1", "localhost", "LOCALHOST", "127.8.8.8", "[::1]"} {
		c := clientFor(t, "http://"+host+":"+u.Port(), HTTPOptions{Proxy: never, DialContext: to(u.Host)})
		_, err := c.UserInfo(t.Context(), NewSecret(accessToken))
		require.NoError(t, err)
	}
}

func closedPort(t *testing.T) string {
	t.Helper()
	addr, err := freeport.Address()
	require.NoError(t, err)
	return addr
}

func TestNothingListens(t *testing.T) {
	t.Parallel()
	address := closedPort(t)
	c := clientFor(t, "http://"+address, HTTPOptions{})
	_, err := c.Exchange(t.Context(), NewSecret("code"), "http://127.0.0.1:8739/callback")
	var n *NetworkError
	require.ErrorAs(t, err, &n)
	require.Equal(t, NetworkRefused, n.Kind)
	require.Equal(t, address, n.Host)
	require.False(t, AnswerLost(err), "the code is still good")
}

func TestNetworkErrors(t *testing.T) {
	t.Parallel()
	dial := func(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }
	for name, test := range map[string]struct {
		err  error
		kind NetworkKind
		sent bool
	}{
		"unknown host":   {dial(&net.DNSError{Err: "no such host", Name: "api.example.test", IsNotFound: true}), NetworkDNS, false},
		"slow DNS":       {dial(&net.DNSError{Err: "timeout", Name: "api.example.test", IsTimeout: true}), NetworkTimeout, false},
		"refused":        {dial(os.NewSyscallError("connect", syscall.ECONNREFUSED)), NetworkRefused, false},
		"no route":       {dial(os.NewSyscallError("connect", syscall.ENETUNREACH)), NetworkRefused, false},
		"slow dial":      {dial(context.DeadlineExceeded), NetworkTimeout, false},
		"reset":          {&net.OpError{Op: "read", Err: os.NewSyscallError("read", syscall.ECONNRESET)}, NetworkReset, true},
		"broken pipe":    {&net.OpError{Op: "write", Err: os.NewSyscallError("write", syscall.EPIPE)}, NetworkReset, true},
		"end":            {io.EOF, NetworkReset, true},
		"slow":           {&url.Error{Op: "Get", URL: "x", Err: os.ErrDeadlineExceeded}, NetworkTimeout, true},
		"idle closed":    {errors.New("http: server closed idle connection"), NetworkReset, true},
		"http on https":  {http.ErrSchemeMismatch, NetworkTLS, false},
		"alert":          {&net.OpError{Op: "remote error", Err: tls.AlertError(40)}, NetworkTLS, false},
		"proxy dial":     {&net.OpError{Op: "proxyconnect", Err: dial(syscall.ECONNREFUSED)}, NetworkProxy, false},
		"socks":          {&net.OpError{Op: "socks connect", Err: io.EOF}, NetworkProxy, false},
		"something else": {errors.New("malformed HTTP response"), NetworkOther, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inner := &url.Error{Op: "Post", URL: "https://api.example.test/y?secret=hunter2", Err: test.err}
			wrapped := &url.Error{Op: "Post", URL: "https://api.example.test/x?secret=hunter2", Err: inner}
			e := networkError("read userinfo", "api.example.test", "", wrapped)
			require.Equal(t, test.kind, e.Kind)
			require.Equal(t, test.sent, e.Sent)
			require.NotContains(t, fmt.Sprintf("%v %+v", e, e.Err), "hunter2")
			require.Contains(t, e.Error(), "read userinfo: api.example.test: ")
			require.NotErrorIs(t, e, context.DeadlineExceeded)
		})
	}
}

func TestNetworkErrorsAreClean(t *testing.T) {
	t.Parallel()
	e := networkError("read userinfo", "api.example.test", "", errors.New("malformed \"\x1b[2J\n\u202e\""))
	require.Equal(t, `read userinfo: api.example.test: malformed " "`, e.Error())
}
