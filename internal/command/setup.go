package command

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"confer/cronofy"
	"confer/flow"
	"confer/internal/atomicfile"
	"confer/internal/crash"
	"confer/internal/links"
	"confer/internal/opener"
	"confer/internal/profiles"
	"confer/keystore"
	"confer/ui"
)

func newSetup(s streams, e environment) *cobra.Command {
	f := newSettings()
	cmd := &cobra.Command{
		Use:   "setup",
		Short: "Link calendars with a conferencing provider, step by step",
		Long: "Leads through the set-up: data center, application, service account, provider, the administrator's approval " +
			"in a browser, and a check of the accounts. With --no-input nothing is asked, and --json tells what happened in JSON lines.",
		Example: "  confer setup --sandbox\n" +
			"  confer setup --data-center de --provider zoom_enterprise --label Acme\n" +
			"  confer setup --no-input --json --data-center de --client-id ID --client-secret-file FILE \\\n" +
			"    --service-account ser_... --provider zoom_enterprise --tokens-out tokens.json",
		Args: arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error { return setup(cmd.Context(), f, e, s) },
	}
	f.setupFlags(cmd)
	return cmd
}

// checkCall looks at flags and environment, before anything is read or opened.
func (f *settings) checkCall(e environment) error {
	switch {
	case f.json && !f.noInput:
		return usage("--json needs --no-input", "a wizard and JSON lines cannot share one output")
	case f.dryRun && f.json:
		return usage("--dry-run and --json do not go together", "a dry run has no events: leave one out")
	case f.sandbox && (f.apiURL != "" || f.appURL != ""):
		return usage("--api-url and --app-url do not go with --sandbox", "the sandbox is its own Cronofy: leave them out")
	case f.sandbox && !slices.Contains([]keystore.Kind{"", keystore.None, keystore.Session}, keystore.Kind(f.secretStore)):
		return usageAt(flow.StepApplication, "--secret-store does not go with --sandbox", "the sandbox stores nothing: leave it out")
	case f.tokensOut == "-":
		return usage("--tokens-out - goes with confer export", "here standard output has the results: name a new file")
	case !slices.Contains(colorValues(), f.color):
		return unknownValue("color", "colour setting", f.color, colorValues())
	}
	f.fill(e)
	if _, err := f.answers(); err != nil {
		return err
	}
	return checkBrowser(f.browser, f.sandbox)
}

func setup(ctx context.Context, f *settings, e environment, s streams) error {
	if f.sandbox {
		e = e.forSandbox()
	}
	if err := f.checkCall(e); err != nil {
		return err
	}
	switch f.color { // the terminal library goes by the environment
	case "never":
		_ = os.Setenv("NO_COLOR", "1")
	case "always":
		_ = os.Unsetenv("NO_COLOR")
		_ = os.Setenv("CLICOLOR_FORCE", "1")
	}
	f.asks = !f.noInput && !f.dryRun
	w, err := newWiring(ctx, f, e, s)
	if err != nil {
		return err
	}
	defer w.close()
	if f.dryRun || f.noInput {
		if err := missing(w.known); err != nil {
			return err
		}
	}
	if f.dryRun {
		return dryRun(ctx, w, f.tokensOut, s)
	}
	if err := w.takeTokens(f.tokensOut); err != nil {
		return err
	}
	if w.runner.Links != nil { // an older confer would have to take a newer one's links away
		if _, err := w.runner.Links.Load(ctx); errors.Is(err, links.ErrNewer) { // what else is wrong is said where it matters
			return &failure{explainLink(err)}
		}
	}
	if f.accounts != "" {
		if err := w.checkList(ctx, f.accounts); err != nil {
			return err
		}
	}
	if f.noInput {
		return setupUnattended(ctx, f, w, s)
	}
	plain, err := lineByLine(f, s, e)
	if err != nil {
		return err
	}
	w.resume(ctx, f.browser, e.get("BROWSER"))
	return setupWizard(ctx, w, plain, s, e)
}

// missing names the flags of the answers that nobody gave, by what the pages ask.
func missing(found flow.Initial) error {
	flags := ui.Missing(flow.State{Answers: found.Answers, Store: found.Store})
	if len(flags) == 0 {
		return nil
	}
	return usageAt(flagStep(strings.TrimPrefix(flags[0], "--")), "missing: "+strings.Join(flags, ", "), "with --no-input nothing is asked: give each answer by its flag or environment variable")
}

