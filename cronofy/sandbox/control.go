package sandbox

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"confer/internal/markup"
)

// ControlURL is the control page's address. It holds a token that lets its
// holder turn the switches.
func (s *Server) ControlURL() string { return s.AppURL() + "/control?token=" + s.control }

func (s *Server) controlCookie() string { return s.cookie + "_control" }

// mayControl tells whether a request is from somebody who was given the token,
// and not from a page of another site.
func (s *Server) mayControl(r *http.Request) bool {
	k, err := r.Cookie(s.controlCookie())
	return err == nil && same(k.Value, s.control) && sameOrigin(r)
}

// showControl is GET /control. The token in the address becomes a cookie, so
// that it is not left in the browser's address bar.
func (s *Server) showControl(c *call) {
	switch {
	case same(c.r.URL.Query().Get("token"), s.control) && sameOrigin(c.r):
		http.SetCookie(c.w, &http.Cookie{
			Name: s.controlCookie(), Value: s.control, Path: "/control",
			HttpOnly: true, SameSite: http.SameSiteStrictMode,
		})
		c.redirect("/control")
	case !s.mayControl(c.r):
		c.errorPage(http.StatusForbidden, "Open the control page by the address that the sandbox printed.")
	default:
		c.page(http.StatusOK, s.controlHTML())
	}
}

// turnControl is POST /control. Here the Origin must be there: browsers send it
// with every form.
func (s *Server) turnControl(c *call) {
	switch {
	case !s.mayControl(c.r) || c.r.Header.Get("Origin") == "" || !same(c.params.text("token"), s.formToken()):
		c.errorPage(http.StatusForbidden, "This form was not sent from the control page.")
	case !s.turn(c.params):
		c.errorPage(http.StatusBadRequest, "The form has a value that cannot be. Nothing was changed.")
	default:
		c.redirect("/control")
	}
}

// formToken goes into the page's forms: not the page's own token, so that the
// page holds nothing that opens it.
func (s *Server) formToken() string { return s.rand.derive("control form", 0, 32) }

// turn does what a form asks for.
func (s *Server) turn(form params) bool {
	switch form.text("action") {
	case "switches":
		sw := s.switches
		if !read(slices.Concat(sw.flags(), sw.settings()), form) {
			return false
		}
		s.switches = sw
	case "fault":
		var f Fault
		if !read(f.fields(), form) || !s.possible(&f) {
			return false
		}
		s.faults = append(s.faults, f)
	case "clear":
		s.faults = nil
	case "unlink":
		clear(s.state.links)
	case "expire":
		s.state.expireAccess()
	default:
		return false
	}
	return true
}

// field is one entry of a form of the control page.
type field struct {
	name, text string
	value      any      // the *bool, *string, *int or *time.Duration that it shows and sets
	options    []string // what can be chosen, first the words for nothing; nil: anything
	most       int      // of a number, or of a time in whole seconds
}

func (sw *Switches) flags() []field {
	return []field{
		{name: "rotate", text: "Refresh tokens change on use", value: &sw.RotateRefreshTokens},
		{name: "no_refresh", text: "Token answers have no refresh_token", value: &sw.OmitRefreshToken},
		{name: "no_sub", text: "Token answers have no sub", value: &sw.OmitSub},
		{name: "enterprise", text: "Userinfo says zoom_enterprise", value: &sw.EnterpriseNames},
		{name: "extra", text: "Unknown fields everywhere", value: &sw.ExtraFields},
		{name: "no_data", text: "Userinfo has no cronofy.data", value: &sw.OmitCronofyData},
		{name: "disconnected", text: "Profiles from links are disconnected", value: &sw.Disconnected},
		{name: "no_plan", text: "The plan lacks the feature (402)", value: &sw.NoPlan},
		{name: "no_recruiting", text: "The application lacks the conferencing category Recruiting (no Indeed)", value: &sw.NoRecruiting},
		{name: "no_link_token", text: "A link token of another name is ignored (approvals link nothing)", value: &sw.LinkTokenOptional},
		{name: "repeat", text: "The callback is delivered twice", value: &sw.RepeatCallback},
		{name: "unsigned", text: "Webhooks are not signed", value: &sw.UnsignedWebhooks},
		{name: "digests", text: "Webhooks have two digests", value: &sw.SecondDigest},
	}
}

func (sw *Switches) settings() []field {
	return []field{
		{name: "field", text: "Link token field", value: &sw.LinkTokenField, options: []string{"as usual", "service_account_id", "service_account", "either"}},
		{name: "state", text: "State on the way back", value: &sw.State, options: []string{"as usual", "wrong", "duplicate", "missing"}},
		{name: "error", text: "Approvals end in", value: &sw.ErrorRedirect, options: redirectErrors()},
		{name: "invalid_client", text: "Status of invalid_client", value: &sw.InvalidClientStatus, options: []string{"401", "400"}},
		{name: "delay", text: "First profile after a link", value: &sw.ProfileDelay},
		{name: "gap", text: "Each further profile later by", value: &sw.ProfileGap},
	}
}

