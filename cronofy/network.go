package cronofy

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	charset "golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

const (
	connectTimeout = 10 * time.Second
	callTimeout    = 30 * time.Second
	// Idle connections are kept as many as a bulk run has workers, or each of its calls
	// beyond the default of 2 would pay for a new one.
	idleConnections = 256
)

// NewHTTPClient makes the one http.Client of a program. It trusts the certificates of
// caFile, if one is named, beside the system's; the error tells why they cannot be used.
// It follows no redirects, because a redirect would carry a credential to a place nobody
// chose.
func NewHTTPClient(caFile string) (*http.Client, error) {
	roots, err := trustedRoots(caFile)
	if err != nil {
		return nil, err
	}
	return &http.Client{
		Timeout:       callTimeout,
		CheckRedirect: noRedirect,
		Transport: &http.Transport{
			Proxy:                  Proxied(http.ProxyFromEnvironment),
			OnProxyConnectResponse: proxyAnswer,
			DialContext:            (&net.Dialer{Timeout: connectTimeout, KeepAlive: 30 * time.Second}).DialContext,
			TLSClientConfig:        &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout:    connectTimeout,
			ForceAttemptHTTP2:      true,
			MaxIdleConns:           idleConnections,
			MaxIdleConnsPerHost:    idleConnections,
			IdleConnTimeout:        30 * time.Second, // sooner than servers and balancers end them, usually after 60 s
		},
	}, nil
}

func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// trustedRoots gives nil, the system's roots, if there is no file. A file is PEM in
// UTF-8 or, as PowerShell writes it, UTF-16, or DER.
func trustedRoots(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, 8<<20)) // the public roots together are about 0.2 MiB
	if err != nil {
		return nil, err
	}
	list, _ := x509.ParseCertificates(b)
	// Windows' editors write a byte order mark first; what is not UTF-16 stays as it is.
	if text, _, err := transform.Bytes(charset.BOMOverride(transform.Nop), b); err == nil {
		b = text
	}
	problem := errors.New("it holds no certificate that can be read")
	for block, rest := pem.Decode(b); block != nil; block, rest = pem.Decode(rest) {
		if !strings.HasSuffix(block.Type, "CERTIFICATE") {
			problem = fmt.Errorf("it holds a block %q, no certificate", CleanText(block.Type, maxDetail))
		} else if c, err := x509.ParseCertificate(block.Bytes); err == nil {
			list = append(list, c)
		}
	}
	if len(list) == 0 {
		return nil, problem
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	for _, c := range list {
		roots.AddCert(c)
	}
	return roots, nil
}

// Proxied makes a Transport's Proxy of pick, which is not asked about loopback hosts,
// and whose choice is checked.
func Proxied(pick func(*http.Request) (*url.URL, error)) func(*http.Request) (*url.URL, error) {
	return func(r *http.Request) (*url.URL, error) {
		if LoopbackHost(r.URL.Hostname()) {
			return nil, nil
		}
		u, err := pick(r)
		switch {
		case err != nil:
			return nil, &proxyError{reason: "it is not an address"}
		case u == nil:
			return nil, nil
		case !slices.Contains([]string{"http", "https", "socks5", "socks5h"}, u.Scheme):
			return nil, &proxyError{reason: fmt.Sprintf("%q is not http, https or socks5", CleanText(u.Scheme, maxDetail))}
		case u.Hostname() == "", strings.HasSuffix(u.Host, ":"): // "http:", which http.ProxyFromEnvironment makes of what is no address
			return nil, &proxyError{reason: "it names no host"}
		}
		if p, ok := r.Context().Value(progressKey{}).(*Progress); ok {
			p.note(func() { p.proxy = u })
		}
		return u, nil
	}
}

// proxyError is a proxy's refusal, or why a proxy's address cannot be used. It does
// not quote the address, which may hold a password.
type proxyError struct {
	reason string
	status int // what the proxy answered to CONNECT; 0: its address cannot be used
}

func (e *proxyError) Error() string {
	if e.status == 0 {
		return "the proxy's address cannot be used: " + e.reason
	}
	return fmt.Sprintf("the proxy answered %d %s", e.status, http.StatusText(e.status))
}

func proxyAnswer(_ context.Context, _ *url.URL, _ *http.Request, res *http.Response) error {
	if res.StatusCode == http.StatusOK {
		return nil
	}
	return &proxyError{status: res.StatusCode}
}

// Progress notes how far a request came: what is certain after a failure follows
// from that, not from the error's type, which differs between HTTP/1.1 and
// HTTP/2. net/http tells it on goroutines of its own, also after the request.
type Progress struct {
	mu         sync.Mutex
	asked      bool // a connection was asked for
	connected  bool // and was ready: something may have been sent
	http2      bool // it speaks HTTP/2
	handshakes int  // TLS handshakes begun
	found      bool // an address of the host
	proxy      *url.URL
}

