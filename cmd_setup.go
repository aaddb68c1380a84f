package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"confer/flow"
	"confer/flow/profiles"
)

func newSetup(s streams, e environment) *cobra.Command {
	f := &settings{}
	cmd := &cobra.Command{
		Use:   "setup",
		Short: "Link calendars with a conferencing provider, step by step",
		Long: "Leads through the set-up: data center, application, service account, provider, the\n" +
			"administrator's approval in a browser, and the conferencing profiles that follow.\n" +
			"With --no-input nothing is asked, and --json tells what happened in JSON lines.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return setup(cmd.Context(), f, e, s) },
	}
	f.setupFlags(cmd)
	return cmd
}

func setup(ctx context.Context, f *settings, e environment, s streams) error {
	err := prepareAndSetup(ctx, f, e, s)
	if usage, ok := err.(*usageError); ok && f.json {
		newEvents(s.out).failed(flow.Problem{Summary: sentence(usage.summary), Hint: sentence(usage.hint), Code: flow.CodeUsage, Step: usage.step})
	}
	return err
}

func prepareAndSetup(ctx context.Context, f *settings, e environment, s streams) error {
	if f.json && !f.noInput {
		return &usageError{summary: "--json needs --no-input", hint: "a wizard and JSON lines cannot share one output"}
	}
	if err := useColor(f.color); err != nil {
		return err
	}
	if f.dryRun && f.json {
		return &usageError{summary: "--dry-run and --json do not go together", hint: "a dry run has no events: leave one out"}
	}
	plain := false
	if !f.noInput && !f.dryRun {
		var err error
		if plain, err = lineByLine(f, s, e); err != nil {
			return err
		}
	}
	w, err := newWorld(ctx, f, e, s)
	if err != nil {
		return err
	}
	w.plain = plain
	defer w.close()
	if f.dryRun {
		return dryRun(ctx, w, s)
	}
	if f.noInput {
		return setupUnattended(ctx, f, w, s)
	}
	w.resume(ctx, f.browser)
	return setupWizard(ctx, w, s, e)
}

// missing names the flags of the answers that nobody gave.
func missing(found flow.Found) error {
	a := found.Answers
	var flags []string
	first := flow.StepProfiles
	for _, m := range []struct {
		absent bool
		flag   string
		step   flow.Step
	}{
		{!a.Site.Chosen(), "--data-center", flow.StepDataCenter},
		{a.ClientID == "", "--client-id", flow.StepApplication},
		{a.ServiceAccount == "", "--service-account", flow.StepServiceAccount},
		{a.Provider == "", "--provider", flow.StepProvider},
	} {
		if m.absent {
			flags, first = append(flags, m.flag), min(first, m.step)
		}
	}
	if len(flags) == 0 {
		return nil
	}
	return &usageError{step: first, summary: "missing: " + strings.Join(flags, ", "), hint: "with --no-input nothing is asked: give each answer by its flag or environment variable"}
}

func setupUnattended(ctx context.Context, f *settings, w *world, s streams) error {
	if err := missing(w.found); err != nil {
		return err
	}
	switch f.accounts {
	case "":
		w.found.Answers.Accounts = flow.Accounts{} // the sandbox's suggestion is for people
	case "-":
		return &usageError{summary: "--accounts - goes with confer profiles", hint: "give setup a file: it is read before the link and after it", step: flow.StepProfiles}
	default:
		list, err := openList(f.accounts, s.in)
		if err != nil {
			return err
		}
		list.Close()
	}
	var follow func(flow.State, flow.Event)
	ev := newEvents(s.out)
	if f.json {
		follow = ev.follow
	} else {
		follow = talk{out: s.out, err: s.err}.follow
	}
	last := flow.Unattended(ctx, w.runner, w.found, follow)
	if last.Problem == nil && f.accounts != "" {
		return accountsAfterLink(ctx, f, w, last, s)
	}
	if last.Problem == nil {
		return nil
	}
	p := *last.Problem
	if p.Code == flow.CodeSecretStore && last.Store.Kind != flow.StoreFile {
		p.Hint = "Use --secret-store session to keep secrets in memory for this run only."
	}
	if p.Code == flow.CodeUsage && last.Step == flow.StepApplication && last.Answers.ClientSecret.Empty() {
		p.Hint = "Give it with --client-secret-file FILE, or - for standard input, or with CRONOFY_CLIENT_SECRET."
	}
	if f.json {
		ev.failed(p)
	}
	complain(s.err, p.Summary, p.Hint)
	return &exitError{p.Exit}
}

// accountsAfterLink reads the accounts once, so that a script sees which
// profiles there are already. Matching may take Cronofy a while: a later
// confer profiles tells the rest.
func accountsAfterLink(ctx context.Context, f *settings, w *world, last flow.State, s streams) error {
	emit := func(r profiles.Record) error { newEvents(s.out).account(r); return nil }
	if !f.json {
		table, err := profiles.NewWriter(s.out, profiles.FormatTable)
		if err != nil {
			return err
		}
		emit = table.Write
	}
	if err := w.runner.EachProfile(ctx, last, emit); err != nil {
		p := flow.Explain(err, flow.StepProfiles)
		complain(s.err, p.Summary, p.Hint)
		return &exitError{p.Exit}
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
	case flow.Strayed:
		fmt.Fprintln(t.err, s.Attempt.Notice)
	case flow.AnswerArrived:
		fmt.Fprintln(t.err, "The administrator approved; exchanging the code.")
	case flow.Linked:
		fmt.Fprintf(t.out, "linked %s with %s\n", ev.Link.ServiceAccount, ev.Link.Provider)
	}
}

// sentence makes a fragment into a sentence, for readers of JSON.
func sentence(fragment string) string {
	if fragment == "" {
		return ""
	}
	return strings.ToUpper(fragment[:1]) + strings.TrimSuffix(fragment[1:], ".") + "."
}
