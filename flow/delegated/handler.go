package delegated

import (
	"io"
	"net/http"
	"path"
	"strings"
	"sync"

	"confer/cronofy"
)

// maxBody is what a webhook may have, in bytes; real ones have less than 1,000.
const maxBody = 64 << 10

// Refused counts posts that were not taken. Requests to paths that are nobody's
// are not counted: on a public address they are noise.
type Refused struct {
	Unsigned  int // to a live callback URL, without a signature
	Forged    int // to a live callback URL, with a wrong signature
	Malformed int // to a live callback URL, too large or not a webhook
}

type refusals struct {
	mu sync.Mutex
	n  Refused
}

func (r *refusals) count(add func(*Refused)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	add(&r.n)
}

func (r *refusals) get() Refused {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.n
}

// ServeHTTP takes webhooks. The answer is sent before anything is done with the
// code, because Cronofy waits only seconds for it.
func (d *Desk) ServeHTTP(w http.ResponseWriter, req *http.Request) {
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
func (d *Desk) take(w http.ResponseWriter, req *http.Request) (status int, handOver func()) {
	// A proxy may have taken a part of the path away: the last part is the secret.
	id := path.Base(req.URL.Path)
	if d.find(id) == nil {
		return http.StatusNotFound, nil // whoever knows no path cannot make us read a body
	}
	if req.ContentLength > maxBody {
		d.refused.count(func(n *Refused) { n.Malformed++ })
		return http.StatusRequestEntityTooLarge, nil
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxBody))
	if err != nil {
		d.refused.count(func(n *Refused) { n.Malformed++ })
		return http.StatusRequestEntityTooLarge, nil
	}
	if !d.signed(req.Header.Values(cronofy.HMACHeader), body) {
		return http.StatusUnauthorized, nil
	}
	hook, err := cronofy.ParseWebhook(body)
	if err != nil {
		d.refused.count(func(n *Refused) { n.Malformed++ })
		return http.StatusBadRequest, nil
	}
	r := d.claim(id)
	if r == nil {
		return http.StatusNotFound, nil
	}
	return http.StatusOK, func() { r.hook <- hook } // has room: a row is claimed once
}

func (d *Desk) signed(headers []string, body []byte) bool {
	header := strings.Join(headers, ",")
	switch {
	case header != "" && cronofy.VerifyHMAC(header, body, d.cfg.ClientSecret):
		return true
	case header != "":
		d.refused.count(func(n *Refused) { n.Forged++ })
		return false
	case d.cfg.AcceptUnsigned:
		return true
	}
	d.refused.count(func(n *Refused) { n.Unsigned++ })
	return false
}

func (d *Desk) find(id string) *row {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.live[id]
}

// claim gives the row of a live callback URL once.
func (d *Desk) claim(id string) *row {
	d.mu.Lock()
	defer d.mu.Unlock()
	r := d.live[id]
	delete(d.live, id)
	return r
}

func (d *Desk) forget(r *row) { d.claim(r.id) }
