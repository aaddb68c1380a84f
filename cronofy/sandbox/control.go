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
	c, err := r.Cookie(s.controlCookie())
	return err == nil && same(c.Value, s.control) && sameOrigin(r)
}

// showControl is GET /control. The token in the address becomes a cookie, so
// that it is not left in the browser's address bar.
func (s *Server) showControl(w http.ResponseWriter, r *http.Request) {
	if same(r.URL.Query().Get("token"), s.control) && sameOrigin(r) {
		http.SetCookie(w, &http.Cookie{
			Name: s.controlCookie(), Value: s.control, Path: "/control",
			HttpOnly: true, SameSite: http.SameSiteStrictMode,
		})
		redirectTo(w, "/control")
		return
	}
	if !s.mayControl(r) {
		s.errorPage(w, http.StatusForbidden, "Open the control page by the address that the sandbox printed.")
		return
	}
	s.page(w, http.StatusOK, s.controlHTML())
}

// turnControl is POST /control. Here the Origin must be there: browsers send it
// with every form.
func (s *Server) turnControl(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	err := r.ParseForm()
	switch {
	case !s.mayControl(r) || r.Header.Get("Origin") == "" || !same(r.PostForm.Get("token"), s.formToken()):
		s.errorPage(w, http.StatusForbidden, "This form was not sent from the control page.")
	case err != nil || !s.turn(r):
		s.errorPage(w, http.StatusBadRequest, "The form has a value that cannot be. Nothing was changed.")
	default:
		redirectTo(w, "/control")
	}
}

// formToken goes into the page's forms: not the page's own token, so that the
// page holds nothing that opens it.
func (s *Server) formToken() string { return s.rand.derive("control form", 0, 32) }

// turn does what a form asks for.
func (s *Server) turn(r *http.Request) bool {
	switch r.PostForm.Get("action") {
	case "switches":
		return s.turnSwitches(r)
	case "fault":
		f, ok := s.readFault(r)
		if ok {
			s.Set(append(s.Faults(), f)...)
		}
		return ok
	case "clear":
		s.Set()
	case "unlink":
		s.Unlink()
	case "expire":
		s.ExpireAccessTokens()
	default:
		return false
	}
	return true
}

func (s *Server) turnSwitches(r *http.Request) bool {
	sw := s.Switches()
	for _, f := range sw.flags() {
		*f.Value = r.PostForm.Get(f.Name) == "on"
	}
	for _, c := range sw.choices() {
		v := r.PostForm.Get(c.Name)
		if !slices.Contains(c.Options, v) {
			return false
		}
		*c.Value = v
	}
	sw.InvalidClientStatus = 0
	if r.PostForm.Get("invalid_client") == "400" {
		sw.InvalidClientStatus = http.StatusBadRequest
	}
	delay, gap := s.ProfileDelay()
	for name, to := range map[string]*time.Duration{"delay": &delay, "gap": &gap} {
		if v := r.PostForm.Get(name); v != "" {
			d, err := time.ParseDuration(v)
			if err != nil || d < 0 {
				return false
			}
			*to = d
		}
	}
	s.SetSwitches(sw)
	s.SetProfileDelay(delay, gap)
	return true
}

// flag is a switch that is on or off.
type flag struct {
	Name, Text string
	Value      *bool
}

func (sw *Switches) flags() []flag {
	return []flag{
		{"rotate", "Refresh tokens change on use", &sw.RotateRefreshTokens},
		{"no_refresh", "Token answers have no refresh_token", &sw.OmitRefreshToken},
		{"no_sub", "Token answers have no sub", &sw.OmitSub},
		{"enterprise", "Userinfo says zoom_enterprise", &sw.EnterpriseNames},
		{"extra", "Unknown fields everywhere", &sw.ExtraFields},
		{"no_data", "Userinfo has no cronofy.data", &sw.OmitCronofyData},
		{"disconnected", "Profiles from links are disconnected", &sw.Disconnected},
		{"no_plan", "The plan lacks the feature (402)", &sw.NoPlan},
		{"no_recruiting", "The application lacks the conferencing category Recruiting (no Indeed)", &sw.NoRecruiting},
		{"no_link_token", "A link token of another name is ignored (approvals link nothing)", &sw.LinkTokenOptional},
		{"repeat", "The callback is delivered twice", &sw.RepeatCallback},
		{"unsigned", "Webhooks are not signed", &sw.UnsignedWebhooks},
		{"digests", "Webhooks have two digests", &sw.SecondDigest},
	}
}

// choice is a switch with several positions.
type choice struct {
	Name, Text string
	Options    []string
	Value      *string
}

func (sw *Switches) choices() []choice {
	return []choice{
		{"field", "Link token field", []string{"", "service_account_id", "service_account", "either"}, &sw.LinkTokenField},
		{"state", "State on the way back", []string{"", "wrong", "duplicate", "missing"}, &sw.State},
		{"error", "Approvals end in", append([]string{""}, redirectErrors()...), &sw.ErrorRedirect},
	}
}

// redirectErrors are those of RFC 6749 section 4.1.2.1.
func redirectErrors() []string {
	return []string{
		"access_denied", "invalid_request", "invalid_scope", "server_error",
		"temporarily_unavailable", "unauthorized_client", "unsupported_response_type",
	}
}

