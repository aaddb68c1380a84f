package callback

import (
	"crypto/sha256"
	_ "embed" // the pages' style
	"encoding/base64"
	"errors"
	"io"
	"net/http"

	"confer/internal/markup"
)

//go:embed page.css
var pageCSS string

// page is what one page says. The sign and the word carry the meaning; the tone
// only colours them.
type page struct {
	Status  int
	Tone    string // "good", "bad" or "plain"
	Sign    string
	Word    string
	ID      string // of the heading, for tests that drive a browser
	Title   string
	Text    string
	Hint    string
	Refresh string // address to ask again, after a second
}

// policy lets a page load nothing but its own style.
var policy = func() string {
	sum := sha256.Sum256([]byte(pageCSS))
	return "default-src 'none'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; " +
		"style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}()

func (p page) write(w http.ResponseWriter) {
	guard(w.Header())
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", policy)
	w.WriteHeader(p.Status)
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

func plain(status int, word, title, text, hint string) page {
	return page{Status: status, Tone: "plain", Sign: "!", Word: word, ID: "unusable", Title: title, Text: text, Hint: hint}
}

func pageOutcome(o Outcome) page {
	p := page{Status: http.StatusOK, Tone: "good", Sign: "✓", Word: "Success", ID: "done", Title: o.Title, Text: o.Text, Hint: o.Hint}
	if !o.OK {
		p.Tone, p.Sign, p.Word, p.ID = "bad", "✗", "Not done", "failed"
	}
	return p
}

func pageWaiting(again string) page {
	return page{
		Status: http.StatusOK, Tone: "plain", Sign: "…", Word: "Please wait", ID: "waiting", Refresh: again,
		Title: "Your answer arrived",
		Text:  "confer is working on it now.",
		Hint:  "Leave this page open: it shows by itself how it ended.",
	}
}

// The pages for requests that are not the answer. Nothing of the request is repeated.
var (
	pageEnded = plain(http.StatusOK, "Ended", "confer has ended",
		"It ended before this page could show the result.", "The person who ran confer can see how it ended. "+closeWindow)
	// pageNotWaiting is for who comes after the wait.
	pageNotWaiting = plain(http.StatusServiceUnavailable, "Not now", "confer is not waiting for an answer now",
		"Your answer was not used, and it still counts.",
		"Ask the person who sent you the link to have confer wait again. Then load this page again.")
	pageNowhere = plain(http.StatusNotFound, "Nothing here", "There is no page at this address",
		"confer does not know this address, or no longer does.", closeWindow)
	pageLinkEnded = plain(http.StatusNotFound, "Nothing here", "This approval link no longer works",
		"It is from an earlier try, or it was not copied completely.", newestLink)
	pageHost = plain(http.StatusMisdirectedRequest, "Wrong address", "This is not the address that confer listens at",
		"The host name in the address is not the one of the redirect URI.", "A tunnel or proxy must pass the Host header on unchanged.")
	pageMethod    = notAVisit(http.StatusMethodNotAllowed)
	pagePrefetch  = notAVisit(http.StatusServiceUnavailable)
	pageEmbedded  = notAVisit(http.StatusForbidden)
	pageOtherUser = plain(http.StatusForbidden, "Another user", "This belongs to another user of this machine",
		"confer answers only the browser of the user who started it.", "Open the approval link in that user's browser.")
	pageMalformed = plain(http.StatusBadRequest, "No answer", "The answer is not complete",
		"The address should hold confer's state, and one authorization code or one error.", closeWindow)
	pageStateUsed = plain(http.StatusBadRequest, "Already received", "This answer was already received",
		"confer has it. Nothing more is needed.", closeWindow)
	pageStateOther = plain(http.StatusBadRequest, "Another link", "This answer is for another approval link",
		"The approval link that led here was made by another run of confer, or before a setting was changed.", newestLink)
	pageStateUnknown = plain(http.StatusBadRequest, "Not this answer", "This is not the answer that confer waits for",
		"The address does not have the state that confer sent with its link.", closeWindow)
)

// notAVisit is for programs that look, and browsers that look ahead.
func notAVisit(status int) page {
	return plain(status, "Not this way", "Open this address in a browser window", "It works only there.", "")
}

func pageState(err error) page {
	switch {
	case errors.Is(err, ErrStateUsed):
		return pageStateUsed
	case errors.Is(err, ErrStateEarlierRun), errors.Is(err, ErrStateOtherAnswers):
		return pageStateOther
	}
	return pageStateUnknown
}
