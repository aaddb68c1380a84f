//go:build unix

package command

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"confer/internal/screentest"
	"confer/internal/testhost"
)

// setting is a terminal, or a program that stands in for one, with the wizard in it.
type setting struct {
	name  string
	env   []string
	ascii bool // the signs are ASCII
	color string
	inner string // what runs inside of the terminal, and the wizard in it
	leave func(*terminal)
}

// The colours that a terminal is sent.
const (
	anyColor   = `\x1b\[[\d;]*(3[0-7]|38;|9[0-7])[\d;]*m`
	trueColor  = `\x1b\[[\d;]*38;2;`
	indexColor = `\x1b\[[\d;]*38;5;`
	fewColors  = `\x1b\[[\d;]*(3[0-7]|9[0-7])[\d;]*m`
)

func matrixSettings() []setting {
	send := func(s syscall.Signal) func(*terminal) {
		return func(x *terminal) { require.NoError(x.t, x.cmd.Process.Signal(s)) }
	}
	ctrl := func(x *terminal) {
		x.press(ctrlC)
		x.until("Quit?")
		x.press(ctrlC)
	}
	return []setting{
		{name: "truecolor", env: []string{"COLORTERM=truecolor"}, color: trueColor, leave: send(syscall.SIGTERM)},
		{name: "256 colours", color: indexColor, leave: send(syscall.SIGHUP)},
		{name: "16 colours", env: []string{"TERM=xterm"}, color: fewColors, leave: send(syscall.SIGINT)},
		{name: "no colour", env: []string{"NO_COLOR=1"}, leave: ctrl},
		{name: "linux console", env: []string{"TERM=linux"}, ascii: true, color: fewColors, leave: ctrl},
		{name: "vt100", env: []string{"TERM=vt100"}, leave: send(syscall.SIGTERM)},
		{name: "unknown", env: []string{"TERM=nobody-knows-it"}, leave: ctrl},
		{name: "locale C", env: []string{"LC_ALL=C"}, ascii: true, leave: ctrl},
		{name: "tmux", inner: "tmux", leave: ctrl},
		{name: "screen", inner: "screen", leave: ctrl},
	}
}

// sizes are from one cell to more than the wizard uses. Multiplexers break a few
// columns off by themselves.
var sizes = [][2]int{{1, 1}, {2, 50}, {300, 1}, {39, 12}, {40, 11}, {40, 12}, {59, 17}, {80, 24}, {132, 22}, {300, 80}}

// TestMatrix walks each kind of terminal to the page before the browser opens,
// through all sizes of the window on each page, and leaves it.
func TestMatrix(t *testing.T) {
	t.Parallel()
	for _, p := range matrixSettings() {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			x := p.start(t)
			for x.answered != onAuthorize {
				title := x.next()
				for _, size := range sizes {
					if p.inner != "" && size[0] < 39 || size[1] < 2 {
						continue
					}
					x.Resize(size[0], size[1])
					if p.inner != "" { // one that is at work on a signal may lose the next
						require.Eventually(t, func() bool {
							_ = x.cmd.Process.Signal(syscall.SIGWINCH)
							return p.fits(x.Text(), title, size[0], size[1])
						}, screentest.Patience, 50*time.Millisecond, "%s in %dx%d", title, size[0], size[1])
					}
					screen := x.when(func(screen string) bool { return p.fits(screen, title, size[0], size[1]) }, fmt.Sprintf("%s in %dx%d", title, size[0], size[1]))
					if p.ascii {
						require.Equal(t, -1, strings.IndexFunc(screen, func(r rune) bool { return r > 126 }), screen)
					}
				}
				x.Resize(100, 30)
				x.until(title, "Link calendars with conferencing")
				x.press(enter)
			}
			x.until(onWaiting)
			p.leave(x)
			if p.inner != "" { // it has an exit code of its own
				x.exits(0)
				return
			}
			raw := x.exits(130)
			if p.color != "" {
				require.Regexp(t, p.color, raw)
			}
			if p.name == "no colour" {
				require.NotRegexp(t, anyColor, raw)
			}
		})
	}
}

var questions = regexp.MustCompile(`[\])]: *$|[\])]: *[\r\n]`)

// TestMatrixDumb: a terminal that can do nothing gets lines, without a single escape
// sequence, in every size.
func TestMatrixDumb(t *testing.T) {
	t.Parallel()
	for _, size := range sizes {
		t.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(t *testing.T) {
			t.Parallel()
			x := startTerminal(t, terminalOptions{width: size[0], height: size[1], env: []string{"TERM=dumb"}}, "--sandbox", "--browser", "approve", "--redirect-uri", testhost.RedirectURI(t))
			for answered, over := 0, false; !over; answered++ {
				x.WhenWritten("a question, or the last", func(raw string) bool {
					over = strings.Contains(raw, "Check accounts]:")
					return over || len(questions.FindAllString(raw, -1)) > answered
				})
				if !over {
					x.press(enter)
				}
			}
			require.Contains(t, x.Raw(), "\nlinked ser_")
			x.press("f" + enter)
			x.WhenWritten("the end", func(raw string) bool { return strings.Contains(raw, "[finish]:") })
			x.press(enter)
			require.NotContains(t, x.exits(0), "\x1b")
		})
	}
}

func (p setting) start(t *testing.T) *terminal {
	t.Helper()
	args := []string{"--sandbox", "--browser", "none", "--redirect-uri", testhost.RedirectURI(t)}
	if p.inner == "" {
		return startTerminal(t, terminalOptions{env: p.env}, args...)
	}
	exe, err := exec.LookPath("confer")
	require.NoError(t, err)
	inner, err := exec.LookPath(p.inner)
	if err != nil {
		t.Skip(p.inner + " is not installed")
	}
	o := terminalOptions{command: inner, env: append(p.env, "LANG=C.UTF-8")}
	if p.inner == "tmux" {
		sock := filepath.Join(t.TempDir(), "s")
		t.Cleanup(func() { _ = exec.Command(inner, "-S", sock, "kill-server").Run() })
		return startTerminal(t, o, append([]string{"-u", "-S", sock, "-f", "/dev/null", "set", "-g", "status", "off", ";", "new-session", exe}, args...)...)
	}
	sockets := filepath.Join(t.TempDir(), "sockets")
	require.NoError(t, os.Mkdir(sockets, 0o700))
	o.env = append(o.env, "SCREENDIR="+sockets)
	return startTerminal(t, o, append([]string{"-U", "-c", "/dev/null", exe}, args...)...)
}

// fits tells whether the window shows the page whole, in its size: a line that is
// too long wraps, and pushes others out or apart.
func (p setting) fits(screen, title string, width, height int) bool {
	lines := strings.Split(screen, "\n")
	if width < 40 || height < 12 {
		const small = "confer needs a window"
		first := strings.TrimRight(lines[0], " ")
		return first != "" && strings.HasPrefix(small, first[:min(len(first), len(small))]) && !strings.Contains(screen, title)
	}
	if strings.Count(screen, title) != 1 || !strings.HasPrefix(strings.TrimSpace(lines[0]), "confer") {
		return false
	}
	last := 0
	for i, l := range lines {
		if strings.TrimSpace(l) != "" {
			last = i
		}
	}
	return last < height && last == min(height, 32)-1
}
