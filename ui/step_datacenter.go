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
		d.fill(s.Answers.Site, false)
		for i, dc := range cronofy.DataCenters() {
			if dc.ID == id {
				d.list.point(i)
			}
		}
	}
}

// fill writes the rows. Flags are for terminals known to measure them right.
func (d *dataCenter) fill(now cronofy.Site, flags bool) {
	var rows []option
	for _, dc := range cronofy.DataCenters() {
		o := option{label: dc.Name, last: strings.ToUpper(dc.ID)}
		if site := siteFor(dc, now); !site.Overridden() {
			o.note = site.APIHost()
		}
		if flags {
			o.last = dc.Flag
		}
		rows = append(rows, o)
	}
	d.list.reset(rows)
}

// siteFor keeps base URLs that were put in the place of the data center's own.
func siteFor(dc cronofy.DataCenter, now cronofy.Site) cronofy.Site {
	if now.Chosen() && now.Overridden() {
		now.DataCenter = dc
		return now
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
			return flow.DataCenterChosen{Site: siteFor(cronofy.DataCenters()[at], f.state.Answers.Site)}, nil
		}
	}
	return nil, nil
}

func (d *dataCenter) view(f frame) page {
	var p page
	d.fill(f.state.Answers.Site, f.cfg.Flags)
	p.heading(f, "Which data center was your Cronofy application made in?",
		"Client ids, secrets and service accounts exist in one data center only.")
	p.blocks = append(p.blocks, d.list.view(f)...)
	p.note(f, spare, whereItShows(f.state.Answers.Site))
	p.trouble(f)
	return p
}

func whereItShows(s cronofy.Site) string {
	switch {
	case s.Sandbox:
		return "In the sandbox any of them will do. All calls go to " + clean(s.APIHost()) + ", on this machine."
	case s.Chosen() && s.Overridden():
		return "All calls go to " + clean(s.APIHost()) + ", whichever you choose."
	}
	return "Cronofy's developer dashboard shows it in its address: app-de.cronofy.com is Germany."
}

func (d *dataCenter) bindings(f frame) []key.Binding {
	return append([]key.Binding{d.list.enter(f.keys)}, d.list.bindings(f.keys)...)
}

func (d *dataCenter) typing() bool { return d.list.filtering }
