package command

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"confer/cronofy/sandbox"
	"confer/internal/testhost"
)

// cutOff is a run whose reader goes away.
type cutOff struct {
	t      *testing.T
	cmd    *exec.Cmd
	out    *bufio.Reader
	errs   strings.Builder
	goAway func()
}

func (d *workplace) cutOff(args ...string) *cutOff {
	d.t.Helper()
	return d.read(func(*cutOff) {}, args...)
}

// unread is a run whose reader has gone before it began.
func (d *workplace) unread(args ...string) *cutOff {
	d.t.Helper()
	return d.read(func(c *cutOff) { c.goAway() }, args...)
}

func (d *workplace) read(begin func(*cutOff), args ...string) *cutOff {
	d.t.Helper()
	c := &cutOff{t: d.t, cmd: exec.Command("confer", args...)}
	c.cmd.Env, c.cmd.Dir, c.cmd.Stderr = append(home(d.t), d.env...), d.dir, &c.errs
	r, w, err := os.Pipe()
	require.NoError(d.t, err)
	c.cmd.Stdout, c.out, c.goAway = w, bufio.NewReader(r), func() { _ = r.Close() }
	begin(c)
	require.NoError(d.t, c.cmd.Start())
	require.NoError(d.t, w.Close())
	d.t.Cleanup(func() { c.goAway(); _ = c.cmd.Process.Kill(); _ = c.cmd.Wait() })
	return c
}

// line is the next line of standard output.
func (c *cutOff) line() string {
	c.t.Helper()
	line, err := c.out.ReadString('\n')
	require.NoError(c.t, err, "%s", &c.errs)
	return line
}

// exits waits for the end; a signal is no exit code.
func (c *cutOff) exits(code int) {
	c.t.Helper()
	err := c.cmd.Wait()
	if exit := (*exec.ExitError)(nil); err != nil {
		require.ErrorAs(c.t, err, &exit)
	}
	require.Equal(c.t, code, c.cmd.ProcessState.ExitCode(), "%s: %s", c.cmd.ProcessState, &c.errs)
}

// TestSetupOutlivesItsReader: once the administrator may have approved, nobody's
// going away costs the link, its tokens or the page that the browser waits for.
func TestSetupOutlivesItsReader(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"events":        {"--json"},
		"text":          nil,
		"with accounts": {"--json", "--accounts", "people.csv"},
		"a table":       {"--accounts", "people.csv"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newWorkplace(t, "CRONOFY_CLIENT_SECRET="+workplaceSecret)
			var people strings.Builder
			require.NoError(t, d.server.AccountsCSV(&people))
			require.NoError(t, os.WriteFile(filepath.Join(d.dir, "people.csv"), []byte(people.String()), 0o600))
			c := d.cutOff(append([]string{"setup", "--no-input", "--browser", "none", "--secret-store", "session", "--provider", "zoom_enterprise", "--redirect-uri", testhost.RedirectURI(t),
				"--client-id", d.creds.ClientID, "--service-account", d.creds.ServiceAccountID}, args...)...)
			url := strings.TrimSpace(c.line())
			if strings.HasPrefix(url, "{") {
				var ev struct{ URL string }
				require.NoError(t, json.Unmarshal([]byte(url), &ev))
				url = ev.URL
			}
			c.goAway()
			require.NoError(t, sandbox.Browser(t.Context(), nil, url, sandbox.Approve), "the page that says how it ended")
			c.exits(0)
			require.Len(t, d.load().Links, 1)
			require.NotContains(t, c.errs.String(), "error")
		})
	}
}

// TestRefusedSetupOutlivesItsReader: the exit code is what it would be.
func TestRefusedSetupOutlivesItsReader(t *testing.T) {
	t.Parallel()
	d := newWorkplace(t, "CRONOFY_CLIENT_SECRET=wrongwrong")
	c := d.unread("setup", "--no-input", "--json", "--browser", "none", "--secret-store", "session", "--provider", "any", "--redirect-uri", testhost.RedirectURI(t),
		"--client-id", d.creds.ClientID, "--service-account", d.creds.ServiceAccountID)
	c.exits(4)
}

