package command

// harden: Windows Error Reporting writes dumps by its own settings, which are
// the administrator's.
func harden() {}

// inherited: a program on Windows inherits handles, and no numbers from a shell.
func inherited(int) bool { return false }

// descriptorsPass: standard input is the one way there.
const descriptorsPass = false
