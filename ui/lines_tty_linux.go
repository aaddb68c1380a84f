package ui

import "golang.org/x/sys/unix"

const (
	linesGetTermios = unix.TCGETS
	linesSetTermios = unix.TCSETS
)

func linesFlush(fd int) error { return unix.IoctlSetInt(fd, unix.TCFLSH, unix.TCIFLUSH) }
