package command

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"confer/cronofy"
	"confer/cronofy/sandbox"
	"confer/internal/golden"
	"confer/internal/testhost"
)

func TestMain(m *testing.M) {
	// A program with the race detector ends a second late, and the tests start hundreds.
	if err := os.Setenv("GORACE", cmp.Or(os.Getenv("GORACE"), "atexit_sleep_ms=10")); err != nil {
		panic(err)
	}
	// These tests mostly wait for other programs; -parallel says otherwise.
	if err := flag.Set("test.parallel", strconv.Itoa(3*runtime.GOMAXPROCS(0))); err != nil {
		panic(err)
	}
	workFactor = 10 // also in the programs below, which are this one
	testscript.Main(m, map[string]func(){
		"confer":           func() { os.Exit(Main("")) },
		"confer-as-it-is":  func() { workFactor = 0; os.Exit(Main("")) },
		"browser":          func() { browserCommand(sandbox.Approve) },
		"refuser":          func() { browserCommand(sandbox.Deny) },
		"chromium-approve": chromiumApprove,
		"chromium-deny":    chromiumDeny,
		"canary-browser":   canaryBrowser,
		"confer-crash":     crashCommand,
	})
}

// browserCommand is a browser as --browser starts one: it is given an address.
func browserCommand(d sandbox.Decision) {
	if err := sandbox.Browser(context.Background(), http.DefaultClient, os.Args[len(os.Args)-1], d); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// TestScripts runs the whole program as its users' scripts do. Each script has
// a home of its own; the command "cronofy" gives it a server that speaks the
// API, by the two environment variables for base URLs.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "../../testdata/script",
		RequireExplicitExec: true,
		UpdateScripts:       golden.Update(),
		Setup: func(e *testscript.Env) error {
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("XDG_STATE_HOME", filepath.Join(e.WorkDir, "state"))
			e.Setenv("XDG_RUNTIME_DIR", e.WorkDir)
			e.Setenv("TERM", "xterm-256color")
			e.Setenv("GORACE", os.Getenv("GORACE"))
			e.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path="+filepath.Join(e.WorkDir, "nobus"))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"freeport":  freePort,
			"busyport":  busyPort,
			"cronofy":   startCronofy,
			"company":   startCompany,
			"silent":    silent,
			"exits":     exits,
			"validates": validates,
		},
	})
}

// schema is what docs/schema.json says of a line of JSON.
var schema = sync.OnceValues(func() (*jsonschema.Schema, error) {
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	return c.Compile("../../docs/schema.json")
})

// validates: each line that the last command wrote is as docs/schema.json says.
func validates(ts *testscript.TestScript, _ bool, _ []string) {
	s, err := schema()
	ts.Check(err)
	for line := range strings.Lines(ts.ReadFile("stdout")) {
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(line))
		ts.Check(err)
		if err := s.Validate(v); err != nil {
			ts.Fatalf("%s\n%v", line, err)
		}
	}
}

// exits CODE COMMAND ARG...: runs a command that must end with that exit code.
func exits(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// freePort NAME: sets NAME to a redirect URI on a port that was free just now, and
// NAMEADDR to its host:port.
func freePort(ts *testscript.TestScript, _ bool, args []string) {
	addr, err := testhost.Address()
	ts.Check(err)
	uri := "http://" + addr + "/callback"
	ts.Setenv(args[0], uri)
	ts.Setenv(args[0]+"Q", url.QueryEscape(uri))
	ts.Setenv(args[0]+"ADDR", addr)
}

// busyPort NAME: sets NAME to a redirect URI on a port that stays taken, and
// NAMEADDR to its host:port.
func busyPort(ts *testscript.TestScript, _ bool, args []string) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	ts.Check(err)
	ts.Setenv(args[0], "http://"+l.Addr().String()+"/callback")
	ts.Setenv(args[0]+"ADDR", l.Addr().String())
	ts.Defer(func() { _ = l.Close() })
}

// silent NAME: sets NAME to a base URL that answers everything with HTML.
func silent(ts *testscript.TestScript, _ bool, args []string) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	ts.Check(err)
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<html>Please log in to the guest network \x1b[31m")
	})}
	go func() { _ = srv.Serve(l) }()
	ts.Setenv(args[0], "http://"+l.Addr().String())
	ts.Defer(func() { _ = srv.Close() })
}

// startCronofy serves the API and sets what leads to it: CRONOFY_API_URL,
// CRONOFY_APP_URL, CRONOFY_CLIENT_ID, CONFER_SERVICE_ACCOUNT, and the files
// secret.txt and people.csv. With "unchecked" the check of the application
// answers with HTML.
func startCronofy(ts *testscript.TestScript, _ bool, args []string) {
	o := sandbox.Options{Seed: 1}
	var faults []sandbox.Fault
	for _, a := range args {
		switch {
		case a == "production":
			o.PermittedRedirectURIs = []string{"https://app.example.test/done"}
		case a == "unchecked":
			faults = append(faults, sandbox.Fault{Endpoint: sandbox.Refresh, Body: sandbox.HTMLBody})
		default:
			ts.Fatalf("unknown argument %s", a)
		}
	}
	s := sandbox.New(o)
	s.Set(faults...)
	ts.Check(s.Start())
	ts.Defer(func() { _ = s.Close() })
	c := s.Credentials()
	ts.Setenv("CRONOFY_API_URL", s.APIURL())
	ts.Setenv("CRONOFY_APP_URL", s.AppURL())
	ts.Setenv("CRONOFY_CLIENT_ID", c.ClientID)
	ts.Setenv("CONFER_SERVICE_ACCOUNT", c.ServiceAccountID)
	ts.Check(os.WriteFile(ts.MkAbs("secret.txt"), []byte(c.ClientSecret.Reveal()+"\n"), 0o600))
	var people strings.Builder
	ts.Check(s.AccountsCSV(&people))
	ts.Check(os.WriteFile(ts.MkAbs("people.csv"), []byte(people.String()), 0o600))
}

func TestPlace(t *testing.T) {
	t.Parallel()
	de, _ := cronofy.FindDataCenter("de")
	require.Equal(t, "de", place(de.Site()))
	over, err := de.Site().Override("https://api.example.test:8443", "")
	require.NoError(t, err)
	require.Equal(t, "api.example.test:8443", place(over))
	over.Sandbox = true
	require.Equal(t, "de", place(over))
}

// approveElsewhere approves at the sandbox in a browser that cannot come back,
// and gives the address that it would end on.
func approveElsewhere(t *testing.T, authorizeURL string) string {
	t.Helper()
	final, err := sandbox.FinalAddress(t.Context(), authorizeURL, sandbox.Approve)
	require.NoError(t, err)
	return final
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// home is an environment in which nothing of the machine's user is found.
func home(t testing.TB) []string {
	t.Helper()
	dir := t.TempDir()
	env := []string{"HOME=" + dir, "XDG_STATE_HOME=" + dir, "XDG_RUNTIME_DIR=" + dir, "TERM=xterm-256color",
		"DBUS_SESSION_BUS_ADDRESS=unix:path=" + filepath.Join(dir, "nobus")}
	for _, name := range []string{"PATH", "TMPDIR", "GOCOVERDIR", "GORACE", "CHROMIUM"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}
