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

// extend puts the end off by d, and gives it.
func (e *deadline) extend(d time.Duration) time.Time {
	e.until = e.until.Add(d)
	e.timer.Reset(e.until.Sub(e.now()))
	return e.until
}
