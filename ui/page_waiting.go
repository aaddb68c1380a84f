package ui

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"confer/cronofy"
	"confer/flow"
	"confer/internal/doctor"
	"confer/internal/opener"
)

// The wait for the administrator, for a link and for a service account, and what
// opens over it.
const (
	pageWaiting pageID = "waiting"
	pagePaste   pageID = "paste the final address"
	pageMessage pageID = "message"
	pagePermit  pageID = "text for Cronofy"
	pageHanded  pageID = "it's done, but nothing came back"

	back pageID = "back" // no page: the one below
)

const (
	fieldAddress = "final_address"
	openKey      = "o" // what a click on an approval link does, too
	openTold     = "Asking a browser to open the approval link."
)

func waitingPage(c Context) Page {
	switch c.Attempt.Phase {
	case flow.PhaseNone, flow.PhasePreparing:
		return Page{Title: "A new approval link", Lead: "It can be used once, and only for a short while.", Busy: "Making the approval link"}
	case flow.PhaseExchanging:
		return Page{Title: "The administrator approved", Busy: "Exchanging the code for tokens, and storing them", Fixed: true,
			Lead: "What follows cannot be done twice, so confer finishes it even if you leave."}
	case flow.PhaseWaiting:
	}
	p := Page{Title: "Waiting for the administrator", Lead: waitingAdvice(c), Actions: waitingActions(c), Explain: waitingHelp(c)}
	if c.shortLinkWorks() {
		p.Link = clean(c.Attempt.ShortURL)
	}
	if pauses(c.State, c.Now) {
		p.Warning = "A new approval link is on its way. " + c.pausing()
	}
	p.Notes = tunnelNotes(c)
	if n := c.Attempt.Links; n > 1 {
		p.Notes = append(p.Notes, Note{Text: fmt.Sprintf("Approval link %d of this wait. An answer to any of them counts.", n), Kind: noteMuted, Rank: extra})
	}
	if c.Approves && !c.Attempt.Opened {
		return p
	}
	p.Notes = append(p.Notes, Note{Text: "If the browser shows an error and nothing comes back, ? tells what it means.", Kind: noteMuted, Rank: extra})
	return p
}

// waitingActions are all ways to the browser and back; the likeliest three are in
// the line of keys, the rest in the help.
func waitingActions(c Context) []Action {
	at := c.Attempt
	open := Action{Key: openKey, Words: "open the approval link in a browser here", Short: "open again", Act: Act{Event: flow.OpenWanted{}, Told: openTold}}
	if !at.Opened {
		open.Short = "open"
	}
	show := Action{Key: "u", Words: "show the whole approval link", Short: "show it whole", Act: Act{Show: at.URL, Told: "The approval link for the administrator. It can be used once."}}
	message := Action{Key: "m", Words: "message for the administrator", Short: "message", Act: Act{Open: pageMessage}}
	all, handed := []Action{open, message, pasteIt, show}, "d"
	switch {
	case c.Approves && !at.Opened:
		as := Act{Event: flow.ApprovalWanted{}, Told: "The sandbox's administrator is approving."}
		handed = "i"
		all = []Action{{Key: "enter", Words: "approve as the administrator would", Short: "approve as the administrator", Act: as},
			{Key: "d", Words: "deny as the administrator would", Short: "deny", Act: Act{Event: flow.ApprovalWanted{Deny: true}, Told: "The sandbox's administrator is refusing."}},
			open, message, pasteIt, show, {Key: "a", Words: "approve as the administrator would", Act: as}}
	case !at.Listening, c.away(), at.Browser != "": // a person will most likely carry it there and back
		all = []Action{show, pasteIt, message, open}
	}
	all = append(all, Action{Key: "c", Words: "copy the approval link", Act: Act{Copy: at.URL, Told: "The approval link was sent to the terminal's clipboard. It works in any browser."}})
	if c.Files {
		all = append(all, Action{Key: "w", Words: "write the approval link to a file", Act: Act{Save: &Text{What: "The approval link", File: "confer-link.txt", Body: at.URL + "\n"}}})
	}
	all = append(all, askToPermit,
		Action{Key: "n", Words: "make a new approval link", Act: Act{Event: flow.NewLinkWanted{}, Told: "A new approval link is on its way. The earlier one still counts."}},
		Action{Key: "+", Words: "more time", Act: Act{Event: flow.Extended{}}})
	if !at.Until.IsZero() {
		all = append(all, Action{Key: "0", Words: "wait without an end, until you stop", Act: Act{Event: flow.Extended{Endless: true}, Told: "confer waits until you stop."}})
	}
	if c.Step == flow.StepAuthorize {
		all = append(all, Action{Key: handed, Words: "it's done, but nothing came back", Act: Act{Open: pageHanded}})
	}
	for i := range all {
		all[i].Aside = i > 2
	}
	return all
}

