package command

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"confer/cronofy"
	"confer/internal/delegated"
	"confer/internal/profiles"
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

func answering(p *progress) (*answersWatch, *delegated.Progress, time.Time) {
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	at := &delegated.Progress{}
	w := &answersWatch{progress: p, of: func() delegated.Progress { return *at }, calendars: 3, way: "what is sent to A must arrive at B"}
	p.now = func() time.Time { return now }
	p.answers = w.words
	return w, at, now
}

func TestAnswersOnATerminal(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	p := newProgress(streams{err: &b}, false)
	p.same = true
	w, at, now := answering(p)
	w.tick(now)
	require.Empty(t, b.String(), "nothing was asked for yet")
	*at = delegated.Progress{Asked: 3, Until: now.Add(5 * time.Minute)}
	w.tick(now)
	require.Equal(t, "\r0 of 3 answered, 5m0s left", b.String())
	b.Reset()
	at.Answered = 1
	w.tick(now.Add(2 * time.Second))
	require.Equal(t, "\r1 of 3 answered, 4m58s left", b.String())
	b.Reset()
	p.record(profiles.Connected)
	require.NoError(t, p.above(func() error { b.WriteString("a record\n"); return nil }))
	require.Regexp(t, "^\r +\ra record\n$", b.String())
	b.Reset()
	at.Answered = 3
	w.tick(now.Add(3 * time.Second))
	require.Empty(t, b.String(), "nothing is waited for any more")
}

func TestAnswersWithoutATerminal(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	w, at, now := answering(newProgress(streams{err: &b}, false))
	*at = delegated.Progress{Asked: 3, Until: now.Add(5 * time.Minute)}
	for s := range 130 {
		w.tick(now.Add(time.Duration(s) * time.Second))
	}
	require.Equal(t, "confer: note: no answer has come yet; what is sent to A must arrive at B\n"+
		"confer: 0 of 3 answered, 4m0s left\nconfer: 0 of 3 answered, 3m0s left\n", b.String())
}
