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
	f.rate = defaultRate
	add(cmd, f.options(map[string]string{
		"accounts":   "file with the accounts, - for standard input",
		"provider":   "which provider the state is about: " + either(providerNames()) + " (CONFER_PROVIDER)",
		"json":       "the same as --format json",
		"no-input":   "never ask",
		"tokens-out": "file (0600) for new tokens; lets expired ones be refreshed",
	}, "accounts", "data-center", "provider", "no-input", "json", "tokens-out", "ca-file", "api-url", "app-url", "debug")...)
	add(cmd,
		option{name: "format", dst: &f.format, group: groupOutput, arg: "FORMAT", known: formatNames, text: "table (default), json or csv"},
		option{name: "out", dst: &f.out, group: groupOutput, arg: "FILE", file: writes, text: "file to write the records to; it is there when all of them are, unless with --continue"},
		option{name: "continue", dst: &f.resume, group: groupOutput, text: "add to the file of --out, and leave out the accounts that were read before"},
		option{name: "only", dst: &f.only, group: groupOutput, arg: "STATES", known: stateNames, text: "write only records in these states: connected, disconnected, missing, error"},
		option{name: "fail-on", dst: &f.failOn, group: groupOutput, arg: "STATES", known: failStateNames, text: "exit with 1 also for these states: missing, disconnected"},
		option{name: "wait", dst: &f.wait, group: groupCommon, arg: "TIME", text: "look again at accounts that are not connected, for so long"},
		option{name: "unordered", dst: &f.unordered, group: groupAdvanced, text: "write records as they come, not in the order of the list"},
		option{name: "strict", dst: &f.strict, group: groupAdvanced, text: "stop at a line of the list that cannot be used"},
		option{name: "rate", dst: &f.rate, group: groupNetwork, arg: "NUMBER", text: "calls a second, in place of Cronofy's 50 a second and 500 a minute; 0 for no limit, not for Cronofy's own hosts"})
}

func (f *profilesFlags) delegatedFlags(cmd *cobra.Command) {
	f.timeout = flow.DefaultTimeout
	add(cmd, f.options(map[string]string{
		"listen":    "where what is sent to --callback-url arrives",
		"timeout":   "how long to wait for each account's answer (default " + defaultTimeout + ")",
		"client-id": "client id, for new tokens (CRONOFY_CLIENT_ID)",
	}, "listen", "timeout", "service-account", "client-id", "client-secret-file", "secret-store", "secret-passphrase-fd")...)
	add(cmd,
		option{name: "emails", dst: &f.emails, group: groupCommon, arg: "FILE", file: reads, text: "file with e-mail addresses to get access to, - for standard input"},
		option{name: "resources", dst: &f.resources, group: groupCommon, text: "get access to all rooms that the service account sees, too"},
		option{name: "yes", dst: &f.yes, group: groupCommon, text: "do not ask before calendars are authorized"},
		option{name: "callback-url", dst: &f.callbackURL, group: groupNetwork, arg: "URL", text: "public URL that Cronofy can post to: a tunnel or proxy that leads to --listen"},
		option{name: "scope", dst: &f.scope, group: groupAdvanced, arg: "SCOPE", text: "scope to ask for (default: what the service account may delegate)"},
		option{name: "service-account-token-file", dst: &f.serviceToken, group: groupAdvanced, arg: "FILE", file: reads, text: "file with an access token of the service account, - for standard input (default: the one that confer stored)"},
		option{name: "accept-unsigned-webhooks", dst: &f.takeUnsigned, group: groupAdvanced, text: "take posts without a signature at an account's own callback URL"})
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
