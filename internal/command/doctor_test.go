package command

import (
	"errors"
	"net/http"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"confer/cronofy"
	"confer/flow/callback"
	"confer/internal/doctor"
	"confer/internal/links"
	"confer/internal/opener"
	"confer/keystore"
)

func TestKeyringCheck(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, s := range []keystore.State{keystore.Locked, keystore.NoCollection, keystore.NoService, keystore.NoBus, keystore.Silent, keystore.Unsupported} {
		f := keyringCheck(keystore.Status{State: s, Detail: "why\x1b[2J"})
		require.Equal(t, findingProblem, f.state, s)
		require.Contains(t, f.next, "--secret-store session", s)
		require.Contains(t, f.next, "--secret-store file", s)
		require.NotContains(t, f.message, "\x1b")
		require.False(t, seen[f.message], s)
		seen[f.message] = true
	}
	require.Equal(t, findingOK, keyringCheck(keystore.Status{State: keystore.Ready}).state)
}

func TestPortCheck(t *testing.T) {
	t.Parallel()
	busy := &callback.PortError{Addr: "127.0.0.1:8739", Port: 8739, Class: callback.PortInUse, Holder: "nginx (pid 812)"}
	f := portCheck("http://127.0.0.1:8739/callback", false, busy)
	require.Equal(t, finding{"port", findingProblem, "Port 8739 is in use by nginx (pid 812).",
		"End that program, or use --redirect-uri http://127.0.0.1:8740/callback, which must be registered at Cronofy in production."}, f)
	f = portCheck("http://127.0.0.1:8740/callback", true, busy)
	require.Equal(t, findingNote, f.state)
	f = portCheck("http://127.0.0.1:6000/callback", false, &callback.PortError{Port: 6000, Class: callback.PortUnsafe})
	require.Equal(t, findingProblem, f.state)
	require.Contains(t, f.message, "Browsers refuse")
	f = portCheck("http://127.0.0.1:80/callback", false, errors.New("odd\x1b[2J"))
	require.Equal(t, findingProblem, f.state)
	require.NotContains(t, f.message, "\x1b")
}

func TestBrowserCheck(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err     error
		session opener.Kind
		command string
		state   findingState
		message string
		next    string
	}{
		{nil, opener.Desktop, "system", findingOK, "Links are opened with /usr/bin/xdg-open (desktop session).", ""},
		{opener.ErrNone, opener.SSH, "none", findingOK, "as you wish", ""},
		{opener.ErrNotFound, opener.Desktop, "firefox", findingProblem, "cannot be used", "--browser"},
		{opener.ErrNoDisplay, opener.SSH, "system", findingNote, "(ssh session)", "ssh -L 8739:127.0.0.1:8739"},
		{opener.ErrNotFound, opener.Container, "", findingNote, "(container session)", "paste the final address"},
	} {
		f := browserCheck(c.err, "/usr/bin/xdg-open", c.session, c.command)
		require.Equal(t, c.state, f.state)
		require.Contains(t, f.message, c.message)
		require.Contains(t, f.next, c.next)
	}
}

// TestBrowserCheckOpensNothing: it only finds out what would be opened.
func TestBrowserCheckOpensNothing(t *testing.T) {
	t.Parallel()
	m := opener.Machine{GOOS: "linux", Environ: []string{"DISPLAY=:0"},
		LookPath: func(name string) (string, error) { return "/usr/bin/" + name, nil },
		Files:    opener.Host().Files,
		Start:    func(*exec.Cmd) error { t.Error("a browser was started"); return nil }}
	x := &examination{settings: &settings{browser: "system"}, host: m}
	got := x.browser(t.Context())
	require.Equal(t, findingOK, got[0].state)
	require.Contains(t, got[0].message, "/usr/bin/xdg-open")
}

func TestTerminalCheck(t *testing.T) {
	t.Parallel()
	whole := terminalFacts{input: true, output: true, name: "xterm-256color", width: 100, height: 30, colors: "256 colours"}
	require.Equal(t, finding{"terminal", findingOK, "xterm-256color, 100 columns and 30 rows, 256 colours.", ""}, whole.check())
	for _, change := range []func(*terminalFacts){
		func(f *terminalFacts) { f.input = false },
		func(f *terminalFacts) { f.output = false },
		func(f *terminalFacts) { f.name = "dumb" },
		func(f *terminalFacts) { f.name = "" },
		func(f *terminalFacts) { f.width = 39 },
		func(f *terminalFacts) { f.height = 11 },
	} {
		f := whole
		change(&f)
		require.Equal(t, findingNote, f.check().state)
		require.NotEmpty(t, f.check().next)
	}
	whole.multiplexer = true
	require.Contains(t, whole.check().message, "inside a multiplexer.")
}

