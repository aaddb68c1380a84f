//go:build unix

package command

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"confer/cronofy"
	"confer/cronofy/sandbox"
	"confer/internal/chromium"
)

// reportOfCompany is a report about 300 accounts, of every kind, made from records.
func reportOfCompany(t *testing.T) string {
	t.Helper()
	w := newOffice(t, sandbox.Options{Seed: 1, Accounts: 300, Faults: []sandbox.Fault{
		{Endpoint: sandbox.UserInfo, Account: "person-1@example.test", Status: 401},
		{Endpoint: sandbox.UserInfo, Account: "person-2@example.test", Status: 403},
	}})
	w.Link(cronofy.Zoom)
	run := func(args ...string) {
		said, err := w.command(append([]string{"--accounts", w.path("people.csv"), "--provider", "zoom_enterprise", "--json", "--rate", "0"}, args...)...).CombinedOutput()
		if code := exit(t, err); code > 1 {
			require.Zero(t, code, "%s", said)
		}
	}
	run("--out", w.path("after.jsonl"))
	after, err := os.ReadFile(w.path("after.jsonl"))
	require.NoError(t, err)
	some := strings.Join(strings.SplitAfter(string(after), "\n")[20:28], "") // are people's own now
	require.NoError(t, os.WriteFile(w.path("before.jsonl"), []byte(some), 0o600))
	run("--out", w.path("records.jsonl"), "--before", w.path("before.jsonl"))
	cmd := exec.Command("confer", "profiles", "--from", w.path("records.jsonl"), "--format", "html", "--out", w.path("report.html"), "--provider", "zoom_enterprise", "--data-center", "us")
	cmd.Env = home(t) // no hosts of the sandbox: nobody can be asked
	said, err := cmd.CombinedOutput()
	require.Equal(t, 1, exit(t, err), "%s", said)
	require.Equal(t, "confer: note: not yet, with only their own profile from before the link: 7 of 300 accounts\n"+
		"confer: error: 2 of 300 accounts could not be read\n", string(said))
	return w.path("report.html")
}

func got[A any](t *testing.T, ctx context.Context, a chromedp.Action[A]) A {
	t.Helper()
	v, err := chromedp.Run(ctx, a)
	require.NoError(t, err)
	return v
}

func evaluated[A any](t *testing.T, ctx context.Context, js string) A {
	t.Helper()
	return got(t, ctx, chromedp.Evaluate[A](js))
}

// TestChromiumShowsTheReport at three sizes and in two themes. CONFER_TEST_SHOTS
// names a folder for the pictures.
func TestChromiumShowsTheReport(t *testing.T) {
	t.Parallel()
	ctx := chromium.Open(t)
	page := (&url.URL{Scheme: "file", Path: reportOfCompany(t)}).String()
	for _, theme := range []string{"light", "dark"} {
		for _, size := range [][2]int64{{375, 812}, {834, 1112}, {1440, 1000}} {
			require.NoError(t, chromedp.Do(ctx, chromedp.EmulateViewport(size[0], size[1]), chromedp.Func(themed(theme)), chromedp.Navigate(page)))
			require.True(t, evaluated[bool](t, ctx, fmt.Sprintf(`document.documentElement.scrollWidth <= %d`, size[0])), "no sideways scrolling")
			require.True(t, evaluated[bool](t, ctx, `Array.prototype.every.call(document.querySelectorAll(".scroll"), function (s) { return s.scrollWidth <= s.clientWidth + 1 || s.querySelector(".domains"); })`), "the accounts fit")
			require.Equal(t, "All 300 accounts", evaluated[string](t, ctx, `document.getElementById("found").textContent`), "its script runs under its own policy")
			if dir := os.Getenv("CONFER_TEST_SHOTS"); dir != "" {
				for part, top := range map[string]string{"top": "0", "accounts": `document.getElementById("accounts").offsetTop - 16`} {
					evaluated[bool](t, ctx, "scrollTo(0, "+top+"), true")
					png := got(t, ctx, chromedp.CaptureScreenshot())
					require.NoError(t, os.WriteFile(filepath.Join(dir, fmt.Sprintf("report-%s-%d-%s.png", theme, size[0], part)), png, 0o600))
				}
			}
		}
	}
	require.Zero(t, evaluated[int](t, ctx, `performance.getEntriesByType("resource").length`), "it loads nothing")
	require.Positive(t, evaluated[int](t, ctx, `document.querySelectorAll('a[href^="https://app.cronofy.com/"]').length`), "relink links")

	const shown = `Array.prototype.filter.call(document.querySelectorAll("#list tbody tr"), function (r) { return !r.hidden; })`
	require.NoError(t, chromedp.Do(ctx, chromedp.SendKeys(chromedp.ID("q"), "PERSON-2 zoom")))
	n := evaluated[int](t, ctx, shown+".length")
	require.Positive(t, n)
	require.Less(t, n, 300)
	require.Equal(t, fmt.Sprintf("%d of 300 accounts", n), evaluated[string](t, ctx, `document.getElementById("found").textContent`))
	evaluated[bool](t, ctx, `document.getElementById("q").value = "", document.getElementById("state").value = "own", document.getElementById("state").dispatchEvent(new Event("change"))`)
	require.Equal(t, 7, evaluated[int](t, ctx, shown+".length"))
	evaluated[bool](t, ctx, `document.getElementById("state").value = "", document.getElementById("state").dispatchEvent(new Event("change"))`)
	for _, want := range []string{"ascending", "descending"} {
		require.NoError(t, chromedp.Do(ctx, chromedp.Click(chromedp.CSS("#list thead th:nth-child(2) button"))))
		require.Equal(t, want, evaluated[string](t, ctx, `document.querySelector("#list thead th:nth-child(2)").getAttribute("aria-sort")`))
		sorted := evaluated[[]string](t, ctx, shown+`.map(function (r) { return r.cells[1].textContent.toLowerCase(); })`)
		require.Len(t, sorted, 300)
		for i := 1; i < len(sorted); i++ {
			require.Equal(t, want == "ascending", sorted[i-1] <= sorted[i], "%q, %q", sorted[i-1], sorted[i])
		}
	}
}

