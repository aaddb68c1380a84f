package callback

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the page and its style
	"encoding/base64"
	"html/template"
	"net/http"
)

//go:embed page.html
var pageHTML string

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
	Style   template.CSS
}

type pages struct {
	tmpl   *template.Template
	policy string
}

func newPages() pages {
	sum := sha256.Sum256([]byte(pageCSS))
	return pages{
		tmpl: template.Must(template.New("page").Parse(pageHTML)),
		policy: "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
			"'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
	}
}

func (ps pages) write(w http.ResponseWriter, status int, p page) {
	p.Style = template.CSS(pageCSS)
	var b bytes.Buffer
	if err := ps.tmpl.Execute(&b, p); err != nil {
		http.Error(w, "the page cannot be shown", http.StatusInternalServerError)
		return
	}
	guard(w.Header())
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", ps.policy)
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes())
}

// guard keeps the address and the page out of caches and out of Referer.
// https://www.rfc-editor.org/rfc/rfc9700#section-4.2.4
func guard(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
}
