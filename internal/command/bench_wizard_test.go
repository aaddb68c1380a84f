//go:build linux

package command

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"confer/cronofy/sandbox"
	"confer/internal/screentest"
	"confer/internal/testhost"
)

// drawn gives the moment at which the output arrived that made ok true of the
// screen. The time that the emulator takes to draw it is not in it.
func (x *terminal) drawn(ok func(screen string) bool) <-chan time.Time {
	found := make(chan time.Time, 1)
	x.Watch(func(screen string, arrived time.Time) bool {
		if !ok(screen) {
			return true
		}
		found <- arrived
		return false
	})
	return found
}

func (x *terminal) arrival(found <-chan time.Time) time.Time {
	x.t.Helper()
	return screentest.Receive(x.Screen, found, "output with what was waited for")
}

// BenchmarkFirstFrame is from before fork to the output after which the emulated
// screen holds the first step's title and its first choice.
func BenchmarkFirstFrame(b *testing.B) {
	program := releasedProgram(b)
	offline := func(x *terminal) { x.cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWNET }
	for _, c := range []struct {
		name string
		o    terminalOptions
		args []string
	}{
		{name: "answering"},
		{name: "mute", o: terminalOptions{mute: true}},
		{name: "hung-keyring", o: terminalOptions{env: []string{"DBUS_SESSION_BUS_ADDRESS=unix:path=" + hungBus(b)}}},
		{name: "no-network", o: terminalOptions{prepare: offline}},
		{name: "sandbox", args: []string{"--sandbox"}},
	} {
		b.Run(c.name, func(b *testing.B) {
			if c.name == "no-network" && os.Getuid() != 0 {
				b.Skip("a network namespace needs root")
			}
			c.o.command = program
			var took samples
			for b.Loop() {
				took = append(took, firstFrame(b, c.o, c.args))
				pause(time.Duration(rand.IntN(20)) * time.Millisecond)
			}
			took.report(b)
		})
	}
}

func firstFrame(b *testing.B, o terminalOptions, args []string) time.Duration {
	b.Helper()
	var found <-chan time.Time
	prepare := o.prepare
	o.prepare = func(x *terminal) {
		if prepare != nil {
			prepare(x)
		}
		found = x.drawn(func(screen string) bool {
			return strings.Contains(screen, onDataCenter) && strings.Contains(screen, "Germany")
		})
	}
	x := startTerminal(b, o, args...)
	defer x.kill()
	return x.arrival(found).Sub(x.began)
}

// hungBus is a session bus that takes connections and says nothing.
func hungBus(b *testing.B) string {
	b.Helper()
	path := filepath.Join(b.TempDir(), "bus")
	l, err := net.Listen("unix", path)
	require.NoError(b, err)
	b.Cleanup(func() { l.Close() })
	go func() {
		for {
			if _, err := l.Accept(); err != nil {
				return
			}
		}
	}()
	return path
}

// BenchmarkKey is from the write of a key to the arrival of the output that
// changed a cell. The gaps are random: fixed ones can lock to the frames' clock.
func BenchmarkKey(b *testing.B) {
	program := releasedProgram(b)
	b.Run("data-centers", func(b *testing.B) {
		x := sandboxWizard(b, terminalOptions{command: program}, "--browser", "none")
		x.until(onDataCenter, "Germany")
		keys(b, x, 4)
	})
	b.Run("table-100000-filtered", func(b *testing.B) {
		x := hugeTable(b, program, 100_000)
		x.press("/")
		x.until("100,000 shown")
		x.press("person-9")
		x.until("person-9", "11,111 shown")
		x.press(enter)
		pause(time.Second)
		keys(b, x, 1000)
	})
	b.Run("filter-100000", func(b *testing.B) {
		x := hugeTable(b, program, 100_000)
		x.press("/")
		x.until("100,000 shown")
		pause(time.Second)
		typeKeys(b, x)
	})
}

// keys goes down and, after so many steps, up again.
func keys(b *testing.B, x *terminal, turn int) {
	b.Helper()
	var took samples
	before := len(x.Raw())
	for i := 0; b.Loop(); i++ {
		key := "\x1b[B"
		if i/turn%2 == 1 {
			key = "\x1b[A"
		}
		took = append(took, x.timedKey(key))
	}
	took.report(b)
	b.ReportMetric(float64(len(x.Raw())-before)/float64(len(took)), "bytes/key")
	b.ReportMetric(peakMB(b, x.cmd.Process.Pid), "peak-MB")
}

// typeKeys types an address into the filter and takes it away again.
func typeKeys(b *testing.B, x *terminal) {
	b.Helper()
	const word = "person-98765"
	var took samples
	for i := 0; b.Loop(); i++ {
		key := "\x7f"
		if at := i % (2 * len(word)); at < len(word) {
			key = word[at : at+1]
		}
		took = append(took, x.timedKey(key))
	}
	took.report(b)
}

// timedKey presses a key after a random gap. A clock on the screen that moves at
// that moment would count as the answer; on the pages used here there is none.
func (x *terminal) timedKey(key string) time.Duration {
	x.t.Helper()
	pause(time.Duration(20_000+rand.IntN(40_000)) * time.Microsecond)
	before := x.Text()
	found := x.drawn(func(screen string) bool { return screen != before })
	pressed := time.Now()
	x.Press(key)
	return x.arrival(found).Sub(pressed)
}

