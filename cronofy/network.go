package cronofy

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
)

// NetworkKind tells why no answer came.
type NetworkKind string

// The kinds of NetworkError.
const (
	NetworkOther   NetworkKind = "other"
	NetworkDNS     NetworkKind = "dns"     // the host's name was not found
	NetworkRefused NetworkKind = "refused" // nothing listens there, or no route
	NetworkReset   NetworkKind = "reset"   // the connection ended before the answer
	NetworkTimeout NetworkKind = "timeout" // no answer in time
	NetworkTLS     NetworkKind = "tls"     // the certificate or the handshake
	NetworkProxy   NetworkKind = "proxy"   // the proxy: not reached, or it refused
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
	Issuer      string // who signed the certificate that was refused; empty unless NetworkTLS
	Sent        bool   // the request may have arrived
	Err         error  // never a *url.Error
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
	if e.Kind == NetworkTimeout {
		return nil
	}
	return e.Err
}

// proxyError is a proxy's refusal, or a proxy address that cannot be used. It
// does not quote the address, which may hold a password.
type proxyError struct {
	reason string
	status int // what the proxy answered to CONNECT; 0: its address cannot be used
}

func (e *proxyError) Error() string { return e.reason }

// networkError sorts what http.Client.Do or a body's Read gave.
func networkError(op, host, proxy string, err error) *NetworkError {
	for {
		u, ok := errors.AsType[*url.Error](err)
		if !ok {
			break
		}
		err = u.Err
	}
	e := &NetworkError{Op: op, Host: host, Proxy: proxy, Err: err, Kind: NetworkOther, Sent: true}
	e.classify()
	return e
}

func (e *NetworkError) classify() {
	if isProxy(e.Err) {
		e.Kind, e.Sent = NetworkProxy, false
		e.ProxyStatus, e.ProxyKind = ProxyTrouble(e.Err)
		return
	}
	if op, ok := errors.AsType[*net.OpError](e.Err); ok && op.Op == "dial" {
		e.Sent = false
	}
	if dns, ok := errors.AsType[*net.DNSError](e.Err); ok {
		e.Kind, e.Sent = NetworkDNS, false
		if dns.IsTimeout {
			e.Kind = NetworkTimeout
		}
		return
	}
	if issuer, ok := tlsProblem(e.Err); ok {
		e.Kind, e.Issuer, e.Sent = NetworkTLS, issuer, false
		return
	}
	e.Kind = connectionKind(e.Err)
}

func isProxy(err error) bool {
	if _, ok := errors.AsType[*proxyError](err); ok {
		return true
	}
	op, ok := errors.AsType[*net.OpError](err)
	return ok && (op.Op == "proxyconnect" || strings.HasPrefix(op.Op, "socks"))
}

// ProxyTrouble tells what a proxy answered, or why it was not reached; for the
// fields of a NetworkError.
func ProxyTrouble(err error) (status int, kind NetworkKind) {
	if e, ok := errors.AsType[*proxyError](err); ok {
		return e.status, ""
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok && !dns.IsTimeout {
		return 0, NetworkDNS
	}
	if _, ok := tlsProblem(err); ok {
		return 0, NetworkTLS
	}
	return 0, connectionKind(err)
}

func connectionKind(err error) NetworkKind {
	var timeout interface{ Timeout() bool }
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return NetworkTimeout
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return NetworkRefused
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, syscall.ECONNABORTED),
		errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed),
		strings.Contains(err.Error(), "server closed idle connection"):
		return NetworkReset
	}
	return NetworkOther
}

// tlsProblem tells whether err is about TLS, and who signed the certificate in
// question: with an inspecting proxy in between that names the culprit.
func tlsProblem(err error) (issuer string, ok bool) {
	if e, is := errors.AsType[*tls.CertificateVerificationError](err); is {
		if len(e.UnverifiedCertificates) > 0 {
			issuer = CleanText(e.UnverifiedCertificates[0].Issuer.String(), maxDetail)
		}
		return issuer, true
	}
	if e, is := errors.AsType[x509.UnknownAuthorityError](err); is && e.Cert != nil {
		return CleanText(e.Cert.Issuer.String(), maxDetail), true
	}
	_, record := errors.AsType[tls.RecordHeaderError](err)
	_, alert := errors.AsType[tls.AlertError](err)
	_, host := errors.AsType[x509.HostnameError](err)
	return "", record || alert || host || errors.Is(err, http.ErrSchemeMismatch)
}
