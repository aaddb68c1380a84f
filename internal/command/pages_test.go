//go:build unix

package command

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// The pages that tests wait for: how their titles begin. This is the one place that
// knows them.
const (
	onDataCenter     = "Which data center"
	onApplication    = "Your Cronofy application"
	onStore          = "Where should the secrets be kept"
	onPassphrase     = "Open the encrypted file"
	onServiceAccount = "Whose calendars?"
	onProvider       = "Which provider"
	onAuthorize      = "Ready for the administrator"
	onWaiting        = "Waiting for the administrator"
	onPaste          = "Paste the final address"
	onLinked         = "Linked:" // below the title
)

// titles are those of all pages, as the goldens of the screens have them.
var titles = sync.OnceValue(func() map[string]bool {
	all := map[string]bool{}
	goldens, _ := filepath.Glob("../../ui/testdata/TestScreens/*.golden")
	for _, path := range goldens {
		text, _ := os.ReadFile(path)
		if _, rest, ok := strings.Cut(string(text), "\n"); ok {
			title, _, _ := strings.Cut(rest, "\n")
			all[before(title, "  ")] = true
		}
	}
	return all
})

func before(s, sep string) string {
	s, _, _ = strings.Cut(s, sep)
	return s
}

// TestPagesAreCalledSo: what tests wait for is what pages are called.
func TestPagesAreCalledSo(t *testing.T) {
	t.Parallel()
	for _, page := range []string{onDataCenter, onApplication, onStore, onPassphrase, onServiceAccount, onProvider, onAuthorize, onWaiting, onPaste} {
		found := slices.ContainsFunc(slices.Collect(maps.Keys(titles())), func(title string) bool { return strings.HasPrefix(title, page) })
		require.True(t, found, "no page is called %q; if its title has changed, change it in pages_test.go", page)
	}
}

// railWidth is the width of what stands left of a page, in a window that has room
// for the list of steps there.
const railWidth = 23

// title is that of the page on the screen, in a window of 22 lines or more; "" while
// it is drawn in part, or Enter does not lead on.
func title(screen string) string {
	lines := strings.Split(strings.TrimRight(screen, " \n"), "\n")
	if len(lines) < 6 || !strings.Contains(lines[len(lines)-1], "enter ") {
		return ""
	}
	line := lines[4] // below the steps in one line
	if beside := []rune(lines[3]); len(beside) > railWidth {
		line = string(beside[railWidth:])
	}
	if line = before(strings.TrimSpace(line), "  "); titles()[line] { // two spaces are before a countdown
		return line
	}
	return ""
}

// next waits for a page that the test has not answered yet, and gives how its title
// begins: as many words as stand on one line in the smallest window.
func (x *terminal) next() string {
	x.t.Helper()
	x.when(func(screen string) bool {
		at := title(screen)
		if at == "" || at == x.answered {
			return false
		}
		x.answered = at
		return true
	}, "another page")
	begins := ""
	for _, word := range strings.Fields(x.answered) {
		if len(begins)+len(word) > 30 {
			break
		}
		begins = strings.TrimSpace(begins + " " + word)
	}
	return begins
}

// to waits for a page, and for more on it. It passes by Enter those before it that
// the test has not answered, and so need not know.
func (x *terminal) to(page string, more ...string) string {
	x.t.Helper()
	x.turn(page, enter)
	return x.until(append(more, page)...)
}

// backTo goes back to a page.
func (x *terminal) backTo(page string) string {
	x.t.Helper()
	x.answered = ""
	return x.turn(page, escape)
}

// turn presses a key once on each page until one is shown.
func (x *terminal) turn(page, key string) string {
	x.t.Helper()
	return x.when(func(screen string) bool {
		if strings.Contains(screen, page) {
			return true
		}
		if at := title(screen); at != "" && at != x.answered && at != onWaiting { // where Enter may approve
			x.answered = at
			x.Press(key)
		}
		return false
	}, page)
}
