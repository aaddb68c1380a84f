// Package screentest runs programs in front of a terminal that tests can read:
// an emulated screen, and on Unix a pseudo-terminal. Every wait ends, and says
// what the screen showed.
package screentest

import (
	"bytes"
	"io"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/vt"
)

// Patience bounds each wait of a terminal test. It is no measure of speed: a
// test goes on as soon as what it waits for is there.
const Patience = 10 * time.Second

// Screen is an emulated terminal that is written to.
type Screen struct {
	Patience time.Duration // for waits; more than the usual only for a program that computes that long, and the test says why

	t       testing.TB
	mu      sync.Mutex
	single  bool // there is no alternate screen to change to
	changed *sync.Cond
	screen  *vt.Emulator
	raw     bytes.Buffer
	ended   bool
	drawing bool // in the middle of a synchronized update: a person would still see what was there before
	watch   func(arrived time.Time)
}

// New makes a screen of that size, which writes what it answers to queries to
// answers. A terminal that never answers has io.Discard for it.
func New(t testing.TB, width, height int, answers io.Writer) *Screen {
	s := &Screen{Patience: Patience, t: t, screen: vt.NewEmulator(width, height)}
	s.changed = sync.NewCond(&s.mu)
	s.screen.RegisterCsiHandler(ansi.Command('?', '$', 'p'), func(params ansi.Params) bool { // the emulator draws at once, and says so
		mode, _, _ := params.Param(0, 0)
		if mode != ansi.ModeSynchronizedOutput.Mode() {
			return false
		}
		_, _ = io.WriteString(answers, ansi.ReportMode(ansi.ModeSynchronizedOutput, ansi.ModeReset))
		return true
	})
	for final, begins := range map[byte]bool{'h': true, 'l': false} {
		s.screen.RegisterCsiHandler(ansi.Command('?', 0, final), func(params ansi.Params) bool {
			if mode, _, _ := params.Param(0, 0); mode == ansi.ModeSynchronizedOutput.Mode() {
				s.drawing = begins
			}
			return false
		})
	}
	go func() { // the emulator blocks on its own answers if nobody reads them, also where they go nowhere any more
		_, _ = io.Copy(answers, s.screen)
		_, _ = io.Copy(io.Discard, s.screen)
	}()
	return s
}

// NoAlternate makes it a terminal that has one screen alone.
func (s *Screen) NoAlternate() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.single = true
}

// Write draws.
func (s *Screen) Write(b []byte) (int, error) {
	arrived := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.raw.Write(b)
	drawn := b
	if s.single {
		drawn = alternate.ReplaceAll(b, nil)
	}
	_, err := s.screen.Write(drawn)
	if s.watch != nil {
		s.watch(arrived)
	}
	s.changed.Broadcast()
	return len(b), err
}

var alternate = regexp.MustCompile(`\x1b\[\?(1049|1047|47)[hl]`)

// End says that nothing more will be drawn: waits for it are over.
func (s *Screen) End() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	s.changed.Broadcast()
}

// Text is what the screen shows.
func (s *Screen) Text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.screen.String()
}

// Raw is every byte that was written.
func (s *Screen) Raw() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.raw.String()
}

// Until waits for the screen to show all of the texts.
func (s *Screen) Until(texts ...string) string {
	s.t.Helper()
	return s.When(strings.Join(texts, " + "), func(screen string) bool { return containsAll(screen, texts) })
}

// UntilWritten waits for texts among the bytes, wherever they are now: for what
// scrolls, or what the terminal wraps by itself.
func (s *Screen) UntilWritten(texts ...string) {
	s.t.Helper()
	s.When(strings.Join(texts, " + "), func(string) bool { return containsAll(s.raw.String(), texts) })
}

// WhenWritten waits until ok holds of the bytes, and gives them.
func (s *Screen) WhenWritten(what string, ok func(raw string) bool) (raw string) {
	s.t.Helper()
	s.When(what, func(string) bool {
		raw = s.raw.String()
		return ok(raw)
	})
	return raw
}

func containsAll(s string, texts []string) bool {
	for _, text := range texts {
		if !strings.Contains(s, text) {
			return false
		}
	}
	return true
}

// When waits until ok holds of the screen, and gives it.
func (s *Screen) When(what string, ok func(screen string) bool) string {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	var screen string
	Wait(s.t, s.changed, s.Patience, what, func() bool {
		screen = s.screen.String()
		return (!s.drawing || s.ended) && ok(screen)
	}, func() (string, bool) { return screen, s.ended })
	return screen
}

// Wait waits on a condition until ok holds, with its lock held. shown is what
// there is to see, and whether no more will come.
func Wait(t testing.TB, changed *sync.Cond, patience time.Duration, what string, ok func() bool, shown func() (text string, ended bool)) {
	t.Helper()
	late := false
	limit := time.AfterFunc(patience, func() {
		changed.L.Lock()
		defer changed.L.Unlock()
		late = true
		changed.Broadcast()
	})
	defer limit.Stop()
	for !ok() {
		if text, ended := shown(); ended {
			t.Fatalf("it ended, and the screen never showed %q; it shows:\n%s", what, text)
		} else if late {
			t.Fatalf("within %s the screen never showed %q; it shows:\n%s", patience, what, text)
		}
		changed.Wait()
	}
}

// Receive waits for a value of the program behind the screen.
func Receive[T any](s *Screen, c <-chan T, what string) T {
	s.t.Helper()
	limit := time.NewTimer(s.Patience)
	defer limit.Stop()
	select {
	case v := <-c:
		return v
	case <-limit.C:
		s.t.Fatalf("within %s there was no %s; the screen shows:\n%s", s.Patience, what, s.Text())
		panic("not reached")
	}
}

// Watch calls f after each piece of output was drawn, with the moment it came;
// f gives false to end that.
func (s *Screen) Watch(f func(screen string, arrived time.Time) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watch = func(arrived time.Time) {
		if !f(s.screen.String(), arrived) {
			s.watch = nil
		}
	}
}

// resize changes the emulator alone.
func (s *Screen) resize(width, height int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.screen.Resize(width, height)
}
