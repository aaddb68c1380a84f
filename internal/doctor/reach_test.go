package doctor_test

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
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"confer/cronofy"
	"confer/internal/doctor"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func client(t *testing.T, o cronofy.HTTPOptions) *http.Client {
	t.Helper()
	h, err := cronofy.NewHTTPClient(o)
	require.NoError(t, err)
	t.Cleanup(h.CloseIdleConnections)
	return h
}

func kind(t *testing.T, r doctor.Reached) cronofy.NetworkKind {
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
	now := time.Date(2026, 11, 23, 14, 0, 0, 0, time.UTC)
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/userinfo" || r.Method != http.MethodGet || r.Header.Get("Authorization") != "" {
			t.Errorf("%s %s %v", r.Method, r.URL, r.Header)
		}
		w.Header().Set("Date", now.Add(-7*time.Minute).Format(http.TimeFormat))
		w.WriteHeader(http.StatusUnauthorized)
	})
	r := doctor.Reach(t.Context(), client(t, cronofy.HTTPOptions{}), s.URL+"/v1/userinfo", func() time.Time { return now })
	require.NoError(t, r.Err)
	require.Equal(t, http.StatusUnauthorized, r.Status)
	require.True(t, r.Dated)
	require.Equal(t, 7*time.Minute, r.Skew)
	require.Empty(t, r.TLS)
	require.False(t, r.Encrypted)
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
	r := doctor.Reach(t.Context(), client(t, cronofy.HTTPOptions{}), s.URL+"/", time.Now)
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
	r := doctor.Reach(t.Context(), client(t, cronofy.HTTPOptions{}), s.URL+"/", time.Now)
	require.Equal(t, cronofy.NetworkTLS, kind(t, r))
	require.Equal(t, "Acme Co", r.Issuer)

	ca := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600))
	r = doctor.Reach(t.Context(), client(t, cronofy.HTTPOptions{CAFile: ca}), s.URL+"/", time.Now)
	require.NoError(t, r.Err)
	require.Equal(t, "TLS 1.3", r.TLS)
	require.Equal(t, "Acme Co", r.Issuer)
	require.True(t, r.Encrypted)
}

func TestReachExpiredCertificate(t *testing.T) {
	t.Parallel()
	s := tlsServer(t)
	h := client(t, cronofy.HTTPOptions{})
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	h.Transport.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: roots, Time: func() time.Time { return time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC) }}
	r := doctor.Reach(t.Context(), h, s.URL+"/", time.Now)
	require.Equal(t, cronofy.NetworkTLS, kind(t, r))
	require.Equal(t, cronofy.TLSExpired, r.Err.(*cronofy.NetworkError).TLS)
}

func TestReachPlainHTTPServerAsHTTPS(t *testing.T) {
	t.Parallel()
	s := serve(t, func(http.ResponseWriter, *http.Request) {})
	r := doctor.Reach(t.Context(), client(t, cronofy.HTTPOptions{}), "https"+s.URL[len("http"):]+"/", time.Now)
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
			h := client(t, cronofy.HTTPOptions{DialContext: func(context.Context, string, string) (net.Conn, error) { return nil, c.err },
				Proxy: func(*http.Request) (*url.URL, error) { return nil, nil }})
			r := doctor.Reach(t.Context(), h, "https://api.example.test/", time.Now)
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
		h, err := cronofy.NewHTTPClient(cronofy.HTTPOptions{Proxy: func(*http.Request) (*url.URL, error) { return nil, nil },
			DialContext: func(context.Context, string, string) (net.Conn, error) { <-stop; return nil, net.ErrClosed }})
		require.NoError(t, err)
		began := time.Now()
		r := doctor.Reach(t.Context(), h, "https://api.example.test/", time.Now)
		require.Equal(t, cronofy.NetworkTimeout, kind(t, r))
		require.Equal(t, doctor.HostLimit, time.Since(began))
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
	h := client(t, cronofy.HTTPOptions{Proxy: proxy(t, "http://user:password@"+u.Host)})
	r := doctor.Reach(t.Context(), h, "https://api.example.test/", time.Now)
	require.Equal(t, cronofy.NetworkProxy, kind(t, r))
	require.Equal(t, u.Host, r.Proxy)
	require.NotContains(t, r.Err.Error(), "password")
	require.Equal(t, 407, r.Err.(*cronofy.NetworkError).ProxyStatus)

	gone := client(t, cronofy.HTTPOptions{Proxy: proxy(t, "http://127.0.0.1:1")})
	r = doctor.Reach(t.Context(), gone, "https://api.example.test/", time.Now)
	require.Equal(t, cronofy.NetworkProxy, kind(t, r))
	require.Equal(t, cronofy.NetworkRefused, r.Err.(*cronofy.NetworkError).ProxyKind)
}

func TestReachBadProxySetting(t *testing.T) {
	t.Parallel()
	h := client(t, cronofy.HTTPOptions{Proxy: func(*http.Request) (*url.URL, error) {
		return nil, &url.Error{Op: "parse", URL: "http://user:password@[", Err: syscall.EINVAL}
	}})
	r := doctor.Reach(t.Context(), h, "https://api.example.test/", time.Now)
	require.Equal(t, cronofy.NetworkProxy, kind(t, r))
	require.NotContains(t, r.Err.Error(), "password")
}

func TestReachNoAddress(t *testing.T) {
	t.Parallel()
	r := doctor.Reach(t.Context(), client(t, cronofy.HTTPOptions{}), "https://exa mple/", time.Now)
	require.Equal(t, cronofy.NetworkOther, kind(t, r))
}
