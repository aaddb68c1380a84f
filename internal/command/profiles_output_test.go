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
		for range 65 { // seconds of a run at the limit
			p.wait(cronofy.Wait{For: time.Second, Reason: cronofy.WaitRateLimit})
			p.tick()
			time.Sleep(time.Second)
		}
		require.Equal(t, strings.Repeat("confer: 0 read, waiting 1s (rate limit)\n", 3), b.String(), "at 0, 30 and 60 seconds")
		b.Reset()
		time.Sleep(time.Minute)
		p.tick()
		require.Empty(t, b.String(), "nothing is waited for")
		p.wait(cronofy.Wait{For: 50 * time.Second, Reason: cronofy.WaitRateLimit})
		p.wait(cronofy.Wait{For: 20 * time.Second, Reason: cronofy.WaitRetry})
		p.tick()
		require.Equal(t, "confer: 0 read, waiting 50s (rate limit)\n", b.String(), "the longest")
		p.end()
		b.Reset()
		time.Sleep(40 * time.Second)
		p.tick()
		require.Empty(t, b.String(), "nothing is said after the end")
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
		require.Equal(t, "\r1 of 3 answered, 4m58s left, 0 read", b.String())
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
		for range 50 {
			p.tick()
			time.Sleep(time.Second)
		}
		require.Equal(t, "confer: 0 of 3 answered, 5m0s left, 0 read\nconfer: 0 of 3 answered, 4m30s left, 0 read\n", b.String())
		b.Reset()
		at.Answered = 3
		time.Sleep(time.Minute)
		p.tick()
		require.Empty(t, b.String(), "nothing is waited for any more")
	})
}
