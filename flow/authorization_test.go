package flow

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"confer/cronofy"
	"confer/flow/callback"
	"confer/internal/links"
	"confer/internal/testhost"
)

// lastAuthorization is one at whose end an answer is in the channel already.
func lastAuthorization(t *testing.T) (z *authorization, inbox chan Delivery, final string) {
	t.Helper()
	r := &Runner{Timeout: time.Hour}
	NewTasks(r)
	a := Answers{RedirectURI: testhost.RedirectURI(t)}
	srv, err := callback.Open(t.Context(), callback.Config{RedirectURI: a.RedirectURI, States: r.states, Answers: a.authorizing(StepAuthorize).String()})
	require.NoError(t, err)
	t.Cleanup(srv.Close)
	inbox = make(chan Delivery, inboxSize)
	z = newAuthorization(r, a, srv, inbox)
	t.Cleanup(func() { z.timer.Stop() })
	return z, inbox, a.RedirectURI + "?code=right&state=" + r.states.Issue(a.authorizing(StepAuthorize).String())
}

func newAuthorization(r *Runner, a Answers, srv *callback.Server, inbox chan Delivery) *authorization {
	return &authorization{r: r, at: StepAuthorize, answers: a, inbox: inbox, srv: srv, say: func(Event) {}, visits: make(chan visit, 1), until: time.Now().Add(r.Timeout), timer: time.NewTimer(r.Timeout),
		exchange: func(_ context.Context, code cronofy.Secret, _ func(Event)) (storing, error) {
			return func(context.Context, Store) (Event, error) {
				return Linked{Link: Link{Link: links.Link{Label: code.Reveal()}}}, nil
			}, nil
		},
		unconfirmed: func(context.Context) Event { return unconfirmed },
	}
}

// timeout is the end of a wait whose time is over.
func (z *authorization) timeout(t *testing.T) Event {
	t.Helper()
	z.until = time.Now()
	z.timer.Reset(0)
	return z.wait(t.Context())
}

var unconfirmed = Linked{Link: Link{Link: links.Link{Unconfirmed: true}}}

var linkedRight = Linked{Link: Link{Link: links.Link{Label: "right"}}}

// TestAnAnswerThatIsHereCounts: its state is used up, whatever else would end
// the wait now.
func TestAnAnswerThatIsHereCounts(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*authorization) Event{
		"time-out": func(z *authorization) Event { return z.timeout(t) },
		"handed":   func(z *authorization) Event { return ReportedDone{}.deliver(t.Context(), z) },
		"leaving": func(z *authorization) Event {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			return z.wait(ctx)
		},
	} {
		z, _, final := lastAuthorization(t)
		bring(t, final)
		require.Equal(t, linkedRight, end(z), name)
	}
}

// TestTheBuiltInBrowsersEndEndsNoWait of an operator: another browser may bring the
// answer.
func TestTheBuiltInBrowsersEndEndsNoWait(t *testing.T) {
	t.Parallel()
	z, _, final := lastAuthorization(t)
	require.Nil(t, z.visited(t.Context(), visit{asked: true, err: &BrowserError{}}))
	bring(t, final)
	require.Equal(t, linkedRight, z.wait(t.Context()))
}

// TestTheSandboxsAdministratorFindsNobody at the redirect URI: that is told, and the
// wait goes on, as if no browser had been opened.
func TestTheSandboxsAdministratorFindsNobody(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	z, _, _ := lastAuthorization(t)
	lost := &BrowserError{Err: context.DeadlineExceeded}
	var told []Event
	z.say = func(ev Event) { told = append(told, ev); cancel() }
	for _, deny := range []bool{false, true} {
		z.r.Approve = func(_ string, approve bool) error {
			require.NotEqual(t, deny, approve)
			return lost
		}
		require.Nil(t, ApprovalWanted{Deny: deny}.deliver(ctx, z))
		require.Equal(t, Failed{Err: context.Canceled}, z.wait(ctx))
		require.Equal(t, []Event{AnswerRejected{lost}}, told)
		told = nil
		ctx, cancel = context.WithCancel(t.Context())
	}
	cancel()
	require.Equal(t, "the built-in browser brought no answer", Explain(&BrowserError{}, StepAuthorize).Details(), "it may have met nothing")
}

// bring brings an answer as a browser does, and follows nowhere.
func bring(t *testing.T, address string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	require.NoError(t, err)
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusSeeOther, resp.StatusCode)
}

// TestQuittingLaterWaitsForNoPage that no browser has fetched when it could.
func TestQuittingLaterWaitsForNoPage(t *testing.T) {
	t.Parallel()
	for _, owed := range []time.Duration{-time.Second, 200 * time.Millisecond} {
		z, _, final := lastAuthorization(t)
		bring(t, final)
		<-z.srv.Answers()
		z.srv.ShowOutcome(callback.Outcome{OK: true})
		start := time.Now()
		z.r.last, z.r.owed = z.srv, start.Add(owed)
		z.r.wait()
		require.GreaterOrEqual(t, time.Since(start), owed)
		require.Less(t, time.Since(start), lingerLimit, "on a busy machine too")
	}
}

// TestTheLastMoment: what the operator did before the end of the time counts.
func TestTheLastMoment(t *testing.T) {
	t.Parallel()
	z, inbox, final := lastAuthorization(t)
	inbox <- OpenWanted{}
	inbox <- Pasted{Text: final}
	require.Equal(t, linkedRight, z.timeout(t))

	z, inbox, _ = lastAuthorization(t)
	inbox <- Extended{}
	inbox <- ReportedDone{}
	require.Equal(t, unconfirmed, z.timeout(t), "the wait went on")

	z, inbox, _ = lastAuthorization(t)
	inbox <- Pasted{Text: "not an answer"}
	require.Equal(t, Failed{Err: ErrTimeout}, z.timeout(t))
}

// TestWithoutALinkThePortIsFree: another confer may wait there.
func TestWithoutALinkThePortIsFree(t *testing.T) {
	t.Parallel()
	r, a := &Runner{Timeout: time.Hour}, Answers{RedirectURI: testhost.RedirectURI(t)}
	NewTasks(r)
	z := newAuthorization(r, a, nil, nil)
	z.link = func(context.Context, string) (string, error) { return "", errors.New("no link") }
	require.Equal(t, Failed{Err: errors.New("no link")}, z.run(t.Context()))
	srv, err := callback.Open(t.Context(), callback.Config{RedirectURI: a.RedirectURI})
	require.NoError(t, err)
	srv.Close()
	z.r.wait()
}
