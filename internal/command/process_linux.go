package command

import "golang.org/x/sys/unix"

// https://man7.org/linux/man-pages/man2/PR_SET_DUMPABLE.2const.html
func init() {
	keepOthersOut = func() { _ = unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0) }
}
