package command

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"confer/cronofy"
	"confer/internal/profiles"
)

// progress tells people how far a run has come: one line that is written over
// and over on a terminal; else only waits, in lines of their own. It is used by
// several goroutines.
type progress struct {
	w    io.Writer
	live bool // a terminal that records do not go to
	same bool // a terminal that records go to, too: a line stands there only between them
	now  func() time.Time

	answers func(now time.Time) string // how far delegated access has come; nil: there is none

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
	apart := toFile || !outTerminal
	p := &progress{w: s.err, live: errTerminal && apart, same: errTerminal && !apart, now: time.Now, counts: map[profiles.State]int{}}
	p.began = p.now()
	return p
}

func (p *progress) record(s profiles.State) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.read++
	p.counts[s]++
	if now := p.now(); p.live && now.Sub(p.drawn) >= redraw {
		p.draw(now)
	}
}

// wait hears of a pause before a call. Many calls wait for the same moment: it
// is told once. In lines of their own, of short ones only some are told.
func (p *progress) wait(w cronofy.Wait) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	until := now.Add(w.For)
	told := until.Before(p.until.Add(time.Second))
	if told {
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
	fmt.Fprintf(p.w, "confer: waiting %s (%s)\n", w.For.Round(100*time.Millisecond), w.Reason)
}

func (p *progress) draw(now time.Time) {
	p.drawn = now
	var parts []string
	if p.answers != nil {
		if words := p.answers(now); words != "" {
			parts = append(parts, words)
		}
	}
	if p.live {
		parts = append(parts, p.counted(now)...)
	}
	line := strings.Join(parts, ", ")
	fmt.Fprintf(p.w, "\r%s%s", line, strings.Repeat(" ", max(0, p.shown-len(line))))
	p.shown = len(line)
}

func (p *progress) counted(now time.Time) []string {
	parts := []string{fmt.Sprintf("%d read", p.read)}
	for _, s := range []profiles.State{profiles.Connected, profiles.Disconnected, profiles.Missing, profiles.Failed} {
		if n := p.counts[s]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, s))
		}
	}
	if left := p.until.Sub(now); left > 0 {
		parts = append(parts, fmt.Sprintf("waiting %s (%s)", left.Round(time.Second), p.reason))
	} else if took := now.Sub(p.began).Seconds(); took >= 1 {
		parts = append(parts, fmt.Sprintf("%.0f a second", float64(p.read)/took))
	}
	return parts
}

func (p *progress) terminal() bool { return p.live || p.same }

// tick draws the line anew, for what counts down.
func (p *progress) tick(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return
	}
	if p.live || p.shown > 0 || p.answers(now) != "" {
		p.draw(now)
	}
}

// say writes a line of its own.
func (p *progress) say(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.erase()
	fmt.Fprintln(p.w, text)
}

// above does what writes records, out of the way of a line on the same screen.
func (p *progress) above(do func() error) error {
	if !p.same {
		return do()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.erase()
	return do()
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
