package flow

import (
	"slices"
	"strings"

	"confer/cronofy"
)

// checkProvider takes the providers that confer knows, and another well-formed
// name: Cronofy may support more by now.
func (s State) checkProvider(p cronofy.Provider) *Problem {
	switch {
	case p == "":
		return usage("The provider is missing.", "Choose one, or let the administrator choose.")
	case len(p) > 60 || strings.Trim(string(p), "abcdefghijklmnopqrstuvwxyz0123456789_") != "":
		return usage("That is no name of a provider.", "Names are like "+string(cronofy.Zoom)+": small letters, digits and _.")
	}
	return s.CheckNoSecret(string(p))
}

// unknownProvider says that a name is sent as it is; empty: confer knows it.
func unknownProvider(p cronofy.Provider) string {
	if slices.Contains(cronofy.Providers(), p) {
		return ""
	}
	return "confer does not know the provider " + string(p) + ". The name is sent to Cronofy as it is."
}
