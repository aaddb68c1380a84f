package command

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/chromedp/chromedp"
)

// pages is how many the sandbox shows an administrator.
const pages = 3

// chromiumApprove is a browser as --browser starts one: a real Chromium that
// clicks Allow on each of the sandbox's pages, as a person would.
func chromiumApprove() { chromiumClicks(0) }

// chromiumDeny takes the page to refuse on as its first argument.
func chromiumDeny() {
	page, err := strconv.Atoi(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, "chromium:", err)
		os.Exit(2)
	}
	chromiumClicks(page)
}

func chromiumClicks(denyAt int) {
	if err := walkInChromium(os.Args[len(os.Args)-1], denyAt); err != nil {
		fmt.Fprintln(os.Stderr, "chromium:", err)
		os.Exit(1)
	}
}

func walkInChromium(address string, denyAt int) error {
	dir, err := os.MkdirTemp("", "chromium")
	if err != nil {
		return fmt.Errorf("profile: %w", err)
	}
	defer os.RemoveAll(dir)
	bin := os.Getenv("CHROMIUM")
	if bin == "" {
		bin = "/usr/bin/chromium"
	}
	opts := append(chromedp.DefaultExecAllocatorOptions[:len(chromedp.DefaultExecAllocatorOptions):len(chromedp.DefaultExecAllocatorOptions)],
		chromedp.ExecPath(bin), chromedp.UserDataDir(dir), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))
	ctx, cancelLimit := context.WithTimeout(context.Background(), time.Minute)
	defer cancelLimit()
	ctx, cancelAllocator := chromedp.NewExecAllocator(ctx, opts...)
	defer cancelAllocator()
	ctx, cancel := chromedp.NewContext(ctx)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.Navigate(address)); err != nil {
		return err
	}
	for page := 1; page <= pages; page++ {
		button := "allow"
		if page == denyAt {
			button = "deny"
		}
		// waits for the next page, or its button would be looked for on this one
		if _, err := chromedp.RunResponse(ctx, chromedp.Click(chromedp.ID(button))); err != nil {
			return fmt.Errorf("page %d: %w", page, err)
		}
		if page == denyAt {
			break
		}
	}
	title, err := chromedp.Run(ctx, chromedp.Title())
	fmt.Println("ended on", title)
	return err
}
