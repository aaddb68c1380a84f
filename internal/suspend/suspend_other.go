//go:build !unix

package suspend

// Job does nothing here: there are no jobs to stop.
type Job struct{}

// Watch has nothing to watch.
func Watch(func(*Job), func()) *Job { return &Job{} }

// Stop returns at once.
func (*Job) Stop() {}

// Close has nothing to end.
func (*Job) Close() {}
