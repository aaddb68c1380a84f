package ui

import "golang.org/x/sys/unix"

const (
	plainGetTermios = unix.TCGETS
	plainSetTermios = unix.TCSETS
)