// TestChromiumReadsTheReportOut: landmarks, headings, tables with captions, and no
// script.
func TestChromiumReadsTheReportOut(t *testing.T) {
	t.Parallel()
	ctx := chromium.Open(t)
	page := (&url.URL{Scheme: "file", Path: reportOfCompany(t)}).String()
	require.NoError(t, chromedp.Do(ctx, chromedp.Func(func(ctx context.Context, tt *chromedp.Target) error {
		_, err := cdp.Call(ctx, tt, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return err
	}), chromedp.Navigate(page)))
	spoken := got(t, ctx, chromedp.Action[[]string](spokenParts))
	require.Equal(t, []string{
		"RootWebArea Zoom profiles", "banner", "main", "contentinfo", "heading Zoom profiles",
		"heading 270 of 300 accounts connected", "heading What to do next", "heading By domain", "region By domain", "heading Accounts", "region Accounts",
		"heading Not yet: 15 accounts", "heading Their own: 7 accounts", "heading Disconnected: 6 accounts", "heading Could not be read: 2 accounts",
		"table How many accounts of each domain are in which state", "table Each account, its state, its profiles, and what to do",
	}, spoken)
	rows := got(t, ctx, chromedp.OuterHTML(chromedp.ID("list")))
	require.Equal(t, 300, strings.Count(rows, `<th scope="row" role="rowheader">`), "all are there without a script")
}

func themed(theme string) func(context.Context, *chromedp.Target) error {
	return func(ctx context.Context, tt *chromedp.Target) error {
		_, err := cdp.Call(ctx, tt, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: theme}},
		})
		return err
	}
}

// spokenParts are the landmarks, headings and tables that a screen reader announces.
func spokenParts(ctx context.Context, tt *chromedp.Target) ([]string, error) {
	tree, err := cdp.Call(ctx, tt, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
	text := func(v *accessibility.Value) string {
		var s string
		if v == nil || json.Unmarshal(v.Value, &s) != nil {
			return ""
		}
		return s
	}
	wanted := map[string]bool{"RootWebArea": true, "banner": true, "main": true, "heading": true, "table": true, "contentinfo": true, "search": true}
	var spoken []string
	for _, n := range tree.Nodes {
		role, name := text(n.Role), text(n.Name)
		if !n.Ignored && (wanted[role] || role == "region" && (name == "By domain" || name == "Accounts")) {
			spoken = append(spoken, strings.Join(strings.Fields(role+" "+name), " "))
		}
	}
	return spoken, err
}
