package flow

import (
	"strings"
	"time"

	"confer/cronofy"
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

// Key names the answers that an authorization belongs to: a state issued for
// one key is not accepted for another (RFC 9700 section 4.4, mix-up).
func (a Answers) Key() string {
	return strings.Join([]string{a.Site.API, a.Site.App, a.ClientID, a.ServiceAccount, string(a.Provider), a.RedirectURI}, "\n")
}

// Accounts says where the accounts' tokens come from. The zero value is "not
// answered".
type Accounts struct {
	Kind  AccountsKind
	Path  string         // for AccountsFile: what Runner.OpenAccounts understands
	Token cronofy.Secret // for AccountsToken: one access token, in memory only
}

// AccountsKind is one of the answers to where accounts come from.
type AccountsKind int

// The answers of the last step.
const (
	AccountsUnknown AccountsKind = iota
	AccountsFile
	AccountsToken
	AccountsNone
)

// StoreKind names a place for secrets, as --secret-store does.
type StoreKind string

// The stores. StoreNone is the sandbox's: nothing leaves memory, and nothing
// would be worth it.
const (
	StoreKeyring StoreKind = "keyring"
	StoreSession StoreKind = "session"
	StoreFile    StoreKind = "file"
	StoreNone    StoreKind = "none"
)

// Store is where this run keeps secrets and how that was decided.
type Store struct {
	Kind       StoreKind      // empty: not decided yet
	Passphrase cronofy.Secret // of StoreFile
	Keyring    string         // what the probe of the keyring found: "ready", "locked", ...; empty: not asked yet
	Detail     string         // the probe's own words, cleaned
	Program    string         // whose keyring it is; empty: not known
	NoWindow   bool           // the keyring is locked, and this session has no window to ask in
	File       string         // path of the secrets file, where there is one: its passphrase is known to somebody; empty: none
	Pinned     bool           // named by a flag, the environment or an earlier run: not asked about
}

// Attempt is an authorization under way: what the screen shows while the
// administrator is in the browser. The zero Attempt means none.
type Attempt struct {
	Phase       Phase
	URL         string // the real authorization URL; holds the link token
	ShortURL    string // our local link to it; empty when nothing listens
	RedirectURI string
	Listening   bool      // a callback can reach us; otherwise paste is the first door
	Until       time.Time // when the wait ends; zero: it has no end, see NoDeadlineWanted
	Opened      bool      // a browser was asked to open the link
	Browser     string    // why no browser was opened; empty when one was asked
	Notice      string    // what came back but was not the answer, in a sentence
	Links       int       // links made in this attempt, the first is 1
}

// Phase is how far an attempt has come.
type Phase int

// The phases, in order.
const (
	PhaseNone Phase = iota
	PhasePreparing
	PhaseWaiting
	PhaseExchanging
	PhaseStoring
)

// Link is a finished set-up.
type Link struct {
	Site               cronofy.Site
	ClientID           string
	ServiceAccount     string
	Provider           cronofy.Provider
	Label              string
	OrganizationalUnit string // its sub; empty when Cronofy did not say
	Scope              string
	Store              StoreKind
	RefreshToken       bool      // whether there was one to store
	Unconfirmed        bool      // the administrator said so; no token was exchanged
	At                 time.Time // UTC
}

// EndsWithRun tells whether confer's own token of the link is in memory alone, so
// that it is lost when the run ends unless somebody takes it.
func (l Link) EndsWithRun() bool { return l.RefreshToken && l.Store == StoreSession }

// Tally counts accounts by the state of their conferencing profile.
type Tally struct {
	Read, Connected, Disconnected, Missing, Errors int
}

// Proof is how far the last step has come.
type Proof struct {
	Started  bool
	Done     bool // no further look by itself
	Tally    Tally
	NextLook time.Time // zero: none planned
	Since    time.Time // when the first account was read; zero: none was yet
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

// KnownHere are the profiles that the accounts of the answers had before the
// link; nil: that is not known, as with accounts that were named after it.
func (s State) KnownHere() *KnownProfiles {
	a, b := s.Answers.Accounts, s.knownFrom
	if a.Kind != b.Kind || a.Path != b.Path || !a.Token.Equal(b.Token) {
		return nil
	}
	return s.Known
}

// KnownProfiles are profile_ids that accounts had before the link was made.
type KnownProfiles struct{ IDs map[string]bool }

// HandedOver is a link of an earlier run that was made for the administrator. The
// final address of their browser can be pasted into this run: see HandedOverHere.
type HandedOver struct {
	Hash  string    // of its state and of the answers that it was made for
	Made  time.Time // UTC
	Until time.Time // UTC; the end of the time for which its answer is taken
}

// HandedOverHere is the newest link of an earlier run that was made for the
// answers as they are, on the page where one would make another; nil: there is
// none. Pasted is taken there without a new link.
func (s State) HandedOverHere() *HandedOver { return nil }

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

// storeKey names where the client secret of the answers is, or would be, kept
// beyond this run; empty: nowhere.
func (s State) storeKey() string {
	if s.Store.Kind != StoreKeyring && s.Store.Kind != StoreFile {
		return ""
	}
	return strings.Join([]string{s.Answers.Site.API, s.Answers.ClientID, string(s.Store.Kind)}, "\n")
}

// secretKept tells whether a later run finds the client secret of the answers.
func (s State) secretKept() bool { return s.keptKey != "" && s.keptKey == s.storeKey() }
