package flow

import (
	"strings"
	"time"

	"confer/cronofy"
	"confer/internal/profiles"
)

// State is all the wizard knows. It is a value: Apply returns the next one.
// Rows of profiles are not in it; progress events carry them to the screen.
type State struct {
	Step       Step
	Answers    Answers
	Store      Store
	Asking     bool   // the store is asked about: on the application's page, or later because it failed
	Notice     string // something the operator should know that stops nothing
	StoreWait  string // what a store waits for, as in UnlockAsked; empty: for nothing
	Unsaved    bool   // a later run will not find the answers; it was said
	Attempt    Attempt
	Link       *Link  // nil until linked
	Made       []Link // all links of this run, in order
	Proof      Proof
	Pause      Pause          // the last wait before a call to Cronofy; over when its Until has passed
	Known      *KnownProfiles // profiles seen before the link; nil when no tokens were known then
	Unlock     time.Time      // when what StoreWait tells of is given up; zero: there is no limit
	Used       []Used
	HandedOver []HandedOver   // see HandedOverHere
	Sites      []cronofy.Site // what step 1 offers: the six data centers, overrides applied
	Problem    *Problem       // why the last task failed, or an answer was refused
	Running    *Task          // nil while waiting for the operator
	tasks      int            // last task ID given out

	held        []Held // approved, and not stored; copied before it is changed
	accepted    accepted
	keptKey     string   // storeKey of a client secret that is in the store
	linkedKey   string   // Answers.Key of Link
	approvedKey string   // Answers.Key of the last approval that was not finished
	knownFrom   Accounts // whose profiles Known holds
}

// Start computes the first page from what is known: the first step whose
// answer is missing or was not accepted.
func Start(f Found) State {
	s := State{Answers: f.Answers, Store: f.Store, Used: f.Used, HandedOver: f.HandedOver, Sites: f.Sites, Notice: f.Notice}
	if f.SecretKept {
		s.keptKey = s.storeKey()
	}
	if s.Sites == nil {
		for _, d := range cronofy.DataCenters() {
			s.Sites = append(s.Sites, d.Site())
		}
	}
	if !f.Suggested {
		s.Step = firstMissing(f)
	}
	if f.Open != StepDataCenter {
		s.Step = min(s.Step, f.Open)
	}
	return s.acceptUpTo(f.Open).unsaved(f.Unsaved)
}

// Found is what is known before the first page.
type Found struct {
	Answers    Answers
	Store      Store
	SecretKept bool // the store has the client secret, so its absence is no missing answer
	Open       Step // whose answer is there and was not accepted; StepDataCenter: none is
	Suggested  bool // the answers are suggestions: begin at the first page and let each be confirmed
	Used       []Used
	HandedOver []HandedOver   // links that earlier runs made, and that somebody may still approve
	Notice     string         // something to know on the first page
	Unsaved    error          // why the answers cannot be saved; nil: they can
	Sites      []cronofy.Site // nil: the data centers' own hosts
}

func firstMissing(f Found) Step {
	a := f.Answers
	switch {
	case !a.Site.Chosen():
		return StepDataCenter
	case a.ClientID == "" || a.ClientSecret.Empty() && !f.SecretKept || a.RedirectURI == "" || f.Store.Kind == "",
		f.Store.Kind == StoreFile && f.Store.Passphrase.Empty():
		return StepApplication
	case a.ServiceAccount == "":
		return StepServiceAccount
	case a.Provider == "":
		return StepProvider
	}
	return StepAuthorize
}

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

// Key names the answers that an authorization belongs to: a state issued for
// one key is not accepted for another (RFC 9700 section 4.4, mix-up).
func (a Answers) Key() string {
	return strings.Join([]string{a.Site.API, a.Site.App, a.ClientID, a.ServiceAccount, string(a.Provider), a.RedirectURI}, "\n")
}

// Pause is a wait before a call to Cronofy: the rate limit, or a repeat.
type Pause struct {
	Until  time.Time
	Reason string // "rate limit", "retry"
}

