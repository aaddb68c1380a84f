//go:build unix

package command

import (
	"cmp"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"confer/internal/screentest"
)

// terminal runs a command in a pseudo-terminal with an emulated screen.
type terminal struct {
	*screentest.Terminal
	t        testing.TB
	cmd      *exec.Cmd
	began    time.Time
	answered string // the page on which something was pressed last, by its title
}

type terminalOptions struct {
	width, height int
	mute          bool // answers no queries
	single        bool // no alternate screen
	env           []string
	command       string          // empty: confer
	prepare       func(*terminal) // changes what is about to start; nil: nothing
}

func startTerminal(t testing.TB, o terminalOptions, args ...string) *terminal {
	t.Helper()
	x := &terminal{t: t, Terminal: screentest.Open(t, cmp.Or(o.width, 100), cmp.Or(o.height, 30), o.mute)}
	if o.single {
		x.NoAlternate()
	}
	x.cmd = exec.Command(cmp.Or(o.command, "confer"), args...)
	x.cmd.Env = append(home(t), o.env...)
	x.cmd.Dir = t.TempDir()
	x.cmd.SysProcAttr = &syscall.SysProcAttr{}
	if o.prepare != nil {
		o.prepare(x)
	}
	x.began = time.Now()
	x.Start(x.cmd)
	t.Cleanup(x.kill)
	return x
}

func (x *terminal) kill() {
	_ = x.cmd.Process.Kill()
	_ = x.cmd.Wait()
	x.Close()
}

func (x *terminal) until(texts ...string) string {
	x.t.Helper()
	return x.Until(texts...)
}

func (x *terminal) when(ok func(screen string) bool, what string) string {
	x.t.Helper()
	return x.When(what, ok)
}

func (x *terminal) press(keys string) {
	x.t.Helper()
	if at := title(x.Text()); at != "" {
		x.answered = at
	}
	x.Press(keys)
}

// exits waits for the end and checks the exit code, and that the terminal is as
// it was.
func (x *terminal) exits(code int) string {
	x.t.Helper()
	got := x.Exits(x.cmd)
	raw := x.Restored()
	require.Equal(x.t, code, got, "exit code; the screen shows:\n%s", x.Text())
	return raw
}
