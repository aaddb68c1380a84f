//go:build unix

package command

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"confer/internal/testhost"
	"confer/keystore"
)

// clean fails when an artefact holds a canary.
func (g *cage) clean(name, text string, secrets []string) {
	g.t.Helper()
	require.NotEmpty(g.t, secrets)
	require.Empty(g.t, leaked(text, secrets), "%s holds secrets:\n%s", name, text)
}

// cleanFiles checks everything that is written under a folder.
func (g *cage) cleanFiles(dir string, secrets []string) (names []string) {
	g.t.Helper()
	require.NoError(g.t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		names = append(names, filepath.Base(path))
		g.clean(path, filepath.Base(path)+string(b), secrets)
		return err
	}))
	return names
}

// codes takes over what the browser has overheard.
func (g *cage) codes() {
	g.t.Helper()
	b, err := os.ReadFile(filepath.Join(g.seen, "final address"))
	require.NoError(g.t, err)
	for line := range strings.Lines(string(b)) {
		u, err := url.Parse(strings.TrimSpace(line))
		require.NoError(g.t, err)
		require.NotEmpty(g.t, u.Query().Get("code"))
		g.add("code", u.Query().Get("code"))
	}
}

// output is what a run without a terminal left.
type output struct{ stdout, stderr string }

func (g *cage) run(code int, in string, fd3 string, env []string, args ...string) output {
	g.t.Helper()
	cmd := exec.Command("confer-as-it-is", args...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "GORACE=" + os.Getenv("GORACE"), "DBUS_SESSION_BUS_ADDRESS=unix:path=" + filepath.Join(g.dir, "nobus")}, append(g.env, env...)...)
	cmd.Dir = g.dir
	cmd.Stdin = strings.NewReader(in)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if fd3 != "" {
		r, w, err := os.Pipe()
		require.NoError(g.t, err)
		defer r.Close()
		_, err = w.WriteString(fd3)
		require.NoError(g.t, err)
		require.NoError(g.t, w.Close())
		cmd.ExtraFiles = []*os.File{r}
	}
	err := cmd.Run()
	got := 0
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		require.NoError(g.t, err)
	}
	require.Equal(g.t, code, got, "stdout:\n%s\nstderr:\n%s", &out, &errs)
	return output{out.String(), errs.String()}
}

// TestCanaryUnattended: each way for a script to give the client secret, with
// every kind of output on.
func TestCanaryUnattended(t *testing.T) {
	t.Parallel()
	for name, way := range map[string]func(g *cage) (in string, env, args []string){
		"environment": func(*cage) (string, []string, []string) {
			// GOGC: a collection would close what was forgotten open.
			return "", []string{"CRONOFY_CLIENT_SECRET=" + canarySecret, "GOGC=off"}, []string{"--secret-store", "file", "--secret-passphrase-fd", "3"}
		},
		"standard input": func(*cage) (string, []string, []string) {
			return canarySecret + "\n", nil, []string{"--client-secret-file", "-", "--secret-store", "session"}
		},
		"file": func(g *cage) (string, []string, []string) {
			path := filepath.Join(g.t.TempDir(), "secret")
			require.NoError(g.t, os.WriteFile(path, []byte(canarySecret), 0o600))
			return "", nil, []string{"--client-secret-file", path, "--secret-store", "session"}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newCage(t)
			in, env, args := way(g)
			people, _ := g.people()
			args = append([]string{"setup", "--no-input", "--json", "--provider", "zoom_enterprise", "--redirect-uri", testhost.RedirectURI(t), "--accounts", people,
				"--debug", "debug.log", "--browser", "canary-browser"}, args...)
			passphrase := ""
			if slices.Contains(args, "--secret-passphrase-fd") {
				passphrase = canaryPassphrase + "\n"
			}
			got := g.run(0, in, passphrase, env, args...)
			g.codes()
			for _, what := range []string{"access_token", "refresh_token", linkToken, "code", "account tokens"} {
				require.NotEmpty(t, g.get(what), what)
			}
			events := strings.SplitN(got.stdout, "\n", 2)
			require.Contains(t, events[0], `"event":"authorize"`)
			require.NotEmpty(t, leaked(events[0], g.get(linkToken)), "the link holds its token")
			g.clean("authorize event", events[0], g.all(linkToken))
			g.clean("later events", events[1], g.all())
			g.clean("standard error", got.stderr, g.all())
			require.Subset(t, g.cleanFiles(g.dir, g.all()), []string{"links.json", "debug.log"})
			g.cleanBrowser()
			if passphrase != "" {
				sealed, err := os.ReadFile(filepath.Join(g.dir, "confer", secretsFile))
				require.NoError(t, err)
				require.Regexp(t, fmt.Sprintf(`^age-encryption.org/v1\n-> scrypt \S+ %d\n`, keystore.DefaultWorkFactor), string(sealed))
			}
		})
	}
}

// cleanBrowser checks what a browser is given and shown. The short link's answer
// is the one place that holds the link token.
func (g *cage) cleanBrowser() {
	g.t.Helper()
	for _, name := range []string{"browser argv", "browser environ", "process cmdline", "confer page", "short link"} {
		b, err := os.ReadFile(filepath.Join(g.seen, name))
		require.NoError(g.t, err, name)
		secrets := g.all()
		if name == "short link" {
			secrets = g.all(linkToken)
		}
		g.clean(name, string(b), secrets)
	}
	b, err := os.ReadFile(filepath.Join(g.seen, "browser descriptors"))
	require.NoError(g.t, err)
	if got := strings.TrimSpace(string(b)); got != "" { // the tests may have been started with some
		require.Subset(g.t, descriptorsFromOutside(), strings.Split(got, "\n"), "a browser inherits what was opened for confer")
	}
}

