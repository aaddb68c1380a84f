//go:build linux || darwin

package screentest

import (
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/charmbracelet/x/termios"
	"github.com/creack/pty"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// Terminal is a pseudo-terminal whose output is drawn on a screen.
type Terminal struct {
	*Screen
	TTY     *os.File // the program's end
	master  *os.File // ours
	before  *term.State
	drained chan struct{}
}

// Open makes a terminal; mute, it answers no queries. It is closed with the test.
func Open(t testing.TB, width, height int, mute bool) *Terminal {
	t.Helper()
	opened, tty, err := pty.Open()
	require.NoError(t, err)
	fd, err := unix.FcntlInt(opened.Fd(), unix.F_DUPFD_CLOEXEC, 0) // one that can be closed while it is read
	require.NoError(t, err)
	require.NoError(t, opened.Close())
	require.NoError(t, unix.SetNonblock(fd, true))
	x := &Terminal{TTY: tty, master: os.NewFile(uintptr(fd), "master"), drained: make(chan struct{})}
	require.NoError(t, pty.Setsize(tty, &pty.Winsize{Cols: uint16(width), Rows: uint16(height)}))
	x.before, err = term.GetState(int(tty.Fd()))
	require.NoError(t, err)
	var answers io.Writer = x.master
	if mute {
		answers = io.Discard
	}
	x.Screen = New(t, width, height, answers)
	go func() {
		defer close(x.drained)
		_, _ = io.Copy(x.Screen, x.master)
		x.End()
	}()
	t.Cleanup(x.Close)
	return x
}

// Start runs a command in the terminal, as the leader of a session of its own.
func (x *Terminal) Start(cmd *exec.Cmd) {
	x.t.Helper()
	cmd.Stdin, cmd.Stdout, cmd.Stderr = x.TTY, x.TTY, x.TTY
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setsid, cmd.SysProcAttr.Setctty = true, true
	require.NoError(x.t, cmd.Start())
}

// Close ends the terminal. What still runs in it is hung up on.
func (x *Terminal) Close() {
	x.TTY.Close()
	x.master.Close()
	<-x.drained
}

// HangUp closes our end alone, as a terminal does that is closed.
func (x *Terminal) HangUp() { x.master.Close() }

// Press types.
func (x *Terminal) Press(keys string) {
	x.t.Helper()
	_, err := io.WriteString(x.master, keys)
	require.NoError(x.t, err)
}

// Resize changes the window.
func (x *Terminal) Resize(width, height int) {
	x.t.Helper()
	x.resize(width, height)
	require.NoError(x.t, pty.Setsize(x.master, &pty.Winsize{Cols: uint16(width), Rows: uint16(height)}))
}

// Modes are the line modes as they are now.
func (x *Terminal) Modes() term.State {
	x.t.Helper()
	state, err := term.GetState(int(x.TTY.Fd()))
	require.NoError(x.t, err)
	return *state
}

// Before are the line modes as they were.
func (x *Terminal) Before() term.State { return *x.before }

// Restored waits until all output is drawn, and checks that the terminal is as it
// was: its line modes, the cursor, the main screen, no mouse, no pastes, the
// usual keys. It gives all bytes.
func (x *Terminal) Restored() string {
	x.t.Helper()
	require.Equal(x.t, x.Before(), x.Modes(), "line modes are restored")
	x.TTY.Close()
	Receive(x.Screen, x.drained, "end of the output")
	raw := x.Raw()
	x.requireOff(raw)
	return raw
}

func (x *Terminal) requireOff(raw string) {
	x.t.Helper()
	for _, mode := range []string{"?1049", "?2004", "?1000", "?1002", "?1003", "?1006", "?2026"} {
		require.LessOrEqual(x.t, strings.LastIndex(raw, "\x1b["+mode+"h"), strings.LastIndex(raw, "\x1b["+mode+"l"), "mode %s is left on", mode)
	}
	require.LessOrEqual(x.t, strings.LastIndex(raw, "\x1b[?25l"), strings.LastIndex(raw, "\x1b[?25h"), "the cursor is left hidden")
}

// Exits waits for the command to end, and gives its exit code: -1 if a signal
// ended it. After the limit it is killed.
func (x *Terminal) Exits(cmd *exec.Cmd) int {
	x.t.Helper()
	limit := time.AfterFunc(x.Patience, func() { _ = cmd.Process.Kill() })
	_ = cmd.Wait()
	if !limit.Stop() {
		x.t.Fatalf("within %s the command did not end; the screen shows:\n%s", x.Patience, x.Text())
	}
	return cmd.ProcessState.ExitCode()
}

// Echoes tells whether the terminal shows what is typed by itself.
func (x *Terminal) Echoes() bool {
	x.t.Helper()
	modes, err := termios.GetTermios(int(x.TTY.Fd()))
	require.NoError(x.t, err)
	return modes.Lflag&unix.ECHO != 0
}
