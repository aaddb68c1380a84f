package ui

import (
	"bytes"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/muesli/cancelreader"
	"github.com/stretchr/testify/require"

	"confer/flow"
)

// fakeKeys is a terminal that gives what is typed piece by piece.
type fakeKeys struct {
	pieces chan string
	ended  chan struct{}
	once   sync.Once
}

func (k *fakeKeys) Read(b []byte) (int, error) {
	select {
	case s := <-k.pieces:
		return copy(b, s), nil
	case <-k.ended:
		return 0, cancelreader.ErrCanceled
	}
}

func (k *fakeKeys) Cancel() bool                { k.once.Do(func() { close(k.ended) }); return true }
func (k *fakeKeys) Write(b []byte) (int, error) { return len(b), nil }
func (k *fakeKeys) Close() error                { return nil }
func (k *fakeKeys) Fd() uintptr                 { return ^uintptr(0) }
func (k *fakeKeys) Name() string                { return "keys" }

// TestAPasteOverTheRawLinkIsNotLost: none of it acts as keys, and d and y would
// end the wait.
func TestAPasteOverTheRawLinkIsNotLost(t *testing.T) {
	t.Parallel()
	const address = "http://127.0.0.1:8739/callback?code=dy&state=confer1-dy"
	long := strings.Repeat("y", rawMost)
	for name, c := range map[string]struct {
		pieces []string
		pause  time.Duration // between the pieces
		want   string
	}{
		"one key":              {pieces: []string{"d"}},
		"enter":                {pieces: []string{"\r"}},
		"an arrow":             {pieces: []string{"\x1b[A"}},
		"marked":               {pieces: []string{"\x1b[200~" + address + "\x1b[201~"}, want: address},
		"marked, in pieces":    {pieces: []string{"\x1b[20", "0~" + address[:20], address[20:] + "\x1b[2", "01~"}, want: address},
		"marked, slowly":       {pieces: []string{"\x1b[200~" + address[:20], address[20:], "\x1b[201~"}, pause: time.Second, want: address},
		"marked, broken off":   {pieces: []string{"\x1b[200~" + address}, want: address},
		"not marked":           {pieces: []string{address}, want: address},
		"not marked, pieces":   {pieces: []string{"h", address[1:20], address[20:]}, pause: 50 * time.Millisecond, want: address},
		"a key, then a paste":  {pieces: []string{"x\x1b[200~" + address + "\x1b[201~"}, want: address},
		"too long, and ends":   {pieces: []string{"\x1b[200~", long, long, "\x1b[201~"}},
		"a terminal's own say": {pieces: []string{"\x1b]11;rgb:1111/2222/3333\a"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				keys := &fakeKeys{pieces: make(chan string), ended: make(chan struct{})}
				var out bytes.Buffer
				r := &rawLink{link: testURL, gate: &rawGate{}, over: make(chan struct{}), in: keys, out: &out,
					open: func(io.Reader) (cancelreader.CancelReader, error) { return keys, nil }}
				ended := make(chan error, 1)
				go func() { ended <- r.Run() }()
				for _, p := range c.pieces {
					for p != "" {
						n := min(len(p), 4096)
						keys.pieces <- p[:n]
						p = p[n:]
					}
					time.Sleep(c.pause) // the bubble's
				}
				require.NoError(t, <-ended)
				require.Contains(t, out.String(), "\x1b[?2004h", "the terminal marks a paste")
				if strings.HasPrefix(name, "too long") {
					require.Greater(t, len(r.pasted), maxPaste)
					return
				}
				require.Equal(t, c.want, r.pasted)
			})
		})
	}
}

// TestAPasteOverTheRawLinkOpensItsField, and on the page of the time-out it is
// kept for the next wait.
func TestAPasteOverTheRawLinkOpensItsField(t *testing.T) {
	t.Parallel()
	const address = "http://127.0.0.1:8739/callback?code=dy&state=confer1-dy"
	m := newModel(t, walk(t, flow.Start(flow.Initial{}), toWaiting()...))
	resize(m, 100, 30)
	m.Update(rawShown{pasted: address})
	require.Contains(t, text(m), "Paste the final address")
	require.Contains(t, text(m), address)
	require.Equal(t, flow.PhaseWaiting, m.State().Attempt.Phase)
}

// TestTheTimeOutKeepsAnAddressThatNobodyChecked, pasted before it or after.
func TestTheTimeOutKeepsAnAddressThatNobodyChecked(t *testing.T) {
	t.Parallel()
	const address = "http://127.0.0.1:8739/callback?code=c1&state=confer1-s1"
	paste := func(m *Model) { m.Update(tea.PasteMsg{Content: address}) }
	for name, c := range map[string]struct{ before, after func(*Model) }{
		"pasted before": {paste, func(*Model) {}},
		"pasted after":  {func(*Model) {}, paste},
		"raw link":      {func(*Model) {}, func(m *Model) { m.Update(rawShown{pasted: address}) }},
	} {
		m := newModel(t, walk(t, flow.Start(flow.Initial{}), toWaiting()...))
		resize(m, 100, 30)
		c.before(m)
		m.apply(flow.Report{Task: m.State().Running.ID, Event: flow.Failed{Err: flow.ErrTimeout}})
		c.after(m)
		require.Contains(t, text(m), "The address that was pasted is kept.", name)
		press(m, "enter")
		m.apply(flow.Report{Task: m.State().Running.ID, Event: linkReady()})
		require.Contains(t, text(m), "Paste the final address", name)
		require.Contains(t, text(m), address, name)
	}
}

// TestACheckedAddressDoesNotComeBack: it was no answer.
func TestACheckedAddressDoesNotComeBack(t *testing.T) {
	t.Parallel()
	m := newModel(t, walk(t, flow.Start(flow.Initial{}), toWaiting()...))
	resize(m, 100, 30)
	m.Update(tea.PasteMsg{Content: "abcdef0123456789"})
	press(m, "enter")
	m.apply(flow.Report{Task: m.State().Running.ID, Event: flow.AnswerRejected{Err: flow.ErrTimeout}})
	require.Contains(t, text(m), "abcdef0123456789", "it can be put right")
	m.apply(flow.Report{Task: m.State().Running.ID, Event: flow.Failed{Err: flow.ErrTimeout}})
	require.NotContains(t, text(m), "was pasted is kept")
	press(m, "enter")
	m.apply(flow.Report{Task: m.State().Running.ID, Event: linkReady()})
	require.NotContains(t, text(m), "abcdef0123456789")
}