// wizard starts one in a terminal, on a state folder of the cage.
func (g *cage) wizard(args ...string) *terminal {
	g.t.Helper()
	return startTerminal(g.t, terminalOptions{width: 120, height: 40, env: g.env}, append([]string{"--redirect-uri", testhost.RedirectURI(g.t), "--debug", filepath.Join(g.dir, "debug.log")}, args...)...)
}

// secret types one and waits until it is drawn, masked, as the nth of its length
// on the screen: what is never drawn proves nothing.
func (x *terminal) secret(text string, nth int) {
	x.t.Helper()
	x.press(text)
	typed := strings.TrimSuffix(strings.TrimPrefix(text, "\x1b[200~"), "\x1b[201~")
	x.when(func(screen string) bool {
		require.Empty(x.t, leaked(screen, []string{typed}))
		return strings.Count(screen, strings.Repeat("•", len(typed))) >= nth
	}, "masked text")
}

// secretToStore types the secrets, up to the page of the service account.
func (x *terminal) secretToStore() {
	x.until(onApplication, "Client secret")
	x.secret(canarySecret, 1)
	x.press(enter)
	x.until(onStore)
	x.press("3" + enter) // the encrypted file, in case the number alone only points
	x.until("Repeat the passphrase")
	x.secret(canaryPassphrase, 1)
	x.press(enter)
	x.secret(canaryPassphrase, 2)
	x.press(enter)
	x.to(onServiceAccount)
}

func (x *terminal) toAuthorizePage() {
	x.press(enter)
	x.to(onAuthorize)
}

// TestCanaryTyped: everything that is typed or pasted into the wizard.
func TestCanaryTyped(t *testing.T) {
	t.Parallel()
	g := newCage(t)
	_, tokens := g.people()
	x := g.wizard("--browser", "none")
	x.secretToStore()
	x.toAuthorizePage()
	x.press(enter)
	x.until(onWaiting)
	g.clean("terminal before u", x.Raw(), g.all())
	x.press("u")
	link := x.rawLink()
	require.NotEmpty(t, leaked(link, g.get(linkToken)), "the link holds its token")
	x.until("Any key")
	x.press(enter)
	x.until(onWaiting)
	final, err := url.Parse(approveElsewhere(t, link))
	require.NoError(t, err)
	g.add("code", final.Query().Get("code"))
	x.press("\x1b[200~" + final.String() + "\x1b[201~")
	x.until(onPaste)
	x.press(enter)
	x.to(onLinked)
	x.press("2" + enter)
	x.until("One access token")
	x.secret("\x1b[200~"+tokens[0]+"\x1b[201~", 1)
	x.press(enter)
	x.until("1 connected")
	x.press(ctrlC)
	g.clean("terminal", x.exits(0), g.all(linkToken))
	require.Subset(t, g.cleanFiles(g.dir, g.all()), []string{"links.json", "secrets.age", "debug.log"})
}

// TestCanaryPanicInTheWizard: a mistake in a task leaves the wizard and the
// terminal whole.
func TestCanaryPanicInTheWizard(t *testing.T) {
	t.Parallel()
	x := startTerminal(t, terminalOptions{command: "confer-crash"}, "task", testhost.RedirectURI(t))
	x.toAuthorize()
	x.press(enter)
	x.until("Something unexpected went wrong")
	x.press(ctrlC)
	require.Empty(t, leaked(x.exits(130), []string{canarySecret}))
}

// TestCanaryPanicWhileDrawing: the terminal is given back, and then told what
// happened.
func TestCanaryPanicWhileDrawing(t *testing.T) {
	t.Parallel()
	x := startTerminal(t, terminalOptions{command: "confer-crash"}, "drawing", testhost.RedirectURI(t))
	raw := x.exits(1)
	require.Contains(t, raw, "confer crashed (*errors.errorString)")
	require.Contains(t, raw, "panicsWhileDrawing", "the stack tells where")
	require.Empty(t, leaked(raw, []string{canarySecret}))
}

// TestCanaryDumps: a signal that would have Go write down its goroutines, while the
// wizard holds every secret, ends it as any other does. The terminal is given back.
func TestCanaryDumps(t *testing.T) {
	t.Parallel()
	for name, sig := range map[string]syscall.Signal{"SIGQUIT": syscall.SIGQUIT, "SIGABRT": syscall.SIGABRT} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newCage(t)
			x := g.wizard("--browser", "none")
			x.secretToStore()
			x.toAuthorizePage()
			x.press(enter)
			x.until(onWaiting)
			require.NoError(t, x.cmd.Process.Signal(sig))
			raw := x.exits(130)
			// As Go writes them. The race detector may have its own word on Bubble Tea,
			// which closes a terminal that is still read when its context ends.
			require.NotRegexp(t, `goroutine \d+ (gp=|\[)`, raw)
			g.clean("dump", raw, g.all())
			g.cleanFiles(g.dir, g.all())
		})
	}
}
