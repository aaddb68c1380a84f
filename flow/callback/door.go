package callback

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	// A browser on this machine or behind a tunnel sends its header at once;
	// whoever needs longer is no browser.
	readLimit  = 5 * time.Second
	writeLimit = 5 * time.Second
	// A browser sends all cookies that any program on this host name has set: up to
	// 180 of 4 KiB. Above that net/http answers 431 by itself.
	headerLimit = 1 << 20
	// Far above any real code and state, and above what ParsePaste takes.
	queryLimit = 32 << 10
	// Connections that have not sent a whole header. Above that the oldest is
	// cut, so that a flood of silent ones cannot use up the process's files.
	silentLimit = 128
	// How long Close lets answers finish that are being written.
	closeLimit = 5 * time.Millisecond
)

// door is one http.Server on one or two listeners of the same port.
type door struct {
	srv     *http.Server
	lns     []net.Listener
	serving sync.WaitGroup

	mu     sync.Mutex
	silent []net.Conn // oldest first; http.StateNew, browsers' preconnects among them
}

func openDoor(h http.Handler, lns ...net.Listener) *door {
	d := &door{lns: lns}
	d.srv = &http.Server{
		Handler:                      h,
		ReadHeaderTimeout:            readLimit,
		ReadTimeout:                  readLimit,
		WriteTimeout:                 writeLimit,
		MaxHeaderBytes:               headerLimit,
		DisableGeneralOptionsHandler: true,
		ErrorLog:                     log.New(io.Discard, "", 0), // the default writes into the terminal
		ConnState:                    d.watch,
	}
	d.srv.SetKeepAlivesEnabled(false)
	for _, l := range lns {
		d.serving.Go(func() { _ = d.srv.Serve(l) })
	}
	return d
}

func (d *door) watch(c net.Conn, state http.ConnState) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if state == http.StateNew {
		d.silent = append(d.silent, c)
		if len(d.silent) > silentLimit {
			_ = d.silent[0].Close()
			d.silent = d.silent[1:]
		}
		return
	}
	for i, s := range d.silent {
		if s == c {
			d.silent = append(d.silent[:i:i], d.silent[i+1:]...)
			return
		}
	}
}

// close ends at once for silent connections, which Shutdown would wait 5
// seconds for (https://github.com/golang/go/issues/22682), and within
// closeLimit for all others.
func (d *door) close() {
	for _, l := range d.lns {
		_ = l.Close()
	}
	d.serving.Wait() // no new connection from here on
	d.mu.Lock()
	for _, c := range d.silent {
		_ = c.Close()
	}
	d.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), closeLimit)
	defer cancel()
	if d.srv.Shutdown(ctx) != nil {
		_ = d.srv.Close()
	}
}
