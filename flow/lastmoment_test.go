package flow

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"confer/cronofy"
	"confer/flow/callback"
)

// lastTrip is one at whose end an answer is in the channel already.
func lastTrip(t *testing.T) (trip *trip, inbox chan Delivery, final string) {
	t.Helper()
	r := &Runner{Timeout: time.Hour}
	r.init()
	a := Answers{RedirectURI: "http://127.0.0.1:0/callback"}
	srv, err := callback.Open(t.Context(), callback.Config{RedirectURI: a.RedirectURI, States: r.states, Answers: a.Key()})
	require.NoError(t, err)
	t.Cleanup(srv.Close)
	inbox = make(chan Delivery, inboxSize)
	trip = newTrip(r, a, srv, inbox)
	t.Cleanup(func() { trip.end.timer.Stop() })
	return trip, inbox, srv.RedirectURI() + "?code=right&state=" + r.states.Issue(a.Key())
}

func newTrip(r *Runner, a Answers, srv *callback.Server, inbox chan Delivery) *trip {
	return &trip{r: r, at: StepAuthorize, answers: a, inbox: inbox, srv: srv, say: func(Event) {}, end: newDeadline(r.Now, r.Timeout),
		finish: func(_ context.Context, code cronofy.Secret) (put, error) {
			return func(context.Context, Store) (Event, error) { return Linked{Link: Link{Label: code.Reveal()}}, nil }, nil
		},
		handed: func(context.Context) Event { return Linked{Link: Link{Unconfirmed: true}} },
	}
}

var linkedRight = Linked{Link: Link{Label: "right"}}

// TestAnAnswerThatIsHereCounts: its state is used up, whatever else would end
// the wait now.
func TestAnAnswerThatIsHereCounts(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*trip) Event{
		"time-out": func(trip *trip) Event { return trip.expired(t.Context()) },
		"handed":   func(trip *trip) Event { return trip.deliver(t.Context(), Handed{}) },
		"leaving": func(trip *trip) Event {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			return trip.wait(ctx)
		},
	} {
		trip, _, final := lastTrip(t)
		resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(get(t, final))
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, http.StatusSeeOther, resp.StatusCode)
		require.Equal(t, linkedRight, end(trip), name)
	}
}

func get(t *testing.T, address string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	require.NoError(t, err)
	return r
}

// TestTheLastMoment: what the operator did before the end of the time counts.
func TestTheLastMoment(t *testing.T) {
	t.Parallel()
	trip, inbox, final := lastTrip(t)
	inbox <- OpenWanted{}
	inbox <- Pasted{Text: final}
	require.Equal(t, linkedRight, trip.expired(t.Context()))

	trip, inbox, _ = lastTrip(t)
	inbox <- Extended{}
	require.Nil(t, trip.expired(t.Context()), "the wait goes on")
	inbox <- Pasted{Text: "not an answer"}
	require.Equal(t, Failed{Err: ErrTimeout}, trip.expired(t.Context()))
}