func TestColorWords(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		env  map[string]string
		want string
	}{
		{map[string]string{"NO_COLOR": "1", "COLORTERM": "truecolor"}, "no colours, as NO_COLOR wishes"},
		{map[string]string{"COLORTERM": "truecolor"}, "all colours"},
		{map[string]string{"TERM": "tmux-256color"}, "256 colours"},
		{map[string]string{"TERM": "vt220"}, "16 colours"},
	} {
		require.Equal(t, c.want, colorWords(func(k string) string { return c.env[k] }))
	}
}

func TestFolderCheck(t *testing.T) {
	t.Parallel()
	require.Equal(t, findingOK, folderCheck("~/x", true, nil).state)
	require.Equal(t, "~/x can be made.", folderCheck("~/x", false, nil).message)
	f := folderCheck("~/x", true, &links.Error{Path: "/h/x", Reason: links.ErrUnsafe, Detail: "mode 0777: open to others"})
	require.Equal(t, "/h/x is not private: mode 0777: open to others.", f.message)
	require.Contains(t, f.next, "chmod 700")
	f = folderCheck("~/x", false, &links.Error{Op: "write", Path: "/h", Reason: links.ErrUnwritable})
	require.Equal(t, findingProblem, f.state)
	require.Contains(t, f.next, "XDG_STATE_HOME")
	require.Equal(t, "~/state/confer", shortHome("/h/state/confer", "/h"))
	require.Equal(t, "/hh/confer", shortHome("/hh/confer", "/h"))
}

// seen makes a visit to the API of Germany.
func seen(change func(*doctor.Reached)) visit {
	v := visit{name: "Germany (api-de.cronofy.com)", api: true, seen: doctor.Reached{Host: "api-de.cronofy.com", Addresses: []string{"192.0.2.1"},
		Encrypted: true, TLS: "TLS 1.3", Issuer: "Amazon", Status: http.StatusUnauthorized, Took: 43 * time.Millisecond, Dated: true, Skew: time.Second}}
	change(&v.seen)
	return v
}

func failed(kind cronofy.NetworkKind) func(*doctor.Reached) {
	return func(r *doctor.Reached) {
		*r = doctor.Reached{Host: r.Host, Encrypted: true, Err: &cronofy.NetworkError{Op: "reach", Host: r.Host, Kind: kind}}
	}
}

// networkRow is one check of one visit, and what it says.
type networkRow struct {
	name  string
	check func([]visit) finding
	visit visit
	state findingState
	says  string
}

func runNetworkRows(t *testing.T, rows []networkRow) {
	t.Helper()
	for _, c := range rows {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := c.check([]visit{c.visit})
			require.Equal(t, c.state, f.state, f.message)
			require.Contains(t, f.message, c.says)
			if f.state == findingProblem {
				require.NotEmpty(t, f.next)
			}
		})
	}
}

func same(*doctor.Reached) {}

func TestProxyCheck(t *testing.T) {
	t.Parallel()
	runNetworkRows(t, []networkRow{
		{"proxy none", proxyCheck, seen(same), findingOK, "None is used"},
		{"proxy", proxyCheck, seen(func(r *doctor.Reached) { r.Proxy = "proxy.example.test:3128" }), findingOK, "through the proxy proxy.example.test:3128"},
		{"proxy refuses", proxyCheck, seen(func(r *doctor.Reached) {
			r.Proxy = "proxy.example.test:3128"
			r.Err = &cronofy.NetworkError{Host: r.Host, Proxy: r.Proxy, Kind: cronofy.NetworkProxy, ProxyStatus: http.StatusForbidden}
		}), findingProblem, "The proxy proxy.example.test:3128 refused the connection to api-de.cronofy.com (403 Forbidden)."},
		{"proxy setting", proxyCheck, seen(failed(cronofy.NetworkProxy)), findingProblem, "The proxy's address in HTTPS_PROXY cannot be used."},
	})
}

