package command

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"confer/cronofy"
	"confer/internal/atomicfile"
	"confer/internal/delegated"
	"confer/internal/profiles"
)

// recordsOut is where records go: standard output, a file that takes its name when
// all of them are in it, or a file that is added to.
type recordsOut struct {
	profiles.Writer
	done *profiles.Done // nil without --continue

	whole  *atomicfile.File // has no name yet
	file   *os.File         // is written to as it is; nil otherwise
	path   string
	format profiles.Format
	unlock func() // nil: nothing is locked
}

func (f *profilesFlags) toStdout() bool { return f.out == "" || f.out == "-" }

// openOutput opens what records are written to. Neither the opening nor a write
// outlives ctx where it could: a FIFO and a pipe wait for their readers.
func (r *profilesRun) openOutput(ctx context.Context) (*recordsOut, error) {
	o := &recordsOut{format: r.format}
	var w io.Writer
	var err error
	switch f := r.f; {
	case f.toStdout():
		w = r.s.out
		if file := fileOf(w); file != nil && !regular(file) {
			w = &heedingWriter{ctx, file}
		}
	case f.resume:
		w, err = o.reopen(ctx, f.out)
	default:
		w, err = o.create(ctx, f.out)
	}
	if err != nil {
		o.close()
		return nil, outError(err)
	}
	resumed := o.done != nil && o.done.Size > 0
	o.Writer = profiles.NewWriter(w, o.format, profiles.WriterOptions{Resumed: resumed, Site: r.site, Provider: r.provider, Made: time.Now()})
	return o, nil
}

// create writes beside the file, so that it is either the old or the whole new
// one. What is no regular file (a pipe, a device) is written to as it is.
func (o *recordsOut) create(ctx context.Context, path string) (io.Writer, error) {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() && !info.IsDir() {
		if o.file, err = await(ctx, func() (*os.File, error) { return os.OpenFile(path, os.O_WRONLY, 0) }); err != nil {
			return nil, err
		}
		return &heedingWriter{ctx, o.file}, nil
	}
	o.whole, err = atomicfile.Create(path, atomicfile.Keep)
	return o.whole, err
}

// heedingWriter gives up a write when its context ends.
type heedingWriter struct {
	ctx context.Context
	w   io.Writer
}

// Write implements io.Writer. What is written is a copy, since a write that was
// given up may still read it.
func (h *heedingWriter) Write(p []byte) (int, error) {
	b := bytes.Clone(p)
	return await(h.ctx, func() (int, error) { return h.w.Write(b) })
}

// reopen goes on where an earlier run ended, cutting off what a crash left half
// written.
func (o *recordsOut) reopen(ctx context.Context, path string) (io.Writer, error) {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() { // no lock beside a device
		_, err := atomicfile.OpenInPlace(path, atomicfile.Keep)
		return nil, err
	}
	var err error
	if o.unlock, err = atomicfile.Lock(ctx, path+".lock", 0); err != nil {
		return nil, err
	}
	if o.file, err = atomicfile.OpenInPlace(path, atomicfile.Keep); err != nil {
		return nil, err
	}
	o.path = path
	if o.done, err = profiles.ReadDone(o.file, o.format); err != nil {
		return nil, err
	}
	if err := o.file.Truncate(o.done.Size); err != nil {
		return nil, err
	}
	_, err = o.file.Seek(0, io.SeekEnd)
	return o.file, err
}

// dropFailed takes the records in state error out of a file that is gone on with:
// those accounts are read again. A run that gets no record changes nothing. The
// file is replaced as a whole, and a kill after that leaves accounts without a
// record, which the next run reads.
func (o *recordsOut) dropFailed() error {
	if o.done == nil || o.done.Summary.Failed == 0 {
		return nil
	}
	rest, err := atomicfile.Create(o.path, atomicfile.Keep)
	if err != nil {
		return err
	}
	defer rest.Close()
	if _, err := o.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if err := o.done.DropFailed(rest, o.file, o.format); err != nil {
		return err
	}
	if err := o.file.Close(); err != nil { // Windows replaces no open file
		return err
	}
	if err := rest.Commit(); err != nil {
		return err
	}
	if o.file, err = os.OpenFile(o.path, os.O_WRONLY|os.O_APPEND, 0); err != nil {
		return err
	}
	o.Writer = profiles.NewWriter(o.file, o.format, profiles.WriterOptions{Resumed: o.done.Size > 0})
	return nil
}

// outputError is a record that could not be written.
type outputError struct{ err error }

func (e *outputError) Error() string { return "write records: " + e.err.Error() }

// Unwrap gives the system's error.
func (e *outputError) Unwrap() error { return e.err }

// commit makes the file whole and gives it its name.
func (o *recordsOut) commit() error {
	err := o.Close()
	switch {
	case err != nil:
	case o.whole != nil:
		err = o.whole.Commit()
	case o.done != nil:
		err = o.file.Sync()
	}
	if err != nil {
		return &outputError{err}
	}
	return nil
}

