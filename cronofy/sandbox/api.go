package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"confer/cronofy"
)

// maxBody is what a request body may have; the documented ones are far smaller.
const maxBody = 64 << 10

// serverName is how the built-in browser knows a sandbox.
const serverName = "confer-sandbox"

const reasonHeader = "X-Sandbox-Reason" // tells developers why they were refused

// handler wraps a host's routes with what holds for every request.
func (s *Server) handler(host string, routes http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.enter() {
			panic(http.ErrAbortHandler) // closing: the connection just ends
		}
		defer s.work.Done()
		rec := &statusWriter{ResponseWriter: w}
		defer func() { s.logRequest(host, r, rec) }()
		h := w.Header()
		h.Set("Server", serverName)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-store")
		if !loopbackAuthority(r.Host) {
			refuse(rec, http.StatusMisdirectedRequest, "the Host header is not this machine's")
			return
		}
		routes.ServeHTTP(rec, r)
	})
}

// loopbackAuthority tells whether a Host header names this machine: another
// name that resolves to it is how a web page would reach the sandbox.
func loopbackAuthority(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	return cronofy.LoopbackHost(name)
}

func (s *Server) logRequest(host string, r *http.Request, w *statusWriter) {
	s.log.add(LogEntry{
		Time: s.opts.Now(), Host: host, Method: cronofy.CleanText(r.Method, 10),
		Path: cronofy.CleanText(maskedPath(r), 100), Status: w.status, Note: w.Header().Get(reasonHeader),
	})
}

// statusWriter remembers the status.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap is for http.ResponseController.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// call is one API request with its body read.
type call struct {
	w        http.ResponseWriter
	r        *http.Request
	endpoint Endpoint
	body     []byte
	params   params
	err      error // why the body could not be read as parameters
	switches Switches
}

// apiRoutes are those of the api host.
func (s *Server) apiRoutes() http.Handler {
	m := http.NewServeMux()
	m.Handle("POST /v1/organizational_unit_authorization_link_tokens", s.endpoint(LinkTokens, s.createLinkToken))
	m.Handle("GET /v1/userinfo", s.endpoint(UserInfo, s.userInfo))
	m.Handle("POST /v1/service_account_authorizations", s.endpoint(Delegated, s.delegate))
	m.Handle("GET /v1/resources", s.endpoint(Resources, s.resources))
	s.tokenRoutes(m)
	return m
}

// tokenRoutes are on both hosts: the SDKs disagree which one to use.
func (s *Server) tokenRoutes(m *http.ServeMux) {
	m.Handle("POST /oauth/token", s.endpoint(Exchange, s.token))
	m.Handle("POST /oauth/token/revoke", s.endpoint(Revoke, s.revoke))
}

// endpoint reads the body, then gives a scripted answer or does the call.
func (s *Server) endpoint(e Endpoint, do func(*call)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := &call{w: w, r: r, endpoint: e, switches: s.Switches()}
		if err := c.read(); err != nil {
			refuse(w, http.StatusRequestEntityTooLarge, "the body is too large or was cut short")
			return
		}
		if grant, _ := c.params.text("grant_type"); e == Exchange && grant == "refresh_token" {
			c.endpoint = Refresh
		}
		if f, ok := s.takeFault(c.endpoint, func() string { return s.callerEmail(c) }); ok {
			s.misbehave(f, c, do)
			return
		}
		do(c)
	})
}

func (c *call) read() error {
	if c.r.Method == http.MethodGet || c.r.Method == http.MethodHead {
		return nil
	}
	var err error
	if c.body, err = io.ReadAll(http.MaxBytesReader(c.w, c.r.Body, maxBody)); err != nil {
		return err
	}
	c.params, c.err = parseParams(c.r.Header.Get("Content-Type"), c.body)
	return nil
}

// mediaTypeRefused answers 415 if the Content-Type does not say what the body
// is: a choice, the documentation only demands the header.
func (c *call) mediaTypeRefused() bool {
	if errors.Is(c.err, errMediaType) {
		refuse(c.w, http.StatusUnsupportedMediaType, "Content-Type must be application/json or application/x-www-form-urlencoded")
		return true
	}
	return false
}

