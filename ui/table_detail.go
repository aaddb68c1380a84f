package ui

import (
	"charm.land/lipgloss/v2"

	"confer/flow"
	"confer/internal/profiles"
)

// relinkOf is the first relink link of a record; "" if there is none.
func relinkOf(rec profiles.Record) string {
	for _, p := range rec.Profiles {
		if p.RelinkURL != "" {
			return p.RelinkURL
		}
	}
	return ""
}

// viewDetail is everything about one account.
func (t *table) viewDetail(f frame, p *page) {
	row, ok := t.rows.here()
	if !ok {
		p.note(f, keep, "No account is chosen.")
		return
	}
	rec := row.Record
	p.add(keep, f.st.title.Render(cutTo(clean(accountName(row, f.state.Answers.Accounts.Kind)), f.w)))
	p.join(keep, t.sign(f, rec.State)+" "+stateWord(rec.State)+f.st.muted.Render(cutTo(stateMeans(rec.State), f.w-16)))
	p.join(aside, facts(f, [][2]string{{"Name", rec.Account.Name}, {"Account", rec.Account.Sub}})...)
	if rec.Error != nil {
		_, next := flow.AccountWords(rec.Error.Code, f.state.Answers.Accounts.Kind)
		p.add(keep, f.problem(&flow.Problem{Summary: rec.Error.Message, Hint: next})...)
	}
	for _, pr := range rec.Profiles {
		p.add(keep, profileLines(f, pr)...)
	}
	if len(rec.Profiles) == 0 && rec.Error == nil {
		p.note(f, keep, "No conferencing profile yet. It comes by itself when the e-mail address matches one at the provider.")
	}
}

func stateMeans(s profiles.State) string {
	switch s {
	case profiles.Disconnected:
		return " · the person has to sign in again"
	case profiles.Missing:
		return " · may still come"
	case profiles.Connected, profiles.Failed:
	}
	return ""
}

func facts(f frame, list [][2]string) []string {
	var out []string
	for _, l := range list {
		if l[1] != "" {
			out = append(out, f.st.muted.Render(pad(l[0], 10))+cutTo(clean(l[1]), f.w-10))
		}
	}
	return out
}

func profileLines(f frame, pr profiles.Profile) []string {
	sign, word := f.st.good.Render(signDone), "connected"
	if !pr.Connected {
		sign, word = f.st.warn.Render(signWarn), "disconnected"
	}
	head := providerLabel(pr.ProviderName) + " · " + word
	if pr.SinceLink() {
		head += " · new since the link"
	} else if f.state.KnownHere() == nil {
		head += " · may be the person's own"
	}
	out := append(f.signed(sign, head), facts(f, [][2]string{{"Profile", pr.ProfileName}, {"Id", pr.ProfileID}})...)
	if pr.RelinkURL != "" {
		out = append(out, f.st.muted.Render(pad("Relink", 10))+relinkText(f, pr.RelinkURL))
	}
	return out
}

// relinkText is a hyperlink only to the data center's own app host: nothing
// else that came in from outside may be opened with one click.
func relinkText(f frame, link string) string {
	text := cutTo(clean(link), f.w-10)
	if !profiles.CanOpen(link, f.state.Answers.Site) {
		return text
	}
	return lipgloss.NewStyle().Inherit(f.st.accent).Hyperlink(link, "id=confer-relink").Render(text)
}

// viewExport says how to get the same table as a file.
func viewExport(f frame, p *page) {
	a := f.state.Answers
	path := a.Accounts.Path
	if a.Accounts.Kind != flow.AccountsFile {
		path = "FILE"
	}
	p.heading(f, "The same table as a file", "In another terminal, or after confer has ended:")
	p.add(keep, command(f, profilesCommand(a, path)+" --format csv")...)
	p.join(keep, command(f, profilesCommand(a, path)+" --format json")...)
	if a.Site.Sandbox {
		p.note(f, aside, "The sandbox ends with this run. confer sandbox keeps one going.")
	}
}
