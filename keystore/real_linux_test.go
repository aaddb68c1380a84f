package keystore

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
	"github.com/stretchr/testify/require"

	"confer/internal/keyringtest"
)

// expect asserts that every call ends with the sentinel and the state of a probe.
func (h *helper) expect(state State, sentinel error) {
	h.t.Helper()
	require.Equal(h.t, state, h.op("probe").Status.State)
	for _, op := range []string{"get", "set", "delete"} {
		r := h.op(op)
		require.Equal(h.t, sentinel.Error(), r.Err, "%s: %s", op, r.Detail)
		require.Equal(h.t, state, r.State, op)
		require.False(h.t, r.Pending, op)
	}
}

// blind asserts the same of what go-keyring itself answers, for when the state
// changes between the probe and the call.
func (h *helper) blind(sentinel error) {
	h.t.Helper()
	h.op("blind")
	for _, op := range []string{"get", "set", "delete"} {
		r := h.op(op)
		require.Equal(h.t, sentinel.Error(), r.Err, "%s: %s", op, r.Detail)
	}
}

func TestRealUnderScript(t *testing.T) {
	needReal(t)
	require.NotEmpty(t, os.Getenv("GK"), "not run under .ci/with-keyring.sh")
	exe, err := os.Executable()
	require.NoError(t, err)
	h := startHelper(t, exec.Command(exe))
	require.Equal(t, Ready, h.op("probe").Status.State)
	key := Key("api.example.test:8080", "id", "client_secret")
	require.False(t, h.do(order{Op: "set", Key: key, Secret: []byte("s3cret")}).Failed)
	out, err := exec.Command("secret-tool", "lookup", "service", Service, "username", "api.example.test_8080/id/client_secret").Output()
	require.NoError(t, err)
	require.Equal(t, "s3cret", string(out))
	require.False(t, h.do(order{Op: "delete", Key: key}).Failed)
	require.Error(t, exec.Command("secret-tool", "lookup", "service", Service, "username", key).Run())
	h.clean("close")
}

func TestRealReady(t *testing.T) {
	r := newRig(t)
	r.startBus("")
	r.startKeyring("test")
	h := r.helper()
	require.Equal(t, Status{State: Ready, Program: "GNOME Keyring"}, h.op("probe").Status)
	require.Equal(t, ErrNotFound.Error(), h.op("get").Err)
	require.False(t, h.op("delete").Failed, "a missing one")
	for name, secret := range map[string]string{
		"plain": "s3cret", "newlines": "a\r\nb\n\n", "spaces": " \t x ", "empty": "", "full": strings.Repeat("x", MaxSecret),
		"bytes": "\x00\xff\xfe", "unicode": "pässwörd 🔑", "quotes": `'"\$(id)`,
	} {
		key := Key("api.example.test", name)
		for _, s := range []string{"earlier", secret} { // the second replaces the first
			set := h.do(order{Op: "set", Key: key, Secret: []byte(s)})
			require.False(t, set.Failed, "%s: %s %s", name, set.Text, set.Detail)
		}
		got := h.do(order{Op: "get", Key: key})
		require.False(t, got.Failed, name)
		require.Equal(t, secret, string(got.Secret), name)
		seen, err := r.command("secret-tool", "lookup", "service", Service, "username", key).Output()
		require.NoError(t, err)
		require.Equal(t, secret, string(seen), name)
		require.False(t, h.do(order{Op: "delete", Key: key}).Failed)
		require.Equal(t, ErrNotFound.Error(), h.do(order{Op: "get", Key: key}).Err, name)
	}
	require.Equal(t, ErrTooBig.Error(), h.do(order{Op: "set", Key: "k", Secret: make([]byte, MaxSecret+1)}).Err)

	store := r.command("secret-tool", "store", "--label=x", "service", Service, "username", "theirs")
	store.Stdin = strings.NewReader("from outside")
	require.NoError(t, store.Run())
	require.Equal(t, "from outside", string(h.do(order{Op: "get", Key: "theirs"}).Secret))

	for _, op := range []string{"delete", "set"} { // several items of one key
		for _, extra := range []string{"one", "two"} {
			store := r.command("secret-tool", "store", "--label=x", "service", Service, "username", "twice", "extra", extra)
			store.Stdin = strings.NewReader(extra)
			require.NoError(t, store.Run())
		}
		require.False(t, h.do(order{Op: op, Key: "twice", Secret: []byte("new")}).Failed)
		if op == "set" {
			require.Equal(t, "new", string(h.do(order{Op: "get", Key: "twice"}).Secret))
			require.False(t, h.do(order{Op: "delete", Key: "twice"}).Failed)
		}
		require.Error(t, r.command("secret-tool", "lookup", "service", Service, "username", "twice").Run())
	}
	h.clean("close")
}

