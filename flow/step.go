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
		return "Profiles"
	}
	return ""
}
