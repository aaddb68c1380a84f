package callback

import (
	"context"
	"net/http"
	"time"
)

// Next gives an answer that came meanwhile; it waits for one whose browser is
// being sent on. Without one, none is taken from here on: a browser that brings
// an answer then is shown late, and the answer's state stays good.
func (s *Server) Next(late Outcome) (Answer, bool) {
	s.mu.Lock()
	if len(s.answers)+s.reserved == 0 {
		s.late = &late
		s.mu.Unlock()
		return Answer{}, false
	}
	s.mu.Unlock()
	return <-s.answers, true
}

// tooLate is what is shown to who comes after the end of the wait; nil before.
func (s *Server) tooLate() *Outcome {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.late
}

// refuseLate leaves the answer in the address where it may count later, and
// takes it out where it never will.
func (s *Server) refuseLate(w http.ResponseWriter, state string) {
	late := s.tooLate()
	s.strays.add(Stray{Kind: StrayLate})
	if !late.OK {
		s.pages.write(w, http.StatusServiceUnavailable, pageLate(*late))
		return
	}
	d := newDone(token(s.cfg.Rand))
	close(d.settled)
	d.outcome = late
	s.mu.Lock()
	s.dones[d.id], s.byState[state] = d, d
	s.mu.Unlock()
	redirect(w, s.doneURL(d.id))
}

// Stay waits as long as pages may be asked for once more: until Close, the end
// of ctx, or limit.
func (s *Server) Stay(ctx context.Context, limit time.Duration) {
	t := time.NewTimer(limit)
	defer t.Stop()
	select {
	case <-s.closing:
	case <-ctx.Done():
	case <-t.C:
	}
}