// sentence makes a fragment into a sentence, for readers of JSON.
func sentence(fragment string) string {
	if fragment == "" {
		return ""
	}
	return strings.ToUpper(fragment[:1]) + strings.TrimSuffix(fragment[1:], ".") + "."
}

// lineByLine decides between the screen and the lines. In a pipe those must be asked for:
// a wizard that waits in a script by mistake helps nobody.
func lineByLine(f *settings, s streams, e environment) (bool, error) {
	if f.plain || e.get("ACCESSIBLE") != "" {
		return true, nil
	}
	_, in := asTerminal(s.in)
	_, out := asTerminal(s.out)
	if !in || !out {
		return false, usage("the wizard needs a terminal", "without one, give the answers by flags and --no-input, or take --plain")
	}
	return e.get("TERM") == "dumb", nil
}

func setupWizard(ctx context.Context, w *wiring, plain bool, s streams, e environment) error {
	tasks := flow.NewTasks(w.runner)
	cfg := ui.Config{
		State:    flow.Start(w.known),
		Tasks:    tasks,
		Session:  opener.Host().Session(),
		Browser:  w.browser,
		Version:  programVersion(),
		SaveFile: saveFile,
		Approves: w.runner.Approve != nil,
		Flags:    measuresFlags(e.get) && !ui.DrawsASCII(e.get),
		ASCII:    ui.DrawsASCII(e.get),
		Input:    s.in, Output: fileOf(s.out), Err: s.err,
	}
	if cfg.Browser == "" || cfg.Browser == opener.System { // which asks BROWSER first
		cfg.Browser = strings.TrimSpace(e.get("BROWSER"))
	}
	show := ui.Run
	if plain {
		show, cfg.Output = ui.RunLines, s.out
	}
	last, err := show(ctx, cfg)
	if last.Attempt.Phase >= flow.PhaseExchanging {
		fmt.Fprintln(s.err, "Finishing the exchange of the code ...")
	}
	for _, r := range tasks.Close() { // what was finished on the way out counts
		last, _ = last.Apply(r)
	}
	if caught, ok := errors.AsType[*crash.Error](err); ok {
		sayCrash(s.err, caught)
		return exitWith(flow.ExitFailed)
	}
	if ctx.Err() == nil && err != nil && !readerLeft(err) {
		return failed("the wizard cannot be shown: "+cronofy.CleanText(err.Error(), 200), "give the answers by flags and --no-input")
	}
	if !plain { // line by line it was said already
		for _, l := range last.Made {
			fmt.Fprintln(s.out, ui.Outcome(l))
		}
	}
	return sayEnd(last, w.runner.Links != nil, &w.tokens, s)
}

// sayEnd says what was done and what is kept, now that the screen is gone.
func sayEnd(last flow.State, kept bool, tokens *tokenFile, s streams) error {
	if last.Returning() { // the link was there before, and nothing was begun
		return nil
	}
	if len(last.Made) == 0 && last.ApprovedNow() {
		fmt.Fprintln(s.err, "The administrator approved, so the link most likely exists; confer has no token of its own for it.")
		return exitWith(flow.ExitFailed)
	}
	if len(last.Made) == 0 {
		fmt.Fprintln(s.err, "Nothing was linked.")
		switch {
		case last.Unsaved:
			fmt.Fprintln(s.err, "Your answers were not saved.")
		case kept:
			fmt.Fprintln(s.err, "Your answers are kept: confer goes on where you stopped.")
		}
		return exitWith(flow.ExitCancelled)
	}
	l := last.Made[len(last.Made)-1]
	if l.Store == keystore.None {
		fmt.Fprintln(s.err, "That was the sandbox: nothing is linked in reality, and nothing is stored.")
	}
	if warning := tokens.warning(l); warning != "" {
		fmt.Fprintln(s.err, warning)
	} else if tokens.of != "" {
		fmt.Fprintf(s.err, "The tokens of %s are in %s, which only you can read.\n", tokens.of, clip(tokens.path))
	}
	if tokens.err != nil {
		return exitWith(flow.ExitFailed)
	}
	return nil
}

