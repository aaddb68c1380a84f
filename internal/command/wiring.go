package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"confer/cronofy"
	"confer/cronofy/sandbox"
	"confer/flow"
	"confer/internal/links"
	"confer/internal/opener"
	"confer/keystore"
	"confer/ui"
)

// wiring is what a run needs of the outside, wired together.
type wiring struct {
	runner  *flow.Runner
	known   flow.Initial
	session opener.Kind
	browser string // what --browser says, or said to an earlier run
	plain   bool   // line by line
	names   cronofy.Names
	tokens  tokenFile
	closers []func()

	approve func(link string, approve bool) // does what the administrator would, in the sandbox; nil: nothing can
}

// close ends what the run opened, last first.
func (w *wiring) close() {
	for i := len(w.closers) - 1; i >= 0; i-- {
		w.closers[i]()
	}
}

// Cronofy's default limits for one application.
// https://docs.cronofy.com/developers/faqs/rate-limits
const (
	callsPerSecond = 50
	callsPerMinute = 500
)

func newWiring(ctx context.Context, f *settings, e environment, s streams) (*wiring, error) {
	if f.sandbox {
		return newSandboxWiring(ctx, f, e, s)
	}
	if err := e.names.Validate(); err != nil {
		return nil, &usageError{summary: err.Error(), hint: "check CONFER_OU_AUTHORIZE_PATH, CONFER_OU_LINK_TOKEN_PARAM and CONFER_OU_LINK_TOKEN_FIELD"}
	}
	found, err := f.known(ctx, e, s)
	if err != nil {
		return nil, err
	}
	if found.Sites, err = f.sites(); err != nil {
		return nil, err
	}
	list, err := listPath()
	if err != nil {
		return nil, err
	}
	host := opener.Host()
	w := &wiring{known: found, session: host.Session(), browser: f.browser, names: e.names}
	client, err := newClients(ctx, f, e.names, cronofy.NewLimiter(callsPerSecond, callsPerMinute))
	if err != nil {
		return nil, err
	}
	w.runner = &flow.Runner{
		NewClient:    client,
		Stores:       newStores(filepath.Join(filepath.Dir(list), secretsFile)),
		Links:        links.Open(list),
		OpenURL:      openWith(host, f.browser),
		OpenAccounts: openFile,
		Timeout:      f.timeout,
		Log:          f.log,
	}
	return w, nil
}

// checkBrowser refuses a command that cannot be started, before anything is
// asked of Cronofy or of an administrator.
func checkBrowser(command string, sandbox bool) error {
	switch command {
	case "", opener.System, opener.None:
		return nil
	case browserApprove, browserDeny:
		if sandbox {
			return nil
		}
		return &usageError{summary: "--browser " + command + " goes with --sandbox", hint: "give a command, system or none"}
	}
	m := opener.Host()
	m.Start = func(*exec.Cmd) error { return nil }
	if err := m.Open(command, flow.DefaultRedirectURI); err != nil {
		return &usageError{summary: "--browser: " + cronofy.CleanText(err.Error(), 160), hint: "it takes system, none, or a command that can be started here", step: flow.StepAuthorize}
	}
	return nil
}

// browserOf says what becomes of a link. BROWSER is what the system is asked for
// first.
func browserOf(command, environment string) ui.Browser {
	if command == "" || command == opener.System {
		command = strings.TrimSpace(environment)
	}
	switch command {
	case "":
		return ui.BrowserUsual
	case opener.None:
		return ui.BrowserNone
	}
	return ui.BrowserNamed
}

// openWith gives the function that asks for a browser; nil for none.
func openWith(host opener.Machine, command string) func(string) error {
	switch command {
	case opener.None:
		return nil
	case "":
		command = opener.System
	}
	return func(url string) error { return host.Open(command, url) }
}

func openFile(ctx context.Context, path string) (io.ReadCloser, error) {
	return openInput(ctx, path, nil)
}

// caFileReason leaves out what the flag's own name says already.
func caFileReason(err error) string {
	return cronofy.CleanText(strings.TrimPrefix(err.Error(), "CA file: "), 200)
}

