package command

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"confer/flow"
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
	if errors.Is(err, context.Canceled) { // before there were steps
		p := flow.Explain(context.Canceled, flow.StepDataCenter)
		if f.json {
			newEvents(s.out).failed(p)
		}
		return &exitError{p.Exit}
	}
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
		f.stdinFor, f.stdinFree = "the wizard asks", "leave the flag out to be asked, or add --no-input"
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
	w.resume(ctx, f.browser, e.get("BROWSER"))
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

// sentence makes a fragment into a sentence, for readers of JSON.
func sentence(fragment string) string {
	if fragment == "" {
		return ""
	}
	return strings.ToUpper(fragment[:1]) + strings.TrimSuffix(fragment[1:], ".") + "."
}
