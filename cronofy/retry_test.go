package cronofy

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// answers serves one status after the other, then 200.
func answers(t *testing.T, c *http.ServeMux, head http.Header, statuses ...int) *int {
	t.Helper()
	calls := new(int)
	c.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		*calls++
		if *calls > len(statuses) {
			reply(w, 200, `{"sub":"acc_1","access_token":"x"}`)
			return
		}
		for name, values := range head {
			w.Header()[name] = values
		}
		reply(w, statuses[*calls-1], "")
	})
	return calls
}

func TestRetriesEndWell(t *testing.T) {
	t.Parallel()
	var told []Wait
	clock := newFakeClock()
	c, mux := setup(t, WithClock(clock), WithNotify(func(w Wait) { told = append(told, w) }))
	calls := answers(t, mux, nil, 500, 503, 504)
	_, err := c.UserInfo(t.Context(), NewSecret(accessToken))
	require.NoError(t, err)
	require.Equal(t, 4, *calls)
	pauses := clock.pauses()
	require.Len(t, pauses, 3)
	for i, p := range pauses { // 0.5 s doubled each time, give or take half
		middle := firstRetry << i
		require.GreaterOrEqual(t, p, middle/2)
		require.LessOrEqual(t, p, middle*3/2+1)
	}
	for _, w := range told {
		require.Equal(t, WaitRetry, w.Reason)
		require.GreaterOrEqual(t, w.For, time.Second)
	}
}

func TestPausesDiffer(t *testing.T) {
	t.Parallel()
	seen := make(map[time.Duration]bool)
	for range 20 {
		d, again := newRetrier(call{safe: true}).after(&Error{Status: 502})
		require.True(t, again)
		seen[d] = true
	}
	require.Greater(t, len(seen), 10)
}

type refusalTest struct {
	head    http.Header
	least   time.Duration
	most    time.Duration
	refused bool
}

func TestRefusalsAreWaitedOut(t *testing.T) {
	t.Parallel()
	start := newFakeClock().Now()
	for name, test := range map[string]refusalTest{
		"no header":   {nil, firstPause / 2, firstPause * 3 / 2, false},
		"seconds":     {http.Header{"Retry-After": {"7"}}, 7 * time.Second, 8 * time.Second, false},
		"date":        {http.Header{"Retry-After": {httpDate(start.Add(9 * time.Second))}, "Date": {httpDate(start)}}, 9 * time.Second, 10 * time.Second, false},
		"their clock": {http.Header{"Retry-After": {httpDate(start.Add(time.Hour + 9*time.Second))}, "Date": {httpDate(start.Add(time.Hour))}}, 9 * time.Second, 10 * time.Second, false},
		"past date":   {http.Header{"Retry-After": {httpDate(start.Add(-time.Hour))}, "Date": {httpDate(start)}}, firstPause / 2, firstPause * 3 / 2, false},
		"nonsense":    {http.Header{"Retry-After": {"soon"}}, firstPause / 2, firstPause * 3 / 2, false},
		"negative":    {http.Header{"Retry-After": {"-5"}}, firstPause / 2, firstPause * 3 / 2, false},
		"too long":    {http.Header{"Retry-After": {"3600"}}, 0, 0, true},
		"endless":     {http.Header{"Retry-After": {"1e300"}}, 0, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.run(t)
		})
	}
}

func (test refusalTest) run(t *testing.T) {
	t.Helper()
	clock := newFakeClock()
	var told []Wait
	c, mux := setup(t, WithClock(clock), WithNotify(func(w Wait) { told = append(told, w) }))
	calls := answers(t, mux, test.head, 429)
	_, err := c.Exchange(t.Context(), NewSecret("code"), "http://127.0.0.1:8739/callback")
	if test.refused {
		require.Equal(t, 429, StatusOf(err))
		require.ErrorContains(t, err, ", retry after ")
		require.Equal(t, 1, *calls)
		require.Empty(t, clock.pauses())
		return
	}
	require.NoError(t, err, "a 429 was not carried out, so even an exchange may be repeated")
	require.Equal(t, 2, *calls)
	require.Len(t, clock.pauses(), 1)
	require.GreaterOrEqual(t, clock.pauses()[0], test.least)
	require.LessOrEqual(t, clock.pauses()[0], test.most)
	if test.least > time.Second {
		require.Equal(t, []Wait{{clock.pauses()[0], WaitRateLimit, 2}}, told)
	}
}

func httpDate(t time.Time) string { return t.UTC().Format(http.TimeFormat) }

// Without a header the pauses grow as long as nothing is accepted.
func TestRefusalsGrow(t *testing.T) {
	t.Parallel()
	clock := newFakeClock()
	c, mux := setup(t, WithClock(clock))
	answers(t, mux, nil, 429, 429, 429, 429, 429, 429, 429, 429)
	_, err := c.UserInfo(t.Context(), NewSecret(accessToken))
	require.Equal(t, 429, StatusOf(err))
	pauses := clock.pauses()
	require.Len(t, pauses, triesRefused-1)
	for i, p := range pauses {
		middle := min(firstPause<<i, longestPause)
		require.GreaterOrEqual(t, p, middle/2)
		require.LessOrEqual(t, p, middle*3/2+1)
	}
}

func TestServerErrorsMayAskForTime(t *testing.T) {
	t.Parallel()
	clock := newFakeClock()
	c, mux := setup(t, WithClock(clock))
	answers(t, mux, http.Header{"Retry-After": {"30"}}, 503)
	_, err := c.UserInfo(t.Context(), NewSecret(accessToken))
	require.NoError(t, err)
	require.Equal(t, []time.Duration{30 * time.Second}, clock.pauses())
}

// endedClock ends the context instead of sleeping.
type endedClock struct {
	*fakeClock
	cancel context.CancelFunc
}

func (c endedClock) Sleep(ctx context.Context, _ time.Duration) error {
	c.cancel()
	<-ctx.Done()
	return ctx.Err()
}

func TestPausesEndWithTheContext(t *testing.T) {
	t.Parallel()
	for _, status := range []int{429, 503} {
		ctx, cancel := context.WithCancel(t.Context())
		c, mux := setup(t, WithClock(endedClock{newFakeClock(), cancel}))
		calls := answers(t, mux, nil, status, status)
		_, err := c.UserInfo(ctx, NewSecret(accessToken))
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorContains(t, err, "read userinfo")
		require.Equal(t, 1, *calls)
	}
}

func TestUnsafeCallsAreRepeatedOnlyIfNothingWasSent(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		err   error
		safe  bool
		again bool
	}{
		{&NetworkError{Kind: NetworkRefused}, false, true},
		{&NetworkError{Kind: NetworkTimeout, Sent: true}, false, false},
		{&NetworkError{Kind: NetworkReset, Sent: true}, false, false},
		{&NetworkError{Kind: NetworkReset, Sent: true}, true, true},
		{&NetworkError{Kind: NetworkDNS}, true, false},
		{&NetworkError{Kind: NetworkTLS}, true, false},
		{&NetworkError{Kind: NetworkProxy}, true, false},
		{&BadAnswerError{Reason: "empty"}, true, false},
		{&Error{Status: 401}, true, false},
		{&Error{Status: 423}, true, false},
	} {
		_, again := newRetrier(call{safe: test.safe}).after(test.err)
		require.Equal(t, test.again, again, "%#v", test.err)
	}
}
