//go:build unix

package command

import (
	"os"
	"os/signal"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

func noCore() {
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_CORE, &limit) == nil {
		limit.Cur = 0
		_ = unix.Setrlimit(unix.RLIMIT_CORE, &limit)
	}
}

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

// inherited tells whether a descriptor came from whoever started the program.
// What Go opened for itself is closed on exec, and what came over an exec is
// not: https://go.dev/doc/go1.25#container-aware-gomaxprocs keeps files open,
// mostly as 3 and 4.
func inherited(fd int) bool {
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	return err == nil && flags&unix.FD_CLOEXEC == 0
}

// descriptorsPass: a shell opens files for the program by their numbers.
const descriptorsPass = true
