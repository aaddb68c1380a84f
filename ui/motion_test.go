package ui

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"charm.land/bubbles/v2/spinner"
	tea "charm.land/bubbletea/v2"
	"github.com/stretchr/testify/require"

	"confer/flow"
)

// clockOf lets a test move the wizard's time.
func clockOf(m *Model) func(time.Duration) {
	now := start
	m.cfg.Now = func() time.Time { return now }
	return func(d time.Duration) { now = now.Add(d) }
}

// TestOnlyTheCountdownMoves: while the administrator is waited for, a second
// changes one cell, and nothing spins.
func TestOnlyTheCountdownMoves(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"waiting", "paste", "waiting_ssh", "table"} {
		for _, s := range scenes() {
			if s.name != name {
				continue
			}
			m := s.model(t, 120, 40)
			pass := clockOf(m)
			before := []rune(text(m))
			pass(time.Second)
			after := []rune(text(m))
			require.Len(t, after, len(before), name)
			changed := 0
			for i := range before {
				if before[i] != after[i] {
					changed++
				}
			}
			require.Equal(t, 1, changed, "%s: a second changes one cell", name)
			require.False(t, working(m.state, m.cfg.Now()))
		}
	}
}

// TestSpinnerOnlyWhileWeWork: it starts with a task of ours and stops by itself.
func TestSpinnerOnlyWhileWeWork(t *testing.T) {
	t.Parallel()
	m := newModel(t, walk(t, flow.Start(flow.Initial{}), toAuthorize()...))
	resize(m, 80, 24)
	require.False(t, m.spinning)
	press(m, "enter")
	require.True(t, m.spinning, "making the link is our work")
	report(t, m, linkReady())
	tick := m.spinner.Tick().(spinner.TickMsg)
	_, cmd := m.Update(tick)
	require.Nil(t, cmd, "waiting for a person is not")
	require.False(t, m.spinning)
	require.True(t, m.ticking, "the countdown is the sign of life")
	report(t, m, flow.AnswerArrived{})
	require.True(t, m.spinning)
}

// TestOneTickAtATime: keys and reports do not add clocks.
func TestOneTickAtATime(t *testing.T) {
	t.Parallel()
	m := newModel(t, walk(t, flow.Start(flow.Initial{}), toWaiting()...))
	resize(m, 80, 24)
	require.NotNil(t, m.animate())
	require.Nil(t, m.animate())
	_, cmd := m.Update(second{})
	require.NotNil(t, cmd, "the next second")
	pass := clockOf(m)
	pass(time.Hour)
	_, cmd = m.Update(second{})
	require.Nil(t, cmd, "the time is over")
	require.Contains(t, text(m), "0:00")
}

func TestClock(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{0: "0:00", -time.Hour: "0:00", time.Millisecond: "0:01", 59 * time.Second: "0:59",
		5 * time.Minute: "5:00", time.Hour + 2*time.Minute + 9*time.Second: "1:02:09"} {
		require.Equal(t, want, clock(d))
	}
}

// TestRunEndsWithItsContext: the terminal is left as it was found.
func TestRunEndsWithItsContext(t *testing.T) {
	t.Parallel()
	for name, at := range map[string][]flow.Event{"page": nil, "waiting": toWaiting()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancelCause(t.Context())
			in, hold := io.Pipe()
			defer hold.Close()
			var out bytes.Buffer
			seen := &watch{to: &out, want: "confer", seen: make(chan struct{})}
			go func() { <-seen.seen; cancel(context.Canceled) }()
			state, err := Run(ctx, Config{State: walk(t, flow.Start(flow.Initial{}), at...), Tasks: idle{}, Now: func() time.Time { return start }, Input: in, Output: seen})
			require.ErrorIs(t, err, context.Canceled)
			require.Equal(t, walk(t, flow.Start(flow.Initial{}), at...).Step, state.Step)
			require.Contains(t, out.String(), "\x1b[?1049l", "the alternate screen is left")
			require.Contains(t, out.String(), "\x1b[?25h", "the cursor is shown")
		})
	}
}

// watch says when a text was written.
type watch struct {
	to   *bytes.Buffer
	want string
	seen chan struct{}
	done bool
}

func (w *watch) Write(p []byte) (int, error) {
	n, err := w.to.Write(p)
	if !w.done && strings.Contains(w.to.String(), "\x1b[?1049h") {
		w.done = true
		close(w.seen)
	}
	return n, err
}

// TestQuitKeepsTheState: Run gives what was reached.
func TestQuitKeepsTheState(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	in, keys := io.Pipe()
	go func() { _, _ = keys.Write([]byte("\r")); _, _ = keys.Write([]byte{3}) }()
	state, err := Run(t.Context(), Config{State: flow.Start(flow.Initial{}), Tasks: idle{}, Input: in, Output: &out})
	require.NoError(t, err)
	require.Equal(t, flow.StepApplication, state.Step)
}

// TestClipboardAndFile: the real link goes where the operator sends it.
func TestClipboardAndFile(t *testing.T) {
	t.Parallel()
	var name, content string
	m := newModel(t, walk(t, flow.Start(flow.Initial{}), toWaiting()...), func(c *Config) {
		c.SaveFile = func(n, text string) (string, error) { name, content = n, text; return "/home/ada/" + n, nil }
	})
	resize(m, 80, 24)
	copied := press(m, "c")
	require.Equal(t, tea.SetClipboard(testURL)(), copied())
	done := press(m, "w")()
	require.Equal(t, "confer-link.txt", name)
	require.Equal(t, testURL+"\n", content)
	m.Update(done)
	require.Contains(t, text(m), "/home/ada/confer-link.txt")
	press(m, "m")
	m.Update(press(m, "w")())
	require.Contains(t, content, "\n"+testURL+"\n", "alone on its line")
	require.Contains(t, content, "send it to me at once")
}
