package delegated

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"confer/cronofy"
)

// maxBody is what a webhook may have, in bytes; real ones have less than 1,000.
const maxBody = 64 << 10

// ServeHTTP takes webhooks. The answer is sent before anything is done with the
// code, because Cronofy waits only seconds for it.
func (d *Receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Length", "0")
	if req.Method != http.MethodPost {
		h.Set("Allow", http.MethodPost)
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	status, handOver := d.take(w, req)
	w.WriteHeader(status)
	if handOver != nil {
		_ = http.NewResponseController(w).Flush()
		handOver()
	}
}

// take gives the status of the answer and, of a webhook that is taken, what is to
// be done once the answer is sent; else nil.
func (d *Receiver) take(w http.ResponseWriter, req *http.Request) (status int, handOver func()) {
	// A proxy may have taken a part of the path away: the last part is the secret.
	id := path.Base(req.URL.Path)
	r := d.find(id)
	if r == nil {
		return http.StatusNotFound, nil // whoever knows no path cannot make us read a body
	}
	if req.ContentLength > maxBody {
		d.refuse(r, Malformed)
		return http.StatusRequestEntityTooLarge, nil
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxBody))
	if err != nil {
		d.refuse(r, Malformed)
		return http.StatusRequestEntityTooLarge, nil
	}
	if why := d.signed(req.Header.Values(cronofy.HMACHeader), body); why != NotRefused {
		d.refuse(r, why)
		return http.StatusUnauthorized, nil
	}
	hook, err := cronofy.ParseWebhook(body)
	if err != nil {
		d.refuse(r, Malformed)
		return http.StatusBadRequest, nil
	}
	if r = d.claim(id); r == nil {
		return http.StatusNotFound, nil
	}
	return http.StatusOK, func() { r.hook <- hook } // has room: a row is claimed once
}

func (d *Receiver) signed(headers []string, body []byte) Refusal {
	header := strings.Join(headers, ",")
	switch {
	case header != "" && cronofy.VerifyHMAC(header, body, d.cfg.ClientSecret):
		return NotRefused
	case header != "":
		return Forged
	case d.cfg.AcceptUnsigned:
		return NotRefused
	}
	return Unsigned
}

func (d *Receiver) find(id string) *row {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.live[id]
}

// refuse notes that a post to r's callback URL is not taken, and tells it. What is
// sent to paths that are nobody's is noise on a public address.
func (d *Receiver) refuse(r *row, why Refusal) {
	d.mu.Lock()
	r.refused = why
	d.mu.Unlock()
	d.report(Notice{Refused: why})
}

// claim gives the row of a live callback URL once.
func (d *Receiver) claim(id string) *row {
	d.mu.Lock()
	defer d.mu.Unlock()
	r := d.live[id]
	delete(d.live, id)
	return r
}

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

// server is the listener of a Receiver.
type server struct {
	l       net.Listener
	srv     *http.Server
	serving sync.WaitGroup

	mu   sync.Mutex
	open []net.Conn // oldest first
}

func serve(h http.Handler, l net.Listener) *server {
	d := &server{l: l}
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

func (d *server) watch(c net.Conn, state http.ConnState) {
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

func (d *server) close() {
	_ = d.l.Close()
	d.serving.Wait() // no new connection from here on
	ctx, cancel := context.WithTimeout(context.Background(), closeLimit)
	defer cancel()
	if d.srv.Shutdown(ctx) != nil {
		_ = d.srv.Close()
	}
}
