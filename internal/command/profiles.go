package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"confer/cronofy"
	"confer/flow"
	"confer/internal/atomicfile"
	"confer/internal/delegated"
	"confer/internal/links"
	"confer/internal/profiles"
)

type profilesFlags struct {
	settings
	format, out, only, failOn    string
	from, before                 string
	resume, unordered, strict    bool
	wait                         time.Duration
	rate                         int
	emails, callbackURL, scope   string
	serviceToken                 string
	resources, yes, takeUnsigned bool

	cmd *cobra.Command
}

// defaultRate stands for Cronofy's own two limits.
const defaultRate = -1

func (f *profilesFlags) listFlags(cmd *cobra.Command) {
	f.rate = defaultRate
	add(cmd, f.options(map[string]string{
		"accounts":   "file with the accounts, - for standard input",
		"provider":   "which provider the state is about: " + either(providerNames()),
		"json":       "the same as --format json",
		"no-input":   "never ask",
		"tokens-out": "file (0600) for new tokens; lets expired ones be refreshed",
	}, "accounts", "data-center", "provider", "no-input", "json", "tokens-out", "ca-file", "api-url", "app-url", "debug")...)
	add(cmd,
		option{name: "from", dst: &f.from, group: groupCommon, arg: "FILE", file: reads, text: "file with records of --format json to write anew, in place of --accounts; nobody is asked"},
		option{name: "before", dst: &f.before, group: groupAdvanced, arg: "FILE", file: reads, text: "file with records of --format json from before the link was made: the profiles in it are people's own"},
		option{name: "format", dst: &f.format, group: groupOutput, arg: "FORMAT", known: namesOf(profiles.Formats()), text: "table (default), json, csv or html (a report, one file)"},
		option{name: "out", dst: &f.out, group: groupOutput, arg: "FILE", file: writes, text: "file to write the records to; it is there when all of them are, unless with --continue or if it is no regular file"},
		option{name: "continue", dst: &f.resume, group: groupOutput, text: "add to the JSON records in the file of --out, and leave out the accounts that were read before"},
		option{name: "only", dst: &f.only, group: groupOutput, arg: "STATES", known: namesOf(profiles.States()), text: "write only records in these states: connected, disconnected, missing, error"},
		option{name: "fail-on", dst: &f.failOn, group: groupOutput, arg: "STATES", known: namesOf(failStates()), text: "exit with 1 also for these states: missing (not yet), own (of these, with only their own profile), disconnected"},
		option{name: "wait", dst: &f.wait, group: groupCommon, arg: "TIME", text: "look again at accounts that are not connected, for so long"},
		option{name: "unordered", dst: &f.unordered, group: groupAdvanced, text: "write records as they come, not in the order of the list"},
		option{name: "strict", dst: &f.strict, group: groupAdvanced, text: "stop at a line of the list that cannot be used"},
		option{name: "rate", dst: &f.rate, group: groupNetwork, arg: "NUMBER", text: "calls a second, in place of Cronofy's 50 a second and 500 a minute; 0 for no limit, not for Cronofy's own hosts"})
}

