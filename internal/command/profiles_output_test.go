package command

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"confer/cronofy"
	"confer/internal/delegated"
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
func answering(b *strings.Builder) (p *progress, at *delegated.Progress) {
	p, at = newProgress(streams{err: b}, true), &delegated.Progress{Accounts: 3}
	p.watch(func() delegated.Progress { return *at })
	return p, at
}

func TestAnswersOnATerminal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var b strings.Builder
		p, at := answering(&b)
		p.live = true
		p.tick()
		require.Equal(t, "\r0 read", b.String(), "nothing was asked for yet")
		b.Reset()
		*at = delegated.Progress{Accounts: 3, Asked: 3, Until: time.Now().Add(5 * time.Minute)}
		p.tick()
		require.Equal(t, "\r0 of 3 answered, 5m0s left, 0 read", b.String())
		b.Reset()
		at.Answered = 1
		time.Sleep(2 * time.Second)
		p.tick()
		require.Equal(t, "\r1 of 3 answered, 4m58s left, 0 read, 0 a second", b.String())
		at.Answered = 3
		p.end()
		b.Reset()
		p.tick()
		require.Empty(t, b.String(), "nothing is drawn after the end")
	})
}

func TestAnswersWithoutATerminal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var b strings.Builder
		p, at := answering(&b)
		*at = delegated.Progress{Accounts: 3, Asked: 3, Until: time.Now().Add(5 * time.Minute)}
		for range 110 {
			p.tick()
			time.Sleep(time.Second)
		}
		require.Equal(t, "confer: 0 of 3 answered, 5m0s left\nconfer: 0 of 3 answered, 4m0s left\n", b.String())
		b.Reset()
		at.Answered = 3
		time.Sleep(time.Minute)
		p.tick()
		require.Empty(t, b.String(), "nothing is waited for any more")
	})
}