// redirectErrors are those of RFC 6749 section 4.1.2.1.
func redirectErrors() []string {
	return []string{
		"as usual", "access_denied", "invalid_request", "invalid_scope", "server_error",
		"temporarily_unavailable", "unauthorized_client", "unsupported_response_type",
	}
}

func (f *Fault) fields() []field {
	endpoints := []string{"every endpoint"}
	for _, e := range Endpoints() {
		endpoints = append(endpoints, string(e))
	}
	codes := []string{"200"}
	for _, status := range statuses() {
		codes = append(codes, strconv.Itoa(status))
	}
	bodies := []string{"as documented", string(HTMLBody), string(EmptyBody), string(TruncatedBody), string(CutBody)}
	return []field{
		{name: "endpoint", text: "Endpoint", value: (*string)(&f.Endpoint), options: endpoints},
		{name: "status", text: "Status", value: &f.Status, options: codes},
		{name: "body", text: "Body", value: (*string)(&f.Body), options: bodies},
		{name: "oauth", text: "OAuth error", value: &f.Error},
		{name: "invalid_field", text: "Field of a 422", value: &f.Field},
		{name: "retry_after", text: "Retry-After", value: &f.RetryAfter},
		{name: "slow", text: "Pause, seconds", value: &f.Slow, most: 120},
		{name: "times", text: "Times, 0 is always", value: &f.Times, most: 1_000_000},
		{name: "account", text: "Account's email, empty is all", value: &f.Account},
		{name: "reset", text: "Reset the connection", value: &f.Reset},
	}
}

// possible tells whether a fault's fields go together, and spells its account.
func (s *Server) possible(f *Fault) bool {
	if f.Account != "" {
		i, known := s.org.find(f.Account)
		if !known {
			return false
		}
		f.Account = s.org.person(i).email
	}
	return (f.Error == "" || f.Status != 0 && errorCode(f.Error)) && (f.Field == "" || f.Status == http.StatusUnprocessableEntity)
}

func read(fields []field, form params) bool {
	for _, f := range fields {
		if !f.read(form.text(f.name)) {
			return false
		}
	}
	return true
}

func (f field) read(v string) bool {
	if f.options != nil && v != "" && !slices.Contains(f.options[1:], v) {
		return false
	}
	n, err := strconv.Atoi(cmp.Or(v, "0"))
	isNumber := err == nil && n >= 0 && (n <= f.most || f.options != nil)
	switch to := f.value.(type) {
	case *bool:
		*to = v == "on"
	case *string:
		*to = v
	case *int:
		*to = n
		return isNumber
	case *time.Duration:
		if f.most > 0 {
			*to = time.Duration(n) * time.Second
			return isNumber
		}
		if v != "" {
			*to, err = time.ParseDuration(v)
			return err == nil && *to >= 0
		}
	}
	return true
}

// now is what a field is set to.
func (f field) now() string {
	switch v := f.value.(type) {
	case *string:
		return *v
	case *int:
		return strconv.Itoa(*v)
	case *time.Duration:
		if f.most > 0 {
			return strconv.Itoa(int(v.Seconds()))
		}
		return v.String()
	}
	return ""
}

// errorCode knows the characters of RFC 6749 section 5.2.
func errorCode(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' || r == '"' || r == '\\' })
}

func statuses() []int { return []int{400, 401, 402, 403, 404, 422, 423, 429, 500, 502, 503, 504} }

// controlHTML is the control page. It holds no secret.
func (s *Server) controlHTML() markup.HTML {
	links := s.linked(0)
	var m markup.Page
	m.Add(`<main class="wide">
<h1>Control</h1>
<dl>
<dt>API host</dt><dd><code>{}</code></dd>
<dt>App host</dt><dd><code>{}</code></dd>
<dt>Client id</dt><dd><code>{}</code></dd>
<dt>Linked</dt><dd>{}</dd>
</dl>
{}{}<form method="post" action="/control">
<input type="hidden" name="token" value="{}">
<p class="actions">
<button type="submit" class="second" name="action" value="clear" id="clear">Remove scripted answers</button>
<button type="submit" class="second" name="action" value="unlink" id="unlink">Forget links</button>
<button type="submit" class="second" name="action" value="expire" id="expire">Expire access tokens</button>
</p>
</form>
{}</main>
`, baseURL(s.api), baseURL(s.app), s.opts.ClientID, cmp.Or(strings.Join(links, ", "), "nothing yet"), s.switchesHTML(), s.answersHTML(), s.formToken(), s.requestsHTML())
	return framed("Control", m.HTML())
}

