package callback

import (
	"errors"
	"net/http"
	"strings"
)

const (
	linkPath = "/go/"
	donePath = "/done/"
	// doneKey names the outcome behind a tunnel or proxy, which may deliver
	// nothing but the redirect URI's own path.
	doneKey  = "done"
	againKey = "again"
)

// callbackDoor serves the redirect URI, the outcome's pages and, on loopback,
// the short links.
func (s *Server) callbackDoor(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	switch {
	case r.URL.Path == s.target.path() && q.Has(doneKey) && !q.Has("state"):
		s.onlyPeople(w, r, func() { s.serveDone(w, r, q.Get(doneKey)) })
	case r.URL.Path == s.target.path():
		s.onlyPeople(w, r, func() { s.serveAnswer(w, r) })
	case s.target.loopback && strings.HasPrefix(r.URL.Path, donePath):
		s.onlyPeople(w, r, func() { s.serveDone(w, r, strings.TrimPrefix(r.URL.Path, donePath)) })
	case s.target.loopback:
		s.linkDoor(w, r)
	default:
		s.nowhere(w, r)
	}
}

// linkDoor serves the short links only.
func (s *Server) linkDoor(w http.ResponseWriter, r *http.Request) {
	id, ok := strings.CutPrefix(r.URL.Path, linkPath)
	if !ok {
		s.nowhere(w, r)
		return
	}
	s.onlyPeople(w, r, func() {
		s.mu.Lock()
		to, known := s.links[id]
		s.mu.Unlock()
		proxied := s.target.loopback && s.cfg.Listen != ""
		switch late := s.tooLate(); {
		case known && !proxied && s.refuseOtherUser(w, r):
		case known && late != nil && late.OK:
			s.pages.write(w, http.StatusOK, pageOutcome(*late))
		case !known || late != nil || !usableTarget(to):
			s.strays.add(Stray{Kind: StrayPath})
			s.pages.write(w, http.StatusNotFound, pageLinkEnded())
		default:
			redirect(w, to)
		}
	})
}

func (s *Server) nowhere(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/favicon.ico" { // browsers ask by themselves: not a stray
		w.WriteHeader(http.StatusNotFound)
		return
	}
	s.refuse(w, Stray{Kind: StrayPath})
}

// serveAnswer judges the state before anything else that came with it.
func (s *Server) serveAnswer(w http.ResponseWriter, r *http.Request) {
	if len(r.URL.RawQuery) > queryLimit {
		s.refuse(w, Stray{Kind: StrayMalformed})
		return
	}
	a, bad := parseQuery(r.URL.RawQuery)
	if a.State == "" {
		s.refuse(w, Stray{Kind: StrayStateMissing, Err: ErrStateMissing, Person: navigated(r) && hasAnswer(r)})
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
		s.refuse(w, Stray{Kind: StrayMalformed, Err: ErrMalformed, Person: true})
		return
	}
	s.accept(w, r, a)
}

// accept claims, sends the browser to an address without the code, and only
// then hands over: the browser has its answer before anybody can close.
func (s *Server) accept(w http.ResponseWriter, r *http.Request, a Answer) {
	d, err := s.claim(a.State)
	switch {
	case errors.Is(err, errBusy):
		s.refuse(w, Stray{Kind: StrayBusy})
		return
	case errors.Is(err, errLate):
		s.refuseLate(w, a.State)
		return
	case err != nil:
		s.refuseState(w, r, a.State, err)
		return
	}
	a.ID = d.id
	redirect(w, s.doneURL(d.id))
	_ = http.NewResponseController(w).Flush()
	s.mu.Lock()
	s.answers <- a // has room: reserved
	s.reserved--
	s.mu.Unlock()
}

var (
	errBusy = errors.New("more answers than anyone waits for")
	errLate = errors.New("nobody waits any more")
)

func (s *Server) claim(state string) (*done, error) {
	s.mu.Lock() // also over Claim: whoever finds the state used finds its page
	defer s.mu.Unlock()
	if len(s.answers)+s.reserved >= cap(s.answers) || s.closed {
		return nil, errBusy
	}
	if s.late != nil {
		return nil, errLate
	}
	if err := s.cfg.States.Claim(state, s.cfg.Answers); err != nil {
		return nil, err
	}
	s.reserved++
	d := newDone(token(s.cfg.Rand))
	s.dones[d.id], s.byState[state] = d, d
	return d, nil
}

// refuseState sends the same tab again, or a second one with its address, to the
// outcome.
func (s *Server) refuseState(w http.ResponseWriter, r *http.Request, state string, err error) {
	if d := s.doneOf(state); d != nil {
		s.strays.add(Stray{Kind: StrayReload})
		redirect(w, s.doneURL(d.id))
		return
	}
	kind := strayOf(err)
	s.refuse(w, Stray{Kind: kind, Err: err, Person: kind != StrayStateUnknown || navigated(r) && hasAnswer(r)})
}

// redirect answers 303 without a body: the target may hold the link token.
// https://www.rfc-editor.org/rfc/rfc9700#section-4.12
func redirect(w http.ResponseWriter, to string) {
	guard(w.Header())
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
}

func (s *Server) refuse(w http.ResponseWriter, x Stray) {
	s.strays.add(x)
	status, p := pageStray(x.Kind)
	s.pages.write(w, status, p)
}
