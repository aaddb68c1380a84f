package sandbox

import (
	_ "embed" // the style sheet
	"fmt"
	"io"
	"net/http"

	"confer/internal/markup"
)

//go:embed sandbox.css
var styleSheet string

func (s *Server) appRoutes() http.Handler {
	m := http.NewServeMux()
	s.tokenRoutes(m)
	m.Handle("GET /oauth/authorize", s.endpoint(Authorize, func(c *call) { s.startApproval(c, s.checkUnitRequest) }))
	m.Handle("GET /enterprise_connect/oauth/authorize", s.endpoint(EnterpriseConnect, func(c *call) { s.startApproval(c, checkEnterpriseRequest) }))
	m.Handle("GET /approval/{id}", s.withApproval(s.approvalPage))
	m.Handle("POST /approval/{id}", s.withApproval(s.decide))
	m.Handle("GET /control", s.withControl(func(c *call) { c.page(http.StatusOK, s.controlHTML()) }))
	m.Handle("POST /control", s.withControl(s.turnControl))
	m.HandleFunc("GET /sandbox.css", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/css; charset=utf-8")
		_, _ = io.WriteString(w, styleSheet)
	})
	return m
}

// page sends a page. form-action names schemes and not 'self', because
// browsers apply it to the redirects that follow a form, and those lead to the
// application's redirect URI. Referrer-Policy is not no-referrer, because that
// makes browsers send "Origin: null" with our own forms.
func (c *call) page(status int, html markup.HTML) {
	h := c.w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src data:; "+
		"form-action http: https:; frame-ancestors 'none'; base-uri 'none'")
	h.Set("Referrer-Policy", "same-origin")
	c.status = status
	c.body = []byte(html)
}

func (c *call) errorPage(status int, text string) {
	c.w.Header().Set(reasonHeader, text)
	var m markup.Page
	m.Add(`<main>
<h1>Cannot continue</h1>
<p role="alert">{}</p>
<p class="quiet">Go back to the application and begin again there.</p>
</main>
`, text)
	c.page(status, framed("Cannot continue", m.HTML()))
}

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

func (s *Server) approvalPage(c *call, a *approval) {
	heading, button, asked := s.asked(a)
	step, steps := a.step-a.skipped, a.steps-a.skipped
	place := fmt.Sprintf("Step %d of %d", step, steps)
	var m markup.Page
	m.Add(`<main>
<p class="quiet">{}</p>
<progress max="{}" value="{}" aria-label="{}"></progress>
<h1>{}</h1>
<form id="approval" method="post" action="/approval/{}">
<input type="hidden" name="csrf" value="{}">
<input type="hidden" name="step" value="{}">
{}<p class="actions">
<button type="submit" id="allow" name="decision" value="allow">{}</button>
<button type="submit" id="deny" name="decision" value="deny" class="second" formnovalidate>Deny</button>
</p>
</form>
<p class="quiet">Asked for by application <code>{}</code>. Afterwards you go back to <code>{}</code>.</p>
</main>
`, place, steps, step, place, heading, a.id, a.csrf, a.step, asked, button, s.opts.ClientID, a.redirectURI)
	c.page(http.StatusOK, framed(place+": "+heading, m.HTML()))
}

// asked is what the step at hand asks for, with its heading and its button.
func (s *Server) asked(a *approval) (heading, button string, body markup.HTML) {
	var m markup.Page
	switch provider := a.provider.Name(); {
	case a.step == 1:
		heading, button = "Calendar administrator", "Continue"
		m.Add(`<p>Only an administrator of the calendar service can go on. At Cronofy you would now sign in to it.</p>
<dl>
<dt>Calendar service</dt><dd>Office 365, example.test</dd>
<dt>Signed in as</dt><dd>{}</dd>
`, serviceAccountEmail)
		m.AddIf(!a.enterprise(), `<dt>Service account</dt><dd><code>{}</code></dd>
`, serviceAccountID)
		m.Add("</dl>\n")
	case a.enterprise():
		heading, button = "Allow calendar access", "Approve"
		m.Add(`<p>The application asks for calendar access for the whole organisation.</p>
<dl>
<dt>Scope</dt><dd><code>{}</code></dd>
<dt>Delegated scope</dt><dd><code>{}</code></dd>
</dl>
`, a.scope, a.delegated)
	case a.step == 2 && a.provider == "":
		heading, button = "Choose a provider", "Allow"
		m.Add(`<fieldset>
<legend>Which service do people meet on?</legend>
`)
		for i, p := range s.offered() {
			m.Add(`<label class="choice"><input type="radio" name="provider" id="provider-{}" value="{}" required{}><span><strong>{}</strong></span></label>
`, string(p), string(p), checked(i == 0), p.Name())
		}
		m.Add("</fieldset>\n")
	case a.step == 2:
		heading, button = "Allow "+provider, "Allow"
		m.Add(`<p>Cronofy asks to create and change meetings in <strong>{}</strong> for any user or room. At {} you would now sign in as its administrator.</p>
`, provider, provider)
	default:
		heading, button = "Approve the link", "Approve"
		m.Add(`<p>Calendars of <strong>example.test</strong> get conferencing from <strong>{}</strong>: everybody whose address is the same in both.</p>
<fieldset>
<legend>Through which Organizational Unit?</legend>
`, provider)
		for i, u := range s.units {
			m.Add(`<label class="choice"><input type="radio" name="unit" id="unit-{}" value="{}"{}><span><strong>{}</strong> <code>{}</code></span></label>
`, i, u.sub, checked(i == 0), u.name, u.sub)
		}
		m.Add(`<label class="choice"><input type="radio" name="unit" id="unit-new" value="new"><span><strong>A new one</strong></span></label>
<label class="field">Name of the new one <input type="text" name="unit_name" id="unit-name" value="" maxlength="100" autocomplete="off"></label>
</fieldset>
`)
	}
	return heading, button, m.HTML()
}

func checked(on bool) markup.HTML { return markup.If(on, " checked") }
