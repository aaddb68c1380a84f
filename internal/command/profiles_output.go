package command

import (
	"bytes"
	"context"
	"errors"
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

// recordsFile is a file that takes its name when all records are in it, one that grows
// with each of them, or what is no file: standard output, a pipe, a device.
type recordsFile interface {
	io.Writer
	Commit() error // all records were written
}

func (f *profilesFlags) toStdout() bool { return f.out == "" || f.out == "-" }

// openOutput opens what records are written to. Neither the opening nor a write
// outlives ctx where it could: a FIFO and a pipe wait for their readers.
func (r *profilesRun) openOutput(ctx context.Context) (err error) {
	switch f := r.f; {
	case f.toStdout():
		r.file = stream{ctx, r.s.out}
	case f.resume:
		r.file, err = r.goOn(ctx, f.out)
	default:
		r.file, err = r.create(ctx, f.out)
	}
	if err != nil {
		return outError("out", err)
	}
	r.out = profiles.NewWriter(r.file, r.format, profiles.WriterOptions{Site: r.site, Provider: r.provider, Made: time.Now()})
	return nil
}

// create writes beside the file, so that it is either the old or the whole new
// one. What is no regular file is written to as it is.
func (r *profilesRun) create(ctx context.Context, path string) (recordsFile, error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() && !info.IsDir() {
		file, err := await(ctx, func() (*os.File, error) { return os.OpenFile(path, os.O_WRONLY, 0) })
		r.later(func() { _ = file.Close() })
		return stream{ctx, file}, err
	}
	file, err := atomicfile.Create(path, atomicfile.Keep)
	if err == nil {
		r.later(func() { _ = file.Close() })
	}
	return file, err
}

// stream is what is written to as it is. It gives up a write when its context ends.
type stream struct {
	ctx context.Context
	w   io.Writer
}

// Write writes a copy, since a write that was given up may still read it.
func (s stream) Write(p []byte) (int, error) {
	b := bytes.Clone(p)
	return await(s.ctx, func() (int, error) { return s.w.Write(b) })
}

func (stream) Commit() error { return nil }

// grown is a file that goes on where an earlier run ended. A run that gets no record
// changes nothing. At the first one, what is kept of the file takes its place; a kill
// after that leaves accounts without a record, which the next run reads.
type grown struct {
	r    *profilesRun
	path string
	kept *atomicfile.File
	file *os.File // nil before the first record
}

func (r *profilesRun) goOn(ctx context.Context, path string) (recordsFile, error) {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() { // no lock beside a device
		_, err := atomicfile.OpenInPlace(path, atomicfile.Keep)
		return nil, err
	}
	unlock, err := atomicfile.Lock(ctx, path+".lock", 0)
	if err != nil {
		return nil, err
	}
	r.later(unlock)
	old, err := atomicfile.OpenInPlace(path, atomicfile.Keep)
	if err != nil {
		return nil, err
	}
	defer old.Close() // Windows replaces no open file
	kept, err := atomicfile.Create(path, atomicfile.Keep)
	if err != nil {
		return nil, err
	}
	r.later(func() { _ = kept.Close() })
	r.done, err = profiles.ReadDone(old, kept)
	return &grown{r: r, path: path, kept: kept}, err
}

func (g *grown) begin() (err error) {
	if g.file != nil {
		return nil
	}
	if err = g.kept.Commit(); err != nil {
		return err
	}
	g.file, err = os.OpenFile(g.path, os.O_WRONLY|os.O_APPEND, 0)
	g.r.later(func() { _ = g.file.Close() })
	return err
}

func (g *grown) Write(b []byte) (int, error) {
	if err := g.begin(); err != nil {
		return 0, err
	}
	return g.file.Write(b)
}

func (g *grown) Commit() error {
	if err := g.begin(); err != nil { // there may be records that --only leaves out
		return err
	}
	return g.file.Sync()
}

const busyFile = "another confer is writing to this file"

// outError is for the file of --out or --tokens-out, which could not be opened.
func outError(flag string, err error) error {
	unsafe, isUnsafe := errors.AsType[*atomicfile.UnsafeError](err)
	why, hint := cronofy.FileReason(err), "name a file that can be written"
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, atomicfile.ErrLocked) && flag == "tokens-out":
		why, hint = busyFile, "wait until it has ended: two at once could use up each other's refresh tokens"
	case errors.Is(err, atomicfile.ErrLocked):
		why, hint = busyFile, "wait until it has ended, or name another file"
	case errors.Is(err, profiles.ErrTokensFormat):
		hint = "name a new file, or one that confer wrote"
	case errors.Is(err, profiles.ErrNotRecords):
		hint = "--continue goes on with a file that --format json wrote; name another file to begin anew"
	case isUnsafe:
		why, hint = unsafe.Why, "name a file"
	}
	return usage("--"+flag+": "+why, hint)
}

