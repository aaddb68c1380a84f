//go:build linux

// Package keyringtest starts keyrings that show windows, for tests: KeePassXC and
// KWallet, each on a session bus and an X display of its own, and answers their
// windows as a person would.
package keyringtest

import (
	"bufio"
	"context"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha512"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
	"github.com/stretchr/testify/require"
)

// Password is that of all keyrings here.
const Password = "test"

// limit bounds each wait. Nothing here takes a tenth of it on an idle machine.
const limit = 30 * time.Second

const (
	secrets     = "org.freedesktop.secrets"
	service     = dbus.ObjectPath("/org/freedesktop/secrets")
	serviceFace = "org.freedesktop.Secret.Service"
)

// Desktop is a session with a bus and a display, and nobody in it.
type Desktop struct {
	t    *testing.T
	dir  string
	env  []string
	conn *dbus.Conn // to its bus
}

// Need skips a test where no real keyring is wanted. With the variable one that is
// missing fails it.
func Need(t *testing.T) {
	t.Helper()
	if os.Getenv("CONFER_TEST_KEYRING") == "" {
		t.Skip("CONFER_TEST_KEYRING is not set")
	}
}

// Start makes a desktop for a test that needs the programs.
func Start(t *testing.T, programs ...string) *Desktop {
	t.Helper()
	Need(t)
	for _, name := range append(programs, "Xvfb", "xdotool", "dbus-daemon") {
		_, err := exec.LookPath(name)
		require.NoError(t, err)
	}
	dir, err := os.MkdirTemp("", "desktop") // short: a socket's path has 108 bytes at most
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	d := &Desktop{t: t, dir: dir}
	for name, folder := range map[string]string{"XDG_RUNTIME_DIR": "run", "XDG_CONFIG_HOME": "config",
		"XDG_DATA_HOME": "data", "XDG_CACHE_HOME": "cache"} {
		require.NoError(t, os.Mkdir(d.path(folder), 0o700))
		d.env = append(d.env, name+"="+d.path(folder))
	}
	d.write("bus.conf", `<busconfig><type>session</type><listen>unix:path=`+d.path("bus")+`</listen><auth>EXTERNAL</auth>
		<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>`)
	bus := d.firstLine("dbus-daemon", "--config-file="+d.path("bus.conf"), "--nofork", "--nopidfile", "--print-address=1")
	d.env = append(d.env, "DBUS_SESSION_BUS_ADDRESS="+bus)
	d.env = append(d.env, "DISPLAY=:"+d.firstLine("Xvfb", "-displayfd", "1", "-screen", "0", "1024x768x24", "-nolisten", "tcp"))
	d.conn, err = dbus.Connect(bus)
	require.NoError(t, err)
	t.Cleanup(func() { _ = d.conn.Close() })
	return d
}

// Env is the environment of a program that runs in the session, but for its HOME.
func (d *Desktop) Env() []string { return slices.Clone(d.env) }

func (d *Desktop) path(name string) string { return filepath.Join(d.dir, name) }

func (d *Desktop) write(name, text string) {
	require.NoError(d.t, os.MkdirAll(filepath.Dir(d.path(name)), 0o700))
	require.NoError(d.t, os.WriteFile(d.path(name), []byte(text), 0o600))
}

func (d *Desktop) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, name, args...)
	c.Dir = d.dir
	c.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + d.dir, "TMPDIR=" + d.dir}, d.env...)
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return c
}

// start begins a program that runs until the test ends, or stop.
func (d *Desktop) start(c *exec.Cmd) (stop func()) {
	require.NoError(d.t, c.Start())
	stop = func() {
		if c.ProcessState == nil {
			_ = c.Process.Kill()
			_ = c.Wait()
		}
	}
	d.t.Cleanup(stop)
	return stop
}

// firstLine starts a program that says where it listens.
func (d *Desktop) firstLine(name string, args ...string) string {
	c := d.command(context.Background(), name, args...)
	out, err := c.StdoutPipe()
	require.NoError(d.t, err)
	d.start(c)
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(d.t, err)
	return strings.TrimSpace(line)
}

// until asks again and again.
func (d *Desktop) until(what string, done func() bool) {
	d.t.Helper()
	require.Eventually(d.t, done, limit, 20*time.Millisecond, "it did not come: "+what)
}

func (d *Desktop) owned() bool {
	var has bool
	return d.conn.BusObject().Call("org.freedesktop.DBus.NameHasOwner", 0, secrets).Store(&has) == nil && has
}

// collections are those that are listed, which begins after the name is owned.
func (d *Desktop) collections() (paths []dbus.ObjectPath) {
	_ = d.conn.Object(secrets, service).StoreProperty(serviceFace+".Collections", &paths)
	return paths
}

func (d *Desktop) locked() bool {
	locked := true
	for _, path := range d.collections() {
		_ = d.conn.Object(secrets, path).StoreProperty("org.freedesktop.Secret.Collection.Locked", &locked)
	}
	return locked
}

// root is the group of all entries, as KeePassXC names it in its two ways.
const (
	rootID     = "{01234567-89ab-cdef-0123-456789abcdef}"
	rootBase64 = "ASNFZ4mrze8BI0VniavN7w=="
)

