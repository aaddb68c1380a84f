package ui

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"confer/cronofy"
	"confer/flow"
	"confer/internal/profiles"
)

// The table of accounts and their profiles, and what opens over it. Its rows are
// drawn by table.go, and written by lines at the end.
const (
	pageTable   pageID = "table"
	pageAccount pageID = "account"
	pageExport  pageID = "export"
)

func tablePage(c Context) Page {
	p := Page{
		Title: "Accounts", Lead: nextLook(c), Warning: c.Notice, Problem: c.problem(),
		Actions: []Action{
			{Key: "enter", Words: "finish", Act: Act{Open: pageDone}},
			{Key: "r", Words: "look again", Act: Act{Event: flow.Refreshed{}, Told: "Looking again."}},
			{Key: "f", Words: "finish", Act: Act{Open: pageDone}, Aside: true},
			{Key: "e", Words: "export", Act: Act{Open: pageExport}},
			{Key: "a", Words: "another link", Act: Act{Event: flow.AnotherWanted{}}, Aside: true},
		},
		Explain: []string{
			"Each row is an account, with its conferencing profile at the provider that was linked. “not yet” may still come: confer looks again by itself, with growing pauses, for ten minutes.",
			"“disconnected” means that the person has to sign in again; the details of the row have the address for it.",
		},
	}
	if c.Watch.Counts.Read > 0 && c.KnownHere() == nil {
		p.Notes = []Note{{Text: "A profile that was there before the link may be the person's own.", Kind: noteMuted, Rank: extra}}
	}
	if c.NothingYet(c.Now) {
		p.Notes = append(p.Notes, Note{Text: "Nobody has a profile yet. ? tells what to check.", Kind: noteWarning})
		p.Explain = append(p.Explain, "Nobody has a profile yet? Check, in this order: "+strings.Join(whatToCheck(c), " "))
	}
	return p
}

// whatToCheck is why no account has a profile, the likeliest reason first.
func whatToCheck(c Context) []string {
	return profiles.NotYetAdvice(c.Answers.Provider, c.Answers.Site)
}

// nextLook says what the wizard does by itself.
func nextLook(c Context) string {
	switch {
	case c.Running != nil && c.Watch.NextLook.After(c.Now):
		return "next look in " + clock(c.Watch.NextLook.Sub(c.Now))
	case pauses(c.State, c.Now):
		return "asking again in " + clock(c.Pause.Until.Sub(c.Now)) + " (" + clean(c.Pause.Reason) + ")"
	case c.Running != nil:
		return "looking…"
	case c.Watch.Counts.Missing > 0:
		return "r looks again"
	}
	return ""
}

// accountPage is everything about one account.
func accountPage(c Context) Page {
	rec, from := c.account.Record, c.Answers.Accounts
	p := Page{Title: clean(accountName(c.account, from)), Lead: rec.Words(), Warning: c.Notice,
		Actions: []Action{{Key: "enter", Words: "back to the table", Act: Act{Open: back}}}}
	if known := facts([][2]string{{"Name", rec.Account.Name}, {"Account", rec.Account.Sub}}); len(known) > 0 {
		p.Notes = append(p.Notes, Note{Items: known, Bullets: true, Rank: aside})
	}
	if rec.State == profiles.Disconnected {
		p.Lead += " · the person has to sign in again"
	}
	if rec.Error != nil {
		_, next := from.AccountWords(rec.Error.Code)
		p.Problem = &flow.Problem{Summary: rec.Error.Message, Hint: next}
	}
	for _, pr := range rec.Profiles {
		p.Notes = append(p.Notes, profileNote(c, pr))
	}
	if len(rec.Profiles) == 0 && rec.Error == nil {
		p.Notes = append(p.Notes, Note{Text: "No conferencing profile yet. It comes by itself when the e-mail address matches one at the provider.", Kind: noteMuted})
	}
	if i := slices.IndexFunc(rec.Profiles, func(p profiles.Profile) bool { return p.RelinkURL != "" }); i >= 0 {
		link := rec.Profiles[i].RelinkURL
		p.Actions = append(p.Actions, Action{Key: "c", Words: "copy the relink address", Act: Act{Copy: link, Told: "The relink address was sent to the terminal's clipboard."}},
			Action{Key: "u", Words: "show it whole", Act: Act{Show: link, Told: "The address where the person signs in again."}})
		if profiles.CanOpen(link, c.Answers.Site) { // nothing else from outside may be opened with one click
			p.Link = link
		}
	}
	return p
}

