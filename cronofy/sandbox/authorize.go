package sandbox

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"confer/cronofy"
)

const unitScope = "organizational_unit_use_integrations"

// request is an authorization request that may be answered by a redirect.
type request struct {
	enterprise       bool
	redirectURI      string
	state            []string // none or one
	scope, delegated string
	provider         cronofy.Provider // empty: the list is shown
	linkToken        string
}

// refusal is a request that is not carried out: as a page if the redirect URI
// cannot be trusted (RFC 6749 section 4.1.2.1), else as a redirect.
type refusal struct{ page, oauth, reason string }

// authorize is GET /oauth/authorize.
// https://docs.cronofy.com/developers/conferencing-services/enterprise-conferencing/
func (s *Server) authorize(w http.ResponseWriter, r *http.Request) {
	s.startApproval(w, r, checkUnitRequest)
}

// enterpriseConnect is GET /enterprise_connect/oauth/authorize.
// https://docs.cronofy.com/developers/api/enterprise-connect/request-authorization
func (s *Server) enterpriseConnect(w http.ResponseWriter, r *http.Request) {
	s.startApproval(w, r, checkEnterpriseRequest)
}

func (s *Server) startApproval(w http.ResponseWriter, r *http.Request, check func(url.Values, *request) *refusal) {
	if r.Method != http.MethodGet { // a HEAD must not use the link up
		w.Header().Set("Allow", http.MethodGet)
		refuse(w, http.StatusMethodNotAllowed, "only GET")
		return
	}
	req, bad := s.readRequest(r.URL.RawQuery, check)
	if bad != nil {
		s.refuseRequest(w, req, bad)
		return
	}
	browser := s.browserID(w, r)
	id, bad := s.openApproval(req, browser)
	if bad != nil {
		s.refuseRequest(w, req, bad)
		return
	}
	redirectTo(w, "/approval/"+id)
}

// redirectTo is a 303 without the body net/http would add, which repeats the
// address with the secrets in it.
func redirectTo(w http.ResponseWriter, target string) {
	w.Header().Set("Location", target)
	w.WriteHeader(http.StatusSeeOther)
}

func (s *Server) refuseRequest(w http.ResponseWriter, req request, bad *refusal) {
	w.Header().Set(reasonHeader, bad.reason)
	if bad.page != "" {
		s.errorPage(w, http.StatusBadRequest, bad.page)
		return
	}
	redirectTo(w, answerURL(req.redirectURI, append([][2]string{{"error", bad.oauth}}, req.stateParam()...)))
}

func (r request) stateParam() [][2]string {
	var out [][2]string
	for _, v := range r.state {
		out = append(out, [2]string{"state", v})
	}
	return out
}

// readRequest checks what both kinds of request have in common, in the order of
// RFC 6749: first whether the redirect URI can be trusted with an answer.
func (s *Server) readRequest(query string, check func(url.Values, *request) *refusal) (request, *refusal) {
	var req request
	q, err := url.ParseQuery(query)
	if err != nil {
		return req, &refusal{page: "The address is malformed.", reason: "malformed query"}
	}
	switch {
	case !single(q, "client_id", s.opts.ClientID):
		return req, &refusal{page: "The application is unknown. Its client id belongs to one data center.", reason: "client_id is unknown"}
	case len(q["redirect_uri"]) != 1 || !s.redirectAllowed(q.Get("redirect_uri")):
		return req, &refusal{page: "The redirect URI is not permitted for this application.", reason: "redirect_uri is not permitted"}
	}
	req.redirectURI = q.Get("redirect_uri")
	if len(q["state"]) == 1 {
		req.state = q["state"]
	}
	switch {
	case repeated(q):
		return req, &refusal{oauth: "invalid_request", reason: "a parameter is there twice"}
	case !q.Has("response_type"):
		return req, &refusal{oauth: "invalid_request", reason: "response_type is missing"}
	case q.Get("response_type") != "code":
		return req, &refusal{oauth: "unsupported_response_type", reason: "response_type is not code"}
	}
	return req, check(q, &req)
}

func single(q url.Values, name, want string) bool {
	return len(q[name]) == 1 && q.Get(name) == want
}

// repeated tells whether a parameter that is no list is there twice, which RFC
// 6749 section 3.1 forbids.
func repeated(q url.Values) bool {
	for name, v := range q {
		if len(v) > 1 && !strings.HasSuffix(name, "[]") {
			return true
		}
	}
	return false
}

func checkUnitRequest(q url.Values, req *request) *refusal {
	switch {
	case q.Get("scope") != unitScope:
		return &refusal{oauth: "invalid_scope", reason: "scope is not " + unitScope}
	case len(q["capabilities[]"]) != 1 || q.Get("capabilities[]") != "conferencing":
		return &refusal{oauth: "invalid_request", reason: "capabilities[] is not the single value conferencing"}
	case q.Get("ou_link_token") == "":
		return &refusal{page: "The address has no link token.", reason: "ou_link_token is missing"}
	}
	req.scope, req.linkToken = unitScope, q.Get("ou_link_token")
	// An unknown name falls back to the list without an error, as documented.
	if p := cronofy.Provider(q.Get("conferencing_provider_name")); slices.Contains(offered(), p) {
		req.provider = p
	}
	return nil
}

// offered are the providers that an administrator can choose from.
func offered() []cronofy.Provider {
	return slices.DeleteFunc(cronofy.Providers(), func(p cronofy.Provider) bool { return p == cronofy.AnyProvider })
}

func serviceScopes() []string {
	return []string{
		"service_account/accounts/manage", "service_account/accounts/unrestricted_access",
		"service_account/resources/manage", "service_account/resources/unrestricted_access",
	}
}

// checkEnterpriseRequest knows the service account scopes. The documentation's
// list of delegated ones is open, so any word is taken: a choice.
func checkEnterpriseRequest(q url.Values, req *request) *refusal {
	req.enterprise = true
	scopes, delegated := strings.Fields(q.Get("scope")), strings.Fields(q.Get("delegated_scope"))
	for _, one := range scopes {
		if !slices.Contains(serviceScopes(), one) {
			return &refusal{oauth: "invalid_scope", reason: "scope has a name that is not a service account's"}
		}
	}
	for _, one := range delegated {
		if strings.Trim(one, "abcdefghijklmnopqrstuvwxyz_") != "" {
			return &refusal{oauth: "invalid_scope", reason: "delegated_scope has a malformed name"}
		}
	}
	switch {
	case len(scopes) == 0:
		return &refusal{oauth: "invalid_scope", reason: "scope is missing"}
	case len(delegated) == 0:
		return &refusal{oauth: "invalid_request", reason: "delegated_scope is missing"}
	}
	req.scope, req.delegated = strings.Join(scopes, " "), strings.Join(delegated, " ")
	return nil
}
