//go:build unix

package command

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"confer/cronofy/sandbox"
	"confer/internal/screentest"
	"confer/internal/testhost"
)

// TestOverSSHByPasteAlone: no display, a browser elsewhere, nothing forwarded.
func TestOverSSHByPasteAlone(t *testing.T) {
	t.Parallel()
	x := startTerminal(t, terminalOptions{width: 100, height: 40, env: []string{"SSH_CONNECTION=192.0.2.1 50000 192.0.2.2 22", "SSH_TTY=/dev/pts/9"}},
		"--sandbox", "--redirect-uri", "https://app.example.test/cronofy/done")
	x.toAuthorize()
	x.press(enter)
	x.until(onWaiting, "approve as the administrator")
	x.press("u")
	link := x.rawLink()
	x.press(enter)
	x.until(onWaiting)
	x.press("p")
	x.until(onPaste)
	x.press("\x1b[200~" + wrapped(approveElsewhere(t, link)) + "\x1b[201~")
	x.press(enter)
	x.to(onLinked)
}

// TestNamedBrowserOverSSH: a command that was named is started, and the screen says
// so, wherever the wizard runs.
func TestNamedBrowserOverSSH(t *testing.T) {
	t.Parallel()
	x := sandboxWizard(t, terminalOptions{env: []string{"SSH_CONNECTION=192.0.2.1 50000 192.0.2.2 22", "SSH_TTY=/dev/pts/9", "BROWSER=true"}})
	require.Contains(t, strings.Join(strings.Fields(x.toAuthorize()), " "), "opens it in a browser")
	x.press(enter)
	require.NotContains(t, x.until(onWaiting, "A browser was asked to open it."), "Take the approval link to any browser")
}

// TestASignalWaitsForTheExchange: what the administrator approved is finished.
func TestASignalWaitsForTheExchange(t *testing.T) {
	t.Parallel()
	w := newOffice(t, sandbox.Options{Faults: []sandbox.Fault{{Endpoint: sandbox.Exchange, Slow: 2 * time.Second}}})
	x := startTerminal(t, terminalOptions{env: append(w.env, "CONFER_SERVICE_ACCOUNT="+w.Credentials().ServiceAccountID)}, "--secret-store", "session",
		"--client-secret-file", w.path("secret.txt"), "--provider", "zoom", "--browser", "browser", "--redirect-uri", testhost.RedirectURI(t))
	x.toAuthorize()
	x.press(enter)
	x.until("Exchanging")
	require.NoError(t, x.cmd.Process.Signal(syscall.SIGTERM))
	x.until("Finishing the exchange of the code ...")
	require.Contains(t, x.exits(0), "Linked: the calendars of ")
}

// wrapped breaks an address as a mail program or a narrow window does.
func wrapped(address string) string {
	var b strings.Builder
	for i, r := range address {
		if i > 0 && i%40 == 0 {
			b.WriteString("\r\n  ")
		}
		b.WriteRune(r)
	}
	return b.String()
}

// TestAnAnswerEndsTheRawLink: the link is on the screen when the administrator
// is done, and nobody presses a key.
func TestAnAnswerEndsTheRawLink(t *testing.T) {
	t.Parallel()
	x := sandboxWizard(t, terminalOptions{width: 100, height: 40}, "--browser", "none")
	x.wait()
	x.press("u")
	answer := approveElsewhere(t, x.rawLink())
	res, err := http.Get(answer)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	x.to(onLinked)
}

// TestAPasteOverTheRawLink: a terminal that does not mark it sends it in pieces,
// and some letters in it would end the wait.
func TestAPasteOverTheRawLink(t *testing.T) {
	t.Parallel()
	x := sandboxWizard(t, terminalOptions{width: 100, height: 40}, "--browser", "none")
	x.wait()
	x.press("u")
	address := approveElsewhere(t, x.rawLink())
	half := len(address) / 2
	x.press(address[:half])
	x.until(onPaste, "characters. Line breaks")
	x.press(address[half:])
	x.press(enter)
	x.to(onLinked)
}

func TestHandOverKeepsAnUnconfirmedLink(t *testing.T) {
	t.Parallel()
	x := sandboxWizard(t, terminalOptions{width: 100, height: 40}, "--browser", "none")
	x.wait()
	x.press("m")
	x.until("message for the administrator", "Subject:")
	x.press(escape)
	x.until(onWaiting)
	x.press("i")
	x.until("Is it done?")
	x.press("y")
	x.to("Not confirmed:", "Check accounts")
	x.press(ctrlC)
	x.exits(0)
}

