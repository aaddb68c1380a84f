package command

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"confer/cronofy"
	"confer/cronofy/sandbox"
	"confer/flow"
	"confer/internal/crash"
	"confer/ui"
)

// canaries are the secrets of one run by what they are: those that are typed or
// given are chosen by the test, those that Cronofy gives are overheard.
type canaries struct {
	mu    sync.Mutex
	known map[string][]string
}

const linkToken = "link_token" // the one that is meant to be seen, in the link

func (c *canaries) add(what string, secrets ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil {
		c.known = map[string][]string{}
	}
	c.known[what] = append(c.known[what], secrets...)
}

func (c *canaries) get(what string) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]string(nil), c.known[what]...)
}

func (c *canaries) all(except ...string) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []string
next:
	for what, secrets := range c.known {
		for _, e := range except {
			if e == what {
				continue next
			}
		}
		out = append(out, secrets...)
	}
	return out
}

// cage is a Cronofy whose answers are overheard, and the folder of a run.
type cage struct {
	t      *testing.T
	server *sandbox.Server
	canaries
	dir  string
	seen string // where the browser notes what it sees
	env  []string
}

const (
	canarySecret     = "CRN_canary-client-secret-Zq81vXkP"
	canaryPassphrase = "canary passphrase Wj52 tLmQ"
)

var tokenMember = regexp.MustCompile(`"([a-z_]*token)"\s*:\s*"([^"]+)"`)

func newCage(t *testing.T) *cage {
	t.Helper()
	g := &cage{t: t, dir: t.TempDir(), seen: t.TempDir()}
	g.server = sandbox.New(sandbox.Options{ClientSecret: cronofy.NewSecret(canarySecret)})
	require.NoError(t, g.server.Start())
	t.Cleanup(func() { require.NoError(t, g.server.Close()) })
	api := httptest.NewServer(g.overheard(g.server.APIURL()))
	t.Cleanup(api.Close)
	c := g.server.Credentials()
	g.env = []string{"HOME=" + g.dir, "XDG_STATE_HOME=" + g.dir, "XDG_RUNTIME_DIR=" + g.dir, "TMPDIR=" + t.TempDir(),
		"CRONOFY_API_URL=" + api.URL, "CRONOFY_APP_URL=" + g.server.AppURL(), "CRONOFY_CLIENT_ID=" + c.ClientID,
		"CONFER_SERVICE_ACCOUNT=" + c.ServiceAccountID, "CANARY_BROWSER_NOTES=" + g.seen, "CANARY_APP_URL=" + g.server.AppURL()}
	g.add("client secret", canarySecret)
	g.add("passphrase", canaryPassphrase)
	return g
}

// overheard passes requests on and notes the tokens in the answers.
func (g *cage) overheard(to string) http.Handler {
	target, err := url.Parse(to)
	require.NoError(g.t, err)
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) },
		ModifyResponse: func(r *http.Response) error {
			b, err := io.ReadAll(r.Body)
			if err != nil {
				return err
			}
			for _, m := range tokenMember.FindAllSubmatch(b, -1) {
				what := string(m[1])
				if what != "access_token" && what != "refresh_token" {
					what = linkToken
				}
				g.add(what, string(m[2]))
			}
			r.Body = io.NopCloser(bytes.NewReader(b))
			return nil
		},
	}
}

// people is the list of the sandbox's accounts; their tokens are canaries.
func (g *cage) people() (path string, tokens []string) {
	g.t.Helper()
	var b strings.Builder
	require.NoError(g.t, g.server.AccountsCSV(&b))
	head, rows, _ := strings.Cut(b.String(), "\n")
	at := -1
	for i, column := range strings.Split(head, ",") {
		if strings.TrimSpace(column) == "access_token" {
			at = i
		}
	}
	require.GreaterOrEqual(g.t, at, 0)
	for row := range strings.Lines(rows) {
		tokens = append(tokens, strings.TrimSpace(strings.Split(row, ",")[at]))
	}
	g.add("account tokens", tokens...)
	path = filepath.Join(g.t.TempDir(), "people.csv")
	require.NoError(g.t, os.WriteFile(path, []byte(b.String()), 0o600))
	return path, tokens
}

// canaryBrowser is a browser that notes how it was started, what other processes
// show, and every page that comes from confer, and approves meanwhile.
func canaryBrowser() {
	notes := os.Getenv("CANARY_BROWSER_NOTES")
	note := func(name, text string) {
		f, err := os.OpenFile(filepath.Join(notes, name), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
		if err == nil {
			_, err = f.WriteString(text + "\n")
			_ = f.Close()
		}
		if err != nil {
			panic(err)
		}
	}
	note("browser descriptors", strings.Join(descriptorsFromOutside(), "\n"))
	note("browser argv", strings.Join(os.Args, "\n"))
	note("browser environ", strings.Join(os.Environ(), "\n"))
	lines, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range lines {
		if b, err := os.ReadFile(file); err == nil && bytes.Contains(b, []byte("confer")) {
			note("process cmdline", string(b))
		}
	}
	app := os.Getenv("CANARY_APP_URL")
	client := &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil || strings.HasPrefix(r.URL.String(), app) {
			if err == nil && strings.Contains(resp.Header.Get("Location"), "code=") {
				note("final address", resp.Header.Get("Location"))
			}
			return resp, err
		}
		b, err := io.ReadAll(resp.Body)
		resp.Body = io.NopCloser(bytes.NewReader(b))
		name := "confer page"
		if strings.HasPrefix(resp.Header.Get("Location"), app) {
			name = "short link" // it leads to the link, which holds the link token
		}
		note(name, r.URL.Path+"\n"+headerText(resp.Header)+string(b))
		return resp, err
	})}
	if err := sandbox.Browser(context.Background(), client, os.Args[len(os.Args)-1], sandbox.Approve); err != nil {
		note("browser failed", err.Error())
	}
}

