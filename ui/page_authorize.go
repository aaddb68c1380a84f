package ui

import (
	"confer/cronofy"
	"confer/flow"
	"confer/internal/opener"
	"confer/keystore"
)

// The step before an approval link is made, after it was made, and after it went
// wrong.
const pageAuthorize pageID = "authorize"

var _ = registerStep(flow.StepAuthorize, pageAuthorize, authorizePage, authorizeAnswer)

func authorizeAnswer(s flow.State) string {
	switch {
	case s.Link == nil && !s.ApprovedNow():
		return ""
	case s.Link == nil:
		return "approved"
	case s.Link.Unconfirmed:
		return "not confirmed"
	}
	return "linked"
}

func authorizePage(c Context) Page {
	p := Page{Problem: c.problem(), Warning: c.Notice, Paste: pagePaste}
	switch {
	case c.PendingHere() != nil && !c.LinkedNow():
		handedOver(c, &p)
	case p.Problem != nil:
		problemPage(c, &p)
	case c.LinkedNow():
		linkedAlready(c, &p)
	default:
		readyPage(c, &p)
	}
	return p
}

// handedOver is where an earlier run has made an approval link that somebody may
// still use.
func handedOver(c Context, p *Page) {
	h := c.PendingHere()
	p.Title = "Back from the administrator?"
	p.Lead = "An earlier run made an approval link on " + h.Begun.In(c.Now.Location()).Format("2 January at 15:04") + ". Its final address is accepted until " + h.Until().In(c.Now.Location()).Format("2 January, 15:04") + "."
	p.Actions = []Action{{Key: "enter", Words: "paste the final address", Short: "paste it", Act: Act{Open: pagePaste}},
		{Key: "n", Words: "make a new approval link", Short: "new approval link", Act: Act{Event: flow.AuthorizeStarted{}}}}
	p.Explain = []string{"Whoever approves ends on an address that holds the answer. The message asks them to send it back. Paste it here, and the link is finished as if confer had waited.",
		"If the link was not used, or is too old, make a new one and send it."}
}

// goOn is with a link that most likely exists.
// pasteIt is offered wherever a final address may still come.
var pasteIt = Action{Key: "p", Words: "paste the final address", Short: "paste", Act: Act{Open: pagePaste}}

var goOn = Action{Key: "g", Words: "go on without a token", Short: "go on", Act: Act{Event: flow.Continued{}}}

func readyPage(c Context, p *Page) {
	a := c.Answers
	w := wordsFor(a.Provider)
	p.Title = "Ready for the administrator"
	p.Lead = "To be linked: the calendars of " + organisation(a) + ", and " + toProvider(a.Provider) + "."
	p.Submit, p.Enter = submits(flow.AuthorizeStarted{}), "make the approval link"
	if c.ApprovedNow() {
		p.Actions = []Action{goOn}
	}
	p.Notes = []Note{
		{Head: "Who approves", Text: "An administrator of the calendars and of " + w.admin + ". If these are two people, they must use the same browser.", Rank: extra},
		{Head: "What they will see", Items: []string{"If asked: show that they administer the calendars", w.sees, "Approve the link between the two"}, Rank: extra},
	}
	if len(c.Used) > 0 || c.Link != nil {
		p.Notes = append(p.Notes, Note{Text: "You have linked others before: use a private window. Cronofy remembers who signed in last.", Kind: noteWarning, Rank: aside})
	}
	open := "opens it in a browser"
	if c.Browser == opener.None || c.away() && c.Browser == "" {
		open = "shows it for you to open in any browser"
	}
	p.Notes = append(p.Notes, Note{Text: "With {enter}, confer makes the approval link, " + open + ", and waits for the answer. " +
		"The next page has a message for an administrator who sits elsewhere."})
	p.Explain = []string{
		"An approval link leads the administrator through Cronofy's pages: they show that they administer the calendars, sign in to the provider as its administrator, and approve.",
		"Nobody has to be at this computer. The next page has a message for an administrator who sits elsewhere, and a field for the final address of their browser.",
	}
}

