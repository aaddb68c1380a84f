package sandbox

import (
	_ "embed" // the style sheet
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"confer/cronofy"
	"confer/internal/markup"
)

//go:embed sandbox.css
var styleSheet string

// appRoutes are those of the app host.
func (s *Server) appRoutes() http.Handler {
	m := http.NewServeMux()
	s.tokenRoutes(m)
	m.Handle("GET /oauth/authorize", s.pageFaults(Authorize, s.authorize))
	m.Handle("GET /enterprise_connect/oauth/authorize", s.pageFaults(EnterpriseConnect, s.enterpriseConnect))
	m.HandleFunc("GET /approval/{id}", s.showApproval)
	m.HandleFunc("POST /approval/{id}", s.decide)
	m.HandleFunc("GET /sandbox.css", s.style)
	m.HandleFunc("GET /control", s.showControl)
	m.HandleFunc("POST /control", s.turnControl)
	return m
}

// pageFaults gives scripted answers instead of a page.
func (s *Server) pageFaults(e Endpoint, page http.HandlerFunc) http.Handler {
	return s.endpoint(e, func(c *call) { page(c.w, c.r) })
}

func (s *Server) style(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	_, _ = io.WriteString(w, styleSheet)
}

// page sends a page. form-action names schemes and not 'self', because
// browsers apply it to the redirects that follow a form, and those lead to the
// application's redirect URI. Referrer-Policy is not no-referrer, because that
// makes browsers send "Origin: null" with our own forms.
func (s *Server) page(w http.ResponseWriter, status int, html markup.HTML) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src data:; "+
		"form-action http: https:; frame-ancestors 'none'; base-uri 'none'")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Content-Length", strconv.Itoa(len(html)))
	w.WriteHeader(status)
	_, _ = io.WriteString(w, string(html))
}

func (s *Server) errorPage(w http.ResponseWriter, status int, text string) {
	if w.Header().Get(reasonHeader) == "" {
		w.Header().Set(reasonHeader, text)
	}
	s.page(w, status, errorHTML("Cannot continue", text))
}

// approvalView is what the approval pages show.
type approvalView struct {
	Title, Heading    string
	Page              int // from 1: proof, provider, unit; or proof, access
	Step, Steps       int // as they are counted for who sees them
	ID, CSRF, Problem string
	ClientID, Host    string
	ServiceAccount    string
	ServiceEmail      string
	Provider          string
	Choose            bool
	Providers         []cronofy.Provider
	Units             []unit
	Scopes, Delegated []string
	Enterprise        bool
}

// approvalPage shows the page of the step an approval is at.
func (s *Server) approvalPage(w http.ResponseWriter, a approval, problem string) {
	v := s.view(a)
	v.Problem = problem
	status := http.StatusOK
	if problem != "" {
		status = http.StatusUnprocessableEntity
	}
	s.page(w, status, v.html())
}

func (s *Server) view(a approval) approvalView {
	v := approvalView{
		Page: a.step, Step: a.step - a.first + 1, Steps: a.steps() - a.first + 1, ID: a.id, CSRF: a.csrf,
		ClientID: s.opts.ClientID, Host: hostOf(a.redirectURI),
		ServiceAccount: serviceAccountID, ServiceEmail: serviceAccountEmail,
		Provider: a.provider.Name(), Choose: a.provider == "",
		Scopes: strings.Fields(a.scope), Delegated: strings.Fields(a.delegated),
		Enterprise: a.enterprise, Providers: s.offered(), Units: s.state.unitsNow(),
	}
	v.Heading = heading(v)
	v.Title = "Step " + strconv.Itoa(v.Step) + " of " + strconv.Itoa(v.Steps) + ": " + v.Heading
	return v
}

func heading(v approvalView) string {
	switch {
	case v.Page == 1:
		return "Calendar administrator"
	case v.Enterprise:
		return "Allow calendar access"
	case v.Page == 3:
		return "Approve the link"
	case v.Choose:
		return "Choose a provider"
	}
	return "Allow " + v.Provider
}

func hostOf(uri string) string {
	u, err := url.Parse(uri)
	if err != nil {
		return ""
	}
	return u.Host
}

