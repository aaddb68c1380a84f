package cronofy

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// Cronofy's limits of one application, over all its clients.
// https://docs.cronofy.com/developers/faqs/rate-limits
const (
	DefaultPerSecond = 50
	DefaultPerMinute = 500
)

const (
	// Windows are counted 1 % longer than they are, so that a request that
	// travels faster than the one a window before it does not break the limit.
	windowMargin = 100
	firstPause   = time.Second
	longestPause = time.Minute
)

// Limiter keeps all calls of one application, through whichever Client, under its rate
// limits and in their order, and makes all of them pause when Cronofy answers 429. It
// remembers when the last calls went out instead of filling a bucket
// (golang.org/x/time/rate): a bucket that never exceeds n in any window must
// either start almost empty or refill more slowly than the limit allows.
type Limiter struct {
	now   func() time.Time
	sleep func(context.Context, time.Duration) error
	turn  chan struct{} // held by the one caller that waits for its moment

	perSecond, perMinute int // 0: no such limit

	mu      sync.Mutex
	sent    []time.Time // when the last calls went out
	allowed int         // in a second: perSecond, or less after refusals
	changed time.Time   // when allowed did
	until   time.Time   // nobody sends before
	growth  *backoff.ExponentialBackOff
}

// NewLimiter allows so many calls in any second and in any minute; a number
// below 1 means no such limit. With neither it only pauses after a 429.
func NewLimiter(perSecond, perMinute int) *Limiter {
	return &Limiter{
		now: time.Now, sleep: Sleep, turn: make(chan struct{}, 1), growth: growing(firstPause, longestPause),
		perSecond: max(0, perSecond), perMinute: max(0, perMinute), allowed: max(0, perSecond),
	}
}

// WithClock makes the limiter, before its first use, go by others than time.Now and Sleep.
func (l *Limiter) WithClock(now func() time.Time, sleep func(context.Context, time.Duration) error) *Limiter {
	l.now, l.sleep = now, sleep
	return l
}

func growing(first, longest time.Duration) *backoff.ExponentialBackOff {
	return &backoff.ExponentialBackOff{InitialInterval: first, RandomizationFactor: 0.5, Multiplier: 2, MaxInterval: longest}
}

// wait returns when a call may go out, or with ctx's error. tell hears of pauses.
func (l *Limiter) wait(ctx context.Context, tell func(time.Duration)) error {
	select {
	case l.turn <- struct{}{}:
	default:
		tell(l.remaining())
		select {
		case l.turn <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	defer func() { <-l.turn }()
	for {
		d := l.take()
		if d <= 0 {
			return ctx.Err()
		}
		tell(d)
		if err := l.sleep(ctx, d); err != nil {
			return err
		}
	}
}

// take books a call now, or tells how long until one may be booked.
func (l *Limiter) take() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	if d := l.earliest().Sub(now); d > 0 {
		return d
	}
	l.sent = append(l.sent, now)
	l.sent = l.sent[max(0, len(l.sent)-max(l.perSecond, l.perMinute)):]
	return 0
}

func (l *Limiter) remaining() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.earliest().Sub(l.now())
}

func (l *Limiter) earliest() time.Time {
	at := l.until
	for _, w := range [...]struct {
		n      int
		length time.Duration
	}{{l.allowed, time.Second}, {l.perMinute, time.Minute}} {
		if w.n == 0 || len(l.sent) < w.n {
			continue
		}
		if room := l.sent[len(l.sent)-w.n].Add(w.length + w.length/windowMargin); room.After(at) {
			at = room
		}
	}
	return at
}

// refused hears of a 429 to a call that went out at sent. Refusals of calls sent
// before the pause began belong to the same excess and do not lengthen it.
//
// With accepted it finds the rate that Cronofy really allows, which may be lower than
// what we were told, or shared with another program. Only the second's limit gives way:
// half a minute's calls fewer would be a stop of half a minute.
func (l *Limiter) refused(sent time.Time, retryAfter time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	// Programs that share the application must not all come back at once.
	pause := retryAfter + time.Duration(rand.Float64()*float64(retryAfter)/10)
	if !sent.Before(l.until) {
		l.allowed, l.changed = min(l.perSecond, max(1, l.allowed/2)), now
		if pause == 0 {
			pause = l.growth.NextBackOff()
		}
	}
	if t := now.Add(pause); t.After(l.until) {
		l.until = t
	}
}

// accepted hears of a call that was not refused.
func (l *Limiter) accepted(sent time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if sent.Before(l.until) {
		return
	}
	l.growth.Reset()
	if sent.Sub(l.changed) > time.Second {
		l.allowed, l.changed = min(l.perSecond, l.allowed+max(1, l.perSecond/10)), sent
	}
}

// Sleep returns nil after d, or the context's error as soon as it is done.
func Sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
