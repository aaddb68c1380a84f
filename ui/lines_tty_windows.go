package ui

import (
	"io"

	"github.com/muesli/cancelreader"
	"golang.org/x/sys/windows"
)

// linesTerminal hides what is typed. A Windows console edits lines itself in
// every mode, and its lines are long enough for an address.
type linesTerminal struct {
	console windows.Handle
	found   uint32 // its mode as it was
	err     error  // why that is not known
}

func openLinesTerminal(fd int) *linesTerminal {
	t := &linesTerminal{console: windows.Handle(fd)}
	t.err = windows.GetConsoleMode(t.console, &t.found)
	return t
}

func (t *linesTerminal) set(m linesMode) error {
	if t == nil {
		return nil
	}
	if t.err != nil {
		return t.err
	}
	mode := t.found
	if m == linesHidden {
		mode &^= windows.ENABLE_ECHO_INPUT
	}
	return windows.SetConsoleMode(t.console, mode)
}

func (t *linesTerminal) close() {}

func (t *linesTerminal) resumed() <-chan struct{} { return nil }

// flush forgets what was typed and not read.
func (t *linesTerminal) flush() { _ = windows.FlushConsoleInputBuffer(t.console) }

// linesCancelable cannot cancel here: what can would take the console's editing
// away.
func linesCancelable(r io.Reader) cancelreader.CancelReader { return linesBlocking{r} }
