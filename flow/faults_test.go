package flow_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"confer/cronofy"
	"confer/cronofy/sandbox"
	"confer/flow"
	"confer/internal/faultlist"
	"confer/internal/golden"
	"confer/keystore"
)

// faultPage is the list of what a set-up does under each fault, for people; the
// test keeps it true.
const faultPage = "../docs/faults.md"

const faultHead = `# What happens when something fails

Each row is a run of the whole set-up against the sandbox with one thing wrong, made by a test
(` + "`go test ./flow -run TestFaults`" + `, which fails when this list is not what it sees). "step" is the page that the operator is led to.
The rows of Enterprise Connect are of the wizard's "authorize a service account now". What the other commands make of the same faults
is in [faults-commands.md](faults-commands.md).

| call | what is wrong | code | exit | step | what the operator reads |
| --- | --- | --- | --- | --- | --- |
`

// faultRow is one line of the list.
type faultRow struct {
	call, what string
	fault      *sandbox.Fault
	switches   sandbox.Switches
	endless    bool // nothing that counts comes back: the run is cancelled then
	connect    bool // Enterprise Connect in place of the set-up
}

func faultRows() []faultRow {
	var rows []faultRow
	for _, c := range []faultRow{
		{call: "check the application", fault: &sandbox.Fault{Endpoint: sandbox.Refresh}},
		{call: "link token", fault: &sandbox.Fault{Endpoint: sandbox.LinkTokens}},
		{call: "authorize", fault: &sandbox.Fault{Endpoint: sandbox.Authorize}, endless: true},
		{call: "exchange the code", fault: &sandbox.Fault{Endpoint: sandbox.Exchange}},
		{call: "authorize, Enterprise Connect", fault: &sandbox.Fault{Endpoint: sandbox.EnterpriseConnect}, endless: true, connect: true},
		{call: "exchange, Enterprise Connect", fault: &sandbox.Fault{Endpoint: sandbox.Exchange}, connect: true},
	} {
		for _, f := range faultlist.Of(c.fault.Endpoint) {
			row := c
			row.what, row.fault = f.What, &f.Fault
			if f.Fault.Body == sandbox.TruncatedBody || f.Fault.Body == sandbox.CutBody { // a redirect has no body
				row.endless = false
			}
			rows = append(rows, row)
		}
	}
	return append(append(rows, switchRows()...), connectRows()...)
}

// connectRows are the switches that concern Enterprise Connect.
func connectRows() []faultRow {
	const authorize, exchange = "authorize, Enterprise Connect", "exchange, Enterprise Connect"
	rows := []faultRow{
		{call: exchange, what: "no refresh token", switches: sandbox.Switches{OmitRefreshToken: true}},
		{call: exchange, what: "no sub: userinfo tells", switches: sandbox.Switches{OmitSub: true}},
		{call: authorize, what: "the answer comes twice", switches: sandbox.Switches{RepeatCallback: true}},
		{call: authorize, what: "wrong state", switches: sandbox.Switches{State: "wrong"}, endless: true},
		{call: authorize, what: "state twice", switches: sandbox.Switches{State: "duplicate"}, endless: true},
		{call: authorize, what: "no state", switches: sandbox.Switches{State: "missing"}, endless: true},
	}
	for _, code := range []string{"access_denied", "invalid_request", "invalid_scope", "server_error", "something_new"} {
		rows = append(rows, faultRow{call: authorize, what: "error=" + code, switches: sandbox.Switches{ErrorRedirect: code}})
	}
	for i := range rows {
		rows[i].connect = true
	}
	return rows
}

func switchRows() []faultRow {
	rows := []faultRow{
		{call: "link token", what: "the field is called service_account", switches: sandbox.Switches{LinkTokenField: "service_account"}},
		{call: "link token", what: "the plan lacks the feature", switches: sandbox.Switches{NoPlan: true}},
		{call: "exchange the code", what: "no refresh token", switches: sandbox.Switches{OmitRefreshToken: true}},
		{call: "exchange the code", what: "no sub", switches: sandbox.Switches{OmitSub: true}},
		{call: "any", what: "unknown fields everywhere", switches: sandbox.Switches{ExtraFields: true}},
		{call: "authorize", what: "the answer comes twice", switches: sandbox.Switches{RepeatCallback: true}},
		{call: "authorize", what: "wrong state", switches: sandbox.Switches{State: "wrong"}, endless: true},
		{call: "authorize", what: "state twice", switches: sandbox.Switches{State: "duplicate"}, endless: true},
		{call: "authorize", what: "no state", switches: sandbox.Switches{State: "missing"}, endless: true},
	}
	for _, code := range []string{"access_denied", "invalid_request", "unauthorized_client", "unsupported_response_type", "invalid_scope",
		"server_error", "temporarily_unavailable", "something_new"} {
		rows = append(rows, faultRow{call: "authorize", what: "error=" + code, switches: sandbox.Switches{ErrorRedirect: code}})
	}
	return rows
}

