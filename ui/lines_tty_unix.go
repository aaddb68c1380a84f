//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package ui

import (
	"io"
	"sync"

	"github.com/muesli/cancelreader"
	"golang.org/x/sys/unix"

	"confer/internal/suspend"
)

// linesTerminal changes how a terminal hands on what is typed. Signals from
// keys stay on, so that ctrl+c ends the program the usual way.
type linesTerminal struct {
	fd    int
	found *unix.Termios // as it was; nil: it could not be asked
	job   *suspend.Job

	mu   sync.Mutex
	mode linesMode

	wentOn chan struct{} // after a stop
}

func openLinesTerminal(fd int) *linesTerminal {
	t := &linesTerminal{fd: fd, wentOn: make(chan struct{}, 1)}
	if found, err := unix.IoctlGetTermios(fd, linesGetTermios); err == nil {
		t.found = found
	}
	t.job = suspend.Watch(t.stop, t.again)
	return t
}

func (t *linesTerminal) close() {
	if t != nil {
		t.job.Close()
	}
}

// stop gives the terminal back to the shell while the program is stopped.
func (t *linesTerminal) stop(job *suspend.Job) {
	t.mu.Lock()
	defer t.mu.Unlock()
	_ = t.change(linesCooked)
	job.Stop()
	t.goOn()
}

// again sets the mode that the question needs: a shell that was in between has
// left its own, which shows a secret.
func (t *linesTerminal) again() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.goOn()
}

func (t *linesTerminal) goOn() {
	_ = t.change(t.mode)
	select {
	case t.wentOn <- struct{}{}:
	default:
	}
}

// resumed tells that the program went on after a stop.
func (t *linesTerminal) resumed() <-chan struct{} {
	if t == nil {
		return nil
	}
	return t.wentOn
}

// set never flushes: what was typed ahead is kept.
func (t *linesTerminal) set(m linesMode) error {
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

func (t *linesTerminal) change(m linesMode) error {
	if t.found == nil {
		return unix.ENOTTY
	}
	mode := *t.found
	switch m {
	case linesHidden:
		mode.Lflag &^= unix.ICANON | unix.ECHO | unix.ECHONL
	case linesRaw:
		mode.Lflag &^= unix.ICANON
		mode.Lflag |= unix.ECHO
	case linesCooked:
		return unix.IoctlSetTermios(t.fd, linesSetTermios, &mode)
	}
	mode.Lflag |= unix.ISIG
	mode.Iflag |= unix.ICRNL
	mode.Cc[unix.VMIN], mode.Cc[unix.VTIME] = 1, 0
	return unix.IoctlSetTermios(t.fd, linesSetTermios, &mode)
}

// flush forgets what was typed and not read.
func (t *linesTerminal) flush() { _ = linesFlush(t.fd) }

// linesCancelable makes a read that can be given up. A regular file cannot be
// waited for, but it never keeps a reader waiting either.
func linesCancelable(r io.Reader) cancelreader.CancelReader {
	if c, err := cancelreader.NewReader(r); err == nil {
		return c
	}
	return linesBlocking{r}
}
