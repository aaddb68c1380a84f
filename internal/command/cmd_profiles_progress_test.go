package command

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"confer/cronofy"
)

func TestWaitsWithoutATerminal(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	var b strings.Builder
	p := newProgress(streams{err: &b}, true)
	p.now = func() time.Time { return now }
	wait := func(d time.Duration) { p.wait(cronofy.Wait{For: d, Reason: cronofy.WaitRateLimit}) }
	for range 25 { // seconds of a run at the limit
		wait(time.Second)
		now = now.Add(time.Second)
	}
	require.Equal(t, strings.Repeat("confer: waiting 1s (rate limit)\n", 3), b.String(), "at 0, 10 and 20 seconds")
	b.Reset()
	wait(30 * time.Second)
	wait(30 * time.Second)
	require.Equal(t, "confer: waiting 30s (rate limit)\n", b.String(), "a long one at once, and once")
}