// away tells whether browsers are most likely on another machine.
func (c Context) away() bool {
	elsewhere := []opener.Kind{opener.Remote, opener.Container, opener.Headless}
	return !c.Attempt.Opened && slices.Contains(elsewhere, c.Session) // opened: here, whatever the session is called
}

// delivered: a proxy, tunnel or published port of the operator's brings the answer.
func (c Context) delivered() bool { return c.Attempt.Listening && c.Answers.Listen != "" }

// shortLinkWorks: our own link is of use where a browser most likely is, or can
// be made so. A proxy brings no more than the redirect URI.
func (c Context) shortLinkWorks() bool {
	return c.Attempt.ShortURL != "" && (!c.away() || !c.delivered() || flow.LoopbackRedirect(c.Answers.RedirectURI))
}

// waitingAdvice says what to do with the link, and how its answer comes back.
func waitingAdvice(c Context) string {
	at := c.Attempt
	switch {
	case c.Approves && !at.Opened:
		return "In the sandbox, you can be the administrator: {enter} approves, as they would in their browser."
	case !at.Listening:
		return "Take the approval link to any browser. With this redirect URI nothing comes back by itself: paste the final address."
	case at.Opened:
		return "A browser was asked to open it. The answer comes back here by itself."
	case c.delivered():
		return "Take the approval link to any browser. The answer comes back by itself, through your port, proxy or tunnel."
	case c.away():
		return "Take the approval link to any browser, and paste the final address here."
	case at.Browser != "":
		return clean(at.Browser)
	}
	return "Open it in a browser on this machine. The answer comes back here by itself."
}

// tunnelNotes say how the short link can work where a browser is: the operator's own
// loopback is brought here over SSH, or that of the machine that runs this container.
func tunnelNotes(c Context) []Note {
	at := c.Attempt
	if c.Approves && !at.Opened || !c.away() || at.ShortURL == "" || c.delivered() {
		return nil
	}
	note := Note{Text: "On this machine, the short address above works too.", Rank: aside}
	if u, err := url.Parse(c.Answers.RedirectURI); err == nil && flow.LoopbackRedirect(c.Answers.RedirectURI) {
		switch port := u.Port(); c.Session {
		case opener.Remote:
			note.Text = "Or run this on your own computer: then the link above works there, and the answer comes back by itself."
			note.Command = "ssh -L " + port + ":127.0.0.1:" + port + " HOST"
		case opener.Container:
			note.Text = "Or publish the port: then the link above works outside the container, and the answer comes back by itself."
			note.Command = "-p 127.0.0.1:" + port + ":" + port + "  confer --listen 0.0.0.0:" + port
		case opener.Desktop, opener.Headless:
		}
	}
	return []Note{note}
}

// waitingHelp is also what silence means: Cronofy sends no answer to an address
// that it does not trust.
func waitingHelp(c Context) []string {
	out := []string{"The administrator opens the approval link in a browser, and approves. They may sit elsewhere: send them the message, and paste the final address of their browser here.",
		"What they will see: Cronofy may ask them to show that they administer the calendars. " + wordsFor(c.Answers.Provider).allow + " Then Cronofy asks them to approve the link between the two."}
	if c.Step == flow.StepServiceAccount {
		out[1] = "What they will see: they sign in as the administrator of the calendars, and Cronofy asks for access to the calendars of the organisation."
	}
	return append(out,
		"The browser shows an error, and nothing comes back? If it says redirect_uri: "+clean(c.Answers.RedirectURI)+" must be one of the application's permitted redirect URIs at Cronofy (t). "+
			"If it says client: the client id or the data center is not the right one; go back to them. If it says link or token: it was used before, or is too old; make a new one (n).")
}

