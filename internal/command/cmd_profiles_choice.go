package command

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	"confer/cronofy"
	"confer/flow"
	"confer/internal/delegated"
	"confer/internal/profiles"
)

type accountList = iter.Seq2[profiles.Account, error]

// choice says which records are written, how, and which fail the run.
type choice struct {
	format profiles.Format
	only   []profiles.State // nil: all
	failOn []profiles.State
}

func (c choice) writes(s profiles.State) bool { return c.only == nil || slices.Contains(c.only, s) }

func (f *profilesFlags) choose() (c choice, err error) {
	if c.format, err = f.outputFormat(); err != nil {
		return c, err
	}
	if c.only, err = states("only", f.only, allStates); err != nil {
		return c, err
	}
	if c.failOn, err = states("fail-on", f.failOn, failStates); err != nil {
		return c, err
	}
	switch {
	case f.resume && f.out == "":
		return c, &usageError{summary: "--continue needs --out", hint: "name the file to go on with"}
	case f.resume && c.format == profiles.FormatTable:
		return c, &usageError{summary: "a table cannot be continued", hint: "use --format json or csv"}
	case f.wait < 0:
		return c, &usageError{summary: "--wait cannot be negative", hint: "for example --wait 10m"}
	case f.rate < defaultRate || f.rate > maxRate:
		return c, &usageError{summary: fmt.Sprintf("--rate takes 0 to %d", maxRate), hint: "calls a second; Cronofy's default limit is 50"}
	}
	return c, nil
}

// maxRate is above what any application was ever given.
const maxRate = 1_000_000

// states reads a list of states.
func states(flag, value string, allowed []profiles.State) ([]profiles.State, error) {
	if value == "" {
		return nil, nil
	}
	var out []profiles.State
	for part := range strings.SplitSeq(value, ",") {
		s := profiles.State(strings.ToLower(strings.TrimSpace(part)))
		if !slices.Contains(allowed, s) {
			return nil, unknownValue(flag, "state", string(s), stateNamesOf(allowed), flow.StepProfiles)
		}
		out = append(out, s)
	}
	return out, nil
}

func stateNamesOf(list []profiles.State) (names []string) {
	for _, s := range list {
		names = append(names, string(s))
	}
	return names
}

// States that records can be in, and those that --fail-on takes.
var (
	allStates  = []profiles.State{profiles.Connected, profiles.Disconnected, profiles.Missing, profiles.Failed}
	failStates = []profiles.State{profiles.Missing, profiles.Disconnected}
)

func stateNames() []string     { return stateNamesOf(allStates) }
func failStateNames() []string { return stateNamesOf(failStates) }

func formatNames() []string {
	return []string{string(profiles.FormatTable), string(profiles.FormatJSON), string(profiles.FormatCSV)}
}

func (f *profilesFlags) outputFormat() (profiles.Format, error) {
	if f.json {
		if f.format != "" && f.format != string(profiles.FormatJSON) {
			return "", &usageError{summary: "--json and --format " + cronofy.CleanText(f.format, 20) + " do not go together", hint: "give one of them"}
		}
		return profiles.FormatJSON, nil
	}
	if f.format == "" {
		return profiles.FormatTable, nil
	}
	format, ok := profiles.FindFormat(f.format)
	if !ok {
		return "", unknownValue("format", "format", f.format, formatNames(), flow.StepProfiles)
	}
	return format, nil
}

// checkSource makes sure that there is one list, and all that it needs.
func (f *profilesFlags) checkSource() error {
	if f.delegated() && !f.yes && !f.noInput {
		f.stdinFor, f.stdinFree = "confer asks before calendars are authorized", "add --yes"
	}
	if !f.delegated() {
		for _, flag := range []string{"callback-url", "listen", "scope", "service-account", "service-account-token-file", "timeout", "yes", "accept-unsigned-webhooks"} {
			if f.given(flag) {
				return &usageError{summary: "--" + flag + " goes with --emails", hint: "name the addresses to get access to with --emails FILE, or all rooms with --resources"}
			}
		}
		if f.accounts == "" {
			return &usageError{summary: "missing: --accounts", hint: "name a file with the columns email and access_token, or - for standard input"}
		}
		return nil
	}
	switch {
	case f.accounts != "":
		return &usageError{summary: "--accounts and --emails do not go together", hint: "give one of them: accounts whose tokens you have, or addresses to get access to"}
	case f.callbackURL == "":
		return &usageError{summary: "missing: --callback-url", hint: "Cronofy answers by a post: name a public https URL, of a tunnel or proxy, that leads to --listen"}
	case f.listen == "":
		return &usageError{summary: "missing: --listen", hint: "name the host:port where your tunnel or proxy delivers what is sent to --callback-url"}
	case f.serviceToken == "" && f.serviceAccount == "":
		return &usageError{summary: "missing: --service-account", hint: "name the account that confer authorized with Enterprise Connect, or give its token with --service-account-token-file"}
	}
	if err := delegated.CheckCallbackURL(f.callbackURL); err != nil {
		return &usageError{summary: "--callback-url: " + strings.TrimPrefix(err.Error(), delegated.ErrCallbackURL.Error()+": "), hint: "for example https://hooks.example.com/cronofy"}
	}
	return nil
}
