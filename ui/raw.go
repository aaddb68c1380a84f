package ui

import (
	"errors"
	"fmt"
	"io"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/term"
	"github.com/muesli/cancelreader"
)

// rawShown says that the operator came back from the raw link.
type rawShown struct{ err error }

// rawLink prints a link on the normal screen, alone on its lines and byte for
// byte, so that the terminal wraps it itself and gives it back whole when it is
// selected. No cell renderer can do that.
type rawLink struct {
	link string
	over <-chan struct{} // the program's end: nobody will press a key any more
	in   io.Reader
	out  io.Writer
}

func showRaw(link string, over <-chan struct{}) tea.Cmd {
	return tea.Exec(&rawLink{link: link, over: over}, func(err error) tea.Msg { return rawShown{err} })
}

func (r *rawLink) SetStdin(in io.Reader)   { r.in = in }
func (r *rawLink) SetStdout(out io.Writer) { r.out = out }
func (r *rawLink) SetStderr(io.Writer)     {}

// Run prints the link and waits for any key.
func (r *rawLink) Run() error {
	const newline = "\r\n" // the terminal may be in raw mode below
	_, err := fmt.Fprint(r.out, newline, "The link for the administrator. It can be used once.", newline, newline,
		r.link, newline, newline, "confer goes on waiting. Any key goes back to it.", newline)
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
	return r.wait()
}

// wait ends with any key or paste, as a whole, or with the program.
func (r *rawLink) wait() error {
	in, err := cancelreader.NewReader(r.in)
	if err != nil {
		return err
	}
	read := make(chan struct{})
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		select {
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
