package sandbox

import (
	"bytes"
	"cmp"
	"crypto/subtle"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"confer/cronofy"
)

const (
	maxBody      = 64 << 10           // of a request; the documented ones are far smaller
	serverName   = "confer-sandbox"   // by which the built-in browser knows a sandbox
	reasonHeader = "X-Sandbox-Reason" // tells developers why they were refused
	jsonType     = "application/json; charset=utf-8"
)

// call is one request with its body read, and the answer to it. That is sent in
// one piece when it is complete, so that a fault can spoil it.
type call struct {
	w        http.ResponseWriter
	r        *http.Request
	endpoint Endpoint // of an API call
	switches Switches // of an API call, as they were when it came
	fault    Fault    // the scripted answer, if there is one
	params   params   // nil: the body holds none

	status int // 0: the connection is reset in place of an answer
	body   []byte
	object object // sent as JSON in place of body
	before func() // what is to be done before the answer is sent
}

// Header, WriteHeader and Write are for http.ServeMux, which routes to our
// handlers and answers by itself where there is none.
func (c *call) Header() http.Header    { return c.w.Header() }
func (c *call) WriteHeader(status int) { c.status = status }
func (c *call) Write(b []byte) (int, error) {
	c.body = append(c.body, b...)
	return len(b), nil
}

// handler wraps a host's routes with what holds for every request.
func (s *Server) handler(host string, routes http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.enter() {
			panic(http.ErrAbortHandler) // closing: the connection just ends
		}
		defer s.work.Done()
		c := &call{w: w, r: r, status: http.StatusOK}
		h := w.Header()
		h.Set("Server", serverName)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-store")
		// Another name that resolves to this machine is how a web page would get here.
		if cronofy.LoopbackHost((&url.URL{Host: r.Host}).Hostname()) {
			if body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody)); err == nil {
				c.params = parseParams(r.Header.Get("Content-Type"), body)
			}
			routes.ServeHTTP(c, r)
		} else {
			c.refuse(http.StatusMisdirectedRequest, "the Host header is not this machine's")
		}
		if c.before != nil {
			c.before()
		}
		s.note(LogEntry{
			Host: host, Method: cronofy.CleanText(r.Method, 10), Path: cronofy.CleanText(maskedPath(r), 100),
			Status: c.status, Note: h.Get(reasonHeader),
		})
		c.send()
	})
}

// locked is the handler that does do with the server's lock held.
func (s *Server) locked(do func(*call)) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		do(w.(*call))
	}
}

// endpoint is the handler of an API call: a scripted answer, or what do answers.
func (s *Server) endpoint(e Endpoint, do func(*call)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c := w.(*call)
		c.endpoint = e
		if c.params.text("grant_type") == "refresh_token" && e == Exchange {
			c.endpoint = Refresh
		}
		s.locked(s.takeFault)(w, r)
		if c.misbehave() {
			s.locked(do)(w, r)
			c.status = cmp.Or(c.fault.Status, c.status)
		}
	}
}

func (s *Server) apiRoutes() http.Handler {
	m := http.NewServeMux()
	m.Handle("POST /v1/organizational_unit_authorization_link_tokens", s.endpoint(LinkTokens, s.createLinkToken))
	m.Handle("GET /v1/userinfo", s.endpoint(UserInfo, s.withToken("", s.userInfo)))
	m.Handle("POST /v1/service_account_authorizations", s.endpoint(Delegated, s.withToken("service_account/accounts/", s.delegate)))
	m.Handle("GET /v1/resources", s.endpoint(Resources, s.withToken("service_account/resources/", s.resources)))
	s.tokenRoutes(m)
	return m
}

// tokenRoutes are on both hosts: the SDKs disagree which one to use.
func (s *Server) tokenRoutes(m *http.ServeMux) {
	m.Handle("POST /oauth/token", s.endpoint(Exchange, s.asClient(s.token)))
	m.Handle("POST /oauth/token/revoke", s.endpoint(Revoke, s.asClient(s.revocation)))
}

type params map[string]any

