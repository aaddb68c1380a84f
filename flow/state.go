package flow

import (
	"context"
	"errors"
	"time"

	"confer/cronofy"
	"confer/internal/links"
	"confer/keystore"
)

// Answers is what the operator has answered. Going back keeps all of it.
type Answers struct {
	Site         cronofy.Site
	ClientID     string
	ClientSecret cronofy.Secret // empty: the store has it, or nobody
	RedirectURI  string         // exactly as registered at Cronofy
	Listen       string         // host:port for the callback of a redirect URI that is not loopback; empty: none
	RedirectSet  bool           // the operator named RedirectURI: no other port is offered

	ServiceAccount string           // "ser_..."
	Label          string           // the operator's own name for this link; may be empty
	Provider       cronofy.Provider // empty: not chosen yet
	Accounts       Accounts
}

// App is the OAuth client of these answers.
func (a Answers) App() cronofy.App {
	return cronofy.App{ClientID: a.ClientID, ClientSecret: a.ClientSecret}
}

// Used is a link that was made, whose service account can be chosen again.
type Used = links.Link

// State is all the wizard knows. It is a value: Apply returns the next one.
// Rows of profiles are not in it; progress events carry them to the screen.
type State struct {
	Step      Step
	Answers   Answers
	Store     Store
	Asking    bool   // the store is asked about: on the application's page, or later because it failed
	Notice    string // something the operator should know that stops nothing
	Resumed   bool   // the answers are of an earlier run, and nothing was answered yet
	Unsaved   bool   // a later run will not find the answers; it was said
	Attempt   Attempt
	Link      *Link  // nil until linked
	Made      []Link // all links of this run, in order
	Watch     Watch
	Pause     Paused         // the last wait before a call to Cronofy; over when its Until has passed
	Known     *KnownProfiles // profiles seen before the link; nil when no tokens were known then
	StoreWait keystore.Wait  // what a store waits for: see WaitWords
	Used      []Used
	Pending   []links.Pending // see PendingHere
	Sites     []cronofy.Site  // what step 1 offers: the data centers, overrides applied
	Problem   *Problem        // why the last task failed, or an answer was refused
	Running   *Task           // nil while waiting for the operator

	tasks     int              // last task ID given out
	accepted  [stepCount]Basis // the answers that Cronofy accepted, by the step of the last of them
	approvals []Approval       // without a link so far; copied before it is changed
}

// Initial is what is known before the first page.
type Initial struct {
	Answers    Answers
	Store      Store
	SecretKept bool // the store has the client secret, so its absence is no missing answer
	Unaccepted Step // the first whose answer is there and was not accepted; StepDataCenter: none is
	Suggested  bool // the answers are suggestions: begin at the first page and let each be confirmed
	Used       []Used
	Resumed    bool            // the answers are those of a run that was not finished
	Linked     *Link           // the newest link of earlier runs, where there are no answers; nil: there is none
	Pending    []links.Pending // links that earlier runs made, and that somebody may still approve
	Notice     string          // something to know on the first page
	Unsaved    error           // why the answers cannot be saved; nil: they can
	Sites      []cronofy.Site  // nil: the data centers' own hosts
}

// Start computes the first page from what is known: the first step whose
// answer is missing or was not accepted.
func Start(f Initial) State {
	s := State{Answers: f.Answers, Store: f.Store, Used: f.Used, Pending: f.Pending, Sites: f.Sites, Notice: f.Notice}
	if s.Sites == nil {
		for _, d := range cronofy.DataCenters() {
			s.Sites = append(s.Sites, d.Site())
		}
	}
	if !f.Suggested {
		s.Step = firstMissing(f)
	}
	if f.Linked != nil {
		return s.returning(*f.Linked).unsaved(f.Unsaved)
	}
	s.Resumed = f.Resumed && s.Step > StepDataCenter
	if f.Unaccepted != StepDataCenter {
		s.Step = min(s.Step, f.Unaccepted)
		s = s.accept(f.Unaccepted - 1)
	} else {
		s = s.accept(StepProfiles)
	}
	return s.unsaved(f.Unsaved)
}

// StartedOver forgets the answers of an earlier run, where State.Resumed or
// State.Returning.
type StartedOver struct{}

func (StartedOver) apply(s State) (State, *Task) {
	if s.Running != nil || !s.Resumed && !s.Returning() {
		return s, nil
	}
	return Start(Initial{Used: s.Used, Sites: s.Sites}), nil
}

// Returning tells whether Link was made by an earlier run.
func (s State) Returning() bool { return s.Link != nil && len(s.Made) == 0 }

// returning begins at a link that an earlier run made.
func (s State) returning(l Link) State {
	s.Answers.Site, s.Answers.ClientID, s.Answers.ServiceAccount = l.Site, l.ClientID, l.ServiceAccount
	s.Answers.Provider, s.Answers.Label = cronofy.Provider(l.Provider), l.Label
	if s.Answers.RedirectURI == "" {
		s.Answers.RedirectURI = DefaultRedirectURI
	}
	if s.Store.Kind == "" && l.Store.Outlives() {
		s.Store.Kind = l.Store
	}
	l.For = s.Answers.authorizing(StepAuthorize)
	s.Link, s.Step = &l, StepProfiles
	return s.accept(StepProfiles)
}

// Event is what happened: the operator did something, or a task reported.
type Event interface {
	// apply gives the next State. It is called by State.Apply alone.
	apply(State) (State, *Task)
}

