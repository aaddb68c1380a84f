// Package flow is the set-up itself: what is asked in which order, what is done
// with the answers, and what the operator is told when it fails.
//
// The steps, and what is done before each is left:
//
//	data_center      choose one                             nothing is sent
//	application      client id, client secret, redirect URI the token endpoint is asked; the store is chosen
//	service_account  ser_..., or authorize one now          a link token is made; the client secret is stored
//	provider         Zoom, Webex, Indeed, any               nothing is sent
//	authorize        start                                  link token, browser, exchange, store, read back
//	profiles         where account tokens come from         userinfo, again and again
//
// State.Apply is pure: an Event goes in, the next State and at most one Task
// come out. A Runner does tasks; Tasks owns their goroutines. Whoever shows the
// State (a terminal, JSON lines) feeds events and follows the steps.
package flow

import (
	"strings"

	"confer/cronofy"
	"confer/keystore"
)

// Step is one page of the set-up. The constants are in page order; their names,
// not their numbers, go into JSON.
type Step int

// The steps.
const (
	StepDataCenter Step = iota
	StepApplication
	StepServiceAccount
	StepProvider
	StepAuthorize
	StepProfiles

	stepCount = iota
)

// stepRule is what the rest of the package knows of a step. Another step is a constant
// above and a row here.
type stepRule struct {
	name  string // in events for scripts
	title string // on screen

	// missing tells whether a run that begins has to ask; nil: it never has to.
	missing func(Initial) bool
	// basis adds the answer to those that later steps build on; nil: none does.
	basis func(Answers, *Basis)
	// checked tells whether there is an answer that Cronofy accepts or refuses;
	// nil: Cronofy is not asked. A later run begins at one that was not accepted.
	checked func(Answers) bool
	// given answers the page with what an unattended run was given; nil: PagePassed.
	given func(Answers) Event
}

var steps = [stepCount]stepRule{
	StepDataCenter: {
		name: "data_center", title: "Data center",
		missing: func(f Initial) bool { return !f.Answers.Site.Chosen() },
		basis:   func(a Answers, b *Basis) { b.API, b.App = a.Site.API, a.Site.App },
		given:   func(a Answers) Event { return DataCenterChosen{a.Site} },
	},
	StepApplication: {
		name: "application", title: "Application",
		missing: func(f Initial) bool {
			a := f.Answers
			return a.ClientID == "" || a.ClientSecret.Empty() && !f.SecretKept || a.RedirectURI == "" ||
				f.Store.Kind == "" || f.Store.Kind == keystore.File && f.Store.Passphrase.Empty()
		},
		basis:   func(a Answers, b *Basis) { b.ClientID = a.ClientID },
		checked: func(a Answers) bool { return a.ClientID != "" },
		given: func(a Answers) Event {
			return ApplicationEntered{ClientID: a.ClientID, ClientSecret: a.ClientSecret, RedirectURI: a.RedirectURI}
		},
	},
	StepServiceAccount: {
		name: "service_account", title: "Service account",
		missing: func(f Initial) bool { return f.Answers.ServiceAccount == "" },
		basis:   func(a Answers, b *Basis) { b.ServiceAccount = a.ServiceAccount },
		checked: func(a Answers) bool { return a.ServiceAccount != "" },
		given:   func(a Answers) Event { return ServiceAccountEntered{ID: a.ServiceAccount, Label: a.Label} },
	},
	StepProvider: {
		name: "provider", title: "Provider",
		missing: func(f Initial) bool { return f.Answers.Provider == "" },
		basis:   func(a Answers, b *Basis) { b.Provider = a.Provider },
		given:   func(a Answers) Event { return ProviderChosen{a.Provider} },
	},
	StepAuthorize: {
		name: "authorize", title: "Approval",
		missing: func(Initial) bool { return true }, // only a link ends it
		given:   func(Answers) Event { return AuthorizeStarted{} },
	},
	StepProfiles: {
		name: "profiles", title: "Check accounts",
		given: func(Answers) Event { return AccountsGiven{} },
	},
}

// Steps lists all in order.
func Steps() (all []Step) {
	for i := range stepCount {
		all = append(all, Step(i))
	}
	return all
}

// asksNothing tells whether the page is left by PagePassed.
func (s Step) asksNothing() bool { return steps[s].missing == nil && steps[s].given == nil }

// String is the step's name in events for scripts.
func (s Step) String() string { return steps[s].name }

// Title is the step's name on screen.
func (s Step) Title() string { return steps[s].title }

// firstMissing is the first step that has to be asked about.
func firstMissing(f Initial) Step {
	for i, step := range steps {
		if step.missing != nil && step.missing(f) {
			return Step(i)
		}
	}
	return StepProfiles
}

// Basis are the answers that something was obtained for: a link, an approval, the
// check of an answer. It counts as long as they are the same.
type Basis struct {
	API, App, ClientID, ServiceAccount string
	Provider                           cronofy.Provider
	RedirectURI                        string
}

// upTo is the basis of what was obtained with the answers up to a step.
func (a Answers) upTo(last Step) (b Basis) {
	for _, step := range steps[:last+1] {
		if step.basis != nil {
			step.basis(a, &b)
		}
	}
	return b
}

// authorizing is the basis of an authorization that is made at a step: a state
// issued for one is not accepted for another (RFC 9700 section 4.4, mix-up).
func (a Answers) authorizing(at Step) Basis {
	b := a.upTo(at - 1)
	b.RedirectURI = a.RedirectURI
	return b
}

// String is the same for the same answers alone.
func (b Basis) String() string {
	return strings.Join([]string{b.API, b.App, b.ClientID, b.ServiceAccount, string(b.Provider), b.RedirectURI}, "\n")
}

// accept notes that Cronofy accepted the answers up to a step.
func (s State) accept(last Step) State {
	for i := range s.accepted[:last+1] {
		s.accepted[i] = s.Answers.upTo(Step(i))
	}
	return s
}

// isAccepted tells whether Cronofy accepted the answer of a step as it is.
func (s State) isAccepted(at Step) bool { return s.accepted[at] == s.Answers.upTo(at) }

// firstUnaccepted is the first step whose answer is there and was not accepted;
// StepDataCenter: there is none.
func (s State) firstUnaccepted() Step {
	for i, step := range steps {
		if step.checked != nil && step.checked(s.Answers) && !s.isAccepted(Step(i)) {
			return Step(i)
		}
	}
	return StepDataCenter
}
