package ui

import (
	"strings"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"confer/cronofy"
	"confer/flow"
)

// dataCenter is step 1.
type dataCenter struct {
	list choice
	seen string
}

func newDataCenter() *dataCenter { return &dataCenter{list: newChoice()} }

func (d *dataCenter) sync(s flow.State) {
	if id := s.Answers.Site.DataCenter.ID; id != d.seen || len(d.list.options) == 0 {
		d.seen = id
		d.fill(s, false)
		for i, dc := range cronofy.DataCenters() {
			if dc.ID == id {
				d.list.point(i)
			}
		}
	}
}

// fill writes the rows. Flags are for terminals known to measure them right.
func (d *dataCenter) fill(s flow.State, flags bool) {
	var rows []option
	for _, dc := range cronofy.DataCenters() {
		o := option{label: dc.Name, last: strings.ToUpper(dc.ID)}
		if site := siteFor(dc, s); site.Sandbox || !site.Overridden() {
			o.note = dc.Site().APIHost() // the sandbox plays it
		}
		if flags {
			o.last = dc.Flag
		}
		rows = append(rows, o)
	}
	d.list.reset(rows)
}

// siteFor is a data center as this run reaches it, base URLs that were put in
// the place of its own applied.
func siteFor(dc cronofy.DataCenter, s flow.State) cronofy.Site {
	for _, site := range s.Sites {
		if site.DataCenter.ID == dc.ID {
			return site
		}
	}
	return dc.Site()
}

func (d *dataCenter) update(msg tea.Msg, f frame) (flow.Event, tea.Cmd) {
	if d.list.update(msg, f.keys) {
		return nil, nil
	}
	if k, ok := msg.(tea.KeyPressMsg); ok && key.Matches(k, f.keys.submit) {
		if at, ok := d.list.chosen(); ok {
			d.list.leave()
			return flow.DataCenterChosen{Site: siteFor(cronofy.DataCenters()[at], f.state)}, nil
		}
	}
	return nil, nil
}

func (d *dataCenter) view(f frame) page {
	var p page
	d.fill(f.state, f.cfg.Flags)
	p.heading(f, "Which data center was your Cronofy application made in?",
		"Client ids, secrets and service accounts exist in one data center only.")
	p.blocks = append(p.blocks, d.list.view(f)...)
	p.note(f, spare, whereItShows(f.state))
	p.trouble(f)
	return p
}

func whereItShows(s flow.State) string {
	site := s.Answers.Site
	if !site.Chosen() && len(s.Sites) > 0 {
		site = s.Sites[0]
	}
	switch {
	case site.Sandbox:
		return "Any will do: the sandbox plays each one, at " + clean(site.APIHost()) + " on this machine."
	case site.Overridden():
		return "All calls go to " + clean(site.APIHost()) + ", whichever you choose."
	}
	return "Cronofy's developer dashboard shows it in its address: app-de.cronofy.com is Germany."
}

func (d *dataCenter) bindings(f frame) []key.Binding {
	return append([]key.Binding{d.list.enter(f.keys)}, d.list.bindings(f.keys)...)
}

func (d *dataCenter) typing() bool { return d.list.filtering }
