//go:build unix

package command

import (
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"confer/internal/testhost"

	"github.com/stretchr/testify/require"
)

const ctrlZ = "\x1a"

// shell runs confer in an interactive shell, which is where a program can be
// stopped.
func shell(t *testing.T, o terminalOptions, args ...string) *terminal {
	t.Helper()
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("bash is not installed")
	}
	exe, err := exec.LookPath("confer")
	require.NoError(t, err)
	o.command, o.env = bash, append(o.env, "PS1=shell> ")
	x := startTerminal(t, o, "--norc", "--noprofile", "-i")
	x.until("shell>")
	x.press(exe + " " + strings.Join(args, " ") + "\r")
	return x
}

// conferPID is the process below the shell.
func (x *terminal) conferPID() int {
	x.t.Helper()
	out, err := exec.Command("pgrep", "-P", strconv.Itoa(x.cmd.Process.Pid)).Output()
	require.NoError(x.t, err)
	pid, err := strconv.Atoi(strings.TrimSpace(string(out)))
	require.NoError(x.t, err)
	return pid
}

// TestSuspendTheScreen: Ctrl+Z gives the terminal back to the shell, and fg draws
// the page again, with what was typed; so does a stop from outside, also one that
// cannot be seen coming.
func TestSuspendTheScreen(t *testing.T) {
	t.Parallel()
	for name, stop := range map[string]func(*terminal){
		"Ctrl+Z":         func(x *terminal) { x.press(ctrlZ) },
		"Cyrillic":       func(x *terminal) { x.press("\x1b[1103::122;5u") },
		"from outside":   func(x *terminal) { require.NoError(x.t, syscall.Kill(x.conferPID(), syscall.SIGTSTP)) },
		"without asking": func(x *terminal) { require.NoError(x.t, syscall.Kill(x.conferPID(), syscall.SIGSTOP)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := shell(t, terminalOptions{}, "--sandbox", "--browser", "none", "--redirect-uri", testhost.RedirectURI(t))
			x.to(onApplication, "Client secret")
			x.press("typed")
			x.until("typed")
			stop(x)
			x.until("Stopped", "shell>")
			x.press("echo $((40+2)) is shown\r")
			x.until("42 is shown")
			x.press("fg\r")
			x.until(onApplication, "typed")
			x.press("more")
			x.until("typedmore")
			x.press(ctrlC)
			x.until("Nothing was linked.")
			x.press("echo code $?\r")
			x.until("code 130")
			x.press("exit\r")
			x.exits(0)
		})
	}
}

// TestSuspendAHiddenQuestion: what is typed after fg stays hidden, in the lines
// and where a command asks.
func TestSuspendAHiddenQuestion(t *testing.T) {
	t.Parallel()
	const typed = "not-to-be-seen"
	env, _ := linkedTerminal(t)
	for name, c := range map[string]struct {
		args     []string
		question string
		stop     string
		then     string
	}{
		"lines":             {[]string{"--plain", "--data-center", "de", "--client-id", "abc"}, "Client secret, not shown:", ctrlZ, "Redirect URI ["},
		"lines, outside":    {[]string{"--plain", "--data-center", "de", "--client-id", "abc"}, "Client secret, not shown:", "", "Redirect URI ["},
		"question":          {[]string{"status", "--check"}, "Passphrase of the encrypted file:", ctrlZ, "does not open the encrypted file"},
		"question, outside": {[]string{"status", "--check"}, "Passphrase of the encrypted file:", "", "does not open the encrypted file"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := terminalOptions{}
			if c.args[0] == "status" {
				o.env = env
			}
			x := shell(t, o, c.args...)
			if c.args[0] == "--plain" {
				x.until("Client id [abc]:")
				x.press("\r")
			}
			x.until(c.question)
			if c.stop == "" {
				require.NoError(t, syscall.Kill(x.conferPID(), syscall.SIGSTOP))
			} else {
				x.press(c.stop)
			}
			x.until("Stopped")
			x.press("echo $((40+2)) is shown\r")
			x.until("42 is shown")
			x.press("fg\r")
			x.When("the question again", func(screen string) bool { return strings.Count(screen, c.question) > 1 })
			x.hidden()
			x.press(typed + "\r")
			x.until(c.then)
			require.NotContains(t, x.Raw(), typed)
		})
	}
}

// hidden waits until the terminal shows nothing of what is typed.
func (x *terminal) hidden() {
	x.t.Helper()
	require.Eventually(x.t, func() bool { return !x.Echoes() }, x.Patience, 5*time.Millisecond, "the terminal echoes:\n%s", x.Text())
}

// TestNothingToSuspend: where no shell waits, as in a container or in a window of
// its own, the program goes on.
func TestNothingToSuspend(t *testing.T) {
	t.Parallel()
	x := sandboxWizard(t, terminalOptions{}, "--browser", "none")
	x.until(onDataCenter)
	x.press(ctrlZ)
	x.WhenWritten("the page anew", func(raw string) bool { return strings.Count(raw, "\x1b[?1049h") == 2 })
	x.press(enter)
	x.to(onApplication)
}
