// Package freeport finds ports for tests that name one before they listen.
package freeport

import (
	"net"
	"os"
	"strconv"
	"sync/atomic"
)

// The range lies below the one that systems take ephemeral ports from, so that
// a port stays free between being found and being used; each process has a part
// of it for itself.
const (
	first     = 10240
	perPart   = 200
	parts     = 100
	mostTries = 3 * perPart
)

var next atomic.Uint32

// Port gives a port of 127.0.0.1 that nothing listens on, a different one each
// time.
func Port() (int, error) {
	part := first + os.Getpid()%parts*perPart
	var err error
	for range mostTries {
		port := part + int(next.Add(1))%perPart
		var l net.Listener
		if l, err = net.Listen("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port))); err == nil {
			return port, l.Close()
		}
	}
	return 0, err
}

// RedirectURI gives a loopback redirect URI on such a port.
func RedirectURI() (string, error) {
	port, err := Port()
	return "http://127.0.0.1:" + strconv.Itoa(port) + "/callback", err
}
