package ui

import (
	"bytes"
	"io"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"confer/flow"
)

// rawView is the raw link on a screen, and the inbox beside it.
func rawView() (ended chan error, press *io.PipeWriter, box inbox, from chan flow.Report, done chan struct{}) {
	in, press := io.Pipe()
	gate, from, done := &rawGate{}, make(chan flow.Report), make(chan struct{})
	ended = make(chan error, 1)
	r := &rawLink{link: testURL, gate: gate, over: done, in: in, out: &bytes.Buffer{}}
	go func() { ended <- r.Run() }()
	return ended, press, inbox{from: from, done: done, raw: gate}, from, done
}

// TestAnAnswerEndsTheRawView: while it is shown the Model stands still, and an
// answer would be seen only after the next key.
func TestAnAnswerEndsTheRawView(t *testing.T) {
	t.Parallel()
	for name, ev := range map[string]flow.Event{"answer": flow.AnswerArrived{}, "failure": flow.Failed{Err: flow.ErrTimeout}, "handed": flow.Linked{}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ended, press, box, from, _ := rawView()
				synctest.Wait()
				got := make(chan any, 1)
				go func() { got <- box.gather() }()
				from <- flow.Report{Event: flow.TimeExtended{}}
				synctest.Wait()
				require.Empty(t, got, "what does not end the wait is kept")
				from <- flow.Report{Event: ev}
				require.Equal(t, reports{{Event: flow.TimeExtended{}}, {Event: ev}}, <-got)
				_, err := press.Write([]byte("x")) // a pipe cannot be interrupted; a terminal is
				require.NoError(t, err)
				require.NoError(t, <-ended)
			})
		})
	}
}

// TestAKeyEndsTheRawView: what was reported meanwhile is not lost.
func TestAKeyEndsTheRawView(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ended, press, box, from, _ := rawView()
		synctest.Wait()
		got := make(chan any, 1)
		go func() { got <- box.gather() }()
		from <- flow.Report{Event: flow.TimeExtended{}}
		_, err := press.Write([]byte("x"))
		require.NoError(t, err)
		require.NoError(t, <-ended)
		require.Equal(t, reports{{Event: flow.TimeExtended{}}}, <-got)
	})
}

func TestTheInboxEndsWithTheProgram(t *testing.T) {
	t.Parallel()
	done := make(chan struct{})
	close(done)
	require.Nil(t, inbox{done: done, raw: &rawGate{}}.gather())
}
