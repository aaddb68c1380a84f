package profiles

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"confer/cronofy"
	"confer/cronofy/sandbox"
)

// strict is a Cronofy that counts by the bubble's clock and refuses what is too
// much, and now and then what is not.
type strict struct {
	perSecond, perMinute int
	whim                 int           // refuse one in so many; 0: none
	takes                time.Duration // for an answer

	mu      sync.Mutex
	arrived []time.Time
	over    int
	refused int
}

func (s *strict) RoundTrip(r *http.Request) (*http.Response, error) {
	status, body := s.judge(), ""
	if status == http.StatusOK {
		token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		body = fmt.Sprintf(`{"sub":%q,"cronofy.data":{"conferencing_profiles":[{"provider_name":"zoom","profile_connected":true}]}}`, token)
	}
	if err := cronofy.Sleep(r.Context(), s.takes); err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

func (s *strict) judge() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	s.arrived = append(s.arrived, now)
	if s.exceeds(now, s.perSecond, time.Second) || s.exceeds(now, s.perMinute, time.Minute) {
		s.over++
		return http.StatusTooManyRequests
	}
	if s.whim > 0 && len(s.arrived)%s.whim == 0 {
		s.refused++
		return http.StatusTooManyRequests
	}
	return http.StatusOK
}

// exceeds tells whether the call before the last so many came too short ago.
func (s *strict) exceeds(now time.Time, limit int, length time.Duration) bool {
	i := len(s.arrived) - 1 - limit
	return i >= 0 && now.Sub(s.arrived[i]) < length
}

func (s *strict) client(l *cronofy.Limiter) *cronofy.Client {
	return cronofy.New(cronofy.DataCenters()[0].Site(), cronofy.App{}, cronofy.Options{HTTP: &http.Client{Transport: s}, Limiter: l})
}

// TestTwoHundredAtOnceUnder429: nothing is lost, nothing is read twice, and
// Cronofy's limits are never exceeded.
func TestTwoHundredAtOnceUnder429(t *testing.T) {
	t.Parallel()
	for _, whim := range []int{0, 37} {
		for _, unordered := range []bool{false, true} {
			t.Run(fmt.Sprintf("whim %d unordered %t", whim, unordered), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					const n = 2000
					s := &strict{perSecond: 50, perMinute: 500, whim: whim, takes: 300 * time.Millisecond}
					var got []Record
					sum, err := Run(t.Context(), s.client(cronofy.NewLimiter(50, 500)), numbered(n), Options{Workers: 200, Unordered: unordered}, collect(&got))
					require.NoError(t, err)
					require.Equal(t, Summary{Read: n, Connected: n}, sum)
					require.Len(t, unique(subs(got)), n)
					require.Zero(t, s.over, "the limit was exceeded")
					require.Equal(t, whim > 0, s.refused > 0)
					require.Len(t, s.arrived, n+s.refused)
				})
			})
		}
	}
}

// TestRateIsUsed: a run takes as long as the rate that was set demands, by 98 %.
func TestRateIsUsed(t *testing.T) {
	t.Parallel()
	for _, rate := range []int{5, 50, 400} {
		t.Run(fmt.Sprint(rate), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := rate * 60
				s := &strict{perSecond: rate, perMinute: rate * 60, takes: 250 * time.Millisecond}
				began := time.Now()
				sum, err := Run(t.Context(), s.client(cronofy.NewLimiter(rate, 0)), numbered(n), Options{Workers: max(DefaultWorkers, rate)}, func(Record) error { return nil })
				require.NoError(t, err)
				require.Equal(t, n, sum.Connected)
				require.Zero(t, s.over)
				reached := float64(n) / time.Since(began).Seconds() / float64(rate)
				t.Logf("%.1f %% of %d a second", reached*100, rate)
				require.GreaterOrEqual(t, reached, 0.98)
			})
		})
	}
}

// pushedClock's time passes only by sleeping.
type pushedClock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *pushedClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *pushedClock) Sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	return ctx.Err()
}

// TestTwoHundredAtOnceAgainstTheSandbox, over real connections: the application
// has less than the client believes, so that it refuses.
func TestTwoHundredAtOnceAgainstTheSandbox(t *testing.T) {
	t.Parallel()
	const n = 1500
	clock := &pushedClock{now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)}
	s := sandbox.New(sandbox.Options{Seed: 3, Accounts: n, RatePerSecond: 20, RatePerMinute: 600, Now: clock.Now})
	require.NoError(t, s.Start())
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	h, err := cronofy.NewHTTPClient("")
	require.NoError(t, err)
	t.Cleanup(h.CloseIdleConnections)
	client := cronofy.New(s.Site(cronofy.DataCenters()[0]), cronofy.App{}, cronofy.Options{HTTP: h, Limiter: cronofy.NewLimiter(50, 0).WithClock(clock.Now, clock.Sleep)})
	var list strings.Builder
	require.NoError(t, s.AccountsCSV(&list))
	var got []Record
	sum, err := Run(t.Context(), client, ReadAccounts(strings.NewReader(list.String())), Options{Workers: 200}, collect(&got))
	require.NoError(t, err)
	require.Equal(t, n, sum.Read)
	require.Zero(t, sum.Failed, "lost under 429s")
	require.Len(t, unique(subs(got)), n)
	refused := s.Requests() - n
	require.Positive(t, refused, "there were no 429s")
	t.Logf("%d calls were refused and repeated", refused)
}

// TestUnluckyCallsAreBegunAnew, but not for ever, and not when told to come back
// much later.
func TestUnluckyCallsAreBegunAnew(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		refusals int
		after    time.Duration
		calls    int
		state    State
	}{
		"once":       {1, 0, 2, Connected},
		"at last":    {maxRefusals, time.Minute, maxRefusals + 1, Connected},
		"for ever":   {99, 0, maxRefusals + 1, Failed},
		"much later": {1, time.Hour, 1, Failed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			calls := 0
			c := answering(func(ctx context.Context, token string) (cronofy.UserInfo, error) {
				mu.Lock()
				defer mu.Unlock()
				if calls++; calls <= tc.refusals {
					return cronofy.UserInfo{}, &cronofy.Error{Status: http.StatusTooManyRequests, RetryAfter: tc.after}
				}
				return connected(ctx, token)
			})
			var got []Record
			_, err := Run(t.Context(), c, numbered(1), Options{}, collect(&got))
			require.NoError(t, err)
			require.Equal(t, tc.state, got[0].State)
			require.Equal(t, tc.calls, calls)
		})
	}
}