type progressKey struct{}

// Watch gives the context for one request, and what will note its progress.
func Watch(ctx context.Context) (context.Context, *Progress) {
	p := &Progress{}
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn:           func(string) { p.note(func() { p.asked = true }) },
		DNSDone:           func(i httptrace.DNSDoneInfo) { p.note(func() { p.found = len(i.Addrs) > 0 }) },
		TLSHandshakeStart: func() { p.note(func() { p.handshakes++ }) },
		GotConn: func(i httptrace.GotConnInfo) {
			c, ok := i.Conn.(*tls.Conn)
			http2 := ok && c.ConnectionState().NegotiatedProtocol == "h2"
			p.note(func() { p.connected, p.http2 = true, http2 })
		},
	})
	return context.WithValue(ctx, progressKey{}, p), p
}

func (p *Progress) note(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
}

// Seen gives the host of the proxy in between, if there is one, and tells whether the
// host's name was looked up here, and has an address.
func (p *Progress) Seen() (proxy string, found bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.proxy != nil {
		proxy = CleanText(p.proxy.Host, maxDetail)
	}
	return proxy, p.found
}

// atProxy tells whether a request on its way through a proxy did not get beyond it.
func (p *Progress) atProxy() bool {
	own := 0
	if p.proxy != nil && p.proxy.Scheme == "https" {
		own = 1
	}
	return p.proxy != nil && p.asked && !p.connected && p.handshakes <= own
}

// NetworkKind tells why no answer came.
type NetworkKind string

// The kinds of NetworkError.
const (
	NetworkOther    NetworkKind = "other"
	NetworkDNS      NetworkKind = "dns"      // the host's name was not found
	NetworkRefused  NetworkKind = "refused"  // nothing listens there, or there is no way to it
	NetworkReset    NetworkKind = "reset"    // the connection ended before the answer
	NetworkTimeout  NetworkKind = "timeout"  // no answer in time
	NetworkTLS      NetworkKind = "tls"      // the certificate or the handshake
	NetworkProtocol NetworkKind = "protocol" // something answered, but not in HTTP
	NetworkProxy    NetworkKind = "proxy"    // the proxy: not reached, or it refused
)

// NetworkError is a call without an answer. It never holds a path or a query.
type NetworkError struct {
	Op    string
	Host  string // with its port if it has one
	Proxy string // host of the proxy in between; empty if none, or if its address cannot be used
	Kind  NetworkKind
	// Of a NetworkProxy: with which HTTP status the proxy refused, and why it was
	// not reached. Both are zero if its address cannot be used.
	ProxyStatus int
	ProxyKind   NetworkKind
	Issuer      string // who signed the certificate that was refused; may be empty
	Sent        bool   // the request may have arrived
	Err         error  // never a *url.Error
}

// Error is one line: "read userinfo: api.cronofy.com through proxy p:3128: timeout: …".
func (e *NetworkError) Error() string {
	text := e.Op + ": " + e.Host
	if e.Proxy != "" {
		text += " through proxy " + e.Proxy
	}
	if e.Kind != NetworkOther {
		text += ": " + string(e.Kind)
	}
	if e.Issuer != "" {
		text += " (certificate issued by " + e.Issuer + ")"
	}
	if e.Err != nil {
		text += ": " + CleanText(e.Err.Error(), maxDetail)
	}
	return text
}

// Unwrap gives the cause, but not of a time-out: the transport's matches
// context.DeadlineExceeded, which callers must see only if their own context ended.
func (e *NetworkError) Unwrap() error {
	if e.Kind == NetworkTimeout || e.ProxyKind == NetworkTimeout {
		return nil
	}
	return e.Err
}

// Failed sorts what http.Client.Do or a body's Read gave.
func (p *Progress) Failed(op, host string, err error) *NetworkError {
	for u, ok := errors.AsType[*url.Error](err); ok; u, ok = errors.AsType[*url.Error](err) {
		err = u.Err
	}
	e := &NetworkError{Op: op, Host: host, Err: err}
	e.Proxy, _ = p.Seen()
	p.mu.Lock()
	defer p.mu.Unlock()
	if c := refusedCertificate(err); c != nil {
		e.Issuer = Issuer(c)
	}
	e.Kind = p.sort(err)
	if refused, ok := errors.AsType[*proxyError](err); ok {
		e.Kind, e.ProxyStatus = NetworkProxy, refused.status
	} else if p.atProxy() || hasOp(err, "proxyconnect", "socks connect") {
		if e.Kind == NetworkOther { // nothing is known but that it answered otherwise than a proxy
			e.Kind = NetworkProtocol
		}
		e.Kind, e.ProxyKind = NetworkProxy, e.Kind
	}
	before := e.Kind == NetworkProxy || e.Kind == NetworkDNS || hasOp(err, "dial") || p.asked && !p.connected
	e.Sent = !before && !unprocessed(err)
	return e
}

