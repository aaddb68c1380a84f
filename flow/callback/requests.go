package callback

import (
	"errors"
	"net/http"
	"strings"
)

const (
	linkPath = "/go/"
	doneKey  = "done" // names an outcome
	againKey = "again"
)

// serveCallback serves the redirect URI, the outcome's pages and, on loopback,
// the short links.
func (s *Server) serveCallback(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	switch {
	case r.URL.Path == s.target.path() && q.Has(doneKey) && !q.Has("state"):
		s.onlyPeople(w, r, func() { s.serveDone(w, r, q.Get(doneKey)) })
	case r.URL.Path == s.target.path():
		s.onlyPeople(w, r, func() { s.serveAnswer(w, r) })
	case s.target.loopback:
		s.serveLink(w, r)
	default:
		pageNowhere.write(w)
	}
}

// serveLink serves the short links only.
func (s *Server) serveLink(w http.ResponseWriter, r *http.Request) {
	id, ok := strings.CutPrefix(r.URL.Path, linkPath)
	if !ok {
		pageNowhere.write(w)
		return
	}
	s.onlyPeople(w, r, func() {
		s.mu.Lock()
		to, known := s.links[id]
		late := s.late
		s.mu.Unlock()
		proxied := s.target.loopback && s.cfg.Listen != ""
		switch {
		case known && !proxied && s.refuseOtherUser(w, r):
		case known && late != nil && late.OK:
			pageOutcome(*late).write(w)
		case !known || late != nil:
			pageLinkEnded.write(w)
		default:
			redirect(w, to)
		}
	})
}

// serveAnswer judges the state before anything else that came with it.
func (s *Server) serveAnswer(w http.ResponseWriter, r *http.Request) {
	if len(r.URL.RawQuery) > queryLimit {
		pageMalformed.write(w)
		return
	}
	a, bad := parseQuery(r.URL.RawQuery)
	if a.State == "" {
		s.refuse(w, pageMalformed, ofPerson(r, ErrMalformed))
		return
	}
	if err := s.cfg.States.check(a.State, s.cfg.Answers); err != nil {
		s.refuseState(w, r, a.State, err)
		return
	}
	if s.cfg.Listen == "" && s.refuseOtherUser(w, r) { // else the operator's proxy comes, as whatever user
		return
	}
	if bad != nil {
		s.refuse(w, pageMalformed, ErrMalformed)
		return
	}
	s.accept(w, r, a)
}

// accept claims, sends the browser to an address without the code, and only
// then hands over: the browser has its answer before anybody can close.
func (s *Server) accept(w http.ResponseWriter, r *http.Request, a Answer) {
	d, late, err := s.claim(a.State)
	switch {
	case err != nil:
		s.refuseState(w, r, a.State, err)
		return
	case d == nil: // it stays in the address, where it may count later
		pageLate(*late).write(w)
		return
	}
	redirect(w, s.doneURL(d.id))
	if late != nil { // it never will count
		return
	}
	_ = http.NewResponseController(w).Flush()
	a.ID = d.id
	s.mu.Lock()
	s.answers <- a
	s.reserved--
	s.mu.Unlock()
}

// claim uses a state up, and makes the page of its answer. Nothing is used up after
// the end of the wait: late is shown then, at a page only where the answer will never
// count.
func (s *Server) claim(state string) (d *done, late *Outcome, err error) {
	s.mu.Lock() // also over Claim: whoever finds the state used finds its page
	defer s.mu.Unlock()
	if late = s.late; late != nil && !late.OK {
		return nil, late, nil
	}
	d = &done{id: token(), known: make(chan struct{}), shown: make(chan struct{}), outcome: late}
	if late != nil {
		close(d.known)
	} else if err := s.cfg.States.Claim(state, s.cfg.Answers); err != nil {
		return nil, nil, err
	} else {
		s.reserved++
	}
	s.dones[d.id], s.byState[state] = d, d
	return d, late, nil
}

