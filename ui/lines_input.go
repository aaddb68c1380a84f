package ui

import (
	"errors"
	"io"
	"os"
	"time"
	"unicode/utf8"

	"github.com/muesli/cancelreader"
	"golang.org/x/term"
)

// plainLongest is one byte more than the longest address that can be pasted, so
// that a longer one is refused and never cut to one that looks whole.
const plainLongest = 16<<10 + 1

// plainMode is how a terminal gives its lines.
type plainMode int

const (
	plainCooked plainMode = iota // as it was found: it edits and shows what is typed
	plainHidden                  // nothing of what is typed is shown
	plainRaw                     // shown, but handed on at once: a terminal cuts its own lines at 4,096 bytes (Linux) or 1,024 (macOS)
)

// Keys that a terminal leaves to us in the modes that are not cooked.
const (
	plainKeyEnd    = 0x04 // ctrl+d
	plainKeyBack   = 0x08
	plainKeyKill   = 0x15 // ctrl+u
	plainKeyDelete = 0x7f
)

type plainRead struct {
	data []byte
	err  error
}

// plainInput makes lines of what is read. One goroutine reads, and only when it
// is asked to, so that a secret is not read before the terminal hides it.
type plainInput struct {
	file     io.Reader
	src      cancelreader.CancelReader // of file
	terminal *plainTerminal            // nil: a pipe, a file
	typed    bool                      // by a person, at a terminal
	mode     plainMode
	asks     chan struct{}
	gives    chan plainRead
	over     chan struct{} // closed when the goroutine has ended
	asked    bool

	pending []byte // a line that is not whole
	lines   []string
	skip    bool // the line feed that belongs to a carriage return
	ended   bool
}

func openPlainInput(r io.Reader) *plainInput {
	in := &plainInput{file: r, asks: make(chan struct{}, 1), gives: make(chan plainRead, 1), over: make(chan struct{})}
	if f, ok := r.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		in.terminal, in.typed = openPlainTerminal(int(f.Fd())), true
	}
	in.src = plainCancelable(r)
	go in.pump()
	return in
}

// pump ends when asks is closed. It holds at most one read, which close cancels.
func (in *plainInput) pump() {
	defer close(in.over)
	for range in.asks {
		buf := make([]byte, 4096)
		n, err := in.src.Read(buf)
		in.gives <- plainRead{buf[:n], err} // has room: one read is asked for at a time
	}
}

// plainGrace bounds the wait for a read that cannot be cancelled at once.
const plainGrace = time.Second

// close puts the terminal back and ends the goroutine. A read that the system
// cannot cancel ends with its input, or with the program.
func (in *plainInput) close() {
	_ = in.set(plainCooked)
	in.terminal.close()
	close(in.asks)
	if !in.src.Cancel() && in.asked {
		return
	}
	select {
	case <-in.over:
		_ = in.src.Close()
	case <-time.After(plainGrace):
	}
}

// set changes the terminal's mode; without a terminal there is none.
func (in *plainInput) set(m plainMode) error {
	if in.mode == m {
		return nil
	}
	if err := in.terminal.set(m); err != nil {
		return err
	}
	in.mode = m
	return nil
}

// shows tells whether the terminal writes what is typed, line breaks included.
func (in *plainInput) shows() bool { return in.typed && in.mode != plainHidden }

// read asks for bytes unless that was done, and gives where they come.
func (in *plainInput) read() <-chan plainRead {
	if !in.asked {
		in.asked = true
		in.asks <- struct{}{}
	}
	return in.gives
}

// take gives the next whole line.
func (in *plainInput) take() (string, bool) {
	if len(in.lines) == 0 {
		return "", false
	}
	text := in.lines[0]
	in.lines = in.lines[1:]
	return text, true
}

// drop forgets what was typed and nobody has asked for: half an address must not
// become a part of the next answer, wherever it is on its way.
func (in *plainInput) drop() {
	if !in.typed {
		return
	}
	if in.terminal != nil {
		in.recall()
		in.terminal.flush()
	}
	in.lines, in.pending = nil, nil
}

// recall ends a read that is under way. What it has read is forgotten, but not
// that the input has ended.
func (in *plainInput) recall() {
	if !in.asked || !in.src.Cancel() {
		return
	}
	r := <-in.gives
	in.asked = false
	in.ended = in.ended || r.err != nil && !errors.Is(r.err, cancelreader.ErrCanceled)
	_ = in.src.Close()
	in.src = plainCancelable(in.file)
}

func (in *plainInput) feed(r plainRead) {
	in.asked = false
	for _, c := range r.data {
		in.key(c)
	}
	if r.err == nil {
		return
	}
	in.ended = true
	if len(in.pending) > 0 {
		in.line()
	}
}

func (in *plainInput) key(c byte) {
	skip := in.skip
	in.skip = false
	ours := in.typed && in.mode != plainCooked
	switch {
	case c == '\n' && skip:
	case c == '\n' || c == '\r':
		in.skip = c == '\r'
		in.line()
	case ours && (c == plainKeyBack || c == plainKeyDelete):
		_, n := utf8.DecodeLastRune(in.pending)
		in.pending = in.pending[:len(in.pending)-n]
	case ours && c == plainKeyKill:
		in.pending = nil
	case ours && c == plainKeyEnd:
		in.ended = in.ended || len(in.pending) == 0
	case len(in.pending) < plainLongest:
		in.pending = append(in.pending, c)
	}
}

func (in *plainInput) line() {
	in.lines = append(in.lines, string(in.pending))
	in.pending = nil
}

// plainBlocking is a reader whose reads cannot be given up.
type plainBlocking struct{ io.Reader }

// Cancel tells that it cannot.
func (plainBlocking) Cancel() bool { return false }

// Close leaves the reader to its owner.
func (plainBlocking) Close() error { return nil }
