package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"confer/cronofy"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// client is one that trusts the certificates of a file, if there is one.
func client(t *testing.T, caFile string) *http.Client {
	t.Helper()
	h, err := cronofy.NewHTTPClient(caFile)
	require.NoError(t, err)
	t.Cleanup(h.CloseIdleConnections)
	return h
}

// through is a client that goes through the proxy that pick gives.
func through(t *testing.T, pick func(*http.Request) (*url.URL, error)) *http.Client {
	t.Helper()
	h := client(t, "")
	h.Transport.(*http.Transport).Proxy = cronofy.Proxied(pick)
	return h
}

// dialing is a client without a proxy that opens connections by dial.
func dialing(t *testing.T, dial func(context.Context, string, string) (net.Conn, error)) *http.Client {
	t.Helper()
	h := client(t, "")
	h.Transport.(*http.Transport).Proxy, h.Transport.(*http.Transport).DialContext = nil, dial
	return h
}

func kind(t *testing.T, r reached) cronofy.NetworkKind {
	t.Helper()
	var e *cronofy.NetworkError
	require.ErrorAs(t, r.Err, &e)
	require.Equal(t, r.Host, e.Host)
	require.Zero(t, r.Status)
	return e.Kind
}

func serve(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

func TestReachAnswer(t *testing.T) {
	t.Parallel()
	now := time.Now()
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/userinfo" || r.Method != http.MethodGet || r.Header.Get("Authorization") != "" {
			t.Errorf("%s %s %v", r.Method, r.URL, r.Header)
		}
		w.Header().Set("Date", now.Add(-7*time.Minute).Format(http.TimeFormat))
		w.WriteHeader(http.StatusUnauthorized)
	})
	r := reach(t.Context(), client(t, ""), s.URL+"/v1/userinfo")
	require.NoError(t, r.Err)
	require.Equal(t, http.StatusUnauthorized, r.Status)
	require.True(t, r.Dated)
	require.InDelta(t, 7*time.Minute, r.Skew, float64(2*time.Second)) // the answer's Date is in whole seconds
	require.Empty(t, r.TLS)
	require.False(t, r.HTML)
	require.Empty(t, r.Proxy)
}

func TestReachPageAndRedirect(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Date"] = nil
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Location", "https://login.example.test/")
		w.WriteHeader(http.StatusFound)
	})
	r := reach(t.Context(), client(t, ""), s.URL+"/")
	require.NoError(t, r.Err)
	require.True(t, r.HTML)
	require.Equal(t, http.StatusFound, r.Status, "a redirect was followed")
	require.False(t, r.Dated)
}

func tlsServer(t *testing.T) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) }))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

func TestReachTLS(t *testing.T) {
	t.Parallel()
	s := tlsServer(t)
	r := reach(t.Context(), client(t, ""), s.URL+"/")
	require.Equal(t, cronofy.NetworkTLS, kind(t, r))
	require.Equal(t, "Acme Co", r.Issuer)

	ca := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600))
	r = reach(t.Context(), client(t, ca), s.URL+"/")
	require.NoError(t, r.Err)
	require.Equal(t, "TLS 1.3", r.TLS)
	require.Equal(t, "Acme Co", r.Issuer)
}

func TestReachExpiredCertificate(t *testing.T) {
	t.Parallel()
	s := tlsServer(t)
	h := client(t, "")
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	h.Transport.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: roots, Time: func() time.Time { return time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC) }}
	r := reach(t.Context(), h, s.URL+"/")
	require.Equal(t, cronofy.NetworkTLS, kind(t, r))
	summary, _ := r.Err.(*cronofy.NetworkError).Words()
	require.Contains(t, summary, "is valid from")
}

func TestReachPlainHTTPServerAsHTTPS(t *testing.T) {
	t.Parallel()
	s := serve(t, func(http.ResponseWriter, *http.Request) {})
	r := reach(t.Context(), client(t, ""), "https"+s.URL[len("http"):]+"/")
	require.Equal(t, cronofy.NetworkTLS, kind(t, r))
}

func TestReachRefusals(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		err  error
		want cronofy.NetworkKind
	}{
		{"no such name", &net.DNSError{Err: "no such host", Name: "api.example.test", IsNotFound: true}, cronofy.NetworkDNS},
		{"no name server", &net.DNSError{Err: "network is unreachable", Name: "api.example.test", IsTemporary: true}, cronofy.NetworkDNS},
		{"refused", &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}, cronofy.NetworkRefused},
		{"no route", &net.OpError{Op: "dial", Net: "tcp", Err: syscall.EHOSTUNREACH}, cronofy.NetworkRefused},
		{"cut off", &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}, cronofy.NetworkReset},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := dialing(t, func(context.Context, string, string) (net.Conn, error) { return nil, c.err })
			r := reach(t.Context(), h, "https://api.example.test/")
			require.Equal(t, c.want, kind(t, r))
		})
	}
}

func TestReachHasALimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		stop := make(chan struct{})
		defer synctest.Wait()
		defer close(stop) // a transport goes on dialing when the request has ended
		h := dialing(t, func(context.Context, string, string) (net.Conn, error) { <-stop; return nil, net.ErrClosed })
		began := time.Now()
		r := reach(t.Context(), h, "https://api.example.test/")
		require.Equal(t, cronofy.NetworkTimeout, kind(t, r))
		require.Equal(t, hostLimit, time.Since(began))
	})
}

func proxy(t *testing.T, address string) func(*http.Request) (*url.URL, error) {
	u, err := url.Parse(address)
	require.NoError(t, err)
	return func(*http.Request) (*url.URL, error) { return u, nil }
}

func TestReachThroughAProxy(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusProxyAuthRequired) })
	u, err := url.Parse(s.URL)
	require.NoError(t, err)
	h := through(t, proxy(t, "http://user:password@"+u.Host))
	r := reach(t.Context(), h, "https://api.example.test/")
	require.Equal(t, cronofy.NetworkProxy, kind(t, r))
	require.Equal(t, u.Host, r.Proxy)
	require.NotContains(t, r.Err.Error(), "password")
	require.Equal(t, 407, r.Err.(*cronofy.NetworkError).ProxyStatus)

	gone := through(t, proxy(t, "http://127.0.0.1:1"))
	r = reach(t.Context(), gone, "https://api.example.test/")
	require.Equal(t, cronofy.NetworkProxy, kind(t, r))
	require.Equal(t, cronofy.NetworkRefused, r.Err.(*cronofy.NetworkError).ProxyKind)
}

func TestReachBadProxySetting(t *testing.T) {
	t.Parallel()
	h := through(t, func(*http.Request) (*url.URL, error) {
		return nil, &url.Error{Op: "parse", URL: "http://user:password@[", Err: syscall.EINVAL}
	})
	r := reach(t.Context(), h, "https://api.example.test/")
	require.Equal(t, cronofy.NetworkProxy, kind(t, r))
	require.NotContains(t, r.Err.Error(), "password")
}

func TestReachNoAddress(t *testing.T) {
	t.Parallel()
	r := reach(t.Context(), client(t, ""), "https://exa mple/")
	require.Equal(t, cronofy.NetworkOther, kind(t, r))
}

// seen is the API of Germany.
func seen(change func(*reached)) reached {
	r := reached{name: "Germany (api-de.cronofy.com)", api: true, Host: "api-de.cronofy.com", Found: true,
		TLS: "TLS 1.3", Issuer: "Amazon", Status: http.StatusUnauthorized, Took: 43 * time.Millisecond, Dated: true, Skew: time.Second}
	change(&r)
	return r
}

func failed(kind cronofy.NetworkKind) func(*reached) {
	return func(r *reached) {
		*r = reached{name: r.name, api: r.api, Host: r.Host, Err: &cronofy.NetworkError{Op: "reach", Host: r.Host, Kind: kind}}
	}
}

