package flow

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"confer/cronofy"
	"confer/keystore"
)

// TestRandomWalk throws events at the machine in any order, answers of wrong
// pages and reports of finished tasks among them, and checks what must always
// hold.
func TestRandomWalk(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 1))
		s := Start(Initial{})
		var trail []string
		for range 60 {
			ev := anyEvent(r, s)
			trail = append(trail, fmt.Sprintf("%T%+v", ev, ev))
			before := s
			var task *Task
			s, task = before.Apply(ev)
			if broken := invariant(before, s, ev, task); broken != "" {
				t.Fatalf("seed %d: %s after %v", seed, broken, trail)
			}
		}
	}
}

// TestRandomWalkArrives guards the walk itself: it must reach the last step.
func TestRandomWalkArrives(t *testing.T) {
	t.Parallel()
	reached := map[Step]bool{}
	stored := false
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 1))
		s := Start(Initial{})
		for range 60 {
			s, _ = s.Apply(anyEvent(r, s))
			reached[s.Step] = true
			if s.Running != nil {
				h, ok := s.Running.Effect.(FinishApproval)
				stored = stored || ok && h.Store.Kind == keystore.Session
			}
		}
	}
	require.True(t, stored, "the walk never stored in another place what was approved")
	for _, step := range Steps() {
		require.True(t, reached[step], "the walk never reached %s", step)
	}
}

func invariant(before, s State, ev Event, task *Task) string {
	authorizing := false
	if s.Running != nil {
		switch e := s.Running.Effect.(type) {
		case Authorize, Connect:
			authorizing = true
		case FinishApproval:
			authorizing = e.Kept.Code()
		case FinishPending: // from when the address is found to be an answer
			authorizing = s.Attempt.Phase != PhaseNone
		}
	}
	_, report := ev.(Report)
	switch {
	case s.Watch.Started && s.Step != StepProfiles:
		return "a proof on another page"
	case s.Problem != nil && s.Running != nil:
		return "a problem and a running task"
	case (s.Attempt.Phase != PhaseNone) != authorizing:
		return "an attempt without its task, or the other way round"
	case s.Asking && (s.Step < StepApplication || s.Step > StepAuthorize || authorizing):
		return "the store is asked about on another page"
	case before.HasUnfinished() && !s.HasUnfinished() && !releases(ev):
		return "what was approved is lost"
	case task != nil && s.Running == nil:
		return "a task that nobody waits for"
	case task != nil && task.ID != s.Running.ID:
		return "a task that is not the running one"
	case before.Running != nil && task != nil && task != s.Running && task.ID != before.Running.ID:
		return "a second task at once"
	case report && s.Running != nil && before.Running == nil:
		return "a report started a task"
	case s.tasks < before.tasks:
		return "a task ID was given out again"
	}
	return missingAnswer(s)
}

// releases tells whether what is held may go: it is stored, or was given up.
func releases(ev Event) bool {
	if r, ok := ev.(Report); ok {
		ev = r.Event
	}
	switch ev.(type) {
	case Linked, ServiceAccountAccepted, ApprovalDropped:
		return true
	}
	return false
}

func missingAnswer(s State) string {
	a := s.Answers
	for _, need := range []struct {
		after Step
		ok    bool
		what  string
	}{
		{StepDataCenter, a.Site.Chosen(), "data center"},
		{StepApplication, a.ClientID != "" && !a.ClientSecret.Empty() && s.Store.Kind != "", "application"},
		{StepServiceAccount, a.ServiceAccount != "", "service account"},
		{StepProvider, a.Provider != "", "provider"},
	} {
		if s.Step > need.after && !need.ok {
			return "page " + s.Step.String() + " without the answer " + need.what
		}
	}
	return ""
}

func anyEvent(r *rand.Rand, s State) Event {
	switch r.IntN(8) {
	case 0:
		return someAnswer(r)
	case 1, 2, 3: // the one that fits, so that walks get far
		return fittingAnswer(s)
	case 4, 5, 6:
		return someReport(r, s)
	}
	return []Event{Back{}, Pasted{"x"}, Extended{}, NewLinkWanted{}, OpenWanted{}, ApprovalWanted{}, ReportedDone{}, Refreshed{},
		ApprovalRetried{}, OtherStoreWanted{}, ApprovalDropped{}}[r.IntN(11)]
}

