package profiles

import (
	"cmp"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"confer/cronofy"
	"confer/internal/markup"
)

// report is one HTML file for people: the counts, what to do next, and a table. It has
// no outside resources and works without its script. It is written as a whole by Close,
// so it keeps the records until then.
type report struct {
	w       io.Writer
	o       WriterOptions
	records []Record
	all     tally
	domains map[string]tally
	reasons map[string]tally // why accounts could not be read
}

// tally counts accounts by the id of their kind, and all of them at "".
type tally map[string]int

//go:embed report.css
var reportStyle string

//go:embed report.js
var reportScript string

// Write implements Writer.
func (r *report) Write(rec Record) error {
	r.records = append(r.records, rec)
	return nil
}

func (r *report) count() {
	r.all, r.domains, r.reasons = tally{}, map[string]tally{}, map[string]tally{}
	for _, rec := range r.records {
		count := func(t tally) tally {
			if t == nil {
				t = tally{}
			}
			t[""]++
			t[kindOf(rec).id]++
			return t
		}
		domain := "no e-mail address"
		if at := strings.LastIndexByte(rec.Account.Email, '@'); at >= 0 {
			domain = strings.ToLower(rec.Account.Email[at+1:])
		}
		count(r.all)
		r.domains[domain] = count(r.domains[domain])
		if rec.Error != nil {
			r.reasons[rec.Error.Message] = count(r.reasons[rec.Error.Message])
		}
	}
}

