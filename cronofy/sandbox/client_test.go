package sandbox

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"confer/cronofy"
)

// sleeper is a clock whose time passes by sleeping and in no other way.
type sleeper struct{ *clock }

func (s sleeper) Sleep(ctx context.Context, d time.Duration) error {
	s.add(d)
	return ctx.Err()
}

// api is the real client for a sandbox; its pauses pass at once.
func (w *testServer) api(o cronofy.Options) *cronofy.Client {
	w.t.Helper()
	h, err := cronofy.NewHTTPClient("")
	require.NoError(w.t, err)
	w.t.Cleanup(h.CloseIdleConnections)
	c := w.Credentials()
	clock := sleeper{newClock()}
	o.HTTP, o.Limiter = cmp.Or(o.HTTP, h), cmp.Or(o.Limiter, cronofy.NewLimiter(0, 0).WithClock(clock.Now, clock.Sleep))
	app := cronofy.App{ClientID: c.ClientID, ClientSecret: c.ClientSecret}
	return cronofy.New(w.Site(cronofy.DataCenters()[0]), app, o)
}

// approveFor makes a link with the client and gives the code.
func (w *testServer) approveFor(c *cronofy.Client, p cronofy.Provider) cronofy.Secret {
	w.t.Helper()
	token, err := c.LinkToken(w.t.Context(), serviceAccountID)
	require.NoError(w.t, err)
	target := c.AuthorizeURL(cronofy.AuthorizeRequest{RedirectURI: w.back, State: "s", LinkToken: token, Provider: p})
	return cronofy.NewSecret(w.browse(target).Get("code"))
}

func TestClientWalksThrough(t *testing.T) {
	t.Parallel()
	for name, sw := range map[string]Switches{
		"as usual": {}, "unknown fields": {ExtraFields: true}, "rotation": {RotateRefreshTokens: true},
		"other field": {LinkTokenField: "service_account"},
		"400":         {InvalidClientStatus: 400}, "enterprise names": {EnterpriseNames: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := start(t, Options{Switches: sw})
			c, ctx := w.api(cronofy.Options{}), t.Context()
			require.NoError(t, c.CheckApplication(ctx))
			for _, p := range cronofy.Providers() {
				w.act("unlink")
				tok, err := c.Exchange(ctx, w.approveFor(c, p), w.back)
				require.NoError(t, err)
				require.Equal(t, "org_6710aa01c0ffee0123459999", tok.Sub)
				require.Equal(t, time.Hour, tok.ExpiresIn)
				again, err := c.Refresh(ctx, tok.RefreshToken)
				require.NoError(t, err)
				require.False(t, again.AccessToken.Equal(tok.AccessToken))
				info, err := c.UserInfo(ctx, w.Accounts()[0].AccessToken)
				require.NoError(t, err)
				require.Len(t, info.ConferencingProfiles, 1)
				require.True(t, p.Matches(info.ConferencingProfiles[0].ProviderName))
			}
		})
	}
}

func TestClientReadsTheOrganisation(t *testing.T) {
	t.Parallel()
	w := start(t, Options{})
	w.Link(cronofy.Zoom)
	c := w.api(cronofy.Options{})
	for i, a := range w.Accounts() {
		info, err := c.UserInfo(t.Context(), a.AccessToken)
		require.NoError(t, err)
		require.Equal(t, []string{a.Sub, a.Email, a.Name, "account"}, []string{info.Sub, info.Email, info.Name, info.Type})
		p := w.people[i]
		want := 0
		if p.personal {
			want++
		}
		if !p.unmatched {
			want++
		}
		require.Len(t, info.ConferencingProfiles, want, a.Email)
		if p.disconnected {
			require.False(t, info.ConferencingProfiles[0].Connected)
			require.NotEmpty(t, info.ConferencingProfiles[0].RelinkURL)
		}
	}
	w.SetSwitches(Switches{OmitCronofyData: true})
	info, err := c.UserInfo(t.Context(), w.Accounts()[0].AccessToken)
	require.NoError(t, err)
	require.Empty(t, info.ConferencingProfiles)
}

