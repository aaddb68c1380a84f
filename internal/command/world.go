package command

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"

	"confer/cronofy"
	"confer/flow"
	"confer/internal/links"
	"confer/internal/opener"
	"confer/ui"
)

// world is what a run needs of the outside, wired together.
type world struct {
	runner  *flow.Runner
	found   flow.Found
	session opener.Kind
	browser string // what --browser says, or said to an earlier run
	plain   bool   // line by line
	names   cronofy.Names
	closers []func()
}

// close ends what the run opened, last first.
func (w *world) close() {
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

func newWorld(ctx context.Context, f *settings, e environment, s streams) (*world, error) {
	if f.sandbox {
		return newSandboxWorld(ctx, f, e, s)
	}
	if err := checkBrowser(f.browser); err != nil {
		return nil, err
	}
	f.fill(e)
	if err := e.names.Validate(); err != nil {
		return nil, &usageError{summary: err.Error(), hint: "check CONFER_OU_AUTHORIZE_PATH, CONFER_OU_LINK_TOKEN_PARAM and CONFER_OU_LINK_TOKEN_FIELD"}
	}
	found, err := f.found(ctx, e, s)
	if err != nil {
		return nil, err
	}
	if found.Sites, err = f.sites(); err != nil {
		return nil, err
	}
	folder, err := links.DefaultPath()
	if err != nil {
		return nil, &usageError{summary: "there is no folder for confer's state: " + cronofy.CleanText(err.Error(), 160), hint: "set HOME or XDG_STATE_HOME"}
	}
	host := opener.Host()
	w := &world{found: found, session: host.Session(), browser: f.browser, names: e.names}
	client, err := newClients(ctx, f, e.names, cronofy.NewLimiter(callsPerSecond, callsPerMinute))
	if err != nil {
		return nil, err
	}
	w.runner = &flow.Runner{
		NewClient:    client,
		Stores:       newStores(filepath.Join(filepath.Dir(folder), secretsFile)),
		Links:        links.Open(folder),
		OpenURL:      openWith(host, f.browser),
		OpenAccounts: openFile,
		Timeout:      f.timeout,
		Log:          f.log,
	}
	return w, nil
}

// checkBrowser refuses a command that cannot be started, before anything is
// asked of Cronofy or of an administrator.
func checkBrowser(command string) error {
	switch command {
	case "", opener.System, opener.None:
		return nil
	case browserApprove, browserDeny:
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
		return nil, &usageError{summary: "--ca-file: " + caFileReason(err), hint: "name a PEM file with certificates"}
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
