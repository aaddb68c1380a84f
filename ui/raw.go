package ui

import (
	"fmt"
	"io"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/term"
	"github.com/muesli/cancelreader"

	"confer/cronofy"
)

// rawShown says that the operator came back from the raw link, and with what
// they pasted there, if anything.
type rawShown struct {
	err    error
	pasted string
}

// rawLink prints a link on the normal screen, alone on its lines and byte for
// byte, so that the terminal wraps it itself and gives it back whole when it is
// selected. No cell renderer can do that.
type rawLink struct {
	link   string
	what   string          // what it is, in a sentence
	back   string          // how confer goes on
	over   <-chan struct{} // the program's end: nobody will press a key any more
	gate   *rawGate
	in     io.Reader
	out    io.Writer
	open   func(io.Reader) (cancelreader.CancelReader, error) // nil: cancelreader's
	pasted string
}

func showRaw(r rawLink, f frame) tea.Cmd {
	const longest = 1 << 14
	r.link, r.over, r.gate = cronofy.CleanText(r.link, longest), f.over, f.raw
	return tea.Exec(&r, func(err error) tea.Msg { return rawShown{err, r.pasted} })
}

func (r *rawLink) SetStdin(in io.Reader)   { r.in = in }
func (r *rawLink) SetStdout(out io.Writer) { r.out = out }
func (r *rawLink) SetStderr(io.Writer)     {}

// Run prints the link and waits for any key or paste, or for what ends the wait.
func (r *rawLink) Run() error {
	const newline = "\r\n" // the terminal may be in raw mode below
	view := r.gate.open()
	defer r.gate.close()
	_, err := fmt.Fprint(r.out, ansi.SetModeBracketedPaste, newline, r.what, newline, newline,
		r.link, newline, newline, r.back, newline)
	if err != nil || r.in == nil {
		return err
	}
	if f, ok := r.in.(term.File); ok && term.IsTerminal(f.Fd()) {
		old, err := term.MakeRaw(f.Fd())
		if err != nil {
			return err
		}
		defer func() { _ = term.Restore(f.Fd(), old) }()
	}
	if r.open == nil {
		r.open = cancelreader.NewReader
	}
	in, err := r.open(r.in)
	if err != nil {
		return err
	}
	return r.wait(in, view)
}

// wait ends with any key or paste, as a whole, with the view, or with the
// program. What is pasted does not act as keys, whether or not the terminal
// marks it.
func (r *rawLink) wait(in cancelreader.CancelReader, view <-chan struct{}) error {
	_, ends := r.in.(cancelreader.File) // a read of nothing else can be ended, so none is begun in vain
	reads := startRawReader(in)
	defer reads.stop()
	pause := time.NewTimer(time.Hour)
	pause.Stop()
	defer pause.Stop()
	var got rawText
	defer func() { r.pasted = got.pasted() }()
	reads.ask <- struct{}{}
	for {
		select {
		case b, more := <-reads.gives:
			got.add(b)
			if !more || got.closed() || !ends && !got.open() {
				return reads.err
			}
			pause.Reset(got.patience())
			reads.ask <- struct{}{}
		case <-pause.C:
			return nil
		case <-view:
			return nil
		case <-r.over:
			return nil
		}
	}
}
