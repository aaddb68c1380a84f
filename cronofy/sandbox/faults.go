package sandbox

import (
	"bytes"
	"cmp"
	"context"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Endpoint names a call for faults and in the log.
type Endpoint string

// The endpoints. AnyEndpoint stands for all of them in a Fault.
const (
	AnyEndpoint       Endpoint = ""
	LinkTokens        Endpoint = "link_token"                     // POST /v1/organizational_unit_authorization_link_tokens
	Exchange          Endpoint = "token"                          // POST /oauth/token, any grant but refresh_token
	Refresh           Endpoint = "refresh"                        // POST /oauth/token with grant_type=refresh_token
	Revoke            Endpoint = "revoke"                         // POST /oauth/token/revoke
	UserInfo          Endpoint = "userinfo"                       // GET /v1/userinfo
	Delegated         Endpoint = "service_account_authorizations" // POST /v1/service_account_authorizations
	Resources         Endpoint = "resources"                      // GET /v1/resources
	Authorize         Endpoint = "authorize"                      // GET /oauth/authorize
	EnterpriseConnect Endpoint = "enterprise_connect"             // GET /enterprise_connect/oauth/authorize
)

// Endpoints lists them all, without AnyEndpoint.
func Endpoints() []Endpoint {
	return []Endpoint{LinkTokens, Exchange, Refresh, Revoke, UserInfo, Delegated, Resources, Authorize, EnterpriseConnect}
}

// Body is what a fault sends instead of the right body.
type Body string

// The bodies. Truncated and Cut do the work of the call and spoil its answer;
// the others answer without doing anything.
const (
	DefaultBody   Body = ""          // as documented for the status: empty but for 400 and 422
	HTMLBody      Body = "html"      // a page, as a proxy would send
	EmptyBody     Body = "empty"     // nothing
	TruncatedBody Body = "truncated" // half of the right answer, with a matching Content-Length
	CutBody       Body = "cut"       // half of the right answer, then the connection closes
)

// Fault is a scripted answer. One with neither Status, Body nor Reset lets the
// call through after Slow.
type Fault struct {
	Endpoint   Endpoint
	Account    string        // only calls with this account's access or refresh token, by email; empty is all
	Times      int           // how often; 0 is until Set is called again
	Status     int           // 0 is 200
	Body       Body          // DefaultBody with a Status is what is documented for it
	RetryAfter string        // the header's value, in seconds or as an HTTP date
	Error      string        // the OAuth error of a 400 or 401 body; a 400 has invalid_grant without it
	Field      string        // what a 422 complains of; default service_account_id
	Slow       time.Duration // pause before the answer, cut short by Close
	Reset      bool          // the connection is reset
}

// Set replaces the scripted answers. For each call the first that fits and is
// not used up counts. Set() removes them all.
func (s *Server) Set(faults ...Fault) {
	s.faultMu.Lock()
	defer s.faultMu.Unlock()
	s.faults = make([]*Fault, len(faults))
	for i, f := range faults {
		s.faults[i] = &f
	}
}

// Faults gives the scripted answers that are left, Times being what remains.
func (s *Server) Faults() []Fault {
	s.faultMu.Lock()
	defer s.faultMu.Unlock()
	out := make([]Fault, len(s.faults))
	for i, f := range s.faults {
		out[i] = *f
	}
	return out
}

// takeFault gives the fault for this call and counts it. account is asked for
// only when a fault is about one.
func (s *Server) takeFault(e Endpoint, account func() string) (Fault, bool) {
	s.faultMu.Lock()
	defer s.faultMu.Unlock()
	for i, f := range s.faults {
		if f.Endpoint != AnyEndpoint && f.Endpoint != e || f.Account != "" && f.Account != account() {
			continue
		}
		taken := *f
		if f.Times == 1 {
			s.faults = slices.Delete(s.faults, i, i+1)
		} else if f.Times > 1 {
			f.Times--
		}
		return taken, true
	}
	return Fault{}, false
}

const htmlError = `<!doctype html><html lang="en"><title>Bad gateway</title><h1>Bad gateway</h1><p>The proxy has no answer.</p></html>`

// misbehave gives the scripted answer to a call.
func (s *Server) misbehave(f Fault, c *call, do func(*call)) {
	if f.Slow > 0 && !pause(c.r.Context(), f.Slow) {
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

// pause waits, and tells whether there is still somebody to go on for: the client
// may have gone away, or the server may close.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
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
	answer := &recorder{header: http.Header{}, status: http.StatusOK}
	c.w = answer
	do(c)
	body := answer.body.Bytes()
	half := body[:len(body)/2]
	maps.Copy(to.Header(), answer.header)
	declared := len(half)
	if f.Body == CutBody {
		declared = len(body)
	}
	to.Header().Set("Content-Length", strconv.Itoa(declared))
	to.WriteHeader(cmp.Or(f.Status, answer.status))
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
	status := cmp.Or(f.Status, http.StatusOK)
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
		c.invalid(fieldErrors{cmp.Or(f.Field, "service_account_id"): {{"errors.invalid", "scripted answer"}}})
	case f.Error != "" || status == http.StatusBadRequest:
		c.oauthError(status, cmp.Or(f.Error, "invalid_grant"), "scripted answer")
	default:
		refuse(c.w, status, "scripted answer")
	}
}
