package ui

import (
	"errors"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"confer/flow"
	"confer/internal/delegated"
)

func plainDelegatedScenes() []plainScene {
	return []plainScene{
		{name: "delegated", state: plainFrom(toDelegable()...), talk: plainDelegated},
		{name: "delegated_planned", state: plainFrom(toPlanned()...), talk: func(k *plainTalk) { k.types("?", "maybe", "", "b", "q") }},
	}
}

// plainDelegated is the whole way, with each thing that can be wrong.
func plainDelegated(k *plainTalk) {
	k.types("3", "people.txt", "http://hooks.example.test", "", "n")
	k.types("", "", "https://hooks.example.test/cronofy", "", "b", "127.0.0.1:9000", "perhaps", "y")
	k.reports(fail(&delegated.ListError{Err: errors.New("line 3: not an e-mail address")}))
	k.types("", "", "", "", "")
	k.reports(planned(12, 2))
	k.types("y")
	require.IsType(k.t, flow.Delegate{}, k.ordered())
	k.types("?")
	k.reports(append(unsignedCame(), flow.CalendarAnswered{Answered: 2})...)
	k.types("?")
	k.reports(flow.CalendarAnswered{Answered: 4}, read(4))
	k.types("?")
	k.reports(flow.ProfilesDone{Tally: tally(people(4))})
}

// TestPlainEndOfInputConfirmsNothing: a pipe that ends is no yes.
func TestPlainEndOfInputConfirmsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := plainRun(t, plainAt(t, toPlanned()...)).ends()
		require.Empty(t, k.tasks.orders)
		require.NotNil(t, k.last.Plan)
	})
}
