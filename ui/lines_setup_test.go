package ui

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode"

	"github.com/stretchr/testify/require"

	"confer/cronofy"
	"confer/flow"
)

// linesTasks carries nothing out: tests report what they like.
type linesTasks struct {
	events  chan flow.Report
	running int
	orders  []flow.Effect
}

func newLinesTasks() *linesTasks { return &linesTasks{events: make(chan flow.Report)} }

func (t *linesTasks) Events() <-chan flow.Report { return t.events }

func (t *linesTasks) Follow(_, _ flow.State, task *flow.Task) {
	if task != nil {
		t.running = task.ID
		t.orders = append(t.orders, task.Effect)
	}
}

// linesPaper is what a teletype would have printed. Standard output is marked,
// and so is what was typed, where a terminal would have shown it.
type linesPaper struct {
	mu   sync.Mutex
	text strings.Builder
	bad  string // what could not be printed
}

func (p *linesPaper) add(s string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.text.WriteString(s)
}

func (p *linesPaper) typed(s string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintf(&p.text, "{%s}", s)
	if all := p.text.String(); !strings.Contains(all[strings.LastIndexByte(all, '\n')+1:], ": {") {
		p.text.WriteByte('\n') // no question stood open on that line
	}
}

func (p *linesPaper) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

// linesStream is one of the two outputs.
type linesStream struct {
	paper *linesPaper
	mark  string
}

func (s linesStream) Write(b []byte) (int, error) {
	if at := linesForbidden(string(b)); at != "" {
		s.paper.mu.Lock()
		s.paper.bad = at
		s.paper.mu.Unlock()
	}
	text := string(b)
	if s.mark != "" {
		text = s.mark + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n"+s.mark) + "\n"
	}
	s.paper.add(text)
	return len(b), nil
}

// linesForbidden is the first thing in a text that a line mode must not write:
// what moves a cursor, a colour, a spinner, an emoji.
func linesForbidden(s string) string {
	for _, r := range s {
		switch {
		case r == '\n', r == unicode.ReplacementChar:
		case unicode.IsControl(r), unicode.Is(unicode.So, r), unicode.Is(unicode.Bidi_Control, r), r >= 0x2800 && r <= 0x28ff, r == 0xfe0f:
			return fmt.Sprintf("%U in %q", r, s)
		}
	}
	return ""
}

// linesTalk is a run of the line mode that a test talks with.
type linesTalk struct {
	t      *testing.T
	typed  bool
	wizard *linesWizard // to be looked at while nothing moves
	paper  *linesPaper
	tasks  *linesTasks
	in     *io.PipeWriter
	ticks  chan time.Time
	now    time.Time
	done   chan struct{}
	last   flow.State
	err    error
	stop   context.CancelFunc
	saved  map[string]string
}

// linesRun begins a run. It must be called in a bubble of synctest: a step of the
// conversation is over when nothing moves any more.
func linesRun(t *testing.T, s flow.State, change ...func(*Config)) *linesTalk {
	t.Helper()
	return linesTyped(t, false, s, change...)
}

// linesTyped is the same; typed tells whether a person types, as far as can be
// told without a terminal.
func linesTyped(t *testing.T, typed bool, s flow.State, change ...func(*Config)) *linesTalk {
	t.Helper()
	in, w := io.Pipe()
	k := &linesTalk{typed: typed, t: t, paper: &linesPaper{}, tasks: newLinesTasks(), in: w, ticks: make(chan time.Time), now: start, done: make(chan struct{}), saved: map[string]string{}}
	cfg := Config{State: s, Tasks: k.tasks, Input: in, Output: linesStream{k.paper, "| "}, Err: linesStream{k.paper, ""}, Now: func() time.Time { return k.now },
		SaveFile: func(name, text string) (string, error) { k.saved[name] = text; return "/home/op/" + name, nil }}
	for _, c := range change {
		c(&cfg)
	}
	ctx, stop := context.WithCancel(t.Context())
	k.stop = stop
	p := newLines(ctx, cfg)
	p.in.typed, k.wizard = k.typed, p
	p.tick = k.ticks
	if s.Running != nil {
		k.tasks.running = s.Running.ID
	}
	go func() {
		defer close(k.done)
		defer p.in.close()
		k.last, k.err = p.run()
	}()
	synctest.Wait()
	return k
}

// types gives lines, one after the other.
func (k *linesTalk) types(lines ...string) {
	k.t.Helper()
	for _, l := range lines {
		shown := l
		if l == testSecret || strings.HasPrefix(l, "hunter") {
			shown = "secret"
		}
		k.paper.typed(shown)
		_, err := io.WriteString(k.in, l+"\n")
		require.NoError(k.t, err)
		synctest.Wait()
	}
}

// to gives answers until a page is asked; without any, empty ones, which pass pages
// that the test does not know.
func (k *linesTalk) to(page pageID, answers ...string) {
	k.t.Helper()
	if len(answers) == 0 {
		answers = []string{""}
	}
	for range 2 * len(flow.Steps()) {
		if k.wizard.at() == page {
			return
		}
		k.types(answers...)
	}
	require.Fail(k.t, "the page never came", "%s; what was said:\n%s", page, k.paper)
}

// keys gives bytes as they are.
func (k *linesTalk) keys(s string) {
	k.t.Helper()
	_, err := io.WriteString(k.in, s)
	require.NoError(k.t, err)
	synctest.Wait()
}

// reports has the running task say things.
func (k *linesTalk) reports(events ...flow.Event) {
	for _, ev := range events {
		k.tasks.events <- flow.Report{Task: k.tasks.running, Event: ev}
		synctest.Wait()
	}
}

// tick lets time pass and the ticker tick.
func (k *linesTalk) tick(d time.Duration) {
	k.now = k.now.Add(d)
	k.ticks <- k.now
	synctest.Wait()
}

// ends ends the input, and the run where a task does not let it end so.
func (k *linesTalk) ends() *linesTalk {
	k.t.Helper()
	require.NoError(k.t, k.in.Close())
	synctest.Wait()
	k.stop()
	<-k.done
	k.paper.mu.Lock()
	defer k.paper.mu.Unlock()
	require.Empty(k.t, k.paper.bad, "every run is append-only")
	require.NotContains(k.t, k.paper.text.String(), testSecret)
	return k
}

// ordered is the last effect that the tasks were given.
func (k *linesTalk) ordered() flow.Effect {
	k.t.Helper()
	require.NotEmpty(k.t, k.tasks.orders)
	return k.tasks.orders[len(k.tasks.orders)-1]
}

func linesSites() []cronofy.Site {
	var out []cronofy.Site
	for _, d := range cronofy.DataCenters() {
		out = append(out, d.Site())
	}
	return out
}

// linesAt is the state after events, from the first page.
func linesAt(t *testing.T, events ...flow.Event) flow.State {
	t.Helper()
	return walk(t, flow.Start(flow.Initial{Sites: linesSites()}), events...)
}
