package ui

import (
	"bytes"
	"context"
	"io"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"confer/cronofy"
	"confer/cronofy/sandbox"
	"confer/flow"
	"confer/internal/testhost"
	"confer/keystore"
)

// realStores gives a run its stores: memory, or an encrypted file where there is no
// keyring.
type realStores struct {
	session keystore.Store
	path    string
}

func (p realStores) Probe(context.Context) keystore.Status {
	return keystore.Status{State: keystore.NoBus}
}

func (p realStores) Open(kind keystore.Kind, phrase cronofy.Secret) (keystore.Store, error) {
	if kind == keystore.File {
		return keystore.OpenFile(p.path, func(context.Context) (string, error) { return phrase.Reveal(), nil }, 10), nil
	}
	return p.session, nil
}

// realWindow is the whole machine: the screen in a program, the real Runner, and
// the sandbox. Each link is opened by a browser that decides as the test says,
// one decision after the other; without one it stays unopened.
type realWindow struct {
	*window
	server *sandbox.Server
	uri    string
	visits sync.WaitGroup

	mu        sync.Mutex
	decisions []sandbox.Decision
}

func openReal(t *testing.T, timeout time.Duration, decisions ...sandbox.Decision) *realWindow {
	t.Helper()
	r := &realWindow{server: sandbox.New(sandbox.Options{}), uri: testhost.RedirectURI(t), decisions: decisions}
	require.NoError(t, r.server.Start())
	t.Cleanup(func() { require.NoError(t, r.server.Close()) })
	t.Cleanup(r.visits.Wait)
	tasks := flow.NewTasks(&flow.Runner{
		NewClient: func(site cronofy.Site, app cronofy.App, notify func(cronofy.Wait)) *cronofy.Client {
			return cronofy.New(site, app, cronofy.Options{Notify: notify})
		},
		Stores: realStores{keystore.OpenSession(), filepath.Join(t.TempDir(), "secrets.age")}, OpenURL: r.visit, Timeout: timeout,
		OpenAccounts: func(context.Context, string) (io.ReadCloser, error) {
			var b bytes.Buffer
			err := r.server.AccountsCSV(&b)
			return io.NopCloser(&b), err
		},
	})
	t.Cleanup(func() { tasks.Close() })
	var sites []cronofy.Site
	for _, dc := range cronofy.DataCenters() {
		sites = append(sites, r.server.Site(dc))
	}
	m := New(Config{State: flow.Start(flow.Initial{Sites: sites, Answers: flow.Answers{RedirectURI: r.uri}}), Tasks: tasks})
	t.Cleanup(m.Close)
	r.window = show(t, m, 100, 40)
	return r
}

func (r *realWindow) visit(link string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.decisions) == 0 {
		return flow.ErrNoBrowser
	}
	decision := r.decisions[0]
	r.decisions = r.decisions[1:]
	r.visits.Go(func() { _ = sandbox.Browser(context.Background(), nil, link, decision) }) // the screen tells whether it worked
	return nil
}

// does presses keys once a page or a text is on the screen, pair by pair.
func (r *realWindow) does(pairs ...any) {
	r.t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		switch at := pairs[i].(type) {
		case pageID:
			r.to(at)
		case string:
			r.sees(at)
		}
		r.press(strings.Split(pairs[i+1].(string), " ")...)
	}
}

func (r *realWindow) toTheAccount() {
	r.t.Helper()
	c := r.server.Credentials()
	r.does(pageDataCenter, "4 enter", pageApplication, "type:"+c.ClientID+" tab paste:"+c.ClientSecret.Reveal()+" enter")
}

func (r *realWindow) toTheWait() {
	r.t.Helper()
	r.toTheAccount()
	r.does(pageStore, "enter", pageServiceAccount, "type:"+r.server.Credentials().ServiceAccountID+" enter", pageAuthorize, "enter")
}

