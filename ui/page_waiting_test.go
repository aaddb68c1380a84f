package ui

import (
	"errors"
	"testing"

	"github.com/charmbracelet/x/ansi"
	"github.com/stretchr/testify/require"

	"confer/cronofy"
	"confer/flow"
	"confer/flow/callback"
)

// TestPermitTextIsSavedAsShown: what is copied or saved is the whole text, with
// what stands in the fields.
func TestPermitTextIsSavedAsShown(t *testing.T) {
	t.Parallel()
	var name, text string
	m := newModel(t, walk(t, flow.Start(flow.Initial{}), toApplication()...), func(c *Config) {
		c.SaveFile = func(n, s string) (string, error) { name, text = n, s; return "/home/ada/" + n, nil }
	})
	resize(m, 120, 40)
	press(m, "type:"+testClient, "tab", "tab", "tab", "enter")
	m.Update(press(m, "w")())
	require.Equal(t, "confer-redirect-uris.txt", name)
	for _, want := range []string{"To: support@cronofy.com", "Client id: " + testClient, "Data center: Germany (api-de.cronofy.com)",
		"  http://127.0.0.1:8739/callback\n  http://127.0.0.1:8740/callback\n  http://127.0.0.1:8741/callback\n"} {
		require.Contains(t, text, want)
	}
	require.Contains(t, ansi.Strip(m.View().Content), "was written to /home/ada/confer-redirect-uris.txt.")
	press(m, "esc")
	require.Contains(t, ansi.Strip(m.View().Content), "Client secret")
}

func TestPermitTextOfARedirectURIThatWasGiven(t *testing.T) {
	t.Parallel()
	own := flow.Answers{Site: germany(), RedirectURI: "https://app.example.test/cb"}
	require.Contains(t, permitText(own), "  https://app.example.test/cb\n")
	require.NotContains(t, permitText(own), "127.0.0.1")
	set := flow.Answers{Site: germany(), RedirectURI: flow.DefaultRedirectURI, RedirectSet: true}
	require.NotContains(t, permitText(set), "8740")
	hostile := flow.Answers{RedirectURI: "http://\x1b[31mred", ClientID: "\x1b]0;x\x07"}
	require.NotContains(t, permitText(hostile), "\x1b")
}

func TestASaveThatFailsIsSaid(t *testing.T) {
	t.Parallel()
	m := newModel(t, walk(t, flow.Start(flow.Initial{}), append(toAuthorize(), flow.AuthorizeStarted{}, fail(portErr()))...), func(c *Config) {
		c.SaveFile = func(string, string) (string, error) { return "", errors.New("disk full") }
	})
	resize(m, 80, 24)
	press(m, "t")
	m.Update(press(m, "w")())
	require.Contains(t, text(m), "The file could not be written: disk full.")
}

// TestPauseIsCounted: the seconds of a wait for Cronofy go down on the screen.
func TestPauseIsCounted(t *testing.T) {
	t.Parallel()
	m := newModel(t, walk(t, flow.Start(flow.Initial{}), append(toAccount(), account())...))
	resize(m, 80, 24)
	report(t, m, flow.Paused{Until: start.Add(12e9), Reason: cronofy.WaitRateLimit})
	require.True(t, m.ticking)
	pass := clockOf(m)
	pass(2e9)
	require.Contains(t, text(m), "asked again in 0:10 (rate limit)")
	pass(20e9)
	require.NotContains(t, text(m), "asked again")
}

// TestOpenSaysWhatCame: the page does not claim a browser that was not opened.
func TestOpenSaysWhatCame(t *testing.T) {
	t.Parallel()
	m := newModel(t, walk(t, flow.Start(flow.Initial{}), toWaiting()...))
	resize(m, 120, 40)
	press(m, "o")
	require.Contains(t, text(m), openTold)
	report(t, m, flow.BrowserAsked{Err: errors.New("none")})
	require.NotContains(t, text(m), openTold)
	require.Contains(t, text(m), "No browser could be opened here:")
	require.Contains(t, text(m), "No browser was opened.")
	press(m, "o")
	require.Contains(t, text(m), openTold, "it is not known yet")
	report(t, m, flow.BrowserAsked{})
	require.NotContains(t, text(m), "No browser")
}

// TestARefusedPasteIsForgotten when its field is left.
func TestARefusedPasteIsForgotten(t *testing.T) {
	t.Parallel()
	m := newModel(t, walk(t, flow.Start(flow.Initial{}), toWaiting()...))
	resize(m, 120, 40)
	press(m, "paste:garbage", "enter")
	report(t, m, flow.AnswerRejected{Err: callback.ErrPasteNoAnswer})
	require.Contains(t, text(m), "That is not the final address:")
	press(m, "esc")
	require.NotContains(t, text(m), "That is not the final address:")
}
