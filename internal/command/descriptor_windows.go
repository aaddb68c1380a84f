package command

// inherited: a program on Windows inherits handles, and no numbers from a shell.
func inherited(int) bool { return false }

// descriptorsPass: standard input is the one way there.
const descriptorsPass = false