// TestNetworkWords: what each check says of one host.
func TestNetworkWords(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, check string
		visit       reached
		state       State
		says        string
	}{
		{"proxy none", "proxy", seen(same), OK, "None is used"},
		{"proxy", "proxy", seen(func(r *reached) { r.Proxy = "proxy.example.test:3128" }), OK, "through the proxy proxy.example.test:3128"},
		{"proxy refuses", "proxy", seen(func(r *reached) {
			r.Proxy = "proxy.example.test:3128"
			r.Err = &cronofy.NetworkError{Host: r.Host, Proxy: r.Proxy, Kind: cronofy.NetworkProxy, ProxyStatus: http.StatusForbidden}
		}), Problem, "The proxy proxy.example.test:3128 refused the connection to api-de.cronofy.com (403)."},
		{"proxy setting", "proxy", seen(failed(cronofy.NetworkProxy)), Problem, "The proxy's address in HTTPS_PROXY cannot be used"},
		{"dns", "dns", seen(same), OK, "Found: api-de.cronofy.com."},
		{"dns lost", "dns", seen(failed(cronofy.NetworkDNS)), Problem, "The name api-de.cronofy.com could not be found."},
		{"dns by proxy", "dns", seen(func(r *reached) { r.Proxy, r.Found = "p:1", false }), OK, "The proxy looks names up"},
		{"dns silent", "dns", seen(failed(cronofy.NetworkTimeout)), Note, "Not checked"},
		{"tls", "tls", seen(same), OK, "TLS 1.3, signed by Amazon."},
		{"tls plain", "tls", seen(func(r *reached) { r.TLS, r.Issuer = "", "" }), Note, "no encrypted connection"},
		{"tls not reached", "tls", seen(failed(cronofy.NetworkDNS)), Note, "Not checked: no encrypted connection."},
		{"tls refused", "tls", seen(failed(cronofy.NetworkTLS)), Problem, "The encrypted connection (TLS) to api-de.cronofy.com was refused."},
		{"clock", "clock", seen(same), OK, "to 1s"},
		{"clock just right", "clock", seen(func(r *reached) { r.Skew = -clockTolerance }), OK, "to 2m0s"},
		{"clock ahead", "clock", seen(func(r *reached) { r.Skew = clockTolerance + time.Second }), Problem, "is 2m1s ahead of Cronofy's"},
		{"clock behind", "clock", seen(func(r *reached) { r.Skew = -7 * time.Minute }), Problem, "is 7m0s behind Cronofy's"},
		{"clock unknown", "clock", seen(func(r *reached) { r.Dated = false }), Note, "Not checked"},
		{"answer", "data center", seen(same), OK, "answered in 43 ms"},
		{"not found is an answer", "data center", seen(func(r *reached) { r.Status = 404 }), OK, "answered"},
		{"fault", "data center", seen(func(r *reached) { r.Status = 503 }), Problem, "an internal error (503)"},
		{"login page", "data center", seen(func(r *reached) { r.Status = 302 }), Problem, "Something else answered"},
		{"error page", "data center", seen(func(r *reached) { r.Status, r.HTML = 403, true }), Problem, "Something else answered"},
		{"no answer", "data center", seen(failed(cronofy.NetworkRefused)), Problem, "could not be reached"},
		{"no HTTP", "data center", seen(failed(cronofy.NetworkProtocol)), Problem, "answered, but not in HTTP"},
		{"app host's page", "app host", ofApp(seen(func(r *reached) { r.Status, r.HTML = 302, true })), OK, "answered"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var said []string
			for _, f := range networkFindings([]reached{c.visit}) {
				if f.Check != c.check {
					continue
				}
				said = append(said, f.Message)
				require.Equal(t, c.state, f.State, f.Message)
				require.Contains(t, f.Message, c.says)
				require.Equal(t, f.State == Problem, f.Next != "")
			}
			require.Len(t, said, 1)
		})
	}
}

func same(*reached) {}

func ofApp(r reached) reached { r.api = false; return r }

// TestOneCauseIsToldOnce: however many hosts it keeps away.
func TestOneCauseIsToldOnce(t *testing.T) {
	t.Parallel()
	for _, kind := range []cronofy.NetworkKind{cronofy.NetworkDNS, cronofy.NetworkRefused, cronofy.NetworkTimeout, cronofy.NetworkReset,
		cronofy.NetworkTLS, cronofy.NetworkProtocol, cronofy.NetworkProxy, cronofy.NetworkOther} {
		var all []reached
		for _, host := range []string{"api.cronofy.com", "api-de.cronofy.com", "api-sg.cronofy.com", "app-sg.cronofy.com"} {
			v := reached{name: host, api: strings.HasPrefix(host, "api"), Host: host, Err: &cronofy.NetworkError{Op: "reach", Host: host, Kind: kind}}
			all = append(all, v)
		}
		var problems []Finding
		for _, f := range networkFindings(all) {
			if f.State == Problem {
				problems = append(problems, f)
			}
		}
		require.Len(t, problems, 1, kind)
		if kind != cronofy.NetworkProxy { // its setting concerns no host
			require.Contains(t, problems[0].Message, "api.cronofy.com, api-de.cronofy.com, api-sg.cronofy.com, app-sg.cronofy.com", kind)
		}
	}
	two := networkFindings([]reached{seen(failed(cronofy.NetworkDNS)), seen(func(r *reached) { r.Host = "b"; failed(cronofy.NetworkRefused)(r) })})
	n := 0
	for _, f := range two {
		if f.State == Problem {
			n++
		}
	}
	require.Equal(t, 2, n, "two causes are two problems")
}

// TestAnswerInAnotherLanguage: what answers is named when it speaks neither HTTP nor TLS.
func TestAnswerInAnotherLanguage(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	require.NoError(t, err)
	var served sync.WaitGroup
	defer served.Wait()
	defer l.Close()
	served.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(c, "SSH-2.0-OpenSSH_9.9\r\n")
			_ = c.Close()
		}
	})
	for scheme, says := range map[string]string{"http": "not in HTTP", "https": "without encryption (TLS)"} {
		v := reach(t.Context(), client(t, ""), scheme+"://"+l.Addr().String()+"/")
		v.name, v.api = "it", true
		var said []string
		for _, f := range networkFindings([]reached{v}) {
			said = append(said, f.Message)
		}
		require.Contains(t, strings.Join(said, "\n"), says)
	}
}

// TestClockGoesByTheNearestHost: one host with a wrong clock is not ours.
func TestClockGoesByTheNearestHost(t *testing.T) {
	t.Parallel()
	f := clockFinding([]reached{seen(func(r *reached) { r.Skew = time.Hour }), seen(func(r *reached) { r.Skew = -3 * time.Second })})
	require.Equal(t, OK, f.State)
	require.Contains(t, f.Message, "to 3s")
}