func (r *realWindow) finishes() {
	r.t.Helper()
	r.does(pageLinked, "f", pageDone, "enter")
	r.quits()
	require.NotNil(r.t, r.m.State().Link)
}

// TestRealWalks goes every way through the wizard with real parts.
func TestRealWalks(t *testing.T) {
	t.Parallel()
	for name, walk := range map[string]func(t *testing.T){
		"straight, to the table": func(t *testing.T) {
			r := openReal(t, 0, sandbox.Approve)
			r.toTheWait()
			r.does(pageLinked, "1 enter", pageAccountsFile, "type:people enter", "next look", "right",
				"Account: acc_", "enter", "next look", "enter", pageDone, "enter")
			r.quits()
		},
		"back and forth": func(t *testing.T) {
			r := openReal(t, 0, sandbox.Approve)
			r.toTheAccount()
			r.does(pageStore, "enter")
			r.to(pageServiceAccount)
			r.backTo(pageApplication)
			r.backTo(pageDataCenter)
			r.does(pageDataCenter, "enter", pageApplication, "enter", pageServiceAccount, "type:"+r.server.Credentials().ServiceAccountID+" tab type:Acme enter",
				pageProvider, "2 enter")
			r.to(pageAuthorize)
			r.sees("and Webex.")
			r.backTo(pageProvider)
			r.does(pageProvider, "1 enter")
			r.to(pageAuthorize)
			r.does("calendars of Acme, and Zoom", "enter")
			r.finishes()
			require.Equal(t, "Acme", r.m.State().Link.Label)
		},
		"Enterprise Connect": func(t *testing.T) {
			r := openReal(t, 0, sandbox.Approve, sandbox.Approve)
			r.toTheAccount()
			r.does(pageStore, "enter", pageServiceAccount, "shift+tab enter", pageConnect, "enter", pageNewAccount, "enter", pageAuthorize, "enter")
			r.finishes()
		},
		"hand-over": func(t *testing.T) {
			r := openReal(t, 0)
			r.toTheWait()
			r.does(pageWaiting, "m", "Subject: Please connect", "esc", pageWaiting, "d", pageHanded, "y")
			r.to(pageLinked)
			r.does("Not confirmed:", "f", pageDone, "enter")
			r.quits()
			require.True(t, r.m.State().Link.Unconfirmed)
		},
		"encrypted file": func(t *testing.T) {
			r := openReal(t, 0, sandbox.Approve)
			r.toTheAccount()
			r.does(pageStore, "3 enter", pagePassphrase, "type:short tab type:other enter",
				"are not the same", "type:correct-horse-battery tab type:correct-horse-battery enter",
				pageServiceAccount, "type:"+r.server.Credentials().ServiceAccountID+" enter", pageAuthorize, "enter")
			r.to(pageLinked)
			r.does("encrypted file", "f", pageDone, "enter")
			r.quits()
			require.EqualValues(t, keystore.File, r.m.State().Link.Store)
		},
		"busy port": func(t *testing.T) {
			r := openReal(t, 0, sandbox.Approve)
			taken, err := net.Listen("tcp4", strings.TrimSuffix(strings.TrimPrefix(r.uri, "http://"), "/callback"))
			require.NoError(t, err)
			r.toTheWait()
			r.sees("is in use")
			require.NoError(t, taken.Close())
			r.press("enter")
			r.finishes()
		},
		"refusal and again": func(t *testing.T) {
			r := openReal(t, 0, sandbox.Deny, sandbox.Approve)
			r.toTheWait()
			r.does("refused the authorization", "enter")
			r.finishes()
		},
		"time-out and again": func(t *testing.T) {
			r := openReal(t, 500*time.Millisecond)
			r.toTheWait()
			r.sees("did not finish in time")
			r.mu.Lock()
			r.decisions = append(r.decisions, sandbox.Approve)
			r.mu.Unlock()
			r.press("enter")
			r.finishes()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			walk(t)
		})
	}
}