// errOutput is wrapped around the error of records that could not be written.
var errOutput = errors.New("write records")

// progress tells people how far a run has come: on a terminal in one line that is written
// over and over, else now and then, while something is waited for. It is used by several
// goroutines.
type progress struct {
	w io.Writer

	mu      sync.Mutex
	alone   bool                      // on a terminal that records do not go to
	live    bool                      // the line is drawn there
	answers func() delegated.Progress // how far delegated access has come; nil: there is none
	counts  map[profiles.State]int
	read    int
	until   time.Time // when the pause before a call ends
	reason  string
	line    string    // on screen
	said    time.Time // the last line about a wait
}

const (
	redraw   = 200 * time.Millisecond // how often the line is drawn
	sayEvery = 30 * time.Second       // how often waits are told where each is a line: a long run has one every second or two
)

func newProgress(s streams, toFile bool) *progress {
	_, errTerminal := asTerminal(s.err)
	_, outTerminal := asTerminal(s.out)
	return &progress{w: s.err, alone: errTerminal && (toFile || !outTerminal), counts: map[profiles.State]int{}}
}

func (p *progress) record(s profiles.State) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.read++
	p.counts[s]++
}

// wait hears of a pause before a call. Many calls wait for the same moment.
func (p *progress) wait(w cronofy.Wait) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if until := time.Now().Add(w.For); until.After(p.until) {
		p.until, p.reason = until, w.Reason
	}
}

// words tell how far the run has come, and whether it waits: for calendars that have not
// answered, or with a call.
func (p *progress) words(now time.Time) (words string, waits bool) {
	var parts []string
	if p.answers != nil {
		a := p.answers()
		if left := a.Until.Sub(now); a.Asked > 0 && a.Answered < a.Accounts && left > 0 {
			parts, waits = append(parts, fmt.Sprintf("%d of %d answered, %s left", a.Answered, a.Accounts, left.Round(time.Second))), true
		}
	}
	parts = append(parts, fmt.Sprintf("%d read", p.read))
	for _, s := range profiles.States() {
		if n := p.counts[s]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, profiles.Record{State: s}.Words()))
		}
	}
	if left := p.until.Sub(now); left > 0 {
		parts, waits = append(parts, fmt.Sprintf("waiting %s (%s)", left.Round(time.Second), p.reason)), true
	}
	return strings.Join(parts, ", "), waits
}

func (p *progress) say(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.erase()
	fmt.Fprintln(p.w, text)
}

// begin has the line drawn, on a terminal where nothing is asked any more: the line would
// stand over the question.
func (p *progress) begin() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.live = p.alone
}

// end takes the line away for good.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.erase()
	p.live, p.answers, p.until = false, nil, time.Time{}
}

func (p *progress) erase() {
	if p.line != "" {
		fmt.Fprintf(p.w, "\r%*s\r", len(p.line), "")
		p.line = ""
	}
}

func (p *progress) watch(answers func() delegated.Progress) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answers = answers
}

func (p *progress) run(ctx context.Context) {
	for ticks := time.Tick(redraw); ctx.Err() == nil; {
		select {
		case <-ticks:
			p.tick()
		case <-ctx.Done():
		}
	}
}

// tick draws the line, or now and then tells what is waited for in one of its own.
func (p *progress) tick() {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	words, waits := p.words(now)
	switch {
	case p.live && words != p.line:
		fmt.Fprintf(p.w, "\r%-*s", len(p.line), words)
		p.line = words
	case !p.live && waits && now.Sub(p.said) >= sayEvery:
		p.said = now
		fmt.Fprintln(p.w, "confer: "+words)
	}
}
