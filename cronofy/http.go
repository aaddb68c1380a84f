package cronofy

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

const (
	connectTimeout = 10 * time.Second
	callTimeout    = 30 * time.Second
	// idleTimeout ends unused connections before servers and balancers do (the
	// usual 60 s): a code exchange must not meet one that is just being closed.
	idleTimeout = 30 * time.Second
	maxCAFile   = 8 << 20 // bytes; the public roots together are about 0.2 MiB
	// idle connections kept: as many as a bulk run has workers, or each of its
	// calls beyond the default of 2 would pay for a new connection.
	idleConnections = 256
)

// HTTPOptions says how the one http.Client of a program reaches the network.
type HTTPOptions struct {
	// CAFile names a PEM file whose certificates are trusted beside the system's.
	CAFile string
	// Proxy picks the proxy of a request; nil takes it from HTTPS_PROXY, HTTP_PROXY
	// and NO_PROXY. It is never asked about loopback hosts, which are always direct.
	Proxy func(*http.Request) (*url.URL, error)
	// DialContext opens connections; nil means the system's dialer with a limit of 10 s.
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)
	// Timeout is the limit of one whole exchange; 0 means 30 s.
	Timeout time.Duration
}

// NewHTTPClient makes an http.Client that follows no redirects, because a
// redirect would carry a credential to a place nobody chose. The error tells of
// an unreadable CA file.
func NewHTTPClient(o HTTPOptions) (*http.Client, error) {
	roots, err := trustedRoots(o.CAFile)
	if err != nil {
		return nil, fmt.Errorf("CA file: %w", err)
	}
	if o.DialContext == nil {
		o.DialContext = (&net.Dialer{Timeout: connectTimeout, KeepAlive: 30 * time.Second}).DialContext
	}
	if o.Timeout == 0 {
		o.Timeout = callTimeout
	}
	return &http.Client{
		Timeout:       o.Timeout,
		CheckRedirect: noRedirect,
		Transport: &http.Transport{
			Proxy:                  chosenProxy(o.Proxy),
			OnProxyConnectResponse: proxyAnswer,
			DialContext:            o.DialContext,
			TLSClientConfig:        &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout:    connectTimeout,
			ForceAttemptHTTP2:      true,
			MaxIdleConns:           idleConnections,
			MaxIdleConnsPerHost:    idleConnections,
			IdleConnTimeout:        idleTimeout,
		},
	}, nil
}

func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// trustedRoots gives nil, the system's roots, if there is no file.
func trustedRoots(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	pem, err := io.ReadAll(io.LimitReader(f, maxCAFile))
	if err != nil {
		return nil, err
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM(pem) {
		return nil, errors.New("no PEM certificate in it")
	}
	return roots, nil
}

// proxyNote, put into a request's context, learns which proxy was picked.
type proxyNote struct{ host string }

type proxyNoteKey struct{}

func chosenProxy(pick func(*http.Request) (*url.URL, error)) func(*http.Request) (*url.URL, error) {
	if pick == nil {
		pick = http.ProxyFromEnvironment
	}
	return func(r *http.Request) (*url.URL, error) {
		if LoopbackHost(r.URL.Hostname()) {
			return nil, nil
		}
		u, err := pick(r)
		if err != nil || u != nil && !usableProxy(u) {
			return nil, &proxyError{reason: "the proxy's address cannot be used"}
		}
		if note, ok := r.Context().Value(proxyNoteKey{}).(*proxyNote); ok && u != nil {
			note.host = u.Host
		}
		return u, nil
	}
}

// usableProxy knows what http.Transport does. Of an address that is none,
// http.ProxyFromEnvironment makes one with its scheme as the host: "http:".
func usableProxy(u *url.URL) bool {
	switch u.Scheme {
	case "http", "https", "socks5", "socks5h":
		return u.Hostname() != "" && !strings.HasSuffix(u.Host, ":")
	}
	return false
}

func proxyAnswer(_ context.Context, _ *url.URL, _ *http.Request, res *http.Response) error {
	if res.StatusCode == http.StatusOK {
		return nil
	}
	return &proxyError{fmt.Sprintf("the proxy answered %d %s", res.StatusCode, http.StatusText(res.StatusCode)), res.StatusCode}
}
