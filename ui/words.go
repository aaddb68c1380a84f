package ui

import (
	"strings"

	"confer/cronofy"
	"confer/flow"
)

// words are what pages and the hand-over message say about a provider. Where
// Cronofy documents nothing, they say so.
type words struct {
	option string // in the list
	note   string // beside it
	needs  string // on the provider's side, for the operator
	admin  string // whose administrator: "Zoom"
	login  string // to do before opening the link, for the administrator
	allow  string // the second page that the administrator sees, for them
	sees   string // the same in a few words, for the operator
	before string // what must be allowed at the provider, for the administrator; may be empty
}

// Sources: https://docs.cronofy.com/calendar-admins/faqs/zoom-scopes/ and
// https://docs.cronofy.com/developers/conferencing-services/enterprise-conferencing/
func wordsFor(p cronofy.Provider) words {
	switch p {
	case cronofy.Zoom:
		return words{
			option: "Zoom", note: "every user and room", admin: "Zoom",
			needs:  "Zoom asks for: a Zoom admin · an app whose name begins with “Cronofy Enterprise” allowed in the Marketplace · the same e-mail address in Zoom and in the calendar",
			login:  "Log in to Zoom as its administrator first, in the same browser.",
			sees:   "Zoom: let Cronofy create everybody's meetings",
			allow:  "Zoom asks whether Cronofy may create meetings for its users and rooms.",
			before: "Zoom must allow the app in its Marketplace; the app's name begins with \"Cronofy Enterprise\".",
		}
	case cronofy.Webex:
		return words{
			option: "Webex", note: "every user and room", admin: "Webex",
			needs:  "Cronofy does not document what Webex asks for. Expect: a Webex admin · the integration allowed in Control Hub, else “Access denied” · the same e-mail address in Webex and in the calendar",
			login:  "Log in to Webex as its administrator first, in the same browser.",
			sees:   "Webex: let Cronofy create everybody's meetings",
			allow:  "Webex asks whether Cronofy may create meetings for its users and rooms.",
			before: "Webex Control Hub must allow the integration; until then Webex says \"Access denied\".",
		}
	case cronofy.Indeed:
		return words{
			option: "Indeed", note: "the company's account", admin: "Indeed",
			needs: "Cronofy offers Indeed only where your application has the conferencing category “Recruiting”. Expect: an admin of the company's Indeed account · the same e-mail address in Indeed and in the calendar",
			login: "Log in to Indeed as the company's administrator first, in the same browser.",
			sees:  "Indeed: let Cronofy create everybody's meetings",
			allow: "Indeed asks whether Cronofy may create meetings for its users.",
		}
	case cronofy.AnyProvider:
	}
	return words{
		option: "Let the administrator choose", note: "from a list", admin: "the conferencing provider",
		needs: "The administrator picks from a list. What it shows is set by the conferencing categories of your application at Cronofy.",
		login: "Log in to the conferencing provider (Zoom, Webex, ...) as its administrator first, in the same browser.",
		sees:  "Choose the provider: let Cronofy create the meetings",
		allow: "You choose the conferencing provider, and it asks whether Cronofy may create meetings for its users and rooms.",
	}
}

// seenBy turns a sentence of the message into the operator's view.
func seenBy(s string) string {
	if rest, ok := strings.CutPrefix(s, "You "); ok {
		return "They " + rest
	}
	return s
}

// providerName is for rails and sentences.
func providerName(p cronofy.Provider) string {
	switch p {
	case "":
		return ""
	case cronofy.AnyProvider:
		return "Any provider"
	}
	return clean(p.Name())
}

// toProvider names the other end of the link in the middle of a sentence.
func toProvider(p cronofy.Provider) string {
	if p == cronofy.AnyProvider || p == "" {
		return "a provider that the administrator chooses"
	}
	return clean(p.Name())
}

// customer names whose calendars they are: the operator's own name for it, or
// the id.
func customer(a flow.Answers) string {
	if a.Label != "" {
		return clean(a.Label)
	}
	return shortID(a.ServiceAccount)
}

// handover is the message for an administrator who sits elsewhere: plain words,
// for somebody who does not know Cronofy and is busy.
func handover(a flow.Answers, link string, sendsBack bool) string {
	w := wordsFor(a.Provider)
	who := w.admin
	lines := []string{
		"Subject: Please connect our calendars with " + who + " (about 5 minutes)",
		"",
		"Hello,",
		"",
		"I am setting up video meetings for our calendars. One step needs an administrator:",
		"please open this link in a browser, and allow what it asks for.",
		"",
		link,
		"",
		"Please open it at the time we agreed on. It works once, and only for a short while.",
		"Programs that check links in mail and chat can use it up; if it does not work, I send a new one.",
		"",
		"Before you open it",
		"- You need to be an administrator of our calendars and of " + who + ".",
		"  If these are two people, please sit together: it is done in one browser window.",
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
		"3. Cronofy asks you to approve the link between the two.",
		"",
		"When it is done",
	)
	return strings.Join(append(lines, handoverEnd(a, sendsBack)...), "\n") + "\n"
}

func handoverEnd(a flow.Answers, sendsBack bool) []string {
	if !sendsBack {
		return []string{"The browser says so, and I see it here. There is nothing to send back."}
	}
	return []string{
		"The browser ends on an address that begins with " + clean(a.RedirectURI) + "?",
		"It may say that it cannot connect. That is as it should be.",
		"Please copy that whole address from the address bar and send it to me at once: it is good for minutes.",
		"It is of use to nobody but me.",
	}
}

// connectMessage is the same for the authorization of a service account.
func connectMessage(a flow.Answers, link string, sendsBack bool) string {
	lines := []string{
		"Subject: Please give access to our calendars (about 5 minutes)",
		"",
		"Hello,",
		"",
		"I am connecting our calendars through Cronofy. One step needs an administrator of the calendars:",
		"please open this link in a browser, and allow what it asks for.",
		"",
		link,
		"",
		"Please open it at the time we agreed on. It works only for a short while.",
		"",
		"Before you open it",
		"- You need to be an administrator of our calendars (Microsoft 365, Google Workspace or Exchange).",
		"- A private window is best, because Cronofy remembers who signed in last.",
		"",
		"What you will see",
		"1. You sign in as the administrator of the calendars.",
		"2. Cronofy asks for access to the calendars of the organisation.",
		"",
		"When it is done",
	}
	return strings.Join(append(lines, handoverEnd(a, sendsBack)...), "\n") + "\n"
}
