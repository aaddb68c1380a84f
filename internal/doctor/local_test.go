package doctor

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"confer/flow/callback"
	"confer/internal/atomicfile"
	"confer/internal/opener"
	"confer/keystore"
)

func TestKeyringStates(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, s := range []keystore.State{keystore.Locked, keystore.NoCollection, keystore.NoService, keystore.NoBus, keystore.Silent} {
		m := Machine{Probe: func(context.Context) keystore.Status { return keystore.Status{State: s, Detail: "why\x1b[2J"} }}
		f := m.keyring(t.Context())[0]
		require.Equal(t, Problem, f.State, s)
		require.Contains(t, f.Next, "--secret-store session", s)
		require.Contains(t, f.Next, "--secret-store file", s)
		require.NotContains(t, f.Message, "\x1b")
		require.False(t, seen[f.Message], s)
		seen[f.Message] = true
	}
}

// faultyStore fails at one call, or gives back something else.
type faultyStore struct {
	*keystore.SessionStore
	set, get, del error
	other         bool
	key           string
}

func (s *faultyStore) Set(ctx context.Context, key, secret string) error {
	s.key = key
	return errors.Join(s.set, s.SessionStore.Set(ctx, key, secret))
}

func (s *faultyStore) Get(ctx context.Context, key string) (string, error) {
	text, err := s.SessionStore.Get(ctx, key)
	if s.other {
		text = "another"
	}
	return text, errors.Join(s.get, err)
}

func (s *faultyStore) Delete(ctx context.Context, key string) error {
	if s.del != nil {
		return s.del
	}
	return s.SessionStore.Delete(ctx, key)
}

// TestKeyringIsTried: ready is what takes, gives back and forgets an item.
func TestKeyringIsTried(t *testing.T) {
	t.Parallel()
	refused := &keystore.Error{Op: "set", Store: keystore.Keyring, Err: keystore.ErrRefused, Status: keystore.Status{Detail: "No space left"}}
	for _, c := range []struct {
		name  string
		store *faultyStore
		state State
		says  string
		stays bool
	}{
		{"works", &faultyStore{}, OK, "a test item was stored, read back and deleted", false},
		{"refuses", &faultyStore{set: refused}, Problem, "could not be stored in the system keyring and read back", false},
		{"unreadable", &faultyStore{get: &keystore.Error{Op: "get", Store: keystore.Keyring, Err: keystore.ErrRefused}}, Problem, "could not be stored in the system keyring and read back", false},
		{"gives another", &faultyStore{other: true}, Problem, "could not be stored in the system keyring and read back", false},
		{"keeps", &faultyStore{del: refused}, Problem, "could not be deleted", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.store.SessionStore = keystore.OpenSession()
			m := Machine{Keyring: c.store, Probe: func(context.Context) keystore.Status {
				return keystore.Status{State: keystore.Ready, Program: "KeePassXC"}
			}}
			f := m.keyring(t.Context())[0]
			require.Equal(t, c.state, f.State)
			require.Contains(t, f.Message, c.says)
			require.Equal(t, c.state == Problem, f.Next != "")
			_, err := c.store.SessionStore.Get(t.Context(), c.store.key)
			require.Equal(t, c.stays, err == nil, "what is left")
		})
	}
}

func TestPort(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	require.NoError(t, err)
	uri := "http://" + l.Addr().String() + "/callback"
	m := Machine{RedirectURIs: []string{uri}}
	f := m.ports(t.Context())[0]
	require.Equal(t, Problem, f.State)
	require.Contains(t, f.Message, "is in use")
	if runtime.GOOS == "linux" {
		require.Contains(t, f.Message, "(pid ")
	}
	require.NoError(t, l.Close())
	for range 2 { // the first check does not keep the port
		require.Equal(t, OK, m.ports(t.Context())[0].State)
	}
	m.RedirectURIs = []string{"https://app.example.test/done"}
	require.Contains(t, m.ports(t.Context())[0].Message, "the final address is pasted")
}

func TestPortWords(t *testing.T) {
	t.Parallel()
	busy := &callback.PortError{Addr: "127.0.0.1:8739", Port: 8739, Class: callback.PortInUse, Holder: "nginx (pid 812)"}
	require.Equal(t, Finding{"port", Problem, "Port 8739 is in use by nginx (pid 812).",
		"End that program, or use --redirect-uri http://127.0.0.1:8740/callback, which must be registered at Cronofy in production."},
		portFinding("http://127.0.0.1:8739/callback", false, busy))
	require.Equal(t, Note, portFinding("http://127.0.0.1:8740/callback", true, busy).State)
	f := portFinding("http://127.0.0.1:80/callback", false, errors.New("odd\x1b[2J"))
	require.Equal(t, Problem, f.State)
	require.NotContains(t, f.Message, "\x1b")
}

