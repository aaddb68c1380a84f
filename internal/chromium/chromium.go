// Package chromium gives tests a real browser.
package chromium

import (
	"cmp"
	"context"
	"os"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// Need skips a test without CONFER_TEST_CHROMIUM=1; with it a missing browser is a
// failure. CHROMIUM names another program.
func Need(t testing.TB) {
	t.Helper()
	if os.Getenv("CONFER_TEST_CHROMIUM") != "1" {
		t.Skip("CONFER_TEST_CHROMIUM is not 1")
	}
}

// Open starts the browser of one test, and ends it with the test.
func Open(t testing.TB) context.Context {
	t.Helper()
	Need(t)
	bin := cmp.Or(os.Getenv("CHROMIUM"), "/usr/bin/chromium")
	opts := append(chromedp.DefaultExecAllocatorOptions[:len(chromedp.DefaultExecAllocatorOptions):len(chromedp.DefaultExecAllocatorOptions)],
		chromedp.ExecPath(bin), chromedp.UserDataDir(t.TempDir()), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.WindowSize(900, 640), chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-back-forward-cache", true)) // chromedp does not see a page that comes out of it
	ctx, cancelLimit := context.WithTimeout(context.Background(), time.Minute)
	ctx, cancelAllocator := chromedp.NewExecAllocator(ctx, opts...)
	ctx, _ = chromedp.NewContext(ctx)
	require.NoError(t, chromedp.Do(ctx, chromedp.Navigate("about:blank")))
	t.Cleanup(func() {
		_ = chromedp.Cancel(ctx) // waits for the process, so that its folder can go
		cancelAllocator()
		cancelLimit()
	})
	return ctx
}

// Tab opens a further tab of the same browser.
func Tab(t testing.TB, ctx context.Context) context.Context {
	t.Helper()
	ctx, cancel := chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	return ctx
}
