package ui

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"confer/flow"
	"confer/flow/callback"
	"confer/internal/crash"
)

// linesTypes runs a talk at what looks like a terminal.
func linesTypes(t *testing.T, s func(*testing.T) flow.State, talk func(t *testing.T, k *linesTalk)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := linesTyped(t, true, s(t))
		talk(t, k)
		k.ends()
	})
}

func (k *linesTalk) pasted() []string {
	var out []string
	for _, o := range k.tasks.orders {
		if p, ok := o.(flow.Pasted); ok {
			out = append(out, p.Text)
		}
	}
	return out
}

func TestLinesPasteInPieces(t *testing.T) {
	t.Parallel()
	for name, pieces := range map[string][]string{
		"whole":              {"http://127.0.0.1/cb?code=1&state=2\n"},
		"wrapped at once":    {"http://127.0.0.1/cb?co\nde=1&sta\nte=2\n"},
		"wrapped, piecewise": {"http://127.0.0.1/cb?co\n", "de=1&sta", "\nte=2", "\n"},
		"carriage returns":   {"http://127.0.0.1/cb?co\rde=1&sta\r\nte=2\r"},
		"empty line":         {"http://127.0.0.1/cb?co\n", "de=1&state=2\n", "\n"},
		"marks":              {"\x1b[200~http://127.0.0.1/cb?code=1&state=2\x1b[201~", "\n"},
		"deleted":            {"xy\x7f\x08http://127.0.0.1/cb?code=1&state=29\x7f\n"},
		"killed":             {"nonsense\x15http://127.0.0.1/cb?code=1&state=2\n"},
	} {
		t.Run(name, func(t *testing.T) {
			linesTypes(t, linesFrom(toWaiting()...), func(t *testing.T, k *linesTalk) {
				for _, piece := range pieces {
					k.keys(piece)
					time.Sleep(linesGather / 2) // of the bubble's clock
				}
				time.Sleep(2 * linesGather)
				synctest.Wait()
				require.Len(t, k.pasted(), 1)
				require.Equal(t, "http://127.0.0.1/cb?code=1&state=2", strings.ReplaceAll(k.pasted()[0], "\n", ""))
			})
		})
	}
}

// TestLinesPasteWhereNothingWaits: its lines are one address there, too.
func TestLinesPasteWhereNothingWaits(t *testing.T) {
	linesTypes(t, linesFrom(append(toWaiting(), fail(flow.ErrTimeout))...), func(t *testing.T, k *linesTalk) {
		k.keys("p\n")
		k.keys("http://127.0.0.1/cb?co\nde=1&sta")
		time.Sleep(linesGather / 2)
		k.keys("\nte=2\n")
		time.Sleep(2 * linesGather)
		synctest.Wait()
		require.Equal(t, "http://127.0.0.1/cb?co\nde=1&sta\nte=2", k.ordered().(flow.FinishPending).Text)
		k.reports(flow.Failed{Err: callback.ErrPasteNoState})
		k.keys("\nb\nq\n")
		<-k.done
		paper := k.paper.String()
		require.Contains(t, paper, "state= is missing")
		require.Equal(t, 3, strings.Count(paper, "Final address"), paper) // asked, asked again, and after its empty answer
	})
}

// TestLinesPasteUnfinished: half an address waits for its end as long as it
// takes, and is forgotten when the callback was faster.
func TestLinesPasteUnfinished(t *testing.T) {
	linesTypes(t, linesFrom(toWaiting()...), func(t *testing.T, k *linesTalk) {
		k.keys("http://127.0.0.1/cb?co\nde=")
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Empty(t, k.pasted())
		k.reports(flow.AnswerArrived{}, linked())
		k.to(pageLinked)
		k.keys("4\n\n")
		synctest.Wait()
		require.Empty(t, k.pasted())
		require.True(t, k.finishes().last.Watch.Started && k.finishes().last.Answers.Accounts.None())
	})
}

// finishes waits for a run that ends by itself.
func (k *linesTalk) finishes() *linesTalk {
	<-k.done
	return k
}

func TestLinesPasteTooLong(t *testing.T) {
	t.Run("one line", func(t *testing.T) {
		linesTypes(t, linesFrom(toWaiting()...), func(t *testing.T, k *linesTalk) {
			k.keys(strings.Repeat("x", 100<<10) + "\n")
			time.Sleep(2 * linesGather)
			synctest.Wait()
			require.Len(t, k.pasted(), 1)
			require.Len(t, k.pasted()[0], linesLongest)
		})
	})
	t.Run("many lines", linesManyLines)
}

func linesManyLines(t *testing.T) {
	linesTypes(t, linesFrom(toWaiting()...), func(t *testing.T, k *linesTalk) {
		for range 30 {
			k.keys(strings.Repeat("x", 4000) + "\n")
		}
		time.Sleep(2 * linesGather)
		synctest.Wait()
		require.Len(t, k.pasted(), 1)
		require.Greater(t, len(k.pasted()[0]), 16<<10, "it is refused as too long, not cut to fit")
		require.Less(t, len(k.pasted()[0]), 64<<10, "and does not grow for ever")
	})
}

func TestLinesControlD(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]func(*testing.T) flow.State{
		"waiting": linesFrom(toWaiting()...),
		"secret":  linesFrom(append(toApplication(), flow.ApplicationEntered{ClientID: testClient, RedirectURI: flow.DefaultRedirectURI}, fail(flow.ErrNoSecret))...),
	} {
		t.Run(name, func(t *testing.T) {
			linesTypes(t, s, func(t *testing.T, k *linesTalk) {
				k.keys("x\x04\x7f\x04")
				<-k.done
				require.NoError(t, k.err)
				require.Nil(t, k.last.Link)
				require.Contains(t, k.paper.String(), "The input has ended.")
			})
		})
	}
}

