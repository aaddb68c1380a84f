package cronofy

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// strictCronofy counts what arrives, refuses what is too much or what a test
// wants refused, and remembers who broke a promise.
type strictCronofy struct {
	mu        sync.Mutex
	perSecond int
	perMinute int
	whim      func(n int) (retryAfter string, refuse bool) // n: how many came before
	arrived   []time.Time
	over      int       // came above the limits
	refusedAt time.Time // what was under way at that moment may still come
	closed    time.Time // nobody else may come before
	early     int       // came all the same
	refused   int
}

func (s *strictCronofy) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	n := len(s.arrived)
	s.arrived = append(s.arrived, now)
	if now.After(s.refusedAt) && now.Before(s.closed) {
		s.early++
	}
	if s.count(now, time.Second) > s.perSecond || s.count(now, time.Minute) > s.perMinute {
		s.over++
		return s.answer(r, 429, "", ""), nil
	}
	if s.whim != nil {
		if after, refuse := s.whim(n); refuse {
			return s.answer(r, 429, after, ""), nil
		}
	}
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	return s.answer(r, 200, "", `{"sub":"`+token+`"}`), nil
}

func (s *strictCronofy) count(now time.Time, length time.Duration) int {
	n := 0
	for i := len(s.arrived) - 1; i >= 0 && now.Sub(s.arrived[i]) < length; i-- {
		n++
	}
	return n
}

func (s *strictCronofy) answer(r *http.Request, status int, after, body string) *http.Response {
	h := http.Header{"Content-Type": {"application/json"}, "Date": {httpDate(time.Now())}}
	if status == 429 {
		s.refused++
	}
	if after != "" {
		h.Set("Retry-After", after)
		s.refusedAt = time.Now()
		s.closed = s.refusedAt.Add(retryAfter(h))
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body)), Request: r}
}

// crowd makes each of so many callers ask so often, through two clients that
// share a limiter, and checks that everybody got their own answers.
func crowd(t *testing.T, s http.RoundTripper, l *Limiter, callers, times int) {
	t.Helper()
	h := &http.Client{Transport: s}
	clients := []*Client{
		New(Site{API: "https://api.example.test"}, testApp(), Options{HTTP: h, Limiter: l}),
		New(Site{API: "https://api.example.test"}, testApp(), Options{HTTP: h, Limiter: l}),
	}
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() {
			for j := range times {
				token := fmt.Sprintf("token-%d-%d", i, j)
				u, err := clients[i%2].UserInfo(t.Context(), NewSecret(token))
				if err != nil || u.Sub != token {
					t.Errorf("%s: %q, %v", token, u.Sub, err)
				}
			}
		})
	}
	wg.Wait()
}

func TestTheLimitIsNeverExceeded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &strictCronofy{perSecond: DefaultPerSecond, perMinute: DefaultPerMinute}
		start := time.Now()
		crowd(t, s, NewLimiter(DefaultPerSecond, DefaultPerMinute), 200, 10)
		require.Zero(t, s.over)
		require.Len(t, s.arrived, 2000)
		// 500 at once are allowed, then 500 a minute; 98 % of that is asked of us.
		require.LessOrEqual(t, time.Since(start), 3*time.Minute*100/98+11*time.Second)
	})
}

func TestNothingIsLostUnderRefusals(t *testing.T) {
	t.Parallel()
	for name, whim := range map[string]func(int) (string, bool){
		"without header": func(n int) (string, bool) { return "", n%7 == 3 },
		"seconds":        func(n int) (string, bool) { return "5", n%101 == 3 },
		"date":           func(n int) (string, bool) { return httpDate(time.Now().Add(4 * time.Second)), n%97 == 3 },
		"bursts":         func(n int) (string, bool) { return "", n%100 < 20 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &strictCronofy{perSecond: DefaultPerSecond, perMinute: DefaultPerMinute, whim: whim}
				crowd(t, s, NewLimiter(DefaultPerSecond, DefaultPerMinute), 200, 5)
				require.Zero(t, s.over, "calls above the limit")
				require.Zero(t, s.early, "calls in a pause that Cronofy asked for")
				require.NotZero(t, s.refused)
				require.Equal(t, 1000+s.refused, len(s.arrived))
			})
		})
	}
}

// The application's other programs may use most of the limit: the rate goes down
// until few calls are refused.
func TestALowerLimitIsFound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &strictCronofy{perSecond: 8, perMinute: DefaultPerMinute}
		start := time.Now()
		crowd(t, s, NewLimiter(DefaultPerSecond, 0), 200, 2)
		// 400 calls at 8 a second take 50 s; with no change of rate they take 105 s.
		require.Less(t, time.Since(start), 75*time.Second)
	})
}

