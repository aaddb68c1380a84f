package flow_test

import (
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"confer/cronofy"
	"confer/cronofy/sandbox"
	"confer/flow"
	"confer/keystore"
)

// hasty has calls repeated without pauses, and hears of each.
func (h *house) hasty(heard func(sandbox.Endpoint)) {
	clock := &hastyClock{}
	limiter := cronofy.NewLimiter(0, 0).WithClock(clock.Now, clock.Sleep)
	h.runner.NewClient = func(site cronofy.Site, app cronofy.App, _ func(cronofy.Wait)) *cronofy.Client {
		return cronofy.New(site, app, cronofy.Options{Limiter: limiter, HTTP: &http.Client{Transport: hearing(heard)}})
	}
}

type hearing func(sandbox.Endpoint)

func (heard hearing) RoundTrip(r *http.Request) (*http.Response, error) {
	heard(endpointOf(r))
	return http.DefaultTransport.RoundTrip(r)
}

// notExchanged is the moment after an approval whose exchange failed.
func notExchanged(t *testing.T, status int) (*driver, flow.State) {
	t.Helper()
	h := newHouse(t, sandbox.Options{})
	h.hasty(func(sandbox.Endpoint) {})
	h.browse(sandbox.Approve)
	h.runner.ReachPause = time.Hour
	h.found.Store = flow.Store{Kind: keystore.Keyring}
	h.server.Set(sandbox.Fault{Endpoint: sandbox.Exchange, Status: status})
	d := h.drive()
	s := d.until(flow.AuthorizeStarted{}, func(s flow.State) bool { return s.Problem != nil })
	require.True(t, s.Problem.Approved)
	require.True(t, s.ApprovedNow())
	return d, s
}

// TestACodeThatWasNotUsedIsTriedAgain: once by itself when Cronofy can be reached
// again, and when the operator says so.
func TestACodeThatWasNotUsedIsTriedAgain(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusServiceUnavailable, http.StatusTooManyRequests} {
		d, s := notExchanged(t, status)
		require.True(t, s.HasUnfinished())
		require.True(t, s.Unfinished().Kept.Code())
		require.True(t, s.Unfinished().Kept.Until.After(time.Now()))
		require.Contains(t, s.Problem.Hint, "by itself")
		back := flow.Report{Event: flow.CronofyBack{For: s.Unfinished().For}}
		s = d.until(back, over)
		require.NotContains(t, s.Problem.Hint, "by itself", "that was once")
		_, task := s.Apply(back)
		require.Nil(t, task)
		d.h.server.Set()
		s = d.until(flow.ApprovalRetried{}, over)
		require.NotNil(t, s.Link)
		require.True(t, s.Link.RefreshToken)
		require.False(t, s.HasUnfinished() || s.ApprovedNow())
	}
}

// TestACodeThatMayBeUsedUpIsNotTriedAgain: it would be refused, and the first
// tokens revoked (RFC 6749 section 4.1.2).
func TestACodeThatMayBeUsedUpIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	_, s := notExchanged(t, http.StatusInternalServerError)
	require.Nil(t, s.Unfinished())
	_, task := s.Apply(flow.ApprovalRetried{})
	require.Nil(t, task)
}

// TestAnExpiredCodeIsNotOffered any more.
func TestAnExpiredCodeIsNotOffered(t *testing.T) {
	t.Parallel()
	_, s := notExchanged(t, http.StatusServiceUnavailable)
	s, task := s.Apply(flow.Report{Event: flow.CodeExpired{For: s.Unfinished().For}})
	require.Nil(t, task)
	require.Nil(t, s.Unfinished())
	require.True(t, s.ApprovedNow())
	require.Contains(t, s.Problem.Hint, "new approval link")
}

// TestAScriptTriesACodeAgain: the run goes on when Cronofy answers again.
func TestAScriptTriesACodeAgain(t *testing.T) {
	t.Parallel()
	h := newHouse(t, sandbox.Options{})
	h.browse(sandbox.Approve)
	var exchanged atomic.Bool
	h.hasty(func(e sandbox.Endpoint) {
		switch {
		case e == sandbox.Exchange:
			exchanged.Store(true)
		case e == sandbox.Refresh && exchanged.Load(): // it is asked whether it is back
			h.server.Set()
		}
	})
	h.server.Set(sandbox.Fault{Endpoint: sandbox.Exchange, Status: http.StatusServiceUnavailable})
	last, _ := h.run(t.Context())
	require.NotNil(t, last.Link, "%+v", last.Problem)
}
