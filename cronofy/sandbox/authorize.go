package sandbox

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"confer/cronofy"
)

const unitScope = "organizational_unit_use_integrations"

// createLinkToken is POST /v1/organizational_unit_authorization_link_tokens.
// Its statuses but 200 are a choice by the general error page.
func (s *Server) createLinkToken(c *call) {
	field := cmp.Or(c.switches.LinkTokenField, "service_account_id") // the documentation contradicts itself about it
	id := c.params.text(field)
	switch {
	case !s.isSecret(bearer(c.r)):
		c.unauthorized("the bearer token is not the client secret")
	case c.switches.NoPlan:
		c.refuse(http.StatusPaymentRequired, "the plan lacks the feature")
	case s.limited(c):
	case c.params == nil:
		c.invalid(invalid("base", "neither a JSON object nor a form, by the Content-Type"))
	case id == "":
		c.invalid(required(field))
	case id != serviceAccountID:
		c.invalid(&fieldError{field, "errors.unrecognized", "unrecognized"})
	default:
		link := "oult_" + s.text(32)
		s.linkTokens[link] = &linkToken{expires: s.now().Add(linkTokenLife)}
		c.answer(http.StatusOK, object{"organizational_unit_authorization_link_token": object{"ou_link_token": link}})
	}
}

type linkToken struct {
	expires  time.Time
	approval *approval // the one that it opened
}

// approval is an authorization request, and the administrator's way through its pages.
type approval struct {
	steps            int // pages: proof, provider and link; or proof and access for Enterprise Connect
	skipped          int // of them: the proof, if it was given before
	redirectURI      string
	state            []string // none or one
	scope, delegated string
	provider         cronofy.Provider // empty: the list is shown
	linkToken        string

	id, csrf string
	browser  string // the cookie of the browser that opened it
	expires  time.Time
	step     int // the page that it is at
	done     bool
}

func (a *approval) enterprise() bool { return a.steps == 2 }

// requestCheck fills an approval from a request's parameters, or says what is wrong.
type requestCheck = func(url.Values, *approval) (oauth, reason string)