func pastePage(c Context) Page {
	p := Page{
		Title: "Paste the final address",
		Lead:  "The whole address that the browser ended on. The page may say that it cannot connect: that is fine.",
		Fields: []Field{{Name: fieldAddress, Label: "Final address", Called: "final address", Placeholder: clean(c.Answers.RedirectURI) + "?code=…&state=…",
			Hint: func(text string) string {
				n := utf8.RuneCountInString(text)
				if n < 2 {
					return ""
				}
				return cronofy.Thousands(n) + " characters. Line breaks and spaces in it do no harm."
			}}},
		Problem: c.problem(), At: fieldAddress,
		Enter:  "check it",
		Paste:  pagePaste,
		Submit: func(v Values) flow.Event { return flow.Pasted{Text: v[fieldAddress]} },
		Explain: []string{"After the administrator has approved, their browser goes to the redirect URI with Cronofy's answer: a code and a state. Where that page cannot be reached, the answer is still in the address bar.",
			"Copy the whole address from there. It is good for a few minutes, and for this approval link alone."},
	}
	if c.Attempt.Phase == flow.PhaseNone { // nothing waits: a task of its own takes it
		p.Busy = c.working("Checking what was pasted")
	}
	return p
}

func handedPage(c Context) Page {
	return Page{
		Title: "Is it done?",
		Lead:  "If the administrator says so, confer stops waiting and keeps the link as not confirmed, without a token of its own.",
		Notes: []Note{{Text: "Checking accounts, next, shows whether it works. If you can still get the final address, paste it instead: that confirms the link.",
			Kind: noteMuted, Rank: aside}},
		Actions: []Action{{Key: "y", Words: "yes, keep it as not confirmed", Short: "yes, go on", Act: Act{Event: flow.ReportedDone{}}}},
	}
}

// pausing says why nothing seems to happen, while the next call waits.
func (c Context) pausing() string {
	if !pauses(c.State, c.Now) {
		return ""
	}
	return "Cronofy is asked again in " + clock(c.Pause.Until.Sub(c.Now)) + " (" + clean(c.Pause.Reason) + ")."
}

// pauses tells whether a call of the running task waits.
func pauses(s flow.State, now time.Time) bool { return s.Running != nil && s.Pause.Until.After(now) }

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
		Title: "A message for the administrator",
		Lead:  "Agree on a time first: the approval link lives for a short while, and programs that check links in mail or chat can use it up.",
		Text:  t, Actions: textActions(c, t),
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
	if s.Attempt.Listening && !flow.LoopbackRedirect(s.Answers.RedirectURI) {
		return strings.Join(append(lines, "The browser says so, and I see it here. There is nothing to send back."), "\n") + "\n"
	}
	return strings.Join(append(lines,
		"The browser ends on an address that begins with "+clean(s.Answers.RedirectURI)+"?",
		"It may say that it cannot connect. That is as it should be.",
		"Please copy that whole address from the address bar and send it to me at once: it is valid for a few minutes only.",
		"Nobody else can use it."), "\n") + "\n"
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
	return Page{Title: "Ask Cronofy to permit the redirect URI", Lead: lead, Text: t, Actions: textActions(c, t)}
}

// permitText asks for the other ports too, where they would be offered.
func permitText(a flow.Answers) string {
	uris := flow.RedirectURIs()
	if a.RedirectSet || !slices.Contains(uris, a.RedirectURI) {
		uris = []string{cronofy.CleanText(a.RedirectURI, maxEntry)}
	}
	return doctor.Registration(clean(a.ClientID), doctor.SiteName(a.Site), uris)
}
