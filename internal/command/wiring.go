package command

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"os/exec"
	"slices"
	"sync"
	"time"

	"confer/cronofy"
	"confer/cronofy/sandbox"
	"confer/flow"
	"confer/internal/links"
	"confer/internal/opener"
	"confer/keystore"
)

// wiring is what a run needs of the outside, wired together.
type wiring struct {
	runner  *flow.Runner
	known   flow.Initial
	browser string // what --browser says, or said to an earlier run
	names   cronofy.Names
	tokens  tokenFile
	closers
}

// closers end what a run opened.
type closers []func()

func (c *closers) later(do func()) { *c = append(*c, do) }

func (c *closers) close() {
	for _, do := range slices.Backward(*c) {
		do()
	}
}

// Cronofy's default limits for one application.
// https://docs.cronofy.com/developers/faqs/rate-limits
const (
	callsPerSecond = 50
	callsPerMinute = 500
)

func newWiring(ctx context.Context, f *settings, e environment, s streams) (_ *wiring, err error) {
	if err := e.names.Validate(); err != nil {
		return nil, usage(err.Error(), "check CONFER_OU_AUTHORIZE_PATH, CONFER_OU_LINK_TOKEN_PARAM and CONFER_OU_LINK_TOKEN_FIELD")
	}
	w := &wiring{browser: f.browser, names: e.names}
	defer func() {
		if err != nil {
			w.close()
		}
	}()
	var server *sandbox.Server
	limiter := cronofy.NewLimiter(callsPerSecond, callsPerMinute)
	if f.sandbox {
		limiter = cronofy.NewLimiter(0, 0)
		if server, err = w.startSandbox(f); err != nil {
			return nil, err
		}
	}
	if w.known, err = f.known(ctx, e, s); err != nil {
		return nil, err
	}
	w.runner = &flow.Runner{Stores: newStores(""), OpenAccounts: openFile, Timeout: f.timeout}
	if f.sandbox {
		w.useSandbox(ctx, f, server)
	} else if err := w.useCronofy(f); err != nil {
		return nil, err
	}
	w.runner.NewClient, err = newClients(ctx, f, e.names, limiter)
	w.runner.Log = f.log
	return w, err
}

func (w *wiring) useCronofy(f *settings) (err error) {
	for _, d := range cronofy.DataCenters() {
		site, err := f.override(d.Site())
		if err != nil {
			return err
		}
		w.known.Sites = append(w.known.Sites, site)
	}
	list, err := listPath()
	w.runner.Stores, w.runner.Links, w.runner.OpenURL = newStores(secretsPath(list)), links.Open(list), openWith(f.browser)
	return err
}

// checkBrowser refuses a command that cannot be started.
func checkBrowser(command string, sandbox bool) error {
	switch command {
	case "", opener.System, opener.None:
		return nil
	case browserApprove, browserDeny:
		if sandbox {
			return nil
		}
		return usage("--browser "+command+" goes with --sandbox", "give a command, system or none")
	}
	m := opener.Host()
	m.Start = func(*exec.Cmd) error { return nil }
	if err := m.Open(command, flow.DefaultRedirectURI); err != nil {
		return wrong("browser", ": "+cronofy.CleanText(err.Error(), 160), "it takes system, none, or a command that can be started here")
	}
	return nil
}

func openWith(command string) func(string) error {
	if command == opener.None {
		return nil
	}
	return func(url string) error { return opener.Host().Open(command, url) }
}

func openFile(ctx context.Context, path string) (io.ReadCloser, error) {
	return openInput(ctx, typedPath(path), nil)
}

type clientMaker = func(cronofy.Site, cronofy.App, func(cronofy.Wait)) *cronofy.Client

// newClients shares one http.Client and one limiter among all clients of a run.
func newClients(ctx context.Context, f *settings, names cronofy.Names, limiter *cronofy.Limiter) (clientMaker, error) {
	h, err := await(ctx, func() (*http.Client, error) { return cronofy.NewHTTPClient(f.caFile) })
	if err != nil {
		return nil, inputError("ca-file", err, "name a file with certificates, PEM or DER")
	}
	if err := f.openLog(ctx); err != nil {
		return nil, err
	}
	if f.log != nil {
		h.Transport = &loggedTransport{h.Transport.(*http.Transport), f.log}
	}
	return func(site cronofy.Site, app cronofy.App, notify func(cronofy.Wait)) *cronofy.Client {
		return cronofy.New(site, app, cronofy.Options{HTTP: h, Names: names, Limiter: limiter, UserAgent: "confer/" + programVersion(), Notify: notify})
	}, nil
}

// The sandbox's built-in browsers.
const (
	browserApprove = "approve"
	browserDeny    = "deny"
)

// sandboxPeople is the path by which the wizard's last step reads the
// sandbox's people, through the same code as a file.
const sandboxPeople = "the sandbox's people"

