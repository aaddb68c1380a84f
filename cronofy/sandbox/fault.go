package sandbox

import (
	"slices"
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
