package flow_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"confer/cronofy"
	"confer/cronofy/sandbox"
	"confer/flow"
	"confer/internal/freeport"
	"confer/internal/profiles"
	"confer/keystore"
)

// operator drives the machine by hand, task after task.
type operator struct {
	*house
	tasks *flow.Tasks
	state flow.State
	rows  map[int]profiles.Record
	most  int // calendars answered for, at most
}

// newOperator has a service account authorized in confer, whose token is kept in
// memory, and a list of addresses.
func newOperator(t *testing.T, o sandbox.Options, emails string) *operator {
	h := newHouse(t, o)
	h.browse(sandbox.Approve)
	h.found.Store = flow.Store{Kind: flow.StoreSession}
	h.runner.Looks = []time.Duration{time.Hour}
	h.runner.OpenAccounts = func(context.Context, string) (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(emails)), nil
	}
	h.found.Answers.ServiceAccount = ""
	op := &operator{house: h, tasks: flow.NewTasks(h.runner), rows: map[int]profiles.Record{}}
	t.Cleanup(func() { op.tasks.Close() })
	op.state = flow.Start(h.found)
	op.does(flow.ConnectStarted{Scope: cronofy.DefaultServiceAccountScope, DelegatedScope: cronofy.DefaultDelegatedScope})
	op.waits(func(s flow.State) bool { return s.Running == nil })
	require.Nil(t, op.state.Problem)
	op.does(flow.ProviderChosen{Provider: cronofy.Zoom})
	op.does(flow.AuthorizeStarted{})
	op.waits(func(s flow.State) bool { return s.Running == nil })
	require.NotNil(t, op.state.Link, "%v", op.state.Problem)
	require.True(t, op.state.CanDelegate())
	return op
}

func (o *operator) does(ev flow.Event) {
	before := o.state
	next, task := before.Apply(ev)
	o.state = next
	o.tasks.Follow(before, next, task)
}

// waits takes reports until the State is as it should be.
func (o *operator) waits(until func(flow.State) bool) {
	o.t.Helper()
	for !until(o.state) {
		select {
		case r := <-o.tasks.Events():
			if read, ok := r.Event.(flow.ProfilesRead); ok {
				for _, row := range read.Rows {
					o.rows[row.Index] = row.Record
				}
			}
			o.does(r)
			o.most = max(o.most, o.state.Proof.Answered)
		case <-o.t.Context().Done():
			o.t.Fatal("the test ended before the task")
		}
	}
}

// plans gives the answers and waits for what they would do.
func (o *operator) plans(d flow.Delegated) {
	o.t.Helper()
	o.does(flow.AccountsGiven{Accounts: flow.Accounts{Kind: flow.AccountsDelegated, Delegated: d}})
	o.waits(func(s flow.State) bool { return s.Running == nil })
}

func (o *operator) confirms() {
	o.t.Helper()
	o.does(flow.DelegationConfirmed{})
	o.waits(func(s flow.State) bool { return s.Running == nil || !s.Proof.NextLook.IsZero() })
}

// here are answers for this machine: no tunnel stands in between.
func here(t *testing.T) flow.Delegated {
	t.Helper()
	port, err := freeport.Port()
	require.NoError(t, err)
	addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	return flow.Delegated{Emails: "people.txt", CallbackURL: "http://" + addr + "/hooks", Listen: addr}
}

const someEmails = "amara@example.test\nbjorn@example.test\nnobody@example.test\n"

func TestDelegated(t *testing.T) {
	t.Parallel()
	o := newOperator(t, sandbox.Options{}, someEmails)
	answers := here(t)
	answers.Rooms = true
	o.plans(answers)
	require.Nil(t, o.state.Problem)
	require.NotNil(t, o.state.Plan)
	require.Equal(t, 3, o.state.Plan.People)
	require.Equal(t, 3, o.state.Plan.Rooms)
	require.Equal(t, cronofy.DefaultDelegatedScope, o.state.Plan.Scope)
	require.Zero(t, o.requests("service_account_authorizations"), "nothing was authorized")

	o.confirms()
	require.Nil(t, o.state.Problem)
	require.Equal(t, 6, o.state.Proof.Asked)
	require.Len(t, o.rows, 6)
	require.Equal(t, profiles.Connected, o.rows[0].State)
	require.Equal(t, "amara@example.test", o.rows[0].Account.Email)
	require.Equal(t, profiles.Failed, o.rows[2].State, "a refused row is an error row")
	require.NotEmpty(t, o.rows[2].Error.Message)
	require.Equal(t, "room-1@example.test", o.rows[3].Account.Email)
	require.Equal(t, 6, o.most, "every calendar was answered for")

	// To look again, while the task runs and after it, authorizes nothing anew.
	asked := o.requests("service_account_authorizations")
	was := o.rows[2].Error.Message
	for range 3 {
		o.rows = map[int]profiles.Record{}
		o.does(flow.Refreshed{})
		o.waits(func(flow.State) bool { return len(o.rows) == 6 })
		require.Equal(t, was, o.rows[2].Error.Message)
	}
	require.Equal(t, asked, o.requests("service_account_authorizations"))
}