// wsaTimedOut is what Windows' sockets say in place of ETIMEDOUT, whose number there is
// Go's invention.
const wsaTimedOut = syscall.Errno(10060)

// sort tells the kind of what failed, wherever it was.
func (p *Progress) sort(err error) NetworkKind {
	var timeout interface{ Timeout() bool }
	errno, isErrno := errors.AsType[syscall.Errno](err)
	dns, isDNS := errors.AsType[*net.DNSError](err)
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout(), errno == wsaTimedOut, isDNS && dns.IsTimeout:
		return NetworkTimeout
	case isDNS:
		return NetworkDNS
	case hasOp(err, "dial"):
		return NetworkRefused
	case isErrno, errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return NetworkReset
	case p.handshakes > 0 && !p.connected, refusedCertificate(err) != nil, unencrypted(err), hasOp(err, "remote error"):
		return NetworkTLS
	case !p.connected:
		return NetworkOther
	case noHTTP(err, p):
		return NetworkProtocol
	}
	return NetworkReset
}

func unencrypted(err error) bool {
	return is[tls.RecordHeaderError](err) || errors.Is(err, http.ErrSchemeMismatch)
}

// is tells whether an error's tree has one of this type.
func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// noHTTP tells an answer that is none from a connection that ended. HTTP/2 has
// no types for it that can be asked for.
func noHTTP(err error, p *Progress) bool {
	text := err.Error()
	switch {
	case strings.Contains(text, "server closed idle connection"), strings.Contains(text, "cannot retry err ["):
		return false
	case p.http2:
		return strings.HasPrefix(text, "connection error: ") || strings.Contains(text, "frame too large") ||
			strings.Contains(text, "failed reading the frame payload")
	}
	return true
}

// refusedCertificate is the one that TLS has something against; nil: none. It may be
// one higher up that has ended.
func refusedCertificate(err error) *x509.Certificate {
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && invalid.Cert != nil {
		return invalid.Cert
	}
	if v, ok := errors.AsType[*tls.CertificateVerificationError](err); ok && len(v.UnverifiedCertificates) > 0 {
		return v.UnverifiedCertificates[0]
	}
	return nil
}

// Issuer is the organisation that signed a certificate, or whatever else names it.
func Issuer(c *x509.Certificate) string {
	clean := func(name string) string { return CleanText(name, maxDetail) }
	return cmp.Or(clean(strings.Join(c.Issuer.Organization, ", ")), clean(c.Issuer.CommonName), clean(c.Issuer.String()))
}

// hasOp tells whether one of these operations failed, be it within another.
func hasOp(err error, ops ...string) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && (slices.Contains(ops, op.Op) || hasOp(op.Err, ops...))
}

// unprocessed tells whether HTTP/2 promises that a request was not acted on (RFC
// 9113 section 8.7): its stream was refused, or lies beyond the last one that a
// GOAWAY names. The transport gives such an error as text if it may not repeat
// the request itself.
func unprocessed(err error) bool {
	if stream, ok := errors.AsType[streamError](err); ok {
		return stream.Code == refusedStream
	}
	text := err.Error()
	return strings.Contains(text, "Transport received Server's graceful shutdown GOAWAY") ||
		strings.Contains(text, "Transport received GOAWAY from server") || strings.Contains(text, "client conn not usable") ||
		strings.Contains(text, "cannot retry err [") && strings.Contains(text, "REFUSED_STREAM")
}

const refusedStream = 7 // RFC 9113 section 7

// streamError is what net/http's HTTP/2 stream errors fill when they are asked for by
// errors.As: any struct with these fields.
type streamError struct {
	StreamID uint32
	Code     uint32
	Cause    error
}

func (streamError) Error() string { return "stream error" }

