package ui

import (
	"time"

	"charm.land/bubbles/v2/spinner"
	tea "charm.land/bubbletea/v2"

	"confer/flow"
)

// animate starts what may move: a spinner while something of ours works, a
// countdown once a second while somebody is waited for, else nothing.
func (m *Model) animate() tea.Cmd {
	var cmds []tea.Cmd
	if working(m.state, m.cfg.Now()) && !m.spinning {
		m.spinning = true
		cmds = append(cmds, m.spinner.Tick)
	}
	if until := deadline(m.state, m.cfg.Now()); !m.ticking && until.After(m.cfg.Now()) {
		m.ticking = true
		// To the moment when the seconds shown change, not one second from now:
		// two clocks would beat against each other.
		left := until.Sub(m.cfg.Now()) % time.Second
		if left <= 0 {
			left = time.Second
		}
		cmds = append(cmds, tea.Tick(left, func(time.Time) tea.Msg { return second{} }))
	}
	return tea.Batch(cmds...)
}

// turn moves the spinner on, or stops it.
func (m *Model) turn(msg spinner.TickMsg) tea.Cmd {
	if !working(m.state, m.cfg.Now()) {
		m.spinning = false
		return nil
	}
	var cmd tea.Cmd
	m.spinner, cmd = m.spinner.Update(msg)
	return cmd
}

// working tells whether a task of ours is at work, as against waiting for a
// person or for the next look.
func working(s flow.State, now time.Time) bool {
	switch {
	case s.Running == nil:
		return false
	case s.Step == flow.StepProfiles:
		return !s.Proof.NextLook.After(now)
	}
	return s.Attempt.Phase != flow.PhaseWaiting
}

// deadline is what a countdown on the screen counts to; zero: there is none.
func deadline(s flow.State, now time.Time) time.Time {
	switch {
	case s.Running == nil:
	case s.Unlock.After(now):
		return s.Unlock
	case pauses(s, now) && s.Attempt.Phase != flow.PhaseWaiting:
		return s.Pause.Until
	case s.Attempt.Phase == flow.PhaseWaiting:
		return s.Attempt.Until
	case s.Step == flow.StepProfiles:
		return s.Proof.NextLook
	}
	return time.Time{}
}
