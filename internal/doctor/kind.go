package doctor

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"syscall"

	"confer/cronofy"
)

// kind is why no answer came. A time-out says more than the stage it happened in.
func (t *trace) kind(r *Reached, err error) cronofy.NetworkKind {
	var timeout interface{ Timeout() bool }
	var dns *net.DNSError
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return cronofy.NetworkTimeout
	case r.Proxy != "" && t.beforeTLS():
		return cronofy.NetworkProxy
	case errors.As(err, &dns):
		return cronofy.NetworkDNS
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return cronofy.NetworkRefused
	case t.inTLS(), errors.Is(err, http.ErrSchemeMismatch):
		return cronofy.NetworkTLS
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return cronofy.NetworkReset
	}
	return cronofy.NetworkOther
}
