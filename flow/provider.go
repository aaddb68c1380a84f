package flow

import (
	"slices"
	"strings"

	"confer/cronofy"
)

// ProviderChosen answers step 4: one of the providers that confer knows, or
// another well-formed name, for Cronofy may support more by now.
type ProviderChosen struct{ Provider cronofy.Provider }

func (ProviderChosen) page() Step { return StepProvider }

func (ev ProviderChosen) apply(s State) (State, *Task) {
	if p := s.checkProvider(ev.Provider); p != nil {
		return s.refuse(p)
	}
	if !slices.Contains(cronofy.Providers(), ev.Provider) {
		s.Notice = "confer does not know the provider " + string(ev.Provider) + ". The name is sent to Cronofy as it is."
	}
	s.Answers.Provider = ev.Provider
	s.Step++
	return s, nil
}

func (s State) checkProvider(p cronofy.Provider) *Problem {
	switch {
	case p == "":
		return usage("The provider is missing.", "Choose one, or let the administrator choose.")
	case len(p) > 60 || strings.Trim(string(p), "abcdefghijklmnopqrstuvwxyz0123456789_") != "":
		return usage("That is no name of a provider.", "Names are like "+string(cronofy.Zoom)+": small letters, digits and _.")
	}
	return s.CheckNoSecret(string(p))
}