// call calls a method of the Secret Service.
func (r *rig) call(method string, args ...string) {
	r.t.Helper()
	all := append([]string{"--session", "--print-reply", "--dest=" + secretsName, string(secretsPath), serviceFace + "." + method}, args...)
	out, err := r.command("dbus-send", all...).CombinedOutput()
	require.NoError(r.t, err, "%s", out)
}

// A keyring called login is used even where another one is the default.
func TestRealLoginIsNotDefault(t *testing.T) {
	r := newRig(t)
	r.startBus("")
	r.startKeyring("test")
	r.call("SetAlias", "string:default", "objpath:"+string(secretsPath)+"/collection/session")
	h := r.helper()
	require.Equal(t, Status{State: Ready, Program: "GNOME Keyring"}, h.op("probe").Status)
	require.False(t, h.op("set").Failed)
	r.call("Lock", "array:objpath:"+string(loginPath))
	h.expect(Locked, ErrLocked)
	r.unlock("test")
	require.Equal(t, "v", string(h.op("get").Secret))
	h.clean("close")
}

func TestRealLockedWithoutDesktop(t *testing.T) {
	r := newRig(t)
	r.startBus("")
	r.startKeyring("test")
	require.False(t, r.helper().op("set").Failed)
	r.stop(r.daemon)
	r.startKeyring("")
	h := r.helper()
	h.expect(Locked, ErrLocked)
	unlock := h.op("unlock")
	require.Equal(t, ErrLocked.Error(), unlock.Err)
	require.Equal(t, ErrDismissed.Error(), unlock.Detail, "the keyring says so where no window can be shown")
	h.blind(ErrLocked)
	h.clean("close")
}

func TestRealUnlockedFromOutside(t *testing.T) {
	r := newRig(t)
	r.startBus("")
	r.startKeyring("test")
	require.False(t, r.helper().op("set").Failed)
	h := r.helper()
	r.call("Lock", "array:objpath:"+string(loginPath))
	h.expect(Locked, ErrLocked)
	r.unlock("test")
	require.False(t, h.op("unlock").Failed, "it is ready already")
	require.Equal(t, "v", string(h.op("get").Secret))
	h.clean("close")
}

func TestRealNoCollection(t *testing.T) {
	r := newRig(t)
	r.startBus("")
	r.startKeyring("")
	h := r.helper()
	h.expect(NoCollection, ErrUnavailable)
	require.Equal(t, NoCollection, h.op("unlock").State)
	h.clean()
}

func TestRealNoService(t *testing.T) {
	services := map[string]string{
		"nobody offers it": "",
		"missing program":  "/nonexistent/keyring",
		"program fails":    "/bin/false",
	}
	for name, exec := range services {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.startBus(exec)
			h := r.helper()
			h.expect(NoService, ErrUnavailable)
			require.NotEmpty(t, h.op("probe").Status.Detail)
			h.blind(ErrUnavailable)
			h.clean("close")
		})
	}
}