func TestClientConnectsAServiceAccount(t *testing.T) {
	t.Parallel()
	w := start(t, Options{})
	c, ctx := w.api(cronofy.Options{}), t.Context()
	q := w.browse(c.EnterpriseConnectURL(cronofy.EnterpriseConnectRequest{RedirectURI: w.back, State: "ec"}))
	tok, err := c.Exchange(ctx, cronofy.NewSecret(q.Get("code")), w.back)
	require.NoError(t, err)
	require.Equal(t, serviceAccountID, tok.Sub)
	require.Equal(t, 30*time.Minute, tok.ExpiresIn)
	require.Equal(t, cronofy.DefaultServiceAccountScope, tok.Scope)
	info, err := c.UserInfo(ctx, tok.AccessToken)
	require.NoError(t, err)
	require.Equal(t, cronofy.DefaultDelegatedScope, info.DelegatedScope)
	rooms, err := c.Resources(ctx, tok.AccessToken)
	require.NoError(t, err)
	require.Len(t, rooms, 3)

	base, got := hooks(t)
	ask := cronofy.DelegatedAccess{Email: "hana@example.test", CallbackURL: base + "/p?x=1", Scope: "read_events"}
	require.NoError(t, c.RequestDelegatedAccess(ctx, tok.AccessToken, []cronofy.DelegatedAccess{ask, ask}))
	<-got
	h := <-got
	require.True(t, cronofy.VerifyHMAC(h.signature, h.body, w.Credentials().ClientSecret))
	hook, err := cronofy.ParseWebhook(h.body)
	require.NoError(t, err)
	person, err := c.Exchange(ctx, hook.Code, ask.CallbackURL)
	require.NoError(t, err)
	require.Equal(t, "acc_6710aa01c0ffee0123450008", person.Sub)
	require.NoError(t, c.Revoke(ctx, person.RefreshToken))
	_, err = c.UserInfo(ctx, person.AccessToken)
	require.Equal(t, 401, cronofy.StatusOf(err))
	_, err = c.Refresh(ctx, person.RefreshToken)
	require.Equal(t, "invalid_grant", cronofy.CodeOf(err))
}

func TestClientIsRefused(t *testing.T) {
	t.Parallel()
	w := start(t, Options{})
	c, ctx := w.api(cronofy.Options{}), t.Context()
	stranger := cronofy.New(w.Site(cronofy.DataCenters()[0]), cronofy.App{ClientID: w.Credentials().ClientID, ClientSecret: cronofy.NewSecret("x")}, cronofy.Options{HTTP: w.client, Limiter: cronofy.NewLimiter(0, 0)})
	for _, status := range []int{401, 400} {
		w.SetSwitches(Switches{InvalidClientStatus: status})
		err := stranger.CheckApplication(ctx)
		require.Equal(t, "invalid_client", cronofy.CodeOf(err))
		require.Equal(t, status, cronofy.StatusOf(err))
		require.True(t, cronofy.ClientRefused(err))
	}
	_, err := stranger.LinkToken(ctx, serviceAccountID)
	require.Equal(t, 401, cronofy.StatusOf(err))

	_, err = c.LinkToken(ctx, "ser_unknown")
	var refused *cronofy.Error
	require.ErrorAs(t, err, &refused)
	require.Equal(t, 422, refused.Status)
	require.Equal(t, []string{"service_account_id"}, refused.FieldNames())
	w.SetSwitches(Switches{NoPlan: true})
	_, err = c.LinkToken(ctx, serviceAccountID)
	require.Equal(t, 402, cronofy.StatusOf(err))
	w.SetSwitches(Switches{})

	code := w.approveFor(c, cronofy.Zoom)
	_, err = c.Exchange(ctx, code, w.back+"x")
	require.Equal(t, "invalid_grant", cronofy.CodeOf(err))
	tok, err := c.Exchange(ctx, code, w.back)
	require.NoError(t, err)
	_, err = c.UserInfo(ctx, tok.AccessToken)
	require.Equal(t, 403, cronofy.StatusOf(err))
	_, err = c.Resources(ctx, w.Accounts()[0].AccessToken)
	require.Equal(t, 403, cronofy.StatusOf(err))
}

// clientCalls are the client's calls, each right but for the code.
func clientCalls(w *testServer, c *cronofy.Client) map[Endpoint]func(context.Context) error {
	service, person := w.Credentials().ServiceAccountToken, w.Accounts()[0]
	return map[Endpoint]func(context.Context) error{
		LinkTokens: func(ctx context.Context) error { _, err := c.LinkToken(ctx, serviceAccountID); return err },
		Exchange:   func(ctx context.Context) error { _, err := c.Exchange(ctx, cronofy.NewSecret("x"), w.back); return err },
		Refresh:    func(ctx context.Context) error { _, err := c.Refresh(ctx, person.RefreshToken); return err },
		Revoke:     func(ctx context.Context) error { return c.Revoke(ctx, cronofy.NewSecret("x")) },
		UserInfo:   func(ctx context.Context) error { _, err := c.UserInfo(ctx, person.AccessToken); return err },
		Resources:  func(ctx context.Context) error { _, err := c.Resources(ctx, service); return err },
		Delegated: func(ctx context.Context) error {
			return c.RequestDelegatedAccess(ctx, service, []cronofy.DelegatedAccess{
				{Email: "amara@example.test", CallbackURL: "https://app.example.test", Scope: "read_only"},
			})
		},
	}
}

