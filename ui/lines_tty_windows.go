package ui

import (
	"io"

	"github.com/muesli/cancelreader"
	"golang.org/x/sys/windows"
)

// plainTerminal hides what is typed. A Windows console edits lines itself in
// every mode, and its lines are long enough for an address.
type plainTerminal struct {
	console windows.Handle
	found   uint32 // its mode as it was
	err     error  // why that is not known
}

func openPlainTerminal(fd int) *plainTerminal {
	t := &plainTerminal{console: windows.Handle(fd)}
	t.err = windows.GetConsoleMode(t.console, &t.found)
	return t
}

func (t *plainTerminal) set(m plainMode) error {
	if t == nil {
		return nil
	}
	if t.err != nil {
		return t.err
	}
	mode := t.found
	if m == plainHidden {
		mode &^= windows.ENABLE_ECHO_INPUT
	}
	return windows.SetConsoleMode(t.console, mode)
}

func (t *plainTerminal) close() {}

func (t *plainTerminal) resumed() <-chan struct{} { return nil }

// flush forgets what was typed and not read.
func (t *plainTerminal) flush() { _ = windows.FlushConsoleInputBuffer(t.console) }

// plainCancelable cannot cancel here: what can would take the console's editing
// away.
func plainCancelable(r io.Reader) cancelreader.CancelReader { return plainBlocking{r} }
