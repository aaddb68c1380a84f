package ui

import "golang.org/x/sys/unix"

const (
	plainGetTermios = unix.TCGETS
	plainSetTermios = unix.TCSETS
)

func plainFlush(fd int) error { return unix.IoctlSetInt(fd, unix.TCFLSH, unix.TCIFLUSH) }
