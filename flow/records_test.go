package flow_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"confer/cronofy"
	"confer/cronofy/sandbox"
	"confer/flow"
	"confer/internal/links"
	"confer/keystore"
)

// watchedStore tells before it is written to.
type watchedStore struct {
	keystore.Store
	before func(key string) error
}

func (s watchedStore) Set(ctx context.Context, key, secret string) error {
	if err := s.before(key); err != nil {
		return err
	}
	return s.Store.Set(ctx, key, secret)
}

// kinds is a store of its own for each kind.
type kinds map[keystore.Kind]keystore.Store

func (k kinds) Probe(context.Context) keystore.Status {
	return keystore.Status{State: keystore.Ready}
}
func (k kinds) Open(kind keystore.Kind, _ cronofy.Secret) (keystore.Store, error) {
	return k[kind], nil
}

func (h *house) contents() links.Contents {
	h.t.Helper()
	c, err := h.links.Load(h.t.Context())
	require.NoError(h.t, err)
	return c
}

// inLedger tells whether a secret of the keyring is recorded, by its key.
func (h *house) inLedger(key string) bool {
	for _, s := range h.contents().Secrets {
		if s.Store == "keyring" && s.Key() == key {
			return true
		}
	}
	return false
}

// TestNothingIsStoredUnrecorded: the entry is there before the secret is.
func TestNothingIsStoredUnrecorded(t *testing.T) {
	t.Parallel()
	h := newHouse(t, sandbox.Options{})
	h.browse(sandbox.Approve)
	var keys []string
	h.stores.store = watchedStore{h.stores.store, func(key string) error {
		if strings.HasPrefix(key, "test-item/") {
			return nil
		}
		keys = append(keys, key)
		if !h.inLedger(key) {
			t.Errorf("%s is stored before it is recorded", key)
		}
		return nil
	}}
	last, _ := h.run(t.Context())
	require.Nil(t, last.Problem)
	require.Len(t, keys, 2)
	require.Empty(t, h.contents().UnneededSecrets(), "the link has both")
}

// TestARefusedRunLeavesARecord: nothing is linked, and the client secret is
// there.
func TestARefusedRunLeavesARecord(t *testing.T) {
	t.Parallel()
	h := newHouse(t, sandbox.Options{})
	h.browse(sandbox.Deny)
	last, _ := h.run(t.Context())
	require.NotNil(t, last.Problem)
	left := h.contents().UnneededSecrets()
	require.Len(t, left, 1)
	require.True(t, left[0].IsClientSecret())
	require.Equal(t, fixedClient(h), left[0].ClientID)
}

func fixedClient(h *house) string { return h.found.Answers.ClientID }

// TestDraftTellsWhereTheSecretIs: only where a later run will find it, and as soon as
// it is there.
func TestDraftTellsWhereTheSecretIs(t *testing.T) {
	t.Parallel()
	for kind, kept := range map[keystore.Kind]bool{keystore.Keyring: true, keystore.File: true, keystore.Session: false} {
		for name, begin := range map[string]func(*driver){
			"an account is checked": func(d *driver) {
				d.until(flow.ServiceAccountEntered{ID: d.h.server.Credentials().ServiceAccountID}, func(s flow.State) bool { return s.Step > flow.StepServiceAccount })
			},
			"an account is to be authorized": func(d *driver) {
				d.until(flow.ConnectStarted{Scope: "a", DelegatedScope: "b"}, waiting(1))
			},
		} {
			h := newHouse(t, sandbox.Options{})
			h.runner.Stores = kinds{kind: keystore.OpenSession()}
			h.found.Store = flow.Store{Kind: kind, Passphrase: cronofy.NewSecret("p")}
			h.found.Answers.ServiceAccount, h.found.Answers.Provider = "", ""
			d := h.drive()
			begin(d)
			d.apply(flow.Back{})
			d.tasks.Close()
			require.Equal(t, kept, h.contents().Draft.Kept, "%s %s", kind, name)
		}
	}
}

