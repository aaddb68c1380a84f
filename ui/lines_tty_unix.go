//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package ui

import (
	"io"
	"sync"

	"github.com/muesli/cancelreader"
	"golang.org/x/sys/unix"

	"confer/internal/suspend"
)

// plainTerminal changes how a terminal hands on what is typed. Signals from
// keys stay on, so that ctrl+c ends the program the usual way.
type plainTerminal struct {
	fd    int
	found *unix.Termios // as it was; nil: it could not be asked
	job   *suspend.Job

	mu   sync.Mutex
	mode plainMode

	wentOn chan struct{} // after a stop
}

func openPlainTerminal(fd int) *plainTerminal {
	t := &plainTerminal{fd: fd, wentOn: make(chan struct{}, 1)}
	if found, err := unix.IoctlGetTermios(fd, plainGetTermios); err == nil {
		t.found = found
	}
	t.job = suspend.Watch(t.stop, t.again)
	return t
}

func (t *plainTerminal) close() {
	if t != nil {
		t.job.Close()
	}
}

// stop gives the terminal back to the shell while the program is stopped.
func (t *plainTerminal) stop(job *suspend.Job) {
	t.mu.Lock()
	defer t.mu.Unlock()
	_ = t.change(plainCooked)
	job.Stop()
	t.goOn()
}

// again sets the mode that the question needs: a shell that was in between has
// left its own, which shows a secret.
func (t *plainTerminal) again() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.goOn()
}

func (t *plainTerminal) goOn() {
	_ = t.change(t.mode)
	select {
	case t.wentOn <- struct{}{}:
	default:
	}
}

// resumed tells that the program went on after a stop.
func (t *plainTerminal) resumed() <-chan struct{} {
	if t == nil {
		return nil
	}
	return t.wentOn
}

// set never flushes: what was typed ahead is kept.
func (t *plainTerminal) set(m plainMode) error {
	if t == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.change(m); err != nil {
		return err
	}
	t.mode = m
	return nil
}

func (t *plainTerminal) change(m plainMode) error {
	if t.found == nil {
		return unix.ENOTTY
	}
	mode := *t.found
	switch m {
	case plainHidden:
		mode.Lflag &^= unix.ICANON | unix.ECHO | unix.ECHONL
	case plainRaw:
		mode.Lflag &^= unix.ICANON
		mode.Lflag |= unix.ECHO
	case plainCooked:
		return unix.IoctlSetTermios(t.fd, plainSetTermios, &mode)
	}
	mode.Lflag |= unix.ISIG
	mode.Iflag |= unix.ICRNL
	mode.Cc[unix.VMIN], mode.Cc[unix.VTIME] = 1, 0
	return unix.IoctlSetTermios(t.fd, plainSetTermios, &mode)
}

// flush forgets what was typed and not read.
func (t *plainTerminal) flush() { _ = plainFlush(t.fd) }

// plainCancelable makes a read that can be given up. A regular file cannot be
// waited for, but it never keeps a reader waiting either.
func plainCancelable(r io.Reader) cancelreader.CancelReader {
	if c, err := cancelreader.NewReader(r); err == nil {
		return c
	}
	return plainBlocking{r}
}
