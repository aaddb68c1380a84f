package flow

import "context"

// Do has one effect done, without Tasks, and hands what it reports to say.
func (r *Runner) Do(ctx context.Context, e Effect, say func(Event)) {
	NewTasks(r)
	say(e.(work).do(ctx, r, make(chan Delivery), say))
}