// descriptorsFromOutside are the open files that a program was started with beside
// the usual three: what it opens itself is closed on exec. Empty where there is
// no /proc.
func descriptorsFromOutside() (out []string) {
	files, _ := filepath.Glob("/proc/self/fd/*")
	for _, file := range files {
		fd, err := strconv.Atoi(filepath.Base(file))
		if target, _ := os.Readlink(file); err == nil && fd > 2 && inherited(fd) {
			out = append(out, filepath.Base(file)+" "+target)
		}
	}
	return out
}

func headerText(h http.Header) string {
	var b strings.Builder
	_ = h.Write(&b)
	return b.String()
}

// crashCommand is confer with a mistake in it: where the first argument says, it
// panics with a value that holds a secret.
func crashCommand() {
	harden()
	defer exitOnPanic(os.Stderr)
	s := streams{panicReader{}, os.Stdout, os.Stderr}
	env := readEnvironment(os.LookupEnv, os.Unsetenv)
	if os.Args[1] == "reading" {
		os.Exit(run(context.Background(), []string{"setup", "--sandbox", "--no-input", "--client-secret-file", "-"}, s))
	}
	f := newSettings()
	f.setupFlags(&cobra.Command{})
	f.sandbox, f.redirectURI = true, os.Args[2]
	w, err := newWiring(context.Background(), f, env, s)
	if err != nil {
		os.Exit(exitCode(err, os.Stderr))
	}
	switch os.Args[1] {
	case "task":
		w.runner.OpenURL = func(string) error { panic(errors.New(canarySecret)) }
		err = setupWizard(context.Background(), w, false, streams{os.Stdin, os.Stdout, os.Stderr}, env)
	case "drawing":
		cfg := ui.Config{State: flow.Start(w.known), Tasks: flow.NewTasks(w.runner), Now: panicsWhileDrawing, Input: os.Stdin, Output: os.Stdout}
		_, err = ui.Run(context.Background(), cfg)
		var caught *crash.Error
		if errors.As(err, &caught) {
			sayCrash(os.Stderr, caught)
			err = exitWith(flow.ExitFailed)
		}
	}
	w.close()
	os.Exit(exitCode(err, os.Stderr))
}

// panicsWhileDrawing is a clock that fails where the screen is drawn.
func panicsWhileDrawing() time.Time {
	if strings.Contains(string(debug.Stack()), ".View(") {
		panic(errors.New(canarySecret))
	}
	return time.Now()
}

type panicReader struct{}

func (panicReader) Read([]byte) (int, error) { panic(errors.New(canarySecret)) }

// TestCanaryPanic: of a panic's value only the type is told.
func TestCanaryPanic(t *testing.T) {
	t.Parallel()
	cmd := exec.Command("confer-crash", "reading")
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "GORACE=" + os.Getenv("GORACE"), "HOME=" + t.TempDir(), "CRONOFY_CLIENT_SECRET=" + canarySecret}
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit)
	require.Equal(t, 1, exit.ExitCode())
	require.Contains(t, string(out), "confer: error: confer crashed (*errors.errorString). This is a mistake in confer\n"+
		"confer: hint: the lines below hold no secret: please report them\n")
	require.Contains(t, string(out), "canary_server_test.go", "the stack tells where")
	require.Empty(t, leaked(string(out), []string{canarySecret}))
}

// TestEnvironmentSecretIsRemoved: no child inherits it, whoever starts one.
func TestEnvironmentSecretIsRemoved(t *testing.T) {
	t.Parallel()
	env := map[string]string{"CRONOFY_CLIENT_SECRET": canarySecret, "CRONOFY_CLIENT_ID": "id"}
	e := readEnvironment(func(name string) (string, bool) { v, ok := env[name]; return v, ok }, func(name string) error { delete(env, name); return nil })
	require.Equal(t, canarySecret, e.clientSecret.Reveal())
	require.Equal(t, map[string]string{"CRONOFY_CLIENT_ID": "id"}, env)
}

// leaked gives the secrets that a text holds, in any of the forms that they take
// on their way through a program.
func leaked(text string, secrets []string) []string {
	squeeze := func(s string) string { return strings.Join(strings.Fields(s), "") }
	plain := text + "\n" + squeeze(ansi.Strip(text)) // a terminal wraps, and moves in between
	var out []string
	for _, s := range secrets {
		quoted, _ := json.Marshal(s)
		for _, form := range []string{s, squeeze(s), url.QueryEscape(s), url.PathEscape(s), string(quoted[1 : len(quoted)-1]), hex.EncodeToString([]byte(s)),
			base64.StdEncoding.EncodeToString([]byte(s)), base64.RawURLEncoding.EncodeToString([]byte(s))} {
			if strings.Contains(plain, form) {
				out = append(out, s)
				break
			}
		}
	}
	return out
}

func TestLeakedFindsEachForm(t *testing.T) {
	t.Parallel()
	const secret = "CRN_a+b/c d\"e\u00e9"
	quoted, err := json.Marshal(secret)
	require.NoError(t, err)
	for _, text := range []string{secret, url.QueryEscape(secret), string(quoted), hex.EncodeToString([]byte(secret)), base64.StdEncoding.EncodeToString([]byte(secret)),
		"CRN_a+\x1b[31mb/\r\n\x1b[3Cc d\"e\u00e9"} {
		require.Equal(t, []string{secret}, leaked("before "+text+" after", []string{"another", secret}), "%q", text)
	}
	require.Empty(t, leaked("CRN_a+b/c", []string{secret}))
}