// TestNoRecordNoSecret: what could not be found again is not stored, and nobody
// is sent to a browser.
func TestNoRecordNoSecret(t *testing.T) {
	t.Parallel()
	h := newHouse(t, sandbox.Options{})
	require.NoError(t, os.MkdirAll(filepath.Dir(h.links.Path()), 0o700))
	require.NoError(t, os.Mkdir(h.links.Path(), 0o700)) // a folder in its place
	h.runner.OpenURL = func(string) error { t.Error("a browser was opened"); return nil }
	h.stores.store = watchedStore{h.stores.store, func(string) error { t.Error("something was stored"); return errors.New("no") }}
	last, _ := h.run(t.Context())
	require.Equal(t, flow.CodeSecretStore, last.Problem.Code)
	require.Equal(t, flow.StepApplication, last.Problem.Step)
	require.Contains(t, last.Problem.Summary, "its list of them cannot be written")

	h.browse(sandbox.Approve)
	h.found.Store.Kind = keystore.Session
	h.stores.store = keystore.OpenSession()
	last, _ = h.run(t.Context())
	require.NotNil(t, last.Link, "memory needs no list")
	require.Contains(t, last.Notice, "could not be written")
}

// TestNoSecretNoRecord: what the store did not take is not left over.
func TestNoSecretNoRecord(t *testing.T) {
	t.Parallel()
	h := newHouse(t, sandbox.Options{})
	h.stores.store = watchedStore{h.stores.store, func(string) error { return errors.New("no") }}
	last, _ := h.run(t.Context())
	require.NotNil(t, last.Problem)
	require.Empty(t, h.contents().Secrets)
}

// TestNoRecordNoApproval: also where the client secret is there already, and no link
// token is asked for first.
func TestNoRecordNoApproval(t *testing.T) {
	t.Parallel()
	h := newHouse(t, sandbox.Options{})
	require.NoError(t, os.MkdirAll(h.links.Path(), 0o700)) // a folder in its place
	_, secret := h.keys()
	require.NoError(t, h.stores.store.Set(t.Context(), secret, "x"))
	h.runner.OpenURL = func(string) error { t.Error("a browser was opened"); return nil }
	h.runner.Timeout = 1 // nobody comes
	var got flow.Event
	h.runner.Do(t.Context(), flow.Connect{Answers: h.found.Answers, Store: flow.Store{Kind: keystore.Keyring}}, func(ev flow.Event) { got = ev })
	require.ErrorAs(t, got.(flow.Failed).Err, new(*flow.RecordError))
}

// TestALinkThatMovesTakesItsCopiesAlong: into memory, and from there to the file.
func TestALinkThatMovesTakesItsCopiesAlong(t *testing.T) {
	t.Parallel()
	h := newHouse(t, sandbox.Options{})
	h.browse(sandbox.Approve)
	all := kinds{keystore.Keyring: keystore.OpenSession(), keystore.File: keystore.OpenSession(), keystore.Session: keystore.OpenSession()}
	h.runner.Stores = all
	token, secret := h.keys()
	there := func(kind keystore.Kind, key string) bool {
		_, err := all[kind].Get(t.Context(), key)
		return err == nil
	}
	link := func(kind keystore.Kind) flow.State {
		h.found.Store = flow.Store{Kind: kind, Passphrase: cronofy.NewSecret("p")}
		last, _ := h.run(t.Context())
		require.NotNil(t, last.Link)
		return last
	}
	link(keystore.Keyring)
	require.True(t, there(keystore.Keyring, token) && there(keystore.Keyring, secret))
	last := link(keystore.File)
	require.Empty(t, last.Notice)
	require.False(t, there(keystore.Keyring, token) || there(keystore.Keyring, secret))
	require.True(t, there(keystore.File, token) && there(keystore.File, secret))
	require.Len(t, h.contents().Secrets, 2, "struck with the secrets")
	link(keystore.Session)
	require.False(t, there(keystore.File, token) || there(keystore.File, secret))
	require.Empty(t, h.contents().Secrets)
}

// undeletable is a store that gives nothing back.
type undeletable struct{ keystore.Store }

func (undeletable) Delete(context.Context, string) error {
	return &keystore.Error{Op: "delete", Store: keystore.Keyring, Err: keystore.ErrLocked}
}