func TestFaults(t *testing.T) {
	t.Parallel()
	golden.Equal(t, faultPage, faultHead+faultlist.Lines(faultRows(), func(row faultRow) string { return row.line(t) }))
}

// hastyClock jumps over the pauses between repeats.
type hastyClock struct{ ahead atomic.Int64 }

func (c *hastyClock) Now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

func (c *hastyClock) Sleep(ctx context.Context, d time.Duration) error {
	c.ahead.Add(int64(d))
	return ctx.Err()
}

// impatient gives up the slow call as the client's time limit would, without
// that time.
type impatient struct{ slow sandbox.Endpoint }

func (i impatient) RoundTrip(r *http.Request) (*http.Response, error) {
	if i.slow == "" || endpointOf(r) != i.slow {
		return http.DefaultTransport.RoundTrip(r)
	}
	return nil, os.ErrDeadlineExceeded
}

func endpointOf(r *http.Request) sandbox.Endpoint {
	switch r.URL.Path {
	case "/v1/organizational_unit_authorization_link_tokens":
		return sandbox.LinkTokens
	case "/oauth/token":
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		if strings.Contains(string(body), `"refresh_token"`) {
			return sandbox.Refresh
		}
		return sandbox.Exchange
	}
	return ""
}

func (row faultRow) line(t *testing.T) string {
	h := newHouse(t, sandbox.Options{Switches: row.switches})
	slow := sandbox.Endpoint("")
	if row.fault != nil {
		h.server.Set(*row.fault)
		if row.fault.Slow > 0 {
			slow = row.fault.Endpoint
		}
	}
	clock := &hastyClock{}
	limiter := cronofy.NewLimiter(0, 0).WithClock(clock.Now, clock.Sleep)
	hc := &http.Client{Transport: impatient{slow}}
	h.runner.NewClient = func(site cronofy.Site, app cronofy.App, _ func(cronofy.Wait)) *cronofy.Client {
		return cronofy.New(site, app, cronofy.Options{Limiter: limiter, HTTP: hc})
	}
	if row.connect {
		return row.says(row.connected(h))
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	h.runner.OpenURL = row.browser(h, cancel)
	last, _ := h.run(ctx)
	return row.says(last)
}

// browser is the administrator's; done is called when nothing will come back.
func (row faultRow) browser(h *house, done func()) func(string) error {
	return func(url string) error {
		h.visits.Go(func() {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			c := http.DefaultClient
			if row.endless && row.fault != nil && row.fault.Slow > 0 { // nobody waits so long for a page
				c = &http.Client{Transport: impatientBrowser{}}
			}
			_ = sandbox.Browser(ctx, c, url, sandbox.Approve)
			if row.endless {
				done()
			}
		})
		return nil
	}
}

// impatientBrowser never gets the page that the authorization begins with.
type impatientBrowser struct{}

func (impatientBrowser) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.URL.Path, "/oauth/authorize") {
		return nil, os.ErrDeadlineExceeded
	}
	return http.DefaultTransport.RoundTrip(r)
}

// connected authorizes a service account in the wizard, and goes back where the
// wait has no end.
func (row faultRow) connected(h *house) flow.State {
	h.found.Store = flow.Store{Kind: keystore.Session}
	h.found.Answers.ServiceAccount = ""
	over := make(chan struct{})
	h.runner.OpenURL = row.browser(h, func() { close(over) })
	tasks := flow.NewTasks(h.runner)
	defer tasks.Close()
	state := flow.Start(h.found)
	does := func(ev flow.Event) {
		before := state
		next, task := before.Apply(ev)
		state = next
		tasks.Follow(before, next, task)
	}
	does(flow.ConnectStarted{Scope: cronofy.DefaultServiceAccountScope, DelegatedScope: cronofy.DefaultDelegatedScope})
	for state.Running != nil {
		select {
		case r := <-tasks.Events():
			does(r)
		case <-over:
			over = nil
			does(flow.Back{})
		}
	}
	h.visits.Wait()
	if row.endless && state.Problem == nil {
		state.Problem = &flow.Problem{Code: flow.CodeCancelled, Exit: flow.ExitCancelled, Step: flow.StepServiceAccount}
	}
	return state
}

func (row faultRow) says(last flow.State) string {
	if last.Problem == nil {
		done := "linked"
		if row.connect {
			done = "authorized"
		}
		return fmt.Sprintf("| %s | %s | – | 0 | – | %s |\n", row.call, row.what, done)
	}
	p := last.Problem
	p.Summary = regexp.MustCompile(`127\.0\.0\.1:\d+`).ReplaceAllString(p.Summary, "HOST")
	says := p.Summary + " " + p.Hint
	if row.endless {
		says = "(the wait goes on; here the run was cancelled)"
	}
	if p.Approved {
		says = "*(approved)* " + says
	}
	return fmt.Sprintf("| %s | %s | `%s` | %d | %s | %s |\n", row.call, row.what, p.Code, p.Exit, p.Step, says)
}