// startSandbox serves a Cronofy of its own, and fills in every answer that no flag gave.
func (w *wiring) startSandbox(f *settings) (*sandbox.Server, error) {
	// Profiles appear one by one, so that the last step shows what it does when Cronofy takes its time.
	server := sandbox.New(sandbox.Options{Switches: sandbox.Switches{ProfileDelay: 800 * time.Millisecond, ProfileGap: 350 * time.Millisecond}})
	w.later(func() { _ = server.Close() })
	if err := server.Start(); err != nil {
		return nil, failed("the sandbox cannot start: "+cronofy.CleanText(err.Error(), 200), "")
	}
	c := server.Credentials()
	f.secretStore = "" // the sandbox stores nothing
	f.dataCenter, f.clientID = cmp.Or(f.dataCenter, "de"), cmp.Or(f.clientID, c.ClientID)
	f.serviceAccount, f.provider = cmp.Or(f.serviceAccount, c.ServiceAccountID), cmp.Or(f.provider, string(cronofy.Zoom))
	return server, nil
}

func (w *wiring) useSandbox(ctx context.Context, f *settings, server *sandbox.Server) {
	a := &w.known.Answers
	if a.ClientSecret.Empty() {
		a.ClientSecret = server.Credentials().ClientSecret
	}
	if f.accounts == "" {
		a.Accounts = flow.Accounts{Path: sandboxPeople}
	}
	w.known.Sites = each(cronofy.DataCenters(), server.Site)
	a.Site = server.Site(a.Site.DataCenter) // last, for the sandbox's relink links name it
	w.known.Store = flow.Store{Kind: keystore.None, Pinned: true}
	w.known.Suggested = true
	w.runner.OpenAccounts = func(ctx context.Context, path string) (io.ReadCloser, error) {
		if path != sandboxPeople {
			return openFile(ctx, path)
		}
		var b bytes.Buffer
		return io.NopCloser(&b), server.AccountsCSV(&b)
	}
	w.runner.Looks = []time.Duration{500 * time.Millisecond, time.Second, 2 * time.Second}
	w.useBrowser(ctx, f.browser)
}

// useBrowser has a built-in browser click through the sandbox's pages, or opens
// a real one. What it started ends with the run.
func (w *wiring) useBrowser(ctx context.Context, command string) {
	ctx, cancel := context.WithCancel(ctx)
	var visits sync.WaitGroup
	w.later(func() { cancel(); visits.Wait() })
	w.runner.Approve = func(link string, approve bool) error {
		visits.Add(1)
		defer visits.Done()
		decision := sandbox.Deny
		if approve {
			decision = sandbox.Approve
		}
		end := &flow.BrowserError{Err: sandbox.Browser(ctx, &http.Client{Timeout: 30 * time.Second}, link, decision)}
		if left, ok := errors.AsType[*sandbox.LeftError](end.Err); ok {
			end.Approved = approve
			if left.Err == nil {
				end.Away = left.Host
			}
		}
		return end
	}
	w.runner.OpenURL = openWith(command)
	if command == browserApprove || command == browserDeny {
		w.runner.OpenURL = func(url string) error { return w.runner.Approve(url, command == browserApprove) }
	}
}

// stores opens each place for secrets once, so that what is kept in memory for
// this run stays there.
type stores struct {
	path string                         // of the encrypted file
	ask  func() (cronofy.Secret, error) // for its passphrase, at the first use; nil: it is given or empty

	mu     sync.Mutex
	opened map[keystore.Kind]keystore.Store
	phrase cronofy.Secret // the file was opened with
}

func newStores(path string) *stores {
	return &stores{path: path, opened: map[keystore.Kind]keystore.Store{}}
}

// workFactor is for the encrypted file; 0: keystore's own. Tests of the whole program
// make its key cheap to derive: that took most of their time.
var workFactor int

func (s *stores) Probe(ctx context.Context) keystore.Status { return keystore.Probe(ctx) }

// Open leaves the file that was opened before open where there is no passphrase.
func (s *stores) Open(kind keystore.Kind, passphrase cronofy.Secret) (keystore.Store, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if kind == keystore.File && !passphrase.Empty() && !s.phrase.Equal(passphrase) {
		delete(s.opened, kind)
		s.phrase = passphrase
	}
	if st, ok := s.opened[kind]; ok {
		return st, nil
	}
	var st keystore.Store
	switch kind {
	case keystore.Keyring:
		st = keystore.OpenKeyring()
	case keystore.Session, keystore.None:
		st = keystore.OpenSession()
	case keystore.File:
		st = keystore.OpenFile(s.path, func(context.Context) (string, error) {
			if s.ask == nil {
				return passphrase.Reveal(), nil
			}
			phrase, err := s.ask()
			return phrase.Reveal(), err
		}, workFactor)
	default:
		return nil, &keystore.Error{Op: "open", Store: kind, Err: keystore.ErrUnavailable}
	}
	s.opened[kind] = st
	return st, nil
}
