package ui

import (
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"confer/cronofy"
	"confer/flow"
	"confer/internal/delegated"
)

// toDelegable is toLinked with a service account that was authorized in confer.
func toDelegable() []flow.Event {
	return append(toAccount(), account(), flow.ServiceAccountAccepted{ID: testID, TokenKept: true}, zoom(),
		flow.AuthorizeStarted{}, linkReady(), flow.BrowserAsked{}, flow.AnswerArrived{}, flow.Exchanged{}, linked())
}

func throughServiceAccount() flow.Event {
	return flow.AccountsGiven{Accounts: flow.Accounts{Kind: flow.AccountsDelegated, Delegated: flow.Delegated{
		Emails: "people.txt", CallbackURL: "https://hooks.example.test/cronofy", Listen: "127.0.0.1:8749", Rooms: true}}}
}

func planned(people, rooms int) flow.Event {
	return flow.DelegationPlanned{Plan: flow.Plan{People: people, Rooms: rooms, Scope: cronofy.DefaultDelegatedScope, Digest: "d1ge57"}}
}

func guessedScope() flow.Event {
	ev := planned(12, 0).(flow.DelegationPlanned)
	ev.Plan.ScopeGuessed = true
	return ev
}

func toPlanned() []flow.Event {
	return append(toDelegable(), throughServiceAccount(), planned(1200, 34))
}

func unsignedCame() []flow.Event {
	return []flow.Event{flow.CalendarsAsked{Until: start.Add(5 * time.Minute)}, flow.AnswersHindered{Err: &delegated.RefusedError{Refusal: delegated.Unsigned}}}
}

func delegatedScenes() []scene {
	busy := &delegated.ListenError{Addr: "127.0.0.1:8749", Err: os.NewSyscallError("bind", syscall.EADDRINUSE)}
	filled := []string{"3", "enter", "type:people.txt", "tab", "type:https://hooks.example.test/cronofy"}
	confirmed := append(toPlanned(), flow.DelegationConfirmed{})
	return []scene{
		{name: "delegated_offer", events: toDelegable(), keys: []string{"3"}, small: true},
		{name: "delegated", events: toDelegable(), keys: []string{"3", "enter"}, small: true},
		{name: "delegated_filled", events: toDelegable(), keys: append(filled, "tab", "tab", "enter"), small: true},
		{name: "delegated_plain_http", events: toDelegable(), keys: []string{"3", "enter", "type:people.txt", "tab", "type:http://hooks.example.test", "enter"}},
		{name: "delegated_counting", events: toDelegable(), keys: append(filled, "enter")},
		{name: "delegated_busy_address", events: toDelegable(), keys: append(filled, "enter"), after: []flow.Event{fail(busy)}, small: true},
		{name: "delegated_confirm", events: toPlanned(), small: true},
		{name: "delegated_confirm_one", events: append(toDelegable(), throughServiceAccount(), planned(1, 0))},
		{name: "delegated_confirm_scope", events: append(toDelegable(), throughServiceAccount(), guessedScope()), small: true},
		{name: "delegated_asking", events: confirmed},
		{name: "delegated_waiting", events: confirmed, reports: []flow.Event{flow.CalendarsAsked{Until: start.Add(4*time.Minute + 32*time.Second)}}, small: true},
		{name: "delegated_unsigned", events: confirmed, reports: append(unsignedCame(), flow.CalendarAnswered{Answered: 4}), small: true},
		{name: "delegated_take_unsigned", events: confirmed, reports: unsignedCame(), keys: []string{"esc", "enter", "shift+tab", " "}, small: true},
		{name: "delegated_answered", events: confirmed, reports: []flow.Event{flow.CalendarAnswered{Answered: 15}, read(15)}, small: true},
		{name: "delegated_export", events: confirmed, reports: []flow.Event{read(15)}, keys: []string{"e"}},
	}
}

// TestDelegatedKeepsWhatWasTyped: back from the plan, from the form and from the
// whole page, everything still stands there; and Enter confirms nothing.
func TestDelegatedKeepsWhatWasTyped(t *testing.T) {
	t.Parallel()
	m := newModel(t, walk(t, flow.Start(flow.Found{}), toDelegable()...))
	resize(m, 100, 30)
	press(m, "3", "enter", "type:people.txt", "tab", "type:https://hooks.example.test/cronofy", "tab", "ctrl+u", "type:0.0.0.0:9000", "tab", "enter", "up", "enter")
	require.IsType(t, flow.PlanDelegation{}, m.State().Running.Effect)
	given := m.State().Answers.Accounts
	require.Equal(t, flow.Accounts{Kind: flow.AccountsDelegated, Delegated: flow.Delegated{Emails: "people.txt",
		CallbackURL: "https://hooks.example.test/cronofy", Listen: "0.0.0.0:9000", Rooms: true}}, given)
	report(m, planned(2, 1))
	require.Contains(t, text(m), "Authorize 3 calendars?")
	press(m, "enter", "n", "q", " ")
	require.NotNil(t, m.State().Plan, "only y confirms")
	require.Nil(t, m.State().Running)
	press(m, "esc", "esc", "esc")
	require.Equal(t, flow.StepAuthorize, m.State().Step)
	m.apply(flow.Continued{})
	press(m, "enter")
	for _, typed := range []string{"people.txt", "https://hooks.example.test/cronofy", "0.0.0.0:9000", "[x]"} {
		require.Contains(t, text(m), typed)
	}
}

func TestDelegatedRunsIntoTheTable(t *testing.T) {
	t.Parallel()
	m := newModel(t, walk(t, flow.Start(flow.Found{}), toPlanned()...))
	resize(m, 100, 30)
	press(m, "y")
	require.IsType(t, flow.Delegate{}, m.State().Running.Effect)
	require.Contains(t, text(m), "0 of 1,234 answered")
	report(m, flow.CalendarAnswered{Answered: 15}, read(15), flow.LookPlanned{At: start.Add(5e9)})
	require.Contains(t, text(m), "9 connected")
	require.NotContains(t, text(m), "answered")
	press(m, "esc", "enter")
	require.Contains(t, text(m), "https://hooks.example.test/cronofy", "the form is as it was")
}

// TestDelegatedTakesUnsignedAnswers once one was refused, and not before.
func TestDelegatedTakesUnsignedAnswers(t *testing.T) {
	t.Parallel()
	m := newModel(t, walk(t, flow.Start(flow.Found{}), toPlanned()...))
	resize(m, 100, 30)
	press(m, "esc", "enter")
	require.Contains(t, text(m), "Callback URL")
	require.NotContains(t, text(m), takeUnsigned)
	press(m, "enter")
	report(m, planned(1200, 34))
	press(m, "y")
	report(m, unsignedCame()...)
	require.Contains(t, text(m), "An answer without a signature was refused.")
	press(m, "esc", "shift+tab", "enter")
	require.Contains(t, text(m), "[x] "+takeUnsigned)
	press(m, "tab", "enter")
	require.True(t, m.State().Answers.Accounts.Delegated.AcceptUnsigned)
	require.IsType(t, flow.PlanDelegation{}, m.State().Running.Effect)
	require.Contains(t, delegatedFlags(m.State().Answers), "--accept-unsigned-webhooks")
}

// TestDelegatedIsHidden where it cannot work.
func TestDelegatedIsHidden(t *testing.T) {
	t.Parallel()
	m := newModel(t, walk(t, flow.Start(flow.Found{}), toLinked()...))
	resize(m, 100, 30)
	require.NotContains(t, text(m), "service account  ")
	require.NotContains(t, text(m), "e-mail addresses")
}
