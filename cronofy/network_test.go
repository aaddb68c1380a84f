package cronofy

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"confer/internal/testhost"
)

type dialer = func(context.Context, string, string) (net.Conn, error)

// clientFor makes a client for a host that only the route leads to.
func clientFor(t *testing.T, api string, r route) *Client {
	t.Helper()
	return New(Site{API: api}, testApp(), Options{HTTP: r.httpClient(t), Limiter: byClock(newFakeClock())})
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
	return s.Listener.Addr().String(), certificateFile(t, s.Certificate())
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
	c := clientFor(t, "https://api.example.com", route{CAFile: ca, DialContext: to(address), Proxy: noProxy})
	_, err := c.UserInfo(t.Context(), NewSecret(accessToken))
	require.NoError(t, err)

	c = clientFor(t, "https://api.example.com", route{DialContext: to(address), Proxy: noProxy})
	_, err = c.UserInfo(t.Context(), NewSecret(accessToken))
	var n *NetworkError
	require.ErrorAs(t, err, &n)
	require.Equal(t, NetworkTLS, n.Kind)
	require.Equal(t, "Acme Co", n.Issuer)
	require.False(t, AnswerLost(err))
	require.ErrorContains(t, err, "read userinfo: api.example.com: tls (certificate issued by Acme Co)")

	c = clientFor(t, "https://api.example.org", route{CAFile: ca, DialContext: to(address), Proxy: noProxy})
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

func TestCAFileForms(t *testing.T) {
	t.Parallel()
	s := httptest.NewUnstartedServer(nil)
	s.StartTLS()
	s.Close()
	der := s.Certificate().Raw
	block := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	key := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("x")}))
	utf16le := []byte{0xff, 0xfe}
	utf16be := []byte{0xfe, 0xff}
	for _, r := range block {
		utf16le = append(utf16le, byte(r), 0)
		utf16be = append(utf16be, 0, byte(r))
	}
	for name, test := range map[string]struct {
		content, reason string // no reason: it is taken
	}{
		"PEM":               {block, ""},
		"two, text between": {"# mine\n" + block + "\n# more\n" + block, ""},
		"key beside":        {key + block, ""},
		"UTF-8 mark":        {"\ufeff" + block, ""},
		"UTF-16":            {string(utf16le), ""},
		"UTF-16, big":       {string(utf16be), ""},
		"CRLF":              {strings.ReplaceAll(block, "\n", "\r\n"), ""},
		"DER":               {string(der), ""},
		"empty":             {"", "it holds no certificate that can be read"},
		"only a mark":       {"\ufeff \n", "it holds no certificate that can be read"},
		"key":               {key, `it holds a block "PRIVATE KEY", no certificate`},
		"text":              {"no certificate", "it holds no certificate that can be read"},
		"cut off":           {block[:len(block)/2], "it holds no certificate that can be read"},
		"no certificate":    {strings.ReplaceAll(key, "PRIVATE KEY", "CERTIFICATE"), "it holds no certificate that can be read"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "ca.pem")
			require.NoError(t, os.WriteFile(file, []byte(test.content), 0o600))
			_, err := NewHTTPClient(file)
			if test.reason == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, test.reason)
		})
	}
	_, err := NewHTTPClient(filepath.Join(t.TempDir(), "missing.pem"))
	require.Equal(t, syscall.ENOENT.Error(), FileReason(err), "the path is left out")
	_, err = NewHTTPClient(t.TempDir())
	require.ErrorAs(t, err, new(*os.PathError))
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
	unusable := "the proxy's address cannot be used: "
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
		"unusable": {nil, errors.New(`invalid proxy address "http://amara:hunter2@:x"`), ca, NetworkProxy, unusable + "it is not an address", 0, ""},
		"no host":  {&url.URL{Scheme: "http", Host: "http:", Path: "//amara:hunter2@bad host:x"}, nil, ca, NetworkProxy, unusable + "it names no host", 0, ""},
		"no proxy": {&url.URL{Scheme: "ftp", Host: "proxy.example.test"}, nil, ca, NetworkProxy, unusable + `"ftp" is not http, https or socks5`, 0, ""},
		"inspects": {connectProxy(t, address, 200), nil, "", NetworkTLS, "certificate issued by Acme Co", 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pick := func(*http.Request) (*url.URL, error) { return test.proxy, test.err }
			c := clientFor(t, "https://api.example.com", route{CAFile: test.ca, Proxy: pick})
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
			require.True(t, MayRepeat(err))
			summary, hint := n.Words()
			require.NotEmpty(t, hint)
			if test.status == 0 && test.why == "" && test.kind == NetworkProxy {
				require.Contains(t, summary, strings.TrimPrefix(test.text, "the proxy's address cannot be used"))
			}
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
		c := clientFor(t, "http://"+host+":"+u.Port(), route{Proxy: never, DialContext: to(u.Host)})
		_, err := c.UserInfo(t.Context(), NewSecret(accessToken))
		require.NoError(t, err)
	}
}

