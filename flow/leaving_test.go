package flow_test

import (
	"context"
	"net"
	"os"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"confer/cronofy/sandbox"
	"confer/flow"
	"confer/keystore"
)

// TestLeavingDuringTheExchange: the code cannot be had twice, so it is
// exchanged, stored, and told.
func TestLeavingDuringTheExchange(t *testing.T) {
	t.Parallel()
	h := newHouse(t, sandbox.Options{})
	h.browse(sandbox.Approve)
	tasks := flow.NewTasks(h.runner)
	h.found.Store = flow.Store{Kind: keystore.Session}
	before := flow.Start(h.found)
	s, task := before.Apply(flow.AuthorizeStarted{})
	tasks.Follow(before, s, task)
	for s.Attempt.Phase < flow.PhaseExchanging {
		before = s
		s, task = before.Apply(<-tasks.Events())
		tasks.Follow(before, s, task)
		require.Nil(t, s.Problem)
	}
	for _, r := range tasks.Close() {
		s, _ = s.Apply(r)
	}
	require.NotNil(t, s.Link)
	kept, err := h.links.Load(t.Context())
	require.NoError(t, err)
	require.Len(t, kept.Links, 1)
}

// TestNoNewLink: the administrator may be at work with the link before.
func TestNoNewLink(t *testing.T) {
	t.Parallel()
	h := newHouse(t, sandbox.Options{})
	var first string
	last, _ := h.runWith(t.Context(), func(_ *flow.Tasks, s flow.State) flow.Event {
		if first == "" {
			first = s.Attempt.URL
			h.server.Set(sandbox.Fault{Endpoint: sandbox.LinkTokens, Status: 402})
			return flow.NewLinkWanted{}
		}
		require.Contains(t, s.Attempt.Notice, "The earlier one still counts.")
		require.Contains(t, s.Attempt.Notice, "plan")
		h.server.Set()
		return flow.Pasted{Text: finalAddress(t, first)}
	})
	require.Nil(t, last.Problem)
	require.NotNil(t, last.Link)
}

// TestOwnPortAgain: a program that is just being started may hold a copy of the
// listener of the try before.
func TestOwnPortAgain(t *testing.T) {
	t.Parallel()
	h := newHouse(t, sandbox.Options{})
	h.browse(sandbox.Deny)
	try, s := h.tries()
	s = try(s)
	require.Equal(t, "access_denied", s.Problem.Code)
	h.visits.Wait()

	h.browse(sandbox.Approve)
	busy := 2
	h.runner.Listen = func(ctx context.Context, network, address string) (net.Listener, error) {
		if busy--; busy >= 0 {
			return nil, &net.OpError{Op: "listen", Err: os.NewSyscallError("bind", syscall.EADDRINUSE)}
		}
		return new(net.ListenConfig).Listen(ctx, network, address)
	}
	s = try(s)
	require.NotNil(t, s.Link, "%v", s.Problem)
}
