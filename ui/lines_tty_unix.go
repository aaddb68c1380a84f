//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package ui

import "golang.org/x/sys/unix"

// linesModes changes the mode of a terminal from how it is now.
func linesModes(fd int) func(linesMode) error {
	found, err := unix.IoctlGetTermios(fd, linesGetTermios)
	return func(m linesMode) error {
		if err != nil {
			return err
		}
		mode := *found
		if m != linesCooked {
			mode.Lflag &^= unix.ICANON | unix.ECHO | unix.ECHONL
			mode.Lflag |= unix.ISIG
			mode.Iflag |= unix.ICRNL
			mode.Cc[unix.VMIN], mode.Cc[unix.VTIME] = 1, 0
		}
		if m == linesRaw {
			mode.Lflag |= unix.ECHO
		}
		return unix.IoctlSetTermios(fd, linesSetTermios, &mode)
	}
}
