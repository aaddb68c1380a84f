package command

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	"confer/cronofy"
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
	all := []profiles.State{profiles.Connected, profiles.Disconnected, profiles.Missing, profiles.Failed}
	if c.only, err = states("--only", f.only, all); err != nil {
		return c, err
	}
	if c.failOn, err = states("--fail-on", f.failOn, []profiles.State{profiles.Missing, profiles.Disconnected}); err != nil {
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
			return nil, &usageError{summary: fmt.Sprintf("%s: there is no state %q", flag, cronofy.CleanText(string(s), 20)), hint: flag + " takes " + joined(allowed) + ", separated by commas"}
		}
		out = append(out, s)
	}
	return out, nil
}

func joined(list []profiles.State) string {
	var words []string
	for _, s := range list {
		words = append(words, string(s))
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
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
		return "", &usageError{summary: fmt.Sprintf("there is no format %q", cronofy.CleanText(f.format, 20)), hint: "--format takes table, json or csv"}
	}
	return format, nil
}

// checkSource makes sure that there is one list, and all that it needs.
func (f *profilesFlags) checkSource() error {
	if err := f.checkStdin(); err != nil {
		return err
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

// checkStdin: it can be read once.
func (f *profilesFlags) checkStdin() error {
	var users []string
	for _, u := range []struct{ flag, value string }{
		{"--accounts", f.accounts}, {"--emails", f.emails}, {"--client-secret-file", f.secretFile}, {"--service-account-token-file", f.serviceToken},
	} {
		if u.value == "-" {
			users = append(users, u.flag)
		}
	}
	if f.passphraseStdin() {
		users = append(users, "--secret-passphrase-fd")
	}
	if f.delegated() && !f.yes && !f.noInput {
		f.stdinFor, f.stdinFree = "confer asks before calendars are authorized", "add --yes"
	}
	if len(users) > 1 {
		return &usageError{summary: strings.Join(users, " and ") + " cannot both be standard input", hint: "give one of them as a file"}
	}
	return nil
}
