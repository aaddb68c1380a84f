// Package program writes programs for tests that run them.
package program

import (
	"os"
	"syscall"
)

// Write makes a file that can be executed at once. While it is open for writing
// nothing is forked: a child would hold a copy, and the system refuses to execute
// what somebody writes to (https://github.com/golang/go/issues/22315).
func Write(path string, text []byte) error {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	return os.WriteFile(path, text, 0o700)
}
