package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"confer/flow"
	"confer/internal/profiles"
)

// setupUnattended is a set-up that asks nothing, for scripts.
func setupUnattended(ctx context.Context, f *settings, w *world, s streams) error {
	if err := missing(w.found); err != nil {
		return err
	}
	if a := w.found.Answers; !flow.LoopbackRedirect(a.RedirectURI) && a.Listen == "" {
		return &usageError{summary: "missing: --listen", step: flow.StepAuthorize,
			hint: "the redirect URI is not on this machine: --listen says where your tunnel or proxy delivers the answer; without one use the wizard, where the final address can be pasted"}
	}
	if err := w.checkList(ctx, f.accounts); err != nil {
		return err
	}
	tell := talk{out: s.out, err: s.err}.follow
	if f.json {
		tell = newEvents(s.out).follow
	}
	last := flow.Unattended(ctx, w.runner, w.found, func(st flow.State, ev flow.Event) {
		tellMeanwhile(s.err, st, ev)
		tell(st, ev)
	})
	if last.Problem != nil {
		return f.stopped(last, s)
	}
	if last.Notice != "" {
		fmt.Fprintf(s.err, "confer: note: %s\n", last.Notice)
	}
	if f.accounts == "" {
		return nil
	}
	return accountsAfterLink(ctx, f, w, last, s)
}

// checkList finds mistakes in the list of accounts before the administrator is
// troubled. The sandbox's suggestion is for people.
func (w *world) checkList(ctx context.Context, path string) error {
	a := &w.found.Answers
	switch path {
	case "":
		a.Accounts = flow.Accounts{}
		return nil
	case "-":
		return &usageError{summary: "--accounts - goes with confer profiles", hint: "give setup a file: it is read before the link and after it", step: flow.StepProfiles}
	}
	if err := w.runner.CheckAccounts(ctx, *a); err != nil {
		if errors.Is(err, context.Canceled) {
			return err
		}
		p := flow.Explain(err, flow.StepProfiles)
		return &usageError{summary: "--accounts: " + p.Summary, hint: p.Hint, step: flow.StepProfiles}
	}
	return nil
}

// tellMeanwhile says why nothing happens for a while, what could not be checked,
// and what came back that was not the answer: with --json too.
func tellMeanwhile(w io.Writer, s flow.State, ev flow.Event) {
	r, ok := ev.(flow.Report)
	if !ok {
		return
	}
	switch ev := r.Event.(type) {
	case flow.Paused:
		fmt.Fprintf(w, "confer: waiting %s (%s)\n", time.Until(ev.Until).Round(time.Second), ev.Reason)
	case flow.ApplicationAccepted:
		if ev.Unchecked != nil {
			fmt.Fprintf(w, "confer: note: %s\n", s.Notice)
		}
	case flow.Strayed:
		fmt.Fprintln(w, "confer: note:", s.Attempt.Notice)
	}
}

// stopped tells what ended a set-up, with the flag that helps where there is one.
func (f *settings) stopped(last flow.State, s streams) error {
	p := last.Problem.ForScript()
	if p.Code == flow.CodePort && f.listen != "" {
		p.Hint = "End that program, or give another address with --listen."
	}
	if p.Code == flow.CodeUsage && last.Step == flow.StepApplication && last.Answers.ClientSecret.Empty() {
		p.Hint = "Give it with --client-secret-file FILE, or - for standard input, or with CRONOFY_CLIENT_SECRET."
	}
	if f.json {
		newEvents(s.out).failed(p)
	}
	complain(s.err, p.Summary, p.Hint)
	return &exitError{p.Exit}
}

// accountsAfterLink reads the accounts once, so that a script sees which
// profiles there are already. Matching may take Cronofy a while: a later
// confer profiles tells the rest. The link is made by now, so what goes wrong
// here is never a mistake in the call.
func accountsAfterLink(ctx context.Context, f *settings, w *world, last flow.State, s streams) error {
	emit := newEvents(s.out).account
	if !f.json {
		table, err := profiles.NewWriter(s.out, profiles.FormatTable)
		if err != nil {
			return err
		}
		emit = table.Write
	}
	if err := w.runner.EachProfile(ctx, last, emit); err != nil && !readerLeft(err) {
		if ctx.Err() != nil {
			return &exitError{flow.ExitCancelled}
		}
		p := flow.Explain(err, flow.StepProfiles)
		complain(s.err, p.Summary, p.Hint)
		return &exitError{flow.ExitFailed}
	}
	return nil
}

// talk is a run without a terminal for people: results to standard output, the
// rest to standard error.
type talk streams

func (t talk) follow(s flow.State, ev flow.Event) {
	r, ok := ev.(flow.Report)
	if !ok {
		return
	}
	switch ev := r.Event.(type) {
	case flow.LinkReady:
		fmt.Fprintln(t.err, "The administrator has to open this link:")
		fmt.Fprintln(t.out, ev.URL)
	case flow.BrowserAsked:
		if ev.Err != nil {
			fmt.Fprintln(t.err, s.Attempt.Browser)
		}
	case flow.AnswerArrived:
		fmt.Fprintln(t.err, "The administrator approved; exchanging the code.")
	case flow.Linked:
		fmt.Fprintf(t.out, "linked %s with %s\n", ev.Link.ServiceAccount, ev.Link.Provider)
		if !ev.Link.Site.Sandbox {
			fmt.Fprintf(t.err, "To undo it on this machine: confer logout %s\n", ev.Link.ID())
		}
	}
}