// framed puts a page's main part into what all pages have.
func framed(title string, main markup.HTML) markup.HTML {
	var m markup.Page
	m.Add(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{} · Sandbox</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/sandbox.css">
</head>
<body>
<p class="banner"><strong>Sandbox:</strong> nothing here is real.</p>
{}</body>
</html>
`, title, main)
	return m.HTML()
}

func errorHTML(title, text string) markup.HTML {
	var m markup.Page
	m.Add(`<main>
<h1>{}</h1>
<p role="alert">{}</p>
<p class="quiet">Go back to the application and begin again there.</p>
</main>
`, title, text)
	return framed(title, m.HTML())
}

func (v approvalView) html() markup.HTML {
	var m markup.Page
	m.Add(`<main>
<p class="quiet">Step {} of {}</p>
<progress max="{}" value="{}" aria-label="Step {} of {}"></progress>
<h1>{}</h1>
`, v.Step, v.Steps, v.Steps, v.Step, v.Step, v.Steps, v.Heading)
	m.AddIf(v.Problem != "", `<p class="problem" role="alert">{}</p>
`, v.Problem)
	m.Add(`<form id="approval" method="post" action="/approval/{}">
<input type="hidden" name="csrf" value="{}">
<input type="hidden" name="step" value="{}">
{}<p class="actions">
<button type="submit" id="allow" name="decision" value="allow">{}</button>
<button type="submit" id="deny" name="decision" value="deny" class="second" formnovalidate>Deny</button>
</p>
</form>
<p class="quiet">Asked for by application <code>{}</code>. Afterwards you go back to <code>{}</code>.</p>
</main>
`, v.ID, v.CSRF, v.Page, v.asked(), v.allowWord(), v.ClientID, v.Host)
	return framed(v.Title, m.HTML())
}

func (v approvalView) allowWord() string {
	switch {
	case v.Page == 1:
		return "Continue"
	case v.Step == v.Steps:
		return "Approve"
	}
	return "Allow"
}

// asked is what the step at hand asks for.
func (v approvalView) asked() markup.HTML {
	switch {
	case v.Page == 1:
		return v.proof()
	case v.Enterprise:
		return v.access()
	case v.Page == 2:
		return v.provider()
	}
	return v.unit()
}

func (v approvalView) proof() markup.HTML {
	var m markup.Page
	m.Add(`<p>Only an administrator of the calendar service can go on. At Cronofy you would now sign in to it.</p>
<dl>
<dt>Calendar service</dt><dd>Office 365, example.test</dd>
<dt>Signed in as</dt><dd>{}</dd>
`, v.ServiceEmail)
	m.AddIf(!v.Enterprise, `<dt>Service account</dt><dd><code>{}</code></dd>
`, v.ServiceAccount)
	m.Add("</dl>\n")
	return m.HTML()
}

func (v approvalView) provider() markup.HTML {
	var m markup.Page
	if !v.Choose {
		m.Add(`<p>Cronofy asks to create and change meetings in <strong>{}</strong> for any user or room. At {} you would now sign in as its administrator.</p>
`, v.Provider, v.Provider)
		return m.HTML()
	}
	m.Add(`<fieldset>
<legend>Which service do people meet on?</legend>
`)
	for i, p := range v.Providers {
		m.Add(`<label class="choice"><input type="radio" name="provider" id="provider-{}" value="{}" required{}><span><strong>{}</strong></span></label>
`, string(p), string(p), checked(i == 0), p.Name())
	}
	m.Add("</fieldset>\n")
	return m.HTML()
}

func (v approvalView) unit() markup.HTML {
	var m markup.Page
	m.Add(`<p>Calendars of <strong>example.test</strong> get conferencing from <strong>{}</strong>: everybody whose address is the same in both.</p>
<fieldset>
<legend>Through which Organizational Unit?</legend>
`, v.Provider)
	for i, u := range v.Units {
		m.Add(`<label class="choice"><input type="radio" name="unit" id="unit-{}" value="{}"{}><span><strong>{}</strong> <code>{}</code></span></label>
`, i, u.sub, checked(i == 0), u.name, u.sub)
	}
	m.Add(`<label class="choice"><input type="radio" name="unit" id="unit-new" value="new"><span><strong>A new one</strong></span></label>
<label class="field">Name of the new one <input type="text" name="unit_name" id="unit-name" value="" maxlength="100" autocomplete="off"></label>
</fieldset>
`)
	return m.HTML()
}

func (v approvalView) access() markup.HTML {
	var m markup.Page
	m.Add(`<p>The application asks for calendar access for the whole organisation.</p>
<dl>
<dt>Scope</dt><dd><ul>{}</ul></dd>
<dt>Delegated scope</dt><dd><ul>{}</ul></dd>
</dl>
`, listed(v.Scopes), listed(v.Delegated))
	return m.HTML()
}

func listed(items []string) markup.HTML {
	var m markup.Page
	for _, it := range items {
		m.Add(`<li><code>{}</code></li>`, it)
	}
	return m.HTML()
}

func checked(on bool) markup.HTML { return markup.If(on, " checked") }
