package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"confer/cronofy"
	"confer/flow"
	"confer/internal/links"
	"confer/internal/profiles"
)

func newProfiles(s streams, e environment) *cobra.Command {
	f := &profilesFlags{}
	cmd := &cobra.Command{
		Use:   "profiles --accounts FILE",
		Short: "Read the conferencing profiles of accounts",
		Long: "Reads userinfo of each account in a list and tells whether it has a conferencing profile. The list is CSV with a " +
			"header, or JSON lines, with the columns email, sub, access_token and refresh_token. With access tokens no client secret " +
			"is needed; a refresh token is touched only with --tokens-out.\n\n" +
			"With --emails and --callback-url it has a calendar service account authorize the people and rooms of a list of e-mail " +
			"addresses first, and reads those.",
		Example: "  confer profiles --accounts people.csv --data-center de --provider zoom_enterprise\n" +
			"  confer profiles --accounts people.csv --data-center de --format csv --out profiles.csv --continue\n" +
			"  confer profiles --emails people.txt --callback-url https://hooks.example.com/cronofy --listen 127.0.0.1:8749 \\\n" +
			"    --data-center de --service-account ser_...",
		Args: arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			f.given = cmd.Flags().Changed
			return readProfiles(cmd.Context(), f, e, s)
		},
	}
	f.listFlags(cmd)
	f.delegatedFlags(cmd)
	return cmd
}

// profilesRun is one run of the command.
type profilesRun struct {
	f   *profilesFlags
	e   environment
	s   streams
	ctx context.Context

	stop     context.CancelCauseFunc // ends the run with an error that is about all accounts
	site     cronofy.Site
	provider cronofy.Provider
	app      cronofy.App
	choice   choice
	client   *cronofy.Client
	clients  clientMaker
	progress *progress
	out      *recordsOut
	tokens   *profiles.TokenFile // nil without --tokens-out
	closers  []func()

	asked      func() int // calendars that access was asked for; nil without delegated access
	unanswered int        // of these, those that nothing was taken for

	passphrase cronofy.Secret // of the secrets file, when it was given
	manager    *links.Manager
	account    links.Link // the service account, with manager
}

// clientMaker is what newClients gives.
type clientMaker = func(cronofy.Site, cronofy.App, func(cronofy.Wait)) *cronofy.Client

