// Package freeport finds ports for tests that name one before they listen.
package freeport

import (
	"errors"
	"net"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
)

// The range lies below the one that systems take ephemeral ports from, so that
// a port stays free between being found and being used. Each process has a part
// of it for itself, which it claims by listening on the part's first port.
const (
	first   = 10240
	perPart = 1000
	parts   = 20
)

var errNone = errors.New("no part of the range of test ports is free")

var claim = sync.OnceValues(func() (part, error) { return claimFrom(os.Getpid()) })

// part is a claimed part of the range. Its listener lives as long as the process.
type part struct {
	first int
	held  net.Listener
}

func claimFrom(n int) (part, error) {
	for i := range parts {
		at := first + (n+i)%parts*perPart
		if l, err := listen(at); err == nil {
			return part{at, l}, nil
		}
	}
	return part{}, errNone
}

var next atomic.Uint32

// Port gives a port of 127.0.0.1 that nothing listens on, a different one each
// time until the process has had all of its part.
func Port() (int, error) {
	mine, err := claim()
	if err != nil {
		return 0, err
	}
	for range perPart {
		port := mine.first + 1 + int(next.Add(1))%(perPart-1)
		if err = try(port); err == nil {
			return port, nil
		}
	}
	return 0, err
}

// try lets nothing be forked meanwhile: a child would hold the port until it has
// begun.
func try(port int) error {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	l, err := listen(port)
	if err != nil {
		return err
	}
	return l.Close()
}

func listen(port int) (net.Listener, error) {
	return net.Listen("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
}

// Address gives host:port of such a port.
func Address() (string, error) {
	port, err := Port()
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), err
}

// RedirectURI gives a loopback redirect URI on such a port.
func RedirectURI(t testing.TB) string {
	t.Helper()
	addr, err := Address()
	if err != nil {
		t.Fatal(err)
	}
	return "http://" + addr + "/callback"
}
