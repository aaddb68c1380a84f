package callback

import (
	"net/http"
	"net/url"
	"time"
)

// Outcome is what the browser's page says in the end. Text and Hint are plain
// text; Title is also the window's.
type Outcome struct {
	OK    bool
	Title string // "Zoom is linked"
	Text  string
	Hint  string // what to do next; may be empty
}

// done is the page of one answer.
type done struct {
	id      string
	settled chan struct{} // closed by the first Settle
	shown   chan struct{} // closed when a browser has got the outcome
	outcome *Outcome      // under Server.mu
	seen    bool          // under Server.mu
}

func newDone(id string) *done {
	return &done{id: id, settled: make(chan struct{}), shown: make(chan struct{})}
}

// Settle tells the browser's page of an answer how it ended; the page waits for
// it. A later Settle, after another try, replaces the earlier one for a reload.
// An id that is not of this server (a paste has none) is ignored.
func (s *Server) Settle(id string, o Outcome) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.dones[id]
	if d == nil {
		return
	}
	if d.outcome == nil {
		close(d.settled)
	}
	d.outcome = &o
}

func (s *Server) doneOf(state string) *done {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.byState[state]
}

func (s *Server) doneURL(id string) string {
	if s.target.loopback {
		return donePath + id
	}
	return (&url.URL{Path: s.target.path(), RawQuery: url.Values{doneKey: {id}}.Encode()}).String()
}

// serveDone waits a while for the outcome. Without one it shows a page that
// asks again, once, and that request waits long.
func (s *Server) serveDone(w http.ResponseWriter, r *http.Request, id string) {
	s.mu.Lock()
	d := s.dones[id]
	s.mu.Unlock()
	if d == nil {
		s.strays.add(Stray{Kind: StrayPath})
		s.pages.write(w, http.StatusNotFound, pageUnknown())
		return
	}
	s.wait(w, r, d)
	switch o := s.take(d); {
	case o != nil:
		s.pages.write(w, http.StatusOK, pageOutcome(*o))
		_ = http.NewResponseController(w).Flush()
		s.delivered(d)
	case s.isClosed():
		s.pages.write(w, http.StatusOK, pageEnded())
	default:
		s.pages.write(w, http.StatusOK, pageWaiting(s.againURL(id)))
	}
}

func (s *Server) wait(w http.ResponseWriter, r *http.Request, d *done) {
	hold := s.cfg.hold
	if r.URL.Query().Has(againKey) {
		hold = s.cfg.again
	}
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(hold + writeLimit))
	t := time.NewTimer(hold)
	defer t.Stop()
	select {
	case <-d.settled:
	case <-t.C:
	case <-s.closing:
	case <-r.Context().Done():
	}
}

func (s *Server) againURL(id string) string {
	if s.target.loopback {
		return donePath + id + "?" + againKey
	}
	return s.doneURL(id) + "&" + againKey
}

func (s *Server) take(d *done) *Outcome {
	s.mu.Lock()
	defer s.mu.Unlock()
	return d.outcome
}

func (s *Server) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

func (s *Server) delivered(d *done) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !d.seen {
		d.seen = true
		close(d.shown)
	}
}
