package command

import (
	"os"
)

// noCore: Windows Error Reporting writes dumps by its own settings, which are
// the administrator's.
func noCore() {}

// restoreBeforeDump has nothing to do: Windows sends no such signals.
func restoreBeforeDump(_, _ *os.File) (stop func()) { return func() {} }

// inherited: a program on Windows inherits handles, and no numbers from a shell.
func inherited(int) bool { return false }

// descriptorsPass: standard input is the one way there.
const descriptorsPass = false
