package command

import (
	"golang.org/x/sys/unix"
)

// harden keeps other processes of the same user away from the memory and the
// first environment of this one, and its memory off the disk. What it cannot
// do stops nobody. The soft limit alone is lowered: a browser may raise its own.
// https://man7.org/linux/man-pages/man2/PR_SET_DUMPABLE.2const.html
func harden() {
	_ = unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
	noCore()
}