func TestRealServiceNeverComesUp(t *testing.T) {
	r := newRig(t)
	r.write("bin/never", 0o755, "#!/bin/sh\necho $$ >"+r.path("never.pid")+"\nexec sleep 60\n")
	r.startBus(r.path("bin", "never"))
	h := r.helper()
	require.Equal(t, Silent, h.op("probe").Status.State)
	t.Cleanup(func() { _ = syscall.Kill(pidFrom(t, r.path("never.pid")), syscall.SIGKILL) })
	require.Equal(t, ErrUnavailable.Error(), h.op("set").Err)
	h.clean()
}

func TestRealNoBusNeverLaunchesOne(t *testing.T) {
	for name, address := range map[string]string{"unset": "", "autolaunch": "autolaunch:"} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			called := r.path("launched")
			r.write("bin/dbus-launch", 0o755, "#!/bin/sh\n: >"+called+"\nexit 1\n")
			r.bus = address
			h := r.helper()
			h.expect(NoBus, ErrUnavailable)
			require.Equal(t, NoBus, h.op("unlock").State)
			h.blind(ErrUnavailable)
			require.NoFileExists(t, called)
			require.True(t, h.op("bare").Failed)
			require.FileExists(t, called, "this test could not have seen a launch")
			h.clean()
		})
	}
}

func TestRealBusOfRuntimeFolder(t *testing.T) {
	r := newRig(t)
	r.startBus("")
	r.startKeyring("test")
	require.NoError(t, os.Symlink(r.path("sock"), r.path("run", "bus")))
	r.bus = ""
	h := r.helper()
	require.Equal(t, Status{State: Ready, Program: "GNOME Keyring"}, h.op("probe").Status)
	require.False(t, h.op("set").Failed)
	require.Equal(t, "v", string(h.op("get").Secret))
	h.clean("close")
}

func TestRealUnusableAddress(t *testing.T) {
	for name, address := range map[string]string{
		"garbage": "nonsense", "gone": "unix:path=/nonexistent/bus", "tcp": "tcp:host=127.0.0.1,port=9", "autolaunch": "autolaunch:scope=x",
		"program": "unixexec:path=/bin/false", "empty": "unix:", "second is tcp": "unix:path=/nonexistent/bus;tcp:host=127.0.0.1,port=9",
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.bus = address
			h := r.helper()
			h.expect(NoBus, ErrUnavailable)
			require.NotEmpty(t, h.op("probe").Status.Detail)
			h.clean()
		})
	}
}

// Secrets would travel unencrypted to whoever answers there.
func TestRealBusOverTCPIsNotUsed(t *testing.T) {
	r := newRig(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	asked := make(chan struct{})
	go func() {
		defer close(asked)
		if c, err := l.Accept(); err == nil {
			_ = c.Close()
			asked <- struct{}{}
		}
	}()
	r.bus = "tcp:host=127.0.0.1,port=" + strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	h := r.helper()
	h.expect(NoBus, ErrUnavailable)
	require.Equal(t, errNotUnix.Error(), h.op("probe").Status.Detail)
	h.blind(ErrUnavailable)
	h.clean()
	require.NoError(t, l.Close())
	_, used := <-asked
	require.False(t, used)
}

// serveSocket answers each connection at the rig's address by handle, in turn.
func (r *rig) serveSocket(handle func(net.Conn)) (stop func()) {
	l, err := net.Listen("unix", r.path("sock"))
	require.NoError(r.t, err)
	r.bus = "unix:path=" + r.path("sock")
	done := make(chan struct{})
	var conns []net.Conn
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			conns = append(conns, c)
			handle(c)
		}
	}()
	stop = func() {
		_ = l.Close()
		<-done
		for _, c := range conns {
			_ = c.Close()
		}
	}
	r.t.Cleanup(stop)
	return stop
}

// short is the limit of calls that are known to hang.
const short = 200 * time.Millisecond

