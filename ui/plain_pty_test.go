//go:build linux || darwin

package ui

import (
	"context"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"confer/flow"
)

// plainGlass is a terminal with the line mode in it.
type plainGlass struct {
	t      *testing.T
	master *os.File
	slave  *os.File
	before unix.Termios
	tasks  *plainTasks
	orders chan flow.Task
	cancel context.CancelFunc
	done   chan struct{}
	last   flow.State
	err    error

	mu    sync.Mutex
	more  *sync.Cond
	shown strings.Builder
}

// plainTell hands orders to the test.
type plainTell struct {
	*plainTasks
	orders chan flow.Task
}

func (p plainTell) Follow(_, _ flow.State, task *flow.Task) {
	if task != nil {
		p.orders <- *task
	}
}

func plainTerminalRun(t *testing.T, s flow.State) *plainGlass {
	t.Helper()
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, before) })
	master, slave := plainPTY(t)
	g := &plainGlass{t: t, master: master, slave: slave, tasks: newPlainTasks(), orders: make(chan flow.Task, 64), done: make(chan struct{})}
	g.more = sync.NewCond(&g.mu)
	g.before = g.termios()
	ctx, cancel := context.WithCancel(t.Context())
	g.cancel = cancel
	reading := make(chan struct{})
	go g.read(reading)
	go func() {
		defer close(g.done)
		g.last, g.err = RunPlain(ctx, PlainConfig{Err: slave, Config: Config{State: s, Tasks: plainTell{g.tasks, g.orders}, Input: slave, Output: slave,
			Now: func() time.Time { return start }}})
	}()
	t.Cleanup(func() {
		cancel()
		<-g.done
		require.NoError(t, slave.Close())
		master.Close() // a test may have hung up
		<-reading
	})
	return g
}

// plainPTY opens a terminal whose master can be closed while it is read.
func plainPTY(t *testing.T) (master, slave *os.File) {
	t.Helper()
	opened, slave, err := pty.Open()
	require.NoError(t, err)
	fd, err := unix.Dup(int(opened.Fd()))
	require.NoError(t, err)
	require.NoError(t, opened.Close())
	require.NoError(t, unix.SetNonblock(fd, true))
	return os.NewFile(uintptr(fd), "master"), slave
}

func (g *plainGlass) read(over chan<- struct{}) {
	defer close(over)
	buf := make([]byte, 4096)
	for {
		n, err := g.master.Read(buf)
		g.mu.Lock()
		g.shown.Write(buf[:n])
		g.mu.Unlock()
		g.more.Broadcast()
		if err != nil {
			return
		}
	}
}

// until waits for a text on the glass.
func (g *plainGlass) until(text string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for !strings.Contains(g.shown.String(), text) {
		g.more.Wait()
	}
}

func (g *plainGlass) text() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.shown.String()
}

func (g *plainGlass) types(s string) {
	g.t.Helper()
	_, err := g.master.WriteString(s)
	require.NoError(g.t, err)
}

func (g *plainGlass) reports(id int, events ...flow.Event) {
	for _, ev := range events {
		g.tasks.events <- flow.Report{Task: id, Event: ev}
	}
}

func (g *plainGlass) termios() unix.Termios {
	g.t.Helper()
	m, err := unix.IoctlGetTermios(int(g.slave.Fd()), plainGetTermios)
	require.NoError(g.t, err)
	return *m
}

// ended waits for the run's end; the terminal must be as it was found.
func (g *plainGlass) ended() {
	g.t.Helper()
	<-g.done
	require.Equal(g.t, g.before, g.termios())
}

// TestPlainTerminalPaste: the kernel cuts a line that it edits at 4,096 bytes;
// an address of 10,000 comes whole.
func TestPlainTerminalPaste(t *testing.T) {
	g := plainTerminalRun(t, plainAt(t, toAuthorize()...))
	g.until("]: ")
	g.types("\r")
	order := <-g.orders
	require.IsType(t, flow.Authorize{}, order.Effect)
	g.reports(order.ID, linkReady())
	g.until("? says what can be done.")
	address := "http://127.0.0.1:8739/callback?code=" + strings.Repeat("Zx81kQ.~", 1240) + "&state=9f0c3e1ab27d44f8"
	require.Greater(t, len(address), 9900)
	g.types(address + "\r")
	pasted := (<-g.orders).Effect.(flow.Pasted)
	require.Len(t, pasted.Text, len(address))
	require.True(t, pasted.Text == address)
	g.until("Checking what was pasted.")
	require.NotEqual(t, g.before, g.termios())
	g.reports(order.ID, flow.AnswerArrived{}, flow.Exchanged{}, linked())
	g.until("[3, not now]: ")
	require.Equal(t, g.before, g.termios(), "lines are edited by the terminal again")
	g.types("\r")
	g.ended()
	require.NoError(t, g.err)
	require.NotNil(t, g.last.Link)
}

