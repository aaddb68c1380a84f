package ui

import (
	"slices"

	"confer/cronofy"
	"confer/flow"
)

const pageProvider pageID = "provider"

var _ = registerStep(flow.StepProvider, pageProvider, providerPage, func(s flow.State) string { return capital(clean(s.Answers.Provider.Name())) })

func providerPage(c Context) Page {
	f := Field{Name: "provider", Label: "Provider", Flag: "--provider", Kind: FieldChoice, Answer: string(c.Answers.Provider)}
	for _, p := range offered(c.Answers.Provider) {
		w := wordsFor(p)
		f.Options = append(f.Options, Option{Value: string(p), Label: w.option, Note: w.note, About: w.needs})
	}
	return Page{
		Title: "Which provider should people meet on?", Lead: "The administrator signs in to it once, for everybody.",
		Fields: []Field{f}, Problem: c.problem(), Warning: c.Notice,
		Submit: func(v Values) flow.Event { return flow.ProviderChosen{Provider: cronofy.Provider(v[f.Name])} },
		Explain: []string{"The provider is where video meetings take place. Once its account is linked, Cronofy adds the meeting's address to calendar events in the name of whoever organises them; nobody has to connect an account of their own.",
			"An organisation can be linked with several providers: one link after the other."},
	}
}

// offered are the providers to choose from, and one that was named besides.
func offered(named cronofy.Provider) []cronofy.Provider {
	all := cronofy.Providers()
	if named == "" || slices.Contains(all, named) {
		return all
	}
	return append([]cronofy.Provider{named}, all...)
}

// words are what pages and the message to the administrator say about a provider.
// Where Cronofy documents nothing, they say so.
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
	name := clean(p.Name())
	w := words{
		option: name, note: "every user and room", admin: name,
		login: "Sign in to " + name + " as its administrator first, in the same browser.",
		sees:  name + ": let Cronofy create everybody's meetings",
		allow: name + " asks whether Cronofy may create meetings for its users and rooms.",
	}
	switch p {
	case cronofy.Zoom:
		w.needs = "Zoom asks for: a Zoom administrator · an app whose name begins with “Cronofy Enterprise” allowed in the Marketplace · the same e-mail address in Zoom and in the calendar"
		w.before = "Zoom must allow the app in its Marketplace; the app's name begins with \"Cronofy Enterprise\"."
	case cronofy.Webex:
		w.needs = "Cronofy does not document what Webex asks for. Expect: a Webex administrator · the integration allowed in Control Hub, else “Access denied” · the same e-mail address in Webex and in the calendar"
		w.before = "Webex Control Hub must allow the integration; until then Webex says \"Access denied\"."
	case cronofy.Indeed:
		w.note = "the company's account"
		w.needs = "Cronofy offers Indeed only to applications that have the conferencing category Recruiting. Expect: an administrator of the company's Indeed account · the same e-mail address in Indeed and in the calendar"
		w.login = "Sign in to Indeed as the company's administrator first, in the same browser."
		w.allow = "Indeed asks whether Cronofy may create meetings for its users. It is offered only if the application has the conferencing category Recruiting at Cronofy."
	case cronofy.AnyProvider, "":
		return words{
			option: "Let the administrator choose", note: "from a list", admin: "the conferencing provider",
			needs: "The administrator picks from a list. Which providers it shows depends on the conferencing categories of your application at Cronofy.",
			login: "Sign in to the conferencing provider (Zoom, Webex, ...) as its administrator first, in the same browser.",
			sees:  "Choose the provider: let Cronofy create the meetings",
			allow: "The conferencing provider is chosen. It asks whether Cronofy may create meetings for its users and rooms.",
		}
	default:
		w.note, w.needs = "", "confer does not know this provider, and sends its name to Cronofy as it is."
	}
	return w
}

// toProvider names the other end of the link in the middle of a sentence.
func toProvider(p cronofy.Provider) string {
	if p == cronofy.AnyProvider || p == "" {
		return "a provider that the administrator chooses"
	}
	return clean(p.Name())
}
