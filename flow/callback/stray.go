package callback

import (
	"errors"
	"maps"
	"sync"
)

// StrayKind is why a request was not the answer.
type StrayKind string

// The kinds of a Stray.
const (
	StrayHost         StrayKind = "host"          // not the redirect URI's host: a tunnel that rewrites it, or DNS rebinding
	StrayPath         StrayKind = "path"          // nothing is there
	StrayMethod       StrayKind = "method"        // not GET
	StrayPrefetch     StrayKind = "prefetch"      // a browser looking ahead
	StrayEmbedded     StrayKind = "embedded"      // an image, frame or script, not a person's window
	StrayMalformed    StrayKind = "malformed"     // right state, but no code and no error, or several
	StrayStateMissing StrayKind = "state missing" // no state at all
	StrayStateUnknown StrayKind = "state unknown"
	StrayStateUsed    StrayKind = "state used" // by a paste or in an earlier try
	StrayStateEarlier StrayKind = "state of another run"
	StrayStateOther   StrayKind = "state of other answers"
	StrayReload       StrayKind = "reload" // of an answer that is here; the browser was sent on to its outcome
	StrayBusy         StrayKind = "busy"   // more answers than anyone waits for
)

// Stray is a request that was not the answer; the wait goes on.
type Stray struct {
	Kind  StrayKind
	Count int   // how many of the kind so far
	Err   error // the ErrState error of the four state kinds, else nil
}

// strays counts, and tells of a kind's first request and then of its 10th,
// 100th and so on: a flood must not reach the screen.
type strays struct {
	tell func(Stray)

	mu     sync.Mutex
	counts map[StrayKind]int
}

func (s *strays) add(kind StrayKind, err error) {
	s.mu.Lock()
	s.counts[kind]++
	n := s.counts[kind]
	s.mu.Unlock()
	if s.tell != nil && powerOfTen(n) {
		s.tell(Stray{Kind: kind, Count: n, Err: err})
	}
}

func powerOfTen(n int) bool {
	for n > 1 && n%10 == 0 {
		n /= 10
	}
	return n == 1
}

func (s *strays) snapshot() map[StrayKind]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.counts)
}

func strayOf(err error) StrayKind {
	switch {
	case errors.Is(err, ErrStateUsed):
		return StrayStateUsed
	case errors.Is(err, ErrStateEarlierRun):
		return StrayStateEarlier
	case errors.Is(err, ErrStateOtherAnswers):
		return StrayStateOther
	}
	return StrayStateUnknown
}
