package flow_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"confer/flow"
	"confer/internal/profiles"
)

// TestAdviceWhereTheLinkDidNothing comes when the watch has ended or has gone on
// for a minute with no profile.
func TestAdviceWhereTheLinkDidNothing(t *testing.T) {
	t.Parallel()
	begun := time.Date(2026, 11, 26, 9, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		watch flow.Watch
		after time.Duration
		want  bool
	}{
		"at first":       {flow.Watch{Since: begun, Counts: profiles.Summary{Read: 3, Missing: 3}}, 30 * time.Second, false},
		"after a minute": {flow.Watch{Since: begun, Counts: profiles.Summary{Read: 3, Missing: 2, Failed: 1}}, time.Minute, true},
		"at the end":     {flow.Watch{Done: true, Counts: profiles.Summary{Read: 3, Missing: 3}}, 0, true},
		"one is there":   {flow.Watch{Done: true, Counts: profiles.Summary{Read: 3, Missing: 2, Connected: 1}}, time.Hour, false},
		"errors alone":   {flow.Watch{Done: true, Counts: profiles.Summary{Read: 3, Failed: 3}}, time.Hour, false},
		"nothing read":   {flow.Watch{Since: begun}, time.Hour, false},
	} {
		require.Equal(t, c.want, flow.State{Watch: c.watch}.NothingYet(begun.Add(c.after)), name)
	}
}
