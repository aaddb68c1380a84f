package ui

import (
	"errors"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
	"github.com/stretchr/testify/require"

	"confer/cronofy"
	"confer/flow"
	"confer/flow/callback"
	"confer/keystore"
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
	require.Contains(t, text(m), "A browser was asked to open the link.")
	report(t, m, flow.BrowserAsked{Err: errors.New("none")})
	require.NotContains(t, text(m), "was asked to open")
	require.Contains(t, text(m), "No browser could be opened here:")
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

func TestBusyPortOfTheServiceAccount(t *testing.T) {
	t.Parallel()
	rec := &recorder{}
	m := newModel(t, walk(t, flow.Start(flow.Initial{}), toAccount()...), func(c *Config) { c.Tasks = rec })
	resize(m, 120, 40)
	press(m, "tab", "tab", "enter", "enter")
	report(t, m, fail(portErr()))
	press(m, "tab", "tab", "tab", "enter")
	require.Equal(t, "http://127.0.0.1:8740/callback", m.state.Answers.RedirectURI)
	press(m, "enter")
	require.IsType(t, flow.Connect{}, rec.tasks[len(rec.tasks)-1].Effect)
	require.Equal(t, flow.PhasePreparing, m.state.Attempt.Phase)
}

func FuzzWrap(f *testing.F) {
	for _, s := range []string{"", " ", "  two  words", "app-de.cronofy.com is Germany", "ä\n\n王小明 " + strings.Repeat("x", 99)} {
		f.Add(s, 10)
	}
	f.Fuzz(func(t *testing.T, s string, w int) {
		s, w = cronofy.CleanText(s, 300), w%80
		lines := wrap(s, w)
		for _, l := range lines {
			require.LessOrEqual(t, visible(l), max(2, w), "%q", l) // a wide character needs two
		}
		for _, word := range strings.Fields(s) {
			if visible(word) <= w {
				require.True(t, strings.Contains(" "+strings.Join(lines, " ")+" ", " "+word+" "), "%q is broken in %q", word, lines)
			}
		}
	})
}

// TestAnotherFaceLeavesItsProblemBehind: what was wrong with the id is not
// wrong with an authorization, nor the other way round.
func TestAnotherFaceLeavesItsProblemBehind(t *testing.T) {
	t.Parallel()
	m := newModel(t, walk(t, flow.Start(flow.Initial{}), append(toAccount(), account())...))
	resize(m, 120, 40)
	report(t, m, fail(&cronofy.Error{Status: 404}))
	require.Contains(t, text(m), "does not know this service account")
	press(m, "tab", "tab", "enter")
	require.Contains(t, text(m), "Delegated scope")
	require.NotContains(t, text(m), "does not know this service account")
	press(m, "enter")
	report(t, m, linkReady(), fail(&cronofy.Error{Code: "access_denied"}))
	require.Contains(t, text(m), "refused")
	press(m, "esc")
	require.NotContains(t, text(m), "refused")
}

// TestSecretsFileIsOpenedWithOnePassphrase: it is there already, so a typing
// mistake is found out.
func TestSecretsFileIsOpenedWithOnePassphrase(t *testing.T) {
	t.Parallel()
	rec := &recorder{}
	m := newModel(t, walk(t, flow.Start(*fileFound()), flow.ApplicationEntered{ClientID: testClient, RedirectURI: flow.DefaultRedirectURI},
		askedToOpen()), func(c *Config) { c.Tasks = rec })
	resize(m, 80, 24)
	require.NotContains(t, text(m), "Repeat the passphrase")
	press(m, "enter")
	require.Contains(t, text(m), "The passphrase is missing.")
	press(m, "type:correct horse", "enter")
	require.Len(t, rec.tasks, 1)
	require.True(t, rec.tasks[0].Effect.(flow.CheckApplication).Chosen)
	require.Contains(t, text(m), "•")
	m.apply(flow.Report{Task: rec.tasks[0].ID, Event: fail(&keystore.Error{Op: "open", Store: keystore.File, Err: keystore.ErrPassphrase, Path: secretsPath})})
	require.Contains(t, text(m), "does not open")
	require.NotContains(t, text(m), "•", "a mistake in it cannot be seen: it is typed anew")
}

func TestAccountsUsedBeforeAreListedOnce(t *testing.T) {
	t.Parallel()
	found := usedFound()
	again := found.Used[1]
	again.Label = "Example Ltd"
	found.Used = append(found.Used, found.Used[0], again)
	used := usedHere(flow.Start(*found))
	require.Len(t, used, 2)
	require.Equal(t, []string{"Example GmbH", "Example Ltd"}, []string{used[0].Label, used[1].Label})
}
