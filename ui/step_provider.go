package ui

import (
	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"confer/cronofy"
	"confer/flow"
)

// provider is step 4.
type provider struct {
	list choice
	seen cronofy.Provider
}

func newProvider() *provider {
	var rows []option
	for _, p := range cronofy.Providers() {
		w := wordsFor(p)
		rows = append(rows, option{label: w.option, note: w.note})
	}
	return &provider{list: newChoice(rows...)}
}

func (pr *provider) sync(s flow.State) {
	if s.Answers.Provider != pr.seen {
		pr.seen = s.Answers.Provider
		for i, p := range cronofy.Providers() {
			if p == pr.seen {
				pr.list.point(i)
			}
		}
	}
}

func (pr *provider) update(msg tea.Msg, f frame) (flow.Event, tea.Cmd) {
	if pr.list.update(msg, f.keys) {
		return nil, nil
	}
	k, ok := msg.(tea.KeyPressMsg)
	switch {
	case !ok:
	case key.Matches(k, f.keys.back):
		return flow.Back{}, nil
	case key.Matches(k, f.keys.submit):
		if at, ok := pr.list.chosen(); ok {
			pr.list.leave()
			return flow.ProviderChosen{Provider: cronofy.Providers()[at]}, nil
		}
	}
	return nil, nil
}

func (pr *provider) view(f frame) page {
	var p page
	p.heading(f, "Which provider should people meet on?", "The administrator signs in to it once, for everybody.")
	p.blocks = append(p.blocks, pr.list.view(f)...)
	if at, ok := pr.list.chosen(); ok {
		p.note(f, extra, wordsFor(cronofy.Providers()[at]).needs)
	}
	p.trouble(f)
	return p
}

func (pr *provider) bindings(f frame) []key.Binding {
	if pr.list.filtering {
		return append([]key.Binding{pr.list.enter(f.keys)}, pr.list.bindings(f.keys)...)
	}
	return append([]key.Binding{pr.list.enter(f.keys), f.keys.back}, pr.list.bindings(f.keys)...)
}

func (pr *provider) typing() bool { return pr.list.filtering }
