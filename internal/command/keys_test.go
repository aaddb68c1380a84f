//go:build unix

package command

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"confer/cronofy"
	"confer/internal/testhost"
)

// TestCtrlCUnderOtherLayouts: there is a way out, whatever the key is called.
func TestCtrlCUnderOtherLayouts(t *testing.T) {
	t.Parallel()
	for name, key := range map[string]string{
		"kitty": "\x1b[99;5u", "Cyrillic": "\x1b[1089;5u", "Cyrillic, with its place": "\x1b[1089::99;5u", "Serbian, with its place": "\x1b[1094::99;5u",
		"Greek": "\x1b[968;5u", "Arabic": "\x1b[1572;5u", "xterm": "\x1b[27;5;1089~", "Dvorak": "\x1b[99::105;5u", "Num Lock": "\x1b[1089::99;133u",
		"in a paste": "\x1b[200~half a paste\x03", "in a paste, Cyrillic": "\x1b[200~half a paste\x1b[1089::99;5u",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := sandboxWizard(t, terminalOptions{}, "--browser", "none")
			x.to(onApplication, "Client secret")
			x.press(key)
			raw := x.exits(130)
			require.Regexp(t, `\x1b\[[>=]?5(;1)?u`, raw, "the places of keys are asked for")
		})
	}
}

// TestLettersUnderACyrillicLayout: what is on the key that is pressed.
func TestLettersUnderACyrillicLayout(t *testing.T) {
	t.Parallel()
	x := sandboxWizard(t, terminalOptions{width: 100, height: 40}, "--browser", "none")
	x.wait()
	x.press("ь") // m
	x.until("message for the administrator", "Subject:")
	x.press(escape)
	x.until(onWaiting)
	x.press("з") // p
	x.until(onPaste)
	x.press("з")
	x.until("› з")
}

// TestLettersUnderAGreekLayoutInLines: b goes back, q quits.
func TestLettersUnderAGreekLayoutInLines(t *testing.T) {
	t.Parallel()
	x := sandboxWizard(t, terminalOptions{}, "--plain", "--browser", "none")
	x.until("Step 1 of")
	x.press("\r")
	x.until("Client id")
	x.press("β\r")
	x.when(func(screen string) bool { return strings.Count(screen, "Step 1 of") == 2 }, "the first step again")
	x.press("μαρς\r")
	x.until("not one of the choices")
	x.press("й\r")
	x.exits(130)
}

// TestAPasteWithoutAnEnd is in its field with the next key after a while, which the
// page's countdown tells, and the keyboard works.
func TestAPasteWithoutAnEnd(t *testing.T) {
	t.Parallel()
	x := sandboxWizard(t, terminalOptions{}, "--browser", "none")
	x.wait()
	x.press("p")
	x.until(onPaste)
	x.press("\x1b[200~half-a-paste")
	began := secondsLeft(x.left("4"))
	const longer = 3 // seconds than a paste's pieces may take to come
	x.when(func(screen string) bool {
		left := secondsLeft(screen)
		return left > 0 && left <= began-longer
	}, "a paste that has stalled")
	x.press("+")
	x.until("half-a-paste+")
	x.press(escape)
	x.until(onWaiting)
}

// secondsLeft reads the countdown of a screen; 0: there is none.
func secondsLeft(screen string) (seconds int) {
	if m := regexp.MustCompile(`\b(\d):([0-5]\d)\b`).FindStringSubmatch(screen); m != nil {
		minutes, _ := strconv.Atoi(m[1])
		seconds, _ = strconv.Atoi(m[2])
		seconds += 60 * minutes
	}
	return seconds
}

// TestNoAlternateScreen: the page does not stay where the shell goes on.
func TestNoAlternateScreen(t *testing.T) {
	t.Parallel()
	x := shell(t, terminalOptions{single: true, env: []string{"TERM=linux"}}, "--sandbox", "--browser", "none", "--redirect-uri", testhost.RedirectURI(t))
	screen := x.until(onDataCenter, "> Germany", "* Data center", "- Application")
	require.Equal(t, -1, strings.IndexFunc(screen, func(r rune) bool { return r > 126 }), screen)
	x.press(ctrlC)
	screen = x.until("Nothing was linked.", "shell>")
	require.NotContains(t, screen, onDataCenter)
}

// TestLocaleC, on the screen and in lines.
func TestLocaleC(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"--browser", "none"}, {"--plain", "--browser", "none"}} {
		x := sandboxWizard(t, terminalOptions{env: []string{"LANG=C"}}, args...)
		x.until("data center")
		x.press("\r")
		x.until("Client id")
		x.press(ctrlC)
		require.Equal(t, -1, strings.IndexFunc(x.exits(130), func(r rune) bool { return r > 126 }))
	}
}

// TestMouse: a click on a choice puts the cursor there, a second one takes it, and
// a key gives the mouse back to the terminal.
func TestMouse(t *testing.T) {
	t.Parallel()
	x := sandboxWizard(t, terminalOptions{}, "--browser", "none")
	click := func(text string) {
		for y, line := range strings.Split(x.until(text), "\n") {
			if before, _, ok := strings.Cut(line, text); ok {
				at := fmt.Sprintf("%d;%d", len([]rune(before))+1, y+1)
				x.press("\x1b[<0;" + at + "M\x1b[<0;" + at + "m")
			}
		}
	}
	centers := cronofy.DataCenters()
	below := centers[1+slices.IndexFunc(centers, func(d cronofy.DataCenter) bool { return d.Name == "Germany" })].Name
	click(below)
	x.until("› " + below)
	x.press("\x1b[<64;5;5M") // the wheel
	x.until("› Germany")
	click("Germany  ")
	x.to(onApplication)
	on := x.WhenWritten("the mouse is on", func(raw string) bool { return strings.Contains(raw, "\x1b[?1002h") })
	require.NotContains(t, on, "\x1b[?1002l")
	x.press("\x1bOQ") // F2
	x.UntilWritten("\x1b[?1002l")
	x.press(ctrlC)
	x.exits(130)
}