func linkedAlready(c Context, p *Page) {
	p.Title = "Linked already"
	p.Found = linkedNotes(c)
	if c.Link.Unconfirmed {
		p.Title = "Not confirmed"
	}
	p.Submit, p.Enter = submits(flow.Continued{}), "go on"
	p.Actions = []Action{{Key: "n", Words: "have it approved again, with a new approval link", Short: "new approval link", Act: Act{Event: flow.AuthorizeStarted{}}}}
}

// problemPage is after it went wrong. Every answer is kept.
func problemPage(c Context, p *Page) {
	why := p.Problem
	p.Title = "Not approved yet"
	if why.Approved {
		p.Title = "Approved, but not finished"
	}
	again := Action{Key: "enter", Words: "try again, with a new approval link", Short: "try again", Act: Act{Event: flow.AuthorizeStarted{}}}
	if len(why.Offers) > 0 && !c.Answers.RedirectSet {
		options := []Option{{Value: c.Answers.RedirectURI, Label: clean(c.Answers.RedirectURI), Note: "try again", Act: again.Act}}
		for _, uri := range why.Offers {
			options = append(options, Option{Value: uri, Label: clean(uri), Note: "another port", Act: Act{Event: flow.RedirectURIChosen{URI: uri}}})
		}
		p.Fields = []Field{{Name: fieldRedirect, Kind: FieldChoice, Options: options}}
		p.Enter = "take it"
	} else {
		p.Actions = []Action{again}
	}
	if why.Approved {
		p.Actions = append(p.Actions, goOn)
	}
	switch why.Code {
	case flow.CodePort:
		p.Actions = append(p.Actions, askToPermit)
		if c.Answers.RedirectSet {
			p.Notes = []Note{{Text: "The redirect URI was named for this run. To change it, go back to the application."}}
		}
	case flow.CodeTimeout:
		p.Actions = append(p.Actions, pasteIt)
		p.Notes = []Note{{Text: "Whoever still has the earlier approval link open can finish there: the answer counts as soon as confer waits again.", Kind: noteMuted, Rank: extra}}
	}
	p.Explain = []string{"Every answer is kept. Trying again makes a new approval link; the administrator opens that one, and approves."}
}

// linkedNotes say what has been reached.
func linkedNotes(c Context) []Note {
	between := "the calendars of " + organisation(c.Answers) + " and " + toProvider(c.Answers.Provider)
	l := c.Link
	switch {
	case l == nil:
		return []Note{{Text: "Most likely linked: " + between + ".", Kind: noteWarning},
			{Text: "The administrator approved. confer has no token of its own.", Kind: noteMuted, Tight: true, Rank: aside}}
	case l.Unconfirmed:
		return []Note{{Text: "Not confirmed: " + between + ".", Kind: noteWarning},
			{Text: "The administrator says that it is done. confer has no token of its own that shows it.", Kind: noteMuted, Tight: true, Rank: aside}}
	}
	detail := "confer's own token is " + storedWhere(l.Store, l.RefreshToken) + "."
	if l.OrganizationalUnit != "" {
		detail = "Organizational Unit " + clean(l.OrganizationalUnit) + " · " + detail
	}
	return []Note{{Text: "Linked: " + between + ".", Kind: noteDone}, {Text: detail, Kind: noteMuted, Tight: true, Rank: aside}}
}

// Outcome is what the shell shows of a link when the wizard has ended: the words of
// its page, with the whole id.
func Outcome(l flow.Link) string {
	who := l.ServiceAccount
	if l.Label != "" {
		who = l.Label + " (" + who + ")"
	}
	how := "Linked"
	if l.Unconfirmed {
		how = "Not confirmed"
	}
	return how + ": the calendars of " + clean(who) + " and " + toProvider(cronofy.Provider(l.Provider)) + "."
}

func storedWhere(kind keystore.Kind, refresh bool) string {
	switch {
	case !refresh:
		return "valid for this run only: Cronofy gave no refresh token"
	case kind == keystore.Keyring, kind == keystore.File:
		return "in " + kind.Words()
	}
	return "in memory, for this run only"
}
