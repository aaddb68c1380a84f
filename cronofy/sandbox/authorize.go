package sandbox

import (
	"cmp"
	"crypto/subtle"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

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

// refusal is a request that is not carried out: by a redirect with an OAuth error, or
// by a page if the redirect URI cannot be trusted (RFC 6749 section 4.1.2.1).
type refusal struct{ oauth, reason string }

// startApproval answers both kinds of authorization request.
func (s *Server) startApproval(c *call, check func(url.Values, *request) *refusal) {
	if c.r.Method != http.MethodGet { // a HEAD must not use the link up
		c.w.Header().Set("Allow", http.MethodGet)
		c.refuse(http.StatusMethodNotAllowed, "only GET")
		return
	}
	req, bad := s.readRequest(c.r.URL.RawQuery, check)
	if bad == nil {
		bad = s.openApproval(c, req)
	}
	switch {
	case bad == nil:
	case bad.oauth == "":
		c.errorPage(http.StatusBadRequest, bad.reason)
	default:
		c.redirect(answerURL(req.redirectURI, url.Values{"error": {bad.oauth}, "state": req.state}))
		c.w.Header().Set(reasonHeader, bad.reason)
	}
}

// redirect is a 303 without the body net/http would add, which repeats the
// address with the secrets in it.
func (c *call) redirect(target string) {
	c.w.Header().Set("Location", target)
	c.status = http.StatusSeeOther
}

// readRequest checks what both kinds of request have in common, in the order of
// RFC 6749: first whether the redirect URI can be trusted with an answer.
func (s *Server) readRequest(query string, check func(url.Values, *request) *refusal) (request, *refusal) {
	q, err := url.ParseQuery(query)
	switch {
	case err != nil:
		return request{}, &refusal{"", "The address is malformed."}
	case len(q["client_id"]) != 1 || q.Get("client_id") != s.opts.ClientID:
		return request{}, &refusal{"", "The application is unknown. Its client_id belongs to one data center."}
	case len(q["redirect_uri"]) != 1 || !s.redirectAllowed(q.Get("redirect_uri")):
		return request{}, &refusal{"", "The redirect_uri is not permitted for this application."}
	}
	req := request{redirectURI: q.Get("redirect_uri")}
	if len(q["state"]) == 1 {
		req.state = q["state"]
	}
	switch {
	case repeated(q):
		return req, &refusal{"invalid_request", "a parameter is there twice"}
	case !q.Has("response_type"):
		return req, &refusal{"invalid_request", "response_type is missing"}
	case q.Get("response_type") != "code":
		return req, &refusal{"unsupported_response_type", "response_type is not code"}
	}
	return req, check(q, &req)
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

func (s *Server) checkUnitRequest(q url.Values, req *request) *refusal {
	switch {
	case q.Get("scope") != unitScope:
		return &refusal{"invalid_scope", "scope is not " + unitScope}
	case len(q["capabilities[]"]) != 1 || q.Get("capabilities[]") != "conferencing":
		return &refusal{"invalid_request", "capabilities[] is not the single value conferencing"}
	case q.Get("ou_link_token") == "" && !s.switches.LinkTokenOptional:
		return &refusal{"", "The address has no ou_link_token."}
	}
	req.scope, req.linkToken = unitScope, q.Get("ou_link_token")
	// An unknown name falls back to the list without an error, as documented.
	if p := cronofy.Provider(q.Get("conferencing_provider_name")); slices.Contains(s.offered(), p) {
		req.provider = p
	}
	return nil
}

// offered are the providers that an administrator can choose from. Indeed is on
// the list only where the application has the category "Recruiting".
// https://docs.cronofy.com/developers/conferencing-services/indeed-interview/
func (s *Server) offered() []cronofy.Provider {
	return slices.DeleteFunc(cronofy.Providers(), func(p cronofy.Provider) bool {
		return p == cronofy.AnyProvider || p == cronofy.Indeed && s.switches.NoRecruiting
	})
}

var serviceScopes = []string{
	"service_account/accounts/manage", "service_account/accounts/unrestricted_access",
	"service_account/resources/manage", "service_account/resources/unrestricted_access",
}

// checkEnterpriseRequest knows the service account scopes. The documentation's
// list of delegated ones is open, so any word is taken: a choice.
func checkEnterpriseRequest(q url.Values, req *request) *refusal {
	req.enterprise = true
	scopes, delegated := strings.Fields(q.Get("scope")), strings.Fields(q.Get("delegated_scope"))
	for _, one := range scopes {
		if !slices.Contains(serviceScopes, one) {
			return &refusal{"invalid_scope", "scope has a name that is not a service account's"}
		}
	}
	for _, one := range delegated {
		if strings.Trim(one, "abcdefghijklmnopqrstuvwxyz_") != "" {
			return &refusal{"invalid_scope", "delegated_scope has a malformed name"}
		}
	}
	switch {
	case len(scopes) == 0:
		return &refusal{"invalid_scope", "scope is missing"}
	case len(delegated) == 0:
		return &refusal{"invalid_request", "delegated_scope is missing"}
	}
	req.scope, req.delegated = strings.Join(scopes, " "), strings.Join(delegated, " ")
	return nil
}

// approval is an administrator's way through the pages.
type approval struct {
	request
	id, csrf string
	browser  string // the cookie of the browser that opened it
	expires  time.Time

	first int // the page that it began with
	step  int // the page that it is at
	done  bool
}

// steps are how many pages there are: proof, provider and link, or proof and
// access for Enterprise Connect.
func (a approval) steps() int {
	if a.enterprise {
		return 2
	}
	return 3
}

// openApproval begins an approval and goes to its page. The first browser to open a
// link token has it, and may open it again until it has decided: a choice, the
// documentation only says single use.
func (s *Server) openApproval(c *call, req request) *refusal {
	now := s.now()
	maps.DeleteFunc(s.state.approvals, func(_ string, a *approval) bool { return !now.Before(a.expires) })
	maps.DeleteFunc(s.state.linkTokens, func(_ string, l *linkToken) bool { return now.Sub(l.expires) >= approvalLife })
	a := &approval{
		request: req, id: s.text(24), csrf: s.text(32), browser: s.browserID(c),
		expires: now.Add(approvalLife), first: 1,
	}
	if !req.enterprise && s.proven(a.browser) {
		a.first = 2
	}
	a.step = a.first
	if req.linkToken != "" {
		switch l := s.state.linkTokens[req.linkToken]; {
		case l == nil:
			return staleLink("unknown")
		case !now.Before(l.expires):
			return staleLink("expired")
		case l.approval == nil:
			l.approval = a
		case l.approval.done || l.approval.browser != a.browser:
			return staleLink("used")
		default:
			a = l.approval
		}
	}
	s.state.approvals[a.id] = a
	c.redirect("/approval/" + a.id)
	return nil
}

// proven tells whether a browser has passed the first page of another approval, of
// those that are not forgotten: Cronofy asks for that proof "if necessary". That it
// counts as long as that approval would have lived is a choice.
func (s *Server) proven(browser string) bool {
	for _, a := range s.state.approvals {
		if a.browser == browser && a.first == 1 && a.step > 1 {
			return true
		}
	}
	return false
}

func staleLink(how string) *refusal {
	return &refusal{"", "The ou_link_token is " + how + ". Ask for a new link: each can be used once, for ten minutes."}
}

// browserID is what a browser is known by; it gets a cookie if it has none.
func (s *Server) browserID(c *call) string {
	if k, err := c.r.Cookie(s.cookie); err == nil && len(k.Value) == 32 {
		return k.Value
	}
	id := s.text(32)
	http.SetCookie(c.w, &http.Cookie{Name: s.cookie, Value: id, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
	return id
}

// ownApproval gives the approval that a page belongs to, or answers why there is none.
func (s *Server) ownApproval(c *call) *approval {
	a := s.state.approvals[c.r.PathValue("id")]
	k, err := c.r.Cookie(s.cookie)
	switch {
	case a == nil || !s.now().Before(a.expires):
		c.errorPage(http.StatusNotFound, "There is no such approval, or it took too long.")
	case err != nil || !same(k.Value, a.browser):
		c.errorPage(http.StatusForbidden, "This approval was begun in another browser.")
	case a.done:
		c.errorPage(http.StatusGone, "This approval is finished.")
	default:
		return a
	}
	return nil
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// showApproval is GET /approval/{id}: the page of the step it is at.
func (s *Server) showApproval(c *call) {
	if a := s.ownApproval(c); a != nil {
		s.approvalPage(c, a)
	}
}

// decide is POST /approval/{id}.
func (s *Server) decide(c *call) {
	a := s.ownApproval(c)
	if a == nil {
		return
	}
	switch decision := c.params.text("decision"); {
	case c.bad:
		c.errorPage(http.StatusBadRequest, "The form is malformed.")
	case !same(c.params.text("csrf"), a.csrf) || !sameOrigin(c.r):
		c.errorPage(http.StatusForbidden, "This form was not sent from the page it belongs to.")
	case c.params.text("step") != strconv.Itoa(a.step): // sent twice, or after going back
		c.redirect("/approval/" + a.id)
	case decision == "deny":
		s.finish(c, a, url.Values{"error": {"access_denied"}})
	case decision == "allow" && a.step < a.steps():
		s.advance(c, a)
	case decision == "allow":
		s.approve(c, a)
	default:
		c.errorPage(http.StatusBadRequest, "The form has no decision.")
	}
}

// sameOrigin accepts a missing Origin: not every client sends one, and the form
// token is there too.
func sameOrigin(r *http.Request) bool {
	o := r.Header.Get("Origin")
	return o == "" || o == "http://"+r.Host
}

// advance goes one page on.
func (s *Server) advance(c *call, a *approval) {
	if !a.enterprise && a.step == 2 && a.provider == "" {
		provider := cronofy.Provider(c.params.text("provider"))
		if !slices.Contains(s.offered(), provider) {
			c.errorPage(http.StatusBadRequest, "The form names no provider of the list.")
			return
		}
		a.provider = provider
	}
	a.step++
	c.redirect("/approval/" + a.id)
}

// approve does what was asked for. The link is made here and not by the exchange,
// which Cronofy calls optional.
func (s *Server) approve(c *call, a *approval) {
	g := serviceAccountGrant(a.scope, a.delegated)
	if !a.enterprise {
		u, ok := s.chosenUnit(c.params)
		if !ok {
			c.errorPage(http.StatusBadRequest, "The form names no Organizational Unit of the list.")
			return
		}
		if a.linkToken != "" {
			s.link(a.provider)
		}
		g = &grant{kind: unitGrant, sub: u.sub, scope: a.scope}
	}
	s.finish(c, a, url.Values{"code": {s.newCode(g, a.redirectURI)}})
}

// chosenUnit gives the unit of the last page's form, a new one if that was chosen.
func (s *Server) chosenUnit(form params) (unit, bool) {
	units, sub := &s.state.units, form.text("unit")
	if sub == "new" {
		name := strings.TrimSpace(cronofy.CleanText(form.text("unit_name"), 100))
		sub = unitSub(len(*units))
		*units = append(*units, unit{sub, cmp.Or(name, "Another Organisation")})
	}
	i := slices.IndexFunc(*units, func(u unit) bool { return u.sub == sub })
	if i < 0 {
		return unit{}, false
	}
	return (*units)[i], true
}

// finish ends an approval and sends the browser back with the answer, as the
// switches want it.
func (s *Server) finish(c *call, a *approval, answer url.Values) {
	a.done = true
	if s.switches.ErrorRedirect != "" && answer.Has("code") {
		answer = url.Values{"error": {s.switches.ErrorRedirect}}
	}
	answer["state"] = s.bentState(a.state, s.switches.State)
	target := answerURL(a.redirectURI, answer)
	if s.switches.RepeatCallback {
		c.before = func() { s.send(c.r.Context(), http.MethodGet, target, "redirect_uri", nil, nil) }
	}
	c.redirect(target)
}

func (s *Server) bentState(state []string, how string) []string {
	switch how {
	case "wrong":
		return []string{s.text(32)}
	case "duplicate":
		return slices.Concat(state, state)
	case "missing":
		return nil
	}
	return state
}

// redirectAllowed tells whether an answer may go to this redirect URI: any http
// or https one in development mode, else one of the list, character by character.
// https://docs.cronofy.com/developers/faqs/verify-application/
func (s *Server) redirectAllowed(uri string) bool {
	if !Permittable(uri) {
		return false
	}
	if s.opts.PermittedRedirectURIs == nil {
		return true
	}
	return slices.ContainsFunc(s.opts.PermittedRedirectURIs, func(p string) bool {
		return p == uri || matchesWildcard(p, uri)
	})
}

// matchesWildcard knows "*" as the whole first label of the host, standing for
// one label or more.
func matchesWildcard(pattern, uri string) bool {
	scheme, rest, ok := strings.Cut(pattern, "://*.")
	if !ok {
		return false
	}
	host, path, _ := strings.Cut(rest, "/")
	u, err := url.Parse(uri)
	if err != nil {
		return false
	}
	sub, ok := strings.CutSuffix(u.Host, "."+host)
	return ok && sub != "" && uri == scheme+"://"+u.Host+"/"+path
}

// answerURL adds parameters to a redirect URI, which may have a query of its own.
func answerURL(redirectURI string, answer url.Values) string {
	joint := "?"
	if strings.Contains(redirectURI, "?") {
		joint = "&"
	}
	return redirectURI + joint + answer.Encode()
}
