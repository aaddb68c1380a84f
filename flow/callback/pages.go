package callback

import (
	"crypto/sha256"
	_ "embed" // the pages' style
	"encoding/base64"
	"io"
	"net/http"

	"confer/internal/markup"
)

//go:embed page.css
var pageCSS string

// page is what one page says. The sign and the word carry the meaning; the tone
// only colours them.
type page struct {
	Tone    string // "good", "bad" or "plain"
	Sign    string
	Word    string
	ID      string // of the heading, for tests that drive a browser
	Title   string
	Text    string
	Hint    string
	Refresh string // address to ask again, after a second
}

type pages struct{ policy string }

func newPages() pages {
	sum := sha256.Sum256([]byte(pageCSS))
	return pages{
		policy: "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
			"'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
	}
}

func (ps pages) write(w http.ResponseWriter, status int, p page) {
	guard(w.Header())
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", ps.policy)
	w.WriteHeader(status)
	_, _ = io.WriteString(w, string(p.html()))
}

func (p page) html() markup.HTML {
	var m markup.Page
	m.Add(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{} · confer</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
`, p.Title)
	m.AddIf(p.Refresh != "", `<meta http-equiv="refresh" content="1; url={}">
`, p.Refresh)
	m.Add(`<link rel="icon" href="data:,">
<style>{}</style>
</head>
<body>
<main class="{}">
<header><b>confer</b> &nbsp;Link calendars with conferencing</header>
<section>
<p class="word"><span aria-hidden="true">{}</span> {}</p>
<h1 id="{}">{}</h1>
<p>{}</p>
`, markup.HTML(pageCSS), p.Tone, p.Sign, p.Word, p.ID, p.Title, p.Text)
	m.AddIf(p.Hint != "", `<p class="hint">{}</p>
`, p.Hint)
	m.Add(`</section>
</main>
</body>
</html>
`)
	return m.HTML()
}

// guard keeps the address and the page out of caches and out of Referer.
// https://www.rfc-editor.org/rfc/rfc9700#section-4.2.4
func guard(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
}

// Whoever reads these pages need not be at the terminal where confer runs.
const (
	closeWindow = "You can close this window."
	newestLink  = "Use the newest approval link that confer shows, or ask for it."
)

func plain(word, title, text, hint string) page {
	return page{Tone: "plain", Sign: "!", Word: word, ID: "unusable", Title: title, Text: text, Hint: hint}
}

func pageOutcome(o Outcome) page {
	p := page{Tone: "good", Sign: "✓", Word: "Success", ID: "done", Title: o.Title, Text: o.Text, Hint: o.Hint}
	if !o.OK {
		p.Tone, p.Sign, p.Word, p.ID = "bad", "✗", "Not done", "failed"
	}
	return p
}

func pageLate(o Outcome) page { return plain("Not now", o.Title, o.Text, o.Hint) }

func pageWaiting(again string) page {
	return page{
		Tone: "plain", Sign: "…", Word: "Please wait", ID: "waiting", Refresh: again,
		Title: "Your answer arrived",
		Text:  "confer is working on it now.",
		Hint:  "Leave this page open: it shows by itself how it ended.",
	}
}

func pageEnded() page {
	return plain("Ended", "confer has ended",
		"It closed before this page could learn how it ended.",
		"Whoever ran confer can see it there. "+closeWindow)
}

func pageUnknown() page {
	return plain("Nothing here", "This page is from an earlier try",
		"confer no longer knows this address.",
		closeWindow)
}

func pageLinkEnded() page {
	return plain("Nothing here", "This approval link no longer works",
		"It is from an earlier try, or it was not copied completely.",
		newestLink)
}

// pageUnusable says in words why a request was not the answer. Nothing of the
// request is repeated.
func pageUnusable(kind UnusableKind) (int, page) {
	switch kind {
	case UnusableHost:
		return http.StatusMisdirectedRequest, plain("Wrong address", "Not the address that confer waits at",
			"The host name in the address is not the one of the redirect URI.",
			"A tunnel or proxy must pass the Host header on unchanged.")
	case UnusableMethod:
		return http.StatusMethodNotAllowed, plain("Not this way", "Open this address in a browser window", "Only a plain visit (GET) is answered here.", "")
	case UnusablePrefetch:
		return http.StatusServiceUnavailable, plain("Not yet", "This address is not loaded ahead", "Open it in a browser window.", "")
	case UnusableEmbedded:
		return http.StatusForbidden, plain("Not this way", "Open this address in a browser window", "It is not answered inside of another page.", "")
	case UnusableOtherUser:
		return http.StatusForbidden, plain("Another user", "This belongs to another user of this machine",
			"confer answers only the browser of the user who started it.", "Open the approval link in that user's browser.")
	case UnusableBusy:
		return http.StatusServiceUnavailable, plain("Busy", "Too many answers at once", "This one was not taken.", "Load this page again in a moment.")
	case UnusablePath:
		return http.StatusNotFound, plain("Nothing here", "There is no page at this address", "confer waits for an answer at another address.", closeWindow)
	case UnusableMalformed:
		return http.StatusBadRequest, plain("No answer", "The answer is not complete", "The address should hold one authorization code, or one error.", closeWindow)
	}
	return http.StatusBadRequest, pageState(kind)
}

func pageState(kind UnusableKind) page {
	switch kind {
	case UnusableStateUsed:
		return plain("Already received", "This answer was already received",
			"It counts once, and confer has it.", closeWindow)
	case UnusableStateEarlier:
		return plain("Not this run", "This answer is for another run of confer",
			"The approval link that led here was made by another run of confer.",
			newestLink)
	case UnusableStateOther:
		return plain("Other answers", "This answer is for an approval link with other settings",
			"The data center, application, service account, provider or redirect URI was changed after the link was made.",
			newestLink)
	}
	return plain("Not this answer", "This is not the answer that confer waits for",
		"The address does not carry the state that confer gave out.", closeWindow)
}
