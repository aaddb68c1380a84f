package command

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"confer/cronofy"
	"confer/internal/delegated"
	"confer/internal/profiles"
)

func TestWaitsWithoutATerminal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var b strings.Builder
		p := newProgress(streams{err: &b}, true)
		wait := func(d time.Duration) { p.wait(cronofy.Wait{For: d, Reason: cronofy.WaitRateLimit}) }
		for range 25 { // seconds of a run at the limit
			wait(time.Second)
			time.Sleep(time.Second)
		}
		require.Equal(t, strings.Repeat("confer: waiting 1s (rate limit)\n", 3), b.String(), "at 0, 10 and 20 seconds")
		b.Reset()
		wait(30 * time.Second)
		wait(30 * time.Second)
		require.Equal(t, "confer: waiting 30s (rate limit)\n", b.String(), "a long one at once, and once")
	})
}

// answering has three calendars of which at tells.
func answering(p *progress) (at *delegated.Progress) {
	at = &delegated.Progress{}
	p.answers = &answers{of: func() delegated.Progress { return *at }, calendars: 3, way: "what is sent to A must arrive at B"}
	return at
}

func TestAnswersOnATerminal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var b strings.Builder
		p := newProgress(streams{err: &b}, false)
		p.same = true
		at := answering(p)
		p.tick()
		require.Empty(t, b.String(), "nothing was asked for yet")
		*at = delegated.Progress{Asked: 3, Until: time.Now().Add(5 * time.Minute)}
		p.tick()
		require.Equal(t, "\r0 of 3 answered, 5m0s left", b.String())
		b.Reset()
		at.Answered = 1
		time.Sleep(2 * time.Second)
		p.tick()
		require.Equal(t, "\r1 of 3 answered, 4m58s left", b.String())
		b.Reset()
		p.record(profiles.Connected)
		require.NoError(t, p.above(func() error { b.WriteString("a record\n"); return nil }))
		require.Regexp(t, "^\r +\ra record\n$", b.String())
		b.Reset()
		at.Answered = 3
		time.Sleep(time.Second)
		p.tick()
		require.Empty(t, b.String(), "nothing is waited for any more")
	})
}

func TestAnswersWithoutATerminal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var b strings.Builder
		p := newProgress(streams{err: &b}, false)
		at := answering(p)
		*at = delegated.Progress{Asked: 3, Until: time.Now().Add(5 * time.Minute)}
		for range 130 {
			p.tick()
			time.Sleep(time.Second)
		}
		require.Equal(t, "confer: note: no answer has come yet; what is sent to A must arrive at B\n"+
			"confer: 0 of 3 answered, 4m0s left\nconfer: 0 of 3 answered, 3m0s left\n", b.String())
	})
}
