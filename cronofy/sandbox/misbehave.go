package sandbox

import (
	"bytes"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const htmlError = `<!doctype html><html lang="en"><title>Bad gateway</title><h1>Bad gateway</h1><p>The proxy has no answer.</p></html>`

// misbehave gives the scripted answer to a call.
func (s *Server) misbehave(f Fault, c *call, do func(*call)) {
	if !s.pause(c.r, f.Slow) {
		return
	}
	c.w.Header().Set(reasonHeader, "scripted answer")
	switch {
	case f.Reset:
		reset(c.w)
	case f.Body == TruncatedBody || f.Body == CutBody:
		spoil(f, c, do)
	case f.Status == 0 && f.Body == DefaultBody:
		c.w.Header().Del(reasonHeader)
		do(c)
	default:
		script(f, c)
	}
}

// pause waits, and tells whether there is still somebody to answer.
func (s *Server) pause(r *http.Request, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-r.Context().Done(): // the client went away, or Close
		return false
	}
}

// reset ends the connection with a TCP reset, without an answer.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // makes Close a reset
	}
	_ = conn.Close()
}

// spoil does the call and sends half of its answer.
func spoil(f Fault, c *call, do func(*call)) {
	to := c.w
	kept := &recorder{header: http.Header{}, status: http.StatusOK}
	c.w = kept
	do(c)
	body := kept.body.Bytes()
	half := body[:len(body)/2]
	for name, v := range kept.header {
		to.Header()[name] = v
	}
	if f.Status != 0 {
		kept.status = f.Status
	}
	declared := len(half)
	if f.Body == CutBody {
		declared = len(body)
	}
	to.Header().Set("Content-Length", strconv.Itoa(declared))
	to.WriteHeader(kept.status)
	_, _ = to.Write(half)
	if f.Body == CutBody {
		_ = http.NewResponseController(to).Flush()
		panic(http.ErrAbortHandler) // closes the connection
	}
}

// recorder keeps an answer.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) WriteHeader(status int)      { r.status = status }
func (r *recorder) Write(b []byte) (int, error) { return r.body.Write(b) }

// script answers without doing the call.
func script(f Fault, c *call) {
	status := f.Status
	if status == 0 {
		status = http.StatusOK
	}
	h := c.w.Header()
	if f.RetryAfter != "" {
		h.Set("Retry-After", f.RetryAfter)
	}
	switch {
	case f.Body == HTMLBody:
		h.Set("Content-Type", "text/html; charset=utf-8")
		c.w.WriteHeader(status)
		_, _ = strings.NewReader(htmlError).WriteTo(c.w)
	case f.Body == EmptyBody:
		refuse(c.w, status, "scripted answer")
	case status == http.StatusUnprocessableEntity:
		field := f.Field
		if field == "" {
			field = "service_account_id"
		}
		c.invalid(fieldErrors{field: {{"errors.invalid", "scripted answer"}}})
	case f.Error != "" || status == http.StatusBadRequest:
		code := f.Error
		if code == "" {
			code = "invalid_grant"
		}
		c.oauthError(status, code, "scripted answer")
	default:
		refuse(c.w, status, "scripted answer")
	}
}
