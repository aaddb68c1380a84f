package sandbox

import "confer/internal/markup"

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
`, v.ID, v.CSRF, v.Step, v.asked(), v.allowWord(), v.ClientID, v.Host)
	return framed(v.Title, m.HTML())
}

func (v approvalView) allowWord() string {
	switch v.Step {
	case 1:
		return "Continue"
	case v.Steps:
		return "Approve"
	}
	return "Allow"
}

// asked is what the step at hand asks for.
func (v approvalView) asked() markup.HTML {
	switch {
	case v.Step == 1:
		return v.proof()
	case v.Enterprise:
		return v.access()
	case v.Step == 2:
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
		m.Add(`<label class="choice"><input type="radio" name="provider" id="provider-{}" value="{}" required{}><span><strong>{}</strong> <span class="quiet">{}</span></span></label>
`, p.ID, p.ID, checked(i == 0), p.Name, p.About)
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
`, i, u.Sub, checked(i == 0), u.Name, u.Sub)
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