// An answer belongs to one page; elsewhere it changes nothing.
type answer interface {
	Event
	page() Step
}

// Effect is what the Runner is to do, as data: a work or a Delivery.
type Effect any

// work is an Effect that is done by a task. The event that it returns is its last.
type work interface {
	do(ctx context.Context, r *Runner, inbox <-chan Delivery, say func(Event)) Event
}

// Delivery is what the operator does while a task runs: an Effect that goes to
// the inbox of that task.
type Delivery interface {
	Event
	// deliver does it within an authorization. A non-nil event ends the task.
	deliver(ctx context.Context, a *authorization) Event
}

// Task is an effect with the ID that its reports carry. A Delivery has the ID
// of the running task.
type Task struct {
	ID     int
	Effect Effect
}

// Apply is the only place where a State changes. It returns the next State and
// at most one Task: one to start, or a Delivery to the one that is running.
// Events that do not fit the page or the moment change nothing.
func (s State) Apply(ev Event) (State, *Task) {
	if a, ok := ev.(answer); ok {
		if s.Running != nil || a.page() != s.Step || s.Asking && s.Step != StepApplication {
			return s, nil
		}
		s.Problem, s.Notice, s.Resumed = nil, "", false
	}
	return ev.apply(s)
}

// Busy tells whether a task is under way that the operator waits for.
func (s State) Busy() bool { return s.Running != nil && (s.Step != StepProfiles || !s.Watch.Started) }

func (s State) start(e work) (State, *Task) {
	s.tasks++
	s.StoreWait = keystore.Wait{}
	s.Running = &Task{ID: s.tasks, Effect: e}
	return s, s.Running
}

func (s State) refuse(p *Problem) (State, *Task) {
	p.Step = s.Step
	s.Problem = p
	return s, nil
}

// PagePassed goes on from a page that asks for nothing.
type PagePassed struct{ Step Step }

func (ev PagePassed) page() Step { return ev.Step }

func (ev PagePassed) apply(s State) (State, *Task) {
	if ev.Step.asksNothing() {
		s.Step++
	}
	return s, nil
}

// Back goes one page back, or ends what is under way on this one. A code that is
// being exchanged is not given up: it cannot be had twice.
type Back struct{}

func (Back) apply(s State) (State, *Task) {
	if s.Attempt.Phase == PhaseExchanging {
		return s, nil
	}
	s.Problem, s.Notice = nil, ""
	switch {
	case s.Busy():
		s.Running, s.Attempt = nil, Attempt{}
	case s.Asking:
		s.Asking = false
	case s.Step == StepProfiles && s.Watch.Started:
		s.Running, s.Watch = nil, Watch{}
	case s.Step > StepDataCenter:
		s.Step--
	}
	return s, nil
}

// Report carries a task's event with the task's ID. Those of tasks that are over are
// dropped: a keyring's prompt cannot be cancelled, and its answer may come any time.
type Report struct {
	Task  int
	Event Event
}

func (r Report) apply(s State) (State, *Task) {
	switch r.Event.(type) {
	case CronofyBack, CodeExpired, AnswersUnsaved: // of no task
	default:
		if s.Running == nil || r.Task != s.Running.ID {
			return s, nil
		}
	}
	return r.Event.apply(s)
}

// Failed ends any task that could not do its work.
type Failed struct {
	Err      error
	Approved bool  // the administrator had approved before, so the link most likely exists
	Kept     *Kept // what FinishApproval can go on with; nil: nothing
}

func (ev Failed) apply(s State) (State, *Task) {
	p := Explain(ev.Err, s.Step)
	if errors.Is(ev.Err, ErrNoSecret) { // the store's page has no field for it
		s.Asking = false
	}
	if ev.Approved {
		kept := s.Unfinished()
		p = approvedProblem(p, s.Step, s.Answers, ev, kept != nil && kept.retried)
		s = s.approved(ev, &p)
	}
	p.Step = min(p.Step, s.Step) // an error never leads past an answer
	s = s.takeBack(p)
	s.Running, s.Attempt = nil, Attempt{}
	if s.Step == StepProfiles {
		s.Watch = Watch{}
	}
	s.Problem = &p
	if p.Code == CodeSecretStore && s.Step <= StepAuthorize {
		// The store is asked about where it failed, so that it can be tried again there
		// or another one taken. After an approval there is more to choose from.
		s.Asking = s.Asking || !ev.Approved
		s.Store = storeSeen(s.Store, ev.Err)
		return s, nil
	}
	s.Step = p.Step
	if s.Step != StepApplication {
		s.Asking = false
	}
	return s, nil
}

// takeBack takes back that an answer was accepted, where Cronofy refused it or it is
// not there any more. An account that was to be authorized says nothing about one.
func (s State) takeBack(p Problem) State {
	if p.Exit != ExitRefused && p.Code != CodeUsage || s.Running == nil {
		return s
	}
	if _, ok := s.Running.Effect.(Connect); ok && p.Step == StepServiceAccount {
		return s
	}
	s.accepted[p.Step] = Basis{}
	return s
}

// Paused says that the next call to Cronofy waits, and why.
type Paused struct {
	Until  time.Time
	Reason string // "rate limit", "retry"
}

func (ev Paused) apply(s State) (State, *Task) {
	s.Pause = ev
	return s, nil
}
