//go:build linux || darwin

package ui

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"confer/cronofy"
	"confer/flow"
	"confer/internal/screentest"
)

// linesGlass is a terminal with the line mode in it.
type linesGlass struct {
	*screentest.Terminal
	t      *testing.T
	tasks  *linesTasks
	orders chan flow.Task
	cancel context.CancelFunc
	done   chan struct{}
	last   flow.State
	err    error
}

// linesTell hands orders to the test.
type linesTell struct {
	*linesTasks
	orders chan flow.Task
}

func (p linesTell) Follow(_, _ flow.State, task *flow.Task) {
	if task != nil {
		p.orders <- *task
	}
}

func linesTerminalRun(t *testing.T, s flow.State) *linesGlass {
	t.Helper()
	g := &linesGlass{Terminal: screentest.Open(t, 100, 30, true), t: t, tasks: newLinesTasks(), orders: make(chan flow.Task, 64), done: make(chan struct{})}
	before := goleak.IgnoreCurrent()
	ctx, cancel := context.WithCancel(t.Context())
	g.cancel = cancel
	go func() {
		defer close(g.done)
		g.last, g.err = RunLines(ctx, Config{Err: g.TTY, State: s, Tasks: linesTell{g.tasks, g.orders}, Input: g.TTY, Output: g.TTY,
			Now: func() time.Time { return start }})
	}()
	t.Cleanup(func() {
		cancel()
		screentest.Receive(g.Screen, g.done, "end of the run")
		goleak.VerifyNone(t, before)
	})
	return g
}

// ordered is the next task.
func (g *linesGlass) ordered() flow.Task {
	g.t.Helper()
	return screentest.Receive(g.Screen, g.orders, "order")
}

func (g *linesGlass) reports(id int, events ...flow.Event) {
	for _, ev := range events {
		g.tasks.events <- flow.Report{Task: id, Event: ev}
	}
}

// ended waits for the run's end; the terminal must be as it was found.
func (g *linesGlass) ended() {
	g.t.Helper()
	screentest.Receive(g.Screen, g.done, "end of the run")
	require.Equal(g.t, g.Before(), g.Modes())
}

// toTheEnd is the page after the link. Those before it that the test does not know are
// passed.
func (g *linesGlass) toTheEnd() {
	g.t.Helper()
	passed := 0
	g.WhenWritten("the page after the link", func(raw string) bool {
		_, linked, _ := strings.Cut(raw, "linked ser_")
		if asked := strings.Count(linked, "Your choice ["); asked > passed {
			passed = asked
			g.Press("\r")
		}
		return strings.Contains(linked, "[4, Finish]: ")
	})
}

// finishes skips the check of accounts.
func (g *linesGlass) finishes() {
	g.t.Helper()
	g.Press("f\r")
	g.UntilWritten("[finish]: ")
	g.Press("\r")
}

// linesFirstQuestion is how the choice of a data center ends.
func linesFirstQuestion() string { return fmt.Sprintf("1 to %d: ", len(cronofy.DataCenters())) }

// TestLinesTerminalPaste: the kernel cuts a line that it edits at 4,096 bytes;
// an address of 10,000 comes whole.
func TestLinesTerminalPaste(t *testing.T) {
	g := linesTerminalRun(t, linesAt(t, toAuthorize()...))
	g.UntilWritten("]: ")
	g.Press("\r")
	order := g.ordered()
	require.IsType(t, flow.Authorize{}, order.Effect)
	g.reports(order.ID, linkReady())
	g.UntilWritten("? says what can be done.")
	address := "http://127.0.0.1:8739/callback?code=" + strings.Repeat("Zx81kQ.~", 1240) + "&state=9f0c3e1ab27d44f8"
	require.Greater(t, len(address), 9900)
	g.Press(address + "\r")
	pasted := g.ordered().Effect.(flow.Pasted)
	require.Len(t, pasted.Text, len(address))
	require.True(t, pasted.Text == address)
	g.UntilWritten("Checking what was pasted.")
	require.NotEqual(t, g.Before(), g.Modes())
	g.reports(order.ID, flow.AnswerArrived{}, linked())
	g.toTheEnd()
	require.Equal(t, g.Before(), g.Modes(), "lines are edited by the terminal again")
	g.finishes()
	g.ended()
	require.NoError(t, g.err)
	require.NotNil(t, g.last.Link)
}

func TestLinesTerminalSecret(t *testing.T) {
	g := linesTerminalRun(t, linesAt(t, toApplication()...))
	g.UntilWritten("Client id: ")
	g.Press(testClient + "\r")
	g.UntilWritten("Client secret, not shown: ")
	g.Press(testSecret + "x\x7f\r")
	g.UntilWritten("Redirect URI [")
	require.Equal(t, g.Before(), g.Modes())
	g.Press("\r")
	check := g.ordered().Effect.(flow.CheckApplication)
	require.Equal(t, testSecret, check.Answers.ClientSecret.Reveal())
	g.UntilWritten("Asking Cronofy")
	g.cancel()
	g.ended()
	require.Contains(t, g.Raw(), testClient, "what is no secret is shown")
	require.NotContains(t, g.Raw(), testSecret[:4])
	require.Empty(t, linesForbidden(strings.ReplaceAll(g.Raw(), "\r\n", "\n")))
}