// source is where accounts come from, and how their tokens are renewed.
type source struct {
	accounts accountList
	renew    func(context.Context, profiles.Account, cronofy.Secret) (cronofy.Secret, error)
	once     bool // profiles.Options.RenewOnce
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

// read is the run after everything is prepared.
func (r *profilesRun) read(ctx context.Context) error {
	src, err := r.source()
	if err != nil {
		return r.words(ctx, err)
	}
	sum, err := profiles.Run(r.ctx, r.client, src.accounts, profiles.Options{
		Provider: r.provider, Workers: r.workers(), Unordered: r.f.unordered, Strict: r.f.strict, Wait: r.f.wait,
		Renew: src.renew, RenewOnce: src.once, ErrorOf: explainAccount,
	}, r.record)
	if cause := context.Cause(r.ctx); cause != nil && ctx.Err() == nil {
		err = cause
	}
	if err == nil {
		err = r.out.commit()
	}
	if err != nil {
		return r.words(ctx, err)
	}
	r.progress.end()
	return r.verdict(sum)
}

func (r *profilesRun) record(rec profiles.Record) error {
	r.progress.record(rec.State)
	if rec.Error != nil && noAnswer(rec.Error.Code) {
		r.unanswered++
	}
	if err := r.out.dropFailed(); err != nil {
		return &outputError{err}
	}
	if !r.choice.writes(rec.State) {
		return nil
	}
	if err := r.progress.above(func() error { return r.out.Write(rec) }); err != nil {
		return &outputError{err}
	}
	return nil
}

func (r *profilesRun) close() {
	for i := len(r.closers) - 1; i >= 0; i-- {
		r.closers[i]()
	}
}

// later is done when the run ends, last first.
func (r *profilesRun) later(do func()) { r.closers = append(r.closers, do) }

// prepare checks what was given and opens what is written to, before anything is
// asked of Cronofy.
func (r *profilesRun) prepare(ctx context.Context) error {
	f := r.f
	var err error
	if r.choice, err = f.choose(); err != nil {
		return err
	}
	if err := f.checkSource(); err != nil {
		return err
	}
	if err := r.answers(ctx); err != nil {
		return err
	}
	if err := r.connect(ctx); err != nil {
		return err
	}
	if r.out, err = openOutput(f, r.choice.format, r.s.out); err != nil {
		return err
	}
	r.later(r.out.close)
	if f.tokensOut == "" {
		return nil
	}
	if r.tokens, err = profiles.OpenTokens(f.tokensOut); err != nil {
		return tokensError(err)
	}
	r.later(func() { _ = r.tokens.Close() })
	return nil
}

// answers reads the settings that are shared with a set-up.
func (r *profilesRun) answers(ctx context.Context) error {
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
	found, err := f.known(ctx, given, r.s)
	if err != nil {
		return err
	}
	a := found.Answers
	if !a.Site.Chosen() {
		return &usageError{summary: "missing: --data-center", hint: "it takes " + either(dataCenterIDs())}
	}
	if f.needsApp() && a.ClientID == "" {
		return &usageError{summary: "missing: --client-id", hint: "new tokens are given to an application: name it with --client-id or CRONOFY_CLIENT_ID"}
	}
	if f.rate == 0 && !a.Site.Overridden() {
		return &usageError{summary: "--rate 0 is not for Cronofy's own hosts", hint: "its limits are 50 calls a second and 500 a minute for all programs of an application"}
	}
	r.site, r.provider, r.app, r.passphrase = a.Site, a.Provider, a.App(), found.Store.Passphrase
	return nil
}

// connect makes the client, with the stored client secret if one is needed and
// none was given.
func (r *profilesRun) connect(ctx context.Context) error {
	r.ctx, r.stop = context.WithCancelCause(ctx)
	r.later(func() { r.stop(nil) })
	r.progress = newProgress(r.s, r.f.out != "")
	var err error
	if r.clients, err = newClients(r.ctx, &r.f.settings, r.e.names, r.f.limiter()); err != nil {
		return err
	}
	if r.f.needsApp() && r.app.ClientSecret.Empty() {
		if r.app.ClientSecret, err = r.storedSecret(); err != nil {
			return err
		}
	}
	r.client = r.clients(r.site, r.app, r.progress.wait)
	return nil
}

// workers are enough calls at once for the rate when each takes a second.
func (r *profilesRun) workers() int {
	switch {
	case r.f.rate == 0:
		return unlimitedWorkers
	case r.f.rate == defaultRate:
		return callsPerSecond
	}
	return max(profiles.DefaultWorkers, r.f.rate)
}

// unlimitedWorkers keep the cores busy where calls take a millisecond.
const unlimitedWorkers = 64

// source opens the list of accounts.
func (r *profilesRun) source() (source, error) {
	if r.f.delegated() {
		return r.delegatedSource()
	}
	list, err := openList(r.ctx, r.f.accounts, r.s.in)
	if err != nil {
		return source{}, err
	}
	r.later(func() { _ = list.Close() })
	src := source{accounts: profiles.ReadAccounts(list)}
	if r.tokens != nil {
		fmt.Fprintln(r.s.err, "confer: note: a refresh may give a new refresh token; it is written to the file of --tokens-out, and the copy that your application has may stop working")
		src = source{accounts: r.tokens.Newest(src.accounts), renew: r.stopping(profiles.NewRenewer(r.client, r.tokens, r.workers()).Renew)}
	}
	src.accounts = r.out.skip(src.accounts)
	return src, nil
}

// stopping ends the run with an error that would come for every account.
func (r *profilesRun) stopping(renew func(context.Context, profiles.Account, cronofy.Secret) (cronofy.Secret, error)) func(context.Context, profiles.Account, cronofy.Secret) (cronofy.Secret, error) {
	return func(ctx context.Context, a profiles.Account, refused cronofy.Secret) (cronofy.Secret, error) {
		t, err := renew(ctx, a, refused)
		if all := (&profiles.RenewError{Err: err}); err != nil && profiles.StopsRenewing(all) {
			r.stop(all)
		}
		return t, err
	}
}

func openList(ctx context.Context, path string, stdin io.Reader) (io.ReadCloser, error) {
	list, err := openInput(ctx, path, stdin)
	if errors.Is(err, os.ErrNotExist) {
		return nil, &usageError{summary: "--accounts: there is no such file", hint: "name a CSV or JSON lines file with the columns email and access_token"}
	}
	if err != nil {
		return nil, inputError("--accounts", err, "name a CSV or JSON lines file, or - for standard input", flow.StepProfiles)
	}
	return list, nil
}
