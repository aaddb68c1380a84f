package ui

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/stretchr/testify/require"

	"confer/cronofy"
	"confer/flow"
	"confer/flow/callback"
)

// showsWhole is the wait for the administrator with its link shown whole.
func showsWhole(t *testing.T) *Model {
	m := newModel(t, walk(t, flow.Start(flow.Initial{}), toWaiting()...))
	resize(m, 100, 30)
	press(m, "u")
	require.False(t, m.View().AltScreen)
	require.Empty(t, m.View().Content, "nothing is drawn over it")
	return m
}

// TestRawLinkIsAlone: the link is byte for byte on a line of its own.
func TestRawLinkIsAlone(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	show := wholeLines(testURL, "The link.", "Any key goes back.")
	require.NoError(t, show(&out))
	require.Contains(t, strings.Split(out.String(), "\r\n"), testURL)
}

// TestTheRelinkAddressIsShownWhole, with what it is and the way back.
func TestTheRelinkAddressIsShownWhole(t *testing.T) {
	t.Parallel()
	m := named(t, "table_detail")
	run := reflect.ValueOf(press(m, "u")()).FieldByName("cmd").Elem()
	require.NotNil(t, m.whole)
	require.Equal(t, reflect.TypeFor[*release](), run.Type())
	var out bytes.Buffer
	require.NoError(t, (*release)(run.UnsafePointer()).run(&out))
	require.Equal(t, "\r\nThe address where the person signs in again.\r\n\r\nhttps://app-de.cronofy.com/relink/1\r\n\r\nAny key goes back to confer.\r\n", out.String())
}

// TestAPasteOverTheRawLinkIsNotLost: none of it acts as keys, and d and y would
// end the wait.
func TestAPasteOverTheRawLinkIsNotLost(t *testing.T) {
	t.Parallel()
	const address = "http://127.0.0.1:8739/callback?code=dy&state=confer1-dy"
	long := strings.Repeat("y", 3*maxPaste)
	for name, c := range map[string]struct {
		keys  []string
		pause time.Duration // between them
		want  string
	}{
		"one key":              {keys: []string{"d"}},
		"enter":                {keys: []string{"enter"}},
		"an arrow":             {keys: []string{"up"}},
		"ctrl+c":               {keys: []string{"ctrl+c"}},
		"marked":               {keys: []string{"paste:" + address}, want: address},
		"not marked":           {keys: []string{"type:" + address}, want: address},
		"not marked, pieces":   {keys: []string{"h", "type:" + address[1:20], "type:" + address[20:]}, pause: 50 * time.Millisecond, want: address},
		"not marked, 2 lines":  {keys: []string{"type:" + address[:20], "enter", "type:" + address[20:]}, want: address},
		"a key, then a paste":  {keys: []string{"x", "paste:" + address}, want: address},
		"too long":             {keys: []string{"type:" + long}},
		"a terminal's own say": {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := showsWhole(t)
				msgs := make(chan tea.Msg, len(long))
				for _, k := range c.keys {
					for _, one := range keysOf(k) {
						if _, cmd := m.Update(one); cmd != nil {
							go func() { msgs <- cmd() }()
						}
					}
					time.Sleep(c.pause) // the bubble's
				}
				if len(c.keys) == 0 {
					m.Update(tea.BackgroundColorMsg{})
					require.NotNil(t, m.whole)
					return
				}
				require.Equal(t, strings.Contains(strings.Join(c.keys, ""), "paste:"), m.whole == nil, "more may follow a key")
				time.Sleep(pieces)
				synctest.Wait()
				for len(msgs) > 0 {
					m.Update(<-msgs)
				}
				require.Nil(t, m.whole)
				require.Equal(t, flow.PhaseWaiting, m.State().Attempt.Phase)
				require.False(t, m.leaving)
				pasted := m.context().draft(pagePaste, fieldAddress, "")
				if name == "too long" {
					require.Greater(t, len(pasted), maxPaste)
					return
				}
				require.Equal(t, c.want, pasted)
			})
		})
	}
}

// TestAPasteOverTheRawLinkOpensItsField.
func TestAPasteOverTheRawLinkOpensItsField(t *testing.T) {
	t.Parallel()
	const address = "http://127.0.0.1:8739/callback?code=dy&state=confer1-dy"
	m := newModel(t, walk(t, flow.Start(flow.Initial{}), toWaiting()...))
	resize(m, 100, 30)
	press(m, "u", "paste:"+address)
	require.Contains(t, text(m), "Paste the final address")
	require.Contains(t, text(m), address)
	require.Equal(t, flow.PhaseWaiting, m.State().Attempt.Phase)
}

