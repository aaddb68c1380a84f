package sandbox

import (
	"cmp"
	"net"
	"net/http"
	"slices"
	"time"

	"confer/cronofy"
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

// Statuses are those that Cronofy documents for its refusals, and the usual ones of a
// server in trouble.
func Statuses() []int { return []int{400, 401, 402, 403, 404, 422, 423, 429, 500, 502, 503, 504} }

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
// call through after Slow. The tags are what the control page calls its fields.
type Fault struct {
	Endpoint   Endpoint      `control:"Endpoint (or every one)"`
	Account    string        `control:"Account's email (or everybody)"` // only calls with this account's access or refresh token
	Times      int           `control:"Times (or always)"`              // 0 is until Set is called again
	Status     int           `control:"Status"`                         // 0 is 200
	Body       Body          `control:"Body"`                           // DefaultBody with a Status is what is documented for it
	RetryAfter string        `control:"Retry-After"`                    // the header's value, in seconds or as an HTTP date
	Error      string        `control:"OAuth error"`                    // of a 400 or 401 body; a 400 has invalid_grant without it
	Field      string        `control:"Field of a 422"`                 // service_account_id if empty
	Slow       time.Duration `control:"Pause, like 2s"`                 // before the answer, cut short by Close
	Reset      bool          `control:"Reset the connection"`
}

// Set replaces the scripted answers. For each call the first that fits and is
// not used up counts. Set() removes them all.
func (s *Server) Set(faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opts.Faults = slices.Clone(faults)
}

func (s *Server) takeFault(c *call) {
	c.switches = s.opts.Switches
	for i, f := range s.opts.Faults {
		if f.Endpoint != AnyEndpoint && f.Endpoint != c.endpoint || f.Account != "" && !s.isFrom(c, f.Account) {
			continue
		}
		c.fault = f
		switch f.Times {
		case 0:
		case 1:
			s.opts.Faults = slices.Delete(s.opts.Faults, i, i+1)
		default:
			s.opts.Faults[i].Times--
		}
		return
	}
}

// isFrom tells whether a call has a token of the account with this address.
func (s *Server) isFrom(c *call, email string) bool {
	g := s.byAccess(bearer(c.r))
	if c.endpoint == Refresh {
		g = s.byRefresh(c.params.text("refresh_token"))
	}
	return g != nil && g.kind == accountGrant && g.account == s.find(email)
}

const htmlError = `<!doctype html><html lang="en"><title>Bad gateway</title><h1>Bad gateway</h1><p>The proxy has no answer.</p></html>`

// misbehave plays the scripted answer, and tells whether the call is to be done
// all the same.
func (c *call) misbehave() bool {
	f := c.fault
	if f.Slow > 0 && cronofy.Sleep(c.r.Context(), f.Slow) != nil { // the client has gone, or the server closes
		c.status = 0
		return false
	}
	if !f.Reset && f.Status == 0 && f.Body == DefaultBody {
		return true
	}
	const reason = "scripted answer"
	c.refuse(cmp.Or(f.Status, http.StatusOK), reason)
	if f.RetryAfter != "" {
		c.w.Header().Set("Retry-After", f.RetryAfter)
	}
	switch {
	case f.Reset:
		c.status = 0
	case f.Body == TruncatedBody || f.Body == CutBody:
		return true
	case f.Body == HTMLBody:
		c.w.Header().Set("Content-Type", "text/html; charset=utf-8")
		c.body = []byte(htmlError)
	case f.Body == EmptyBody:
	case f.Status == http.StatusUnprocessableEntity:
		c.invalid(invalid(cmp.Or(f.Field, "service_account_id"), reason))
	case f.Error != "" || f.Status == http.StatusBadRequest:
		c.oauthError(c.status, cmp.Or(f.Error, "invalid_grant"), reason)
	}
	return false
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
