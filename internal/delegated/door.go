package delegated

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

const (
	// A webhook fits one packet or two; whoever needs longer is not Cronofy.
	headerTime = 5 * time.Second
	readTime   = 10 * time.Second
	writeTime  = 5 * time.Second
	maxHeader  = 16 << 10 // bytes

	// Connections open at once; above it the oldest is cut, so that a flood of
	// slow senders uses up neither files nor memory.
	maxConnections = 256

	// closeLimit is how long answers that are being written may take at the end.
	closeLimit = 100 * time.Millisecond
)

// door is the listener of a Desk.
type door struct {
	l       net.Listener
	srv     *http.Server
	serving sync.WaitGroup

	mu   sync.Mutex
	open []net.Conn // oldest first
}

func openDoor(h http.Handler, l net.Listener) *door {
	d := &door{l: l}
	d.srv = &http.Server{
		Handler:                      h,
		ReadHeaderTimeout:            headerTime,
		ReadTimeout:                  readTime,
		WriteTimeout:                 writeTime,
		MaxHeaderBytes:               maxHeader,
		DisableGeneralOptionsHandler: true,
		ErrorLog:                     log.New(io.Discard, "", 0), // the default writes into the terminal
		ConnState:                    d.watch,
	}
	d.srv.SetKeepAlivesEnabled(false)
	d.serving.Go(func() { _ = d.srv.Serve(l) }) // ends with close
	return d
}

func (d *door) watch(c net.Conn, state http.ConnState) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch state {
	case http.StateNew:
		if d.open = append(d.open, c); len(d.open) > maxConnections {
			_ = d.open[0].Close()
			d.open = d.open[1:]
		}
	case http.StateClosed, http.StateHijacked:
		if i := slices.Index(d.open, c); i >= 0 {
			d.open = slices.Delete(d.open, i, i+1)
		}
	}
}

func (d *door) close() {
	_ = d.l.Close()
	d.serving.Wait() // no new connection from here on
	ctx, cancel := context.WithTimeout(context.Background(), closeLimit)
	defer cancel()
	if d.srv.Shutdown(ctx) != nil {
		_ = d.srv.Close()
	}
}