// Used is a service account that an earlier run linked.
type Used struct {
	APIHost, ClientID, ServiceAccount, Label string
}

// Event is what happened: the operator did something, or a task reported.
type Event interface{ event() }

// An answer belongs to one page; elsewhere Apply ignores it.
type answer interface {
	Event
	page() Step
}

// Effect is work for the Runner, as data. It carries everything the work needs.
type Effect interface{ effect() }

// Delivery is an Effect that goes to the inbox of the task that is running.
type Delivery interface {
	Effect
	delivery()
}

// Task is an effect with the ID that its reports carry. A Delivery has the ID
// of the running task.
type Task struct {
	ID     int
	Effect Effect
}

type (
	// CheckApplication asks Cronofy whether it knows the application, and the
	// machine what its keyring can do. It ends in ApplicationAccepted.
	CheckApplication struct {
		Answers Answers
		Store   Store
	}
	// OpenStore opens the store that the operator chose, unlocking it if need
	// be. It ends in StoreOpened.
	OpenStore struct {
		Answers Answers
		Store   Store
	}
	// CheckServiceAccount makes a link token with it, which proves the client
	// secret too; then the secret is stored. It ends in ServiceAccountAccepted.
	CheckServiceAccount struct {
		Answers Answers
		Store   Store
	}
	// Connect has a calendar service account authorized in the browser. It ends
	// in ServiceAccountAccepted.
	Connect struct {
		Answers               Answers
		Store                 Store
		Scope, DelegatedScope string
	}
	// Authorize has the Organizational Unit authorization done in the browser,
	// exchanges the code and stores the tokens. It ends in Linked.
	Authorize struct {
		Answers Answers
		Store   Store
	}
	// StoreHeld stores what an approval gave and the store did not take then. It
	// ends as Connect or Authorize would have: in ServiceAccountAccepted or Linked.
	StoreHeld struct {
		Key   string // names the approval
		Store Store
	}
	// LoadProfiles reads userinfo for each account, again and again for a while.
	// It ends in ProfilesDone.
	LoadProfiles struct {
		Answers Answers
		Known   *KnownProfiles
	}
)

// Answers of the operator.
type (
	// DataCenterChosen answers step 1.
	DataCenterChosen struct{ Site cronofy.Site }
	// ApplicationEntered answers step 2. An empty secret means the stored one.
	ApplicationEntered struct {
		ClientID     string
		ClientSecret cronofy.Secret
		RedirectURI  string
	}
	// StoreChosen answers the question for a store, wherever it is asked.
	StoreChosen struct {
		Kind       StoreKind
		Passphrase cronofy.Secret
	}
	// ServiceAccountEntered answers step 3.
	ServiceAccountEntered struct{ ID, Label string }
	// ConnectStarted answers step 3 the other way: authorize a calendar service
	// account now, through Enterprise Connect. Scopes are space-separated.
	ConnectStarted struct{ Scope, DelegatedScope, Label string }
	// ProviderChosen answers step 4.
	ProviderChosen struct{ Provider cronofy.Provider }
	// AuthorizeStarted begins, or begins again, step 5.
	AuthorizeStarted struct{}
	// RedirectURIChosen takes another redirect URI, when a port was busy; on the
	// page of step 5 it begins that with it.
	RedirectURIChosen struct{ URI string }
	// RedirectURIWanted leads to the field of a redirect URI that was pinned, when
	// its port was busy: see State.PinnedPort.
	RedirectURIWanted struct{}
	// Continued goes on from step 5 with the link that was made before.
	Continued struct{}
	// AccountsGiven answers step 6.
	AccountsGiven struct{ Accounts Accounts }
	// AnotherWanted begins the set-up of a further customer after a link.
	AnotherWanted struct{}
	// StoreRetried stores again what is held: see State.HeldHere.
	StoreRetried struct{}
	// ExchangeRetried exchanges again the code that is held: see Held.Code.
	ExchangeRetried struct{}
	// OtherStoreWanted asks where else what is held could be stored.
	OtherStoreWanted struct{}
	// HeldDropped gives up what is held.
	HeldDropped struct{}
	// Back goes one page back, or ends what is under way on this one.
	Back struct{}
)