// requests counts those to an endpoint.
func (o *operator) requests(path string) (n int) {
	for _, e := range o.server.Log() {
		if strings.Contains(e.Path, path) {
			n++
		}
	}
	return n
}

// TestDelegatedLooksAgainWhenDone: the tokens outlive their task.
func TestDelegatedLooksAgainWhenDone(t *testing.T) {
	t.Parallel()
	o := newOperator(t, sandbox.Options{}, "amara@example.test\nbjorn@example.test\n")
	o.plans(here(t))
	o.confirms()
	require.True(t, o.state.Proof.Done, "all are connected")
	asked := o.requests("service_account_authorizations")
	o.rows = map[int]profiles.Record{}
	o.does(flow.Refreshed{})
	o.waits(func(s flow.State) bool { return s.Running == nil })
	require.Nil(t, o.state.Problem)
	require.Len(t, o.rows, 2)
	require.Equal(t, profiles.Connected, o.rows[1].State)
	require.Equal(t, asked, o.requests("service_account_authorizations"))

	// Back and once more, at once: the listener of before is gone by then.
	o.does(flow.Back{})
	o.plans(o.state.Answers.Accounts.Delegated)
	require.Nil(t, o.state.Problem)
	o.confirms()
	require.True(t, o.state.Proof.Done)
}

func TestDelegatedBusyAddress(t *testing.T) {
	t.Parallel()
	o := newOperator(t, sandbox.Options{}, someEmails)
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	o.plans(flow.Delegated{Emails: "people.txt", CallbackURL: "https://hooks.example.test/cronofy", Listen: l.Addr().String()})
	require.Nil(t, o.state.Plan)
	require.Equal(t, flow.CodePort, o.state.Problem.Code)
	require.Contains(t, o.state.Problem.Summary, "in use")
	require.Equal(t, flow.StepProfiles, o.state.Step)
	require.Zero(t, o.requests("service_account_authorizations"))
}

func TestDelegatedListChangesAfterTheConfirmation(t *testing.T) {
	t.Parallel()
	o := newOperator(t, sandbox.Options{}, someEmails)
	o.plans(here(t))
	o.runner.OpenAccounts = func(context.Context, string) (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(someEmails + "chiara@example.test\n")), nil
	}
	o.confirms()
	require.ErrorIs(t, o.state.Problem.Err, flow.ErrListChanged)
	require.Zero(t, o.requests("service_account_authorizations"))
}

func TestDelegatedLists(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		open func(context.Context, string) (io.ReadCloser, error)
		says string
	}{
		"empty": {func(context.Context, string) (io.ReadCloser, error) {
			return io.NopCloser(strings.NewReader("\n")), nil
		}, "no addresses"},
		"no list": {func(context.Context, string) (io.ReadCloser, error) {
			return io.NopCloser(strings.NewReader("amara")), nil
		}, "line 1"},
		"no file": {func(context.Context, string) (io.ReadCloser, error) {
			return nil, errors.New("open people.txt: is a directory")
		}, "is a directory"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOperator(t, sandbox.Options{}, "")
			o.runner.OpenAccounts = c.open
			o.plans(here(t))
			require.Equal(t, flow.CodeUsage, o.state.Problem.Code)
			require.Contains(t, o.state.Problem.Summary, c.says)
		})
	}
}

// TestDelegatedServiceAccountRefused: what would come for every calendar ends
// the task, and says so once.
func TestDelegatedServiceAccountRefused(t *testing.T) {
	t.Parallel()
	o := newOperator(t, sandbox.Options{}, someEmails)
	o.plans(here(t))
	require.Nil(t, o.state.Problem)
	o.server.Set(sandbox.Fault{Endpoint: sandbox.Delegated, Status: http.StatusForbidden})
	o.confirms()
	require.NotNil(t, o.state.Problem)
	require.Equal(t, flow.CodeForbidden, o.state.Problem.Code)
	require.Equal(t, flow.ExitRefused, o.state.Problem.Exit)
	require.False(t, o.state.Proof.Started)
}

// TestDelegatedWrongSecret is found before anything is asked for: the calendars'
// codes could not be exchanged with it.
func TestDelegatedWrongSecret(t *testing.T) {
	t.Parallel()
	o := newOperator(t, sandbox.Options{}, someEmails)
	o.state.Answers.ClientSecret = cronofy.NewSecret("CRN_another")
	o.plans(here(t))
	require.Nil(t, o.state.Plan)
	require.Equal(t, "invalid_client", o.state.Problem.Code)
	require.Equal(t, flow.StepApplication, o.state.Step)
	require.Zero(t, o.requests("service_account_authorizations"))
}

