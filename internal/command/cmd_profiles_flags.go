package command

import (
	"time"

	"github.com/spf13/cobra"

	"confer/cronofy"
	"confer/flow"
)

type profilesFlags struct {
	settings
	format, out, only, failOn    string
	tokensOut                    string
	resume, unordered, strict    bool
	wait                         time.Duration
	rate                         int
	emails, callbackURL, scope   string
	serviceToken                 string
	resources, yes, takeUnsigned bool

	given func(flag string) bool // whether it was on the command line
}

// defaultRate stands for Cronofy's own two limits.
const defaultRate = -1

func (f *profilesFlags) listFlags(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.StringVar(&f.accounts, "accounts", "", "file with the accounts, - for standard input")
	fs.StringVar(&f.format, "format", "", "table (default), json or csv")
	fs.BoolVar(&f.json, "json", false, "the same as --format json")
	fs.StringVar(&f.dataCenter, "data-center", "", "us, au, ca, de, sg or uk (CRONOFY_DATA_CENTER)")
	fs.StringVar(&f.provider, "provider", "", "whom the state is about: zoom_enterprise, webex_enterprise, indeed or any (CONFER_PROVIDER)")
	fs.StringVar(&f.out, "out", "", "file to write the records to; it is there when all of them are, unless with --continue")
	fs.BoolVar(&f.resume, "continue", false, "add to the file of --out, and leave out the accounts that were read before")
	fs.StringVar(&f.only, "only", "", "write only records in these states: connected, disconnected, missing, error")
	fs.BoolVar(&f.unordered, "unordered", false, "write records as they come, not in the order of the list")
	fs.BoolVar(&f.strict, "strict", false, "stop at a line of the list that cannot be used")
	fs.DurationVar(&f.wait, "wait", 0, "look again at accounts that are not connected, for so long")
	fs.IntVar(&f.rate, "rate", defaultRate, "calls a second, in place of Cronofy's 50 a second and 500 a minute; 0 for no limit, not for Cronofy's own hosts")
	fs.Lookup("rate").DefValue = "0" // its help has told the default
	fs.StringVar(&f.failOn, "fail-on", "", "exit with 1 also for these states: missing, disconnected")
	fs.StringVar(&f.tokensOut, "tokens-out", "", "file (0600) for new tokens; lets expired ones be refreshed")
	fs.BoolVar(&f.noInput, "no-input", false, "never ask")
}

func (f *profilesFlags) delegatedFlags(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.StringVar(&f.emails, "emails", "", "file with e-mail addresses to get access to, - for standard input")
	fs.BoolVar(&f.resources, "resources", false, "get access to all rooms that the service account sees, too")
	fs.StringVar(&f.callbackURL, "callback-url", "", "public URL that Cronofy can post to: a tunnel or proxy that leads to --listen")
	fs.StringVar(&f.listen, "listen", "", "host:port where what is sent to --callback-url arrives")
	fs.StringVar(&f.scope, "scope", "", "scope to ask for (default: what the service account may delegate)")
	fs.DurationVar(&f.timeout, "timeout", flow.DefaultTimeout, "how long to wait for each account's answer")
	fs.BoolVar(&f.yes, "yes", false, "do not ask before calendars are authorized")
	fs.BoolVar(&f.takeUnsigned, "accept-unsigned-webhooks", false, "take posts without a signature at an account's own callback URL")
	fs.StringVar(&f.serviceAccount, "service-account", "", "id of the calendar service account, ser_... (CONFER_SERVICE_ACCOUNT)")
	fs.StringVar(&f.serviceToken, "service-account-token-file", "", "file with an access token of the service account, - for standard input (default: the one that confer stored)")
	fs.StringVar(&f.clientID, "client-id", "", "client id, for new tokens (CRONOFY_CLIENT_ID)")
	fs.StringVar(&f.secretFile, "client-secret-file", "", "file that holds the client secret, - for standard input (or CRONOFY_CLIENT_SECRET)")
	f.storeFlags(cmd)
}

func (f *profilesFlags) delegated() bool { return f.emails != "" || f.resources }

// needsApp tells whether client id and secret are needed.
func (f *profilesFlags) needsApp() bool { return f.delegated() || f.tokensOut != "" }

// limiter is one for all calls of the run.
func (f *profilesFlags) limiter() *cronofy.Limiter {
	if f.rate == defaultRate {
		return cronofy.NewLimiter(callsPerSecond, callsPerMinute)
	}
	return cronofy.NewLimiter(f.rate, 0)
}