// TestLinesEnds: whatever is asked, the end of the input ends the run and takes
// no default; the end of the context ends it at once.
func TestLinesEnds(t *testing.T) {
	t.Parallel()
	stops := map[string]func(*testing.T) flow.State{
		"data center": linesFrom(), "application": linesFrom(toApplication()...),
		"store":           linesFrom(append(toApplication(), applied(), asked("locked", ""))...),
		"service account": linesFrom(toAccount()...), "used": linesUsedState, "provider": linesFrom(toProviders()...),
		"suggested": linesSuggested, "authorize": linesFrom(toAuthorize()...), "waiting": linesFrom(toWaiting()...),
		"problem": linesFrom(append(toWaiting(), fail(flow.ErrTimeout))...), "accounts": linesFrom(toLinked()...),
		"again": linesFrom(append(toLinked(), flow.Back{})...),
	}
	for name, s := range stops {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				before := s(t)
				k := linesRun(t, before)
				require.NoError(t, k.in.Close())
				<-k.done
				require.NoError(t, k.err)
				require.Empty(t, k.tasks.orders, "no default was taken")
				require.Equal(t, before, k.last)
				k.stop()
			})
			synctest.Test(t, func(t *testing.T) {
				k := linesRun(t, s(t))
				k.stop()
				<-k.done
				require.ErrorIs(t, k.err, context.Canceled)
				require.NoError(t, k.in.Close())
			})
		})
	}
}

// linesBrokenPipe breaks when it is told to.
type linesBrokenPipe struct{ broken *bool }

func (p linesBrokenPipe) Write(b []byte) (int, error) {
	if *p.broken {
		return 0, io.ErrClosedPipe
	}
	return len(b), nil
}

// TestLinesBrokenOutput: nobody can be asked any more.
func TestLinesBrokenOutput(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		broken := false
		k := linesRun(t, linesAt(t, toWaiting()...), func(c *Config) { c.Err = linesBrokenPipe{&broken} })
		broken = true
		k.tick(linesEvery)
		<-k.done
		require.ErrorIs(t, k.err, io.ErrClosedPipe)
		require.NoError(t, k.in.Close())
		k.stop()
	})
}

type linesPanics struct{ *linesTasks }

func (linesPanics) Follow(_, _ flow.State, _ *flow.Task) { panic(errors.New(testSecret)) }

func TestLinesCrash(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := linesRun(t, linesAt(t), func(c *Config) { c.Tasks = linesPanics{newLinesTasks()} })
		k.types("4")
		<-k.done
		var caught *crash.Error
		require.ErrorAs(t, k.err, &caught)
		require.NotContains(t, caught.Error()+string(caught.Stack), testSecret)
		k.ends()
	})
}

// TestLinesTypedAhead: what stands after an address waits for what comes of it,
// and then answers the next question.
func TestLinesTypedAhead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := linesRun(t, linesAt(t, toWaiting()...), func(c *Config) {
			c.Input = strings.NewReader(linesFinal + strings.Repeat("\n", int(flow.StepProfiles-flow.StepAuthorize)) + "4\n")
		})
		require.Equal(t, []string{linesFinal}, k.pasted())
		k.reports(flow.AnswerArrived{}, linked())
		<-k.done
		require.True(t, k.last.Watch.Started && k.last.Answers.Accounts.None())
		require.NotContains(t, k.paper.String(), "confer: error")
		k.ends()
	})
}

// TestLinesManyRows: a company's accounts are counted, not read out.
func TestLinesManyRows(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := linesRun(t, linesAt(t, toTable()...))
		k.reports(read(5000), flow.ProfilesDone{})
		k.types("")
		<-k.done
		k.ends()
		talk, table := 0, 0
		for l := range strings.Lines(k.paper.String()) {
			if strings.HasPrefix(l, "| ") {
				table++
			} else {
				talk++
			}
		}
		require.Greater(t, table, 5000)
		require.Less(t, talk, 50)
	})
}

// FuzzLinesInput: whatever bytes come in whatever pieces, lines come out that
// hold no line breaks, are bounded, and lose nothing but what was edited away.
func FuzzLinesInput(f *testing.F) {
	f.Add([]byte("a\r\nb\n\nc"), uint8(1), false)
	f.Add([]byte("x\x7f\x08\x15\x04\x1b[200~y"), uint8(3), true)
	f.Add([]byte("\xc3\xa9\x7f\xff\x7f\r\r\n"), uint8(2), true)
	f.Fuzz(func(t *testing.T, data []byte, size uint8, typed bool) {
		in := &linesInput{typed: typed, mode: linesRaw}
		for rest := data; len(rest) > 0; {
			n := min(len(rest), int(size)+1)
			in.feed(linesRead{data: rest[:n]})
			rest = rest[n:]
		}
		in.feed(linesRead{err: io.EOF})
		require.True(t, in.ended)
		whole := &linesInput{typed: typed, mode: linesRaw}
		whole.feed(linesRead{data: data, err: io.EOF})
		require.Equal(t, whole.lines, in.lines, "pieces make no difference")
		for text, ok := in.take(); ok; text, ok = in.take() {
			require.False(t, strings.ContainsAny(text, "\r\n"))
			require.LessOrEqual(t, len(text), linesLongest)
			require.NotRegexp(t, `[\x00-\x1f\x7f-\x{9f}]`, linesText(text))
		}
	})
}