// newClients shares one http.Client and one limiter among all clients of a run.
func newClients(ctx context.Context, f *settings, names cronofy.Names, limiter *cronofy.Limiter) (func(cronofy.Site, cronofy.App, func(cronofy.Wait)) *cronofy.Client, error) {
	h, err := await(ctx, func() (*http.Client, error) { return cronofy.NewHTTPClient(cronofy.HTTPOptions{CAFile: f.caFile}) })
	if errors.Is(err, context.Canceled) {
		return nil, err
	}
	if err != nil {
		return nil, &usageError{summary: "--ca-file: " + caFileReason(err), hint: "name a file with certificates, PEM or DER"}
	}
	if err := f.openLog(ctx); err != nil {
		return nil, err
	}
	if f.log != nil {
		h.Transport = &loggedTransport{h.Transport, f.log}
	}
	return clientsOver(h, names, limiter), nil
}

func clientsOver(h *http.Client, names cronofy.Names, limiter *cronofy.Limiter) func(cronofy.Site, cronofy.App, func(cronofy.Wait)) *cronofy.Client {
	return func(site cronofy.Site, app cronofy.App, notify func(cronofy.Wait)) *cronofy.Client {
		return cronofy.New(site, app, cronofy.WithHTTPClient(h), cronofy.WithNames(names), cronofy.WithLimiter(limiter),
			cronofy.WithUserAgent("confer/"+programVersion()), cronofy.WithNotify(notify))
	}
}

// The sandbox's built-in browsers, values of --browser.
const (
	browserApprove = "approve"
	browserDeny    = "deny"
)

// sandboxPeople is the path by which the wizard's last step reads the
// sandbox's people, through the same code as a file.
const sandboxPeople = "the sandbox's people"

// The sandbox's profiles appear one by one, so that the last step shows what it
// does when Cronofy takes its time.
const (
	sandboxProfileDelay = 800 * time.Millisecond
	sandboxProfileGap   = 350 * time.Millisecond
)

