package ui

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/term"
	"github.com/muesli/cancelreader"

	"confer/cronofy"
	"confer/flow"
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

func showRaw(r rawLink, m *Model) tea.Cmd {
	const longest = 1 << 14
	r.link, r.over, r.gate = cronofy.CleanText(r.link, longest), m.ctx.Done(), m.raw
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

const (
	// rawGather is how long a terminal must be silent before a key, or a paste
	// without marks, counts as whole: its pieces come within milliseconds.
	rawGather = 100 * time.Millisecond
	// rawMost is how much is kept, in bytes: more than an address may have.
	rawMost = 2 * maxPaste
)

// rawText is what came from the keyboard while the raw link was shown.
type rawText struct{ text []byte }

// add keeps the end too, which may be the mark.
func (t *rawText) add(b []byte) {
	t.text = append(t.text, b...)
	if n := len(ansi.BracketedPasteEnd); len(t.text) > rawMost {
		t.text = append(t.text[:rawMost-n], t.text[len(t.text)-n:]...)
	}
}

// marked is a paste as far as it came, if its beginning was marked.
func (t *rawText) marked() (text string, begun, ended bool) {
	_, after, begun := strings.Cut(string(t.text), ansi.BracketedPasteStart)
	text, _, ended = strings.Cut(after, ansi.BracketedPasteEnd)
	return text, begun, begun && ended
}

func (t *rawText) open() bool {
	_, begun, ended := t.marked()
	return begun && !ended
}

func (t *rawText) closed() bool {
	_, _, ended := t.marked()
	return ended
}

func (t *rawText) patience() time.Duration {
	if t.open() {
		return pasteStall
	}
	return rawGather
}

// pasted is the text of a paste; empty for a key. Without marks, more than one
// character at once is a paste.
func (t *rawText) pasted() string {
	if text, begun, _ := t.marked(); begun {
		return text
	}
	text := strings.TrimSpace(cronofy.CleanText(string(t.text), rawMost))
	if utf8.RuneCountInString(text) < 2 {
		return ""
	}
	return text
}

// rawReader reads in a goroutine of its own, one piece for each ask.
type rawReader struct {
	in    cancelreader.CancelReader
	ask   chan struct{}
	gives chan []byte // closed at the end of the input
	over  chan struct{}
	quit  chan struct{}
	err   error // once gives is closed
}

func startRawReader(in cancelreader.CancelReader) *rawReader {
	r := &rawReader{in: in, ask: make(chan struct{}, 1), gives: make(chan []byte), over: make(chan struct{}), quit: make(chan struct{})}
	go r.run()
	return r
}

func (r *rawReader) run() {
	defer close(r.over)
	for {
		select {
		case <-r.ask:
		case <-r.quit:
			return
		}
		b := make([]byte, 4096)
		n, err := r.in.Read(b)
		if err != nil && n == 0 {
			if !errors.Is(err, io.EOF) && !errors.Is(err, cancelreader.ErrCanceled) {
				r.err = err
			}
			close(r.gives)
			return
		}
		select {
		case r.gives <- bytes.Clone(b[:n]):
		case <-r.quit:
			return
		}
	}
}

// stop waits for the goroutine. A read that cannot be ended is waited for.
func (r *rawReader) stop() {
	close(r.quit)
	r.in.Cancel()
	<-r.over
	_ = r.in.Close()
}

// inbox gathers the reports of tasks for the Model.
type inbox struct {
	from <-chan flow.Report
	done <-chan struct{} // the program's end
	raw  *rawGate
}

// gather waits for a report and takes what has come with it. While the raw link
// is shown the Model stands still: reports are kept until that view ends.
func (b inbox) gather() tea.Msg {
	var got reports
	for {
		view := b.raw.shown(got)
		if view == nil && len(got) > 0 {
			return b.drain(got)
		}
		select {
		case r := <-b.from:
			got = append(got, r)
		case <-view:
		case <-b.done:
			return nil
		}
	}
}

func (b inbox) drain(got reports) reports {
	const most = 64
	for len(got) < most {
		select {
		case r := <-b.from:
			got = append(got, r)
		default:
			return got
		}
	}
	return got
}

// rawGate is the view of the raw link, as the inbox sees it.
type rawGate struct {
	mu   sync.Mutex
	view chan struct{} // closed when the view has to end; nil: it is not shown
}

func (g *rawGate) open() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.view = make(chan struct{})
	return g.view
}

func (g *rawGate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.view != nil {
		close(g.view)
		g.view = nil
	}
}

// shown is the view if it goes on; nil if there is none, or if a report is worth
// coming back for, which ends it.
func (g *rawGate) shown(got reports) <-chan struct{} {
	for _, r := range got {
		switch r.Event.(type) {
		case flow.AnswerArrived, flow.Failed, flow.Linked, flow.ServiceAccountAccepted:
			g.close()
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.view
}