// close ends it; what has not got its name is taken away.
func (o *recordsOut) close() {
	if o.whole != nil {
		_ = o.whole.Close()
	}
	if o.file != nil {
		_ = o.file.Close()
	}
	if o.unlock != nil {
		o.unlock()
	}
}

// progress tells people how far a run has come: one line that is written over
// and over on a terminal; else only waits, in lines of their own. It is used by
// several goroutines.
type progress struct {
	w    io.Writer
	live bool // a terminal that records do not go to

	answers   func() delegated.Progress // how far delegated access has come; nil: there is none
	calendars int                       // that access is asked for

	mu     sync.Mutex
	counts map[profiles.State]int
	read   int
	began  time.Time
	drawn  time.Time
	shown  int // cells of the line on screen
	ended  bool
	until  time.Time
	said   time.Time // the last line about a wait
	reason string
}

// redraw is how often the line is drawn at most.
const redraw = 200 * time.Millisecond

// sayEvery is how often short waits are told of where each is a line. A long run
// has one every second or two.
const sayEvery = 10 * time.Second

// newProgress writes to standard error. Where records go to the same screen
// there is no line.
func newProgress(s streams, toFile bool) *progress {
	_, errTerminal := asTerminal(s.err)
	_, outTerminal := asTerminal(s.out)
	return &progress{w: s.err, live: errTerminal && (toFile || !outTerminal), counts: map[profiles.State]int{}, began: time.Now()}
}

func (p *progress) record(s profiles.State) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.read++
	p.counts[s]++
	if p.live && time.Since(p.drawn) >= redraw {
		p.draw(time.Now())
	}
}

// wait hears of a pause before a call. Many calls wait for the same moment: it
// is told once. In lines of their own, of short ones only some are told.
func (p *progress) wait(w cronofy.Wait) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	until := now.Add(w.For)
	if until.Before(p.until.Add(time.Second)) { // told
		return
	}
	p.until, p.reason = until, w.Reason
	if p.live {
		p.draw(now)
		return
	}
	if w.For < sayEvery && now.Before(p.said.Add(sayEvery)) {
		return
	}
	p.said = now
	sayWait(p.w, w.For, w.Reason)
}

func sayWait(w io.Writer, d time.Duration, reason string) {
	fmt.Fprintf(w, "confer: waiting %s (%s)\n", d.Round(100*time.Millisecond), reason)
}

func (p *progress) draw(now time.Time) {
	p.drawn = now
	line := strings.Join(p.counted(now), ", ")
	fmt.Fprintf(p.w, "\r%s%s", line, strings.Repeat(" ", max(0, p.shown-len(line))))
	p.shown = len(line)
}

func (p *progress) counted(now time.Time) []string {
	var parts []string
	if words := p.waitsFor(now); words != "" {
		parts = append(parts, words)
	}
	parts = append(parts, fmt.Sprintf("%d read", p.read))
	for _, s := range profiles.States() {
		if n := p.counts[s]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, profiles.Record{State: s}.Words()))
		}
	}
	if left := p.until.Sub(now); left > 0 {
		parts = append(parts, fmt.Sprintf("waiting %s (%s)", left.Round(time.Second), p.reason))
	} else if took := now.Sub(p.began).Seconds(); took >= 1 {
		parts = append(parts, fmt.Sprintf("%.0f a second", float64(p.read)/took))
	}
	return parts
}

// say writes a line of its own.
func (p *progress) say(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.line(text)
}

func (p *progress) line(text string) {
	p.erase()
	fmt.Fprintln(p.w, text)
}

// end takes the line away for good.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	p.erase()
}

// erase takes the line away, before something else is written.
func (p *progress) erase() {
	if p.shown > 0 {
		fmt.Fprintf(p.w, "\r%s\r", strings.Repeat(" ", p.shown))
		p.shown = 0
	}
}

const (
	// answersTick is how often the line of a terminal counts down.
	answersTick = time.Second
	// answersSay is how often there is a line where each stays.
	answersSay = time.Minute
)

// waitsFor says how many calendars have answered, and how long the others are waited
// for; empty: nothing is waited for.
func (p *progress) waitsFor(now time.Time) string {
	if p.answers == nil {
		return ""
	}
	a := p.answers()
	left := a.Until.Sub(now)
	if a.Asked == 0 || a.Answered >= p.calendars || left <= 0 {
		return ""
	}
	return fmt.Sprintf("%d of %d answered, %s left", a.Answered, p.calendars, left.Round(time.Second))
}

// tick tells what is waited for: the line that counts down, or now and then one of
// its own.
func (p *progress) tick() {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	switch words := p.waitsFor(now); {
	case p.ended:
	case p.live:
		p.draw(now)
	case words != "" && now.Sub(p.said) >= answersSay:
		p.said = now
		p.line("confer: " + words)
	}
}
