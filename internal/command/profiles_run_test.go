//go:build unix

package command

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"confer/cronofy"
	"confer/cronofy/sandbox"
	"confer/internal/links"
	"confer/internal/screentest"
	"confer/internal/testhost"
	"confer/keystore"
)

// office is an application with a sandbox, in a folder of its own.
type office struct {
	*sandbox.Server
	t   *testing.T
	dir string
	env []string
}

func newOffice(t *testing.T, o sandbox.Options) *office {
	t.Helper()
	s := sandbox.New(o)
	require.NoError(t, s.Start())
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	w := &office{Server: s, t: t, dir: t.TempDir()}
	c := s.Credentials()
	w.env = append(home(t), "CRONOFY_API_URL="+s.APIURL(), "CRONOFY_APP_URL="+s.AppURL(), "CRONOFY_CLIENT_ID="+c.ClientID)
	write := func(name, text string) { require.NoError(t, os.WriteFile(w.path(name), []byte(text), 0o600)) }
	write("secret.txt", c.ClientSecret.Reveal())
	write("service.txt", c.ServiceAccountToken.Reveal())
	writeCompany(write, s.Accounts())
	return w
}

func (w *office) path(name string) string { return filepath.Join(w.dir, name) }

func (w *office) command(args ...string) *exec.Cmd {
	cmd := exec.CommandContext(w.t.Context(), "confer", append([]string{"profiles"}, args...)...) // a test that fails leaves none behind
	cmd.Env, cmd.Dir = w.env, w.dir
	return cmd
}

// exit gives the exit code of a command that has ended.
func exit(t *testing.T, err error) int {
	t.Helper()
	if e := (*exec.ExitError)(nil); errors.As(err, &e) {
		return e.ExitCode()
	}
	require.NoError(t, err)
	return 0
}

// emails are the arguments of a run by delegated access.
func (w *office) emails(list string, more ...string) []string {
	addr, err := testhost.Address()
	require.NoError(w.t, err)
	return append([]string{"--emails", w.path(list), "--callback-url", "http://" + addr, "--listen", addr,
		"--service-account-token-file", w.path("service.txt"), "--client-secret-file", w.path("secret.txt")}, more...)
}

func TestProfilesAskBeforeTheyAuthorize(t *testing.T) {
	t.Parallel()
	w := newOffice(t, sandbox.Options{Seed: 1})
	require.NoError(t, os.WriteFile(w.path("two.txt"), []byte("amara@example.test\nhana@example.test\n"), 0o600))
	no := startTerminal(t, terminalOptions{width: 160, height: 30, env: w.env}, append([]string{"profiles"}, w.emails("two.txt")...)...)
	no.until("this authorizes 2 calendars in the application k3Hn2cWq9ZrT5vXy7LbD", "Cronofy may bill for each", "Go on? [y/N]")
	no.press("\r")
	no.until("Nothing was authorized.")
	no.exits(130)
	for _, e := range w.Log() {
		require.NotContains(t, e.Path, "service_account_authorizations", "nothing is asked for before the answer")
	}
	yes := startTerminal(t, terminalOptions{width: 160, height: 30, env: w.env}, append([]string{"profiles"}, w.emails("two.txt")...)...)
	yes.until("Go on? [y/N]")
	yes.press("y\r")
	yes.until("amara@example.test", "hana@example.test")
	yes.exits(0)
	gone := startTerminal(t, terminalOptions{width: 160, height: 30, env: w.env}, append([]string{"profiles"}, w.emails("two.txt")...)...)
	gone.until("Go on? [y/N]")
	gone.press("\x03")
	gone.exits(130)
}

// TestTheQuestionStandsAlone: how far the run is would be drawn over it.
func TestTheQuestionStandsAlone(t *testing.T) {
	t.Parallel()
	w := newOffice(t, sandbox.Options{Seed: 1, Faults: []sandbox.Fault{{Endpoint: sandbox.UserInfo, Slow: time.Second}}})
	x := startTerminal(t, terminalOptions{width: 160, height: 30, env: w.env}, append([]string{"profiles"}, w.emails("emails.txt", "--out", w.path("records"))...)...)
	x.until("Go on? [y/N]")
	x.press("\r")
	require.NotContains(t, x.exits(130), " read")
}