// measuresFlags tells whether the terminal is known to give a flag two cells.
// Inside tmux and screen the multiplexer measures, and mostly wrong.
func measuresFlags(get func(string) string) bool {
	inside := get("TMUX") != "" || get("STY") != "" || strings.HasPrefix(get("TERM"), "screen") || strings.HasPrefix(get("TERM"), "tmux")
	known := []string{"iTerm.app", "WezTerm", "ghostty", "xterm-kitty", "xterm-ghostty"}
	return !inside && (slices.Contains(known, get("TERM_PROGRAM")) || slices.Contains(known, get("TERM")))
}

// saveFile writes a private file beside where the operator works, under a name
// that nothing has yet.
func saveFile(name, text string) (string, error) {
	ext := filepath.Ext(name)
	for i, path := 2, name; ; i++ {
		err := atomicfile.Write(path, []byte(text), atomicfile.New)
		_, unsafe := errors.AsType[*atomicfile.UnsafeError](err)
		if !unsafe && !errors.Is(err, fs.ErrExist) || i > 100 {
			return path, err
		}
		path = fmt.Sprintf("%s-%d%s", strings.TrimSuffix(name, ext), i, ext)
	}
}

func setupUnattended(ctx context.Context, f *settings, w *wiring, s streams) error {
	if a := w.known.Answers; !flow.LoopbackRedirect(a.RedirectURI) && a.Listen == "" {
		return usageAt(flow.StepAuthorize, "missing: --listen",
			"the redirect URI is not on this machine: --listen says where your tunnel or proxy delivers the answer; without one use the wizard, where the final address can be pasted")
	}
	if f.accounts == "" {
		w.known.Answers.Accounts = flow.Accounts{} // the sandbox's suggestion is for people
	}
	t := teller{s: s, tokens: &w.tokens}
	if f.json {
		t.ev = newEvents(s.out)
	}
	last := flow.Unattended(ctx, w.runner, w.known, nil, t.follow)
	if last.Problem != nil {
		return f.stopped(last)
	}
	if last.Notice != "" {
		fmt.Fprintf(s.err, "confer: note: %s\n", last.Notice)
	}
	if text := w.tokens.warning(*last.Link); text != "" {
		fmt.Fprintf(s.err, "confer: warning: %s\n", text)
	}
	if f.accounts != "" {
		if err := accountsAfterLink(ctx, f, w, last, s); err != nil {
			return err
		}
	}
	if w.tokens.err != nil {
		return exitWith(flow.ExitFailed)
	}
	return nil
}

// tokenFile is where the tokens of a new link go beside the store: the file of
// --tokens-out, or nowhere.
type tokenFile struct {
	path string // empty: nowhere
	file *atomicfile.File
	of   string // the link whose tokens are in it
	err  error  // why they are not
}

// takeTokens begins the file before the administrator is asked, and has it written
// as soon as there are tokens.
func (w *wiring) takeTokens(path string) error {
	w.tokens.path = path
	if path == "" {
		return nil
	}
	file, err := createTokens(path, atomicfile.New, "name a new one")
	if err != nil {
		return err
	}
	w.later(func() { _ = file.Close() })
	w.tokens.file = file
	w.runner.Tokens = w.tokens.write
	return nil
}

// write is called by the one task that makes a link.
func (t *tokenFile) write(l flow.Link, token cronofy.Token) {
	if t.of != "" {
		t.err = fmt.Errorf("%s has those of %s already", clip(t.path), t.of)
		return
	}
	text, err := handover(l.Link, token)
	if err == nil {
		err = t.file.Put(text)
	}
	if t.err = err; err == nil {
		t.of = l.ID()
	}
}

// warning says that the tokens of a link are kept nowhere, or not where they were
// wanted.
func (t *tokenFile) warning(l flow.Link) string {
	switch {
	case t.err != nil:
		return "The tokens of this link could not be written to --tokens-out: " + cronofy.FileReason(t.err) + "."
	case l.EndsWithRun() && t.of == "":
		return "The tokens of this link were kept in memory only and are gone when this run ends. With --tokens-out FILE a new link writes them to a file."
	}
	return ""
}