// Deliveries: what the operator does while a task runs, handed to its inbox.
type (
	// Pasted is the final address of the administrator's browser, as pasted. It is
	// taken without a task too, where State.HandedOverHere.
	Pasted struct{ Text string }
	// Extended asks for more time.
	Extended struct{}
	// NewLinkWanted asks for a fresh link token; links made before stay good
	// for coming back.
	NewLinkWanted struct{}
	// NoDeadlineWanted has the wait go on until the operator ends it. It is answered
	// by a TimeExtended with the zero time.
	NoDeadlineWanted struct{}
	// OpenWanted asks to open the browser again.
	OpenWanted struct{}
	// Handed keeps the link as unconfirmed: the administrator says it is done.
	Handed struct{}
	// Refreshed asks the profiles task to look again now.
	Refreshed struct{}
)

// Reports of tasks.
type (
	// ApplicationAccepted ends CheckApplication.
	ApplicationAccepted struct {
		ClientSecret cronofy.Secret // as typed, or as found in the store
		Store        Store
		Ask          bool  // the operator must choose a store
		Unchecked    error // why the check could not tell; nil: it could, or was left out
	}
	// UnlockAsked says that a store waits for somebody: the keyring shows a window,
	// or another process has the encrypted file.
	UnlockAsked struct {
		Until time.Time // when it is given up; zero: as long as it takes
		Words string    // what to do, without a full stop; empty: it is over
	}
	// StoreOpened ends OpenStore.
	StoreOpened struct {
		Store        Store
		ClientSecret cronofy.Secret
		Unchecked    error // as in ApplicationAccepted
	}
	// ServiceAccountAccepted ends CheckServiceAccount and Connect.
	ServiceAccountAccepted struct{ ID, Notice string }
	// LinkReady says that a link can be opened and the callback is listened for.
	LinkReady struct {
		URL, ShortURL, RedirectURI string
		Listening                  bool
		Until                      time.Time
	}
	// BrowserAsked says that a browser was started; Err when none could be.
	BrowserAsked struct{ Err error }
	// TimeExtended carries the new end of the wait.
	TimeExtended struct{ Until time.Time }
	// Strayed says that something came back which was not the answer.
	Strayed struct{ Err error }
	// AnswerArrived says that the administrator approved; the code is exchanged.
	AnswerArrived struct{}
	// Exchanged says that the tokens are here and are stored now.
	Exchanged struct{}
	// Linked ends Authorize.
	Linked struct {
		Link   Link
		Known  *KnownProfiles
		Notice string
	}
	// ProfilesRead carries rows to the screen, in batches.
	ProfilesRead struct {
		Rows  []profiles.Row
		Tally Tally
		At    time.Time // when they were read
	}
	// Paused says that the next call to Cronofy waits, and why.
	Paused struct {
		Until  time.Time
		Reason string
	}
	// LookPlanned says when the profiles are looked at again by itself.
	LookPlanned struct{ At time.Time }
	// ProfilesDone ends LoadProfiles.
	ProfilesDone struct{ Tally Tally }
	// AnswersUnsaved says that a later run will not find the answers. It is of no
	// task.
	AnswersUnsaved struct{ Err error }
	// Failed ends any task that could not do its work. Approved: the
	// administrator had approved before, so the link most likely exists. Held:
	// the tokens are here and only the store has failed; StoreHeld stores them.
	Failed struct {
		Err      error
		Approved bool
		Held     bool
	}
	// Report carries a task's event with the task's ID; Apply drops late ones.
	Report struct {
		Task  int
		Event Event
	}
)

func (DataCenterChosen) event() {}

func (ApplicationEntered) event() {}

func (StoreChosen) event() {}

func (ServiceAccountEntered) event() {}

func (ConnectStarted) event() {}

func (ProviderChosen) event() {}

func (AuthorizeStarted) event() {}

func (RedirectURIChosen) event() {}

func (RedirectURIWanted) event() {}

func (Continued) event() {}

func (AccountsGiven) event() {}

