//go:build unix

package command

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"confer/internal/freeport"
)

// TestAScriptHearsOfAProxyThatChangesTheHost: on standard error, with --json too.
func TestAScriptHearsOfAProxyThatChangesTheHost(t *testing.T) {
	t.Parallel()
	free, err := freeport.RedirectURI()
	require.NoError(t, err)
	listen := strings.TrimSuffix(strings.TrimPrefix(free, "http://"), "/callback")
	x := startTerminal(t, terminalOptions{width: 200, height: 40}, "setup", "--sandbox", "--no-input", "--json", "--browser", "none",
		"--data-center", "de", "--provider", "zoom_enterprise", "--redirect-uri", "https://app.example.test/done", "--listen", listen)
	x.until(`"event":"authorize"`)
	link, _, _ := strings.Cut(x.rawLink(), `"`)
	final := approveElsewhere(t, link)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+listen+strings.TrimPrefix(final, "https://app.example.test"), nil)
	require.NoError(t, err)
	resp, err := http.DefaultTransport.RoundTrip(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusMisdirectedRequest, resp.StatusCode)
	x.until("The proxy must pass Host on unchanged")
	req.Host = "app.example.test"
	resp, err = http.DefaultTransport.RoundTrip(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	x.until(`"event":"linked"`)
}
