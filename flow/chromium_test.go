package flow_test

import (
	"context"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"confer/cronofy/sandbox"
	"confer/flow"
	"confer/internal/chromium"
)

// clicks opens a link and answers each of the sandbox's pages, until the heading
// with the id is there.
func clicks(t *testing.T, ctx context.Context, link, button, heading string) {
	t.Helper()
	require.NoError(t, chromedp.Do(ctx, chromedp.Navigate(link)))
	for at := "/approval/"; strings.Contains(at, "/approval/"); {
		_, err := chromedp.RunResponse(ctx, chromedp.Click(chromedp.ID(button)))
		require.NoError(t, err)
		at, err = chromedp.Run(ctx, chromedp.Location())
		require.NoError(t, err)
	}
	require.NoError(t, chromedp.Do(ctx, chromedp.WaitVisible(chromedp.ID(heading))))
}

func heading(t *testing.T, ctx context.Context, id string) string {
	t.Helper()
	require.NoError(t, chromedp.Do(ctx, chromedp.WaitVisible(chromedp.ID(id))))
	got, err := chromedp.Run(ctx, chromedp.TextContent(chromedp.ID(id)))
	require.NoError(t, err)
	return got
}

// inChromium is a wizard that waits, and a browser beside it.
func inChromium(t *testing.T) (*wizard, context.Context, flow.Attempt) {
	t.Helper()
	ctx := chromium.Open(t)
	h := newHouse(t, sandbox.Options{})
	h.runner.OpenURL = func(string) error { return nil }
	w := h.wizard()
	w.apply(flow.AuthorizeStarted{})
	return w, ctx, w.until(waiting(1)).Attempt
}

const linked = "The calendars and Zoom are linked"

// TestChromiumAfterTheLink: reload, back and forth, and the short link again,
// while the operator goes on to the profiles.
func TestChromiumAfterTheLink(t *testing.T) {
	t.Parallel()
	w, ctx, at := inChromium(t)
	clicks(t, ctx, at.ShortURL, "allow", "done")
	require.NotNil(t, w.until(over).Link)
	require.NoError(t, chromedp.Do(ctx, chromedp.Reload()))
	require.Equal(t, linked, heading(t, ctx, "done"), "reload")
	require.NoError(t, chromedp.Do(ctx, chromedp.NavigateBack(), chromedp.NavigateForward()))
	require.Equal(t, linked, heading(t, ctx, "done"), "back and forth")
	require.NoError(t, chromedp.Do(ctx, chromedp.Navigate(at.ShortURL)))
	require.Equal(t, linked, heading(t, ctx, "done"), "the short link again")
}

// TestChromiumTwoTabs: both approve, and both read that it is done.
func TestChromiumTwoTabs(t *testing.T) {
	t.Parallel()
	w, first, older := inChromium(t)
	w.apply(flow.NewLinkWanted{})
	newer := w.until(waiting(2)).Attempt
	clicks(t, first, newer.ShortURL, "allow", "done")
	require.NotNil(t, w.until(over).Link)
	second := chromium.Tab(t, first)
	clicks(t, second, older.URL, "allow", "done")
	require.Equal(t, linked, heading(t, second, "done"))
	require.Len(t, w.state.Made, 1)
}

// TestChromiumTwoTries: the tab of the refused one tells so until the next, and
// that one works.
func TestChromiumTwoTries(t *testing.T) {
	t.Parallel()
	w, ctx, at := inChromium(t)
	clicks(t, ctx, at.ShortURL, "deny", "failed")
	require.Equal(t, "access_denied", w.until(over).Problem.Code)
	require.NoError(t, chromedp.Do(ctx, chromedp.Reload()))
	require.Equal(t, "You did not approve", heading(t, ctx, "failed"))
	w.apply(flow.AuthorizeStarted{})
	again := w.until(waiting(1)).Attempt
	clicks(t, ctx, again.ShortURL, "allow", "done")
	require.NotNil(t, w.until(over).Link)
}

// TestChromiumWithoutJavaScriptSeesTheStoreWork: the page waits by itself until
// the token is stored and read back.
func TestChromiumWithoutJavaScriptSeesTheStoreWork(t *testing.T) {
	t.Parallel()
	ctx := chromium.Open(t)
	require.NoError(t, chromedp.Do(ctx, chromedp.Func(func(ctx context.Context, tt *chromedp.Target) error {
		_, err := cdp.Call(ctx, tt, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return err
	})))
	h := newHouse(t, sandbox.Options{})
	slow := slowStore{h.stores.store, make(chan struct{}), make(chan struct{})}
	h.stores.store = slow
	h.runner.OpenURL = func(string) error { return nil }
	w := h.wizard()
	w.apply(flow.AuthorizeStarted{})
	clicks(t, ctx, w.until(waiting(1)).Attempt.ShortURL, "allow", "waiting")
	<-slow.reached
	close(slow.release)
	require.Equal(t, linked, heading(t, ctx, "done"))
	require.NotNil(t, w.until(over).Link)
}