func (f *profilesFlags) delegatedFlags(cmd *cobra.Command) {
	f.timeout = flow.DefaultTimeout
	add(cmd, f.options(map[string]string{
		"listen":    "where what is sent to --callback-url arrives",
		"timeout":   "how long to wait for each account's answer, default 5m",
		"client-id": "client id, for new tokens",
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

func (f *profilesFlags) needsApp() bool { return f.delegated() || f.tokensOut != "" }

// unlimitedWorkers keep the cores busy where calls take a millisecond. Twice as many are no
// faster, and take 2 MB.
const unlimitedWorkers = 32

// onlyOwn is a word of --fail-on: missing accounts that have a profile from before
// the link.
const onlyOwn profiles.State = "own"

// check reads which records are written, how, and which fail the run, and makes sure that
// the flags fit together.
func (r *profilesRun) check() (err error) {
	f, given := r.f, r.f.cmd.Flags().Changed
	if r.format, err = f.outputFormat(); err != nil {
		return err
	}
	if r.only, err = states("only", f.only, profiles.States()); err != nil {
		return err
	}
	if r.failOn, err = states("fail-on", f.failOn, failStates()); err != nil {
		return err
	}
	for _, flag := range []string{"emails", "resources", "accounts", "before", "continue", "wait", "tokens-out", "strict", "unordered", "rate"} {
		if f.from != "" && given(flag) {
			return usage(fmt.Sprintf("--from and --%s do not go together", flag), "--from writes records anew and asks nobody")
		}
	}
	for _, flag := range []string{"callback-url", "listen", "scope", "service-account", "service-account-token-file", "timeout", "yes", "accept-unsigned-webhooks"} {
		if !f.delegated() && given(flag) {
			return usage("--"+flag+" goes with --emails", "name the addresses to get access to with --emails FILE, or all rooms with --resources")
		}
	}
	_, terminal := asTerminal(r.s.out)
	switch {
	case terminal && r.format == profiles.FormatHTML && f.toStdout():
		return usage("--format html needs --out", "name a file for the report, for example --out report.html")
	case f.resume && f.toStdout():
		return usage("--continue needs --out", "name the file to go on with")
	case f.resume && r.format != profiles.FormatJSON:
		return usage("--format "+string(r.format)+" cannot be continued", "use --format json; --from writes its records in another format")
	case f.wait < 0:
		return usage("--wait cannot be negative", "for example --wait 10m")
	case f.rate < 0 && given("rate") || f.rate > maxRate:
		return usage(fmt.Sprintf("--rate takes 0 to %d", maxRate), "calls a second; Cronofy's default limit is 50")
	case !f.delegated():
		return nil
	case f.accounts != "":
		return usage("--accounts and --emails do not go together", "give one of them: accounts whose tokens you have, or addresses to get access to")
	case f.callbackURL == "":
		return usage("missing: --callback-url", "Cronofy answers by a post: name a public https URL, of a tunnel or proxy, that leads to --listen")
	case f.listen == "":
		return usage("missing: --listen", "name the host:port where your tunnel or proxy delivers what is sent to --callback-url")
	case f.serviceToken == "" && f.serviceAccount == "":
		return usage("missing: --service-account", "name the account that confer authorized with Enterprise Connect, or give its token with --service-account-token-file")
	}
	f.asks = !f.yes && !f.noInput // before calendars are authorized
	if r.callback, err = delegated.CallbackURL(f.callbackURL); err != nil {
		return usage("--callback-url: "+err.Error(), "for example https://hooks.example.com/cronofy")
	}
	return nil
}

// maxRate is above what any application was ever given.
const maxRate = 1_000_000

func states(flag, value string, allowed []profiles.State) (out []profiles.State, err error) {
	for part := range strings.FieldsFuncSeq(value, func(r rune) bool { return r == ',' }) {
		s := profiles.State(strings.ToLower(strings.TrimSpace(part)))
		if !slices.Contains(allowed, s) {
			return nil, unknownValue(flag, "state", string(s), namesOf(allowed))
		}
		out = append(out, s)
	}
	return out, nil
}

func failStates() []profiles.State {
	return []profiles.State{profiles.Missing, profiles.Disconnected, onlyOwn}
}

func (f *profilesFlags) outputFormat() (profiles.Format, error) {
	format := profiles.Format(strings.ToLower(strings.TrimSpace(f.format)))
	switch {
	case f.json && format != "" && format != profiles.FormatJSON:
		return "", usage("--json and --format "+cronofy.CleanText(f.format, 20)+" do not go together", "give one of them")
	case f.json:
		return profiles.FormatJSON, nil
	case format != "" && !slices.Contains(profiles.Formats(), format):
		return "", unknownValue("format", "format", f.format, namesOf(profiles.Formats()))
	}
	return cmp.Or(format, profiles.FormatTable), nil
}

func newProfiles(s streams, e environment) *cobra.Command {
	f := &profilesFlags{}
	cmd := &cobra.Command{
		Use:   "profiles --accounts FILE",
		Short: "Read the conferencing profiles of accounts",
		Long: "Reads userinfo of each account in a list and tells whether it has a conferencing profile. The list is CSV with a " +
			"header, or JSON lines, with the columns email, sub, access_token and refresh_token. With access tokens no client secret " +
			"is needed; a refresh token is touched only with --tokens-out. --format html makes a report, also of records that were written before (--from).\n\n" +
			"With --emails and --callback-url it has a calendar service account authorize the people and rooms of a list of e-mail " +
			"addresses first, and reads those.",
		Example: "  confer profiles --accounts people.csv --data-center de --provider zoom_enterprise\n" +
			"  confer profiles --accounts people.csv --data-center de --json --out records.jsonl --continue\n" +
			"  confer profiles --from records.jsonl --format html --out report.html\n" +
			"  confer profiles --emails people.txt --callback-url https://hooks.example.com/cronofy --listen 127.0.0.1:8749 \\\n" +
			"    --data-center de --service-account ser_...",
		Args: arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			f.cmd = cmd
			return readProfiles(cmd.Context(), f, e, s)
		},
	}
	f.listFlags(cmd)
	f.delegatedFlags(cmd)
	return cmd
}

type profilesRun struct {
	f   *profilesFlags
	e   environment
	s   streams
	ctx context.Context

	stop     context.CancelCauseFunc // ends the run with an error that is about all accounts
	site     cronofy.Site
	provider cronofy.Provider
	app      cronofy.App
	format   profiles.Format
	only     []profiles.State // written; nil: all
	failOn   []profiles.State // for which the run fails
	client   *cronofy.Client
	clients  clientMaker
	workers  int // calls at once
	progress *progress
	out      profiles.Writer
	file     recordsFile         // that out writes to
	done     *profiles.Done      // nil without --continue
	known    map[string]bool     // profile_ids from before the link; nil: not known
	tokens   *profiles.TokenFile // nil without --tokens-out
	closers

	callback   *url.URL            // --callback-url
	receiver   *delegated.Receiver // nil without delegated access
	unanswered int                 // calendars that nothing was taken for

	passphrase cronofy.Secret // of the encrypted file, when it was given
	manager    *links.Manager
	account    links.Link // the service account, with manager
}

func readProfiles(ctx context.Context, f *profilesFlags, e environment, s streams) error {
	f.fill(e)
	r := &profilesRun{f: f, e: e, s: s}
	defer r.close()
	if err := r.prepare(ctx); err != nil {
		return r.words(ctx, err)
	}
	return r.read(ctx)
}

// prepare checks what was given and opens what is written to, before Cronofy is asked.
func (r *profilesRun) prepare(ctx context.Context) error {
	r.ctx, r.stop = context.WithCancelCause(ctx)
	r.later(func() { r.stop(nil) })
	for _, step := range []func() error{r.check, r.askMissing, r.answers, r.connect, func() error { return r.open(ctx) }} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (r *profilesRun) read(ctx context.Context) error {
	var sum profiles.Summary
	var err error
	if r.f.from != "" {
		err = r.eachRecord("from", r.f.from, func(rec profiles.Record) error {
			sum.Count(rec)
			return r.record(rec)
		})
	} else {
		sum, err = r.ask()
	}
	if err == nil && sum.Read > 0 { // an empty list replaces no records
		if err = r.out.Close(); err == nil {
			err = r.file.Commit()
		}
		if err != nil {
			err = fmt.Errorf("%w: %w", errOutput, err)
		}
	}
	if err != nil {
		return r.words(ctx, err)
	}
	r.progress.end()
	return r.verdict(sum)
}

func (r *profilesRun) ask() (profiles.Summary, error) {
	o := profiles.Options{Provider: r.provider, Workers: r.workers, Unordered: r.f.unordered, Strict: r.f.strict, Wait: r.f.wait,
		Known: r.known, ErrorOf: explainAccount}
	if r.f.resume { // a kill loses what waits for those before it
		o.Patience = 2 * time.Second
	}
	accounts, err := r.source(&o)
	if err != nil {
		return profiles.Summary{}, err
	}
	r.progress.begin()
	if renew := o.Renew; renew != nil {
		o.Renew = func(ctx context.Context, a profiles.Account, refused cronofy.Secret) (cronofy.Secret, error) {
			t, err := renew(ctx, a, refused)
			call, isCall := errors.AsType[*delegated.CallError](err)
			if errors.Is(err, profiles.ErrTokensLost) || cronofy.ClientRefused(err) || isCall && call.Every { // for every other account as well
				r.stop(err)
			}
			return t, err
		}
	}
	sum, err := profiles.Run(r.ctx, r.client, accounts, o, r.record)
	if cause := context.Cause(r.ctx); cause != nil {
		err = cause
	}
	return sum, err
}

// eachRecord reads what --format json wrote.
func (r *profilesRun) eachRecord(flag, path string, each func(profiles.Record) error) error {
	in, err := openInput(r.ctx, path, r.s.in)
	if err != nil {
		return inputError(flag, err, "name a file that --format json wrote, or - for standard input")
	}
	defer in.Close()
	for rec, err := range profiles.Records(in) {
		if err != nil {
			return inputError(flag, err, "it takes records as --format json writes them, one a line")
		}
		if err := each(rec); err != nil {
			return err
		}
	}
	return nil
}

func (r *profilesRun) record(rec profiles.Record) error {
	r.progress.record(rec.State)
	if rec.Error != nil && rec.Error.Code == codeNoAnswer {
		r.unanswered++
	}
	if r.only != nil && !slices.Contains(r.only, rec.State) {
		return nil
	}
	if err := r.out.Write(rec); err != nil {
		return fmt.Errorf("%w: %w", errOutput, err)
	}
	return nil
}

func (r *profilesRun) open(ctx context.Context) (err error) {
	if r.f.before != "" {
		r.known = map[string]bool{}
		err = r.eachRecord("before", r.f.before, func(rec profiles.Record) error {
			for _, p := range rec.Profiles {
				r.known[p.ProfileID] = true
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	if err = r.openOutput(ctx); err != nil || r.f.tokensOut == "" {
		return err
	}
	if r.tokens, err = profiles.OpenTokens(r.f.tokensOut); err != nil {
		return outError("tokens-out", err)
	}
	r.later(func() { _ = r.tokens.Close() })
	return nil
}

// askMissing has somebody at a terminal name the list, and takes what else is missing from
// the only link that there is. A script says all of it.
func (r *profilesRun) askMissing() (err error) {
	f := r.f
	if f.from != "" {
		return nil
	}
	_, terminal := asTerminal(r.s.in)
	asks := terminal && !f.noInput
	if all := saved().Links; asks && len(all) == 1 && f.dataCenter == "" && f.apiURL == "" && f.appURL == "" && (f.clientID == "" || f.clientID == all[0].ClientID) {
		l := all[0]
		f.dataCenter, f.apiURL, f.appURL, f.clientID, f.provider = l.DataCenter, l.APIURL, l.AppURL, l.ClientID, cmp.Or(f.provider, l.Provider)
		fmt.Fprintf(r.s.err, "confer: note: data center, application and provider are those of the only link, %s\n", join(l.ID(), l.Label))
	}
	if f.accounts != "" || f.delegated() {
		return nil
	}
	if asks {
		if f.accounts, err = askLine(r.ctx, r.s, "File with the accounts (columns email and access_token): "); err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		f.accounts = typedPath(f.accounts)
	}
	if f.accounts == "" {
		return usage("missing: --accounts", "name a file with the columns email and access_token, or - for standard input")
	}
	return checkFiles(f.cmd, r.s)
}

func (r *profilesRun) answers() error {
	f := r.f
	f.redirectURI = "" // of a set-up
	given := environment{}
	if f.needsApp() {
		given.clientSecret = r.e.clientSecret
	} else {
		f.clientID, f.secretFile, f.secretStore = "", "", "" // the environment's, and not needed
	}
	if !f.delegated() {
		f.serviceAccount = ""
	}
	found, err := f.known(r.ctx, given, r.s)
	if err != nil {
		return err
	}
	a := found.Answers
	if !a.Site.Chosen() && f.from == "" {
		return usage("missing: --data-center", "it takes "+either(dataCenterIDs()))
	}
	if f.needsApp() && a.ClientID == "" {
		return usage("missing: --client-id", "new tokens are given to an application: name it with --client-id or CRONOFY_CLIENT_ID")
	}
	if f.rate == 0 && !a.Site.Overridden() {
		return usage("--rate 0 is not for Cronofy's own hosts", "its limits are 50 calls a second and 500 a minute for all programs of an application")
	}
	r.site, r.provider, r.app, r.passphrase = a.Site, a.Provider, a.App(), found.Store.Passphrase
	return nil
}

// connect takes the stored client secret if one is needed and none was given.
func (r *profilesRun) connect() error {
	r.progress = newProgress(r.s, r.f.out != "")
	go r.progress.run(r.ctx)
	perMinute := 0
	switch r.workers = max(profiles.DefaultWorkers, r.f.rate); r.f.rate { // enough for the rate when each call takes a second
	case defaultRate:
		r.f.rate, perMinute, r.workers = callsPerSecond, callsPerMinute, callsPerSecond
	case 0:
		r.workers = unlimitedWorkers
	}
	var err error
	if r.clients, err = newClients(r.ctx, &r.f.settings, r.e.names, cronofy.NewLimiter(r.f.rate, perMinute)); err != nil {
		return err
	}
	if r.f.needsApp() && r.app.ClientSecret.Empty() {
		m, l, err := r.stored()
		if err != nil {
			return err
		}
		if r.app.ClientSecret, err = m.ClientSecret(r.ctx, l); err != nil || r.app.ClientSecret.Empty() {
			return usage("missing: --client-secret-file", "new tokens need the client secret: give it in a file, with - on standard input, or with CRONOFY_CLIENT_SECRET")
		}
	}
	r.client = r.clients(r.site, r.app, r.progress.wait)
	return nil
}

// source is the list of accounts; o is told which are left out and how tokens are renewed.
func (r *profilesRun) source(o *profiles.Options) (iter.Seq2[profiles.Account, error], error) {
	if r.f.delegated() {
		return r.delegatedSource(o)
	}
	list, err := openInput(r.ctx, r.f.accounts, r.s.in)
	if err != nil {
		return nil, inputError("accounts", err, "name a CSV or JSON lines file with the columns email and access_token, or - for standard input")
	}
	r.later(func() { _ = list.Close() })
	o.Done = r.done
	accounts := profiles.ReadAccounts(list)
	if r.tokens == nil {
		return accounts, nil
	}
	fmt.Fprintln(r.s.err, "confer: note: a refresh may give a new refresh token; it is written to the file of --tokens-out, and the copy that your application has may stop working")
	o.Renew = func(ctx context.Context, a profiles.Account, refused cronofy.Secret) (cronofy.Secret, error) {
		return r.tokens.Renew(ctx, r.client, a, refused)
	}
	return r.tokens.Newest(accounts), nil
}

// words says why the run ended.
func (r *profilesRun) words(ctx context.Context, err error) error {
	if r.progress != nil {
		r.progress.end()
	}
	if ctx.Err() != nil { // it was cancelled
		fmt.Fprintln(r.s.err)
		if _, whole := r.file.(*atomicfile.File); whole {
			fmt.Fprintln(r.s.err, "confer: cancelled: nothing was written to the file of --out; with --json and --continue it keeps what was read")
		}
		r.tellAsked()
		return exitWith(flow.ExitCancelled)
	}
	_, ours := errors.AsType[*failure](err)
	call, isCall := errors.AsType[*delegated.CallError](err)
	_, network := errors.AsType[*cronofy.NetworkError](err)
	_, bad := errors.AsType[*cronofy.BadAnswerError](err)
	p := flow.Explain(err, flow.StepProfiles)
	switch {
	case ours:
		return err
	case errors.Is(err, delegated.ErrNotServiceAccount):
		return usage(err.Error(), "a service account's sub begins with ser_; give its token with --service-account-token-file")
	case errors.Is(err, errOutput) && r.f.toStdout() && readerLeft(err):
		return exitWith(flow.ExitFailed)
	case errors.Is(err, errOutput):
		return failed("the records could not be written: "+cronofy.FileReason(err), "make room, or name another file with --out")
	case errors.Is(err, profiles.ErrTokensLost):
		return failed("new tokens could not be written to the file of --tokens-out: "+cronofy.FileReason(err), "make room; "+ownersAgain)
	case errors.Is(err, delegated.ErrNoServiceToken):
		return explainService(err)
	case isCall && !call.Exchange: // what Cronofy has against the request as a whole
		p = requestProblem(err)
	case !network && !bad && cronofy.StatusOf(err) == 0: // of what comes before a call
		p = flow.Explain(&flow.AccountsError{Err: err}, flow.StepProfiles)
	}
	complain(r.s.err, p.Summary, p.Hint)
	r.tellAsked()
	return exitWith(p.Exit)
}

// verdict is the end of a run that read the whole list.
func (r *profilesRun) verdict(sum profiles.Summary) error {
	if done := r.done; done != nil {
		before := done.Summary
		if sum.Read > 0 { // those that could not be read were read again
			before.Read, before.Failed = before.Read-before.Failed, 0
		}
		sum.Add(before)
	}
	if sum.Read == 0 {
		complain(r.s.err, "the list holds no accounts", "it needs a header with email and access_token, and a line for each account")
		return exitWith(flow.ExitUsage)
	}
	r.tellNotYet(sum)
	failed := sum.Failed > 0
	if failed {
		hint := ""
		if r.unanswered > 0 {
			hint = fmt.Sprintf("no answer was taken for %d of them: what is sent to --callback-url must arrive at --listen, signed; --timeout waits longer", r.unanswered)
		}
		complain(r.s.err, fmt.Sprintf("%d of %s could not be read", sum.Failed, plural(sum.Read, "account")), hint)
	}
	counts := map[profiles.State]int{profiles.Missing: sum.Missing, profiles.Disconnected: sum.Disconnected, onlyOwn: sum.Own}
	for _, state := range r.failOn {
		n, words, verb := counts[state], string(state), "are"
		if state == onlyOwn {
			words = "missing, with only their own profile from before the link"
		}
		if n == 1 {
			verb = "is"
		}
		if n > 0 {
			failed = true
			complain(r.s.err, fmt.Sprintf("%d of %s %s %s", n, plural(sum.Read, "account"), verb, words), "")
		}
	}
	if failed {
		return exitWith(flow.ExitFailed)
	}
	return nil
}

func (r *profilesRun) tellNotYet(sum profiles.Summary) {
	if sum.Own > 0 {
		fmt.Fprintf(r.s.err, "confer: note: not yet, with only their own profile from before the link: %d of %s\n", sum.Own, plural(sum.Read, "account"))
	}
	if sum.Missing == 0 || sum.Missing+sum.Failed < sum.Read {
		return
	}
	fmt.Fprintf(r.s.err, "confer: note: no account has a profile yet. It may still come; --wait looks again. What to check, the likeliest first:\n")
	for i, advice := range profiles.NotYetAdvice(r.provider, r.site) {
		fmt.Fprintf(r.s.err, "  %d. %s\n", i+1, advice)
	}
}

// explainAccount gives the code and the sentence for an account that could not
// be read.
func explainAccount(err error) (code, message string) {
	row, isRow := errors.AsType[*profiles.ListError](err)
	renew, isRenew := errors.AsType[*profiles.RenewError](err)
	switch {
	case isRow:
		return flow.CodeUsage, "The list cannot be used in " + row.Error() + "."
	case errors.Is(err, profiles.ErrOnlyRefreshToken):
		return flow.CodeUsage, "There is no access token. With --tokens-out FILE confer gets one with the refresh token."
	case isRenew:
		return explainRenewal(renew.Err)
	}
	return flow.ExplainAccount(err)
}

// ownersAgain is what ErrTokensLost costs.
const ownersAgain = "the owner of the account that was being refreshed may have to authorize again"
