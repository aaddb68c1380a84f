//go:build unix

package command

import (
	"fmt"
	"net"
	"regexp"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"confer/flow"
	"confer/internal/chromium"
	"confer/internal/testhost"
)

const (
	enter  = "\r"
	escape = "\x1b"
	ctrlC  = "\x03"
	ctrlU  = "\x15"
	tabKey = "\t"
)

func sandboxWizard(t testing.TB, o terminalOptions, args ...string) *terminal {
	t.Helper()
	return startTerminal(t, o, append([]string{"--sandbox", "--redirect-uri", testhost.RedirectURI(t)}, args...)...)
}

// toAuthorize walks to the page before the browser opens.
func (x *terminal) toAuthorize() string {
	x.t.Helper()
	return x.to(onAuthorize)
}

func TestEnterAloneWalksToTheTable(t *testing.T) {
	t.Parallel()
	x := sandboxWizard(t, terminalOptions{}, "--browser", "approve")
	x.toAuthorize()
	x.press(enter)
	x.to(onLinked)
	x.press(enter)
	x.until("the sandbox's people")
	x.press(enter)
	x.until("amara@example.test", "look again")
	x.press(enter)
	x.until("accounts connected", "finish")
	x.press(enter)
	require.Contains(t, x.exits(0), "Linked: the calendars of ser_6710aa01c0ffee0123456789 and Zoom.")
}

func TestFirstPageOnATerminalThatNeverAnswers(t *testing.T) {
	t.Parallel()
	x := sandboxWizard(t, terminalOptions{mute: true})
	x.until(onDataCenter, "Germany")
	x.press(ctrlC)
	x.exits(130)
}

func TestEveryWayOutRestoresTheTerminal(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]func(*terminal){
		"ctrl+c":            func(x *terminal) { x.press(ctrlC) },
		"SIGTERM":           func(x *terminal) { require.NoError(x.t, x.cmd.Process.Signal(syscall.SIGTERM)) },
		"SIGHUP":            func(x *terminal) { require.NoError(x.t, x.cmd.Process.Signal(syscall.SIGHUP)) },
		"ctrl+c on waiting": func(x *terminal) { x.wait(); x.press(ctrlC); x.until("Quit?"); x.press(ctrlC) },
		"SIGTERM on waiting": func(x *terminal) {
			x.wait()
			require.NoError(x.t, x.cmd.Process.Signal(syscall.SIGTERM))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := sandboxWizard(t, terminalOptions{}, "--browser", "none")
			x.until(onDataCenter)
			leave(x)
			x.exits(130)
		})
	}
}

// wait walks on to where the administrator is waited for.
func (x *terminal) wait() {
	x.toAuthorize()
	x.press(enter)
	x.until(onWaiting)
}

func TestWrongAnswersKeepWhatWasTyped(t *testing.T) {
	t.Parallel()
	x := sandboxWizard(t, terminalOptions{}, "--browser", "none")
	x.to(onApplication, "Client secret")
	x.press(tabKey + ctrlU + "not-the-secret-at-all" + enter)
	x.until("does not accept this client id and secret", "k3Hn2cWq9ZrT5vXy7LbD")
	require.NotContains(t, x.Raw(), "not-the-secret-at-all")
	x.backTo(onDataCenter)
	x.press(enter)
	x.to(onApplication, "k3Hn2cWq9ZrT5vXy7LbD")
}

func TestPasteEndsTheWait(t *testing.T) {
	t.Parallel()
	x := sandboxWizard(t, terminalOptions{width: 120, height: 40}, "--browser", "none")
	x.wait()
	x.press("\x1b[200~Ab3dEf6hIj9kLm2nOp5qRs8tUv1wXy4z\x1b[201~")
	x.press(enter)
	x.until("That is not the final address")
	x.press(escape)
	x.until(onWaiting)
	x.press("u")
	link := x.rawLink()
	x.press(enter)
	x.until(onWaiting)
	// the administrator's browser is elsewhere: its last address is carried here by hand
	x.press("\x1b[200~" + approveElsewhere(t, link) + "\x1b[201~")
	x.press(enter)
	x.to(onLinked)
}

var authorizeURL = regexp.MustCompile(`http://127\.0\.0\.1:\d+/oauth/authorize\?[!-~]+`)

// rawLink reads the link from the bytes, where the terminal's own wrapping is
// not in the way.
func (x *terminal) rawLink() string {
	x.t.Helper()
	return authorizeURL.FindString(x.WhenWritten("the real link", authorizeURL.MatchString))
}

func TestResizeAtEachStep(t *testing.T) {
	t.Parallel()
	x := sandboxWizard(t, terminalOptions{}, "--browser", "approve")
	for i := range flow.Steps()[:flow.StepProfiles] { // which comes after the link
		page := x.next()
		x.Resize(40, 12)
		x.until(page, fmt.Sprintf("Step %d of %d", i+1, len(flow.Steps())))
		x.Resize(10, 3)
		x.until("window of")
		x.Resize(120, 40)
		x.until(page, "Link calendars with conferencing")
		x.press(enter)
	}
	x.to(onLinked)
}

func TestBusyPortOffersOthers(t *testing.T) {
	t.Parallel()
	x := startTerminal(t, terminalOptions{width: 120, height: 40}, "--sandbox", "--browser", "none")
	l, err := net.Listen("tcp4", "127.0.0.1:8739")
	if err == nil {
		t.Cleanup(func() { l.Close() })
	}
	x.toAuthorize()
	x.press(enter)
	x.until("Port 8739 is in use", "8740")
	x.press("t")
	x.until("permit the redirect URI", "support@cronofy.com", "http://127.0.0.1:8741/callback")
}

func TestNoColor(t *testing.T) {
	t.Parallel()
	x := sandboxWizard(t, terminalOptions{env: []string{"NO_COLOR=1"}}, "--browser", "none")
	x.until(onDataCenter, "›")
	x.press(ctrlC)
	require.NotRegexp(t, `\x1b\[[0-9;]*(3[0-7]|38;|9[0-7])[0-9;]*m`, x.exits(130))
}

func TestWizardWithChromium(t *testing.T) {
	t.Parallel()
	chromium.Need(t)
	x := sandboxWizard(t, terminalOptions{}, "--browser", "chromium-approve --flag %s")
	x.toAuthorize()
	x.press(enter)
	x.to(onLinked)
	x.press(ctrlC)
	require.Contains(t, x.exits(0), "Linked: the calendars of ser_6710aa01c0ffee0123456789 and Zoom.")
}

// TestChromiumRefusesOnEachPage: whichever page the administrator refuses on, the
// operator is told, and can try again.
func TestChromiumRefusesOnEachPage(t *testing.T) {
	t.Parallel()
	chromium.Need(t)
	for page := 1; page <= pages; page++ {
		t.Run(fmt.Sprint(page), func(t *testing.T) {
			t.Parallel()
			x := sandboxWizard(t, terminalOptions{}, "--browser", fmt.Sprintf("chromium-deny %d %%s", page))
			x.toAuthorize()
			x.press(enter)
			x.until("refused the authorization", "try again")
			x.press(ctrlC)
			x.exits(130)
		})
	}
}