// TestAQuestionAfterAHiddenOne: what answers the second is left to it.
func TestAQuestionAfterAHiddenOne(t *testing.T) {
	t.Parallel()
	w := newOffice(t, sandbox.Options{Seed: 1})
	token := w.Credentials().ServiceAccountToken.Reveal()
	x := startTerminal(t, terminalOptions{width: 160, height: 30, env: w.env}, append([]string{"profiles"}, w.emails("emails.txt", "--service-account-token-file", "-")...)...)
	x.until("Access token of the service account:")
	x.press(token + "\r")
	x.until("Go on? [y/N]")
	x.press("n\r")
	x.until("Nothing was authorized.")
	require.NotContains(t, x.exits(130), token)
}

func TestProfilesShowHowFarTheyAre(t *testing.T) {
	t.Parallel()
	w := newOffice(t, sandbox.Options{Seed: 1, Faults: []sandbox.Fault{
		{Endpoint: sandbox.UserInfo, Account: "room-4@example.test", Slow: 2 * time.Second}}})
	w.Link(cronofy.Zoom)
	x := startTerminal(t, terminalOptions{width: 100, height: 10, env: w.env}, "profiles", "--accounts", w.path("people.csv"), "--out", w.path("records.txt"))
	raw := x.exits(0)
	require.Regexp(t, `\r\d+ read, \d+ connected`, raw)
	require.True(t, strings.HasSuffix(raw, " \r"), "the line is taken away: %q", raw)
	table := startTerminal(t, terminalOptions{width: 100, height: 30, env: w.env}, "profiles", "--accounts", w.path("people.csv"))
	require.NotContains(t, table.exits(0), " read", "records on the same screen are enough")
}

// TestProfilesEndByInterrupt while webhooks are waited for.
func TestProfilesEndByInterrupt(t *testing.T) {
	t.Parallel()
	w := newOffice(t, sandbox.Options{Seed: 1})
	args := w.emails("emails.txt", "--yes", "--json", "--out", w.path("records.jsonl"))
	args[3] = "http://127.0.0.1:1/nobody" // the callback URL
	cmd := w.command(args...)
	stderr, err := cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	lines := bufio.NewReader(stderr)
	var said string
	for !strings.Contains(said, "listening on ") {
		line, err := lines.ReadString('\n')
		require.NoError(t, err, said)
		said += line
	}
	require.Eventually(t, func() bool {
		for _, e := range w.Log() {
			if e.Host == "webhook" {
				return true
			}
		}
		return false
	}, screentest.Patience, 10*time.Millisecond, "the calendars are asked for")
	require.NoError(t, cmd.Process.Signal(syscall.SIGINT))
	rest, _ := lines.ReadString(0)
	require.Equal(t, 130, exit(t, cmd.Wait()))
	require.Contains(t, rest, "nothing was written to the file of --out; with --json and --continue it keeps what was read")
	require.Contains(t, rest, "access to 12 calendars was asked for before that, and may have been given")
	left, err := filepath.Glob(w.path("*records*"))
	require.NoError(t, err)
	hidden, err := filepath.Glob(w.path(".*records*"))
	require.NoError(t, err)
	require.Empty(t, append(left, hidden...))
}

// TestProfilesGoOnAfterAKill: one account does not answer, the run is killed,
// and the next one reads what is left.
func TestProfilesGoOnAfterAKill(t *testing.T) {
	t.Parallel()
	stuck := sandbox.Fault{Endpoint: sandbox.UserInfo, Account: "hana@example.test", Slow: time.Hour}
	w := newOffice(t, sandbox.Options{Seed: 1, Faults: []sandbox.Fault{stuck}})
	args := []string{"--accounts", w.path("people.csv"), "--json", "--out", w.path("records.jsonl"), "--continue"}
	first := w.command(args...)
	require.NoError(t, first.Start())
	records := func() int {
		text, _ := os.ReadFile(w.path("records.jsonl"))
		return bytes.Count(text, []byte("\n"))
	}
	require.Eventually(t, func() bool { return records() == 7 }, screentest.Patience, 10*time.Millisecond, "hana is the eighth")
	second := w.command(args...)
	said, err := second.CombinedOutput()
	require.Equal(t, 2, exit(t, err))
	require.Contains(t, string(said), "another confer is writing to this file")
	require.NoError(t, first.Process.Kill())
	_ = first.Wait()
	require.Eventually(t, func() bool { return w.Requests() == 15 }, screentest.Patience, 10*time.Millisecond, "all that the first sent has come in, hana's with its end")
	before := w.Requests()
	w.Set()
	third := w.command(args...)
	said, err = third.CombinedOutput()
	require.NoError(t, err, "%s", said)
	require.Equal(t, 15, records())
	require.LessOrEqual(t, w.Requests()-before, 8, "what was there is not read again")
	text, err := os.ReadFile(w.path("records.jsonl"))
	require.NoError(t, err)
	for _, a := range w.Accounts() {
		require.Equal(t, 1, bytes.Count(text, []byte(`"email":"`+a.Email+`"`)), a.Email)
	}
}