func TestBrowserWords(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err     error
		session opener.Kind
		command string
		state   State
		message string
		next    string
	}{
		{nil, opener.Desktop, "system", OK, "Links are opened with /usr/bin/xdg-open (desktop session).", ""},
		{opener.ErrNone, opener.Remote, "none", OK, "as you asked", ""},
		{opener.ErrNotFound, opener.Desktop, "firefox", Problem, "cannot be used", "--browser"},
		{opener.ErrNoDisplay, opener.Remote, "system", Note, "(remote session)", "ssh -L 8739:127.0.0.1:8739"},
		{opener.ErrNotFound, opener.Container, "", Note, "(container session)", "paste the final address"},
	} {
		f := browserFinding(c.err, "/usr/bin/xdg-open", c.session, c.command)
		require.Equal(t, c.state, f.State)
		require.Contains(t, f.Message, c.message)
		require.Contains(t, f.Next, c.next)
	}
}

// TestBrowserCheckOpensNothing: it only finds out what would be opened.
func TestBrowserCheckOpensNothing(t *testing.T) {
	t.Parallel()
	m := Machine{Browser: "system", Opener: opener.Machine{GOOS: "linux", Environ: []string{"DISPLAY=:0"},
		LookPath: func(name string) (string, error) { return "/usr/bin/" + name, nil },
		Files:    opener.Host().Files,
		Start:    func(*exec.Cmd) error { t.Error("a browser was started"); return nil }}}
	f := m.browser(t.Context())[0]
	require.Equal(t, OK, f.State)
	require.Contains(t, f.Message, "/usr/bin/xdg-open")
}

func TestFolder(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("modes mean nothing there")
	}
	write := func(dir string, mode os.FileMode) error {
		return errors.Join(os.Mkdir(dir, 0o700), os.WriteFile(filepath.Join(dir, "links.json"), nil, mode))
	}
	for _, c := range []struct {
		name string
		make func(dir string) error
		says string // empty: nothing is wrong
	}{
		{"in order", func(dir string) error { return write(dir, 0o600) }, ""},
		{"open to others", func(dir string) error { return errors.Join(os.Mkdir(dir, 0o700), os.Chmod(dir, 0o777)) }, "mode 0777"},
		{"a file is open to others", func(dir string) error { return write(dir, 0o644) }, "mode 0644"},
		{"a file is a link", func(dir string) error {
			return errors.Join(os.Mkdir(dir, 0o700), os.Symlink("/dev/null", filepath.Join(dir, "links.json")))
		}, "is a symbolic link"},
		{"not a folder", func(dir string) error { return os.WriteFile(dir, nil, 0o600) }, "not a folder"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "confer")
			require.NoError(t, c.make(dir))
			m := Machine{Folder: dir, Files: []string{"links.json", "secrets.age"}}
			f := m.folder(t.Context())[0]
			if c.says == "" {
				require.Equal(t, OK, f.State, f.Message)
			} else {
				require.Equal(t, Problem, f.State)
				require.Contains(t, f.Message, c.says)
				require.Contains(t, f.Next, "chmod 700")
			}
			left, err := filepath.Glob(filepath.Join(dir, ".*"))
			require.NoError(t, err)
			require.Empty(t, left)
		})
	}
}

func TestFolderThatIsNotThere(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	m := Machine{Folder: filepath.Join(top, "state", "confer"), Files: []string{"links.json"}}
	require.Contains(t, m.folder(t.Context())[0].Message, "can be made")
	entries, err := os.ReadDir(top)
	require.NoError(t, err)
	require.Empty(t, entries, "a check must change nothing")
	file := filepath.Join(top, "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	m.Folder = filepath.Join(file, "confer")
	f := m.folder(t.Context())[0]
	require.Equal(t, Problem, f.State)
	require.Contains(t, f.Next, "XDG_STATE_HOME")
	require.Equal(t, "/h/x is not private: it can be changed by others.", folderFinding("~/x", "", &atomicfile.UnsafeError{Path: "/h/x", Why: "can be changed by others"}).Message)
	m.FolderErr = errors.New("no home")
	require.Contains(t, m.folder(t.Context())[0].Next, "HOME")
}

func TestRegistrationText(t *testing.T) {
	t.Parallel()
	text := Registration("k3Hn2cWq9ZrT5vXy7LbD", "Germany (api-de.cronofy.com)",
		[]string{"http://127.0.0.1:8739/callback", "http://127.0.0.1:8740/callback"})
	require.Equal(t, `To: support@cronofy.com
Subject: Permitted redirect URIs for application k3Hn2cWq9ZrT5vXy7LbD

Hello,

please add these redirect URIs to the permitted redirect URIs of our application, exactly as written:

  http://127.0.0.1:8739/callback
  http://127.0.0.1:8740/callback

Client id: k3Hn2cWq9ZrT5vXy7LbD
Data center: Germany (api-de.cronofy.com)

They are used for the authorization of Enterprise Conferencing.

Thank you
`, text)
	require.Equal(t, 2, strings.Count(Registration("", "", nil), "(your client id)"))
}