func TestNameCheck(t *testing.T) {
	t.Parallel()
	runNetworkRows(t, []networkRow{
		{"dns", dnsCheck, seen(same), findingOK, "Found: api-de.cronofy.com."},
		{"dns lost", dnsCheck, seen(failed(cronofy.NetworkDNS)), findingProblem, "Not found: api-de.cronofy.com."},
		{"dns by proxy", dnsCheck, seen(func(r *doctor.Reached) { r.Proxy, r.Addresses = "p:1", nil }), findingOK, "The proxy looks names up"},
		{"dns silent", dnsCheck, seen(failed(cronofy.NetworkTimeout)), findingNote, "no answer came in time"},
	})
}

func TestTLSCheck(t *testing.T) {
	t.Parallel()
	runNetworkRows(t, []networkRow{
		{"tls", tlsCheck, seen(same), findingOK, "TLS 1.3, signed by Amazon."},
		{"tls plain", tlsCheck, seen(func(r *doctor.Reached) { r.TLS, r.Issuer, r.Encrypted = "", "", false }), findingNote, "plain http"},
		{"tls not reached", tlsCheck, seen(failed(cronofy.NetworkDNS)), findingNote, "came that far"},
		{"tls refused", tlsCheck, seen(failed(cronofy.NetworkTLS)), findingProblem, "is not trusted"},
		{"tls expired", tlsCheck, seen(func(r *doctor.Reached) {
			failed(cronofy.NetworkTLS)(r)
			r.Err.(*cronofy.NetworkError).TLS = cronofy.TLSExpired
		}), findingProblem, "not valid at the time of this machine's clock"},
	})
}

func TestClockCheck(t *testing.T) {
	t.Parallel()
	runNetworkRows(t, []networkRow{
		{"clock", clockCheck, seen(same), findingOK, "to 1s"},
		{"clock just right", clockCheck, seen(func(r *doctor.Reached) { r.Skew = -clockTolerance }), findingOK, "to 2m0s"},
		{"clock ahead", clockCheck, seen(func(r *doctor.Reached) { r.Skew = clockTolerance + time.Second }), findingProblem, "is 2m1s ahead of Cronofy's"},
		{"clock behind", clockCheck, seen(func(r *doctor.Reached) { r.Skew = -7 * time.Minute }), findingProblem, "is 7m0s behind Cronofy's"},
		{"clock unknown", clockCheck, seen(func(r *doctor.Reached) { r.Dated = false }), findingNote, "could not be compared"},
	})
}

func TestReachCheck(t *testing.T) {
	t.Parallel()
	runNetworkRows(t, []networkRow{
		{"answer", one(reachCheck), seen(same), findingOK, "answered in 43 ms"},
		{"not found is an answer", one(reachCheck), seen(func(r *doctor.Reached) { r.Status = 404 }), findingOK, "answered"},
		{"fault", one(reachCheck), seen(func(r *doctor.Reached) { r.Status = 503 }), findingProblem, "a fault of its own (503)"},
		{"login page", one(reachCheck), seen(func(r *doctor.Reached) { r.Status = 302 }), findingProblem, "Something else answered"},
		{"error page", one(reachCheck), seen(func(r *doctor.Reached) { r.Status, r.HTML = 403, true }), findingProblem, "Something else answered"},
		{"no answer", one(reachCheck), seen(failed(cronofy.NetworkRefused)), findingProblem, "refused the connection"},
		{"app host's page", one(func(v visit) finding { v.api = false; return reachCheck(v) }), seen(func(r *doctor.Reached) { r.Status, r.HTML = 302, true }), findingOK, "answered"},
	})
}

func one(check func(visit) finding) func([]visit) finding {
	return func(all []visit) finding { return check(all[0]) }
}

// TestClockGoesByTheNearestHost: one host with a wrong clock is not ours.
func TestClockGoesByTheNearestHost(t *testing.T) {
	t.Parallel()
	f := clockCheck([]visit{seen(func(r *doctor.Reached) { r.Skew = time.Hour }), seen(func(r *doctor.Reached) { r.Skew = -3 * time.Second })})
	require.Equal(t, findingOK, f.state)
	require.Contains(t, f.message, "to 3s")
}
