//go:build darwin || freebsd || netbsd || openbsd || dragonfly

package ui

import "golang.org/x/sys/unix"

const (
	linesGetTermios = unix.TIOCGETA
	linesSetTermios = unix.TIOCSETA
)

// linesFlush forgets what was typed and not read.
func linesFlush(fd int) {
	const input = 1 // FREAD of sys/fcntl.h
	_ = unix.IoctlSetPointerInt(fd, unix.TIOCFLUSH, input)
}
