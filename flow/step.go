// Package flow is the set-up itself: what is asked in which order, what is done
// with the answers, and what the operator is told when it fails.
//
// The steps, and what is done before each is left:
//
//	data_center      choose one of six                      nothing is sent
//	application      client id, client secret, redirect URI the token endpoint is asked; the store is settled
//	service_account  ser_..., or authorize one now          a link token is made; the client secret is stored
//	provider         Zoom, Webex, Indeed, any               nothing is sent
//	authorize        start                                  link token, browser, exchange, store, read back
//	profiles         where account tokens come from         userinfo, again and again
//
// State.Apply is pure: an Event goes in, the next State and at most one Task
// come out. A Runner does tasks; Tasks owns their goroutines. Whoever shows the
// State (a terminal, JSON lines) feeds events and follows the steps.
package flow

// Step is one page of the set-up. The constants are in page order; their names,
// not their numbers, go into JSON.
type Step int

// The six steps.
const (
	StepDataCenter Step = iota
	StepApplication
	StepServiceAccount
	StepProvider
	StepAuthorize
	StepProfiles
)

// Steps lists all six in order.
func Steps() []Step {
	return []Step{StepDataCenter, StepApplication, StepServiceAccount, StepProvider, StepAuthorize, StepProfiles}
}

// String is the step's name in events for scripts: "service_account".
func (s Step) String() string {
	switch s {
	case StepDataCenter:
		return "data_center"
	case StepApplication:
		return "application"
	case StepServiceAccount:
		return "service_account"
	case StepProvider:
		return "provider"
	case StepAuthorize:
		return "authorize"
	case StepProfiles:
		return "profiles"
	}
	return "unknown"
}

// Title is the step's name on screen.
func (s Step) Title() string {
	switch s {
	case StepDataCenter:
		return "Data center"
	case StepApplication:
		return "Application"
	case StepServiceAccount:
		return "Service account"
	case StepProvider:
		return "Provider"
	case StepAuthorize:
		return "Authorize"
	case StepProfiles:
		return "Check accounts"
	}
	return ""
}
