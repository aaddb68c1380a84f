package ui

import "golang.org/x/sys/windows"

// linesModes changes the mode of a console from how it is now. It edits lines
// itself in every mode, and its lines are long enough for an address.
func linesModes(fd int) func(linesMode) error {
	var found uint32
	err := windows.GetConsoleMode(windows.Handle(fd), &found)
	return func(m linesMode) error {
		if err != nil {
			return err
		}
		mode := found
		if m == linesHidden {
			mode &^= windows.ENABLE_ECHO_INPUT
		}
		return windows.SetConsoleMode(windows.Handle(fd), mode)
	}
}

// linesFlush forgets what was typed and not read.
func linesFlush(fd int) { _ = windows.FlushConsoleInputBuffer(windows.Handle(fd)) }