func TestRealSilentBus(t *testing.T) {
	r := newRig(t)
	stop := r.serveSocket(func(net.Conn) {})
	h := r.helper()
	require.Equal(t, Silent, h.op("probe").Status.State)
	require.Equal(t, Silent, h.op("set").State)
	h.op("blind")
	set := h.do(order{Op: "set", Key: "k", Secret: []byte("v"), Limit: short})
	require.Equal(t, ErrTimeout.Error(), set.Err)
	require.True(t, set.Pending)
	require.Equal(t, ErrBusy.Error(), h.op("get").Err)
	stop()
	h.op("wait")
	require.Equal(t, ErrUnavailable.Error(), h.op("get").Err, "the bus is gone, and calls are made again")
	h.clean()
}

func TestRealBusRejects(t *testing.T) {
	r := newRig(t)
	r.serveSocket(func(c net.Conn) {
		_, _ = bufio.NewReader(c).ReadString('\n')
		_, _ = c.Write([]byte("REJECTED\r\n"))
		_ = c.Close()
	})
	h := r.helper()
	h.expect(NoBus, ErrUnavailable)
	h.blind(ErrUnavailable)
	h.clean()
}

// Only root can make the bus of another user.
func TestRealBusOfAnotherUser(t *testing.T) {
	needReal(t)
	if os.Geteuid() != 0 {
		t.Skip("not root; TestRealBusRejects is the same from our side")
	}
	r := newRig(t)
	r.as(nobody)
	r.startBus("")
	r.cred = nil
	h := r.helper()
	h.expect(NoBus, ErrUnavailable)
	h.blind(ErrUnavailable)
	h.clean()
}

func TestRealFrozenDaemon(t *testing.T) {
	r := newRig(t)
	r.startBus("")
	r.startKeyring("test")
	h := r.helper()
	require.False(t, h.op("set").Failed)
	require.NoError(t, r.daemon.Process.Signal(syscall.SIGSTOP))
	require.Equal(t, Silent, h.op("probe").Status.State)
	require.Equal(t, Silent, h.op("get").State)
	h.op("blind")
	get := h.do(order{Op: "get", Key: "k", Limit: short})
	require.Equal(t, ErrTimeout.Error(), get.Err)
	require.True(t, get.Pending)
	require.Equal(t, ErrBusy.Error(), h.op("set").Err)
	require.NoError(t, r.daemon.Process.Signal(syscall.SIGCONT))
	h.op("wait")
	require.Equal(t, "v", string(h.do(order{Op: "get", Key: "k", Limit: CallLimit}).Secret))
	h.clean("close")
}

// The daemon freezes while it is given a secret, and goes on after the caller has
// been told that it failed.
func TestRealLateSetIsUndone(t *testing.T) {
	r := newRig(t)
	r.startBus("")
	r.startKeyring("test")
	h := r.helper()
	require.False(t, h.do(order{Op: "set", Key: "replaced", Secret: []byte("old")}).Failed)
	h.do(order{Op: "freeze", PID: r.daemon.Process.Pid})
	for _, key := range []string{"new", "replaced"} {
		set := h.do(order{Op: "set", Key: key, Secret: []byte("late"), Limit: short})
		require.Equal(t, ErrTimeout.Error(), set.Err)
		require.True(t, set.Pending)
		thaw := func() { require.NoError(t, r.daemon.Process.Signal(syscall.SIGCONT)) }
		thaw()
		if key == "replaced" { // putting the old one back freezes it again
			r.awaitStopped()
			thaw()
		}
		h.op("wait")
	}
	require.Equal(t, ErrNotFound.Error(), h.do(order{Op: "get", Key: "new", Limit: CallLimit}).Err)
	require.Equal(t, "old", string(h.do(order{Op: "get", Key: "replaced"}).Secret))
	h.clean("close")
}

// awaitStopped returns when the daemon has stopped by a signal (again).
func (r *rig) awaitStopped() {
	var ws syscall.WaitStatus
	for {
		pid, err := syscall.Wait4(r.daemon.Process.Pid, &ws, syscall.WUNTRACED, nil)
		if err == syscall.EINTR {
			continue
		}
		require.NoError(r.t, err)
		require.Equal(r.t, r.daemon.Process.Pid, pid)
		if ws.Stopped() {
			return
		}
	}
}