// TestResultsWithoutAReader: what only tells something ends without a word.
func TestResultsWithoutAReader(t *testing.T) {
	t.Parallel()
	d := newWorkplace(t)
	var people strings.Builder
	require.NoError(t, d.server.AccountsCSV(&people))
	list, err := os.CreateTemp(d.dir, "*.csv")
	require.NoError(t, err)
	_, err = io.WriteString(list, people.String())
	require.NoError(t, errors.Join(err, list.Close()))
	for _, format := range []string{"table", "csv", "json"} {
		c := d.unread("profiles", "--accounts", list.Name(), "--format", format)
		c.exits(1)
		require.Empty(t, c.errs.String())
	}
	for _, args := range [][]string{{"status"}, {"--help"}, {"--version"}, {"completion", "bash"}} {
		c := d.unread(args...)
		c.exits(0)
		require.Empty(t, c.errs.String())
	}
	for _, args := range [][]string{{"doctor"}, {"doctor", "--json"}, {"sandbox"}} {
		c := d.unread(args...)
		c.exits(1)
		require.Empty(t, c.errs.String())
	}
}

// TestLinesWithoutAReader: the wizard that writes lines ends, for nobody sees what
// it asks.
func TestLinesWithoutAReader(t *testing.T) {
	t.Parallel()
	d := newWorkplace(t)
	answers, w, err := os.Pipe() // does not end
	require.NoError(t, err)
	defer w.Close()
	defer answers.Close()
	_, err = io.WriteString(w, strings.Repeat("\n", 20))
	require.NoError(t, err)
	c := d.read(func(c *cutOff) { c.goAway(); c.cmd.Stdin = answers }, "--sandbox", "--plain", "--browser", "none", "--redirect-uri", testhost.RedirectURI(t))
	c.exits(130)
	require.Contains(t, c.errs.String(), "Nothing was linked.")
	require.NotContains(t, c.errs.String(), "confer: error")
}

// TestTheBrowserMayStillBeCutOff: what confer starts does not inherit that a
// closed pipe ends nothing.
func TestTheBrowserMayStillBeCutOff(t *testing.T) {
	t.Parallel()
	d := newWorkplace(t, "CRONOFY_CLIENT_SECRET="+workplaceSecret)
	script, told := filepath.Join(d.dir, "look"), filepath.Join(d.dir, "told")
	require.NoError(t, testhost.WriteProgram(script, []byte("#!/bin/sh\ngrep SigIgn /proc/$$/status > '"+told+".new' && mv '"+told+".new' '"+told+"'\nexec browser \"$1\"\n")))
	c := d.cutOff("setup", "--no-input", "--browser", script, "--secret-store", "session", "--provider", "any", "--redirect-uri", testhost.RedirectURI(t),
		"--client-id", d.creds.ClientID, "--service-account", d.creds.ServiceAccountID)
	c.line()
	c.goAway()
	c.exits(0)
	b, err := os.ReadFile(told)
	require.NoError(t, err)
	require.Regexp(t, `^SigIgn:\s0+\n$`, string(b))
}

// TestFullDisk: results that could not be written are no success, whatever the
// command.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	require.NoError(t, err)
	t.Cleanup(func() { _ = full.Close() })
	for _, args := range [][]string{
		{"--help"}, {"help", "profiles"}, {"--version"}, {"completion", "bash"}, {"status"}, {"doctor", "--help"},
		{"setup", "--sandbox", "--no-input", "--json", "--browser", "approve"}, {"setup", "--sandbox", "--dry-run"}, {"sandbox"},
	} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			t.Parallel()
			if args[0] == "setup" {
				args = append(args, "--redirect-uri", testhost.RedirectURI(t))
			}
			var errs strings.Builder
			cmd := exec.Command("confer", args...)
			cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr = home(t), t.TempDir(), full, &errs
			require.Equal(t, 1, exit(t, cmd.Run()), "%s", &errs)
			require.Contains(t, errs.String(), "confer: error: the results could not be written: no space left on device\nconfer: hint: free some space, or send standard output elsewhere\n")
		})
	}
}