func TestNewLinkAndMoreTime(t *testing.T) {
	t.Parallel()
	x := sandboxWizard(t, terminalOptions{width: 100, height: 40}, "--browser", "none", "--timeout", "90s")
	x.wait()
	x.press("u")
	first := x.rawLink()
	x.press(enter)
	x.until(onWaiting)
	x.left("1")
	x.press("+")
	short := shortLink.FindString(x.left("2"))
	x.press("n")
	x.when(func(screen string) bool {
		return shortLink.MatchString(screen) && shortLink.FindString(screen) != short
	}, "another short link")
	x.press("u")
	x.WhenWritten("another real link", func(raw string) bool {
		all := authorizeURL.FindAllString(raw, -1)
		return len(all) > 0 && all[len(all)-1] != first
	})
}

// left waits for a countdown of so many minutes. A port in an address has more
// digits.
func (x *terminal) left(minutes string) string {
	x.t.Helper()
	countdown := regexp.MustCompile(`\b` + minutes + `:[0-5]\d\b`)
	return x.when(countdown.MatchString, minutes+" minutes left")
}

var shortLink = regexp.MustCompile(`/go/[a-z0-9]{20,}`)

// TestRawLinkIsByteExact takes the link from a real terminal multiplexer, as an
// operator does who selects it: joined over its wrapped rows, not one byte off.
func TestRawLinkIsByteExact(t *testing.T) {
	t.Parallel()
	tmux, err := exec.LookPath("tmux")
	if err != nil {
		t.Skip("tmux is not installed")
	}
	for _, width := range []int{60, 80, 100} {
		t.Run(fmt.Sprint(width), func(t *testing.T) {
			t.Parallel()
			p := newPane(t, tmux, width)
			p.toTheWait()
			p.keys("w")
			saved := p.savedLink()
			p.keys("u")
			p.until("/oauth/authorize?")
			require.Contains(t, strings.Fields(p.capture("-J")), saved, "the link stands alone and whole")
		})
	}
}

// pane is a tmux server of its own with the wizard in it.
type pane struct {
	t    *testing.T
	tmux string
	sock string
	dir  string
}

func newPane(t *testing.T, tmux string, width int) *pane {
	t.Helper()
	p := &pane{t: t, tmux: tmux, sock: filepath.Join(t.TempDir(), "s"), dir: t.TempDir()}
	exe, err := exec.LookPath("confer")
	require.NoError(t, err)
	cmd := p.command("-f", "/dev/null", "new-session", "-d", "-x", fmt.Sprint(width), "-y", "30",
		exe+" --sandbox --browser none --redirect-uri "+testhost.RedirectURI(t))
	cmd.Dir, cmd.Env = p.dir, home(t)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	t.Cleanup(func() { _ = p.command("kill-server").Run() })
	return p
}

func (p *pane) command(args ...string) *exec.Cmd {
	return exec.Command(p.tmux, append([]string{"-S", p.sock}, args...)...)
}

func (p *pane) keys(keys ...string) {
	p.t.Helper()
	require.NoError(p.t, p.command(append([]string{"send-keys"}, keys...)...).Run())
}

func (p *pane) capture(args ...string) string {
	p.t.Helper()
	out, err := p.command(append([]string{"capture-pane", "-p"}, args...)...).Output()
	require.NoError(p.t, err)
	return string(out)
}

// toTheWait passes each page by Enter.
func (p *pane) toTheWait() {
	p.t.Helper()
	answered := ""
	p.when(onWaiting, func(shown string) bool {
		if strings.Contains(shown, onWaiting) {
			return true
		}
		if at := title(shown); at != "" && at != answered {
			answered = at
			p.keys("Enter")
		}
		return false
	})
}

func (p *pane) until(text string) {
	p.t.Helper()
	p.when(text, func(shown string) bool { return strings.Contains(shown, text) })
}

// when looks at the pane again and again: tmux does not tell when it changes.
func (p *pane) when(what string, ok func(shown string) bool) {
	p.t.Helper()
	done := assert.Eventually(p.t, func() bool { return ok(p.capture()) }, screentest.Patience, 20*time.Millisecond, what)
	require.True(p.t, done, "the pane shows:\n%s", p.capture())
}

// savedLink is the link as the key "w" wrote it.
func (p *pane) savedLink() string {
	p.t.Helper()
	var saved string
	require.Eventually(p.t, func() bool {
		files, _ := filepath.Glob(filepath.Join(p.dir, "*"))
		for _, file := range files {
			b, err := os.ReadFile(file)
			fi, statErr := os.Stat(file)
			if err == nil && statErr == nil && authorizeURL.Match(b) {
				require.Equal(p.t, os.FileMode(0o600), fi.Mode().Perm())
				saved = authorizeURL.FindString(string(b))
			}
		}
		return saved != ""
	}, screentest.Patience, 20*time.Millisecond)
	return saved
}
