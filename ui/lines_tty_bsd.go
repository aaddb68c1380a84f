//go:build darwin || freebsd || netbsd || openbsd || dragonfly

package ui

import "golang.org/x/sys/unix"

const (
	linesGetTermios = unix.TIOCGETA
	linesSetTermios = unix.TIOCSETA
)

func linesFlush(fd int) error {
	const input = 1 // FREAD of sys/fcntl.h
	return unix.IoctlSetPointerInt(fd, unix.TIOCFLUSH, input)
}
