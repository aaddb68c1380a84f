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
