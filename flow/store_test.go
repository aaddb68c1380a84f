package flow_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"confer/cronofy"
	"confer/cronofy/sandbox"
	"confer/flow"
	"confer/internal/crash"
	"confer/internal/links"
	"confer/keystore"
)

// brokenStore spoils the writing of refresh tokens: with forget it holds
// something else than it was given, else it refuses.
type brokenStore struct {
	keystore.Store
	forget bool
	old    string // what may be written back
}

func (s brokenStore) Set(ctx context.Context, key, secret string) error {
	if !strings.HasSuffix(key, "refresh_token") || secret == s.old {
		return s.Store.Set(ctx, key, secret)
	}
	if !s.forget {
		return &keystore.Error{Op: "set", Store: keystore.Keyring, Err: keystore.ErrRefused}
	}
	_ = s.Store.Set(ctx, key, secret[:3])
	return &keystore.Error{Op: "set", Store: keystore.Keyring, Err: keystore.ErrReadBack}
}

// TestRelinkKeepsTheOldToken: until the new one is stored and read back, the old
// one and its link are what is there.
func TestRelinkKeepsTheOldToken(t *testing.T) {
	t.Parallel()
	for name, forget := range map[string]bool{"the store refuses": false, "the store gives something else back": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, sandbox.Options{})
			h.browse(sandbox.Approve)
			first, _ := h.run(t.Context())
			require.NotNil(t, first.Link)
			a := h.found.Answers
			key := keystore.Key(a.Site.APIHost(), a.ClientID, a.ServiceAccount, string(a.Provider), "refresh_token")
			before, err := h.stores.store.Get(t.Context(), key)
			require.NoError(t, err)
			kept, err := h.links.Load(t.Context())
			require.NoError(t, err)

			h.stores.store = brokenStore{h.stores.store, forget, before}
			last, _ := h.run(t.Context())
			require.Equal(t, flow.CodeSecretStore, last.Problem.Code)
			require.True(t, last.Problem.Approved)
			after, err := h.stores.store.Get(t.Context(), key)
			require.NoError(t, err)
			require.Equal(t, before, after)
			still, err := h.links.Load(t.Context())
			require.NoError(t, err)
			require.Equal(t, kept.Links, still.Links)
		})
	}
}

// TestStoredClientSecretStaysUntilAnotherIsProved: that Cronofy does not refuse one at
// once is no proof; a link token is.
func TestStoredClientSecretStaysUntilAnotherIsProved(t *testing.T) {
	t.Parallel()
	h := newHouse(t, sandbox.Options{})
	a, store := h.found.Answers, flow.Store{Kind: keystore.Keyring}
	key := keystore.Key(a.Site.APIHost(), a.ClientID, "client_secret")
	require.NoError(t, h.stores.store.Set(t.Context(), key, "the older one"))
	last := func(e flow.Effect) (last flow.Event) {
		h.runner.Do(t.Context(), e, func(ev flow.Event) { last = ev })
		return last
	}
	stored := func() string {
		secret, err := h.stores.store.Get(t.Context(), key)
		require.NoError(t, err)
		return secret
	}
	require.IsType(t, flow.ApplicationAccepted{}, last(flow.CheckApplication{Answers: a, Store: store, Chosen: true}))
	require.Equal(t, "the older one", stored())
	require.IsType(t, flow.ServiceAccountAccepted{}, last(flow.CheckServiceAccount{Answers: a, Store: store}))
	require.Equal(t, a.ClientSecret.Reveal(), stored())
}

// unreadable answers every question with the same error.
type unreadable struct {
	keystore.Store
	err error
}

func (s unreadable) Get(context.Context, string) (string, error) {
	return "", &keystore.Error{Op: "get", Store: keystore.Keyring, Err: s.err}
}

// TestUnreadableIsNotMissing: only "not found" means that there is no secret,
// and what cannot be read is not written over.
func TestUnreadableIsNotMissing(t *testing.T) {
	t.Parallel()
	for _, reason := range []error{keystore.ErrLocked, keystore.ErrUnavailable, keystore.ErrTimeout, keystore.ErrBusy, keystore.ErrRefused,
		keystore.ErrDamaged, keystore.ErrNewer, keystore.ErrPassphrase, keystore.ErrNoPassphrase, keystore.ErrInsecure} {
		for _, typed := range []bool{false, true} {
			t.Run(fmt.Sprint(reason, typed), func(t *testing.T) {
				t.Parallel()
				h := newHouse(t, sandbox.Options{})
				h.stores.store = brokenStore{unreadable{keystore.OpenSession(), reason}, false, ""}
				h.runner.OpenURL = func(string) error { t.Error("no browser may be opened"); return nil }
				h.runner.Timeout = 1 // nobody comes
				if !typed {
					h.found.Answers.ClientSecret = cronofy.Secret{}
				}
				last, _ := h.run(t.Context())
				require.Equal(t, flow.CodeSecretStore, last.Problem.Code, last.Problem.Summary)
				require.ErrorIs(t, last.Problem.Err, reason)
				require.NotErrorIs(t, last.Problem.Err, flow.ErrNoSecret)
				require.Equal(t, flow.StepApplication, last.Problem.Step)
			})
		}
	}
}

