package ui

import (
	"sync"

	tea "charm.land/bubbletea/v2"

	"confer/flow"
)

// inbox gathers the reports of tasks for the Model.
type inbox struct {
	from <-chan flow.Report
	done <-chan struct{} // the program's end
	raw  *rawGate
}

// gather waits for a report and takes what has come with it. While the raw link
// is shown the Model stands still: reports are kept until that view ends.
func (b inbox) gather() tea.Msg {
	var got reports
	for {
		view := b.raw.shown(got)
		if view == nil && len(got) > 0 {
			return b.drain(got)
		}
		select {
		case r := <-b.from:
			got = append(got, r)
		case <-view:
		case <-b.done:
			return nil
		}
	}
}

func (b inbox) drain(got reports) reports {
	const most = 64
	for len(got) < most {
		select {
		case r := <-b.from:
			got = append(got, r)
		default:
			return got
		}
	}
	return got
}

// rawGate is the view of the raw link, as the inbox sees it.
type rawGate struct {
	mu   sync.Mutex
	view chan struct{} // closed when the view has to end; nil: it is not shown
}

func (g *rawGate) open() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.view = make(chan struct{})
	return g.view
}

func (g *rawGate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.view != nil {
		close(g.view)
		g.view = nil
	}
}

// shown is the view if it goes on; nil if there is none, or if a report is worth
// coming back for, which ends it.
func (g *rawGate) shown(got reports) <-chan struct{} {
	for _, r := range got {
		switch r.Event.(type) {
		case flow.AnswerArrived, flow.Failed, flow.Linked, flow.ServiceAccountAccepted:
			g.close()
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.view
}
