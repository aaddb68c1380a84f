package flow

import "time"

// deadline is the end of a wait, as the screen shows it and as it comes.
type deadline struct {
	until time.Time
	timer *time.Timer
	now   func() time.Time
}

func newDeadline(now func() time.Time, d time.Duration) *deadline {
	return &deadline{until: now().Add(d), timer: time.NewTimer(d), now: now}
}

// drop has the wait go on without an end.
func (e *deadline) drop() {
	e.until = time.Time{}
	e.timer.Stop()
}

// extend puts the end off by d, and gives it.
func (e *deadline) extend(d time.Duration) time.Time {
	if e.until.IsZero() { // there is no end again: the operator wants one
		e.until = e.now()
	}
	e.until = e.until.Add(d)
	e.timer.Reset(e.until.Sub(e.now()))
	return e.until
}
