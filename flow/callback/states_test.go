package callback

import (
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAStateIsShortSafeAndNeverTheSame(t *testing.T) {
	t.Parallel()
	s := NewStates()
	seen := map[string]bool{}
	for range 1000 {
		state := s.Issue(answers)
		require.Regexp(t, regexp.MustCompile(`^[A-Za-z0-9-]+$`), state)
		require.Less(t, len(state), 200)
		require.False(t, seen[state])
		seen[state] = true
	}
}

func TestClaim(t *testing.T) {
	t.Parallel()
	s, earlier := NewStates(), NewStates()
	first, second, old := s.Issue(answers), s.Issue(answers), earlier.Issue(answers)

	require.ErrorIs(t, s.Claim(first, "other answers"), ErrStateOtherAnswers)
	require.NoError(t, s.Claim(first, answers), "a refusal for other answers uses nothing up")
	require.ErrorIs(t, s.Claim(first, answers), ErrStateUsed)
	require.ErrorIs(t, s.Claim(first, "other answers"), ErrStateUsed)
	require.NoError(t, s.Claim(second, answers), "each state of the run counts")
	require.ErrorIs(t, s.Claim(old, answers), ErrStateEarlierRun)

	forged := second[:len(second)-1] + "!"
	for _, state := range []string{"", "x", forged, second + "a", second[1:], strings.ToUpper(second), statePrefix, statePrefix + "-"} {
		require.ErrorIs(t, s.Claim(state, answers), ErrStateUnknown, state)
	}
}

func TestAStateIsClaimedOnceByManyAtOnce(t *testing.T) {
	t.Parallel()
	s := NewStates()
	state := s.Issue(answers)
	var won atomic.Int32
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if s.Claim(state, answers) == nil {
				won.Add(1)
			}
		})
	}
	all.Wait()
	require.EqualValues(t, 1, won.Load())
}
