//go:build unix

package command

import (
	"os"
	"os/signal"
	"sync"
	"syscall"

	"golang.org/x/term"
)

// leaveScreen undoes what the wizard may have set in a terminal: synchronized
// output, mouse, pastes, key reports, the alternate screen, the hidden cursor.
const leaveScreen = "\x1b[?2026l\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?2004l\x1b[>4m\x1b[<u\x1b[?1049l\x1b[?25h\x1b[0m\r\n"

// restoreBeforeDump gives the terminal back before a signal that makes Go write
// down its goroutines and end: that is not recoverable, and would leave the
// terminal without echo. stop ends the watch.
func restoreBeforeDump(in, out *os.File) (stop func()) {
	before, err := term.GetState(int(in.Fd()))
	if err != nil {
		return func() {}
	}
	caught, over := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(caught, syscall.SIGQUIT, syscall.SIGABRT)
	var watch sync.WaitGroup
	watch.Go(func() {
		select {
		case s := <-caught:
			signal.Reset(syscall.SIGQUIT, syscall.SIGABRT)
			_, _ = out.WriteString(leaveScreen)
			_ = term.Restore(int(in.Fd()), before)
			_ = syscall.Kill(os.Getpid(), s.(syscall.Signal))
		case <-over:
		}
	})
	return func() {
		signal.Stop(caught)
		close(over)
		watch.Wait()
	}
}