func closedPort(t *testing.T) string {
	t.Helper()
	addr, err := testhost.Address()
	require.NoError(t, err)
	return addr
}

func TestNothingListens(t *testing.T) {
	t.Parallel()
	address := closedPort(t)
	c := clientFor(t, "http://"+address, route{})
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
	connect := func(errno syscall.Errno) error { return dial(os.NewSyscallError("connectex", errno)) }
	read := func(errno syscall.Errno) error {
		return &net.OpError{Op: "read", Err: os.NewSyscallError("wsarecv", errno)}
	}
	before := Progress{asked: true}
	handshake := Progress{asked: true, handshakes: 1}
	sent := Progress{asked: true, connected: true}
	sent2 := Progress{asked: true, connected: true, http2: true, handshakes: 1}
	proxied := Progress{asked: true, proxy: &url.URL{Scheme: "http", Host: "p:3128"}}
	for name, test := range map[string]struct {
		progress *Progress
		err      error
		kind     NetworkKind
		sent     bool
	}{
		"unknown host":       {&before, dial(&net.DNSError{Err: "no such host", Name: "api.example.test", IsNotFound: true}), NetworkDNS, false},
		"slow DNS":           {&before, dial(&net.DNSError{Err: "timeout", Name: "api.example.test", IsTimeout: true}), NetworkTimeout, false},
		"refused":            {&before, connect(syscall.ECONNREFUSED), NetworkRefused, false},
		"refused, Windows":   {&before, connect(10061), NetworkRefused, false},
		"no route":           {&before, connect(syscall.ENETUNREACH), NetworkRefused, false},
		"no route, Windows":  {&before, connect(10051), NetworkRefused, false},
		"no host, Windows":   {&before, connect(10065), NetworkRefused, false},
		"firewall":           {&before, connect(syscall.EPERM), NetworkRefused, false},
		"firewall, Windows":  {&before, connect(10013), NetworkRefused, false},
		"another dial error": {&before, dial(errors.New("operation not supported")), NetworkRefused, false},
		"slow dial":          {&before, dial(context.DeadlineExceeded), NetworkTimeout, false},
		"slow dial, Windows": {&before, connect(10060), NetworkTimeout, false},
		"cut off in TLS":     {&handshake, io.EOF, NetworkReset, false},
		"http on https":      {&handshake, http.ErrSchemeMismatch, NetworkTLS, false},
		"alert":              {&handshake, &net.OpError{Op: "remote error", Err: errors.New("tls: handshake failure")}, NetworkTLS, false},
		"slow TLS":           {&handshake, os.ErrDeadlineExceeded, NetworkTimeout, false},
		"reset":              {&sent, read(syscall.ECONNRESET), NetworkReset, true},
		"reset, Windows":     {&sent, read(10054), NetworkReset, true},
		"aborted, Windows":   {&sent, read(10053), NetworkReset, true},
		"no way any more":    {&sent, read(syscall.EHOSTUNREACH), NetworkReset, true},
		"broken pipe":        {&sent, &net.OpError{Op: "write", Err: os.NewSyscallError("write", syscall.EPIPE)}, NetworkReset, true},
		"end":                {&sent, io.EOF, NetworkReset, true},
		"slow":               {&sent, &url.Error{Op: "Get", URL: "x", Err: os.ErrDeadlineExceeded}, NetworkTimeout, true},
		"idle closed":        {&sent, errors.New("http: server closed idle connection"), NetworkReset, true},
		"no HTTP":            {&sent, errors.New("malformed HTTP response"), NetworkProtocol, true},
		"h2: no HTTP":        {&sent2, errors.New("connection error: PROTOCOL_ERROR"), NetworkProtocol, true},
		"h2: lost":           {&sent2, errors.New("http2: client connection lost"), NetworkReset, true},
		"proxy dial":         {&proxied, &net.OpError{Op: "proxyconnect", Err: connect(syscall.ECONNREFUSED)}, NetworkProxy, false},
		"proxy ends CONNECT": {&proxied, io.EOF, NetworkProxy, false},
		"silent proxy":       {&proxied, context.DeadlineExceeded, NetworkProxy, false},
		"socks":              {&before, &net.OpError{Op: "socks connect", Err: io.EOF}, NetworkProxy, false},
		"nothing was traced": {&Progress{}, errors.New("whatever"), NetworkOther, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inner := &url.Error{Op: "Post", URL: "https://api.example.test/y?secret=hunter2", Err: test.err}
			wrapped := &url.Error{Op: "Post", URL: "https://api.example.test/x?secret=hunter2", Err: inner}
			e := test.progress.Failed("read userinfo", "api.example.test", wrapped)
			require.Equal(t, test.kind, e.Kind)
			require.Equal(t, test.sent, e.Sent)
			require.NotContains(t, fmt.Sprintf("%v %+v", e, e.Err), "hunter2")
			require.Contains(t, e.Error(), "read userinfo: api.example.test")
			require.NotErrorIs(t, e, context.DeadlineExceeded)
			summary, hint := e.Words()
			require.NotEmpty(t, summary)
			require.NotEmpty(t, hint)
		})
	}
}

