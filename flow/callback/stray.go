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
	StrayReload       StrayKind = "reload"     // of an answer that is here; the browser was sent on to its outcome
	StrayBusy         StrayKind = "busy"       // more answers than anyone waits for
	StrayOtherUser    StrayKind = "other user" // of this machine; see OtherUserError
	StrayLate         StrayKind = "late"       // nobody waits any more; its state stays good
)

// What is wrong with an answer, beside the ErrState errors.
var (
	// ErrHost: it came with another Host than the redirect URI's.
	ErrHost = errors.New("the host is not the redirect URI's")
	// ErrMalformed: its state is right, but it has neither code nor error, or several.
	ErrMalformed = errors.New("the answer is neither one code nor one error")
	// ErrStateMissing: it has no state.
	ErrStateMissing = errors.New("the answer has no state")
)

// Stray is a request that was not the answer; the wait goes on.
type Stray struct {
	Kind   StrayKind
	Count  int   // how many of the kind and with the same Person so far
	Err    error // what is wrong with the answer in it; nil where there is none
	Person bool  // somebody's browser window came with an answer, and waits for what comes of it
}

// strays counts, and tells of a kind's first request and then of its 10th,
// 100th and so on: a flood must not reach the screen.
type strays struct {
	tell func(Stray)

	mu     sync.Mutex
	counts map[StrayKind]int
	people map[StrayKind]int // of these with a Person: noise must not use their turn up
}

func (s *strays) add(x Stray) {
	s.mu.Lock()
	s.counts[x.Kind]++
	if x.Person {
		s.people[x.Kind]++
		x.Count = s.people[x.Kind]
	} else {
		x.Count = s.counts[x.Kind] - s.people[x.Kind]
	}
	s.mu.Unlock()
	if s.tell != nil && powerOfTen(x.Count) {
		s.tell(x)
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