// KeePassXC starts it with its own defaults and a database that is open and is
// shared with other programs.
func (d *Desktop) KeePassXC() {
	d.t.Helper()
	d.write("db.xml", `<?xml version="1.0" encoding="UTF-8"?><KeePassFile><Meta><DatabaseName>confer</DatabaseName>
		<CustomData><Item><Key>FDO_SECRETS_EXPOSED_GROUP</Key><Value>`+rootID+`</Value></Item></CustomData></Meta>
		<Root><Group><UUID>`+rootBase64+`</UUID><Name>Root</Name></Group></Root></KeePassFile>`)
	d.write("config/keepassxc/keepassxc.ini", "[General]\nUpdateCheckMessageShown=true\n[FdoSecrets]\nEnabled=true\n")
	c := d.command(d.t.Context(), "keepassxc-cli", "import", "-p", "db.xml", "db.kdbx")
	c.Stdin = strings.NewReader(Password + "\n" + Password + "\n")
	out, err := c.CombinedOutput()
	require.NoError(d.t, err, "%s", out)
	c = d.command(context.Background(), "keepassxc", "--pw-stdin", d.path("db.kdbx"))
	c.Stdin = strings.NewReader(Password + "\n")
	d.start(c)
	d.until("KeePassXC's open database", func() bool { return !d.locked() })
}

// KWallet starts it with a wallet that is open, as the login of a KDE session does
// (pam_kwallet).
func (d *Desktop) KWallet() {
	d.t.Helper()
	d.write("config/kwalletrc", "[Wallet]\nEnabled=true\nFirst Use=false\nDefault Wallet=kdewallet\nPrompt on Open=false\n[org.freedesktop.secrets]\napiEnabled=true\n")
	salt := rand.Text() + rand.Text() + "1234" // 56 bytes
	d.write("data/kwalletd/kdewallet.salt", salt)
	hash, err := pbkdf2.Key(sha512.New, Password, []byte(salt), 50000, 56)
	require.NoError(d.t, err)
	stop := d.kwallet(hash)
	d.until("the wallet's file", func() bool {
		info, err := os.Stat(d.path("data/kwalletd/kdewallet.kwl"))
		return err == nil && info.Size() > 0 && d.owned()
	})
	stop() // a wallet that was just made is not listed
	d.until("the end of the first one", func() bool { return !d.owned() })
	d.kwallet(hash)
	d.until("KWallet's wallet", func() bool { return len(d.collections()) > 0 })
}

func (d *Desktop) kwallet(hash []byte) (stop func()) {
	socket := d.path("run/kwallet.socket")
	_ = os.Remove(socket)
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket, Net: "unix"})
	require.NoError(d.t, err)
	defer l.Close()
	l.SetUnlinkOnClose(false)
	listening, err := l.File()
	require.NoError(d.t, err)
	defer listening.Close()
	key, keyWriter, err := os.Pipe()
	require.NoError(d.t, err)
	defer key.Close()
	c := d.command(context.Background(), "kwalletd5", "--pam-login", "3", "4")
	c.Env = append(c.Env, "PAM_KWALLET5_LOGIN="+socket)
	c.ExtraFiles = []*os.File{key, listening}
	stop = d.start(c)
	_, err = keyWriter.Write(hash)
	require.NoError(d.t, err)
	require.NoError(d.t, keyWriter.Close())
	env, err := net.Dial("unix", socket)
	require.NoError(d.t, err)
	_, err = io.WriteString(env, strings.Join(c.Env, "\n")+"\n")
	require.NoError(d.t, err)
	require.NoError(d.t, env.Close())
	return stop
}

// Lock locks the keyring, as its user or a screen lock does.
func (d *Desktop) Lock() {
	d.t.Helper()
	if d.locked() { // KWallet says so of one that is open, until somebody asks for it
		require.NoError(d.t, d.conn.Object("org.kde.kwalletd5", "/modules/kwalletd5").Call("org.kde.KWallet.close", 0, "kdewallet", true).Err)
		return
	}
	var done []dbus.ObjectPath
	var prompt dbus.ObjectPath
	require.NoError(d.t, d.conn.Object(secrets, service).Call(serviceFace+".Lock", 0, d.collections()).Store(&done, &prompt))
	if prompt != "/" {
		require.NoError(d.t, d.conn.Object(secrets, prompt).Call("org.freedesktop.Secret.Prompt.Prompt", 0, "").Err)
	}
	d.until("the lock", d.locked)
}

// Answer waits for a window by its title and for as long again as a person takes,
// presses the keys and waits until it is gone. A text of one character or more in
// double quotes is typed.
func (d *Desktop) Answer(title string, takes time.Duration, keys ...string) {
	d.t.Helper()
	var window string
	d.until("a window "+title, func() bool {
		found := append(d.find(title), "")
		window = found[0]
		return window != ""
	})
	<-time.After(takes)
	calls := [][]string{{"windowfocus", "--sync", window}}
	for _, key := range keys {
		if text, ok := strings.CutPrefix(key, `"`); ok {
			calls = append(calls, []string{"type", strings.TrimSuffix(text, `"`)}) // takes all arguments that follow
		} else {
			calls = append(calls, []string{"key", key})
		}
	}
	for range 3 { // a window may lose what comes while it is being drawn
		for _, one := range calls {
			d.xdotool(one...)
		}
		for range 50 {
			if !slices.Contains(d.find(title), window) {
				return
			}
			<-time.After(20 * time.Millisecond)
		}
	}
	require.Fail(d.t, "the window stays: "+title)
}

func (d *Desktop) xdotool(args ...string) string {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	out, _ := d.command(ctx, "xdotool", args...).Output() // it fails where no window is
	return strings.TrimSpace(string(out))
}

// find gives the windows with such a title.
func (d *Desktop) find(title string) []string {
	return strings.Fields(d.xdotool("search", "--onlyvisible", "--name", title))
}

// NoWindow fails if a window of that title is open.
func (d *Desktop) NoWindow(title string) {
	d.t.Helper()
	require.Empty(d.t, d.find(title), "a window is open")
}