func TestNetworkErrorsAreClean(t *testing.T) {
	t.Parallel()
	e := new(Progress).Failed("read userinfo", "api.example.test", errors.New("malformed \"\x1b[2J\n\u202e\""))
	require.Equal(t, `read userinfo: api.example.test: malformed " "`, e.Error())
}

func certificateFile(t *testing.T, c *x509.Certificate) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}), 0o600))
	return file
}

// certificate makes one for api.example.com, signed by itself, after a change.
func certificate(t *testing.T, change func(*x509.Certificate)) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{Organization: []string{"Acme Co"}},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"api.example.com"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true, IsCA: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	change(c)
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	require.NoError(t, err)
	leaf, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// TestTLSReasons: each reason has its own words, whether there is a CA file or not.
func TestTLSReasons(t *testing.T) {
	t.Parallel()
	same := func(*x509.Certificate) {}
	any := func(*tls.Config) {}
	for name, test := range map[string]struct {
		change func(*x509.Certificate)
		server func(*tls.Config)
		plain  bool
		ca     bool
		says   string
	}{
		"untrusted":     {same, any, false, false, "The certificate of api.example.com is not trusted; it was issued by Acme Co."},
		"other name":    {func(c *x509.Certificate) { c.DNSNames = []string{"login.hotel.test"} }, any, false, true, "is not for api.example.com but for login.hotel.test"},
		"expired":       {func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }, any, false, true, " to " + time.Now().Add(-time.Minute).UTC().Format("2 January 2006") + "; this machine's clock says"},
		"not yet valid": {func(c *x509.Certificate) { c.NotBefore = time.Now().Add(30 * time.Minute) }, any, false, true, "is valid from"},
		"wrong use": {func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }, any, false, true,
			"breaks a rule: x509: certificate specifies an incompatible key usage"},
		"TLS 1.1": {same, func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 }, false, true, "offers only an old version of TLS"},
		"TLS 1.0": {same, func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS10 }, false, true, "offers only an old version of TLS"},
		"no TLS":  {same, any, true, true, "answered, but without encryption"},
		"no cipher in common": {same, func(c *tls.Config) {
			c.MaxVersion, c.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_RSA_WITH_AES_128_CBC_SHA}
		}, false, true, "was refused"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cert := certificate(t, test.change)
			s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a request arrived") }))
			s.Config.ErrorLog = quiet()
			s.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
			test.server(s.TLS)
			if test.plain {
				s.Start()
			} else {
				s.StartTLS()
			}
			t.Cleanup(s.Close)
			o := route{DialContext: to(s.Listener.Addr().String()), Proxy: noProxy}
			if test.ca {
				o.CAFile = certificateFile(t, cert.Leaf)
			}
			_, err := clientFor(t, "https://api.example.com", o).Exchange(t.Context(), NewSecret("code"), "http://127.0.0.1:8739/callback")
			var n *NetworkError
			require.ErrorAs(t, err, &n)
			require.Equal(t, NetworkTLS, n.Kind, "%v", err)
			summary, hint := n.Words()
			require.Contains(t, summary, test.says)
			require.NotEmpty(t, hint)
			require.Equal(t, name == "untrusted", hint == "If a company proxy opens TLS, --ca-file must name a file with the root certificate of its authority.", hint)
			require.True(t, MayRepeat(err), "the code is still good")
		})
	}
}

func TestUntrustedDespiteACAFile(t *testing.T) {
	t.Parallel()
	s := httptest.NewUnstartedServer(nil)
	s.Config.ErrorLog = quiet()
	s.StartTLS()
	t.Cleanup(s.Close)
	other := certificate(t, func(*x509.Certificate) {})
	c := clientFor(t, "https://example.com", route{CAFile: certificateFile(t, other.Leaf), DialContext: to(s.Listener.Addr().String()), Proxy: noProxy})
	_, err := c.UserInfo(t.Context(), NewSecret(accessToken))
	var n *NetworkError
	require.ErrorAs(t, err, &n)
	summary, hint := n.Words()
	require.Equal(t, "The certificate of example.com is not trusted; it was issued by Acme Co.", summary)
	require.Contains(t, hint, "--ca-file must name a file with the root certificate", "a file was given already")
}
