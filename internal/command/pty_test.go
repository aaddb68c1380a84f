//go:build unix

package command

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/charmbracelet/x/vt"
	"github.com/creack/pty"
	"github.com/stretchr/testify/require"
	"golang.org/x/term"
)

// patience bounds each wait of a screen test. It is no measure of speed: a test
// goes on as soon as what it waits for is there.
const patience = 60 * time.Second

// terminal runs a command in a pseudo-terminal with an emulated screen.
type terminal struct {
	t      testing.TB
	cmd    *exec.Cmd
	began  time.Time
	pty    *os.File // ours
	tty    *os.File // the command's, kept open to read its modes at the end
	before *term.State

	mu      sync.Mutex
	changed *sync.Cond
	screen  *vt.Emulator
	raw     bytes.Buffer
	ended   bool
	drained chan struct{}
	watch   func(arrived time.Time) // called after each piece of output was drawn; nil: nobody asks
}

type terminalOptions struct {
	width, height uint16
	mute          bool // answers no queries
	env           []string
	command       string          // empty: confer
	prepare       func(*terminal) // changes what is about to start; nil: nothing
}

func startTerminal(t testing.TB, o terminalOptions, args ...string) *terminal {
	t.Helper()
	if o.width == 0 {
		o.width, o.height = 100, 30
	}
	master, tty, err := pty.Open()
	require.NoError(t, err)
	require.NoError(t, pty.Setsize(master, &pty.Winsize{Cols: o.width, Rows: o.height}))
	before, err := term.GetState(int(tty.Fd()))
	require.NoError(t, err)
	x := &terminal{t: t, pty: master, tty: tty, before: before, screen: vt.NewEmulator(int(o.width), int(o.height)), drained: make(chan struct{})}
	x.changed = sync.NewCond(&x.mu)
	x.cmd = exec.Command(cmp.Or(o.command, "confer"), args...)
	x.cmd.Env = append(home(t), o.env...)
	x.cmd.Dir = t.TempDir()
	x.cmd.Stdin, x.cmd.Stdout, x.cmd.Stderr = tty, tty, tty
	x.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if o.prepare != nil {
		o.prepare(x)
	}
	x.began = time.Now()
	require.NoError(t, x.cmd.Start())
	go x.answer(o.mute)
	go x.read()
	t.Cleanup(x.kill)
	return x
}

// answer sends what a terminal says to queries back to the program, or drops it.
func (x *terminal) answer(mute bool) {
	var w io.Writer = x.pty
	if mute {
		w = io.Discard
	}
	_, _ = io.Copy(w, x.screen)
}

func (x *terminal) read() {
	defer close(x.drained)
	buf := make([]byte, 32<<10)
	for {
		n, err := x.pty.Read(buf)
		arrived := time.Now()
		x.mu.Lock()
		x.raw.Write(buf[:n])
		_, _ = x.screen.Write(buf[:n])
		if x.watch != nil {
			x.watch(arrived)
		}
		x.ended = err != nil
		x.changed.Broadcast()
		x.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func (x *terminal) kill() {
	_ = x.cmd.Process.Kill()
	_ = x.cmd.Wait()
	x.tty.Close()
	x.pty.Close()
	<-x.drained
}

// until waits for the screen to hold all of the texts.
func (x *terminal) until(texts ...string) string {
	x.t.Helper()
	return x.when(func(screen string) bool {
		for _, text := range texts {
			if !strings.Contains(screen, text) {
				return false
			}
		}
		return true
	}, strings.Join(texts, " + "))
}

func (x *terminal) when(ok func(screen string) bool, what string) string {
	x.t.Helper()
	limit := time.AfterFunc(patience, func() {
		x.mu.Lock()
		defer x.mu.Unlock()
		x.ended = true
		x.changed.Broadcast()
	})
	defer limit.Stop()
	x.mu.Lock()
	defer x.mu.Unlock()
	for {
		screen := x.screen.String()
		if ok(screen) {
			return screen
		}
		if x.ended {
			x.t.Fatalf("the screen never showed %q; it shows:\n%s", what, screen)
		}
		x.changed.Wait()
	}
}

func (x *terminal) press(keys string) {
	x.t.Helper()
	_, err := io.WriteString(x.pty, keys)
	require.NoError(x.t, err)
}

func (x *terminal) resize(width, height uint16) {
	x.t.Helper()
	x.mu.Lock()
	x.screen.Resize(int(width), int(height))
	x.mu.Unlock()
	require.NoError(x.t, pty.Setsize(x.pty, &pty.Winsize{Cols: width, Rows: height}))
}

// exits waits for the end and checks the exit code, and that the terminal is
// as it was: its line modes, the cursor, the main screen, no mouse, no pastes.
func (x *terminal) exits(code int) string {
	x.t.Helper()
	limit := time.AfterFunc(patience, func() { _ = x.cmd.Process.Kill() })
	defer limit.Stop()
	err := x.cmd.Wait()
	got := 0
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		require.NoError(x.t, err)
	}
	after, err := term.GetState(int(x.tty.Fd()))
	require.NoError(x.t, err)
	require.Equal(x.t, x.before, after, "line modes are restored")
	x.tty.Close()
	<-x.drained
	x.mu.Lock()
	defer x.mu.Unlock()
	raw := x.raw.String()
	require.Equal(x.t, code, got, "exit code; the screen shows:\n%s", x.screen.String())
	for _, mode := range []string{"?1049", "?2004", "?1000", "?1002", "?1003"} {
		require.LessOrEqual(x.t, strings.LastIndex(raw, "\x1b["+mode+"h"), strings.LastIndex(raw, "\x1b["+mode+"l"), "mode %s is left on", mode)
	}
	require.LessOrEqual(x.t, strings.LastIndex(raw, "\x1b[?25l"), strings.LastIndex(raw, "\x1b[?25h"), "the cursor is left hidden")
	return raw
}
