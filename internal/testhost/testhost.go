// Package testhost gives tests what they take of the host: ports and programs.
// Nothing is forked while they are made, since a child would keep a copy of what is
// open: the port would stay taken, and the system refuses to execute what somebody
// writes to (https://github.com/golang/go/issues/22315).
package testhost

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

// WriteProgram makes a file that can be executed at once.
func WriteProgram(path string, text []byte) error {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	return os.WriteFile(path, text, 0o700)
}

// The range lies below the one that systems take ephemeral ports from, so that
// a port stays free between being found and being used. Each process has a part
// of it for itself, which it claims by listening on the part's first port.
const (
	first   = 10240
	perPart = 1000
	parts   = 20
)

var claim = sync.OnceValues(func() (net.Listener, error) { return claimFrom(os.Getpid()) })

// claimFrom gives the listener on a part's first port, which lives as long as the process.
func claimFrom(n int) (net.Listener, error) {
	for i := range parts {
		if l, err := listen(first + (n+i)%parts*perPart); err == nil {
			return l, nil
		}
	}
	return nil, errors.New("no part of the range of test ports is free")
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
		port := mine.Addr().(*net.TCPAddr).Port + 1 + int(next.Add(1))%(perPart-1)
		if err = try(port); err == nil {
			return port, nil
		}
	}
	return 0, err
}

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
