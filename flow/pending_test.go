package flow_test

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"confer/cronofy"
	"confer/cronofy/sandbox"
	"confer/flow"
	"confer/internal/links"
	"confer/keystore"
)

// laterRun is a run with what an earlier one left.
func (h *house) laterRun() *driver {
	h.found.Pending = h.contents().Pending
	h.runner = &flow.Runner{NewClient: h.runner.NewClient, Stores: h.stores, Links: h.links}
	return h.drive()
}

// handedOver is a run that made a link and has ended.
func handedOver(t *testing.T) (h *house, link string) {
	t.Helper()
	h = newHouse(t, sandbox.Options{})
	h.found.Store = flow.Store{Kind: keystore.Keyring}
	d := h.drive()
	s := d.until(flow.AuthorizeStarted{}, waiting(1))
	d.apply(flow.Back{})
	d.tasks.Close()
	b, err := os.ReadFile(h.links.Path())
	require.NoError(t, err)
	require.NotContains(t, string(b), "confer1-", "only a hash of the state is kept")
	return h, s.Attempt.URL
}

// TestAnApprovalArrivesADayLater: the final address of a link that an earlier run
// made is taken once, for the same answers.
func TestAnApprovalArrivesADayLater(t *testing.T) {
	t.Parallel()
	h, link := handedOver(t)
	final := finalAddress(t, link)
	d := h.laterRun()
	require.NotNil(t, d.state.PendingHere())
	s := d.until(flow.Pasted{Text: "nothing of use"}, over)
	require.Equal(t, flow.CodeUsage, s.Problem.Code)
	require.NotNil(t, s.PendingHere(), "it can be pasted again")
	s = d.until(flow.Pasted{Text: final}, over)
	require.NotNil(t, s.Link, "%+v", s.Problem)
	require.True(t, s.Link.RefreshToken)
	require.Empty(t, h.contents().Pending)

	again := h.laterRun()
	require.Nil(t, again.state.PendingHere())
}

// TestTheWaitTakesAnEarlierLinksAnswer too.
func TestTheWaitTakesAnEarlierLinksAnswer(t *testing.T) {
	t.Parallel()
	h, link := handedOver(t)
	final := finalAddress(t, link)
	d := h.laterRun()
	d.until(flow.AuthorizeStarted{}, waiting(1))
	s := d.until(flow.Pasted{Text: final}, func(s flow.State) bool { return s.Running == nil || s.Attempt.Notice != "" })
	require.NotNil(t, s.Link, s.Attempt.Notice)
}

// TestHandedOverIsBoundToItsAnswersAndItsDay.
func TestHandedOverIsBoundToItsAnswersAndItsDay(t *testing.T) {
	t.Parallel()
	t.Run("another provider", func(t *testing.T) {
		t.Parallel()
		h, link := handedOver(t)
		final := finalAddress(t, link)
		h.found.Answers.Provider = cronofy.Webex
		d := h.laterRun()
		require.Nil(t, d.state.PendingHere())
		d.until(flow.AuthorizeStarted{}, waiting(1))
		s := d.until(flow.Pasted{Text: final}, func(s flow.State) bool { return s.Attempt.Notice != "" })
		require.Contains(t, s.Attempt.Notice, "earlier run")
	})
	t.Run("two days later", func(t *testing.T) {
		t.Parallel()
		h, link := handedOver(t)
		final := finalAddress(t, link)
		d := h.laterRun()
		require.NoError(t, h.links.Update(t.Context(), func(c *links.Contents) {
			c.Pending[0].Begun = time.Now().Add(-48 * time.Hour)
		}))
		s := d.until(flow.Pasted{Text: final}, over)
		require.Nil(t, s.Link)
		require.Contains(t, s.Problem.Summary, "earlier run")
	})
}

// TestAWaitWithoutAnEnd goes on until the operator ends it, or gives it an end.
func TestAWaitWithoutAnEnd(t *testing.T) {
	t.Parallel()
	h := newHouse(t, sandbox.Options{})
	h.found.Store = flow.Store{Kind: keystore.Keyring}
	d := h.drive()
	d.until(flow.AuthorizeStarted{}, waiting(1))
	s := d.until(flow.Extended{Endless: true}, func(s flow.State) bool { return s.Attempt.Until.IsZero() })
	require.True(t, waiting(1)(s))
	s = d.until(flow.Extended{}, func(s flow.State) bool { return !s.Attempt.Until.IsZero() })
	require.True(t, s.Attempt.Until.After(time.Now()))
	d.apply(flow.Back{})
}
