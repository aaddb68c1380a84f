package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"

	"confer/cronofy"
	"confer/cronofy/sandbox"
	"confer/flow"
	"confer/internal/links"
	"confer/internal/testhost"
	"confer/keystore"
)

// TestKeyringScripts runs the program with the keyring of the session, which
// .ci/with-keyring.sh makes.
func TestKeyringScripts(t *testing.T) {
	t.Parallel()
	if os.Getenv("CONFER_TEST_KEYRING") == "" {
		t.Skip("CONFER_TEST_KEYRING is not set")
	}
	require.NotEmpty(t, os.Getenv("GK"), "not run under .ci/with-keyring.sh")
	of := func(do func(*keyringScript, *testscript.TestScript, []string)) func(*testscript.TestScript, bool, []string) {
		return func(ts *testscript.TestScript, _ bool, args []string) {
			do(ts.Value("keyring").(*keyringScript), ts, args)
		}
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "../../testdata/keyring",
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("XDG_STATE_HOME", filepath.Join(e.WorkDir, "state"))
			e.Setenv("TERM", "xterm-256color")
			e.Setenv("GORACE", os.Getenv("GORACE"))
			k := &keyringScript{}
			e.Values["keyring"], e.Values["home"] = k, &k.linkedHome
			for _, name := range []string{"DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR"} {
				e.Setenv(name, os.Getenv(name))
			}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"freeport": freePort, "exits": exits, "cronofy": of((*keyringScript).start), "together": together,
			"works": of((*keyringScript).works), "revocations": revocations, "seed": of((*keyringScript).seed),
		},
	})
}

// keyringScript has the sandbox of a script.
type keyringScript struct{ linkedHome }

func (k *keyringScript) start(ts *testscript.TestScript, _ []string) {
	k.server = sandbox.New(sandbox.Options{Switches: sandbox.Switches{RotateRefreshTokens: true}})
	ts.Check(k.server.Start())
	ts.Defer(k.stop)
	c := k.server.Credentials()
	host := strings.TrimPrefix(k.server.APIURL(), "http://")
	for name, value := range map[string]string{
		"CRONOFY_API_URL": k.server.APIURL(), "CRONOFY_APP_URL": k.server.AppURL(),
		"CRONOFY_CLIENT_ID": c.ClientID, "CONFER_SERVICE_ACCOUNT": c.ServiceAccountID,
		"TOKENKEY":   keystore.Key(host, c.ClientID, c.ServiceAccountID, "zoom_enterprise", "refresh_token"),
		"SECRETKEY":  keystore.Key(host, c.ClientID, "client_secret"),
		"SERVICEKEY": keystore.Key(host, c.ClientID, c.ServiceAccountID, "service_account", "refresh_token"),
	} {
		ts.Setenv(name, value)
	}
	ts.Check(os.WriteFile(ts.MkAbs("secret.txt"), []byte(c.ClientSecret.Reveal()), 0o600))
}

// together N COMMAND ARG...: runs a command N times at once; all must succeed.
func together(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	path, err := exec.LookPath(args[1])
	ts.Check(err)
	var all sync.WaitGroup
	outs, errs := make([][]byte, n), make([]error, n)
	for i := range n {
		all.Go(func() {
			c := exec.Command(path, args[2:]...)
			c.Dir, c.Env = ts.MkAbs("."), []string{}
			for _, name := range []string{"HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS", "PATH", "GORACE"} {
				c.Env = append(c.Env, name+"="+ts.Getenv(name))
			}
			outs[i], errs[i] = c.CombinedOutput()
		})
	}
	all.Wait()
	for i, err := range errs {
		if err != nil {
			ts.Fatalf("run %d: %v\n%s", i, err, outs[i])
		}
	}
}

// works FILE: the exported refresh token is one that Cronofy takes. It is spent.
func (k *keyringScript) works(ts *testscript.TestScript, args []string) {
	var h struct {
		APIURL       string `json:"api_url"`
		ClientID     string `json:"client_id"`
		RefreshToken string `json:"refresh_token"`
	}
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &h))
	site, err := cronofy.DataCenters()[0].Site().Override(h.APIURL, "")
	ts.Check(err)
	client := cronofy.New(site, cronofy.App{ClientID: h.ClientID, ClientSecret: k.server.Credentials().ClientSecret}, cronofy.Options{})
	_, err = client.Refresh(context.Background(), cronofy.NewSecret(h.RefreshToken))
	ts.Check(err)
}

// seed lists a service account as if it had been authorized here, with its token
// and the client secret in the keyring.
func (k *keyringScript) seed(ts *testscript.TestScript, _ []string) {
	c := k.server.Credentials()
	k.put(ts, "SERVICEKEY")
	k.put(ts, "SECRETKEY")
	f := links.Open(filepath.Join(ts.Getenv("XDG_STATE_HOME"), "confer", "links.json"))
	ts.Check(f.Update(context.Background(), func(all *links.Contents) {
		all.AddServiceAccount(links.ServiceAccount{DataCenter: "us", APIHost: strings.TrimPrefix(k.server.APIURL(), "http://"),
			ClientID: c.ClientID, ID: c.ServiceAccountID, Store: "keyring", Authorized: time.Now()})
	}))
}