// startApproval answers both kinds of authorization request. What is wrong is told by
// a redirect with an OAuth error, or by a page where there is none, because the
// redirect URI cannot be trusted (RFC 6749 section 4.1.2.1).
func (s *Server) startApproval(c *call, check requestCheck) {
	if c.r.Method != http.MethodGet { // a HEAD must not use the link up
		c.w.Header().Set("Allow", http.MethodGet)
		c.refuse(http.StatusMethodNotAllowed, "only GET")
		return
	}
	a := &approval{}
	oauth, reason := s.readRequest(c.r.URL.RawQuery, a, check)
	if reason == "" {
		reason = s.openApproval(c, a)
	}
	switch {
	case reason == "":
	case oauth == "":
		c.errorPage(http.StatusBadRequest, reason)
	default:
		c.redirect(answerURL(a.redirectURI, url.Values{"error": {oauth}, "state": a.state}))
		c.w.Header().Set(reasonHeader, reason)
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
func (s *Server) readRequest(query string, a *approval, check requestCheck) (oauth, reason string) {
	q, err := url.ParseQuery(query)
	switch {
	case err != nil:
		return "", "The address is malformed."
	case len(q["client_id"]) != 1 || q.Get("client_id") != s.opts.ClientID:
		return "", "The application is unknown. Its client_id belongs to one data center."
	case len(q["redirect_uri"]) != 1 || !s.redirectAllowed(q.Get("redirect_uri")):
		return "", "The redirect_uri is not permitted for this application."
	}
	a.redirectURI = q.Get("redirect_uri")
	if len(q["state"]) == 1 {
		a.state = q["state"]
	}
	for name, values := range q { // RFC 6749 section 3.1
		if len(values) > 1 && !strings.HasSuffix(name, "[]") {
			return "invalid_request", "a parameter is there twice"
		}
	}
	switch {
	case !q.Has("response_type"):
		return "invalid_request", "response_type is missing"
	case q.Get("response_type") != "code":
		return "unsupported_response_type", "response_type is not code"
	}
	return check(q, a)
}

func (s *Server) checkUnitRequest(q url.Values, a *approval) (oauth, reason string) {
	switch {
	case q.Get("scope") != unitScope:
		return "invalid_scope", "scope is not " + unitScope
	case len(q["capabilities[]"]) != 1 || q.Get("capabilities[]") != "conferencing":
		return "invalid_request", "capabilities[] is not the single value conferencing"
	case q.Get("ou_link_token") == "" && !s.opts.Switches.LinkTokenOptional:
		return "", "The address has no ou_link_token."
	}
	a.steps, a.scope, a.linkToken = 3, unitScope, q.Get("ou_link_token")
	// An unknown name falls back to the list without an error, as documented.
	if p := cronofy.Provider(q.Get("conferencing_provider_name")); slices.Contains(s.offered(), p) {
		a.provider = p
	}
	return "", ""
}

// offered are the providers that an administrator can choose from. Indeed is on
// the list only where the application has the category "Recruiting".
// https://docs.cronofy.com/developers/conferencing-services/indeed-interview/
func (s *Server) offered() []cronofy.Provider {
	return slices.DeleteFunc(cronofy.Providers(), func(p cronofy.Provider) bool {
		return p == cronofy.AnyProvider || p == cronofy.Indeed && s.opts.Switches.NoRecruiting
	})
}

var (
	serviceScopes   = regexp.MustCompile(`^(service_account/(accounts|resources)/(manage|unrestricted_access)( |$))+$`)
	delegatedScopes = regexp.MustCompile(`^[a-z_ ]+$`)
)

// checkEnterpriseRequest knows the service account scopes. The documentation's
// list of delegated ones is open, so any word is taken: a choice.
func checkEnterpriseRequest(q url.Values, a *approval) (oauth, reason string) {
	a.scope, a.delegated = strings.Join(strings.Fields(q.Get("scope")), " "), strings.Join(strings.Fields(q.Get("delegated_scope")), " ")
	a.steps = 2
	switch {
	case a.scope == "":
		return "invalid_scope", "scope is missing"
	case !serviceScopes.MatchString(a.scope):
		return "invalid_scope", "scope has a name that is not a service account's"
	case a.delegated == "":
		return "invalid_request", "delegated_scope is missing"
	case !delegatedScopes.MatchString(a.delegated):
		return "invalid_scope", "delegated_scope has a malformed name"
	}
	return "", ""
}

// openApproval begins an approval and goes to its page, or says why not. The first
// browser to open a link token has it, and may open it again until it has decided: a
// choice, the documentation only says single use.
func (s *Server) openApproval(c *call, a *approval) (reason string) {
	s.forget()
	a.id, a.csrf, a.browser, a.expires, a.step = s.text(24), s.text(32), s.browserID(c), s.now().Add(approvalLife), 1
	if a.linkToken != "" {
		l, how := s.linkTokens[a.linkToken], ""
		switch {
		case l == nil:
			how = "unknown"
		case !s.now().Before(l.expires):
			how = "expired"
		case l.approval == nil:
			l.approval = a
		case l.approval.done || l.approval.browser != a.browser:
			how = "used"
		}
		if how != "" {
			return "The ou_link_token is " + how + ". Ask for a new link: each can be used once, for ten minutes."
		}
		a = l.approval
	}
	if a.step == 1 && !a.enterprise() && s.proven(a.browser) {
		a.skipped, a.step = 1, 2
	}
	s.approvals[a.id] = a
	c.redirect("/approval/" + a.id)
	return ""
}

// proven tells whether a browser has passed the calendar administrator's page of an
// approval that is not forgotten. The documentation says that Cronofy asks for that
// proof "if necessary", so not of one that gave it; for how long is a choice.
func (s *Server) proven(browser string) bool {
	for _, a := range s.approvals {
		if a.browser == browser && a.skipped == 0 && a.step > 1 {
			return true
		}
	}
	return false
}

func (s *Server) browserID(c *call) string {
	if k, err := c.r.Cookie(s.cookie); err == nil && len(k.Value) == 32 {
		return k.Value
	}
	id := s.text(32)
	http.SetCookie(c.w, &http.Cookie{Name: s.cookie, Value: id, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
	return id
}

// withApproval has do answer at the address of an approval that is the browser's own,
// and not finished.
func (s *Server) withApproval(do func(*call, *approval)) http.HandlerFunc {
	return s.locked(func(c *call) {
		a := s.approvals[c.r.PathValue("id")]
		k, err := c.r.Cookie(s.cookie)
		switch {
		case a == nil || !s.now().Before(a.expires):
			c.errorPage(http.StatusNotFound, "There is no such approval, or it took too long.")
		case err != nil || !same(k.Value, a.browser):
			c.errorPage(http.StatusForbidden, "This approval was begun in another browser.")
		case a.done:
			c.errorPage(http.StatusGone, "This approval is finished.")
		default:
			do(c, a)
		}
	})
}

func (s *Server) decide(c *call, a *approval) {
	provider := cronofy.Provider(c.params.text("provider"))
	choosing := a.step == 2 && !a.enterprise() && a.provider == ""
	switch decision := c.params.text("decision"); {
	case c.params == nil:
		c.errorPage(http.StatusBadRequest, "The form is malformed.")
	case !same(c.params.text("csrf"), a.csrf) || !sameOrigin(c.r):
		c.errorPage(http.StatusForbidden, "This form was not sent from the page it belongs to.")
	case c.params.text("step") != strconv.Itoa(a.step): // sent twice, or after going back
		c.redirect("/approval/" + a.id)
	case decision == "deny":
		s.finish(c, a, url.Values{"error": {"access_denied"}})
	case decision != "allow":
		c.errorPage(http.StatusBadRequest, "The form has no decision.")
	case a.step == a.steps:
		s.approve(c, a)
	case choosing && !slices.Contains(s.offered(), provider):
		c.errorPage(http.StatusBadRequest, "The form names no provider of the list.")
	default:
		if choosing {
			a.provider = provider
		}
		a.step++
		c.redirect("/approval/" + a.id)
	}
}

// sameOrigin accepts a missing Origin: not every client sends one, and the form
// token is there too.
func sameOrigin(r *http.Request) bool {
	o := r.Header.Get("Origin")
	return o == "" || o == "http://"+r.Host
}

// approve does what was asked for. The link is made here and not by the exchange,
// which Cronofy calls optional.
func (s *Server) approve(c *call, a *approval) {
	g := serviceAccountGrant(a.scope, a.delegated)
	if !a.enterprise() {
		sub := c.params.text("unit")
		if sub == "new" {
			name := strings.TrimSpace(cronofy.CleanText(c.params.text("unit_name"), 100))
			sub = s.newUnit(cmp.Or(name, "Another Organisation"))
		}
		if !slices.ContainsFunc(s.units, func(u unit) bool { return u.sub == sub }) {
			c.errorPage(http.StatusBadRequest, "The form names no Organizational Unit of the list.")
			return
		}
		if a.linkToken != "" {
			s.link(a.provider)
		}
		g = &grant{kind: unitGrant, sub: sub, scope: a.scope}
	}
	s.finish(c, a, url.Values{"code": {s.newCode(g, a.redirectURI)}})
}

type unit struct{ sub, name string }

// newUnit gives the sub of a new unit. That it begins with org_ is a choice: the
// prefix is documented nowhere.
func (s *Server) newUnit(name string) (sub string) {
	sub = fmt.Sprintf("org_6710aa01c0ffee0%09d", 123459999+len(s.units))
	s.units = append(s.units, unit{sub, name})
	return sub
}

func (s *Server) link(p cronofy.Provider) {
	if _, linked := s.links[p]; !linked {
		s.links[p] = s.now()
	}
}

// finish ends an approval and sends the browser back with the answer, as the
// switches want it.
func (s *Server) finish(c *call, a *approval, answer url.Values) {
	a.done = true
	if s.opts.Switches.ErrorRedirect != "" && answer.Has("code") {
		answer = url.Values{"error": {s.opts.Switches.ErrorRedirect}}
	}
	switch s.opts.Switches.State {
	case "wrong":
		answer["state"] = []string{s.text(32)}
	case "duplicate":
		answer["state"] = slices.Concat(a.state, a.state)
	case "missing":
	default:
		answer["state"] = a.state
	}
	target := answerURL(a.redirectURI, answer)
	if s.opts.Switches.RepeatCallback {
		c.before = func() { s.send(c.r.Context(), http.MethodGet, target, "redirect_uri", nil, nil) }
	}
	c.redirect(target)
}

// redirectAllowed tells whether an answer may go to this redirect URI: any http or
// https one in development mode, else one of the list, character by character, where
// "*" as the whole first label of the host stands for one label or more.
// https://docs.cronofy.com/developers/faqs/verify-application/
func (s *Server) redirectAllowed(uri string) bool {
	matches := func(permitted string) bool {
		scheme, rest, wild := strings.Cut(permitted, "://*.")
		pattern := regexp.QuoteMeta(scheme) + `://[0-9A-Za-z.-]+\.` + regexp.QuoteMeta(rest)
		return permitted == uri || wild && regexp.MustCompile("^"+pattern+"$").MatchString(uri)
	}
	return Permittable(uri) && (s.opts.PermittedRedirectURIs == nil || slices.ContainsFunc(s.opts.PermittedRedirectURIs, matches))
}

// answerURL adds parameters to a redirect URI, which may have a query of its own.
func answerURL(redirectURI string, answer url.Values) string {
	joint := "?"
	if strings.Contains(redirectURI, "?") {
		joint = "&"
	}
	return redirectURI + joint + answer.Encode()
}