func TestPlainTerminalSecret(t *testing.T) {
	g := plainTerminalRun(t, plainAt(t, toApplication()...))
	g.until("Client id: ")
	g.types(testClient + "\r")
	g.until("Client secret: ")
	g.types(testSecret + "x\x7f\r")
	g.until("Redirect URI [")
	require.Equal(t, g.before, g.termios())
	g.types("\r")
	check := (<-g.orders).Effect.(flow.CheckApplication)
	require.Equal(t, testSecret, check.Answers.ClientSecret.Reveal())
	g.until("Asking Cronofy")
	g.cancel()
	g.ended()
	require.Contains(t, g.text(), testClient, "what is no secret is shown")
	require.NotContains(t, g.text(), testSecret[:4])
	require.Empty(t, plainForbidden(strings.ReplaceAll(g.text(), "\r\n", "\n")))
}

// TestPlainTerminalRestored: the terminal is as it was found whatever ends the
// run, wherever it is.
func TestPlainTerminalRestored(t *testing.T) {
	places := map[string]struct {
		state flow.State
		at    string
	}{
		"question": {plainAt(t), "1 to 6: "},
		"secret":   {plainAt(t, append(toApplication(), flow.ApplicationEntered{ClientID: testClient, RedirectURI: flow.DefaultRedirectURI}, fail(flow.ErrNoSecret))...), "Client secret: "},
		"waiting":  {plainAt(t, toWaiting()...), "can be done."},
	}
	ways := map[string]func(g *plainGlass){
		"cancelled": func(g *plainGlass) { g.cancel() },
		"ctrl+d":    func(g *plainGlass) { g.types("\x04") },
		"quit":      func(g *plainGlass) { g.types("q\rq\r") },
	}
	for place, p := range places {
		for way, end := range ways {
			t.Run(place+" "+way, func(t *testing.T) {
				g := plainTerminalRun(t, p.state)
				g.until(p.at)
				end(g)
				g.ended()
				if way == "cancelled" {
					require.ErrorIs(t, g.err, context.Canceled)
				} else {
					require.NoError(t, g.err)
				}
			})
		}
	}
}

// TestPlainTerminalGone: a terminal that was closed ends the run.
func TestPlainTerminalGone(t *testing.T) {
	g := plainTerminalRun(t, plainAt(t))
	g.until("1 to 6: ")
	require.NoError(t, g.master.Close())
	<-g.done
}

// TestPlainTerminalOvertaken: the callback comes while an address is being
// typed. The next question is answered by what is typed after it.
func TestPlainTerminalOvertaken(t *testing.T) {
	s := plainAt(t, toWaiting()...)
	g := plainTerminalRun(t, s)
	g.until("can be done.")
	g.types("http://127.0.0.1:87")
	g.until("127.0.0.1:87")
	g.reports(s.Running.ID, flow.AnswerArrived{}, flow.Exchanged{}, linked())
	g.until("[3, not now]: ")
	g.types("none\r")
	g.ended()
	require.NoError(t, g.err)
	require.Equal(t, flow.AccountsNone, g.last.Answers.Accounts.Kind)
}

// TestPlainTerminalTypedOver: what was typed after an address, and was read or
// not when the answer came, is no part of the next answer either.
func TestPlainTerminalTypedOver(t *testing.T) {
	s := plainAt(t, toWaiting()...)
	g := plainTerminalRun(t, s)
	g.until("can be done.")
	g.types(plainFinal + "\r")
	require.Equal(t, flow.Pasted{Text: plainFinal}, (<-g.orders).Effect)
	g.types(strings.Repeat("x", 5000) + "END") // more than one read takes
	g.until("END")
	g.reports(s.Running.ID, flow.AnswerArrived{}, flow.Exchanged{}, linked())
	g.until("[3, not now]: ")
	g.types("none\r")
	g.ended()
	require.Equal(t, flow.AccountsNone, g.last.Answers.Accounts.Kind)
}
