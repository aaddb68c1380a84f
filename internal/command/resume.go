package command

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"time"

	"confer/cronofy"
	"confer/flow"
	"confer/internal/links"
	"confer/internal/opener"
)

// resume fills in what an unfinished run was told, where this run was not told
// otherwise, and what earlier links know. browser is the flag's, environment what
// BROWSER says: that may differ between a desktop and a shell over SSH, and holds
// over what was chosen in the other.
func (w *wiring) resume(ctx context.Context, browser, environment string) {
	file := w.runner.Links
	if file == nil {
		return
	}
	c, err := file.Load(ctx)
	// A run that begins while another is open starts afresh: it would otherwise go on
	// with what somebody else is typing, and the two would write over each other.
	release, unsaved := file.LockDraft()
	w.known.Unsaved, w.runner.NoDraft = unsaved, errors.Is(unsaved, links.ErrDraftLocked)
	if unsaved == nil {
		w.later(release)
	}
	switch {
	case err != nil:
		w.known.Notice = "What earlier runs left could not be read: " + cronofy.CleanText(err.Error(), 160) + "."
		return
	case len(c.Damaged) > 0:
		w.known.Notice = "What earlier runs left was damaged. It was kept as " + baseNames(c.Damaged) + "."
	}
	if browser != "" && browser != c.Browser {
		// It hardly waits, as the first page does: a failure costs the next run a flag. It
		// comes after Load, which is told what had to be set aside.
		ctx, cancel := context.WithTimeout(ctx, browserLimit)
		defer cancel()
		_ = file.Update(ctx, func(c *links.Contents) { c.Browser = browser })
	}
	if browser == "" && environment == "" && c.Browser != "" {
		w.browser = c.Browser
		w.runner.OpenURL = openWith(c.Browser)
		w.known.Notice = strings.TrimSpace(w.known.Notice + " " + remembered(c.Browser))
	}
	w.known.Used = c.All()
	if w.runner.NoDraft {
		return
	}
	w.known.Pending = c.LivePending(time.Now())
	a := w.known.Answers
	switch {
	case c.Draft != nil:
		w.adopt(*c.Draft)
		w.known.Resumed = true
	case len(w.known.Pending) > 0:
		w.adopt(w.known.Pending[0].Answers)
	case len(c.Links) > 0 && !a.Site.Chosen() && a.ClientID == "" && a.ServiceAccount == "" && a.Provider == "":
		if site, err := links.Site(c.Links[0]); err == nil { // the newest comes first
			w.known.Linked = &flow.Link{Link: c.Links[0], Site: site}
		}
	}
}

// browserLimit is for a lock that another run holds, mostly for milliseconds.
const browserLimit = 100 * time.Millisecond

// remembered tells that an earlier choice holds, and how to change it.
func remembered(browser string) string {
	switch browser {
	case opener.System:
		return ""
	case opener.None:
		return "No browser will be opened, as chosen earlier; --browser system changes that."
	}
	return "The link will be opened with " + browser + ", as chosen earlier; --browser system changes that."
}

// adopt takes over a draft's answers up to the first that this run was told
// otherwise: what follows it belongs to another application or place.
func (w *wiring) adopt(d links.Draft) {
	a := &w.known.Answers
	site, err := d.Site()
	if err != nil || a.Site.Chosen() && a.Site != site {
		return
	}
	a.Site = site
	if a.ClientID != "" && a.ClientID != d.ClientID {
		return
	}
	if flow.CheckClientID(d.ClientID) == nil { // an earlier version may have saved a secret there
		a.ClientID = d.ClientID
	}
	if !a.RedirectSet {
		a.RedirectURI, a.Listen = cmp.Or(d.RedirectURI, a.RedirectURI), cmp.Or(a.Listen, d.Listen)
	}
	// The store that has the client secret is gone on with. Memory is gone, and where
	// nothing was kept yet the keyring is asked about anew.
	if d.Kept && d.Store.Outlives() && (w.known.Store.Kind == "" || w.known.Store.Kind == d.Store) {
		w.known.Store.Kind = d.Store
		w.known.SecretKept = true
	}
	if d.Open == flow.StepApplication.String() {
		w.known.Unaccepted = flow.StepApplication
	}
	if a.ServiceAccount != "" && a.ServiceAccount != d.ServiceAccount {
		return
	}
	if d.Open == flow.StepServiceAccount.String() {
		w.known.Unaccepted = flow.StepServiceAccount
	}
	a.ServiceAccount, a.Label = d.ServiceAccount, cmp.Or(a.Label, d.Label)
	if p, ok := cronofy.FindProvider(d.Provider); ok {
		a.Provider = cmp.Or(a.Provider, p)
	}
}
