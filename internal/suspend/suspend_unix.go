//go:build unix

// Package suspend stops the program as the job of a shell, as an editor does on
// Ctrl+Z, and tells when it goes on, so that whoever changed the terminal can give
// it back before and change it again after.
package suspend

import (
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// grace is how long a stop is waited for that may never come: a program that no
// shell watches over, such as the first of a container or of a terminal's window,
// is not stopped by the system.
const grace = 250 * time.Millisecond

// Job is the program as its shell sees it.
type Job struct {
	signals   chan os.Signal
	continued chan struct{}
	stopping  atomic.Bool
	over      chan struct{}
	watch     sync.WaitGroup
}

// Watch calls asked when somebody wants the program to stop: another goroutine has to put
// the terminal back and call Stop. It calls continued when the program goes on after a stop
// that nobody could see coming.
func Watch(asked, continued func()) *Job {
	j := &Job{signals: make(chan os.Signal, 4), continued: make(chan struct{}, 1), over: make(chan struct{})}
	signal.Notify(j.signals, syscall.SIGTSTP, syscall.SIGCONT)
	j.watch.Go(func() {
		for {
			select {
			case s := <-j.signals:
				switch {
				case s == syscall.SIGTSTP:
					j.watch.Go(asked) // it may wait for what only this goroutine can tell
				case j.stopping.Load():
					select {
					case j.continued <- struct{}{}:
					default:
					}
				default:
					continued()
				}
			case <-j.over:
				return
			}
		}
	})
	return j
}

// Stop stops the program with its whole process group, and returns when it goes
// on, or when it becomes clear that nothing stops it here.
func (j *Job) Stop() {
	select {
	case <-j.continued:
	default:
	}
	j.stopping.Store(true)
	defer j.stopping.Store(false)
	// Not SIGTSTP: Go does not give a signal its first meaning back once it was
	// asked for. Not SIGSTOP: that one also stops what nobody can continue.
	_ = syscall.Kill(0, syscall.SIGTTOU)
	never := time.NewTimer(grace) // its clock runs while the program stands
	defer never.Stop()
	select {
	case <-j.continued:
	case <-never.C:
	}
}

// Close ends the watch.
func (j *Job) Close() {
	signal.Stop(j.signals)
	close(j.over)
	j.watch.Wait()
}
