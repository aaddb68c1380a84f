//go:build !unix

// Package suspend does nothing here: there are no jobs to stop.
package suspend

// Job is the program.
type Job struct{}

// Watch has nothing to watch.
func Watch(func(), func()) *Job { return &Job{} }

// Stop returns at once.
func (*Job) Stop() {}

// Close has nothing to end.
func (*Job) Close() {}
