package ui

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"time"
	"unicode/utf8"

	"github.com/muesli/cancelreader"
	"golang.org/x/term"

	"confer/internal/suspend"
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

type linesRead struct {
	data []byte
	err  error
}

// linesInput makes lines of what is read. Signals from keys stay on at a terminal, so
// that ctrl+c ends the program the usual way.
type linesInput struct {
	file   io.Reader
	typed  bool // by a person, at a terminal
	mode   linesMode
	change func(linesMode) error // nil: a pipe, a file
	fd     int
	job    *suspend.Job
	stops  chan bool // true: the program is to stop; false: it went on after a stop that nobody saw coming

	src   cancelreader.CancelReader // of file; nil: a read of it cannot be given up
	wants chan struct{}             // makes the one goroutine read
	gives chan linesRead            // what it has read
	asked bool                      // for a read that was not given yet
	stop  func()                    // ends the goroutine; what it has read and not given is forgotten

	pending []byte // a line that is not whole
	lines   []string
	skip    bool // the line feed that belongs to a carriage return
	ended   bool
}

func openLinesInput(r io.Reader) *linesInput {
	in := &linesInput{file: r}
	if f, ok := r.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		in.fd, in.typed, in.stops = int(f.Fd()), true, make(chan bool, 1)
		in.change = linesModes(in.fd)
		tell := func(stop bool) {
			select {
			case in.stops <- stop:
			default: // one is told already
			}
		}
		in.job = suspend.Watch(func() { tell(true) }, func() { tell(false) })
	}
	in.start()
	return in
}

// linesGrace is how long the end of a read is waited for. One that was given up may
// go on: a key that makes a signal takes away what was there to be read.
const linesGrace = time.Second

// start begins the goroutine, which reads when it is asked to, and no more: the rest may
// be for whoever reads the terminal next.
func (in *linesInput) start() {
	from := in.file
	if in.src = linesCancelable(in.file); in.src != nil {
		from = in.src
	}
	wants, gives, over := make(chan struct{}, 1), make(chan linesRead, 1), make(chan struct{})
	in.wants, in.gives, in.asked = wants, gives, false
	go func() {
		defer close(over)
		for range wants {
			buf := make([]byte, 4096)
			n, err := from.Read(buf)
			gives <- linesRead{buf[:n], err} // has room: one read is asked for at a time
		}
	}()
	in.stop = func() {
		close(wants)
		if in.src == nil || !in.src.Cancel() { // the read ends with its input, or with the program
			return
		}
		select {
		case <-over:
			_ = in.src.Close()
		case <-time.After(linesGrace):
		}
	}
}

// reads asks for a read unless that was done, and gives where it comes.
func (in *linesInput) reads() <-chan linesRead {
	if !in.asked {
		in.asked = true
		in.wants <- struct{}{}
	}
	return in.gives
}

// close puts the terminal back and stops reading.
func (in *linesInput) close() {
	_ = in.set(linesCooked)
	if in.job != nil {
		in.job.Close()
	}
	in.stop()
}

// set changes the terminal's mode, and never flushes: what was typed ahead is kept.
func (in *linesInput) set(m linesMode) error {
	if in.change != nil && in.mode != m {
		if err := in.change(m); err != nil {
			return err
		}
	}
	in.mode = m
	return nil
}

// stands lets the program stop, with the terminal as its shell wants it, and sets the
// mode anew: a shell that was in between has left its own, which shows a secret. A line
// that was begun is begun anew, as where the terminal edits it.
func (in *linesInput) stands(stop bool) {
	in.pending = nil
	if stop {
		_ = in.change(linesCooked)
		in.job.Stop()
	}
	_ = in.change(in.mode)
}

// shows tells whether the terminal writes what is typed, line breaks included.
func (in *linesInput) shows() bool { return in.typed && in.mode != linesHidden }

// over tells whether nothing more comes.
func (in *linesInput) over() bool { return in.ended && len(in.lines) == 0 }

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
	if in.src != nil {
		in.stop()
		defer in.start()
	}
	if in.change != nil {
		linesFlush(in.fd)
	}
	in.lines, in.pending = nil, nil
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
	ours := in.typed && in.mode != linesCooked // the terminal leaves its own keys to us
	switch {
	case c == '\n' && skip:
	case c == '\n' || c == '\r':
		in.skip = c == '\r'
		in.line()
	case ours && (c == '\b' || c == 0x7f):
		_, n := utf8.DecodeLastRune(in.pending)
		in.pending = in.pending[:len(in.pending)-n]
	case ours && c == 0x15: // ctrl+u
		in.pending = nil
	case ours && c == 0x04: // ctrl+d
		in.ended = in.ended || len(in.pending) == 0
	case len(in.pending) < linesLongest:
		in.pending = append(in.pending, c)
	}
}

func (in *linesInput) line() {
	in.lines = append(in.lines, string(in.pending))
	in.pending = nil
}

// AskSecret asks one question at a terminal, which shows nothing of what is typed. It is
// told so before the question is seen: somebody may be quick to paste.
func AskSecret(ctx context.Context, terminal *os.File, out io.Writer, question string) (string, error) {
	in := openLinesInput(terminal)
	defer in.close()
	if err := in.set(linesHidden); err != nil {
		return "", fmt.Errorf("hide what is typed: %w", err)
	}
	defer fmt.Fprintln(out)
	fmt.Fprint(out, question)
	for {
		select {
		case r := <-in.reads():
			in.feed(r)
		case stop := <-in.stops:
			if stop {
				fmt.Fprintln(out)
			}
			in.stands(stop)
			fmt.Fprint(out, question)
		case <-ctx.Done():
			return "", ctx.Err()
		}
		switch text, ok := in.take(); {
		case ok:
			return text, nil
		case in.over():
			return "", context.Canceled
		}
	}
}

// linesCancelable makes a read that can be given up; nil: there is none. A regular
// file cannot be waited for, but it never keeps a reader waiting either; and on Windows
// what can would take the console's editing away.
func linesCancelable(r io.Reader) cancelreader.CancelReader {
	if f, ok := r.(cancelreader.File); ok && runtime.GOOS != "windows" {
		if c, err := cancelreader.NewReader(f); err == nil {
			return c
		}
	}
	return nil
}