// refuseState sends the same tab again, or a second one with its address, to the
// outcome.
func (s *Server) refuseState(w http.ResponseWriter, r *http.Request, state string, err error) {
	s.mu.Lock()
	d := s.byState[state]
	s.mu.Unlock()
	if d != nil {
		redirect(w, s.doneURL(d.id))
		return
	}
	if errors.Is(err, ErrStateUnknown) {
		err = ofPerson(r, err)
	}
	s.refuse(w, pageState(err), err)
}

// redirect answers 303 without a body: the target may hold the link token.
// https://www.rfc-editor.org/rfc/rfc9700#section-4.12
func redirect(w http.ResponseWriter, to string) {
	guard(w.Header())
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
}

// gate lets requests for one host through; every other name for this address is
// somebody's DNS (rebinding), or a tunnel that rewrites Host.
func (s *Server) gate(host string, next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scheme := "http"
		if !s.target.loopback {
			scheme = s.target.url.Scheme
		}
		if plainHost(r.Host, scheme) != host {
			told := ofPerson(r, ErrHost)
			if r.Method == http.MethodGet && hasAnswer(r) && s.cfg.States.check(r.URL.Query().Get("state"), s.cfg.Answers) == nil {
				told = ErrHost
			}
			s.refuse(w, pageHost, told)
			return
		}
		next(w, r)
	})
}

// onlyPeople goes on for a window that a person opened. HEAD is refused like
// any other method: a link checker must not use anything up. Browsers that send
// no Sec-Fetch headers pass; the state decides.
func (s *Server) onlyPeople(w http.ResponseWriter, r *http.Request, next func()) {
	mode, dest := r.Header.Get("Sec-Fetch-Mode"), r.Header.Get("Sec-Fetch-Dest")
	switch {
	case r.Method != http.MethodGet:
		w.Header().Set("Allow", http.MethodGet)
		pageMethod.write(w)
	case lookingAhead(r.Header):
		pagePrefetch.write(w)
	case mode != "" && mode != "navigate", dest != "" && dest != "document":
		pageEmbedded.write(w)
	default:
		next()
	}
}

// navigated tells whether a browser says that it went here in a window, which no
// other program says by accident. Browsers say so at https and at loopback
// addresses. https://www.w3.org/TR/fetch-metadata/
func navigated(r *http.Request) bool {
	return r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document" && !lookingAhead(r.Header)
}

// hasAnswer tells whether a request brings what an authorization ends with,
// whether or not it counts.
func hasAnswer(r *http.Request) bool {
	q := r.URL.Query()
	return q.Get("code") != "" || q.Get("error") != ""
}

// lookingAhead knows today's header and those of older browsers.
// https://wicg.github.io/nav-speculation/prefetch.html#sec-purpose-header
func lookingAhead(h http.Header) bool {
	for _, name := range []string{"Sec-Purpose", "Purpose", "X-Purpose", "X-Moz"} {
		v := strings.ToLower(h.Get(name))
		if strings.Contains(v, "prefetch") || strings.Contains(v, "preview") || strings.Contains(v, "prerender") {
			return true
		}
	}
	return false
}

// What is wrong with an answer, beside the ErrState errors and OtherUserError.
var (
	// ErrHost: it came with another Host than the redirect URI's.
	ErrHost = errors.New("the host is not the redirect URI's")
	// ErrMalformed: it has no state, or neither code nor error, or several.
	ErrMalformed = errors.New("the answer is not a state with one code or one error")
)

// refuse answers what is not the answer; the wait goes on. Where somebody's window
// came with an answer, told is what is wrong with it. OnUnusable hears of each kind of
// error once: a flood must not reach the screen.
func (s *Server) refuse(w http.ResponseWriter, p page, told error) {
	if told != nil && s.cfg.OnUnusable != nil {
		s.mu.Lock()
		again := s.told[told.Error()]
		s.told[told.Error()] = true
		s.mu.Unlock()
		if !again {
			s.cfg.OnUnusable(told)
		}
	}
	p.write(w)
}

// ofPerson is err where it was a person's window that came with an answer, which is
// then waited for; else nil.
func ofPerson(r *http.Request, err error) error {
	if !navigated(r) || !hasAnswer(r) {
		return nil
	}
	return err
}
