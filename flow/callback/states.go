package callback

import (
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"strings"
	"sync"
)

// What is wrong with a state that Claim does not take.
var (
	// ErrStateUsed: issued in this run, and an answer with it came before.
	ErrStateUsed = errors.New("the state was used before")
	// ErrStateEarlierRun: made by another run of confer, mostly an earlier one.
	ErrStateEarlierRun = errors.New("the state is of another run")
	// ErrStateOtherAnswers: of this run, but issued for other answers.
	ErrStateOtherAnswers = errors.New("the state was issued for other answers")
	// ErrStateUnknown: not ours, or damaged.
	ErrStateUnknown = errors.New("the state is unknown")
)

// statePrefix makes a state of any run recognisable as ours.
const statePrefix = "confer1-"

// States is the ledger of one run: every state issued stays valid, once, for
// the answers it was issued for, until the run ends. It is safe for concurrent use.
type States struct {
	run string

	mu     sync.Mutex
	issued []issued
}

type issued struct {
	state, answers string
	used           bool
}

// NewStates starts a run's ledger.
func NewStates() *States { return &States{run: token()} }

// Issue makes a state for the answers named by an opaque string (site, client,
// service account, provider, redirect URI). A state has only letters, digits
// and "-", and is shorter than 200 characters.
func (s *States) Issue(answers string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	state := statePrefix + s.run + "-" + token()
	s.issued = append(s.issued, issued{state: state, answers: answers})
	return state
}

// Claim uses a state up. It gives nil exactly once for each state issued, and
// else one of the ErrState errors; a state refused because of other answers
// stays valid for its own.
func (s *States) Claim(state, answers string) error { return s.find(state, answers, true) }

// check tells what Claim would say, without using the state up.
func (s *States) check(state, answers string) error { return s.find(state, answers, false) }

func (s *States) find(state, answers string, use bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := -1
	for i := range s.issued { // all of them, so that the time tells nothing
		if subtle.ConstantTimeCompare([]byte(s.issued[i].state), []byte(state)) == 1 {
			found = i
		}
	}
	switch {
	case found < 0 && s.otherRun(state):
		return ErrStateEarlierRun
	case found < 0:
		return ErrStateUnknown
	case s.issued[found].used:
		return ErrStateUsed
	case s.issued[found].answers != answers:
		return ErrStateOtherAnswers
	}
	s.issued[found].used = use
	return nil
}

// otherRun tells whether a state has our shape and another run's marker. Anyone
// can make such a one: it decides words, and nothing else.
func (s *States) otherRun(state string) bool {
	rest, ours := strings.CutPrefix(state, statePrefix)
	run, random, two := strings.Cut(rest, "-")
	return ours && two && len(run) == len(s.run) && len(random) == len(s.run) && run != s.run
}

// token gives 26 letters and digits with at least 128 random bits, what RFC 6749
// section 10.10 asks of a value that nobody may guess.
func token() string { return strings.ToLower(rand.Text()) }