func (s *Server) readFault(r *http.Request) (Fault, bool) {
	get := r.PostForm.Get
	f := Fault{
		Endpoint: Endpoint(get("endpoint")), Body: Body(get("body")),
		RetryAfter: get("retry_after"), Reset: get("reset") == "on",
		Error: get("oauth"), Field: get("invalid_field"),
	}
	var bad bool
	number := func(name string, limit int) int {
		n, err := strconv.Atoi(get(name))
		bad = bad || get(name) != "" && (err != nil || n < 0 || n > limit)
		return n
	}
	f.Status = number("status", 599)
	f.Times = number("times", 1_000_000)
	f.Slow = time.Duration(number("slow", 120)) * time.Second
	bad = bad || f.Status != 0 && !slices.Contains(statuses(), f.Status) ||
		f.Endpoint != AnyEndpoint && !slices.Contains(Endpoints(), f.Endpoint) ||
		!slices.Contains(bodies(), f.Body) ||
		f.Error != "" && (f.Status == 0 || !errorCode(f.Error)) || f.Field != "" && f.Status != http.StatusUnprocessableEntity
	if email := get("account"); email != "" {
		i, known := s.org.find(email)
		if bad = bad || !known; !bad {
			f.Account = s.org.person(i).email
		}
	}
	return f, !bad
}

// errorCode knows the characters of RFC 6749 section 5.2.
func errorCode(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' || r == '"' || r == '\\' })
}

func statuses() []int { return []int{400, 401, 402, 403, 404, 422, 423, 429, 500, 502, 503, 504} }

func bodies() []Body { return []Body{DefaultBody, HTMLBody, EmptyBody, TruncatedBody, CutBody} }

// controlHTML is the control page. It holds no secret.
func (s *Server) controlHTML() markup.HTML {
	links := s.state.linked(s.opts.Now())
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
`, s.APIURL(), s.AppURL(), s.opts.ClientID, cmp.Or(strings.Join(links, ", "), "nothing yet"), s.switchesHTML(), s.answersHTML(), s.formToken(), s.requestsHTML())
	return framed("Control", m.HTML())
}

func (s *Server) switchesHTML() markup.HTML {
	sw := s.Switches()
	delay, gap := s.ProfileDelay()
	var m markup.Page
	m.Add(`<h2>Switches</h2>
<form id="switches" method="post" action="/control">
<input type="hidden" name="token" value="{}"><input type="hidden" name="action" value="switches">
<div class="columns">
`, s.formToken())
	for _, f := range sw.flags() {
		m.Add(`<label class="choice"><input type="checkbox" name="{}" value="on"{}><span>{}</span></label>
`, f.Name, checked(*f.Value), f.Text)
	}
	m.Add("</div>\n<div class=\"columns\">\n")
	for _, c := range sw.choices() {
		m.Add(`<label class="field">{} <select name="{}">{}</select></label>
`, c.Text, c.Name, options(c.Options, *c.Value, "as usual"))
	}
	m.Add(`<label class="field">Status of invalid_client <select name="invalid_client"><option value="401">401</option><option value="400"{}>400</option></select></label>
<label class="field">First profile after a link <input type="text" name="delay" value="{}" size="8"></label>
<label class="field">Each further profile later by <input type="text" name="gap" value="{}" size="8"></label>
</div>
<p class="actions"><button type="submit" id="apply">Apply</button></p>
</form>
`, markup.If(sw.InvalidClientStatus == 400, " selected"), delay, gap)
	return m.HTML()
}

// options are those of a select element; empty is the word for the value "".
func options[T ~string](values []T, now T, empty string) markup.HTML {
	var m markup.Page
	for _, v := range values {
		m.Add(`<option value="{}"{}>{}</option>`, string(v), markup.If(v == now && v != "", " selected"), cmp.Or(string(v), empty))
	}
	return m.HTML()
}

func (s *Server) answersHTML() markup.HTML {
	codes := []string{""}
	for _, status := range statuses() {
		codes = append(codes, strconv.Itoa(status))
	}
	var m markup.Page
	m.Add(`<h2>Scripted answers</h2>
{}<form id="fault" method="post" action="/control">
<input type="hidden" name="token" value="{}"><input type="hidden" name="action" value="fault">
<div class="columns">
<label class="field">Endpoint <select name="endpoint">{}</select></label>
<label class="field">Status <select name="status">{}</select></label>
<label class="field">Body <select name="body">{}</select></label>
<label class="field">OAuth error <input type="text" name="oauth" value="" size="16"></label>
<label class="field">Field of a 422 <input type="text" name="invalid_field" value="" size="16"></label>
<label class="field">Retry-After <input type="text" name="retry_after" value="" size="12"></label>
<label class="field">Pause, seconds <input type="number" name="slow" value="0" min="0" max="120"></label>
<label class="field">Times, 0 is always <input type="number" name="times" value="1" min="0"></label>
<label class="field">Account's email, empty is all <input type="text" name="account" value="" size="20"></label>
<label class="choice"><input type="checkbox" name="reset" value="on"><span>Reset the connection</span></label>
</div>
<p class="actions"><button type="submit" id="add-fault">Add</button></p>
</form>
`, s.scriptedHTML(), s.formToken(), options(append([]Endpoint{""}, Endpoints()...), "", "every endpoint"),
		options(codes, "", "200"), options(bodies(), "", "as documented"))
	return m.HTML()
}

func (s *Server) scriptedHTML() markup.HTML {
	var m markup.Page
	faults := s.Faults()
	if len(faults) == 0 {
		m.Add("<p class=\"quiet\">None.</p>\n")
		return m.HTML()
	}
	m.Add("<ul>\n")
	for _, f := range faults {
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
	entries, total := s.log.last()
	var m markup.Page
	m.Add(`<h2>Requests: {}</h2>
<div class="scroll" tabindex="0" role="region" aria-label="Requests, newest first">
<table>
<thead><tr><th scope="col">Time</th><th scope="col">Host</th><th scope="col">Request</th><th scope="col">Status</th><th scope="col">Note</th></tr></thead>
<tbody>
`, total)
	for _, e := range slices.Backward(entries) {
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
