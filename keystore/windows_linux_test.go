package keystore

import (
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"confer/internal/keyringtest"
)

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