// TestAnAnswerEndsTheRawLink, and so does a failure; other reports do not, and are
// not lost.
func TestAnAnswerEndsTheRawLink(t *testing.T) {
	t.Parallel()
	for name, ev := range map[string]flow.Event{"answer": flow.AnswerArrived{}, "failure": flow.Failed{Err: flow.ErrTimeout}, "handed": linked()} {
		m := showsWhole(t)
		report(t, m, flow.TimeExtended{Until: start.Add(time.Hour)})
		require.Empty(t, m.View().Content, name)
		require.Equal(t, start.Add(time.Hour), m.State().Attempt.Until)
		report(t, m, ev)
		require.True(t, m.View().AltScreen, name)
		require.NotEmpty(t, m.View().Content, name)
	}
}

// TestTheWaitForReportsEnds with the program.
func TestTheWaitForReportsEnds(t *testing.T) {
	t.Parallel()
	from := make(chan flow.Report, 1)
	m := New(Config{State: flow.Start(flow.Initial{}), Tasks: idle{from}})
	from <- flow.Report{Task: 1}
	require.Equal(t, flow.Report{Task: 1}, m.next()())
	m.Close()
	require.Nil(t, m.next()())
}

// TestAnAddressThatComesLateIsTaken: pasted after the time-out, or before it and not
// checked yet.
func TestAnAddressThatComesLateIsTaken(t *testing.T) {
	t.Parallel()
	const address = "http://127.0.0.1:8739/callback?code=c1&state=confer1-s1"
	paste := func(m *Model) { m.Update(tea.PasteMsg{Content: address}) }
	for name, c := range map[string]struct{ before, after func(*Model) }{
		"pasted before": {paste, func(m *Model) { press(m, "p") }},
		"pasted after":  {func(*Model) {}, paste},
		"raw link":      {func(*Model) {}, func(m *Model) { press(m, "p", "paste:"+address) }},
	} {
		m := newModel(t, walk(t, flow.Start(flow.Initial{}), toWaiting()...))
		resize(m, 100, 30)
		c.before(m)
		m.apply(flow.Report{Task: m.State().Running.ID, Event: flow.Failed{Err: flow.ErrTimeout}})
		c.after(m)
		require.Contains(t, text(m), "Paste the final address", name)
		require.Contains(t, text(m), address, name)
		press(m, "enter")
		require.Equal(t, address, m.State().Running.Effect.(flow.FinishPending).Text, name)
		m.apply(flow.Report{Task: m.State().Running.ID, Event: flow.Failed{Err: callback.ErrStateUsed}})
		require.Contains(t, text(m), "That answer was used before", name)
		press(m, "esc")
		require.Contains(t, text(m), "Ready for the administrator", name)
		paste(m)
		require.Contains(t, text(m), address, name)
	}
}

// TestAnApprovalIsGoneOnWith also after an address was pasted that was none.
func TestAnApprovalIsGoneOnWith(t *testing.T) {
	t.Parallel()
	m := newModel(t, walk(t, flow.Start(flow.Initial{}), append(toWaiting(), flow.AnswerArrived{})...))
	resize(m, 100, 30)
	m.apply(flow.Report{Task: m.State().Running.ID, Event: flow.Failed{Err: &cronofy.Error{Code: "invalid_grant"}, Approved: true}})
	press(m, "paste:abcdef0123456789", "enter")
	m.apply(flow.Report{Task: m.State().Running.ID, Event: flow.Failed{Err: callback.ErrPasteNoAnswer}})
	press(m, "esc")
	require.Contains(t, text(m), "Ready for the administrator")
	press(m, "g")
	require.Equal(t, flow.StepProfiles, m.State().Step)
}

// TestANewWaitBeginsWithoutAnAddress of the one before.
func TestANewWaitBeginsWithoutAnAddress(t *testing.T) {
	t.Parallel()
	m := newModel(t, walk(t, flow.Start(flow.Initial{}), toWaiting()...))
	resize(m, 100, 30)
	m.Update(tea.PasteMsg{Content: "abcdef0123456789"})
	press(m, "enter")
	m.apply(flow.Report{Task: m.State().Running.ID, Event: flow.AnswerRejected{Err: flow.ErrTimeout}})
	require.Contains(t, text(m), "abcdef0123456789", "it can be put right")
	m.apply(flow.Report{Task: m.State().Running.ID, Event: flow.Failed{Err: flow.ErrTimeout}})
	press(m, "enter")
	m.apply(flow.Report{Task: m.State().Running.ID, Event: linkReady()})
	require.NotContains(t, text(m), "abcdef0123456789")
	press(m, "p")
	require.NotContains(t, text(m), "abcdef0123456789")
}
