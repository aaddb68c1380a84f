//go:build unix

package command

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"confer/cronofy"
	"confer/flow"
	"confer/internal/links"
	"confer/internal/testhost"
)

// TestAScriptHearsOfAProxyThatChangesTheHost: on standard error, with --json too.
func TestAScriptHearsOfAProxyThatChangesTheHost(t *testing.T) {
	t.Parallel()
	listen, err := testhost.Address()
	require.NoError(t, err)
	x := startTerminal(t, terminalOptions{width: 200, height: 40}, "setup", "--sandbox", "--no-input", "--json", "--browser", "none",
		"--data-center", "de", "--provider", "zoom_enterprise", "--redirect-uri", "https://app.example.test/done", "--listen", listen)
	x.until(`"event":"authorize"`)
	link, _, _ := strings.Cut(x.rawLink(), `"`)
	final := approveElsewhere(t, link)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+listen+strings.TrimPrefix(final, "https://app.example.test"), nil)
	require.NoError(t, err)
	resp, err := http.DefaultTransport.RoundTrip(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusMisdirectedRequest, resp.StatusCode)
	x.until("The proxy must pass Host on unchanged")
	req.Host = "app.example.test"
	resp, err = http.DefaultTransport.RoundTrip(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	x.until(`"event":"linked"`)
}

// TestAScriptHearsThatACodeIsTriedAgain: it waits for minutes then, and says so once.
func TestAScriptHearsThatACodeIsTriedAgain(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	step := func(s flow.State, ev flow.Event) flow.State {
		s, _ = s.Apply(ev)
		teller{s: streams{err: &out}}.follow(s, ev)
		return s
	}
	until := time.Now().Add(5 * time.Minute)
	failed := flow.Failed{Err: &cronofy.NetworkError{Op: "exchange code", Err: errors.New("refused")}, Approved: true, Kept: &flow.Kept{Until: until}}
	s := step(flow.State{Step: flow.StepAuthorize}, flow.AuthorizeStarted{})
	s = step(s, flow.Report{Task: s.Running.ID, Event: failed})
	require.Contains(t, out.String(), "the code has not been used. confer tries again, once, when Cronofy can be reached; it waits until "+until.Format(time.TimeOnly)+".\n")
	out.Reset()
	s = step(s, flow.Report{Event: flow.CronofyBack{For: s.Unfinished().For}})
	step(s, flow.Report{Task: s.Running.ID, Event: failed})
	require.Empty(t, out.String())
}

// TestTokensOfASecondLink are not put over those of the first.
func TestTokensOfASecondLink(t *testing.T) {
	t.Parallel()
	w := &wiring{runner: &flow.Runner{}}
	t.Cleanup(w.close)
	require.NoError(t, w.takeTokens(filepath.Join(t.TempDir(), "tokens.json")))
	first := flow.Link{Link: links.Link{DataCenter: "de", APIHost: "api-de.cronofy.com", ClientID: "id", ServiceAccount: "ser_1", Provider: "zoom_enterprise", Store: "session"}}
	second := flow.Link{Link: links.Link{DataCenter: "de", APIHost: "api-de.cronofy.com", ClientID: "id", ServiceAccount: "ser_2", Provider: "zoom_enterprise", Store: "session"}}
	for _, l := range []flow.Link{first, second} {
		w.runner.Tokens(l, cronofy.Token{AccessToken: cronofy.NewSecret("a"), RefreshToken: cronofy.NewSecret("r-of-" + l.ServiceAccount)})
	}
	var out strings.Builder
	err := sayEnd(flow.State{Made: []flow.Link{first, second}}, true, &w.tokens, streams{err: &out})
	require.Equal(t, exitWith(flow.ExitFailed), err)
	require.Contains(t, out.String(), "tokens.json has those of "+first.ID()+" already.\n")
	written, err := os.ReadFile(w.tokens.path)
	require.NoError(t, err)
	require.Contains(t, string(written), "r-of-ser_1")
}