// checkList reads the list of accounts before the administrator is troubled.
func (w *wiring) checkList(ctx context.Context, path string) error {
	if path == "-" {
		return usageAt(flow.StepProfiles, "--accounts - goes with confer profiles", "give setup a file: it is read before the link and after it")
	}
	_, err := w.runner.ReadAccounts(ctx, w.known.Answers.Accounts)
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	p := flow.Explain(err, flow.StepProfiles)
	return wrong("accounts", ": "+p.Summary, p.Hint)
}

// teller says what happens in a set-up that asks nothing: results on standard output, the
// rest on standard error.
type teller struct {
	s      streams
	ev     *events // nil: for people
	tokens *tokenFile
}

func (t teller) follow(s flow.State, ev flow.Event) {
	r, ok := ev.(flow.Report)
	if !ok {
		return
	}
	switch ev := r.Event.(type) {
	case flow.LinkReady:
		if t.ev != nil {
			t.ev.write("authorize", "url", ev.URL, "redirect_uri", s.Answers.RedirectURI, "provider", s.Answers.Provider) // it holds the link token
			return
		}
		fmt.Fprintln(t.s.err, "The administrator has to open this approval link:")
		fmt.Fprintln(t.s.out, ev.URL)
	case flow.Linked:
		if t.ev != nil {
			t.ev.linked(ev.Link, t.tokens.warning(ev.Link))
			return
		}
		fmt.Fprintf(t.s.out, "linked %s with %s\n", ev.Link.ServiceAccount, ev.Link.Provider)
		if !ev.Link.Site.Sandbox {
			fmt.Fprintf(t.s.err, "To undo it on this machine: confer logout %s\n", ev.Link.ID())
		}
	case flow.BrowserAsked:
		if ev.Err != nil && t.ev == nil {
			fmt.Fprintln(t.s.err, s.Attempt.Browser)
		}
	case flow.AnswerArrived:
		if t.ev == nil {
			fmt.Fprintln(t.s.err, "The administrator approved; exchanging the code.")
		}
	// Why nothing happens for a while, what could not be checked, that a passphrase is
	// weak, and what came back that was not the answer is said with --json, too.
	case flow.Paused:
		sayWait(t.s.err, time.Until(ev.Until), ev.Reason)
	case flow.ApplicationAccepted:
		if s.Notice != "" {
			fmt.Fprintf(t.s.err, "confer: note: %s\n", s.Notice)
		}
	case flow.UnlockAsked:
		sayStoreWait(t.s.err, ev.Wait)
	case flow.AnswerRejected:
		fmt.Fprintln(t.s.err, "confer: note:", s.Attempt.Notice)
	case flow.Failed:
		if code := s.CodeToRetry(); code != nil {
			fmt.Fprintf(t.s.err, "confer: note: %s The administrator approved, and the code has not been used. confer tries again, once, when Cronofy can be reached; it waits until %s.\n",
				s.Problem.Summary, code.Kept.Until.Local().Format(time.TimeOnly))
		}
	}
}

func (f *settings) stopped(last flow.State) error {
	p := last.Problem.ForScript()
	if p.Code == flow.CodePort && f.listen != "" {
		p.Hint = "End that program, or give another address with --listen."
	}
	if p.Code == flow.CodeUsage && last.Step == flow.StepApplication && last.Answers.ClientSecret.Empty() {
		p.Hint = "Give it with --client-secret-file FILE, or - for standard input, or with CRONOFY_CLIENT_SECRET."
	}
	return &failure{p}
}

// accountsAfterLink reads the accounts once. Matching may take Cronofy a while: a later
// confer profiles tells the rest. The link is made, so what goes wrong here is never a
// mistake in the call.
func accountsAfterLink(ctx context.Context, f *settings, w *wiring, last flow.State, s streams) error {
	emit := newEvents(s.out).account
	if !f.json {
		emit = profiles.NewWriter(s.out, profiles.FormatTable, profiles.WriterOptions{}).Write
	}
	if err := w.runner.EachProfile(ctx, last, emit); err != nil && !readerLeft(err) {
		if ctx.Err() != nil {
			return exitWith(flow.ExitCancelled)
		}
		p := flow.Explain(err, flow.StepProfiles)
		complain(s.err, p.Summary, p.Hint)
		return exitWith(flow.ExitFailed)
	}
	return nil
}
