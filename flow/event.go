package flow

import (
	"time"

	"confer/cronofy"
	"confer/internal/profiles"
)

// Event is what happened: the operator did something, or a task reported.
type Event interface{ event() }

// An answer belongs to one page; elsewhere Apply ignores it.
type answer interface {
	Event
	page() Step
}

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

func (DataCenterChosen) event()      {}
func (ApplicationEntered) event()    {}
func (StoreChosen) event()           {}
func (ServiceAccountEntered) event() {}
func (ConnectStarted) event()        {}
func (ProviderChosen) event()        {}
func (AuthorizeStarted) event()      {}
func (RedirectURIChosen) event()     {}
func (RedirectURIWanted) event()     {}
func (Continued) event()             {}
func (AccountsGiven) event()         {}
func (AnotherWanted) event()         {}
func (StoreRetried) event()          {}
func (OtherStoreWanted) event()      {}
func (ExchangeRetried) event()       {}
func (HeldDropped) event()           {}
func (Back) event()                  {}

func (Pasted) event()           {}
func (Extended) event()         {}
func (NoDeadlineWanted) event() {}
func (NewLinkWanted) event()    {}
func (OpenWanted) event()       {}
func (Handed) event()           {}
func (Refreshed) event()        {}

func (ApplicationAccepted) event()    {}
func (UnlockAsked) event()            {}
func (StoreOpened) event()            {}
func (ServiceAccountAccepted) event() {}
func (LinkReady) event()              {}
func (BrowserAsked) event()           {}
func (TimeExtended) event()           {}
func (Strayed) event()                {}
func (AnswerArrived) event()          {}
func (Exchanged) event()              {}
func (Linked) event()                 {}
func (ProfilesRead) event()           {}
func (Paused) event()                 {}
func (LookPlanned) event()            {}
func (ProfilesDone) event()           {}
func (AnswersUnsaved) event()         {}
func (Failed) event()                 {}
func (Report) event()                 {}

func (DataCenterChosen) page() Step      { return StepDataCenter }
func (ApplicationEntered) page() Step    { return StepApplication }
func (ServiceAccountEntered) page() Step { return StepServiceAccount }
func (ConnectStarted) page() Step        { return StepServiceAccount }
func (ProviderChosen) page() Step        { return StepProvider }
func (AuthorizeStarted) page() Step      { return StepAuthorize }
func (Continued) page() Step             { return StepAuthorize }
func (AccountsGiven) page() Step         { return StepProfiles }