// put stores something under the key that a variable names.
func (k *keyringScript) put(ts *testscript.TestScript, name string) {
	path, err := exec.LookPath("secret-tool")
	ts.Check(err)
	store := exec.Command(path, "store", "--label", "x", "service", keystore.Service, "username", ts.Getenv(name))
	store.Stdin = strings.NewReader("something")
	ts.Check(store.Run())
}

const testPassphrase = "correct horse battery"

// TestLinkScripts runs the program with a link whose secrets are in a file. The
// command "linked" makes it, with a passphrase that costs little to use.
func TestLinkScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "../../testdata/links",
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("XDG_STATE_HOME", filepath.Join(e.WorkDir, "state"))
			e.Setenv("XDG_RUNTIME_DIR", e.WorkDir)
			e.Setenv("TERM", "xterm-256color")
			e.Setenv("GORACE", os.Getenv("GORACE"))
			e.Values["home"] = &linkedHome{}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "revocations": revocations,
			"linked": func(ts *testscript.TestScript, _ bool, _ []string) {
				h := ts.Value("home").(*linkedHome)
				ts.Check(h.start(filepath.Join(ts.Getenv("XDG_STATE_HOME"), "confer")))
				ts.Defer(h.stop)
			},
		},
	})
}

// revocations N: so often was Cronofy asked to revoke.
func revocations(ts *testscript.TestScript, _ bool, args []string) {
	if got := strconv.Itoa(ts.Value("home").(*linkedHome).revocations()); got != args[0] {
		ts.Fatalf("%s revocations, want %s", got, args[0])
	}
}

// linkedHome is a sandbox, and a state folder with a link to it.
type linkedHome struct{ server *sandbox.Server }

func (h *linkedHome) stop() { _ = h.server.Close() }

func (h *linkedHome) revocations() (n int) {
	for _, r := range h.server.Log() {
		if r.Path == "/oauth/token/revoke" {
			n++
		}
	}
	return n
}

// fileStores gives one encrypted file whatever is asked for.
type fileStores struct{ file *keystore.FileStore }

func (fileStores) Probe(context.Context) keystore.Status { return keystore.Status{} }
func (s fileStores) Open(keystore.Kind, cronofy.Secret) (keystore.Store, error) {
	return s.file, nil
}

// start links for real, with the code of the wizard.
func (h *linkedHome) start(folder string) error {
	h.server = sandbox.New(sandbox.Options{})
	if err := h.server.Start(); err != nil {
		return err
	}
	addr, err := testhost.Address()
	if err != nil {
		return err
	}
	var visits sync.WaitGroup
	defer visits.Wait()
	r := &flow.Runner{
		NewClient: func(site cronofy.Site, app cronofy.App, _ func(cronofy.Wait)) *cronofy.Client {
			return cronofy.New(site, app, cronofy.Options{HTTP: http.DefaultClient, Names: cronofy.DefaultNames()})
		},
		Stores: fileStores{keystore.OpenFile(filepath.Join(folder, secretsFile), func(context.Context) (string, error) { return testPassphrase, nil }, 1)},
		Links:  links.Open(filepath.Join(folder, "links.json")),
		OpenURL: func(url string) error {
			visits.Go(func() { _ = sandbox.Browser(context.Background(), http.DefaultClient, url, sandbox.Approve) })
			return nil
		},
	}
	c := h.server.Credentials()
	last := flow.Unattended(context.Background(), r, flow.Initial{
		Answers: flow.Answers{Site: h.server.Site(cronofy.DataCenters()[3]), ClientID: c.ClientID, ClientSecret: c.ClientSecret, ServiceAccount: c.ServiceAccountID,
			Provider: cronofy.Webex, Label: "Acme", RedirectURI: "http://" + addr + "/callback"},
		Store: flow.Store{Kind: keystore.File, Passphrase: cronofy.NewSecret(testPassphrase)},
	}, nil, func(flow.State, flow.Event) {})
	if last.Problem != nil {
		return last.Problem.Err
	}
	return nil
}