func fittingAnswer(s State) Event {
	switch {
	case s.Asking:
		return StoreChosen{Kind: keystore.Session}
	case s.Unfinished() != nil:
		return ApprovalRetried{}
	case s.Step == StepDataCenter:
		return DataCenterChosen{siteOf("de")}
	case s.Step == StepApplication:
		return ApplicationEntered{ClientID: "id", ClientSecret: cronofy.NewSecret("s"), RedirectURI: DefaultRedirectURI}
	case s.Step == StepServiceAccount:
		return ServiceAccountEntered{ID: "ser_1"}
	case s.Step == StepProvider:
		return ProviderChosen{cronofy.Zoom}
	case s.Step == StepAuthorize:
		return AuthorizeStarted{}
	case s.Step.asksNothing():
		return PagePassed{s.Step}
	}
	return AccountsGiven{Accounts{Path: "x"}}
}

func someAnswer(r *rand.Rand) Event {
	secret := cronofy.NewSecret("s")
	all := []Event{
		DataCenterChosen{siteOf("de")}, DataCenterChosen{siteOf("us")},
		ApplicationEntered{ClientID: "id", ClientSecret: secret, RedirectURI: DefaultRedirectURI},
		ApplicationEntered{ClientID: "", ClientSecret: secret, RedirectURI: DefaultRedirectURI},
		StoreChosen{Kind: keystore.Session}, StoreChosen{Kind: keystore.Keyring},
		ServiceAccountEntered{ID: "ser_1"}, ServiceAccountEntered{ID: "acc_1"}, ConnectStarted{},
		ProviderChosen{cronofy.Zoom}, AuthorizeStarted{}, RedirectURIChosen{RedirectURIs()[1]}, Continued{},
		AccountsGiven{}, AccountsGiven{Accounts{Path: "x"}},
		AnotherWanted{},
	}
	return all[r.IntN(len(all))]
}

// storedHeld ends a FinishApproval as the task that was approved would have ended.
func storedHeld(s State) Event {
	if s.Step == StepServiceAccount {
		return ServiceAccountAccepted{ID: "ser_2"}
	}
	return Linked{}
}

func someReport(r *rand.Rand, s State) Event {
	id := s.tasks - r.IntN(2)
	failed := make([]Event, 0, len(failures))
	for _, name := range []string{"invalid_client", "401", "404", "port", "timeout", "locked", "nosecret", "network"} {
		failed = append(failed, Failed{Err: failures[name]})
	}
	if s.Running == nil {
		return Report{id, failed[r.IntN(len(failed))]}
	}
	secret := cronofy.NewSecret("s")
	fitting := map[string][]Event{
		"flow.CheckApplication": {ApplicationAccepted{ClientSecret: secret, Store: Store{Kind: keystore.Keyring}},
			ApplicationAccepted{ClientSecret: secret, Store: Store{Keyring: keystore.Status{State: "locked"}}, Ask: true}},
		"flow.CheckServiceAccount": {ServiceAccountAccepted{ID: "ser_1"}},
		"flow.Connect":             {LinkReady{}, AnswerArrived{}, ServiceAccountAccepted{ID: "ser_2"}},
		"flow.Authorize":           {LinkReady{}, AnswerRejected{}, BrowserAsked{}, TimeExtended{}, AnswerArrived{}, Linked{}},
		"flow.FinishPending":       {AnswerArrived{}, Linked{}},
		"flow.FinishApproval":      {storedHeld(s)},
		"flow.LoadProfiles":        {ProfilesRead{}, LookPlanned{}, ProfilesDone{}},
	}[fmt.Sprintf("%T", s.Running.Effect)]
	if check, ok := s.Running.Effect.(CheckApplication); ok && check.Chosen {
		fitting = []Event{ApplicationAccepted{ClientSecret: secret, Store: Store{Kind: keystore.Session}}}
	}
	if r.IntN(3) == 0 {
		f := failed[r.IntN(len(failed))].(Failed)
		_, again := s.Running.Effect.(FinishApproval)
		f.Approved = s.Attempt.Phase >= PhaseExchanging || again
		if f.Approved {
			f.Err, f.Kept = failures["locked"], &Kept{}
		}
		return Report{id, f}
	}
	return Report{id, fitting[r.IntN(len(fitting))]}
}
