//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package ui

import (
	"io"

	"github.com/muesli/cancelreader"
	"golang.org/x/sys/unix"
)

// plainTerminal changes how a terminal hands on what is typed. Signals from
// keys stay on, so that ctrl+c ends the program the usual way.
type plainTerminal struct {
	fd    int
	found *unix.Termios // as it was; nil: it could not be asked
}

func openPlainTerminal(fd int) *plainTerminal {
	t := &plainTerminal{fd: fd}
	if found, err := unix.IoctlGetTermios(fd, plainGetTermios); err == nil {
		t.found = found
	}
	return t
}

// set never flushes: what was typed ahead is kept.
func (t *plainTerminal) set(m plainMode) error {
	if t == nil {
		return nil
	}
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
	return plainUncancelable(r)
}