// withoutBody are the calls whose right answer has no body.
func withoutBody(e Endpoint) bool { return e == Revoke || e == Delegated }

func TestClientUnderEveryFault(t *testing.T) {
	t.Parallel()
	for _, e := range Endpoints() {
		if e == Authorize || e == EnterpriseConnect {
			continue // which browsers ask
		}
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			w := start(t, Options{})
			call := clientCalls(w, w.api(cronofy.Options{}))[e]
			require.NotNil(t, call, "clientCalls has no call for %s", e)
			for _, status := range Statuses() {
				w.Set(Fault{Endpoint: e, Status: status})
				require.Equal(t, status, cronofy.StatusOf(call(t.Context())), "always "+strconv.Itoa(status))
			}
			w.Set(Fault{Endpoint: e, Status: 429, RetryAfter: "2", Times: 2})
			requireUsual(t, e, call(t.Context()))
			require.Empty(t, w.scripted(), "it tried until it was let through")

			for _, b := range []Body{HTMLBody, EmptyBody, TruncatedBody, CutBody} {
				w.Set(Fault{Endpoint: e, Body: b})
				requireBodyFault(t, e, b, call(t.Context()))
			}
			w.Set(Fault{Endpoint: e, Reset: true})
			var network *cronofy.NetworkError
			require.ErrorAs(t, call(t.Context()), &network)
			require.Equal(t, cronofy.NetworkReset, network.Kind)
			w.Set()
			requireUsual(t, e, call(t.Context()))
		})
	}
}

// requireUsual expects what the call gives without a fault.
func requireUsual(t *testing.T, e Endpoint, err error) {
	t.Helper()
	if e == Exchange {
		require.Equal(t, "invalid_grant", cronofy.CodeOf(err))
		return
	}
	require.NoError(t, err)
}

func requireBodyFault(t *testing.T, e Endpoint, b Body, err error) {
	t.Helper()
	var bad *cronofy.BadAnswerError
	switch {
	case b != HTMLBody && withoutBody(e): // there is nothing to spoil
		require.NoError(t, err, b)
	case e == Exchange && (b == TruncatedBody || b == CutBody): // half of a 400
		require.Equal(t, 400, cronofy.StatusOf(err), b)
	default:
		require.ErrorAs(t, err, &bad, "%s %s", e, b)
	}
}

func TestClientGivesUpOnASlowAnswer(t *testing.T) {
	t.Parallel()
	w := start(t, Options{Faults: []Fault{{Slow: time.Hour}}})
	h := *w.client
	h.Timeout = 20 * time.Millisecond
	for e, call := range clientCalls(w, w.api(cronofy.Options{HTTP: &h})) {
		var network *cronofy.NetworkError
		require.ErrorAs(t, call(t.Context()), &network, e)
		require.Equal(t, cronofy.NetworkTimeout, network.Kind, e)
	}
}

// Two hundred calls at once, of which the sandbox lets half through in a
// second: each is answered in the end.
func TestClientUnderRateLimit(t *testing.T) {
	t.Parallel()
	shared := sleeper{newClock()}
	w := start(t, Options{Now: shared.Now, RatePerSecond: 100})
	c := w.api(cronofy.Options{Limiter: cronofy.NewLimiter(0, 0).WithClock(shared.Now, shared.Sleep)})
	people := w.Accounts()
	errs := make([]error, 200)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			info, err := c.UserInfo(t.Context(), people[i%len(people)].AccessToken)
			if err == nil && info.Email != people[i%len(people)].Email {
				err = errors.New("another's answer")
			}
			errs[i] = err
		})
	}
	wg.Wait()
	require.NoError(t, errors.Join(errs...))
	count := map[int]int{}
	for _, e := range w.Log() {
		count[e.Status]++
	}
	require.Positive(t, count[http.StatusTooManyRequests])
	require.Equal(t, 200, count[http.StatusOK], "none was asked twice without need")
}