func TestARefusalStopsEverybody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &strictCronofy{perSecond: 100, perMinute: 100, whim: func(n int) (string, bool) { return "20", n == 0 }}
		l := NewLimiter(100, 100)
		var told []Wait
		h := &http.Client{Transport: s}
		one := New(Site{API: "https://api.example.test"}, testApp(), Options{HTTP: h, Limiter: l})
		other := New(Site{API: "https://api.example.test"}, testApp(), Options{HTTP: h, Limiter: l, Notify: func(w Wait) { told = append(told, w) }})
		start := time.Now()
		done := make(chan error)
		go func() {
			_, err := one.UserInfo(t.Context(), NewSecret("one"))
			done <- err
		}()
		synctest.Wait()
		_, err := other.UserInfo(t.Context(), NewSecret("other"))
		require.NoError(t, err)
		require.NoError(t, <-done)
		require.GreaterOrEqual(t, time.Since(start), 20*time.Second)
		require.Zero(t, s.early)
		require.NotEmpty(t, told, "it was not refused, yet it waits, and says so")
		require.Equal(t, WaitRateLimit, told[0].Reason)
	})
}

func TestWaitingInLineEndsWithTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := NewLimiter(1, 1)
		require.NoError(t, l.wait(t.Context(), func(time.Duration) {}))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		errs := make(chan error)
		for range 3 {
			go func() { errs <- l.wait(ctx, func(time.Duration) {}) }()
		}
		start := time.Now()
		for range 3 {
			require.ErrorIs(t, <-errs, context.DeadlineExceeded)
		}
		require.Equal(t, time.Second, time.Since(start))
		// Those who left took no room: the next goes out when the first's minute is over.
		require.NoError(t, l.wait(t.Context(), func(time.Duration) {}))
		require.Equal(t, time.Minute+time.Minute/windowMargin, time.Since(start))
	})
}

func TestFirstComeFirstServed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := NewLimiter(1, 0)
		order := make(chan int, 10)
		for i := range 10 {
			go func() {
				_ = l.wait(t.Context(), func(time.Duration) {})
				order <- i
			}()
			synctest.Wait()
		}
		for i := range 10 {
			require.Equal(t, i, <-order)
		}
	})
}

func TestAskedPausesDifferBetweenPrograms(t *testing.T) {
	t.Parallel()
	seen := map[time.Duration]bool{}
	for range 10 {
		clock := newFakeClock()
		l := NewLimiter(0, 0).WithClock(clock.Now, clock.Sleep)
		l.refused(clock.Now(), 20*time.Second)
		require.GreaterOrEqual(t, l.remaining(), 20*time.Second)
		require.LessOrEqual(t, l.remaining(), 22*time.Second)
		seen[l.remaining()] = true
	}
	require.Greater(t, len(seen), 1)
}

// Many calls are under way when the first is refused. The refusals of the others
// belong to the same excess: one pause, and one step down.
func TestOneExcessIsOnePause(t *testing.T) {
	t.Parallel()
	clock := newFakeClock()
	l := NewLimiter(50, 0).WithClock(clock.Now, clock.Sleep)
	sent := clock.Now()
	require.NoError(t, clock.Sleep(t.Context(), 100*time.Millisecond))
	l.refused(sent, 0)
	pause := l.remaining()
	require.Positive(t, pause)
	for range 20 {
		l.refused(sent, 0)
	}
	require.Equal(t, pause, l.remaining(), "not longer")
	require.NoError(t, clock.Sleep(t.Context(), pause))
	allowed := 0
	for l.take() <= 0 {
		allowed++
	}
	require.Equal(t, 25, allowed, "halved once")

	require.NoError(t, clock.Sleep(t.Context(), 2*time.Second))
	l.refused(clock.Now(), 0)
	require.Positive(t, l.remaining(), "a call after the pause is refused: that is a new excess")
}

// slowAtFirst delays the first calls on their way.
type slowAtFirst struct {
	*strictCronofy
	calls atomic.Int32
}

func (s *slowAtFirst) RoundTrip(r *http.Request) (*http.Response, error) {
	if s.calls.Add(1) <= int32(s.perSecond) {
		time.Sleep(9 * time.Millisecond)
	}
	return s.strictCronofy.RoundTrip(r)
}

// The limit is on what arrives. A call that travels faster than the one a window
// before it shortens the distance between them.
func TestTheLimitHoldsOnArrival(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &slowAtFirst{strictCronofy: &strictCronofy{perSecond: 20, perMinute: DefaultPerMinute}}
		crowd(t, s, NewLimiter(20, 0), 100, 1)
		require.Len(t, s.arrived, 100)
		require.Zero(t, s.over)
	})
}

// Who has less time than the pause hears at once why.
func TestAPauseLongerThanTheCallersTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &strictCronofy{perSecond: 100, perMinute: 100, whim: func(int) (string, bool) { return "20", true }}
		c := New(Site{API: "https://api.example.test"}, testApp(), Options{HTTP: &http.Client{Transport: s}})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		start := time.Now()
		_, err := c.UserInfo(ctx, NewSecret("one"))
		require.Equal(t, http.StatusTooManyRequests, StatusOf(err))
		require.Zero(t, time.Since(start), "nothing is gained by waiting")
		require.Equal(t, 1, s.refused)
	})
}