func TestRealKilledBus(t *testing.T) {
	r := newRig(t)
	r.startBus("")
	r.startKeyring("test")
	h := r.helper()
	require.False(t, h.op("set").Failed)
	r.stop(r.busCmd)
	h.expect(NoBus, ErrUnavailable)
	h.blind(ErrUnavailable)
	h.clean()
}

func TestRealKilledDaemon(t *testing.T) {
	r := newRig(t)
	r.startBus("")
	r.startKeyring("test")
	h := r.helper()
	require.False(t, h.op("set").Failed)
	r.stop(r.daemon)
	h.expect(NoService, ErrUnavailable)
	h.blind(ErrUnavailable)
	r.startKeyring("test")
	require.Equal(t, "v", string(h.op("get").Secret), "it comes back in place")
	h.clean("close")
}

// prompter is a dialog that nobody answers. asked gets one value for each.
type prompter struct{ asked chan struct{} }

func (p prompter) BeginPrompting(dbus.ObjectPath) *dbus.Error {
	p.asked <- struct{}{}
	return nil
}

func (r *rig) silentPrompter() prompter {
	const path, face = "/org/gnome/keyring/Prompter", "org.gnome.keyring.internal.Prompter"
	conn := r.connect()
	r.t.Cleanup(func() { _ = conn.Close() })
	p := prompter{make(chan struct{}, 8)}
	require.NoError(r.t, conn.Export(p, path, face))
	got, err := conn.RequestName("org.gnome.keyring.SystemPrompter", dbus.NameFlagDoNotQueue)
	require.NoError(r.t, err)
	require.Equal(r.t, dbus.RequestNameReplyPrimaryOwner, got)
	return p
}

// With a desktop and nobody at it; then the bus goes away, at which go-keyring panics.
func TestRealUnansweredDialogThenBusKilled(t *testing.T) {
	r := newRig(t)
	r.startBus("")
	r.startKeyring("test")
	require.False(t, r.helper().op("set").Failed)
	r.stop(r.daemon)
	r.startKeyring("")
	dialog := r.silentPrompter()
	h := r.helper()
	h.expect(Locked, ErrLocked)
	require.Empty(t, dialog.asked, "a probe or a call opened a dialog")
	unlock := h.do(order{Op: "unlock", Limit: short})
	require.Equal(t, ErrTimeout.Error(), unlock.Err)
	require.True(t, unlock.Pending)
	<-dialog.asked
	require.Equal(t, ErrBusy.Error(), h.op("get").Err)
	r.stop(r.busCmd)
	h.op("wait")
	require.Equal(t, NoBus, h.op("get").State)
	h.clean()
}

func TestRealReadOnlyFolder(t *testing.T) {
	r := newRig(t)
	if os.Geteuid() == 0 { // root writes everywhere
		r.as(nobody)
		r.policy = `<allow user="root"/>` // for this test to watch the daemon come up
	}
	r.startBus("")
	r.startKeyring("test")
	h := r.helper()
	require.False(t, h.op("set").Failed)
	folder := r.path("data", "keyrings")
	require.DirExists(t, folder)
	require.NoError(t, os.Chmod(folder, 0o500))
	for key, secret := range map[string]string{"k2": "v", "k": "changed"} {
		set := h.do(order{Op: "set", Key: key, Secret: []byte(secret)})
		require.Equal(t, ErrRefused.Error(), set.Err, key)
		require.NotEmpty(t, set.Detail)
	}
	require.Equal(t, "v", string(h.op("get").Secret), "what is there can be read")
	require.NoError(t, os.Chmod(folder, 0o700))
	require.False(t, h.do(order{Op: "set", Key: "k2", Secret: []byte("v")}).Failed)
	h.clean("close")
}

