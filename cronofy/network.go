package cronofy

import (
	"bytes"
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
}

// NewHTTPClient makes an http.Client that follows no redirects, because a
// redirect would carry a credential to a place nobody chose. The error tells of
// an unusable CA file.
func NewHTTPClient(o HTTPOptions) (*http.Client, error) {
	roots, err := trustedRoots(o.CAFile)
	if err != nil {
		return nil, err
	}
	if o.DialContext == nil {
		o.DialContext = (&net.Dialer{Timeout: connectTimeout, KeepAlive: 30 * time.Second}).DialContext
	}
	return &http.Client{
		Timeout:       callTimeout,
		CheckRedirect: noRedirect,
		Transport: &http.Transport{
			Proxy:                  chosenProxy(o.Proxy, roots != nil),
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
	b, err := io.ReadAll(io.LimitReader(f, maxCAFile+1))
	if err != nil {
		return nil, err
	}
	if len(b) > maxCAFile {
		return nil, errors.New("it is larger than 8 MiB")
	}
	certificates, err := readCertificates(b)
	if err != nil {
		return nil, err
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	for _, c := range certificates {
		roots.AddCert(c)
	}
	return roots, nil
}

// readCertificates reads PEM in UTF-8 or, as PowerShell writes it, UTF-16, and
// DER. Its errors say what the file holds instead.
func readCertificates(b []byte) ([]*x509.Certificate, error) {
	if list, err := x509.ParseCertificates(b); err == nil && len(list) > 0 {
		return list, nil
	}
	// Windows' editors write a byte order mark first; what is not UTF-16 stays as it is.
	text, _, err := transform.Bytes(charset.BOMOverride(transform.Nop), b)
	if err != nil {
		text = b
	}
	var (
		list  []*x509.Certificate
		other string // what a block holds that is no certificate
		bad   error
	)
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" && block.Type != "TRUSTED CERTIFICATE" && block.Type != "X509 CERTIFICATE" {
			other = block.Type
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			bad = err
			continue
		}
		list = append(list, c)
	}
	switch {
	case len(list) > 0:
		return list, nil
	case bad != nil:
		return nil, fmt.Errorf("its certificate cannot be read: %s", CleanText(bad.Error(), maxDetail))
	case other != "":
		return nil, fmt.Errorf("it holds a block %q, no certificate", CleanText(other, maxDetail))
	case len(bytes.TrimSpace(text)) == 0:
		return nil, errors.New("it is empty")
	case bytes.Contains(text, []byte("-----BEGIN ")):
		return nil, errors.New("its certificate is damaged or cut off")
	}
	return nil, errors.New("it holds no line -----BEGIN CERTIFICATE-----")
}

func chosenProxy(pick func(*http.Request) (*url.URL, error), ownCA bool) func(*http.Request) (*url.URL, error) {
	if pick == nil {
		pick = http.ProxyFromEnvironment
	}
	return func(r *http.Request) (*url.URL, error) {
		p, _ := r.Context().Value(progressKey{}).(*Progress)
		p.note(func() { p.ownCA = ownCA })
		if LoopbackHost(r.URL.Hostname()) {
			return nil, nil
		}
		u, err := pick(r)
		if err != nil {
			return nil, &proxyError{reason: "it is not an address"}
		}
		if u != nil {
			if reason := unusableProxy(u); reason != "" {
				return nil, &proxyError{reason: reason}
			}
			p.note(func() { p.proxy = u })
		}
		return u, nil
	}
}

// unusableProxy tells why http.Transport cannot go through u. Of an address that
// is none, http.ProxyFromEnvironment makes one with its scheme as the host: "http:".
func unusableProxy(u *url.URL) string {
	switch u.Scheme {
	case "http", "https", "socks5", "socks5h":
	default:
		return fmt.Sprintf("%q is not http, https or socks5", CleanText(u.Scheme, maxDetail))
	}
	if u.Hostname() == "" || strings.HasSuffix(u.Host, ":") {
		return "it names no host"
	}
	return ""
}

// proxyError is a proxy's refusal, or a proxy address that cannot be used. It
// does not quote the address, which may hold a password.
type proxyError struct {
	reason string
	status int // what the proxy answered to CONNECT; 0: its address cannot be used
}

func (e *proxyError) Error() string {
	if e.status == 0 {
		return "the proxy's address cannot be used: " + e.reason
	}
	return e.reason
}

func proxyAnswer(_ context.Context, _ *url.URL, _ *http.Request, res *http.Response) error {
	if res.StatusCode == http.StatusOK {
		return nil
	}
	return &proxyError{fmt.Sprintf("the proxy answered %d %s", res.StatusCode, http.StatusText(res.StatusCode)), res.StatusCode}
}

// Progress notes how far a request came: what is certain after a failure follows
// from that, not from the error's type, which differs between HTTP/1.1 and
// HTTP/2. net/http tells it on goroutines of its own, also after the request.
type Progress struct {
	mu         sync.Mutex
	asked      bool     // a connection was asked for
	connected  bool     // and was ready: something may have been sent
	http2      bool     // it speaks HTTP/2
	handshakes int      // TLS handshakes begun
	addresses  []string // of the host
	proxy      *url.URL
	ownCA      bool // a CA file's certificates are trusted as well
}

type progressKey struct{}

// Watch gives the context for one request, and what will note its progress.
func Watch(ctx context.Context) (context.Context, *Progress) {
	p := &Progress{}
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { p.note(func() { p.asked = true }) },
		DNSDone: func(i httptrace.DNSDoneInfo) {
			p.note(func() {
				for _, a := range i.Addrs {
					p.addresses = append(p.addresses, a.String())
				}
			})
		},
		TLSHandshakeStart: func() { p.note(func() { p.handshakes++ }) },
		GotConn: func(i httptrace.GotConnInfo) {
			c, ok := i.Conn.(*tls.Conn)
			http2 := ok && c.ConnectionState().NegotiatedProtocol == "h2"
			p.note(func() { p.connected, p.http2 = true, http2 })
		},
	})
	return context.WithValue(ctx, progressKey{}, p), p
}