// TestTwoProcessesWithOneTokenFile: the second says so, and touches nothing.
func TestTwoProcessesWithOneTokenFile(t *testing.T) {
	t.Parallel()
	w := newOffice(t, sandbox.Options{Seed: 1, Switches: sandbox.Switches{RotateRefreshTokens: true},
		Faults: []sandbox.Fault{{Endpoint: sandbox.UserInfo, Account: "hana@example.test", Slow: time.Hour}}})
	args := []string{"--accounts", w.path("refresh.csv"), "--json", "--tokens-out", w.path("tokens.jsonl"), "--client-secret-file", w.path("secret.txt")}
	first := w.command(args...)
	require.NoError(t, first.Start())
	tokens := func() int {
		text, _ := os.ReadFile(w.path("tokens.jsonl"))
		return bytes.Count(text, []byte(`"replaces"`))
	}
	require.Eventually(t, func() bool { return tokens() == 15 }, screentest.Patience, 10*time.Millisecond)
	said, err := w.command(args...).CombinedOutput()
	require.Equal(t, 2, exit(t, err))
	require.Contains(t, string(said), "--tokens-out: another confer is writing to this file")
	require.NoError(t, first.Process.Kill())
	_ = first.Wait()
	w.Set()
	out, err := w.command(args...).Output()
	require.NoError(t, err, "a run that was killed has lost no token")
	require.Equal(t, 15, bytes.Count(out, []byte("\n")))
	require.NotContains(t, string(out), `"error"`)
	require.Equal(t, 15, tokens())
}

// TestProfilesWithAStoredServiceAccount: its refresh token comes from the store
// and goes back there, rotated, before it is used.
func TestProfilesWithAStoredServiceAccount(t *testing.T) {
	t.Parallel()
	const phrase = "correct horse battery staple"
	w := newOffice(t, sandbox.Options{Seed: 1, Switches: sandbox.Switches{RotateRefreshTokens: true}})
	c := w.Credentials()
	site := w.Site(cronofy.DataCenters()[0])
	client := cronofy.New(site, cronofy.App{ClientID: c.ClientID, ClientSecret: c.ClientSecret}, cronofy.Options{Limiter: cronofy.NewLimiter(0, 0)})
	final := approveElsewhere(t, client.EnterpriseConnectURL(cronofy.EnterpriseConnectRequest{RedirectURI: "http://127.0.0.1:9/callback", State: "x",
		Scope: "service_account/accounts/manage service_account/resources/manage", DelegatedScope: "read_write"}))
	r, err := http.NewRequest(http.MethodGet, final, nil)
	require.NoError(t, err)
	token, err := client.Exchange(t.Context(), cronofy.NewSecret(r.URL.Query().Get("code")), "http://127.0.0.1:9/callback")
	require.NoError(t, err)

	state := w.stateFolder()
	require.NoError(t, os.MkdirAll(state, 0o700))
	store := keystore.OpenFile(filepath.Join(state, secretsFile), func(context.Context) (string, error) { return phrase, nil }, workFactor)
	tokenKey := keystore.Key(site.APIHost(), c.ClientID, token.Sub, "service_account", "refresh_token")
	require.NoError(t, store.Set(t.Context(), keystore.Key(site.APIHost(), c.ClientID, "client_secret"), c.ClientSecret.Reveal()))
	require.NoError(t, store.Set(t.Context(), tokenKey, token.RefreshToken.Reveal()))
	require.NoError(t, links.Open(filepath.Join(state, "links.json")).Update(t.Context(), func(all *links.Contents) {
		all.AddServiceAccount(links.ServiceAccount{DataCenter: "us", APIHost: site.APIHost(), ClientID: c.ClientID, ID: token.Sub, Store: "file", Authorized: time.Now().UTC()})
	}))
	args := w.emails("emails.txt", "--yes", "--json", "--service-account", token.Sub, "--secret-store", "file", "--secret-passphrase-fd", "0", "--no-input")
	args = append(args[:6], args[10:]...) // neither of the two files
	cmd := w.command(args...)
	cmd.Stdin = strings.NewReader(phrase)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	require.NoError(t, err, said.String())
	require.Equal(t, 12, bytes.Count(out, []byte("\n")))
	kept, err := store.Get(t.Context(), tokenKey)
	require.NoError(t, err)
	require.NotEqual(t, token.RefreshToken.Reveal(), kept, "the rotated token is in the store")
	_, err = client.Refresh(t.Context(), cronofy.NewSecret(kept))
	require.NoError(t, err, "and works")
}

