package flow_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"confer/cronofy"
	"confer/cronofy/sandbox"
	"confer/flow"
	"confer/keystore"
)

// TestAnswersUnsaved: a folder that fails later is told, once.
func TestAnswersUnsaved(t *testing.T) {
	t.Parallel()
	h := newHouse(t, sandbox.Options{})
	h.found.Store = flow.Store{Kind: keystore.Session}
	h.found.Answers.Provider = ""
	require.NoError(t, os.WriteFile(filepath.Dir(h.links.Path()), nil, 0o600)) // a file in its place
	d := h.drive()
	require.False(t, d.state.Unsaved)
	s := d.until(flow.ProviderChosen{Provider: cronofy.Webex}, func(s flow.State) bool { return s.Unsaved })
	require.Contains(t, s.Notice, "Your answers cannot be saved for later: ")
	d.apply(flow.Back{})
	d.apply(flow.ProviderChosen{Provider: cronofy.Zoom})
	for _, r := range d.tasks.Close() {
		d.apply(r)
	}
	require.Empty(t, d.state.Notice)
}