// note lets f write; a request that nobody watches has no Progress.
func (p *Progress) note(f func()) {
	if p != nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		f()
	}
}

// Addresses are those of the host, as far as they were looked up here.
func (p *Progress) Addresses() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.addresses)
}

// Proxy is the host of the proxy in between; empty: none.
func (p *Progress) Proxy() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.proxyHost()
}

func (p *Progress) proxyHost() string {
	if p.proxy == nil {
		return ""
	}
	return CleanText(p.proxy.Host, maxDetail)
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

// TLSReason tells what is wrong with a certificate or a handshake.
type TLSReason string

// The reasons of a NetworkTLS.
const (
	TLSUntrusted   TLSReason = "untrusted"     // signed by nobody who is trusted here
	TLSOtherName   TLSReason = "other name"    // for another host
	TLSExpired     TLSReason = "expired"       // by this machine's clock
	TLSNotYetValid TLSReason = "not yet valid" // by this machine's clock
	TLSInvalid     TLSReason = "invalid"       // breaks a rule for certificates
	TLSNoRoots     TLSReason = "no roots"      // this machine trusts nobody
	TLSOldVersion  TLSReason = "old version"   // the other side knows only TLS 1.1 or older
	TLSNone        TLSReason = "none"          // the other side does not speak TLS
	TLSRefused     TLSReason = "refused"       // the other side ended the handshake
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
	TLS         TLSReason // of a NetworkTLS, the proxy's included
	Issuer      string    // who signed the certificate that was refused; may be empty
	OwnCA       bool      // a CA file's certificates are trusted as well
	Sent        bool      // the request may have arrived
	Err         error     // never a *url.Error

	certificate *x509.Certificate // the one refused; may be nil
}

// Error is one line: "read userinfo: api.cronofy.com through proxy p:3128: timeout: …".
func (e *NetworkError) Error() string {
	var b strings.Builder
	b.WriteString(e.Op + ": " + e.Host)
	if e.Proxy != "" {
		b.WriteString(" through proxy " + e.Proxy)
	}
	if e.Kind != NetworkOther {
		b.WriteString(": " + string(e.Kind))
	}
	if e.Issuer != "" {
		b.WriteString(" (certificate issued by " + e.Issuer + ")")
	}
	if e.Err != nil {
		b.WriteString(": " + CleanText(e.Err.Error(), maxDetail))
	}
	return b.String()
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
	for {
		u, ok := errors.AsType[*url.Error](err)
		if !ok {
			break
		}
		err = u.Err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	e := &NetworkError{Op: op, Host: host, Proxy: p.proxyHost(), OwnCA: p.ownCA, Err: err}
	kind := e.sort(p)
	refused, isProxy := errors.AsType[*proxyError](err)
	switch {
	case isProxy:
		e.Kind, e.ProxyStatus = NetworkProxy, refused.status
	case p.atProxy() || proxyOp(err):
		e.Kind, e.ProxyKind = NetworkProxy, kind
	default:
		e.Kind = kind
	}
	before := e.Kind == NetworkProxy || e.Kind == NetworkDNS || isDial(err) || p.asked && !p.connected
	e.Sent = !before && !unprocessed(err)
	return e
}

// sort tells the kind of what failed, wherever it was, and notes what TLS has
// against a certificate.
func (e *NetworkError) sort(p *Progress) NetworkKind {
	var timeout interface{ Timeout() bool }
	dns, isDNS := errors.AsType[*net.DNSError](e.Err)
	switch {
	case errors.Is(e.Err, context.DeadlineExceeded), errors.As(e.Err, &timeout) && timeout.Timeout(), isErrno(e.Err, timedOut):
		return NetworkTimeout
	case isDNS:
		if dns.IsTimeout {
			return NetworkTimeout
		}
		return NetworkDNS
	case isErrno(e.Err, refusals), isErrno(e.Err, unreachable), isErrno(e.Err, forbidden):
		return NetworkRefused
	case isErrno(e.Err, resets), errors.Is(e.Err, io.EOF), errors.Is(e.Err, io.ErrUnexpectedEOF), errors.Is(e.Err, net.ErrClosed):
		return NetworkReset
	case e.sortTLS(p.handshakes > 0 && !p.connected):
		return NetworkTLS
	case isDial(e.Err):
		return NetworkRefused
	case !p.connected:
		return NetworkOther
	case noHTTP(e.Err, p):
		return NetworkProtocol
	}
	return NetworkReset
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

// sortTLS notes what is wrong with the certificate, or with the handshake if one
// was under way.
func (e *NetworkError) sortTLS(handshake bool) bool {
	if v, ok := errors.AsType[*tls.CertificateVerificationError](e.Err); ok && len(v.UnverifiedCertificates) > 0 {
		e.certificate = v.UnverifiedCertificates[0]
	}
	invalid, isInvalid := errors.AsType[x509.CertificateInvalidError](e.Err)
	_, isName := errors.AsType[x509.HostnameError](e.Err)
	untrusted, isUntrusted := errors.AsType[x509.UnknownAuthorityError](e.Err)
	_, isRoots := errors.AsType[x509.SystemRootsError](e.Err)
	_, isCertificate := errors.AsType[*tls.CertificateVerificationError](e.Err)
	_, isRecord := errors.AsType[tls.RecordHeaderError](e.Err)
	op, isOp := errors.AsType[*net.OpError](e.Err)
	switch text := e.Err.Error(); {
	case isName:
		e.TLS = TLSOtherName
	case isInvalid && invalid.Reason == x509.Expired:
		e.TLS = TLSExpired
		if invalid.Cert != nil { // may be one higher up
			e.certificate = invalid.Cert
			if time.Now().Before(invalid.Cert.NotBefore) {
				e.TLS = TLSNotYetValid
			}
		}
	case isUntrusted:
		e.TLS = TLSUntrusted
		if e.certificate == nil {
			e.certificate = untrusted.Cert
		}
	case isRoots:
		e.TLS = TLSNoRoots
	case isInvalid, isCertificate:
		e.TLS = TLSInvalid
	case isRecord, errors.Is(e.Err, http.ErrSchemeMismatch):
		e.TLS = TLSNone
	case strings.Contains(text, "protocol version"), strings.Contains(text, "unsupported versions"):
		e.TLS = TLSOldVersion
	case handshake, isOp && (op.Op == "remote error" || op.Op == "local error"):
		e.TLS = TLSRefused
	default:
		return false
	}
	if e.certificate != nil {
		e.Issuer = Issuer(e.certificate)
	}
	return true
}

// Issuer is the organisation that signed a certificate, or whatever else names it.
func Issuer(c *x509.Certificate) string {
	for _, names := range [][]string{c.Issuer.Organization, {c.Issuer.CommonName}, {c.Issuer.String()}} {
		if i := slices.IndexFunc(names, func(n string) bool { return CleanText(n, maxDetail) != "" }); i >= 0 {
			return CleanText(names[i], maxDetail)
		}
	}
	return ""
}

func isDial(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "dial"
}

func proxyOp(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && (op.Op == "proxyconnect" || strings.HasPrefix(op.Op, "socks"))
}

// unprocessed tells whether HTTP/2 promises that a request was not acted on (RFC
// 9113 section 8.7): its stream was refused, or lies beyond the last one that a
// GOAWAY names. The transport gives such an error as text if it may not repeat
// the request itself.
func unprocessed(err error) bool {
	var stream streamError
	if errors.As(err, &stream) {
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

// What the system says of a connection. On Windows the sockets' own codes (WSA…)
// arrive, and Go's constants of these names are invented numbers there.
// https://learn.microsoft.com/windows/win32/winsock/windows-sockets-error-codes-2
var (
	refusals    = []syscall.Errno{syscall.ECONNREFUSED, 10061}
	unreachable = []syscall.Errno{syscall.EHOSTUNREACH, syscall.ENETUNREACH, 10065, 10051, 10064, 10050}
	forbidden   = []syscall.Errno{syscall.EACCES, syscall.EPERM, 10013}
	resets      = []syscall.Errno{syscall.ECONNRESET, syscall.EPIPE, syscall.ECONNABORTED, 10054, 10053, 10052, 10058}
	timedOut    = []syscall.Errno{10060}
)

func isErrno(err error, list []syscall.Errno) bool {
	errno, ok := errors.AsType[syscall.Errno](err)
	return ok && slices.Contains(list, errno)
}

// Words tells people what is wrong and what to do about it.
func (e *NetworkError) Words() (summary, hint string) {
	via := ""
	if e.Proxy != "" {
		via = " through the proxy " + e.Proxy
	}
	const tryAgain = "Check the network, then try again."
	switch e.Kind {
	case NetworkDNS:
		return fmt.Sprintf("The name %s could not be found.", e.Host),
			"Check the network and DNS, or set HTTPS_PROXY if this machine reaches the internet through a proxy."
	case NetworkRefused:
		return e.refusalWords(via)
	case NetworkTimeout:
		return fmt.Sprintf("%s did not answer in time%s.", e.Host, via), tryAgain
	case NetworkReset:
		return fmt.Sprintf("The connection to %s broke off%s.", e.Host, via), "Try again. If it goes on, a firewall or proxy may be cutting it."
	case NetworkProtocol:
		return fmt.Sprintf("%s answered%s, but not in HTTP.", e.Host, via), "Another service answers there. Check the address, and any proxy or firewall in between."
	case NetworkTLS:
		return e.tlsWords(e.Host)
	case NetworkProxy:
		return e.proxyWords()
	}
	return fmt.Sprintf("%s could not be reached%s.", e.Host, via), tryAgain
}

func (e *NetworkError) refusalWords(via string) (summary, hint string) {
	switch {
	case isErrno(e.Err, unreachable):
		return fmt.Sprintf("This machine has no way to %s%s.", e.Host, via), "Check the network or VPN, or set HTTPS_PROXY if this machine reaches the internet through a proxy."
	case isErrno(e.Err, forbidden):
		return fmt.Sprintf("This machine does not let confer connect to %s%s.", e.Host, via), "Allow it in this machine's firewall or security program, then try again."
	}
	return fmt.Sprintf("%s refused the connection%s.", e.Host, via), "Check the network, a firewall or the proxy, then try again."
}

// tlsWords: each reason is put right in another place.
func (e *NetworkError) tlsWords(who string) (summary, hint string) {
	const something = "Something else answers in its place: a company proxy, a network's login page, or a wrong address. "
	const clock = "Set this machine's clock if it is wrong. If it is right, a proxy in between or the server needs a new certificate."
	const day = "2 January 2006"
	switch e.TLS {
	case TLSOtherName:
		return fmt.Sprintf("The certificate that came is not for %s%s.", who, e.certificateNames()), something + "--ca-file does not help against this."
	case TLSExpired:
		if e.certificate == nil {
			return fmt.Sprintf("The certificate of %s is not valid at the time of this machine's clock.", who), clock
		}
		return fmt.Sprintf("A certificate of %s ended on %s; this machine's clock says %s.", who, e.certificate.NotAfter.Format(day), time.Now().Format(day)), clock
	case TLSNotYetValid:
		return fmt.Sprintf("A certificate of %s is valid from %s only; this machine's clock says %s.", who, e.certificate.NotBefore.Format(day), time.Now().Format(day)), clock
	case TLSInvalid:
		return fmt.Sprintf("The certificate of %s breaks a rule: %s.", who, CleanText(strings.TrimPrefix(e.Err.Error(), "tls: failed to verify certificate: "), maxDetail)),
			"Whoever made the certificate must make another one" + e.issuerWords() + "."
	case TLSNoRoots:
		return "This machine has no list of certificate authorities to trust.", "Install it (the package is often called ca-certificates), or name a file with --ca-file."
	case TLSOldVersion:
		return fmt.Sprintf("%s offers only an old version of TLS; confer needs TLS 1.2 or 1.3.", who), "Cronofy offers TLS 1.3: check the address, and any proxy in between."
	case TLSNone:
		return fmt.Sprintf("%s answered, but without encryption (TLS).", who), "Check the address, the port, and any proxy in between."
	case TLSRefused:
		return fmt.Sprintf("The encrypted connection (TLS) to %s was refused.", who), "Check the address, and any proxy or firewall in between. It may want a certificate that confer does not have."
	}
	if e.OwnCA {
		by := cmp.Or(e.Issuer, "somebody")
		return fmt.Sprintf("The certificate of %s was issued by %s, whom neither this machine nor the file of --ca-file trusts.", who, by),
			"Put the certificate of that authority (the root) into the file. Who runs the network or the proxy has it."
	}
	const give = "If a company proxy opens TLS, give its certificate authority with --ca-file."
	if e.Issuer != "" {
		return fmt.Sprintf("The certificate of %s is not trusted; it was issued by %s.", who, e.Issuer), give
	}
	return fmt.Sprintf("The certificate of %s is not trusted.", who), give
}

func (e *NetworkError) issuerWords() string {
	if e.Issuer == "" {
		return ""
	}
	return "; it was issued by " + e.Issuer
}

func (e *NetworkError) certificateNames() string {
	if e.certificate == nil {
		return ""
	}
	names := e.certificate.DNSNames
	for _, ip := range e.certificate.IPAddresses {
		names = append(names, ip.String())
	}
	if len(names) == 0 {
		return ""
	}
	return " but for " + CleanText(strings.Join(names[:min(len(names), 3)], ", "), maxDetail)
}

// proxyWords: what is wrong with a proxy is put right in other places.
func (e *NetworkError) proxyWords() (summary, hint string) {
	const setting = "Check HTTPS_PROXY, and that the proxy runs. NO_PROXY names the hosts that need none."
	switch {
	case e.Proxy == "":
		why := ""
		if p, ok := errors.AsType[*proxyError](e.Err); ok {
			why = ": " + p.reason
		}
		return "The proxy's address in HTTPS_PROXY cannot be used" + why + ".", "Set HTTPS_PROXY like http://proxy.example.com:3128, or take it away."
	case e.ProxyStatus == http.StatusProxyAuthRequired:
		return fmt.Sprintf("The proxy %s wants a name and a password, or does not accept those it got (407).", e.Proxy),
			"Put them into HTTPS_PROXY, like http://NAME:PASSWORD@" + e.Proxy + "."
	case e.ProxyStatus != 0:
		answered := strings.TrimSpace(fmt.Sprint(e.ProxyStatus, " ", http.StatusText(e.ProxyStatus)))
		return fmt.Sprintf("The proxy %s refused the connection to %s (%s).", e.Proxy, e.Host, answered),
			"Ask who runs the proxy to let " + e.Host + " through, or name it in NO_PROXY if it can be reached without."
	}
	switch e.ProxyKind {
	case NetworkDNS:
		return fmt.Sprintf("The name of the proxy %s could not be found.", e.Proxy), setting
	case NetworkRefused:
		return fmt.Sprintf("Nothing answers at the proxy %s.", e.Proxy), setting
	case NetworkTimeout:
		return fmt.Sprintf("The proxy %s did not answer in time.", e.Proxy), setting
	case NetworkTLS:
		summary, hint = e.tlsWords("the proxy " + e.Proxy)
		if e.TLS == "" || e.TLS == TLSUntrusted || e.TLS == TLSNone {
			hint = "Give its certificate authority with --ca-file, or use http:// in HTTPS_PROXY if the proxy expects that."
		}
		return summary, hint
	case NetworkProtocol, NetworkOther:
		return fmt.Sprintf("What answers at the proxy %s is not a proxy of that kind.", e.Proxy), setting
	}
	return fmt.Sprintf("The connection to %s broke off at the proxy %s.", e.Host, e.Proxy), setting
}
