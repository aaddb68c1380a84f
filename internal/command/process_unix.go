//go:build unix

package command

import "golang.org/x/sys/unix"

// harden keeps the memory of this process off the disk, and other processes of the same
// user away from it and from its first environment. What it cannot do stops nobody. The
// soft limit alone is lowered: a browser may raise its own.
func harden() {
	keepOthersOut()
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_CORE, &limit) == nil {
		limit.Cur = 0
		_ = unix.Setrlimit(unix.RLIMIT_CORE, &limit)
	}
}

// keepOthersOut is the system's own way; most have none.
var keepOthersOut = func() {}

// inherited tells whether a descriptor came from whoever started the program.
// What Go opened for itself is closed on exec, and what came over an exec is
// not: https://go.dev/doc/go1.25#container-aware-gomaxprocs keeps files open,
// mostly as 3 and 4.
func inherited(fd int) bool {
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	return err == nil && flags&unix.FD_CLOEXEC == 0
}

// descriptorsPass: a shell opens files for the program by their numbers.
const descriptorsPass = true
