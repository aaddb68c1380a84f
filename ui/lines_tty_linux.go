package ui

import "golang.org/x/sys/unix"

const (
	linesGetTermios = unix.TCGETS
	linesSetTermios = unix.TCSETS
)

// linesFlush forgets what was typed and not read.
func linesFlush(fd int) { _ = unix.IoctlSetInt(fd, unix.TCFLSH, unix.TCIFLUSH) }