func (AnotherWanted) event() {}

func (StoreRetried) event() {}

func (OtherStoreWanted) event() {}

func (ExchangeRetried) event() {}

func (HeldDropped) event() {}

func (Back) event() {}

func (Pasted) event() {}

func (Extended) event() {}

func (NoDeadlineWanted) event() {}

func (NewLinkWanted) event() {}

func (OpenWanted) event() {}

func (Handed) event() {}

func (Refreshed) event() {}

func (ApplicationAccepted) event() {}

func (UnlockAsked) event() {}

func (StoreOpened) event() {}

func (ServiceAccountAccepted) event() {}

func (LinkReady) event() {}

func (BrowserAsked) event() {}

func (TimeExtended) event() {}

func (Strayed) event() {}

func (AnswerArrived) event() {}

func (Exchanged) event() {}

func (Linked) event() {}

func (ProfilesRead) event() {}

func (Paused) event() {}

func (LookPlanned) event() {}

func (ProfilesDone) event() {}

func (AnswersUnsaved) event() {}

func (Failed) event() {}

func (Report) event() {}

func (DataCenterChosen) page() Step { return StepDataCenter }

func (ApplicationEntered) page() Step { return StepApplication }

func (ServiceAccountEntered) page() Step { return StepServiceAccount }

func (ConnectStarted) page() Step { return StepServiceAccount }

func (ProviderChosen) page() Step { return StepProvider }

func (AuthorizeStarted) page() Step { return StepAuthorize }

func (Continued) page() Step { return StepAuthorize }

func (AccountsGiven) page() Step { return StepProfiles }

func (CheckApplication) effect() {}

func (OpenStore) effect() {}

func (CheckServiceAccount) effect() {}

func (Connect) effect() {}

func (Authorize) effect() {}

func (StoreHeld) effect() {}

func (LoadProfiles) effect() {}

func (Pasted) effect() {}

func (Extended) effect() {}

func (NoDeadlineWanted) effect() {}

func (NewLinkWanted) effect() {}

func (OpenWanted) effect() {}

func (Handed) effect() {}

func (Refreshed) effect() {}

func (Pasted) delivery() {}

func (Extended) delivery() {}

func (NoDeadlineWanted) delivery() {}

func (NewLinkWanted) delivery() {}

func (OpenWanted) delivery() {}

func (Handed) delivery() {}

func (Refreshed) delivery() {}

// Apply is the only place where a State changes. It returns the next State and
// at most one Task: one to start, or a Delivery to the one that is running.
// Events that do not fit the page or the moment change nothing.
func (s State) Apply(ev Event) (State, *Task) {
	switch ev := ev.(type) {
	case Report:
		return s.report(ev)
	case Back:
		return s.back(), nil
	case Delivery:
		return s.deliver(ev)
	case RedirectURIChosen:
		return s.redirect(ev)
	case RedirectURIWanted:
		if s.PinnedPort() {
			s.Step = StepApplication // the problem goes along, and stands at the field
		}
		return s, nil
	case StoreRetried, OtherStoreWanted, HeldDropped:
		return s.settleHeld(ev)
	case StoreChosen:
		if s.Running != nil || !s.Asking {
			return s, nil
		}
		s.Problem, s.Notice = nil, ""
		return s.store(ev)
	case AnotherWanted:
		if s.Step != StepProfiles {
			return s, nil
		}
		return s.another(), nil
	case answer:
		if s.Running != nil || ev.page() != s.Step || s.Asking && s.Step != StepApplication {
			return s, nil
		}
		s.Problem, s.Notice = nil, ""
		return s.answer(ev)
	}
	return s, nil
}

// Busy tells whether a task is under way that the operator waits for. Profiles
// that are looked at are not.
func (s State) Busy() bool { return s.Running != nil && (s.Step != StepProfiles || !s.Proof.Started) }

func (s State) start(e Effect) (State, *Task) {
	s.tasks++
	s.Unlock, s.StoreWait = time.Time{}, ""
	s.Running = &Task{ID: s.tasks, Effect: e}
	return s, s.Running
}

