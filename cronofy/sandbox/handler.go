package sandbox

import (
	"errors"
	"io"
	"net"
	"net/http"

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
		f, faulty := s.takeFault(c.endpoint, func() string { return s.callerEmail(c) })
		if !faulty {
			do(c)
			return
		}
		s.misbehave(f, c, do)
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
	if _, ok := s.limits.allow(s.opts.Now()); ok {
		return false
	}
	refuse(c.w, http.StatusTooManyRequests, "too many calls")
	return true
}