func profileNote(c Context, pr profiles.Profile) Note {
	kind, word := noteDone, "connected"
	if !pr.Connected {
		kind, word = noteWarning, "disconnected"
	}
	head := providerLabel(pr.ProviderName) + " · " + word
	switch {
	case pr.SinceLink():
		head += " · new since the link"
	case pr.BeforeLink():
		head += " · there before the link: most likely the person's own"
	default:
		head += " · may be the person's own"
	}
	return Note{Text: head, Items: facts([][2]string{{"Profile", pr.ProfileName}, {"Id", pr.ProfileID}, {"Relink", pr.RelinkURL}}), Kind: kind, Bullets: true}
}

func facts(list [][2]string) []string {
	var out []string
	for _, l := range list {
		if l[1] != "" {
			out = append(out, l[0]+": "+clean(l[1]))
		}
	}
	return out
}

// exportPage says how to get the same table as a file.
func exportPage(c Context) Page {
	if c.Answers.Site.Sandbox {
		return Page{Title: "The same table as a file", Lead: "The sandbox ends with this run. confer sandbox keeps one going, and names the command for its accounts."}
	}
	return Page{Title: "The same table as a file", Lead: "In another terminal, or after confer has ended:", Notes: []Note{
		{Command: profilesCommand(c.Answers) + " --format csv"},
		{Command: profilesCommand(c.Answers) + " --format json", Tight: true},
	}}
}

// checkedNotes are what was found: how many of how many, who is missing, and what
// to do about it.
func checkedNotes(c Context) []Note {
	t := c.Watch.Counts
	if t.Read == 0 {
		return nil
	}
	out := []Note{{Text: fmt.Sprintf("%s %s of %s accounts connected", bar(t.Connected, t.Read), cronofy.Thousands(t.Connected), cronofy.Thousands(t.Read))}}
	if rest := counts(profiles.Summary{Disconnected: t.Disconnected, Missing: t.Missing, Failed: t.Failed}); rest != "" {
		out = append(out, Note{Text: rest + ".", Items: c.unmet(), Bullets: true, Rank: aside})
	}
	switch {
	case t.Missing > 0 && t.Connected == 0:
		out = append(out, Note{Head: "Nobody has a profile yet. What to check", Items: whatToCheck(c), Rank: extra})
	case t.Missing > 0:
		out = append(out, Note{Text: "Not yet: " + strings.Join(whatToCheck(c)[:2], " ") + " It may also take Cronofy a while.", Kind: noteMuted, Rank: extra})
	}
	return out
}

// bar is a part of a whole, for the eye: the numbers stand beside it.
func bar(part, whole int) string {
	const cells = 20
	n := max(btoi(part > 0), part*cells/whole)
	return strings.Repeat("█", n) + strings.Repeat("░", cells-n)
}

// accountName is what a row is called. Of an account whose token was refused
// nothing may be known but where the token came from.
func accountName(row profiles.Row, from flow.Accounts) string {
	unknown := "account " + cronofy.Thousands(row.Index+1) + " of the list"
	if from.Path == "" {
		unknown = "the pasted token"
	}
	return cmp.Or(row.Record.Account.Email, row.Record.Account.Name, row.Record.Account.Sub, unknown)
}

// providerLabel turns a profile's provider_name into what people call it.
func providerLabel(name string) string { return clean(cronofy.ProviderName(name)) }

// shownProfile is the one that the row's state is about: of the provider asked
// for, a connected one first, and one that is new before others.
func shownProfile(rec profiles.Record, asked cronofy.Provider) *profiles.Profile {
	weight := func(p *profiles.Profile) int { return 2*btoi(p.Connected) + btoi(p.SinceLink()) }
	var best *profiles.Profile
	for i := range rec.Profiles {
		p := &rec.Profiles[i]
		if asked.Matches(p.ProviderName) && (best == nil || weight(p) > weight(best)) {
			best = p
		}
	}
	return best
}

// counted is one of the numbers above the table.
type counted struct {
	n     int
	state profiles.State
	word  string
}

func countedOf(t profiles.Summary) []counted {
	errors := "errors"
	if t.Failed == 1 {
		errors = "error"
	}
	all := []counted{{t.Connected, profiles.Connected, "connected"}, {t.Disconnected, profiles.Disconnected, "disconnected"},
		{t.Missing, profiles.Missing, "not yet"}, {t.Failed, profiles.Failed, errors}}
	return slices.DeleteFunc(all, func(c counted) bool { return c.n == 0 && (c.state != profiles.Connected || t.Read == 0) })
}

// counts are the numbers in a sentence.
func counts(t profiles.Summary) string {
	var parts []string
	for _, c := range countedOf(t) {
		parts = append(parts, cronofy.Thousands(c.n)+" "+c.word)
	}
	return strings.Join(parts, " · ")
}
