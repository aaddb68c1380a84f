package keystore

import (
	"bufio"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
	"github.com/stretchr/testify/require"
)

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
	h.op("settle")
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
	h.op("settle")
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
		h.op("settle")
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
	h.op("settle")
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
