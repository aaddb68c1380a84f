package ui

import (
	"slices"
	"strings"

	"confer/cronofy"
	"confer/flow"
	"confer/internal/doctor"
)

// textActions are what can be done with a text that is to be sent to somebody.
func textActions(c Context, t *Text) []Action {
	out := []Action{{Key: "c", Words: "copy " + strings.ToLower(t.What[:1]) + t.What[1:], Act: Act{Copy: t.Body, Told: t.What + " was sent to the terminal's clipboard."}}}
	if c.Files {
		out = append(out, Action{Key: "w", Words: "write it to a file", Act: Act{Save: t}})
	}
	return out
}

func messagePage(c Context) Page {
	t := &Text{What: "The message", File: "confer-message.txt", Body: messageFor(c.State), Link: c.Attempt.URL}
	return Page{
		Title: "A message for the administrator", Until: c.Attempt.Until,
		Lead: "Agree on a time first: the approval link lives for a short while, and programs that check links in mail or chat can use it up.",
		Text: t, Actions: textActions(c, t), Paste: pagePaste, Warning: c.Attempt.Notice,
	}
}

// messageFor is the message of this step. Nothing is sent back where the answer
// reaches confer without this machine's own loopback.
func messageFor(s flow.State) string {
	link := s.Attempt.URL
	w := wordsFor(s.Answers.Provider)
	lines := []string{
		"Subject: Please connect our calendars with " + w.admin + " (about 5 minutes)", "", "Hello,", "",
		"I am setting up video meetings for our calendars. One step needs an administrator:",
		"please open this link in a browser, and approve what it asks for.", "", link, "",
		"Please open it at the time we agreed on. It works once, and only for a short while.",
		"Programs that check links in mail and chat can use it up; if it does not work, I will send a new one.", "",
		"Before you open it",
		"- You need to be an administrator of our calendars and of " + w.admin + ".",
		"  If these are two people, please use the same browser, one after the other.",
		"- " + w.login,
		"  A private window is best, because Cronofy remembers who signed in last.",
	}
	if w.before != "" {
		lines = append(lines, "- "+w.before)
	}
	lines = append(lines, "",
		"What you will see (Cronofy is the service that connects the two)",
		"1. Cronofy may ask you to show that you administer our calendars.",
		"2. "+w.allow,
		"3. Cronofy asks you to approve the link between the two, for a new Organizational Unit",
		"   or one that you have. Choose a new one unless we agreed on another.",
	)
	if s.Step == flow.StepServiceAccount {
		lines = []string{
			"Subject: Please give access to our calendars (about 5 minutes)", "", "Hello,", "",
			"I am connecting our calendars through Cronofy. One step needs an administrator of the calendars:",
			"please open this link in a browser, and approve what it asks for.", "", link, "",
			"Please open it at the time we agreed on. It works only for a short while.", "",
			"Before you open it",
			"- You need to be an administrator of our calendars (Microsoft 365, Google Workspace or Exchange).",
			"- A private window is best, because Cronofy remembers who signed in last.", "",
			"What you will see",
			"1. You sign in as the administrator of the calendars.",
			"2. Cronofy asks for access to the calendars of the organisation.",
		}
	}
	lines = append(lines, "", "When it is done")
	if s.Attempt.Listening && !flow.LoopbackRedirect(s.Attempt.RedirectURI) {
		return strings.Join(append(lines, "The browser says so, and I see it here. There is nothing to send back."), "\n") + "\n"
	}
	return strings.Join(append(lines,
		"The browser ends on an address that begins with "+clean(s.Answers.RedirectURI)+"?",
		"It may say that it cannot connect. That is as it should be.",
		"Please copy that whole address from the address bar and send it to me at once: it is valid for a few minutes only.",
		"Nobody else can use it."), "\n") + "\n"
}

// seenBy turns a sentence of the message into the operator's view.
func seenBy(s string) string {
	if rest, ok := strings.CutPrefix(s, "You "); ok {
		return "They " + rest
	}
	return s
}

func permitPage(c Context) Page {
	a := c.Answers
	if c.Step == flow.StepApplication {
		a.ClientID = c.draft(pageApplication, fieldClientID, a.ClientID)
		a.RedirectURI = c.draft(pageApplication, fieldRedirect, a.RedirectURI)
	}
	lead := "For an application in production: send this to " + doctor.SupportAddress + ". In development mode any redirect URI will do."
	if a.Site.Sandbox {
		lead = "The sandbox permits any redirect URI; Cronofy wants this of an application in production."
	}
	t := &Text{What: "The text", File: "confer-redirect-uris.txt", Body: permitText(a), Keep: true}
	p := Page{Title: "Ask Cronofy to permit the redirect URI", Lead: lead, Text: t, Actions: textActions(c, t)}
	if c.Attempt.Phase == flow.PhaseWaiting {
		p.Until, p.Paste, p.Warning = c.Attempt.Until, pagePaste, c.Attempt.Notice
	}
	return p
}

// permitText asks for the other ports too, where they would be offered.
func permitText(a flow.Answers) string {
	uris := flow.RedirectURIs()
	if a.RedirectSet || !slices.Contains(uris, a.RedirectURI) {
		uris = []string{cronofy.CleanText(a.RedirectURI, maxEntry)}
	}
	return doctor.Registration{ClientID: clean(a.ClientID), DataCenter: siteWords(a.Site), RedirectURIs: uris}.Text()
}

// siteWords names a data center with its host, or the host that stands in its
// place.
func siteWords(s cronofy.Site) string {
	switch {
	case !s.Chosen():
		return ""
	case s.Overridden() && !s.Sandbox:
		return clean(s.APIHost())
	}
	return s.DataCenter.Name + " (" + s.DataCenter.Site().APIHost() + ")"
}
