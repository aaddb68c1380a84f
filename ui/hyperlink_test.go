package ui

import (
	"regexp"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
	"github.com/stretchr/testify/require"

	"confer/flow"
)

// TestTheShortLinkIsAHyperlink: whole, on two lines where rows are free, and with an
// id of its own, by which a terminal takes its lines for one link.
func TestTheShortLinkIsAHyperlink(t *testing.T) {
	t.Parallel()
	opened := regexp.MustCompile(`\x1b\]8;([^;]*);([^\a\x1b]+)(?:\a|\x1b\\)(.*?)\x1b\]8;;`)
	ready := linkReady().(flow.LinkReady)
	ready.ShortURL = "http://127.0.0.1:8739/go/groihqqvjmdfnpo7t4j77ji6hc"
	for _, size := range [][2]int{{100, 30}, {80, 24}, {40, 16}, {40, 12}} {
		m := newModel(t, walk(t, flow.Start(flow.Initial{}), append(toAuthorize(), flow.AuthorizeStarted{}, ready)...))
		resize(m, size[0], size[1])
		short := m.State().Attempt.ShortURL
		found, all := 0, ""
		for line := range strings.Lines(m.View().Content) {
			for _, link := range opened.FindAllStringSubmatch(line, -1) {
				found, all = found+1, all+ansi.Strip(link[3])
				require.Equal(t, []string{"id=confer-link", short}, link[1:3], size)
			}
			require.False(t, strings.Contains(line, "/go/") && !opened.MatchString(line), "%q", line)
		}
		require.Positive(t, found, size)
		require.Equal(t, short, all, size)
	}
}