// TestLinesTerminalRestored: the terminal is as it was found whatever ends the
// run, wherever it is.
func TestLinesTerminalRestored(t *testing.T) {
	places := map[string]struct {
		state flow.State
		at    string
	}{
		"question": {linesAt(t), linesFirstQuestion()},
		"secret":   {linesAt(t, append(toApplication(), flow.ApplicationEntered{ClientID: testClient, RedirectURI: flow.DefaultRedirectURI}, fail(flow.ErrNoSecret))...), "Client secret, not shown: "},
		"waiting":  {linesAt(t, toWaiting()...), "can be done."},
	}
	ways := map[string]func(g *linesGlass){
		"cancelled": func(g *linesGlass) { g.cancel() },
		"ctrl+d":    func(g *linesGlass) { g.Press("\x04") },
		"quit":      func(g *linesGlass) { g.Press("q\rq\r") },
	}
	for place, p := range places {
		for way, end := range ways {
			t.Run(place+" "+way, func(t *testing.T) {
				g := linesTerminalRun(t, p.state)
				g.UntilWritten(p.at)
				end(g)
				g.ended()
				if way == "cancelled" {
					require.ErrorIs(t, g.err, context.Canceled)
				} else {
					require.NoError(t, g.err)
				}
			})
		}
	}
}

// TestLinesTerminalGone: a terminal that was closed ends the run.
func TestLinesTerminalGone(t *testing.T) {
	g := linesTerminalRun(t, linesAt(t))
	g.UntilWritten(linesFirstQuestion())
	g.HangUp()
	screentest.Receive(g.Screen, g.done, "end of the run")
}

// TestLinesTerminalOvertaken: the callback comes while an address is being
// typed. The next question is answered by what is typed after it.
func TestLinesTerminalOvertaken(t *testing.T) {
	s := linesAt(t, toWaiting()...)
	g := linesTerminalRun(t, s)
	g.UntilWritten("can be done.")
	g.Press("http://127.0.0.1:87")
	g.UntilWritten("127.0.0.1:87")
	g.reports(s.Running.ID, flow.AnswerArrived{}, linked())
	g.toTheEnd()
	g.finishes()
	g.ended()
	require.NoError(t, g.err)
	require.True(t, g.last.Watch.Started && g.last.Answers.Accounts.None())
}

// TestLinesTerminalTypedOver: what was typed after an address, and was read or
// not when the answer came, is no part of the next answer either.
func TestLinesTerminalTypedOver(t *testing.T) {
	s := linesAt(t, toWaiting()...)
	g := linesTerminalRun(t, s)
	g.UntilWritten("can be done.")
	g.Press(linesFinal + "\r")
	require.Equal(t, flow.Pasted{Text: linesFinal}, g.ordered().Effect)
	g.Press(strings.Repeat("x", 5000) + "END") // more than one read takes
	g.UntilWritten("END")
	g.reports(s.Running.ID, flow.AnswerArrived{}, linked())
	g.toTheEnd()
	g.finishes()
	g.ended()
	require.True(t, g.last.Watch.Started && g.last.Answers.Accounts.None())
}

// TestLinesReadThatStays: what cannot be given up, as on a Windows console, is not
// read by two, of which one would take the next answer along.
func TestLinesReadThatStays(t *testing.T) {
	r, w := io.Pipe()
	in := openLinesInput(r)
	in.typed, in.fd, in.change = true, -1, func(linesMode) error { return nil }
	in.drop()
	go func() { _, _ = io.WriteString(w, "answer\n") }()
	select {
	case read := <-in.reads():
		in.feed(read)
	case <-time.After(10 * time.Second):
		t.Fatal("nothing was read")
	}
	text, ok := in.take()
	require.True(t, ok)
	require.Equal(t, "answer", text)
	in.close()
}

// TestLinesReadOnlyWhenAsked: what follows an answer is for whoever reads next.
func TestLinesReadOnlyWhenAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe()
		in := openLinesInput(r)
		defer in.close()
		go func() { _, _ = io.WriteString(w, "answer\n"); _, _ = io.WriteString(w, "later\n") }()
		in.feed(<-in.reads())
		synctest.Wait()
		rest := make([]byte, 16)
		n, err := r.Read(rest)
		require.NoError(t, err)
		require.Equal(t, "later\n", string(rest[:n]))
	})
}

// TestLinesBegunBeforeAStop: what was typed and not seen is not a part of the answer
// to the question that is asked anew.
func TestLinesBegunBeforeAStop(t *testing.T) {
	in := &linesInput{change: func(linesMode) error { return nil }}
	in.feed(linesRead{data: []byte("begun")})
	in.stands(false)
	in.feed(linesRead{data: []byte("answer\n")})
	text, _ := in.take()
	require.Equal(t, "answer", text)
}

// stuck has something to read, which is gone when it is read.
type stuck struct {
	*os.File
	begun, release chan struct{}
}

func (s stuck) Read([]byte) (int, error) {
	close(s.begun)
	<-s.release
	return 0, io.EOF
}

// TestLinesReadThatHangs does not keep the program.
func TestLinesReadThatHangs(t *testing.T) {
	r, w, err := os.Pipe()
	require.NoError(t, err)
	s := stuck{r, make(chan struct{}), make(chan struct{})}
	in := openLinesInput(s)
	in.reads()
	_, err = w.WriteString("x")
	require.NoError(t, err)
	<-s.begun
	closed := make(chan struct{})
	go func() { in.close(); close(closed) }()
	select {
	case <-closed:
	case <-time.After(10 * time.Second):
		t.Fatal("the end waits for a read")
	}
	close(s.release)
}
