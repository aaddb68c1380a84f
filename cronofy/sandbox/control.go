package sandbox

import (
	"cmp"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"confer/internal/markup"
)

// ControlURL is the control page's address. It holds a token that lets its
// holder turn the switches.
func (s *Server) ControlURL() string { return s.appURL + s.controlPath() }

func (s *Server) controlPath() string { return "/control?token=" + s.control }

// withControl has do answer somebody who was given the control page's address, and no
// page of another site: browsers send an Origin with every form.
func (s *Server) withControl(do func(*call)) http.HandlerFunc {
	return s.locked(func(c *call) {
		form := c.r.Method == http.MethodPost
		if same(c.r.URL.Query().Get("token"), s.control) && sameOrigin(c.r) && (!form || c.r.Header.Get("Origin") != "") {
			do(c)
			return
		}
		c.errorPage(http.StatusForbidden, "Open the control page by the address that the sandbox printed.")
	})
}

func (s *Server) turnControl(c *call) {
	if !s.turn(c.params) {
		c.errorPage(http.StatusBadRequest, "The form has a value that cannot be. Nothing was changed.")
		return
	}
	c.redirect(s.controlPath())
}

// turn does what a form asks for, or nothing if that cannot be.
func (s *Server) turn(form params) bool {
	var sw Switches
	var f Fault
	switch action := form.text("action"); {
	case action == "switches" && read(&sw, form):
		s.opts.Switches = sw
	case action == "fault" && read(&f, form) && (f.Account == "" || s.find(f.Account) >= 0):
		s.opts.Faults = append(s.opts.Faults, f)
	case action == "clear":
		s.opts.Faults = nil
	case action == "unlink":
		clear(s.links)
	case action == "expire":
		clear(s.access)
	default:
		return false
	}
	return true
}

// field is one of Switches or Fault, and an entry of a form by the same name.
type field struct {
	name, text string
	value      reflect.Value
	choices    []string // nil: anything
}

func fields(of any) []field {
	v := reflect.ValueOf(of).Elem()
	var all []field
	for i := range v.NumField() {
		f := v.Type().Field(i)
		all = append(all, field{f.Name, f.Tag.Get("control"), v.Field(i), choices()[f.Name]})
	}
	return all
}

// choices are what can be chosen for some fields. Nothing chosen is the usual. The
// errors of a redirect are those of RFC 6749 section 4.1.2.1.
func choices() map[string][]string {
	return map[string][]string{
		"LinkTokenField":      {"service_account"},
		"State":               {"wrong", "duplicate", "missing"},
		"InvalidClientStatus": {"400"},
		"ErrorRedirect": {"access_denied", "invalid_request", "invalid_scope", "server_error", "temporarily_unavailable",
			"unauthorized_client", "unsupported_response_type"},
		"Endpoint": texts(Endpoints()),
		"Status":   texts(Statuses()),
		"Body":     texts([]Body{HTMLBody, EmptyBody, TruncatedBody, CutBody}),
	}
}

func texts[T any](values []T) []string {
	var out []string
	for _, v := range values {
		out = append(out, fmt.Sprint(v))
	}
	return out
}

// read sets the fields of a *Switches or *Fault as a form has them.
func read(to any, form params) bool {
	return !slices.ContainsFunc(fields(to), func(f field) bool { return !f.read(form.text(f.name)) })
}

func (f field) read(text string) bool {
	if text == "" {
		return true
	}
	ok, err := f.choices == nil || slices.Contains(f.choices, text), error(nil)
	switch to := f.value.Addr().Interface().(type) {
	case *bool:
		*to = text == "on"
	case *int:
		*to, err = strconv.Atoi(text)
		ok = ok && *to >= 0
	case *time.Duration:
		*to, err = time.ParseDuration(text)
		ok = *to >= 0
	default: // a string, or a type of its own that is one
		f.value.SetString(text)
	}
	return ok && err == nil
}

func (f field) now() string {
	if f.value.IsZero() {
		return ""
	}
	return fmt.Sprint(f.value.Interface())
}

// controlHTML is the control page. It holds no secret but the token of its own address.
func (s *Server) controlHTML() markup.HTML {
	var m markup.Page
	m.Add(`<main class="wide">
<h1>Control</h1>
<dl>
<dt>API host</dt><dd><code>{}</code></dd>
<dt>App host</dt><dd><code>{}</code></dd>
<dt>Client id</dt><dd><code>{}</code></dd>
<dt>Linked</dt><dd>{}</dd>
</dl>
`, s.apiURL, s.appURL, s.opts.ClientID, cmp.Or(strings.Join(s.linked(0), ", "), "nothing yet"))
	m.Add("<h2>Switches</h2>\n{}<h2>Scripted answers</h2>\n", s.formHTML("switches", "Apply", &s.opts.Switches))
	for i := range s.opts.Faults {
		m.Add("<p>")
		for _, f := range fields(&s.opts.Faults[i]) {
			m.AddIf(!f.value.IsZero(), "{}: <code>{}</code> ", f.text, f.now())
		}
		m.Add("</p>\n")
	}
	m.Add(`{}<form method="post" action="{}">
<p class="actions">
<button type="submit" class="second" name="action" value="clear" id="clear">Remove scripted answers</button>
<button type="submit" class="second" name="action" value="unlink" id="unlink">Forget links</button>
<button type="submit" class="second" name="action" value="expire" id="expire">Expire access tokens</button>
</p>
</form>
`, s.formHTML("fault", "Add", &Fault{Times: 1}), s.controlPath())
	m.Add(`<h2>Requests: {}</h2>
<div class="scroll" tabindex="0" role="region" aria-label="Requests, newest first">
<table>
<thead><tr><th scope="col">Time</th><th scope="col">Host</th><th scope="col">Request</th><th scope="col">Status</th><th scope="col">Note</th></tr></thead>
<tbody>
`, s.requests)
	for _, e := range slices.Backward(s.log) {
		m.Add(`<tr><td>{}</td><td>{}</td><td><code>{} {}</code></td><td>{}</td><td>{}</td></tr>
`, e.Time.Format("15:04:05.000"), e.Host, e.Method, e.Path, e.Status, e.Note)
	}
	m.Add("</tbody>\n</table>\n</div>\n</main>\n")
	return framed("Control", m.HTML())
}

func (s *Server) formHTML(action, button string, of any) markup.HTML {
	var m markup.Page
	m.Add(`<form id="{}" method="post" action="{}">
<input type="hidden" name="action" value="{}">
<div class="columns">
`, action, s.controlPath(), action)
	for _, f := range fields(of) {
		switch {
		case f.value.Kind() == reflect.Bool:
			m.Add(`<label class="choice"><input type="checkbox" name="{}" value="on"{}><span>{}</span></label>
`, f.name, checked(f.value.Bool()), f.text)
		case f.choices != nil:
			m.Add(`<label class="field">{} <select name="{}"><option value="">as usual</option>`, f.text, f.name)
			for _, c := range f.choices {
				m.Add(`<option value="{}"{}>{}</option>`, c, markup.If(c == f.now(), " selected"), c)
			}
			m.Add("</select></label>\n")
		default:
			m.Add(`<label class="field">{} <input type="text" name="{}" value="{}" size="16"></label>
`, f.text, f.name, f.now())
		}
	}
	m.Add(`</div>
<p class="actions"><button type="submit" id="{}-send">{}</button></p>
</form>
`, action, button)
	return m.HTML()
}
