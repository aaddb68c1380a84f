package flow_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"confer/cronofy"
	"confer/cronofy/sandbox"
	"confer/flow"
)

// faultPage is the list of what a set-up does under each fault, for people; the
// test keeps it true.
const faultPage = "../docs/faults.md"

const faultHead = `# What happens when something fails

Each row is a run of the whole set-up against the sandbox with one thing wrong, made by a test
(` + "`go test ./flow -run TestFaults`" + `, which fails when this list is not what it sees). "step" is the page that the operator is led to.

| call | what is wrong | code | exit | step | what the operator reads |
| --- | --- | --- | --- | --- | --- |
`

// faultRow is one line of the list.
type faultRow struct {
	call, what string
	fault      *sandbox.Fault
	switches   sandbox.Switches
	endless    bool // nothing that counts comes back: the run is cancelled then
}

func faultRows() []faultRow {
	calls := []struct {
		name     string
		endpoint sandbox.Endpoint
	}{{"check the application", sandbox.Refresh}, {"link token", sandbox.LinkTokens}, {"exchange the code", sandbox.Exchange}}
	var rows []faultRow
	for _, c := range calls {
		for _, status := range []int{400, 401, 402, 403, 404, 422, 423, 429, 500, 502, 503, 504} {
			rows = append(rows, faultRow{call: c.name, what: fmt.Sprint(status), fault: &sandbox.Fault{Endpoint: c.endpoint, Status: status}})
		}
		rows = append(rows,
			faultRow{call: c.name, what: "429 with Retry-After", fault: &sandbox.Fault{Endpoint: c.endpoint, Status: 429, RetryAfter: "300"}},
			faultRow{call: c.name, what: "HTML", fault: &sandbox.Fault{Endpoint: c.endpoint, Body: sandbox.HTMLBody}},
			faultRow{call: c.name, what: "empty body", fault: &sandbox.Fault{Endpoint: c.endpoint, Body: sandbox.EmptyBody}},
			faultRow{call: c.name, what: "cut short", fault: &sandbox.Fault{Endpoint: c.endpoint, Body: sandbox.TruncatedBody}},
			faultRow{call: c.name, what: "connection reset", fault: &sandbox.Fault{Endpoint: c.endpoint, Reset: true}})
	}
	return append(rows, switchRows()...)
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
	rows := faultRows()
	lines := make([]string, len(rows))
	var wg sync.WaitGroup
	slots := make(chan struct{}, 8)
	for i, row := range rows {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			lines[i] = row.line(t)
		})
	}
	wg.Wait()
	got := faultHead + strings.Join(lines, "")
	if flow.UpdateTranscripts() {
		require.NoError(t, os.WriteFile(faultPage, []byte(got), 0o600))
		return
	}
	want, err := os.ReadFile(faultPage)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

// hastyClock jumps over the pauses between repeats.
type hastyClock struct{ ahead atomic.Int64 }

func (c *hastyClock) Now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

func (c *hastyClock) Sleep(ctx context.Context, d time.Duration) error {
	c.ahead.Add(int64(d))
	return ctx.Err()
}

func (row faultRow) line(t *testing.T) string {
	h := newHouse(t, sandbox.Options{})
	if row.fault != nil {
		h.server.Set(*row.fault)
	}
	h.server.SetSwitches(row.switches)
	clock := &hastyClock{}
	limiter := cronofy.NewLimiter(0, 0, cronofy.LimiterClock(clock))
	h.runner.NewClient = func(site cronofy.Site, app cronofy.App, _ func(cronofy.Wait)) *cronofy.Client {
		return cronofy.New(site, app, cronofy.WithLimiter(limiter), cronofy.WithClock(clock))
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	h.runner.OpenURL = func(url string) error {
		h.visits.Go(func() {
			_ = sandbox.Browser(context.Background(), http.DefaultClient, url, sandbox.Approve)
			if row.endless {
				cancel()
			}
		})
		return nil
	}
	last, _ := h.run(ctx)
	if last.Problem == nil {
		return fmt.Sprintf("| %s | %s | – | 0 | – | linked |\n", row.call, row.what)
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