func TestRealCorruptedKeyringLooksEmpty(t *testing.T) {
	r := newRig(t)
	r.startBus("")
	r.startKeyring("test")
	require.False(t, r.helper().op("set").Failed)
	r.stop(r.daemon)
	files, err := filepath.Glob(r.path("data", "keyrings", "*.keyring"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, f := range files {
		require.NoError(t, os.WriteFile(f, []byte("garbage"), 0o600))
	}
	r.startKeyring("test")
	h := r.helper()
	require.Equal(t, ErrNotFound.Error(), h.op("get").Err)
	require.False(t, h.op("set").Failed)
	h.clean("close")
}

// person is how long somebody takes to find a window: longer than any call has
// that shows none.
const person = CallLimit + 2*time.Second

// glance is how long somebody needs at least: one who refuses at once is asked again.
const glance = 300 * time.Millisecond

// process is a new program on the desktop, which KeePassXC asks about anew.
func process(t *testing.T, d *keyringtest.Desktop) *helper {
	t.Helper()
	exe, err := os.Executable()
	require.NoError(t, err)
	c := exec.Command(exe)
	c.Env = append(os.Environ(), d.Env()...)
	return startHelper(t, c)
}

// during does an order while windows are answered.
func (h *helper) during(o order, answer func()) reply {
	h.t.Helper()
	replies := make(chan reply, 1)
	go func() { replies <- h.do(o) }()
	answer()
	return <-replies
}

// told asserts that the process was told of a window, and of its end.
func told(t *testing.T, r reply, program string) {
	t.Helper()
	require.Len(t, r.Waits, 2)
	require.Equal(t, []string{program, program}, []string{r.Waits[0].Who, r.Waits[1].Who})
	require.Equal(t, []bool{false, true}, []bool{r.Waits[0].Over, r.Waits[1].Over})
	require.False(t, r.Waits[0].Until.IsZero())
}

func TestRealKeePassXC(t *testing.T) {
	needReal(t)
	t.Parallel()
	const access, unlock = "Access Request", "Unlock Database"
	d := keyringtest.Start(t, "keepassxc", "keepassxc-cli")
	d.KeePassXC()

	h := process(t, d)
	require.Equal(t, Status{State: Ready, Program: "KeePassXC"}, h.op("probe").Status)
	for _, secret := range []string{"v", "rotated"} { // stored, replaced: no window for one's own
		set := h.do(order{Op: "set", Key: "k", Secret: []byte(secret)})
		require.False(t, set.Failed, set.Text+set.Detail)
		require.Empty(t, set.Waits)
		require.Equal(t, secret, string(h.op("get").Secret))
	}
	require.False(t, h.op("test write").Failed)
	h.clean("close")

	h = process(t, d)
	require.True(t, h.op("has").Has)
	d.NoWindow(access)
	got := h.during(order{Op: "get", Key: "k"}, func() { d.Answer(access, person, "Return") })
	require.Equal(t, "rotated", string(got.Secret), got.Text+got.Detail)
	told(t, got, "KeePassXC")
	set := h.do(order{Op: "set", Key: "k", Secret: []byte("again")})
	require.False(t, set.Failed, "it asks once in a process: "+set.Text)

	h = process(t, d)
	for _, op := range []string{"get", "set"} { // it asks again after each refusal
		r := h.during(order{Op: op, Key: "k", Secret: []byte("x")}, func() { d.Answer(access, glance, "Escape") })
		require.Equal(t, ErrDismissed.Error(), r.Err, r.Detail)
	}
	got = h.during(order{Op: "get", Key: "k"}, func() { d.Answer(access, 0, "Return") })
	require.Equal(t, "again", string(got.Secret))
	require.False(t, h.op("delete").Failed)
	require.Equal(t, ErrNotFound.Error(), h.op("get").Err)
	require.False(t, h.op("set").Failed)

	d.Lock()
	require.Equal(t, Locked, h.op("probe").Status.State)
	h.expect(Locked, ErrLocked)
	refused := h.during(order{Op: "unlock"}, func() { d.Answer(unlock, glance, "Escape") })
	require.Equal(t, ErrLocked.Error(), refused.Err)
	unlocked := h.during(order{Op: "unlock"}, func() { d.Answer(unlock, 0, `"`+keyringtest.Password+`"`, "Return") })
	require.False(t, unlocked.Failed, unlocked.Text+unlocked.Detail)
	require.Equal(t, Ready, h.op("probe").Status.State)
}

func TestRealKWallet(t *testing.T) {
	needReal(t)
	t.Parallel()
	const window = "KDE Wallet Service"
	d := keyringtest.Start(t, "kwalletd5")
	d.KWallet()
	h := process(t, d)
	require.Equal(t, Status{State: Ready, Program: "KWallet"}, h.op("probe").Status, "the wallet is open, though it says that it is locked")
	for _, secret := range []string{"v", "rotated"} {
		set := h.do(order{Op: "set", Key: "k", Secret: []byte(secret)})
		require.False(t, set.Failed, set.Text+set.Detail)
		require.Empty(t, set.Waits)
		require.Equal(t, secret, string(h.op("get").Secret))
	}
	require.True(t, h.op("has").Has)
	require.False(t, h.op("test write").Failed)
	require.False(t, h.op("delete").Failed)
	require.Equal(t, ErrNotFound.Error(), h.op("get").Err)
	require.False(t, h.op("set").Failed)

	d.Lock()
	h.expect(Locked, ErrLocked)
	refused := h.during(order{Op: "unlock"}, func() { d.Answer(window, glance, "Escape") })
	require.Equal(t, ErrLocked.Error(), refused.Err)
	unlocked := h.during(order{Op: "unlock"}, func() { d.Answer(window, person, `"`+keyringtest.Password+`"`, "Return") })
	require.False(t, unlocked.Failed, unlocked.Text+unlocked.Detail)
	told(t, unlocked, "KWallet")
	require.Equal(t, "v", string(h.op("get").Secret))
}

// churn sets n, n+1, … in the file without end and tells each number once it is stored.
func (s *server) churn(o order) error {
	f := OpenFile(o.Key, phrase("pass"), cheap)
	for n := o.PID; ; n++ {
		if err := f.Set(s.ctx, "k", strconv.Itoa(n)); err != nil {
			return err
		}
		if err := s.out.Encode(reply{Secret: []byte(strconv.Itoa(n))}); err != nil {
			return err
		}
	}
}

// A process that is killed at any moment leaves the last value that it told of, or the next one.
func TestFileSurvivesKill(t *testing.T) {
	t.Parallel()
	exe, err := os.Executable()
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "confer", "secrets.age")
	for round := range 30 {
		h := startHelper(t, exec.Command(exe))
		first := h.do(order{Op: "churn", Key: path, PID: round * 1000})
		require.False(t, first.Failed, "%s %s", first.Text, first.Detail)
		last := round * 1000
		for range round % 7 {
			line, err := h.out.ReadBytes('\n')
			require.NoError(t, err)
			var r reply
			require.NoError(t, json.Unmarshal(line, &r))
			require.False(t, r.Failed, "%s %s", r.Text, r.Detail)
			last, err = strconv.Atoi(string(r.Secret))
			require.NoError(t, err)
		}
		h.kill()
		for { // what it still told before it died
			line, err := h.out.ReadBytes('\n')
			if err != nil {
				break
			}
			var r reply
			require.NoError(t, json.Unmarshal(line, &r))
			last, err = strconv.Atoi(string(r.Secret))
			require.NoError(t, err)
		}
		got, err := OpenFile(path, phrase("pass"), 0).Get(t.Context(), "k")
		require.NoError(t, err)
		require.Contains(t, []string{fmt.Sprint(last), fmt.Sprint(last + 1)}, got)
	}
	require.NoError(t, OpenFile(path, phrase("pass"), cheap).Set(t.Context(), "k", "end"))
	left, err := filepath.Glob(filepath.Join(filepath.Dir(path), ".*"))
	require.NoError(t, err)
	require.Empty(t, left, "what the killed ones left is removed")
}
