package sandbox

import (
	"sync"
	"time"
)

// limiter refuses calls beyond so many in any second and in any minute. Calls
// it refused do not count.
type limiter struct {
	mu             sync.Mutex
	second, minute window
}

// window remembers when the last len(at) calls were.
type window struct {
	length time.Duration
	at     []time.Time
	next   int
}

func newLimiter(perSecond, perMinute int) *limiter {
	return &limiter{
		second: window{length: time.Second, at: make([]time.Time, max(perSecond, 0))},
		minute: window{length: time.Minute, at: make([]time.Time, max(perMinute, 0))},
	}
}

// allow counts a call, or gives how long to wait.
func (l *limiter) allow(now time.Time) (time.Duration, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if wait := max(l.second.wait(now), l.minute.wait(now)); wait > 0 {
		return wait, false
	}
	l.second.count(now)
	l.minute.count(now)
	return 0, true
}

func (w *window) wait(now time.Time) time.Duration {
	if len(w.at) == 0 || w.at[w.next].IsZero() {
		return 0
	}
	return w.length - now.Sub(w.at[w.next])
}

func (w *window) count(now time.Time) {
	if len(w.at) > 0 {
		w.at[w.next] = now
		w.next = (w.next + 1) % len(w.at)
	}
}
