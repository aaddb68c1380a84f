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

// linesLongest is how much of a line is kept: see maxPaste.
const linesLongest = maxPaste + 1

// linesMode is how a terminal gives its lines.
type linesMode int

const (
	linesCooked linesMode = iota // as it was found: it edits and shows what is typed
	linesHidden                  // nothing of what is typed is shown
	linesRaw                     // shown, but handed on at once: a terminal cuts its own lines at 4,096 bytes (Linux) or 1,024 (macOS)
)

// Keys that a terminal leaves to us in the modes that are not cooked.
const (
	linesKeyEnd    = 0x04 // ctrl+d
	linesKeyBack   = 0x08
	linesKeyKill   = 0x15 // ctrl+u
	linesKeyDelete = 0x7f
)

type linesRead struct {
	data []byte
	err  error
}

// linesInput makes lines of what is read. One goroutine reads, and only when it
// is asked to, so that a secret is not read before the terminal hides it.
type linesInput struct {
	file     io.Reader
	src      cancelreader.CancelReader // of file
	terminal *linesTerminal            // nil: a pipe, a file
	typed    bool                      // by a person, at a terminal
	mode     linesMode
	asks     chan struct{}
	gives    chan linesRead
	done     chan struct{} // closed when the goroutine has ended
	asked    bool

	pending []byte // a line that is not whole
	lines   []string
	skip    bool // the line feed that belongs to a carriage return
	ended   bool
}

func openLinesInput(r io.Reader) *linesInput {
	in := &linesInput{file: r, asks: make(chan struct{}, 1), gives: make(chan linesRead, 1), done: make(chan struct{})}
	if f, ok := r.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		in.terminal, in.typed = openLinesTerminal(int(f.Fd())), true
	}
	in.src = linesCancelable(r)
	go in.pump()
	return in
}

// pump ends when asks is closed. It holds at most one read, which close cancels.
func (in *linesInput) pump() {
	defer close(in.done)
	for range in.asks {
		buf := make([]byte, 4096)
		n, err := in.src.Read(buf)
		in.gives <- linesRead{buf[:n], err} // has room: one read is asked for at a time
	}
}

// linesGrace bounds the wait for a read that cannot be cancelled at once.
const linesGrace = time.Second

// close puts the terminal back and ends the goroutine. A read that the system
// cannot cancel ends with its input, or with the program.
func (in *linesInput) close() {
	_ = in.set(linesCooked)
	in.terminal.close()
	close(in.asks)
	if !in.src.Cancel() && in.asked {
		return
	}
	select {
	case <-in.done:
		_ = in.src.Close()
	case <-time.After(linesGrace):
	}
}

// set changes the terminal's mode; without a terminal there is none.
func (in *linesInput) set(m linesMode) error {
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
func (in *linesInput) shows() bool { return in.typed && in.mode != linesHidden }

// read asks for bytes unless that was done, and gives where they come.
func (in *linesInput) read() <-chan linesRead {
	if !in.asked {
		in.asked = true
		in.asks <- struct{}{}
	}
	return in.gives
}

// over tells whether nothing more comes.
func (in *linesInput) over() bool { return in.ended && len(in.lines) == 0 }

// take gives the next whole line.
func (in *linesInput) take() (string, bool) {
	if len(in.lines) == 0 {
		return "", false
	}
	text := in.lines[0]
	in.lines = in.lines[1:]
	return text, true
}

// drop forgets what was typed and nobody has asked for: half an address must not
// become a part of the next answer, wherever it is on its way.
func (in *linesInput) drop() {
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
func (in *linesInput) recall() {
	if !in.asked || !in.src.Cancel() {
		return
	}
	r := <-in.gives
	in.asked = false
	in.ended = in.ended || r.err != nil && !errors.Is(r.err, cancelreader.ErrCanceled)
	_ = in.src.Close()
	in.src = linesCancelable(in.file)
}

func (in *linesInput) feed(r linesRead) {
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

func (in *linesInput) key(c byte) {
	skip := in.skip
	in.skip = false
	ours := in.typed && in.mode != linesCooked
	switch {
	case c == '\n' && skip:
	case c == '\n' || c == '\r':
		in.skip = c == '\r'
		in.line()
	case ours && (c == linesKeyBack || c == linesKeyDelete):
		_, n := utf8.DecodeLastRune(in.pending)
		in.pending = in.pending[:len(in.pending)-n]
	case ours && c == linesKeyKill:
		in.pending = nil
	case ours && c == linesKeyEnd:
		in.ended = in.ended || len(in.pending) == 0
	case len(in.pending) < linesLongest:
		in.pending = append(in.pending, c)
	}
}

func (in *linesInput) line() {
	in.lines = append(in.lines, string(in.pending))
	in.pending = nil
}

// linesBlocking is a reader whose reads cannot be given up.
type linesBlocking struct{ io.Reader }

// Cancel tells that it cannot.
func (linesBlocking) Cancel() bool { return false }

// Close leaves the reader to its owner.
func (linesBlocking) Close() error { return nil }