// TestCopiesThatStayAreSaidAndRecorded: the link is made all the same.
func TestCopiesThatStayAreSaidAndRecorded(t *testing.T) {
	t.Parallel()
	h := newHouse(t, sandbox.Options{})
	h.browse(sandbox.Approve)
	h.runner.Stores = kinds{keystore.Keyring: undeletable{keystore.OpenSession()}, keystore.Session: keystore.OpenSession()}
	h.found.Store.Kind = keystore.Keyring
	first, _ := h.run(t.Context())
	require.NotNil(t, first.Link)
	h.found.Store.Kind = keystore.Session
	last, _ := h.run(t.Context())
	require.NotNil(t, last.Link)
	require.Equal(t, "Linked. Earlier copies of its secrets could not be deleted; confer status lists them.", last.Notice)
	require.Len(t, h.contents().UnneededSecrets(), 2)
}

// TestARefusedMoveKeepsTheOldCopies: nothing is deleted before its replacement
// is stored.
func TestARefusedMoveKeepsTheOldCopies(t *testing.T) {
	t.Parallel()
	h := newHouse(t, sandbox.Options{})
	h.browse(sandbox.Approve)
	keyring := keystore.OpenSession()
	h.runner.Stores = kinds{keystore.Keyring: keyring, keystore.Session: keystore.OpenSession()}
	h.found.Store.Kind = keystore.Keyring
	first, _ := h.run(t.Context())
	require.NotNil(t, first.Link)
	h.browse(sandbox.Deny)
	h.found.Store.Kind = keystore.Session
	last, _ := h.run(t.Context())
	require.NotNil(t, last.Problem)
	token, secret := h.keys()
	for _, key := range []string{token, secret} {
		_, err := keyring.Get(t.Context(), key)
		require.NoError(t, err)
	}
	require.Empty(t, h.contents().UnneededSecrets())
}

// TestAnAccountThatMovesTakesItsCopiesAlong: the same for Enterprise Connect.
func TestAnAccountThatMovesTakesItsCopiesAlong(t *testing.T) {
	t.Parallel()
	h := newHouse(t, sandbox.Options{})
	h.browse(sandbox.Approve)
	keyring := keystore.OpenSession()
	h.runner.Stores = kinds{keystore.Keyring: keyring, keystore.File: keystore.OpenSession()}
	connect := func(kind keystore.Kind) (got flow.Event) {
		h.runner.Do(t.Context(), flow.Connect{Answers: h.found.Answers, Store: flow.Store{Kind: kind},
			Scope: cronofy.DefaultServiceAccountScope, DelegatedScope: cronofy.DefaultDelegatedScope}, func(ev flow.Event) { got = ev })
		h.visits.Wait()
		require.IsType(t, flow.ServiceAccountAccepted{}, got)
		return got
	}
	connect(keystore.Keyring)
	require.Len(t, h.contents().Secrets, 2)
	connect(keystore.File)
	require.Len(t, h.contents().Secrets, 2)
	for _, s := range h.contents().Secrets {
		require.Equal(t, keystore.File, s.Store)
		_, err := keyring.Get(t.Context(), s.Key())
		require.ErrorIs(t, err, keystore.ErrNotFound)
	}
}

// keys are those of the link's token and of the client secret.
func (h *house) keys() (token, secret string) {
	a := h.found.Answers
	return keystore.Key(a.Site.APIHost(), a.ClientID, a.ServiceAccount, string(a.Provider), "refresh_token"),
		keystore.Key(a.Site.APIHost(), a.ClientID, "client_secret")
}

// patientStore notes under which keys it was given what cannot be had twice.
type patientStore struct {
	keystore.Store
	waits map[string]bool
}

func (s patientStore) Set(ctx context.Context, key, secret string) error {
	_, s.waits[key] = ctx.Deadline()
	return s.Store.Set(ctx, key, secret)
}

// TestWhatWasApprovedWaitsForTheStore for as long as storeLimit; nothing before does.
func TestWhatWasApprovedWaitsForTheStore(t *testing.T) {
	t.Parallel()
	h := newHouse(t, sandbox.Options{})
	h.browse(sandbox.Approve)
	waits := map[string]bool{}
	h.stores.store = patientStore{h.stores.store, waits}
	last, _ := h.run(t.Context())
	require.NotNil(t, last.Link)
	token, secret := h.keys()
	require.True(t, waits[token])
	require.Contains(t, waits, secret)
	require.False(t, waits[secret])
}