// limited answers 429 if the application made too many calls. That the answer
// has no Retry-After is Cronofy's documentation; faults can add one.
func (s *Server) limited(c *call) bool {
	if s.limits.allow(s.opts.Now()) {
		return false
	}
	refuse(c.w, http.StatusTooManyRequests, "too many calls")
	return true
}

var (
	errMediaType = errors.New("the media type is neither JSON nor a form")
	errMalformed = errors.New("the body is malformed")
)

// params are a request's parameters: strings from a form, anything from JSON.
type params map[string]any

// text gives a parameter that is a string and not blank.
func (p params) text(name string) (string, bool) {
	s, ok := p[name].(string)
	if strings.TrimSpace(s) == "" {
		return "", false
	}
	return s, ok
}

// parseParams reads a body whose Content-Type must say what it is. A parameter
// given twice is an error: RFC 6749 section 3.2 forbids it.
func parseParams(contentType string, body []byte) (params, error) {
	kind, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return nil, errMediaType
	}
	switch kind {
	case "application/json":
		return parseObject(body)
	case "application/x-www-form-urlencoded":
		return parseForm(string(body))
	}
	return nil, errMediaType
}

func parseForm(body string) (params, error) {
	values, err := url.ParseQuery(body)
	if err != nil {
		return nil, errMalformed
	}
	p := params{}
	for name, v := range values {
		if len(v) != 1 {
			return nil, errMalformed
		}
		p[name] = v[0]
	}
	return p, nil
}

func parseObject(body []byte) (params, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, errMalformed
	}
	p := params{}
	for d.More() {
		t, err := d.Token()
		name, ok := t.(string)
		if _, twice := p[name]; err != nil || !ok || twice {
			return nil, errMalformed
		}
		var v any
		if err := d.Decode(&v); err != nil {
			return nil, errMalformed
		}
		p[name] = v
	}
	if _, err := d.Token(); err != nil { // the closing brace
		return nil, errMalformed
	}
	if _, err := d.Token(); err != io.EOF { // More does not see a bracket too many
		return nil, errMalformed
	}
	return p, nil
}

const jsonType = "application/json; charset=utf-8"

// refuse answers with an empty body: the bodies of 401, 402, 403, 404, 423, 429
// and 5xx are documented nowhere, so no client may need one.
func refuse(w http.ResponseWriter, status int, reason string) {
	w.Header().Set(reasonHeader, reason)
	w.Header().Set("Content-Length", "0")
	w.WriteHeader(status)
}

// answer sends v as JSON.
func (c *call) answer(status int, v any) {
	body, err := encode(v, c.switches)
	if err != nil {
		refuse(c.w, http.StatusInternalServerError, "the answer could not be encoded")
		return
	}
	h := c.w.Header()
	h.Set("Content-Type", jsonType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	c.w.WriteHeader(status)
	_, _ = c.w.Write(body) // the client is gone if this fails
}

// oauthError is the answer of RFC 6749 section 5.2.
func (c *call) oauthError(status int, code, reason string) {
	c.w.Header().Set(reasonHeader, reason)
	c.w.Header().Set("Pragma", "no-cache")
	c.answer(status, map[string]string{"error": code})
}

type fieldError struct {
	Key         string `json:"key"`
	Description string `json:"description"`
}

type fieldErrors map[string][]fieldError

// invalid is the answer to wrong parameters.
// https://docs.cronofy.com/developers/api/error-codes/
func (c *call) invalid(errs fieldErrors) {
	for field, list := range errs { // one is enough for the log
		c.w.Header().Set(reasonHeader, field+": "+list[0].Description)
	}
	c.answer(http.StatusUnprocessableEntity, map[string]fieldErrors{"errors": errs})
}

func required(field string) fieldErrors {
	return fieldErrors{field: {{"errors.required", "required"}}}
}

// encode gives v as JSON, with fields nobody knows in every object if that is switched on.
func encode(v any, sw Switches) ([]byte, error) {
	body, err := json.Marshal(v)
	if err != nil || !sw.ExtraFields {
		return body, err
	}
	var decoded any
	if err := json.Unmarshal(body, &decoded); err != nil {
		return nil, err
	}
	addFields(decoded)
	return json.Marshal(decoded)
}

func addFields(v any) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			addFields(e)
		}
	case map[string]any:
		for _, e := range v {
			addFields(e)
		}
		v["x_added_later"] = map[string]any{"list": []any{1, "two", nil}, "flag": true}
	}
}