func (w *office) stateFolder() string {
	for _, e := range w.env {
		if dir, ok := strings.CutPrefix(e, "XDG_STATE_HOME="); ok {
			return filepath.Join(dir, "confer")
		}
	}
	return ""
}

// TestInterruptLosesNothingThatWasRead, though the first account never answers.
func TestInterruptLosesNothingThatWasRead(t *testing.T) {
	t.Parallel()
	w := newOffice(t, sandbox.Options{Seed: 1, Accounts: 130, Faults: []sandbox.Fault{
		{Endpoint: sandbox.UserInfo, Account: "person-1@example.test", Slow: time.Hour}}})
	args := []string{"--accounts", w.path("people.csv"), "--json", "--rate", "0", "--out", w.path("records.jsonl"), "--continue"}
	cmd := w.command(append(args, "--debug", w.path("debug.txt"))...)
	require.NoError(t, cmd.Start())
	require.Eventually(t, func() bool {
		text, _ := os.ReadFile(w.path("debug.txt"))
		return bytes.Count(text, []byte(`"msg":"call"`)) == 129
	}, screentest.Patience, 10*time.Millisecond)
	require.NoError(t, cmd.Process.Signal(syscall.SIGINT))
	require.Equal(t, 130, exit(t, cmd.Wait()))
	lines := func() int {
		text, err := os.ReadFile(w.path("records.jsonl"))
		require.NoError(t, err)
		return bytes.Count(text, []byte("\n"))
	}
	require.GreaterOrEqual(t, lines(), 120, "answers on their way may have been given up")
	w.Set()
	said, err := w.command(args...).CombinedOutput()
	require.NoError(t, err, "%s", said)
	require.Equal(t, 130, lines())
	require.NoFileExists(t, w.path("records.jsonl.lock"))
}

// TestALateAccountIsPassedOver by a run that is to be continued: a kill takes no
// more than what came in the last moments.
func TestALateAccountIsPassedOver(t *testing.T) {
	t.Parallel()
	w := newOffice(t, sandbox.Options{Seed: 1, Accounts: 130, Faults: []sandbox.Fault{
		{Endpoint: sandbox.UserInfo, Account: "person-1@example.test", Slow: time.Hour}}})
	cmd := w.command("--accounts", w.path("people.csv"), "--json", "--rate", "0", "--out", w.path("records.jsonl"), "--continue")
	require.NoError(t, cmd.Start())
	require.Eventually(t, func() bool {
		text, _ := os.ReadFile(w.path("records.jsonl"))
		return bytes.Count(text, []byte("\n")) == 129
	}, screentest.Patience, 10*time.Millisecond)
	require.NoError(t, cmd.Process.Kill())
	_ = cmd.Wait()
}

