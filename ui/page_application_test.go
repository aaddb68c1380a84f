package ui

import (
	"testing"

	"github.com/stretchr/testify/require"

	"confer/flow"
)

// TestApplicationAsksOnlyWhereThereIsSomethingToAsk: where a store was named, nobody asks the system about its keyring.
func TestApplicationAsksOnlyWhereThereIsSomethingToAsk(t *testing.T) {
	t.Parallel()
	for kind, asked := range map[flow.StoreKind]bool{"": true, flow.StoreKeyring: true, flow.StoreFile: false, flow.StoreSession: false} {
		text := askingAbout(Context{State: flow.State{Store: flow.Store{Kind: kind}}})
		if asked {
			require.Contains(t, text, "keyring", kind)
		} else {
			require.NotContains(t, text, "keyring", kind)
		}
	}
}
