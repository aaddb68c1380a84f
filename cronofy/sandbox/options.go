package sandbox

import (
	"io"
	"time"

	"confer/cronofy"
)

// Options says what the sandbox plays. The zero value is a development-mode
// application with the built-in organisation, whose profiles appear at once.
type Options struct {
	// ClientID and ClientSecret are the one application's; empty ones are made up.
	ClientID     string
	ClientSecret cronofy.Secret

	// PermittedRedirectURIs is nil in development mode: any http or https URI.
	// Anything else is production: an exact list, with "*" allowed as the first
	// label of a host. https://docs.cronofy.com/developers/faqs/verify-application/
	PermittedRedirectURIs []string

	// The i-th account's profile appears ProfileDelay + i*ProfileGap after a link.
	ProfileDelay, ProfileGap time.Duration

	Now func() time.Time // the clock; nil is the real one

	// Rand gives the 32 bytes everything random is made from. Without it a Seed
	// other than zero makes runs repeatable; without both the system's is used.
	Rand io.Reader
	Seed uint64

	// Accounts is how many accounts the organisation has; 0 is the built-in one
	// of 12 people and 3 rooms. They are made when asked for, so that 100,000
	// cost nothing.
	Accounts int

	// The application's rate limits; 0 is none. Cronofy's are 50 and 500.
	// https://docs.cronofy.com/developers/faqs/rate-limits
	RatePerSecond, RatePerMinute int

	Faults   []Fault  // scripted answers, as by Set
	Switches Switches // behaviour that Cronofy leaves open, as by SetSwitches

	// ListenAPI and ListenApp are loopback addresses; empty is 127.0.0.1:0.
	ListenAPI, ListenApp string
}

// Lives of what is issued. That codes and link tokens are short-lived is
// documented, ten minutes is a choice; the tokens' seconds are from the
// documentation's samples.
const (
	linkTokenLife      = 10 * time.Minute
	codeLife           = 10 * time.Minute
	approvalLife       = 30 * time.Minute
	accountTokenLife   = 3600 * time.Second
	serviceAccountLife = 1800 * time.Second
)

const (
	defaultListen   = "127.0.0.1:0"
	defaultClientID = "k3Hn2cWq9ZrT5vXy7LbD"
)

// MaxAccounts is the most that an organisation has; more are cut off.
const MaxAccounts = 10_000_000

// Switches are kinds of behaviour that Cronofy does not document, or that
// differ between its documentation and its SDKs. The zero value is the likely one.
type Switches struct {
	// LinkTokenField is the name required in a link token request:
	// "service_account_id" (default), "service_account" or "either".
	LinkTokenField string

	// InvalidClientStatus is that of invalid_client: 401 (default) or 400.
	InvalidClientStatus int

	RotateRefreshTokens bool // a refresh gives a new refresh token and spends the old one
	OmitRefreshToken    bool // token answers without refresh_token
	OmitSub             bool // token answers without sub
	EnterpriseNames     bool // userinfo says zoom_enterprise instead of zoom
	ExtraFields         bool // unknown fields in every JSON object
	OmitCronofyData     bool // userinfo without cronofy.data
	Disconnected        bool // profiles from links are not connected, and have a relink URL
	NoPlan              bool // the plan lacks the feature: 402

	// State is what happens to the state on the way back: "" (unchanged),
	// "wrong", "duplicate" or "missing".
	State string

	// ErrorRedirect, if not empty, is the OAuth error that an approval ends in.
	ErrorRedirect string

	// RepeatCallback delivers each answer to a loopback redirect URI once by
	// itself, before the browser does.
	RepeatCallback bool

	UnsignedWebhooks bool // no Cronofy-HMAC-SHA256 header
	SecondDigest     bool // the header starts with another secret's digest
}