// Close implements Writer.
func (r *report) Close() error {
	r.count()
	title := "Conferencing profiles"
	if p := r.o.Provider; p != "" && p != cronofy.AnyProvider {
		title = p.Name() + " profiles"
	}
	about := r.o.Made.UTC().Format("2 January 2006, 15:04") + " UTC"
	switch {
	case !r.o.Site.Chosen():
	case r.o.Site.Overridden():
		about = r.o.Site.APIHost() + " · " + about
	default:
		about = "Data center " + r.o.Site.DataCenter.Name + " · " + about
	}
	var p markup.Page
	p.Add(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<meta name="robots" content="noindex">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; form-action 'none'">
<title>{}</title>
<style>{}</style>
</head>
<body>
<a class="skip" href="#accounts">Skip to the accounts</a>
<header>
<h1>{}</h1>
<p>{}</p>
</header>
<main>
`, digest(reportStyle), digest(reportScript), title, markup.HTML(reportStyle), title, about)
	r.counts(&p)
	r.next(&p)
	r.byDomain(&p)
	r.table(&p)
	p.Add(`</main>
<footer><p>Made by confer. This file holds names and e-mail addresses, and no tokens.</p></footer>
<script>{}</script>
</body>
</html>
`, markup.HTML(reportScript))
	_, err := io.WriteString(r.w, string(p.HTML()))
	return err
}

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return base64.StdEncoding.EncodeToString(sum[:])
}

type kind struct{ id, sign, words, heading, advice string }

// kinds are the states as people see them: the two kinds of "not yet" are told
// apart. heading and advice are of what there is to do.
var kinds = []kind{
	{id: "connected", sign: "✓", words: "connected"},
	{"missing", "○", "not yet", "Not yet", "A profile comes by itself when Cronofy has matched the account; that may take a while. " +
		"What to check if none comes, the likeliest first:"},
	{"own", "◐", "not yet (their own)", "Their own", "These people connected a profile by themselves before the link was made. " +
		"The one that the link gives has not come yet; the advice for “not yet” holds for them too."},
	{"disconnected", "!", "disconnected", "Disconnected", "The profile is there, and its sign-in is no longer valid. Its owner opens " +
		"the relink link in the table below and signs in again. If it is all of them, an administrator has most likely removed the app at the provider: make the link again."},
	{"error", "✕", "could not be read", "Could not be read", "Their state is not known. Fix the cause, then run the same command again; " +
		"with <code>--continue</code> it reads these alone."},
}

func kindOf(rec Record) kind {
	id := string(rec.State)
	if rec.State == Missing && rec.Own {
		id = "own"
	}
	return kinds[slices.IndexFunc(kinds, func(k kind) bool { return k.id == id })]
}

func (r *report) counts(p *markup.Page) {
	p.Add(`<section aria-labelledby="counts-h">
<h2 id="counts-h">{} of {} connected</h2>
`, cronofy.Thousands(r.all["connected"]), accounts(r.all[""]))
	bar(p, r.all, "bar")
	p.Add("<ul class=\"legend\">\n")
	for _, k := range kinds {
		if n := r.all[k.id]; n > 0 || k.id == "connected" {
			p.Add(`<li class="{}"><span class="sign" aria-hidden="true">{}</span> <b>{}</b> {} <small>{}</small></li>`+"\n", k.id, k.sign, cronofy.Thousands(n), k.words, share(n, r.all[""]))
		}
	}
	p.Add("</ul>\n</section>\n")
}

// bar draws the counts. Readers have the same in the text beside it.
func bar(p *markup.Page, s tally, class string) {
	p.Add(`<svg class="{}" viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true" focusable="false">`, class)
	at := 0.0
	for _, k := range kinds {
		if n := s[k.id]; n > 0 {
			width := 1000 * float64(n) / float64(s[""])
			p.Add(`<rect class="{}" x="{}" y="0" width="{}" height="10"/>`, k.id, fmt.Sprintf("%.2f", at), fmt.Sprintf("%.2f", width))
			at += width
		}
	}
	p.Add("</svg>\n")
}

func share(n, of int) string {
	switch {
	case of == 0:
		return ""
	case n > 0 && n*100 < of:
		return "under 1 %"
	}
	return fmt.Sprintf("%d %%", n*100/of)
}

// accounts is "1 account", "1,200 accounts".
func accounts(n int) string {
	if n == 1 {
		return "1 account"
	}
	return cronofy.Thousands(n) + " accounts"
}

// next says what to do, for each kind that there is.
func (r *report) next(p *markup.Page) {
	if r.all[""] == 0 {
		return
	}
	p.Add("<section aria-labelledby=\"next-h\">\n<h2 id=\"next-h\">What to do next</h2>\n<div class=\"next\">\n")
	if r.all["connected"] == r.all[""] {
		p.Add("<p>Nothing: everybody is connected.</p>\n")
	}
	for _, k := range kinds {
		n := r.all[k.id]
		if n == 0 || k.advice == "" {
			continue
		}
		p.Add(`<article class="{}"><h3><span class="sign" aria-hidden="true">{}</span> {}: {}</h3>
<p>{}</p>`, k.id, k.sign, k.heading, accounts(n), markup.HTML(k.advice))
		switch k.id {
		case "missing":
			p.Add("\n<ol>\n")
			for _, advice := range NotYetAdvice(r.o.Provider, r.o.Site) {
				p.Add("<li>{}</li>\n", advice)
			}
			p.Add("</ol>")
		case "error":
			r.why(p)
		}
		p.Add("</article>\n")
	}
	p.Add("</div>\n</section>\n")
}

// why lists why accounts could not be read, the most frequent first.
func (r *report) why(p *markup.Page) {
	p.Add("\n<ul>\n")
	const most = 10
	for i, message := range byCount(r.reasons) {
		if i == most {
			p.Add("<li>{} other reasons; the table has each</li>\n", len(r.reasons)-most)
			break
		}
		p.Add("<li>{} <small>({})</small></li>\n", message, accounts(r.reasons[message][""]))
	}
	p.Add("</ul>")
}

// byCount gives the keys, the most frequent first.
func byCount(m map[string]tally) []string {
	return slices.SortedFunc(maps.Keys(m), func(a, b string) int {
		return cmp.Or(cmp.Compare(m[b][""], m[a][""]), cmp.Compare(a, b))
	})
}

func (r *report) byDomain(p *markup.Page) {
	if len(r.domains) == 0 {
		return
	}
	shown := slices.DeleteFunc(slices.Clone(kinds), func(k kind) bool { return k.id != "connected" && r.all[k.id] == 0 })
	p.Add(`<section>
<h2 id="domains-h">By domain</h2>
<div class="scroll" role="region" aria-labelledby="domains-h" tabindex="0">
<table class="domains">
<caption class="hidden">How many accounts of each domain are in which state</caption>
<thead><tr><th scope="col">Domain</th><th scope="col" class="n">All</th>`)
	for _, k := range shown {
		p.Add(`<th scope="col" class="n">{}</th>`, k.words)
	}
	p.Add("<td class=\"share\"></td></tr></thead>\n<tbody>\n")
	for _, domain := range byCount(r.domains) {
		s := r.domains[domain]
		p.Add(`<tr><th scope="row">{}</th><td class="n">{}</td>`, domain, cronofy.Thousands(s[""]))
		for _, k := range shown {
			p.Add(`<td class="n">{}</td>`, cronofy.Thousands(s[k.id]))
		}
		p.Add(`<td class="share">`)
		bar(p, s, "small")
		p.Add("</td></tr>\n")
	}
	p.Add("</tbody></table>\n</div>\n</section>\n")
}

// table lists the accounts. What sorts and searches is made by the script, so that
// there is nothing that does not work without it.
func (r *report) table(p *markup.Page) {
	p.Add(`<section id="accounts">
<h2 id="accounts-h">Accounts</h2>
<form id="filter" role="search" aria-label="Accounts" hidden>
<label>Search <input type="search" id="q" autocomplete="off" spellcheck="false"></label>
<label>State <select id="state"><option value="">all</option>`)
	for _, k := range kinds {
		if r.all[k.id] > 0 {
			p.Add(`<option value="{}">{}</option>`, k.id, k.words)
		}
	}
	p.Add(`</select></label>
<p id="found" role="status" aria-live="polite"></p>
</form>
<div class="scroll" role="region" aria-labelledby="accounts-h" tabindex="0">
<table class="accounts" id="list" role="table">
<caption class="hidden">Each account, its state, its profiles, and what to do</caption>
<thead role="rowgroup"><tr role="row"><th scope="col" role="columnheader" class="state">State</th><th scope="col" role="columnheader" class="who">Account</th><th scope="col" role="columnheader">Profiles</th></tr></thead>
<tbody role="rowgroup">
`)
	for _, rec := range r.records {
		k := kindOf(rec)
		p.Add(`<tr role="row" data-state="{}"><td role="cell" class="state {}"><span class="sign" aria-hidden="true">{}</span> {}</td><th scope="row" role="rowheader">{}`, k.id, k.id, k.sign, k.words, rec.Account.label())
		p.AddIf(rec.Account.Name != "" && rec.Account.Name != rec.Account.label(), "<small>{}</small>", rec.Account.Name)
		p.Add(`</th><td role="cell">`)
		for _, profile := range rec.Profiles {
			r.profile(p, rec, profile)
		}
		if rec.Error != nil {
			p.Add("<p>{}</p>", rec.Error.Message)
		}
		for _, w := range rec.Warnings {
			p.Add("<p><small>Odd in Cronofy's answer: {}</small></p>", w)
		}
		p.Add("</td></tr>\n")
	}
	p.Add("</tbody></table>\n</div>\n</section>\n")
}

func (r *report) profile(p *markup.Page, rec Record, profile Profile) {
	word := "connected"
	if !profile.Connected {
		word = "disconnected"
	}
	switch {
	case profile.SinceLink():
		word += ", new"
	case profile.BeforeLink():
		word += ", from before the link"
	}
	p.Add("<p>{} <small>{}</small>", cronofy.ProviderName(profile.ProviderName), word)
	p.AddIf(profile.ProfileName != "" && profile.ProfileName != rec.Account.Email, " {}", profile.ProfileName)
	opens := func(site cronofy.Site) bool { return CanOpen(profile.RelinkURL, site) }
	switch {
	case profile.RelinkURL == "":
	case opens(r.o.Site), !r.o.Site.Chosen() && slices.ContainsFunc(cronofy.DataCenters(), func(d cronofy.DataCenter) bool { return opens(d.Site()) }):
		p.Add(` <a href="{}" rel="noopener noreferrer" target="_blank">relink<span class="hidden"> {}</span></a>`, profile.RelinkURL, rec.Account.label())
	default: // another host's: shown, not to be followed with a click
		p.Add(" <small>relink: {}</small>", profile.RelinkURL)
	}
	p.Add("</p>")
}
