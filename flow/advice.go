package flow

import (
	"time"

	"confer/cronofy"
)

// nothingYet is how long profiles are looked for before there is advice.
const nothingYet = time.Minute

// NothingYet tells whether it is time for WhatToCheck: accounts were read, none
// is connected, and the watch has ended or has gone on for a minute.
func (s State) NothingYet(now time.Time) bool {
	p := s.Proof
	if p.Tally.Read == 0 || p.Tally.Connected > 0 || p.Tally.Missing == 0 {
		return false
	}
	return p.Done || !p.Since.IsZero() && now.Sub(p.Since) >= nothingYet
}

// WhatToCheck says what to look at where accounts get no conferencing profile
// although the link was approved: the most likely reason first.
func WhatToCheck(site cronofy.Site, provider cronofy.Provider) []string {
	name := provider.Name()
	if provider == "" || provider == cronofy.AnyProvider {
		name = "the conferencing provider"
	}
	advice := []string{
		"The e-mail address of an account must be the same in the calendar and at " + name + ".",
		"Only accounts provisioned through this calendar service account get a profile, not those that authorized by themselves.",
		"The accounts must be in the data center of the link" + inDataCenter(site) + ".",
	}
	switch provider {
	case cronofy.Zoom:
		advice = append(advice, "Zoom's administrator must have approved the app in the Marketplace; its name begins with \"Cronofy Enterprise\".")
	case cronofy.Indeed:
		advice = append(advice, "Indeed is there only where the application has the conferencing category \"Recruiting\"; Cronofy's support sets it.")
	default:
		advice = append(advice, "The administrator of "+name+" must have approved Cronofy's app there.")
	}
	return append(advice, "Cronofy may not have taken the link token: its parameter's name is not documented. "+
		"Ask Cronofy's support for it, give it as CONFER_OU_LINK_TOKEN_PARAM, and link again.")
}

func inDataCenter(site cronofy.Site) string {
	if site.DataCenter.Name == "" {
		return ""
	}
	return " (" + site.DataCenter.Name + ")"
}