// hugeTable is the wizard at its last step with a list of accounts that the
// sandbox does not know: each of them is a row that says so.
func hugeTable(b *testing.B, program string, accounts int) *terminal {
	b.Helper()
	list := filepath.Join(b.TempDir(), "accounts.csv")
	f, err := os.Create(list)
	require.NoError(b, err)
	fmt.Fprintln(f, "email,access_token")
	for i := range accounts {
		fmt.Fprintf(f, "person-%d@example.test,unknown%d\n", i, i)
	}
	require.NoError(b, f.Close())
	x := sandboxWizard(b, terminalOptions{command: program, width: 120, height: 40}, "--browser", "approve", "--accounts", list)
	x.Patience = 5 * time.Minute // for as many accounts
	x.toAuthorize()
	x.press(enter)
	x.to(onLinked)
	x.press(enter)
	x.until("accounts.csv")
	x.press(enter)
	x.until("100,000")
	return x
}

// BenchmarkWaiting is one second of waiting for the administrator.
func BenchmarkWaiting(b *testing.B) {
	x := sandboxWizard(b, terminalOptions{command: releasedProgram(b)}, "--browser", "none")
	x.wait()
	pause(2 * time.Second)
	pid, seconds := x.cmd.Process.Pid, 0
	bytes, ran, began := len(x.Raw()), cpu(b, pid), time.Now()
	for b.Loop() {
		pause(time.Second)
		seconds++
	}
	passed := time.Since(began)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(100*float64(cpu(b, pid)-ran)/float64(passed), "%-of-a-core")
	b.ReportMetric(float64(len(x.Raw())-bytes)/passed.Seconds(), "bytes/s")
	b.ReportMetric(peakMB(b, pid), "peak-MB")
}

// BenchmarkCallback is from the moment when the browser begins its request to
// the redirect URI until the screen says that the administrator approved.
func BenchmarkCallback(b *testing.B) {
	program := releasedProgram(b)
	var took samples
	for b.Loop() {
		took = append(took, callbackToScreen(b, program))
	}
	took.report(b)
}

func callbackToScreen(b *testing.B, program string) time.Duration {
	b.Helper()
	x := sandboxWizard(b, terminalOptions{command: program, width: 120, height: 40}, "--browser", "none")
	defer x.kill()
	x.wait()
	x.press("u")
	link := x.rawLink()
	x.press(enter)
	x.until(onWaiting)
	address := finalAddress(b, link)
	pause(time.Duration(20_000+rand.IntN(40_000)) * time.Microsecond)
	found := x.drawn(func(screen string) bool {
		return strings.Contains(screen, "The administrator approved") || strings.Contains(screen, onLinked)
	})
	began := time.Now()
	res, err := http.Get(address)
	require.NoError(b, err)
	_, err = io.Copy(io.Discard, res.Body)
	require.NoError(b, err)
	res.Body.Close()
	return x.arrival(found).Sub(began)
}

// finalAddress approves at the sandbox and gives the address that the browser
// would ask for next.
func finalAddress(b *testing.B, link string) string {
	b.Helper()
	final, err := sandbox.FinalAddress(b.Context(), link, sandbox.Approve)
	require.NoError(b, err)
	return final
}

// BenchmarkWizardMemory is the peak of a whole set-up: in the sandbox, which is
// two servers in the same process, with its 15 accounts, and with 100 accounts
// and the sandbox in a process of its own, as Cronofy is.
func BenchmarkWizardMemory(b *testing.B) {
	program := releasedProgram(b)
	b.Run("sandbox-15", func(b *testing.B) {
		walkMemory(b, func() *terminal {
			x := sandboxWizard(b, terminalOptions{command: program, width: 120, height: 40}, "--browser", "approve")
			x.toAuthorize()
			return x
		})
	})
	b.Run("100", func(b *testing.B) {
		o := startOrganisation(b, program, 100)
		env := []string{"CRONOFY_API_URL=" + o.api, "CRONOFY_APP_URL=" + o.app, "CRONOFY_CLIENT_ID=" + o.clientID, "CRONOFY_CLIENT_SECRET=" + o.clientSecret,
			"CONFER_SERVICE_ACCOUNT=" + o.serviceAccount, "CRONOFY_DATA_CENTER=de", "CONFER_PROVIDER=zoom_enterprise", "CONFER_SECRET_STORE=session"}
		walkMemory(b, func() *terminal {
			x := startTerminal(b, terminalOptions{command: program, width: 120, height: 40, env: env},
				"--redirect-uri", testhost.RedirectURI(b), "--browser", program+" sandbox approve", "--accounts", o.people)
			x.until(onAuthorize)
			return x
		})
	})
}

func walkMemory(b *testing.B, authorize func() *terminal) {
	b.Helper()
	var peak float64
	for b.Loop() {
		x := authorize()
		x.press(enter)
		x.to(onLinked)
		x.press(enter)
		x.until("A file of accounts")
		x.press(enter)
		x.until("State", "connected", "@example.test")
		for range 60 {
			x.press("\x1b[B")
			pause(20 * time.Millisecond)
		}
		pause(3 * time.Second)
		peak = max(peak, peakMB(b, x.cmd.Process.Pid))
		x.kill()
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(peak, "peak-MB")
}