func (s *Server) switchesHTML() markup.HTML {
	var m markup.Page
	m.Add(`<h2>Switches</h2>
<form id="switches" method="post" action="/control">
<input type="hidden" name="token" value="{}"><input type="hidden" name="action" value="switches">
<div class="columns">
{}</div>
<div class="columns">
{}</div>
<p class="actions"><button type="submit" id="apply">Apply</button></p>
</form>
`, s.formToken(), fieldsHTML(s.switches.flags()), fieldsHTML(s.switches.settings()))
	return m.HTML()
}

func (s *Server) answersHTML() markup.HTML {
	suggested := Fault{Times: 1}
	var m markup.Page
	m.Add(`<h2>Scripted answers</h2>
{}<form id="fault" method="post" action="/control">
<input type="hidden" name="token" value="{}"><input type="hidden" name="action" value="fault">
<div class="columns">
{}</div>
<p class="actions"><button type="submit" id="add-fault">Add</button></p>
</form>
`, s.scriptedHTML(), s.formToken(), fieldsHTML(suggested.fields()))
	return m.HTML()
}

func fieldsHTML(fields []field) markup.HTML {
	var m markup.Page
	for _, f := range fields {
		switch on, isFlag := f.value.(*bool); {
		case isFlag:
			m.Add(`<label class="choice"><input type="checkbox" name="{}" value="on"{}><span>{}</span></label>
`, f.name, checked(*on), f.text)
		case f.options != nil:
			m.Add(`<label class="field">{} <select name="{}"><option value="">{}</option>`, f.text, f.name, f.options[0])
			for _, o := range f.options[1:] {
				m.Add(`<option value="{}"{}>{}</option>`, o, markup.If(o == f.now(), " selected"), o)
			}
			m.Add("</select></label>\n")
		case f.most > 0:
			m.Add(`<label class="field">{} <input type="number" name="{}" value="{}" min="0" max="{}"></label>
`, f.text, f.name, f.now(), f.most)
		default:
			m.Add(`<label class="field">{} <input type="text" name="{}" value="{}" size="16"></label>
`, f.text, f.name, f.now())
		}
	}
	return m.HTML()
}

func (s *Server) scriptedHTML() markup.HTML {
	var m markup.Page
	if len(s.faults) == 0 {
		m.Add("<p class=\"quiet\">None.</p>\n")
		return m.HTML()
	}
	m.Add("<ul>\n")
	for _, f := range s.faults {
		m.Add(`<li><code>{}</code> `, cmp.Or(string(f.Endpoint), "every endpoint"))
		for _, part := range f.parts() {
			m.Add("{} ", part)
		}
		m.AddIf(f.Slow != 0, "after {}", f.Slow)
		m.AddIf(f.Times != 0, ", {} more", f.Times)
		m.AddIf(f.Times == 0, ", always")
		m.Add("</li>\n")
	}
	m.Add("</ul>\n")
	return m.HTML()
}

// parts are the words for what a fault answers and to whom.
func (f Fault) parts() []string {
	var out []string
	if f.Status != 0 {
		out = append(out, strconv.Itoa(f.Status))
	}
	out = append(out, f.Error, f.Field, string(f.Body))
	if f.RetryAfter != "" {
		out = append(out, "Retry-After: "+f.RetryAfter)
	}
	if f.Reset {
		out = append(out, "reset")
	}
	if f.Account != "" {
		out = append(out, "for "+f.Account)
	}
	return slices.DeleteFunc(out, func(s string) bool { return s == "" })
}

func (s *Server) requestsHTML() markup.HTML {
	var m markup.Page
	m.Add(`<h2>Requests: {}</h2>
<div class="scroll" tabindex="0" role="region" aria-label="Requests, newest first">
<table>
<thead><tr><th scope="col">Time</th><th scope="col">Host</th><th scope="col">Request</th><th scope="col">Status</th><th scope="col">Note</th></tr></thead>
<tbody>
`, s.log.total)
	for _, e := range slices.Backward(s.log.last()) {
		status := "none"
		if e.Status != 0 {
			status = strconv.Itoa(e.Status)
		}
		m.Add(`<tr><td>{}</td><td>{}</td><td><code>{} {}</code></td><td>{}</td><td>{}</td></tr>
`, e.Time.Format("15:04:05.000"), e.Host, e.Method, e.Path, status, e.Note)
	}
	m.Add("</tbody>\n</table>\n</div>\n")
	return m.HTML()
}
