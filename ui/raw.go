package ui

import (
	"errors"
	"fmt"
	"io"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/term"
	"github.com/muesli/cancelreader"

	"confer/cronofy"
)

// rawShown says that the operator came back from the raw link.
type rawShown struct{ err error }

// rawLink prints a link on the normal screen, alone on its lines and byte for
// byte, so that the terminal wraps it itself and gives it back whole when it is
// selected. No cell renderer can do that.
type rawLink struct {
	link string
	what string          // what it is, in a sentence
	back string          // how confer goes on
	over <-chan struct{} // the program's end: nobody will press a key any more
	gate *rawGate
	in   io.Reader
	out  io.Writer
}

func showRaw(r rawLink, f frame) tea.Cmd {
	const longest = 1 << 14
	r.link, r.over, r.gate = cronofy.CleanText(r.link, longest), f.over, f.raw
	return tea.Exec(&r, func(err error) tea.Msg { return rawShown{err} })
}

func (r *rawLink) SetStdin(in io.Reader)   { r.in = in }
func (r *rawLink) SetStdout(out io.Writer) { r.out = out }
func (r *rawLink) SetStderr(io.Writer)     {}

// Run prints the link and waits for any key, or for what ends the wait.
func (r *rawLink) Run() error {
	const newline = "\r\n" // the terminal may be in raw mode below
	view := r.gate.open()
	defer r.gate.close()
	_, err := fmt.Fprint(r.out, newline, r.what, newline, newline,
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
	return r.wait(view)
}

// wait ends with any key or paste, as a whole, with the view, or with the
// program.
func (r *rawLink) wait(view <-chan struct{}) error {
	in, err := cancelreader.NewReader(r.in)
	if err != nil {
		return err
	}
	read := make(chan struct{})
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		select {
		case <-view:
			in.Cancel()
		case <-r.over:
			in.Cancel()
		case <-read:
		}
	}()
	_, err = in.Read(make([]byte, 4096))
	close(read)
	<-stopped
	if errors.Is(err, io.EOF) || errors.Is(err, cancelreader.ErrCanceled) {
		err = nil
	}
	return errors.Join(err, in.Close())
}
