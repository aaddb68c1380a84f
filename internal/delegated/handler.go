package delegated

import (
	"io"
	"net/http"
	"path"
	"strings"

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

func (d *Desk) signed(headers []string, body []byte) Refusal {
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