// TestHalfARecordIsCutOff, and the mode of the file stays as it is.
func TestHalfARecordIsCutOff(t *testing.T) {
	t.Parallel()
	w := newOffice(t, sandbox.Options{Seed: 1})
	args := []string{"--accounts", w.path("people.csv"), "--json", "--out", w.path("records.jsonl")}
	require.NoError(t, w.command(args...).Run())
	whole, err := os.ReadFile(w.path("records.jsonl"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(w.path("records.jsonl"), whole[:len(whole)-len(whole)/4], 0o600))
	require.NoError(t, os.Chmod(w.path("records.jsonl"), 0o664))
	require.NoError(t, w.command(append(args, "--continue")...).Run())
	again, err := os.ReadFile(w.path("records.jsonl"))
	require.NoError(t, err)
	require.Equal(t, string(whole), string(again))
	require.NoError(t, w.command(args...).Run(), "and written anew")
	info, err := os.Stat(w.path("records.jsonl"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o664), info.Mode().Perm())
}

// TestAnotherAddressAtCronofy, and one address for two accounts: each is read once,
// however often the run goes on.
func TestAnotherAddressAtCronofy(t *testing.T) {
	t.Parallel()
	w := newOffice(t, sandbox.Options{Seed: 1})
	list := "email,access_token\n"
	for i, a := range w.Accounts() {
		list += []string{"one@list.test", "Alias." + a.Email, a.Email}[min(i/2, 2)] + "," + a.AccessToken.Reveal() + "\n"
	}
	require.NoError(t, os.WriteFile(w.path("list.csv"), []byte(list), 0o600))
	args := []string{"--accounts", w.path("list.csv"), "--json", "--out", w.path("out.jsonl"), "--continue"}
	require.NoError(t, w.command(args...).Run())
	first, err := os.ReadFile(w.path("out.jsonl"))
	require.NoError(t, err)
	for _, a := range w.Accounts() {
		require.Contains(t, string(first), a.Sub)
	}
	for range 2 {
		require.NoError(t, w.command(args...).Run())
	}
	again, err := os.ReadFile(w.path("out.jsonl"))
	require.NoError(t, err)
	require.Equal(t, string(first), string(again))
}

// TestAKilledRunLeavesNothing that the next one does not take away.
func TestAKilledRunLeavesNothing(t *testing.T) {
	t.Parallel()
	w := newOffice(t, sandbox.Options{Seed: 1, Faults: []sandbox.Fault{
		{Endpoint: sandbox.UserInfo, Account: "hana@example.test", Slow: time.Hour}}})
	args := []string{"--accounts", w.path("people.csv"), "--json", "--out", w.path("records.jsonl"), "--tokens-out", w.path("tokens.jsonl"), "--client-secret-file", w.path("secret.txt")}
	cmd := w.command(args...)
	require.NoError(t, cmd.Start())
	require.Eventually(t, func() bool { return w.Requests() >= 14 }, screentest.Patience, 10*time.Millisecond)
	require.NoError(t, cmd.Process.Kill())
	_ = cmd.Wait()
	w.Set()
	require.NoError(t, w.command(args...).Run())
	left, err := os.ReadDir(w.dir)
	require.NoError(t, err)
	for _, f := range left {
		require.NotRegexp(t, `\.tmp$|\.lock$`, f.Name())
	}
}

// TestOutOfAFIFO: neither waiting for its reader nor a full pipe keeps the program
// from heeding the first interrupt; and what is no file cannot be continued.
func TestOutOfAFIFO(t *testing.T) {
	t.Parallel()
	w := newOffice(t, sandbox.Options{Seed: 1, Accounts: 1000})
	fifo := w.path("fifo")
	require.NoError(t, syscall.Mkfifo(fifo, 0o600))
	args := []string{"--accounts", w.path("people.csv"), "--json", "--rate", "0", "--out", fifo}
	interrupted := func(cmd *exec.Cmd) {
		t.Helper()
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		require.NoError(t, cmd.Process.Signal(syscall.SIGINT))
		select {
		case err := <-ended:
			require.Equal(t, 130, exit(t, err))
		case <-time.After(screentest.Patience):
			_ = cmd.Process.Kill()
			t.Fatal("the first interrupt is not heeded")
		}
	}
	waiting := w.command(append(args, "--debug", w.path("debug.txt"))...)
	require.NoError(t, waiting.Start())
	require.Eventually(t, func() bool { // it has come as far as what it writes to
		_, err := os.Stat(w.path("debug.txt"))
		return err == nil
	}, screentest.Patience, 10*time.Millisecond)
	interrupted(waiting)

	reader, err := syscall.Open(fifo, syscall.O_RDONLY|syscall.O_NONBLOCK, 0) // and does not read
	require.NoError(t, err)
	defer syscall.Close(reader)
	filler, err := syscall.Open(fifo, syscall.O_WRONLY|syscall.O_NONBLOCK, 0)
	require.NoError(t, err)
	defer syscall.Close(filler)
	for err == nil {
		_, err = syscall.Write(filler, make([]byte, 4096))
	}
	const underWay = 30 // requests; no more than some 40 accounts are held while nothing can be written
	full := w.command(args...)
	require.NoError(t, full.Start())
	require.Eventually(t, func() bool { return w.Requests() >= underWay }, screentest.Patience, 10*time.Millisecond)
	interrupted(full)

	stdout, err := os.OpenFile(fifo, os.O_WRONLY, 0)
	require.NoError(t, err)
	defer stdout.Close()
	piped := w.command(args[:len(args)-2]...)
	piped.Stdout = stdout
	before := w.Requests()
	require.NoError(t, piped.Start())
	require.Eventually(t, func() bool { return w.Requests() >= before+underWay }, screentest.Patience, 10*time.Millisecond)
	interrupted(piped)

	for _, path := range []string{fifo, "/dev/zero", "/dev/stdout", "-"} {
		cmd := w.command("--accounts", w.path("people.csv"), "--json", "--out", path, "--continue")
		said, err := cmd.CombinedOutput() // a pipe
		require.Equal(t, 2, exit(t, err), path)
		require.Regexp(t, "--out: is not a regular file|--continue needs --out", string(said), path)
	}
	require.NoFileExists(t, "/dev/zero.lock")
}