// text gives a parameter that is a string and not blank, else nothing.
func (p params) text(name string) string {
	s, _ := p[name].(string)
	if strings.TrimSpace(s) == "" {
		return ""
	}
	return s
}

// parseParams reads a body whose Content-Type must say what it is; nil: it is not
// that. A parameter that a form gives twice is wrong: RFC 6749 section 3.2.
func parseParams(contentType string, body []byte) params {
	var p params
	switch kind, _, err := mime.ParseMediaType(contentType); {
	case err != nil:
	case kind == "application/json":
		if json.Unmarshal(body, &p) != nil {
			return nil
		}
	case kind == "application/x-www-form-urlencoded":
		values, err := url.ParseQuery(string(body))
		if err != nil {
			return nil
		}
		p = params{}
		for name, v := range values {
			if len(v) != 1 {
				return nil
			}
			p[name] = v[0]
		}
	}
	return p
}

// refuse answers with an empty body: the bodies of 401, 402, 403, 404, 423, 429
// and 5xx are documented nowhere, so no client may need one.
func (c *call) refuse(status int, reason string) {
	c.w.Header().Set(reasonHeader, reason)
	c.status = status
}

func (c *call) answer(status int, o object) {
	c.w.Header().Set("Content-Type", jsonType)
	c.status, c.object = status, o
}

// send sends the answer, or as much of it as the fault leaves.
func (c *call) send() {
	if c.status == 0 {
		reset(c.w)
		return
	}
	if c.object != nil {
		c.body = encode(c.object, c.switches)
	}
	declared, sent := len(c.body), c.body
	if c.fault.Body == TruncatedBody || c.fault.Body == CutBody {
		sent = sent[:declared/2]
	}
	if c.fault.Body == TruncatedBody {
		declared = len(sent)
	}
	c.w.Header().Set("Content-Length", strconv.Itoa(declared))
	c.w.WriteHeader(c.status)
	_, _ = c.w.Write(sent) // the client is gone if this fails
	if c.fault.Body == CutBody {
		_ = http.NewResponseController(c.w).Flush()
		panic(http.ErrAbortHandler) // closes the connection
	}
}

// bearer gives the token of exactly one Authorization header; empty: there is none.
func bearer(r *http.Request) string {
	all := r.Header.Values("Authorization")
	if scheme, token, _ := strings.Cut(strings.Join(all, ""), " "); len(all) == 1 && strings.EqualFold(scheme, "Bearer") {
		return token
	}
	return ""
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

func (s *Server) isSecret(text string) bool { return same(text, s.opts.ClientSecret.Reveal()) }

func (c *call) unauthorized(reason string) {
	c.w.Header().Set("WWW-Authenticate", "Bearer")
	c.refuse(http.StatusUnauthorized, reason)
}

func (c *call) oauthError(status int, code, reason string) {
	c.w.Header().Set(reasonHeader, reason)
	c.answer(status, object{"error": code})
}

// fieldError is what is wrong with one parameter.
type fieldError struct{ field, key, description string }

func required(field string) *fieldError { return &fieldError{field, "errors.required", "required"} }

func invalid(field, description string) *fieldError {
	return &fieldError{field, "errors.invalid", description}
}

// invalid is the answer to wrong parameters.
func (c *call) invalid(e *fieldError) {
	c.w.Header().Set(reasonHeader, e.field+": "+e.description)
	list := []any{object{"key": e.key, "description": e.description}}
	c.answer(http.StatusUnprocessableEntity, object{"errors": object{e.field: list}})
}

// object is one of JSON, in a call or an answer. Lists in it are []any.
type object = map[string]any

// encode gives an answer's JSON, with a field nobody knows in every object if that is
// switched on. Nothing that stands in an answer makes it fail.
func encode(o object, sw Switches) []byte {
	body, _ := json.Marshal(o)
	if sw.ExtraFields { // within a text it would be {\"
		body = bytes.ReplaceAll(body, []byte(`{"`), []byte(`{"x_added_later":{"list":[1,"two",null],"flag":true},"`))
	}
	return body
}
