package command

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"confer/cronofy"
	"confer/cronofy/sandbox"
	"confer/flow"
	"confer/internal/opener"
)

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

func newSandboxWorld(ctx context.Context, f *settings, e environment, s streams) (*world, error) {
	if f.apiURL != "" || f.appURL != "" {
		return nil, &usageError{summary: "--api-url and --app-url do not go with --sandbox", hint: "the sandbox is its own Cronofy: leave them out"}
	}
	switch flow.StoreKind(f.secretStore) {
	case "", flow.StoreNone, flow.StoreSession:
		f.secretStore = ""
	default:
		return nil, &usageError{summary: "--secret-store does not go with --sandbox", hint: "the sandbox stores nothing: leave it out", step: flow.StepApplication}
	}
	server := sandbox.New(sandbox.Options{ProfileDelay: sandboxProfileDelay, ProfileGap: sandboxProfileGap})
	if err := server.Start(); err != nil {
		complain(s.err, "the sandbox cannot start: "+cronofy.CleanText(err.Error(), 200), "")
		return nil, &exitError{flow.ExitFailed}
	}
	w := &world{closers: []func(){func() { _ = server.Close() }}}
	if err := w.useSandbox(ctx, f, e.forSandbox(), s, server); err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

func (w *world) useSandbox(ctx context.Context, f *settings, e environment, s streams, server *sandbox.Server) error {
	f.fill(e)
	suggest(f, server)
	found, err := f.found(ctx, e, s)
	if err != nil {
		return err
	}
	if found.Answers.ClientSecret.Empty() {
		found.Answers.ClientSecret = server.Credentials().ClientSecret
	}
	if f.accounts == "" {
		found.Answers.Accounts = flow.Accounts{Kind: flow.AccountsFile, Path: sandboxPeople}
	}
	// The sandbox posts to loopback, so that no tunnel is needed.
	found.Answers.Accounts.Delegated = flow.Delegated{Emails: sandboxPeople,
		CallbackURL: "http://" + flow.DefaultWebhookListen + "/cronofy", Listen: flow.DefaultWebhookListen}
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
	w.found, w.session, w.browser, w.names = found, host.Session(), f.browser, e.names
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
// a real one. What it started ends with the world.
func (w *world) useBrowser(ctx context.Context, command string, host opener.Machine) {
	decision := sandbox.Approve
	switch command {
	case browserApprove:
	case browserDeny:
		decision = sandbox.Deny
	default:
		w.runner.OpenURL = openWith(host, command)
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	var visits sync.WaitGroup
	w.closers = append(w.closers, func() { cancel(); visits.Wait() })
	w.runner.Walk = func(url string) <-chan *flow.LostError {
		end := make(chan *flow.LostError, 1)
		visits.Go(func() {
			err := sandbox.Browser(ctx, &http.Client{Timeout: 30 * time.Second}, url, decision)
			end <- lost(err, decision)
		})
		return end
	}
}

// lost says what a walk through the sandbox's pages met.
func lost(err error, d sandbox.Decision) *flow.LostError {
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
