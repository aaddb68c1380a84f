//go:build unix

package manage

import (
	"os"
	"syscall"
)

// lockFlags: a link is not followed, and a pipe does not block.
const lockFlags = os.O_CREATE | os.O_RDONLY | syscall.O_NOFOLLOW | syscall.O_NONBLOCK
