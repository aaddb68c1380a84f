package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/chromedp/chromedp"
)

// chromiumApprove is a browser as --browser starts one: a real Chromium that
// clicks Allow on each of the sandbox's three pages, as a person would.
func chromiumApprove() {
	if err := approveInChromium(os.Args[len(os.Args)-1]); err != nil {
		fmt.Fprintln(os.Stderr, "chromium:", err)
		os.Exit(1)
	}
}

func approveInChromium(address string) error {
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
	for page := 1; page <= 3; page++ {
		// waits for the next page, or its button would be looked for on this one
		if _, err := chromedp.RunResponse(ctx, chromedp.Click(chromedp.ID("allow"))); err != nil {
			return fmt.Errorf("page %d: %w", page, err)
		}
	}
	title, err := chromedp.Run(ctx, chromedp.Title())
	fmt.Println("ended on", title)
	return err
}