// TestDelegatedScopeIsNotKnown: then it is confer's own, and the plan says so.
func TestDelegatedScopeIsNotKnown(t *testing.T) {
	t.Parallel()
	o := newOperator(t, sandbox.Options{Switches: sandbox.Switches{OmitCronofyData: true}}, someEmails)
	o.plans(here(t))
	require.Nil(t, o.state.Problem)
	require.True(t, o.state.Plan.ScopeGuessed)
	require.Equal(t, cronofy.DefaultDelegatedScope, o.state.Plan.Scope)
}

// TestDelegatedClientRefused: the first code that Cronofy does not exchange for
// this client ends the task.
func TestDelegatedClientRefused(t *testing.T) {
	t.Parallel()
	o := newOperator(t, sandbox.Options{}, someEmails)
	o.plans(here(t))
	require.Nil(t, o.state.Problem)
	o.server.Set(sandbox.Fault{Endpoint: sandbox.Exchange, Status: http.StatusUnauthorized})
	o.confirms()
	require.NotNil(t, o.state.Problem)
	require.Equal(t, "Cronofy does not accept this client secret.", o.state.Problem.Summary)
	require.Equal(t, flow.StepApplication, o.state.Step)
}

// TestDelegatedUnsigned: that answers are refused is said while they are waited
// for, and they can be taken the next time.
func TestDelegatedUnsigned(t *testing.T) {
	t.Parallel()
	o := newOperator(t, sandbox.Options{Switches: sandbox.Switches{UnsignedWebhooks: true}}, "amara@example.test\n")
	answers := here(t)
	o.plans(answers)
	o.does(flow.DelegationConfirmed{})
	o.waits(func(s flow.State) bool { return s.UnsignedSeen && !s.Proof.Until.IsZero() })
	require.Contains(t, o.state.Proof.Trouble, "without a signature")
	require.NotNil(t, o.state.Running, "the wait goes on")
	o.does(flow.Back{})
	answers.AcceptUnsigned = true
	o.plans(answers)
	require.Nil(t, o.state.Problem)
	o.confirms()
	require.Equal(t, profiles.Connected, o.rows[0].State)
}

// TestDelegatedTokensAreRefreshed when they expire, in memory; and the listener
// is closed by then, though the looks go on.
func TestDelegatedTokensAreRefreshed(t *testing.T) {
	t.Parallel()
	o := newOperator(t, sandbox.Options{Switches: sandbox.Switches{RotateRefreshTokens: true}}, someEmails)
	answers := here(t)
	answers.Rooms = true // one of which has no profile
	o.plans(answers)
	o.confirms()
	require.False(t, o.state.Proof.Done)
	l, err := net.Listen("tcp", answers.Listen)
	require.NoError(t, err, "nothing listens any more")
	require.NoError(t, l.Close())
	for range 2 {
		o.server.ExpireAccessTokens()
		o.rows = map[int]profiles.Record{}
		o.does(flow.Refreshed{})
		o.waits(func(flow.State) bool { return len(o.rows) == 6 })
		require.Equal(t, profiles.Connected, o.rows[0].State)
		require.Equal(t, profiles.Connected, o.rows[1].State)
	}
	require.Equal(t, 1, o.requests("service_account_authorizations"))
}

// TestDelegatedTokenGone: the sentence leads back to the service account.
func TestDelegatedTokenGone(t *testing.T) {
	t.Parallel()
	o := newOperator(t, sandbox.Options{}, someEmails)
	require.NoError(t, o.stores.store.Delete(t.Context(), serviceKey(o.state.Answers)))
	o.plans(here(t))
	require.Equal(t, "confer has no token of this service account.", o.state.Problem.Summary)
}

// TestDelegatedTokenRotates: what replaces the refresh token is stored before
// its access token is used.
func TestDelegatedTokenRotates(t *testing.T) {
	t.Parallel()
	o := newOperator(t, sandbox.Options{}, someEmails)
	sw := o.server.Switches()
	sw.RotateRefreshTokens = true
	o.server.SetSwitches(sw)
	for range 2 {
		o.plans(here(t))
		require.Nil(t, o.state.Problem)
		o.does(flow.Back{})
	}
}

// TestServiceAccountTypedAgain: its token is found where it was stored.
func TestServiceAccountTypedAgain(t *testing.T) {
	t.Parallel()
	o := newOperator(t, sandbox.Options{}, someEmails)
	a := o.state.Answers
	check := func() (got flow.Event) {
		o.runner.Do(t.Context(), flow.Task{ID: 99, Effect: flow.CheckServiceAccount{Answers: a, Store: o.state.Store}},
			nil, func(ev flow.Event) { got = ev })
		return got
	}
	require.Equal(t, flow.ServiceAccountAccepted{ID: a.ServiceAccount, TokenKept: true}, check())
	require.NoError(t, o.stores.store.Delete(t.Context(), serviceKey(a)))
	require.Equal(t, flow.ServiceAccountAccepted{ID: a.ServiceAccount}, check())
}

func serviceKey(a flow.Answers) string {
	return keystore.Key(a.Site.APIHost(), a.ClientID, a.ServiceAccount, "service_account", "refresh_token")
}
