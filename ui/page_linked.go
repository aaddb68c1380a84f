package ui

import (
	"cmp"
	"strings"

	"confer/cronofy"
	"confer/flow"
)

// What comes after an approval: the link itself, where tokens of accounts come
// from to check it, and the end.
const (
	pageLinked       pageID = "linked"
	pageAccountsFile pageID = "file of accounts"
	pageAccessToken  pageID = "access token"
	pageDone         pageID = "done"
)

var _ = registerStep(flow.StepProfiles, pageLinked, linkedPage, checkedAnswer)

func checkedAnswer(s flow.State) string {
	if t := s.Watch.Counts; t.Read > 0 {
		return cronofy.Thousands(t.Connected) + " of " + cronofy.Thousands(t.Read)
	}
	return ""
}

// profilesPath is where the last step is: at the link, at a list that could not
// be read, at the table, or at the end.
func profilesPath(s flow.State) []pageID {
	a := s.Answers.Accounts
	switch {
	case s.Watch.Started && a.None():
		return []pageID{pageDone}
	case s.Watch.Started:
		return []pageID{pageTable}
	case s.Problem != nil && a.Path != "":
		return []pageID{pageLinked, pageAccountsFile}
	case s.Problem != nil && !a.Token.Empty():
		return []pageID{pageLinked, pageAccessToken}
	}
	return []pageID{pageLinked}
}

func linkedPage(c Context) Page {
	likeliest := "finish" // unless accounts were named: there is nothing to check with
	switch a := c.Answers.Accounts; {
	case a.Path != "":
		likeliest = "file"
	case !a.Token.Empty():
		likeliest = "token"
	}
	p := Page{
		Title: "Linked", Found: linkedNotes(c), Warning: c.Notice, Problem: c.problem(),
		Fields: []Field{{Name: "next", Kind: FieldChoice, Answer: likeliest, Options: []Option{
			{Value: "file", Label: "Check accounts", Note: "optional: with a list of tokens", Act: Act{Open: pageAccountsFile}},
			{Value: "token", Label: "Check one account", Note: "optional: with its access token", Act: Act{Open: pageAccessToken}},
			{Value: "another", Label: "Another link", Note: "another organisation or provider", Act: Act{Event: flow.AnotherWanted{}}},
			{Value: "finish", Label: "Finish", Act: Act{Event: noAccounts}},
		}}},
		Actions: []Action{{Key: "f", Words: "finish", Act: Act{Event: noAccounts}}},
		Explain: []string{"The link is made. Cronofy now looks for each calendar account's e-mail address at the provider, and gives those it finds a conferencing profile: their meetings get an address by themselves.",
			"Checking accounts reads these profiles. It is optional, and changes nothing. Cronofy lists no accounts, so they are read one by one, each with an access token of the account. Your application has one for each account that signed up through it."},
	}
	switch {
	case c.Returning():
		p.Lead = "From an earlier run, on " + c.Link.Linked.In(c.Now.Location()).Format("2 January 2006") + "."
		p.Actions = append(p.Actions, startOver)
	case c.Link == nil:
		p.Title = "Approved"
	case c.Link.Unconfirmed:
		p.Title = "Not confirmed"
	default:
		p.Notes = append(p.Notes, Note{Text: "What happens now, by itself: accounts that were provisioned through this service account, and whose e-mail address matches one at the provider, get a conferencing profile.", Kind: noteMuted, Rank: extra})
	}
	return p
}

var noAccounts = flow.AccountsGiven{}

const (
	fieldPath  = "accounts"
	fieldToken = "access_token"
)

func accountsFilePage(c Context) Page {
	return Page{
		Title: "A file of accounts", Lead: "CSV with a header, or JSON lines; columns email and access_token.",
		Fields: []Field{{Name: fieldPath, Label: "File", Called: "file", Flag: "--accounts", Answer: c.Answers.Accounts.Path, Placeholder: "path of the file", Check: c.CheckAccountsPath, Shy: true}},
		Enter:  "read the profiles",
		Submit: func(v Values) flow.Event {
			return flow.AccountsGiven{Accounts: flow.Accounts{Path: v[fieldPath]}}
		},
		Problem: c.problem(), At: fieldPath, Warning: c.Notice,
		Explain: []string{"One line an account. confer reads the profiles of each, and looks again for those that have none yet."},
	}
}

func accessTokenPage(c Context) Page {
	return Page{
		Title: "One access token", Lead: "Of one account. It stays in memory, for this run only.",
		Fields: []Field{{Name: fieldToken, Label: "Access token", Kind: FieldSecret, Answer: c.Answers.Accounts.Token.Reveal(), Check: flow.CheckAccessToken}},
		Enter:  "read the profiles",
		Submit: func(v Values) flow.Event {
			return flow.AccountsGiven{Accounts: flow.Accounts{Token: v.Secret(fieldToken)}}
		},
		Problem: c.problem(), At: fieldToken, Warning: c.Notice,
		Explain: []string{"An access token of any account that signed up through your application. It is not shown, and not written anywhere."},
	}
}

// donePage is the end: what was done, what comes next, how to undo it.
func donePage(c Context) Page {
	p := Page{Title: "Done", End: true, Found: linkedNotes(c), Warning: c.Notice,
		Actions: []Action{{Key: "enter", Words: "finish", Act: Act{Leave: true}}, {Key: "f", Words: "finish", Act: Act{Leave: true}, Aside: true},
			{Key: "a", Words: "another link", Act: Act{Event: flow.AnotherWanted{}}}},
	}
	p.Notes = append(p.Notes, checkedNotes(c)...)
	a := c.Answers
	if a.Site.Sandbox {
		p.Notes = append(p.Notes, Note{Text: "This was the sandbox: it ends with confer, and nothing is stored on this machine.", Kind: noteMuted, Rank: aside})
		return p
	}
	say := func(r rank, text, command string) {
		p.Notes = append(p.Notes, Note{Text: text, Command: command, Rank: r})
	}
	if c.Link != nil {
		if c.Link.EndsWithRun() {
			p.Notes = append(p.Notes, Note{Text: "confer's own token is in memory, and ends with confer. The link stays.", Kind: noteWarning, Rank: aside})
		}
		say(aside, "What is linked, and where each secret is:", "confer status")
		say(aside, "To undo it here (with --revoke at Cronofy too):", "confer logout "+c.Link.ID())
		if c.Link.RefreshToken && !c.Link.EndsWithRun() {
			say(extra, "To hand the tokens over to your own application:", "confer export "+c.Link.ID()+" --tokens-out FILE")
		}
	}
	check := "To check accounts, with a file of their tokens:"
	if a.Accounts.Path != "" {
		check = "To check the same accounts again:"
	}
	say(extra, check, profilesCommand(a))
	say(extra, "Or for a list of e-mail addresses, through the service account:", "confer profiles --emails FILE")
	return p
}

// profilesCommand is what shows the same profiles outside the wizard, of the same
// file if there was one.
func profilesCommand(a flow.Answers) string {
	parts := []string{"confer profiles"}
	if a.Site.DataCenter.ID != "" {
		parts = append(parts, "--data-center "+a.Site.DataCenter.ID)
	}
	if a.Site.Overridden() {
		parts = append(parts, "--api-url "+clean(a.Site.API))
	}
	if a.Provider != "" {
		parts = append(parts, "--provider "+clean(string(a.Provider)))
	}
	return strings.Join(append(parts, "--accounts "+shellWord(clean(cmp.Or(a.Accounts.Path, "FILE")))), " ")
}

// shellWord quotes what a shell would not take as one word.
func shellWord(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./@:+,%", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