func (s State) refuse(p *Problem) (State, *Task) {
	p.Step = s.Step
	s.Problem = p
	return s, nil
}

func (s State) answer(ev answer) (State, *Task) {
	switch ev := ev.(type) {
	case DataCenterChosen:
		if !ev.Site.Chosen() {
			return s.refuse(usage("The data center is missing.", "Choose the one your application was made in."))
		}
		s.Answers.Site = ev.Site
		s.Step = StepApplication
		return s, nil
	case ApplicationEntered:
		return s.application(ev)
	case ServiceAccountEntered:
		return s.serviceAccount(ev)
	case ConnectStarted:
		for _, p := range []*Problem{s.CheckLabel(ev.Label), s.CheckNoSecret(ev.Scope), s.CheckNoSecret(ev.DelegatedScope)} {
			if p != nil {
				return s.refuse(p)
			}
		}
		s.Answers.Label = ev.Label
		s.Attempt = Attempt{Phase: PhasePreparing}
		return s.start(Connect{Answers: s.Answers, Store: s.Store, Scope: ev.Scope, DelegatedScope: ev.DelegatedScope})
	case ProviderChosen:
		if p := s.checkProvider(ev.Provider); p != nil {
			return s.refuse(p)
		}
		s.Notice = unknownProvider(ev.Provider)
		s.Answers.Provider = ev.Provider
		s.Step = StepAuthorize
		return s, nil
	case AuthorizeStarted:
		return s.authorize()
	case Continued:
		if s.LinkedNow() || s.ApprovedNow() {
			s.Step = StepProfiles
		}
		return s, nil
	case AccountsGiven:
		return s.accounts(ev)
	}
	return s, nil
}

// back ends what is under way, or goes one page back. A code that is being
// exchanged is not given up: it cannot be had twice.
func (s State) back() State {
	if p := s.Attempt.Phase; p == PhaseExchanging || p == PhaseStoring {
		return s
	}
	s.Problem, s.Notice = nil, ""
	switch {
	case s.Busy():
		s.Running, s.Attempt = nil, Attempt{}
	case s.Asking:
		s.Asking = false
	case s.Step == StepProfiles && s.Proof.Started:
		s.Running, s.Proof = nil, Proof{}
	case s.Step > StepDataCenter:
		s.Step--
	}
	return s
}

// report takes what a task said. Reports of tasks that are over are dropped:
// a keyring's prompt cannot be cancelled, and its answer may come any time.
func (s State) report(r Report) (State, *Task) {
	if ev, ok := r.Event.(AnswersUnsaved); ok {
		return s.unsaved(ev.Err), nil
	}
	if s.Running == nil || r.Task != s.Running.ID {
		return s, nil
	}
	switch ev := r.Event.(type) {
	case ApplicationAccepted:
		s.Running = nil
		s = s.secretHere(ev.ClientSecret, ev.Store, ev.Unchecked)
		s.accepted.application = applicationKey(s.Answers)
		s.Asking = ev.Ask
		if !ev.Ask {
			s.Step = StepServiceAccount
		}
	case StoreOpened:
		s.Running, s.Asking, s.Problem = nil, false, nil
		s = s.secretHere(ev.ClientSecret, ev.Store, ev.Unchecked)
		s.Notice = strings.TrimSpace(s.Notice + " " + weakPassphrase(ev.Store))
		s.Step = max(s.Step, StepServiceAccount)
	case ServiceAccountAccepted:
		return s.accountAccepted(ev), nil
	case Linked:
		return s.linked(ev), nil
	case ProfilesDone:
		s.Running = nil
		s.Proof.Done, s.Proof.Tally, s.Proof.NextLook = true, ev.Tally, time.Time{}
	case Failed:
		return s.failed(ev), nil
	default:
		return s.progress(ev), nil
	}
	return s, nil
}