// TestLinkWords: each sentence for an error of work on a link, with what to do
// and the exit code.
func TestLinkWords(t *testing.T) {
	t.Parallel()
	locked := &keystore.Error{Op: "get", Store: keystore.Keyring, Err: keystore.ErrLocked, Status: keystore.Status{State: keystore.Locked}}
	for _, c := range []struct {
		err           error
		summary, hint string
		code          string
		exit          int
	}{
		{links.ErrNoToken, "no token of its own", "confer setup", flow.CodeSecretStore, 1},
		{links.ErrGone, "kept in memory", "confer setup", flow.CodeSecretStore, 1},
		{links.ErrMissing, "not in the store any more", "confer setup", flow.CodeSecretStore, 1},
		{links.ErrNoSecret, "client secret is not in the store", "CRONOFY_CLIENT_SECRET", flow.CodeUsage, 2},
		{links.ErrBusy, "Another confer", "Try again", flow.CodeSecretStore, 1},
		{links.ErrSite, "data center of this link", "confer setup", flow.CodeUsage, 1},
		{&links.NotStoredError{Err: locked}, "the store did not take it", "confer setup", flow.CodeSecretStore, 1},
		{locked, "keyring is locked", "Unlock it and try again.", flow.CodeSecretStore, 1},
		{&keystore.Error{Store: keystore.File, Err: keystore.ErrNoPassphrase, Cause: errNoPassphrase}, "needs its passphrase", "--secret-passphrase-fd", flow.CodeSecretStore, 1},
		{&keystore.Error{Store: keystore.File, Err: keystore.ErrPassphrase, Path: "/x/secrets.age"}, "does not open", "If it is lost, begin a new file: move away /x/secrets.age.", flow.CodeSecretStore, 1},
		{&keystore.Error{Store: keystore.File, Err: keystore.ErrDamaged, Path: "/x/secrets.age"}, "damaged", "secrets.age", flow.CodeSecretStore, 1},
		{&keystore.Error{Store: keystore.Keyring, Err: keystore.ErrUnavailable, Status: keystore.Status{State: keystore.Silent}}, "does not answer", "confer doctor", flow.CodeSecretStore, 1},
		{&fs.PathError{Op: "read", Path: "links.json", Err: fmt.Errorf("%w (mode 0666)", links.ErrUnsafe)}, "list of links cannot be used: read links.json: not a private file (mode 0666)", "confer doctor", flow.CodeSecretStore, 1},
		{&fs.PathError{Op: "read", Path: "/x/links.json", Err: links.ErrNewer}, "written by a newer confer: /x/links.json", "that version", flow.CodeSecretStore, 1},
		{&cronofy.Error{Op: "refresh token", Status: 400, Code: "invalid_grant"}, "no longer accepts confer's token", "nothing about the link itself", "invalid_grant", 4},
		{&cronofy.Error{Op: "refresh token", Status: 401, Code: "invalid_client"}, "client id and secret", "Check both", "invalid_client", 4},
		{&cronofy.NetworkError{Op: "refresh token", Host: "api.example.test", Kind: cronofy.NetworkReset, Sent: true}, "broke off", "It is not known whether Cronofy replaced the token", flow.CodeNetwork, 1},
		{&cronofy.NetworkError{Op: "refresh token", Host: "api.example.test", Kind: cronofy.NetworkDNS}, "could not be found", "Check the network", flow.CodeNetwork, 1},
		{context.Canceled, "Cancelled", "", flow.CodeCancelled, 130},
	} {
		p := explainLink(c.err)
		require.Contains(t, p.Summary, c.summary)
		require.Contains(t, p.Hint, c.hint)
		require.Equal(t, c.code, p.Code, c.err)
		require.Equal(t, c.exit, p.Exit, c.err)
		require.NotContains(t, p.Hint, "--secret-store session", "a hint of the wizard: %v", c.err)
	}
}

func TestWhereaboutsHasWordsForEachState(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, s := range []links.Secret{{State: links.Present}, {State: links.Missing}, {State: links.Gone}, {State: links.None},
		{State: links.Sealed}, {State: links.Unread, Err: links.ErrDialog}, {State: links.Unread, Err: errors.New("x")}} {
		text := whereabouts(s, "keyring")
		require.NotEqual(t, string(s.State), text)
		require.False(t, seen[text], text)
		require.Equal(t, s.Problem(), strings.HasPrefix(text, "problem:"), text)
		seen[text] = true
	}
}

func TestHostileLinkIsCleaned(t *testing.T) {
	t.Parallel()
	evil := "a\x1b[2J\u202eb\nc"
	r := statusReport{links.Overview{Contents: links.Contents{
		Links:           []links.Link{{DataCenter: evil, APIHost: evil, APIURL: evil, ClientID: evil, ServiceAccount: evil, Provider: evil, Label: evil, Scope: evil, OrganizationalUnit: evil, Store: keystore.Kind(evil)}},
		ServiceAccounts: []links.ServiceAccount{{ID: evil, ClientID: evil, Label: evil, Store: keystore.Kind(evil), DataCenter: evil}},
		Draft:           &links.Draft{ServiceAccount: evil, Label: evil},
	}}, nil}
	var text, lines strings.Builder
	r.text(&text, 0)
	r.json(newEvents(&lines))
	for _, out := range []string{text.String(), lines.String()} {
		require.NotContains(t, out, "\x1b")
		require.NotContains(t, out, `\u001b`)
		require.NotContains(t, out, "\u202e")
		require.Contains(t, out, "ab c")
	}
}
