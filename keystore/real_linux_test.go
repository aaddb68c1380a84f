package keystore

import (
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
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
	require.Equal(t, errNotOur.Error(), h.op("probe").Status.Detail)
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
