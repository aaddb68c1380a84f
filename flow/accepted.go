package flow

import "strings"

// accepted names the answers that were accepted: as long as they stay as they
// are, a later run need not have them checked before it goes on.
type accepted struct{ application, account string }

func applicationKey(a Answers) string { return strings.Join([]string{a.Site.API, a.ClientID}, "\n") }

func serviceAccountKey(a Answers) string { return applicationKey(a) + "\n" + a.ServiceAccount }

// acceptUpTo takes the answers before an open step as accepted; StepDataCenter
// means that none is open.
func (s State) acceptUpTo(open Step) State {
	if open != StepApplication {
		s.accepted.application = applicationKey(s.Answers)
	}
	if open == StepDataCenter {
		s.accepted.account = serviceAccountKey(s.Answers)
	}
	return s
}

// open is the first step whose answer is there and was not accepted;
// StepDataCenter: there is none.
func (s State) open() Step {
	a := s.Answers
	switch {
	case a.ClientID != "" && s.accepted.application != applicationKey(a):
		return StepApplication
	case a.ServiceAccount != "" && s.accepted.account != serviceAccountKey(a):
		return StepServiceAccount
	}
	return StepDataCenter
}

// reopen takes back that an answer was accepted, for a problem that has to be put
// right on its page. A store that fails says nothing about an answer, and neither
// does an account that was to be authorized.
func (s State) reopen(p Problem) State {
	if p.Code == CodeSecretStore || s.Running == nil {
		return s
	}
	if _, ok := s.Running.Effect.(Connect); ok && p.Step == StepServiceAccount {
		return s
	}
	switch p.Step {
	case StepApplication:
		s.accepted.application = ""
	case StepServiceAccount:
		s.accepted.account = ""
	case StepDataCenter, StepProvider, StepAuthorize, StepProfiles:
	}
	return s
}
