package delegated

import (
	"context"
	"net"
	"sync"
)

// memoryListener takes connections made of pipes, so that a bubble's clock can
// go on while nothing else happens.
type memoryListener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func memory() *memoryListener {
	return &memoryListener{conns: make(chan net.Conn), closed: make(chan struct{})}
}

func (m *memoryListener) listen(context.Context, string, string) (net.Listener, error) { return m, nil }

func (m *memoryListener) Accept() (net.Conn, error) {
	select {
	case c := <-m.conns:
		return c, nil
	case <-m.closed:
		return nil, net.ErrClosed
	}
}

func (m *memoryListener) Close() error { m.once.Do(func() { close(m.closed) }); return nil }

func (m *memoryListener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8080} }

// dial gives the sender's end of a connection.
func (m *memoryListener) dial() net.Conn {
	ours, theirs := net.Pipe()
	m.conns <- theirs
	return ours
}