// TestDraftsOfOthersStay: a script's run is no unfinished wizard, and ends none
// but that of its own customer.
func TestDraftsOfOthersStay(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		serviceAccount string
		stays          bool
	}{{"ser_another0123456789", true}, {"", false}} {
		h := newHouse(t, sandbox.Options{})
		h.browse(sandbox.Approve)
		d := links.Draft{DataCenter: "de", ClientID: h.found.Answers.ClientID, ServiceAccount: c.serviceAccount}
		if d.ServiceAccount == "" {
			d.ServiceAccount = h.found.Answers.ServiceAccount
		}
		require.NoError(t, h.links.Update(t.Context(), func(now *links.Contents) { now.Draft = &d }))
		last, _ := h.run(t.Context())
		require.NotNil(t, last.Link)
		after, err := h.links.Load(t.Context())
		require.NoError(t, err)
		require.Len(t, after.Links, 1)
		if c.stays {
			require.Equal(t, &d, after.Draft)
		} else {
			require.Nil(t, after.Draft)
		}
	}
}

// TestPanicInATask: the run goes on, and the value, which may hold anything, is
// not told.
func TestPanicInATask(t *testing.T) {
	t.Parallel()
	const secret = "CRN_value_of_the_panic"
	h := newHouse(t, sandbox.Options{})
	h.runner.OpenURL = func(string) error { panic(errors.New(secret)) }
	last, events := h.run(t.Context())
	var caught *crash.Error
	require.ErrorAs(t, last.Problem.Err, &caught)
	require.Equal(t, "*errors.errorString", caught.Kind)
	require.Contains(t, string(caught.Stack), "TestPanicInATask")
	require.NotContains(t, fmt.Sprintf("%+v %s", last, events), secret)
	require.NotContains(t, caught.Error()+string(caught.Stack)+last.Problem.Summary+last.Problem.Hint, secret)
}

// files is the store of the encrypted file, opened anew for each passphrase.
type files struct{ path string }

func (files) Probe(context.Context) keystore.Status { return keystore.Status{State: keystore.NoBus} }

func (f files) Open(_ keystore.Kind, passphrase cronofy.Secret) (keystore.Store, error) {
	return keystore.OpenFile(f.path, func(context.Context) (string, error) { return passphrase.Reveal(), nil }, 4), nil
}

func TestPassphraseIsTriedBeforeTheBrowser(t *testing.T) {
	t.Parallel()
	stores := files{filepath.Join(t.TempDir(), "confer", "secrets.age")}
	right := flow.Store{Kind: keystore.File, Passphrase: cronofy.NewSecret("right")}
	made, err := stores.Open(keystore.File, right.Passphrase)
	require.NoError(t, err)
	require.NoError(t, made.Set(t.Context(), "k", "v"))
	check := func(s flow.Store, unattended bool) flow.Event {
		h := newHouse(t, sandbox.Options{})
		h.runner.Stores, h.runner.Unattended = stores, unattended
		var got flow.Event
		h.runner.Do(t.Context(), flow.CheckApplication{Answers: h.found.Answers, Store: s}, func(ev flow.Event) { got = ev })
		return got
	}
	wrong, none := right, right
	wrong.Passphrase, none.Passphrase = cronofy.NewSecret("wrong"), cronofy.Secret{}
	require.False(t, check(right, true).(flow.ApplicationAccepted).Ask)
	for _, s := range []flow.Store{wrong, none} {
		want := keystore.ErrPassphrase
		if s.Passphrase.Empty() {
			want = keystore.ErrNoPassphrase
		}
		require.ErrorIs(t, check(s, true).(flow.Failed).Err, want)
		asked := check(s, false).(flow.ApplicationAccepted)
		require.True(t, asked.Ask)
		require.True(t, asked.Store.Passphrase.Empty(), "the wrong one is not kept")
		require.Equal(t, stores.path, asked.Store.File, "one passphrase is enough, and is that of this file")
	}
}
