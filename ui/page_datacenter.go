package ui

import (
	"slices"
	"strings"

	"confer/cronofy"
	"confer/flow"
)

const pageDataCenter pageID = "data center"

var _ = registerStep(flow.StepDataCenter, pageDataCenter, dataCenterPage, func(s flow.State) string { return place(s.Answers.Site) })

func dataCenterPage(c Context) Page {
	f := Field{Name: "data_center", Label: "Data center", Flag: "--data-center", Kind: FieldChoice, Answer: c.Answers.Site.DataCenter.ID, Optional: c.Answers.Site.Chosen()}
	for _, site := range c.Sites {
		dc := site.DataCenter
		o := Option{Value: dc.ID, Label: dc.Name, Last: strings.ToUpper(dc.ID)}
		if site.Sandbox || !site.Overridden() {
			o.Note = dc.Site().APIHost() // the sandbox plays it
		}
		if c.Flags {
			o.Last = dc.Flag
		}
		f.Options = append(f.Options, o)
	}
	return Page{
		Title:  "Which data center was your Cronofy application made in?",
		Lead:   "Client ids, secrets and service accounts exist in one data center only.",
		Fields: []Field{f},
		Submit: func(v Values) flow.Event {
			at := slices.IndexFunc(c.Sites, func(s cronofy.Site) bool { return s.DataCenter.ID == v[f.Name] })
			return flow.DataCenterChosen{Site: c.Sites[at]}
		},
		Notes:   []Note{{Text: whereItShows(c.State), Kind: noteMuted, Rank: extra}},
		Problem: c.problem(), Warning: c.Notice,
		Explain: []string{
			"Cronofy runs in several places of the world, and an application belongs to the one it was made in. Everything else that confer asks for belongs to the same place.",
			"Cronofy's developer dashboard shows it in its address: app-de.cronofy.com is Germany, app.cronofy.com the United States.",
		},
	}
}

func whereItShows(s flow.State) string {
	site := s.Answers.Site
	if !site.Chosen() && len(s.Sites) > 0 {
		site = s.Sites[0]
	}
	switch {
	case site.Sandbox:
		return "Choose any; the sandbox accepts all of them. It runs on this machine, at " + clean(site.APIHost()) + "."
	case site.Overridden():
		return "All calls go to " + clean(site.APIHost()) + ", whichever you choose."
	}
	return "Cronofy's developer dashboard shows it in its address: app-de.cronofy.com is Germany."
}

// place says where calls go: the data center, or the host put in its place.
func place(s cronofy.Site) string {
	switch {
	case !s.Chosen():
		return ""
	case s.Sandbox && s.DataCenter.Name != "":
		return s.DataCenter.Name + " · sandbox"
	case s.Sandbox:
		return "sandbox"
	case s.Overridden():
		return clean(s.APIHost())
	}
	return s.DataCenter.Name
}
