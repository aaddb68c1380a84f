package cronofy

import (
	"cmp"
	"errors"
	"net/http"
	"time"

	"github.com/cenkalti/backoff/v5"
)

const (
	// A 429 was not carried out, so everything may be repeated after it. Eight
	// attempts outlast two full minutes of refusals.
	triesRefused = 8
	triesServer  = 4 // 500, 502, 503, 504
	triesReset   = 4 // the connection broke, or never came to be
	triesTimeout = 2 // each has already taken the whole time limit
	// longestAsked is the longest Retry-After worth waiting for.
	longestAsked = 2 * time.Minute
	firstRetry   = 500 * time.Millisecond
	longestRetry = 8 * time.Second
)

// retrier decides whether one call is made again.
type retrier struct {
	safe    bool
	attempt int // the one under way; 1 is the first
	pauses  *backoff.ExponentialBackOff
}

func newRetrier(k call) *retrier {
	return &retrier{safe: k.safe, attempt: 1, pauses: growing(firstRetry, longestRetry)}
}

// after tells whether to try again after err, and how long to wait before. After
// a 429 that is the limiter's business, and the pause is 0.
func (r *retrier) after(err error) (time.Duration, bool) {
	tries, asked := r.tries(err)
	if r.attempt >= tries || asked > longestAsked {
		return 0, false
	}
	r.attempt++
	if StatusOf(err) == http.StatusTooManyRequests {
		return 0, true
	}
	return max(asked, r.pauses.NextBackOff()), true
}

// tries is how many attempts err allows in all, and what pause Cronofy asked for.
func (r *retrier) tries(err error) (int, time.Duration) {
	if e, ok := errors.AsType[*Error](err); ok {
		return r.triesStatus(e.Status), e.RetryAfter
	}
	if e, ok := errors.AsType[*BadAnswerError](err); ok && e.broken && r.safe {
		return triesReset, 0
	}
	if e, ok := errors.AsType[*NetworkError](err); ok && (r.safe || !e.Sent) {
		return triesKind(cmp.Or(e.ProxyKind, e.Kind)), 0
	}
	return 1, 0
}

func (r *retrier) triesStatus(status int) int {
	switch status {
	case http.StatusTooManyRequests:
		return triesRefused
	case http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		if r.safe {
			return triesServer
		}
	}
	return 1
}

// triesKind does not repeat what will not go away by itself.
func triesKind(k NetworkKind) int {
	switch k {
	case NetworkReset, NetworkRefused:
		return triesReset
	case NetworkTimeout:
		return triesTimeout
	}
	return 1
}
