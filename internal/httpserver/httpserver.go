// Package httpserver serves HTTP to whoever comes: slow senders are cut, a flood of
// connections uses up neither files nor memory, nothing is written into the
// terminal, and the end takes milliseconds.
package httpserver

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Patience is how long a request may take, and its answer. Browsers and webhooks
// fit a packet or two; whoever needs longer is neither.
const Patience = 5 * time.Second

// Limits are those of a Server. None may be zero.
type Limits struct {
	HeaderBytes int // net/http answers 431 above it by itself

	// Connections open at once; above it the oldest is cut. With SilentOnly those
	// that have sent something do not count.
	Connections int
	SilentOnly  bool

	Close time.Duration // how long answers may take at the end that are being written
}

// Server is one http.Server on one or more listeners.
type Server struct {
	Handler http.Handler // as given

	limits    Limits
	srv       *http.Server
	listeners []net.Listener
	serving   sync.WaitGroup

	mu   sync.Mutex
	open []net.Conn // those that Limits.Connections counts, oldest first
}

// Serve begins to serve. Close ends it.
func Serve(h http.Handler, limits Limits, listeners ...net.Listener) *Server {
	s := &Server{Handler: h, limits: limits, listeners: listeners}
	s.srv = &http.Server{
		Handler:                      h,
		ReadTimeout:                  Patience,
		WriteTimeout:                 Patience,
		MaxHeaderBytes:               limits.HeaderBytes,
		DisableGeneralOptionsHandler: true,
		ErrorLog:                     log.New(io.Discard, "", 0), // the default writes into the terminal
		ConnState:                    s.watch,
	}
	s.srv.SetKeepAlivesEnabled(false)
	for _, l := range listeners {
		s.serving.Go(func() { _ = s.srv.Serve(l) }) // ends with Close
	}
	return s
}

func (s *Server) watch(c net.Conn, state http.ConnState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case state == http.StateNew:
		if s.open = append(s.open, c); len(s.open) > s.limits.Connections {
			_ = s.open[0].Close()
			s.open = s.open[1:]
		}
	case state == http.StateClosed, state == http.StateHijacked, s.limits.SilentOnly:
		s.open = slices.DeleteFunc(s.open, func(o net.Conn) bool { return o == c })
	}
}

// Close ends within Limits.Close, also where connections are silent, which Shutdown
// would wait 5 seconds for (https://github.com/golang/go/issues/22682).
func (s *Server) Close() {
	for _, l := range s.listeners {
		_ = l.Close()
	}
	s.serving.Wait() // no new connection from here on
	ctx, cancel := context.WithTimeout(context.Background(), s.limits.Close)
	defer cancel()
	if s.srv.Shutdown(ctx) != nil {
		_ = s.srv.Close()
	}
}
