package links_test

import (
	"context"
	"io"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"confer/cronofy"
	"confer/cronofy/sandbox"
	"confer/flow"
	"confer/internal/links"
	"confer/internal/testhost"
	"confer/keystore"
)

// places is one store under every name but those of others, and a state of the
// keyring.
type places struct {
	mu     sync.Mutex
	state  keystore.State
	store  keystore.Store
	others map[keystore.Kind]keystore.Store
	probes int
}

func (p *places) Probe(context.Context) keystore.Status {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.probes++
	return keystore.Status{State: p.state, Detail: "as the test says"}
}

func (p *places) Open(kind keystore.Kind, _ cronofy.Secret) (keystore.Store, error) {
	if other := p.others[kind]; other != nil {
		return other, nil
	}
	return p.store, nil
}

// fixedNow is when everything happens.
func fixedNow() time.Time { return time.Date(2026, 11, 23, 14, 2, 3, 0, time.UTC) }

// fixture is a sandbox, a file of links and a store, with links made for real.
type fixture struct {
	t      *testing.T
	server *sandbox.Server
	links  *links.File
	places *places
}

func newFixture(t *testing.T, o sandbox.Options) *fixture {
	t.Helper()
	h := &fixture{t: t, server: sandbox.New(o), links: links.Open(filepath.Join(t.TempDir(), "confer", "links.json")),
		places: &places{state: keystore.Ready, store: keystore.OpenSession()}}
	require.NoError(t, h.server.Start())
	t.Cleanup(func() { require.NoError(t, h.server.Close()) })
	return h
}

func (h *fixture) manager() *links.Manager {
	return &links.Manager{Links: h.links, Stores: h.places,
		NewClient: func(s cronofy.Site, a cronofy.App) links.Client {
			return cronofy.New(s, a, cronofy.Options{Limiter: cronofy.NewLimiter(0, 0)})
		}}
}

// link sets up a link of the sandbox's service account and gives it as listed.
func (h *fixture) link(p cronofy.Provider) links.Link {
	h.t.Helper()
	uri := testhost.RedirectURI(h.t)
	dc, _ := cronofy.FindDataCenter("de")
	c := h.server.Credentials()
	var visits sync.WaitGroup
	r := &flow.Runner{
		NewClient: func(s cronofy.Site, a cronofy.App, _ func(cronofy.Wait)) *cronofy.Client {
			return cronofy.New(s, a, cronofy.Options{})
		},
		Stores: h.places, Links: h.links,
		OpenAccounts: func(context.Context, string) (io.ReadCloser, error) { return nil, io.EOF },
		OpenURL: func(url string) error {
			visits.Go(func() { _ = sandbox.Browser(context.Background(), http.DefaultClient, url, sandbox.Approve) })
			return nil
		},
	}
	last := flow.Unattended(h.t.Context(), r, flow.Initial{Answers: flow.Answers{
		Site: h.server.Site(dc), ClientID: c.ClientID, ClientSecret: c.ClientSecret, ServiceAccount: c.ServiceAccountID,
		Provider: p, Label: "Acme", RedirectURI: uri,
	}}, nil, func(flow.State, flow.Event) {})
	visits.Wait()
	require.Nil(h.t, last.Problem)
	for _, l := range h.contents().Links {
		if l.Provider == string(p) {
			return l
		}
	}
	require.FailNow(h.t, "the link is not listed")
	return links.Link{}
}

func (h *fixture) contents() links.Contents {
	h.t.Helper()
	c, err := h.links.Load(context.Background())
	require.NoError(h.t, err)
	return c
}

func (h *fixture) change(f func(*links.Contents)) {
	h.t.Helper()
	require.NoError(h.t, h.links.Update(context.Background(), func(c *links.Contents) { f(c) }))
}

func tokenKey(l links.Link) string { return l.Token().Key() }

func secretKey(l links.Link) string {
	return links.StoredClientSecret("", l.APIHost, l.ClientID).Key()
}

// stored gives what the store has for a key; empty: nothing.
func (h *fixture) stored(key string) string {
	h.t.Helper()
	s, err := h.places.store.Get(context.Background(), key)
	if err != nil {
		require.ErrorIs(h.t, err, keystore.ErrNotFound)
	}
	return s
}

// spy is a store with faults.
type spy struct {
	keystore.Store
	set, get, del func(key string) error
}

func (s spy) Set(ctx context.Context, key, secret string) error {
	if s.set != nil {
		if err := s.set(key); err != nil {
			return err
		}
	}
	return s.Store.Set(ctx, key, secret)
}

func (s spy) Get(ctx context.Context, key string) (string, error) {
	if s.get != nil {
		if err := s.get(key); err != nil {
			return "", err
		}
	}
	return s.Store.Get(ctx, key)
}

func (s spy) Delete(ctx context.Context, key string) error {
	if s.del != nil {
		if err := s.del(key); err != nil {
			return err
		}
	}
	return s.Store.Delete(ctx, key)
}

func refused(op string) error {
	return &keystore.Error{Op: op, Store: keystore.Keyring, Err: keystore.ErrRefused}
}

type testLink struct{ links.Link }

func (h *fixture) drop(key string) {
	h.t.Helper()
	require.NoError(h.t, h.places.store.Delete(context.Background(), key))
}