func (s State) failed(ev Failed) State {
	p := explain(ev.Err, s.Step)
	if noSecret(ev.Err) { // the store's page has no field for it
		s.keptKey, s.Asking = "", false
	}
	if ev.Approved {
		p = approvedProblem(p, s.Step, s.Answers, ev.Held)
		s.approvedKey = s.Answers.Key()
	}
	p.Step = min(p.Step, s.Step) // an error never leads past an answer
	s = s.reopen(p).holdIf(ev.Held, &p)
	s.Running, s.Attempt = nil, Attempt{}
	if s.Step == StepProfiles {
		s.Proof = Proof{}
	}
	s.Problem = &p
	if p.Code == CodeSecretStore && s.Step <= StepAuthorize {
		return s.storeFailed(ev)
	}
	s.Step = p.Step
	if s.Step != StepApplication {
		s.Asking = false
	}
	return s
}

// progress takes what does not end a task.
func (s State) progress(ev Event) State {
	a := &s.Attempt
	switch ev := ev.(type) {
	case LinkReady:
		a.Phase, a.Links, a.Notice = PhaseWaiting, a.Links+1, ""
		a.URL, a.ShortURL, a.RedirectURI = ev.URL, ev.ShortURL, ev.RedirectURI
		a.Listening, a.Until = ev.Listening, ev.Until
		s = s.keptIf(true) // see Runner.prove
	case BrowserAsked:
		a.Opened, a.Browser = ev.Err == nil, ""
		if ev.Err != nil {
			a.Browser = explainBrowser(ev.Err)
		}
	case TimeExtended:
		a.Until = ev.Until
	case Strayed:
		a.Notice = explainStray(ev.Err)
	case AnswerArrived:
		a.Phase = PhaseExchanging
	case Exchanged:
		a.Phase = PhaseStoring
	case UnlockAsked:
		s.Unlock, s.StoreWait = ev.Until, ev.Words
	case Paused:
		s.Pause = Pause(ev)
	case ProfilesRead:
		s.Proof.Tally = ev.Tally
		if s.Proof.Since.IsZero() {
			s.Proof.Since = ev.At
		}
	case LookPlanned:
		s.Proof.NextLook = ev.At
	}
	return s
}

// unsaved tells once that a later run will not find the answers; nil: it will.
func (s State) unsaved(err error) State {
	if err == nil || s.Unsaved {
		return s
	}
	s.Unsaved = true
	s.Notice = strings.TrimSpace(s.Notice + " " + explainUnsaved(err))
	return s
}

// accepted names the answers that were accepted: as long as they stay as they
// are, a later run need not have them checked before it goes on.
type accepted struct{ application, account string }

func applicationKey(a Answers) string { return strings.Join([]string{a.Site.API, a.ClientID}, "\n") }

func serviceAccountKey(a Answers) string { return applicationKey(a) + "\n" + a.ServiceAccount }

// acceptUpTo takes the answers before an open step as accepted; StepDataCenter
// means that none is open.
func (s State) acceptUpTo(open Step) State {
	if open != StepApplication {
		s.accepted.application = applicationKey(s.Answers)
	}
	if open == StepDataCenter {
		s.accepted.account = serviceAccountKey(s.Answers)
	}
	return s
}

// open is the first step whose answer is there and was not accepted;
// StepDataCenter: there is none.
func (s State) open() Step {
	a := s.Answers
	switch {
	case a.ClientID != "" && s.accepted.application != applicationKey(a):
		return StepApplication
	case a.ServiceAccount != "" && s.accepted.account != serviceAccountKey(a):
		return StepServiceAccount
	}
	return StepDataCenter
}

// reopen takes back that an answer was accepted, for a problem that has to be put
// right on its page. A store that fails says nothing about an answer, and neither
// does an account that was to be authorized.
func (s State) reopen(p Problem) State {
	if p.Code == CodeSecretStore || s.Running == nil {
		return s
	}
	if _, ok := s.Running.Effect.(Connect); ok && p.Step == StepServiceAccount {
		return s
	}
	switch p.Step {
	case StepApplication:
		s.accepted.application = ""
	case StepServiceAccount:
		s.accepted.account = ""
	case StepDataCenter, StepProvider, StepAuthorize, StepProfiles:
	}
	return s
}