func newSandboxWiring(ctx context.Context, f *settings, e environment, s streams) (*wiring, error) {
	f.secretStore = "" // the sandbox stores nothing
	server := sandbox.New(sandbox.Options{ProfileDelay: sandboxProfileDelay, ProfileGap: sandboxProfileGap})
	if err := server.Start(); err != nil {
		complain(s.err, "the sandbox cannot start: "+cronofy.CleanText(err.Error(), 200), "")
		return nil, &exitError{flow.ExitFailed}
	}
	w := &wiring{closers: []func(){func() { _ = server.Close() }}}
	if err := w.useSandbox(ctx, f, e, s, server); err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

func (w *wiring) useSandbox(ctx context.Context, f *settings, e environment, s streams, server *sandbox.Server) error {
	suggest(f, server)
	found, err := f.known(ctx, e, s)
	if err != nil {
		return err
	}
	if found.Answers.ClientSecret.Empty() {
		found.Answers.ClientSecret = server.Credentials().ClientSecret
	}
	if f.accounts == "" {
		found.Answers.Accounts = flow.Accounts{Kind: flow.AccountsFile, Path: sandboxPeople}
	}
	for _, d := range cronofy.DataCenters() {
		found.Sites = append(found.Sites, server.Site(d))
	}
	found.Answers.Site = server.Site(found.Answers.Site.DataCenter) // last, for the sandbox's relink links name it
	found.Store = flow.Store{Kind: flow.StoreNone, Pinned: true}
	found.Suggested = true
	client, err := newClients(ctx, f, e.names, nil)
	if err != nil {
		return err
	}
	host := opener.Host()
	w.known, w.session, w.browser, w.names = found, host.Session(), f.browser, e.names
	w.runner = &flow.Runner{
		NewClient:    client,
		Stores:       newStores(""),
		OpenAccounts: sandboxAccounts(server),
		Timeout:      f.timeout,
		Log:          f.log,
		Looks:        []time.Duration{500 * time.Millisecond, time.Second, 2 * time.Second},
	}
	w.useBrowser(ctx, f.browser, host)
	return nil
}

// suggest fills in every answer that no flag gave.
func suggest(f *settings, server *sandbox.Server) {
	c := server.Credentials()
	for _, v := range []struct {
		dst   *string
		value string
	}{{&f.dataCenter, "de"}, {&f.clientID, c.ClientID}, {&f.serviceAccount, c.ServiceAccountID}, {&f.provider, string(cronofy.Zoom)}} {
		if *v.dst == "" {
			*v.dst = v.value
		}
	}
}

func sandboxAccounts(server *sandbox.Server) func(context.Context, string) (io.ReadCloser, error) {
	return func(ctx context.Context, path string) (io.ReadCloser, error) {
		if path != sandboxPeople {
			return openFile(ctx, path)
		}
		var b bytes.Buffer
		if err := server.AccountsCSV(&b); err != nil {
			return nil, err
		}
		return io.NopCloser(&b), nil
	}
}

// useBrowser has a built-in browser click through the sandbox's pages, or opens
// a real one. What it started ends with the run.
func (w *wiring) useBrowser(ctx context.Context, command string, host opener.Machine) {
	ctx, cancel := context.WithCancel(ctx)
	var visits sync.WaitGroup
	w.closers = append(w.closers, func() { cancel(); visits.Wait() })
	visit := func(link string, decision sandbox.Decision) error {
		return sandbox.Browser(ctx, &http.Client{Timeout: 30 * time.Second}, link, decision)
	}
	w.approve = func(link string, approve bool) {
		decision := sandbox.Deny
		if approve {
			decision = sandbox.Approve
		}
		visits.Go(func() { _ = visit(link, decision) }) // the callback tells how it went
	}
	decision := sandbox.Approve
	switch command {
	case browserApprove:
	case browserDeny:
		decision = sandbox.Deny
	default:
		w.runner.OpenURL = openWith(host, command)
		return
	}
	w.runner.Browse = func(url string) <-chan *flow.LostError {
		end := make(chan *flow.LostError, 1)
		visits.Go(func() {
			err := visit(url, decision)
			end <- visitError(err, decision)
		})
		return end
	}
}

// visitError says what a walk through the sandbox's pages met.
func visitError(err error, d sandbox.Decision) *flow.LostError {
	l := &flow.LostError{Err: err}
	var left *sandbox.LeftError
	if !errors.As(err, &left) {
		return l
	}
	l.Approved = d == sandbox.Approve
	if left.Err == nil {
		l.Away = left.Host
	}
	return l
}

// stores opens each place for secrets once, so that what is kept in memory for
// this run stays there.
type stores struct {
	filePath string

	mu     sync.Mutex
	opened map[flow.StoreKind]keystore.Store
	phrase cronofy.Secret // the file was opened with
}

func newStores(filePath string) *stores {
	return &stores{filePath: filePath, opened: map[flow.StoreKind]keystore.Store{}}
}

// Probe implements flow.Stores.
func (s *stores) Probe(ctx context.Context) keystore.Status { return keystore.Probe(ctx) }

// Open implements flow.Stores. Without a passphrase the file that was opened
// before stays open.
func (s *stores) Open(kind flow.StoreKind, passphrase cronofy.Secret) (keystore.Store, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if kind == flow.StoreFile && !passphrase.Empty() && !s.phrase.Equal(passphrase) {
		delete(s.opened, kind)
		s.phrase = passphrase
	}
	if st, ok := s.opened[kind]; ok {
		return st, nil
	}
	switch kind {
	case flow.StoreKeyring:
		s.opened[kind] = keystore.OpenKeyring()
	case flow.StoreSession, flow.StoreNone:
		s.opened[kind] = keystore.OpenSession()
	case flow.StoreFile:
		file := keystore.OpenFile(s.filePath, func(context.Context) (string, error) { return passphrase.Reveal(), nil })
		if passphrase.Empty() {
			return file, nil
		}
		s.opened[kind] = file
	default:
		return nil, fmt.Errorf("open store %q: %w", kind, keystore.ErrUnavailable)
	}
	return s.opened[kind], nil
}