// Words tells people what is wrong and what to do about it.
func (e *NetworkError) Words() (summary, hint string) {
	if e.Kind == NetworkProxy && e.ProxyKind == "" {
		return e.proxyWords()
	}
	kind, who, start := e.Kind, e.Host, e.Host
	of, through, how := "", "", "in HTTP"
	atProxy := kind == NetworkProxy
	if atProxy {
		kind, who, start = e.ProxyKind, "the proxy "+e.Proxy, "The proxy "+e.Proxy
		of, how = "of ", "as a proxy of that kind"
	} else if e.Proxy != "" {
		through = " through the proxy " + e.Proxy
	}
	hint = "Check the network, VPN, DNS and firewall. Set HTTPS_PROXY if this machine reaches the internet through a proxy."
	switch kind {
	case NetworkTLS:
		return e.tlsWords(who, start)
	case NetworkDNS:
		summary = "The name " + of + who + " could not be found."
	case NetworkTimeout:
		summary = start + " did not answer in time" + through + "."
	case NetworkReset:
		summary, hint = "The connection to "+who+" broke off"+through+".", "Try again. If it goes on, a firewall or proxy may be cutting it."
	case NetworkProtocol:
		summary, hint = start+" answered"+through+", but not "+how+".", "Another service answers there. Check the address, and any proxy or firewall in between."
	default:
		summary = start + " could not be reached" + through
		if errno, ok := errors.AsType[syscall.Errno](e.Err); ok {
			summary += ": " + strings.TrimSuffix(CleanText(errno.Error(), maxDetail), ".")
		}
		summary += "."
	}
	if atProxy {
		hint = "Check HTTPS_PROXY, and that the proxy runs. NO_PROXY names the hosts that need none."
	}
	return summary, hint
}

// tlsWords: each reason is put right in another place.
func (e *NetworkError) tlsWords(who, start string) (summary, hint string) {
	const day = "2 January 2006"
	between := "Check the address, the port, and any proxy or firewall in between."
	if e.Proxy != "" {
		between += " HTTPS_PROXY may have to begin with http://."
	}
	c := refusedCertificate(e.Err)
	invalid, _ := errors.AsType[x509.CertificateInvalidError](e.Err)
	by, names := "", ""
	if e.Issuer != "" {
		by = "; it was issued by " + e.Issuer
	}
	if c != nil && len(c.DNSNames) > 0 {
		names = " but for " + CleanText(strings.Join(c.DNSNames[:min(len(c.DNSNames), 3)], ", "), maxDetail)
	}
	switch text := fmt.Sprint(e.Err); {
	case is[x509.HostnameError](e.Err):
		return "The certificate that came is not for " + who + names + ".",
			"Something else answers in its place: a company proxy, a network's login page, or a wrong address. --ca-file does not help against this."
	case invalid.Reason == x509.Expired && c != nil:
		return fmt.Sprintf("A certificate of %s is valid from %s to %s; this machine's clock says %s.", who,
				c.NotBefore.Format(day), c.NotAfter.Format(day), time.Now().Format(day)),
			"Set this machine's clock if it is wrong. If it is right, a proxy in between or the server needs a new certificate."
	case is[x509.SystemRootsError](e.Err):
		return "This machine has no list of certificate authorities to trust.", "Install it (the package is often called ca-certificates), or name a file with --ca-file."
	case is[x509.UnknownAuthorityError](e.Err):
		hint = "If a company proxy opens TLS, --ca-file must name a file with the root certificate of its authority."
		if e.Kind == NetworkProxy { // it is the proxy's own
			hint = "--ca-file must name a file with the root certificate of its authority. Or use http:// in HTTPS_PROXY if the proxy expects that."
		}
		return "The certificate of " + who + " is not trusted" + by + ".", hint
	case c != nil:
		return "The certificate of " + who + " breaks a rule: " + CleanText(strings.TrimPrefix(text, "tls: failed to verify certificate: "), maxDetail) + ".",
			"Whoever made the certificate must make another one" + by + "."
	case unencrypted(e.Err):
		return start + " answered, but without encryption (TLS).", between
	case strings.Contains(text, "protocol version"), strings.Contains(text, "unsupported versions"):
		return start + " offers only an old version of TLS; confer needs TLS 1.2 or 1.3.", between
	}
	return "The encrypted connection (TLS) to " + who + " was refused.", between + " It may want a certificate that confer does not have."
}

// proxyWords are those of a proxy that refused, or whose address cannot be used.
func (e *NetworkError) proxyWords() (summary, hint string) {
	switch e.ProxyStatus {
	case 0:
		why := ""
		if unusable, ok := errors.AsType[*proxyError](e.Err); ok {
			why = ": " + unusable.reason
		}
		return "The proxy's address in HTTPS_PROXY cannot be used" + why + ".", "Set HTTPS_PROXY like http://proxy.example.com:3128, or unset it."
	case http.StatusProxyAuthRequired:
		return "The proxy " + e.Proxy + " needs a name and a password, or does not accept the ones it got (407).",
			"Put them into HTTPS_PROXY, like http://NAME:PASSWORD@" + e.Proxy + "."
	}
	return fmt.Sprintf("The proxy %s refused the connection to %s (%d).", e.Proxy, e.Host, e.ProxyStatus),
		"Ask whoever runs the proxy to let " + e.Host + " through, or name it in NO_PROXY if it can be reached without."
}
