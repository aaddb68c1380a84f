package callback

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"confer/internal/httpserver"
)

const (
	linkPath = "/go/"
	doneKey  = "done" // names the outcome
	againKey = "again"
)

// serveCallback serves the redirect URI, the outcome's page and, on loopback,
// the short links.
func (s *Server) serveCallback(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	switch {
	case r.URL.Path == s.target.path() && q.Has(doneKey) && !q.Has("state"):
		s.onlyPeople(w, r, s.serveDone)
	case r.URL.Path == s.target.path():
		s.onlyPeople(w, r, s.serveAnswer)
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
	s.onlyPeople(w, r, func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		to, known := s.links[id]
		ended, outcome := s.ended, s.outcome
		s.mu.Unlock()
		proxied := s.target.loopback && s.cfg.Listen != ""
		switch {
		case known && !proxied && s.refuseOtherUser(w, r):
		case known && outcome != nil && outcome.OK:
			pageOutcome(*outcome).write(w)
		case !known || ended:
			pageLinkEnded.write(w)
		default:
			redirect(w, to)
		}
	})
}

// serveAnswer judges the state before anything else that came with it. Who brought
// the answer is sent to an address without the code, as often as they come.
func (s *Server) serveAnswer(w http.ResponseWriter, r *http.Request) {
	if len(r.URL.RawQuery) > queryLimit {
		pageMalformed.write(w)
		return
	}
	a, bad := parseQuery(r.URL.RawQuery)
	err := s.cfg.States.check(a.State, s.cfg.Answers)
	switch {
	case a.State == "":
		s.refuse(w, pageMalformed, ofPerson(r, ErrMalformed))
	case errors.Is(err, ErrStateUnknown):
		s.refuse(w, pageState(err), ofPerson(r, err))
	case err != nil && !s.took(a.State):
		s.refuse(w, pageState(err), err)
	case err == nil && s.cfg.Listen == "" && s.refuseOtherUser(w, r): // else the operator's proxy comes, as whatever user
	case err == nil && bad != nil:
		s.refuse(w, pageMalformed, ErrMalformed)
	case err == nil && !s.take(w, r, a): // it stays in the address, where it may count later
		pageNotWaiting.write(w)
	default:
		redirect(w, s.doneURL())
	}
}

func (s *Server) took(state string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state == state
}

// take uses the state of an answer up and hands the answer over, and tells whether its
// browser is to see how it ends. Only one answer is taken: the state of any other
// stays good, unless all is done and it never will count.
func (s *Server) take(w http.ResponseWriter, r *http.Request, a Answer) bool {
	s.mu.Lock()
	if !s.ended && s.state == "" && s.cfg.States.Claim(a.State, s.cfg.Answers) == nil {
		s.state = a.State
		s.answers <- a
	}
	taken := s.state
	s.mu.Unlock()
	if taken == a.State {
		return true
	}
	hold := time.Duration(0)
	if taken != "" { // what comes of it is mostly known soon
		hold = firstHold
	}
	o := s.await(w, r, hold)
	return o != nil && o.OK
}

// doneURL has the redirect URI's own path: a tunnel or proxy may deliver no other.
func (s *Server) doneURL() string {
	return (&url.URL{Path: s.target.path(), RawQuery: doneKey + "=" + s.done}).String()
}

const (
	// firstHold is how long the outcome's page waits before it shows itself
	// unfinished: most exchanges take less, and then the first page is the truth.
	firstHold = 1500 * time.Millisecond
	// againHold: the unfinished page asks again once, and that request waits
	// long, so that a screen reader is not interrupted by reloads.
	againHold = 20 * time.Second
)

// serveDone waits a while for the outcome.
func (s *Server) serveDone(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Get(doneKey) != s.done {
		pageNowhere.write(w)
		return
	}
	hold := firstHold
	if r.URL.Query().Has(againKey) {
		hold = againHold
	}
	o := s.await(w, r, hold)
	switch {
	case o != nil:
		pageOutcome(*o).write(w)
		_ = http.NewResponseController(w).Flush()
		s.show()
	case s.closing.Err() != nil:
		pageEnded.write(w)
	default:
		pageWaiting(s.doneURL() + "&" + againKey).write(w)
	}
}

// await waits a while for the outcome; nil: it is not known yet.
func (s *Server) await(w http.ResponseWriter, r *http.Request, hold time.Duration) *Outcome {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(hold + httpserver.Patience))
	select {
	case <-s.known:
	case <-time.After(hold):
	case <-s.closing.Done():
	case <-r.Context().Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.outcome
}

// redirect answers 303 without a body: the target may hold the link token.
// https://www.rfc-editor.org/rfc/rfc9700#section-4.12
func redirect(w http.ResponseWriter, to string) {
	guard(w.Header())
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
}

// gate lets requests for one host through; every other name for this address is
// somebody's DNS (rebinding), or a proxy that rewrites Host. The latter is told of.
func (s *Server) gate(host string, next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.target.plain(r.Host) == host {
			next(w, r)
			return
		}
		var told error
		if s.cfg.Listen != "" && s.cfg.States.check(r.URL.Query().Get("state"), s.cfg.Answers) == nil {
			told = ErrHost
		}
		s.refuse(w, pageHost, told)
	})
}

// onlyPeople goes on for a window that a person opened. HEAD is refused like
// any other method: a link checker must not use anything up. Browsers that send
// no Sec-Fetch headers pass; the state decides.
func (s *Server) onlyPeople(w http.ResponseWriter, r *http.Request, next http.HandlerFunc) {
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
		next(w, r)
	}
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

// ofPerson is err where a person's window came with an answer, which is then waited
// for; else nil. Browsers say at https and at loopback addresses that they went there
// in a window, which no other program says by accident.
// https://www.w3.org/TR/fetch-metadata/
func ofPerson(r *http.Request, err error) error {
	window := r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document"
	if q := r.URL.Query(); !window || q.Get("code") == "" && q.Get("error") == "" {
		return nil
	}
	return err
}
