package flow_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"confer/cronofy"
	"confer/cronofy/sandbox"
	"confer/flow"
	"confer/keystore"
)

// fickleStore can be read, and written while it is open.
type fickleStore struct {
	keystore.Store
	open atomic.Bool
}

func (s *fickleStore) Set(ctx context.Context, key, secret string) error {
	if !s.open.Load() {
		return &keystore.Error{Op: "set", Store: keystore.Keyring, Err: keystore.ErrRefused, Status: keystore.Status{State: keystore.Ready}}
	}
	return s.Store.Set(ctx, key, secret)
}

// fickle has the house's keyring be one that holds the client secret already.
func (h *house) fickle() *fickleStore {
	a := h.found.Answers
	f := &fickleStore{Store: h.stores.store}
	require.NoError(h.t, f.Store.Set(h.t.Context(), keystore.Key(a.Site.APIHost(), a.ClientID, "client_secret"), a.ClientSecret.Reveal()))
	h.stores.store = f
	h.found.Store = flow.Store{Kind: keystore.Keyring}
	return f
}

// apart gives the keyring, and memory apart from it.
type apart struct {
	*testStores
	session keystore.Store
}

func (k apart) Open(kind keystore.Kind, passphrase cronofy.Secret) (keystore.Store, error) {
	if kind == keystore.Session {
		return k.session, nil
	}
	return k.testStores.Open(kind, passphrase)
}

// TestNobodyApprovesWhatCannotBeStored: the client secret is there already, so
// that only a trial tells before the browser is opened.
func TestNobodyApprovesWhatCannotBeStored(t *testing.T) {
	t.Parallel()
	for name, ev := range map[string]flow.Event{"authorize": flow.AuthorizeStarted{}, "connect": flow.ConnectStarted{Scope: "a", DelegatedScope: "b"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, sandbox.Options{})
			h.fickle()
			if name == "connect" {
				h.found.Answers.ServiceAccount = ""
			}
			h.runner.OpenURL = func(string) error { t.Error("no browser may be opened"); return errors.New("none") }
			d := h.drive()
			s := d.until(ev, func(s flow.State) bool { return s.Problem != nil || s.Attempt.Phase >= flow.PhaseWaiting })
			require.Equal(t, flow.CodeSecretStore, s.Problem.Code)
			require.False(t, s.Problem.Approved)
			require.True(t, s.Asking)

			s = d.until(flow.StoreChosen{Kind: keystore.Keyring}, func(s flow.State) bool { return s.Problem != nil || !s.Asking })
			require.True(t, s.Asking, "it is still the same")
		})
	}
}

// TestANewLinkNeedsTheStoreToo: the link before still counts.
func TestANewLinkNeedsTheStoreToo(t *testing.T) {
	t.Parallel()
	h := newHouse(t, sandbox.Options{})
	store := h.fickle()
	store.open.Store(true)
	d := h.drive()
	d.until(flow.AuthorizeStarted{}, func(s flow.State) bool { return s.Attempt.Phase == flow.PhaseWaiting })
	store.open.Store(false)
	s := d.until(flow.NewLinkWanted{}, func(s flow.State) bool { return s.Attempt.Notice != "" })
	require.Contains(t, s.Attempt.Notice, "The earlier one still counts.")
	require.Equal(t, 1, s.Attempt.Links)
}

// approval is one that the store does not take.
type approval struct {
	begin flow.Event
	step  flow.Step
	key   []string // of its token, after the service account
}

// TestApprovedAndHeld: what was approved is stored on the next try, there or in
// another place, and no link is made anew.
func TestApprovedAndHeld(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]approval{
		"authorize": {flow.AuthorizeStarted{}, flow.StepAuthorize, []string{"zoom_enterprise", "refresh_token"}},
		"connect": {flow.ConnectStarted{Scope: cronofy.DefaultServiceAccountScope, DelegatedScope: cronofy.DefaultDelegatedScope},
			flow.StepServiceAccount, []string{"service_account", "refresh_token"}},
	} {
		t.Run(name+" there", func(t *testing.T) {
			t.Parallel()
			d, store, _ := c.held(t)
			store.open.Store(true)
			c.stored(d, d.until(flow.ApprovalRetried{}, c.done), store)
		})
		t.Run(name+" elsewhere", func(t *testing.T) {
			t.Parallel()
			d, _, memory := c.held(t)
			d.until(flow.OtherStoreWanted{}, func(s flow.State) bool { return s.Asking })
			c.stored(d, d.until(flow.StoreChosen{Kind: keystore.Session}, c.done), memory)
		})
	}
}

func (c approval) done(s flow.State) bool { return s.Step > c.step }

// held is the moment after the store has failed twice.
func (c approval) held(t *testing.T) (d *driver, store *fickleStore, memory keystore.Store) {
	t.Helper()
	h := newHouse(t, sandbox.Options{})
	store, memory = h.fickle(), keystore.OpenSession()
	store.open.Store(true)
	h.runner.Stores = apart{h.stores, memory}
	if c.step == flow.StepServiceAccount {
		h.found.Answers.ServiceAccount = ""
	}
	h.browse(sandbox.Approve)
	open, visits := h.runner.OpenURL, 0
	h.runner.OpenURL = func(url string) error {
		visits++
		store.open.Store(false)
		return open(url)
	}
	t.Cleanup(func() { require.Equal(t, 1, visits) })
	d = h.drive()
	for _, ev := range []flow.Event{c.begin, flow.ApprovalRetried{}} {
		s := d.until(ev, func(s flow.State) bool { return s.Problem != nil })
		require.True(t, s.Problem.Approved)
		require.NotNil(t, s.Unfinished())
		require.Equal(t, c.step, s.Step)
	}
	return d, store, memory
}

// stored checks that all that belongs to the approval is in a store.
func (c approval) stored(d *driver, s flow.State, in keystore.Store) {
	t, a := d.h.t, s.Answers
	require.False(t, s.HasUnfinished())
	token, err := in.Get(t.Context(), keystore.Key(append([]string{a.Site.APIHost(), a.ClientID, a.ServiceAccount}, c.key...)...))
	require.NoError(t, err)
	_, err = cronofy.New(a.Site, a.App(), cronofy.Options{}).Refresh(t.Context(), cronofy.NewSecret(token))
	require.NoError(t, err, "the stored token is the one that Cronofy gave")
	_, err = in.Get(t.Context(), keystore.Key(a.Site.APIHost(), a.ClientID, "client_secret"))
	require.NoError(t, err)
	if s.Link != nil {
		require.Equal(t, s.Store.Kind, s.Link.Store)
	}
}

// driver is an operator over a house.
type driver struct {
	h     *house
	tasks *flow.Tasks
	state flow.State
}

func (h *house) drive() *driver {
	d := &driver{h: h, tasks: flow.NewTasks(h.runner), state: flow.Start(h.found)}
	h.t.Cleanup(func() { d.tasks.Close() })
	return d
}

func (d *driver) apply(ev flow.Event) {
	before := d.state
	after, task := before.Apply(ev)
	d.state = after
	d.tasks.Follow(before, after, task)
}

// until does something and takes reports until the state is as wanted.
func (d *driver) until(ev flow.Event, ok func(flow.State) bool) flow.State {
	d.h.t.Helper()
	d.apply(ev)
	for !ok(d.state) {
		select {
		case r := <-d.tasks.Events():
			d.apply(r)
		case <-d.h.t.Context().Done():
			d.h.t.Fatal("the test was ended")
		}
	}
	return d.state
}
