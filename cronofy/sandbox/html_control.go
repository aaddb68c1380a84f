package sandbox

import (
	"cmp"
	"slices"
	"strconv"

	"confer/internal/markup"
)

func (v controlView) html() markup.HTML {
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
`, v.API, v.App, v.ClientID, v.linked(), v.switches(), v.answers(), v.Token, v.requests())
	return framed("Control", m.HTML())
}

func (v controlView) linked() markup.HTML {
	var m markup.Page
	m.AddIf(len(v.Links) == 0, "nothing yet")
	for _, l := range v.Links {
		m.Add(`<code>{}</code> `, l)
	}
	return m.HTML()
}

func (v controlView) switches() markup.HTML {
	var m markup.Page
	m.Add(`<h2>Switches</h2>
<form id="switches" method="post" action="/control">
<input type="hidden" name="token" value="{}"><input type="hidden" name="action" value="switches">
<div class="columns">
`, v.Token)
	for _, f := range v.Flags {
		m.Add(`<label class="choice"><input type="checkbox" name="{}" value="on"{}><span>{}</span></label>
`, f.Name, checked(*f.Value), f.Text)
	}
	m.Add("</div>\n<div class=\"columns\">\n")
	for _, c := range v.Choices {
		m.Add(`<label class="field">{} <select name="{}">{}</select></label>
`, c.Text, c.Name, options(c.Options, *c.Value, "as usual"))
	}
	m.Add(`<label class="field">Status of invalid_client <select name="invalid_client"><option value="401">401</option><option value="400"{}>400</option></select></label>
<label class="field">First profile after a link <input type="text" name="delay" value="{}" size="8"></label>
<label class="field">Each further profile later by <input type="text" name="gap" value="{}" size="8"></label>
</div>
<p class="actions"><button type="submit" id="apply">Apply</button></p>
</form>
`, markup.If(v.Invalid == 400, " selected"), v.Delay, v.Gap)
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

func (v controlView) answers() markup.HTML {
	statuses := []string{""}
	for _, s := range v.Statuses {
		statuses = append(statuses, strconv.Itoa(s))
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
`, v.scripted(), v.Token, options(append([]Endpoint{""}, v.Endpoints...), "", "every endpoint"),
		options(statuses, "", "200"), options(v.Bodies, "", "as documented"))
	return m.HTML()
}

func (v controlView) scripted() markup.HTML {
	var m markup.Page
	if len(v.Faults) == 0 {
		m.Add("<p class=\"quiet\">None.</p>\n")
		return m.HTML()
	}
	m.Add("<ul>\n")
	for _, f := range v.Faults {
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

func (v controlView) requests() markup.HTML {
	var m markup.Page
	m.Add(`<h2>Requests: {}</h2>
<div class="scroll" tabindex="0" role="region" aria-label="Requests, newest first">
<table>
<thead><tr><th scope="col">Time</th><th scope="col">Host</th><th scope="col">Request</th><th scope="col">Status</th><th scope="col">Note</th></tr></thead>
<tbody>
`, v.Total)
	for _, e := range v.Log {
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
