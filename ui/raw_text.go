package ui

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
	"github.com/muesli/cancelreader"

	"confer/cronofy"
)

const (
	// rawGather is how long a terminal must be silent before a key, or a paste
	// without marks, counts as whole: its pieces come within milliseconds.
	rawGather = 100 * time.Millisecond
	// rawStall is how long a paste may break off before its end.
	rawStall = 2 * time.Second
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
		return rawStall
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
