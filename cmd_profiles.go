package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"confer/cronofy"
	"confer/flow"
	"confer/flow/profiles"
)

type profilesFlags struct {
	settings
	format string
}

func newProfiles(s streams, e environment) *cobra.Command {
	f := &profilesFlags{}
	cmd := &cobra.Command{
		Use:   "profiles --accounts FILE",
		Short: "Read the conferencing profiles of accounts",
		Long: "Reads userinfo of each account in a list and tells whether it has a conferencing\n" +
			"profile. The list is CSV with a header, or JSON lines, with the columns email, sub\n" +
			"and access_token. No client secret is needed.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return readProfiles(cmd.Context(), f, e, s) },
	}
	fs := cmd.Flags()
	fs.StringVar(&f.accounts, "accounts", "", "file with the accounts, - for standard input")
	fs.StringVar(&f.format, "format", "", "table (default), json or csv")
	fs.BoolVar(&f.json, "json", false, "the same as --format json")
	fs.StringVar(&f.dataCenter, "data-center", "", "us, au, ca, de, sg or uk (CRONOFY_DATA_CENTER)")
	fs.StringVar(&f.provider, "provider", "", "whom the state is about: zoom_enterprise, webex_enterprise, indeed or any (CONFER_PROVIDER)")
	fs.BoolVar(&f.noInput, "no-input", false, "accepted everywhere; this command never asks")
	f.networkFlags(cmd)
	return cmd
}

func readProfiles(ctx context.Context, f *profilesFlags, e environment, s streams) error {
	f.fill(e)
	format, err := f.outputFormat()
	if err != nil {
		return err
	}
	f.redirectURI, f.serviceAccount, f.secretStore, f.timeout = "", "", "", flow.DefaultTimeout // of a set-up; not used here
	found, err := f.found(environment{}, s.in)
	switch {
	case err != nil:
		return err
	case f.accounts == "":
		return &usageError{summary: "missing: --accounts", hint: "name a file with the columns email and access_token, or - for standard input"}
	case !found.Answers.Site.Chosen():
		return &usageError{summary: "missing: --data-center", hint: "it takes us, au, ca, de, sg or uk"}
	}
	newClient, err := newClients(&f.settings, e.names, cronofy.NewLimiter(callsPerSecond, callsPerMinute))
	if err != nil {
		return &usageError{summary: "--ca-file: " + cronofy.CleanText(err.Error(), 200), hint: "name a PEM file with certificates"}
	}
	list, err := openList(f.accounts, s.in)
	if err != nil {
		return err
	}
	defer list.Close()
	defer context.AfterFunc(ctx, func() { list.Close() })() // a pipe that never ends must not hold us
	client := newClient(found.Answers.Site, cronofy.App{}, func(w cronofy.Wait) {
		fmt.Fprintf(s.err, "confer: waiting %s (%s)\n", w.For.Round(100e6), w.Reason)
	})
	return f.write(ctx, client, list, writeTo{found.Answers.Provider, format, s})
}

// writeTo says what the records are about and where they go.
type writeTo struct {
	provider cronofy.Provider
	format   profiles.Format
	streams  streams
}

func (f *profilesFlags) write(ctx context.Context, client profiles.Client, list io.Reader, to writeTo) error {
	out, err := profiles.NewWriter(to.streams.out, to.format)
	if err != nil {
		return err
	}
	sum, err := profiles.Run(ctx, client, profiles.ReadAccounts(list),
		profiles.Options{Provider: to.provider, ErrorOf: flow.ExplainAccount}, out.Write)
	if err == nil {
		err = out.Close()
	}
	switch {
	case ctx.Err() != nil:
		fmt.Fprintln(to.streams.err)
		return &exitError{flow.ExitCancelled}
	case err != nil:
		p := flow.Explain(&flow.AccountsError{Err: err}, flow.StepProfiles)
		complain(to.streams.err, p.Summary, p.Hint)
		return &exitError{p.Exit}
	case sum.Read == 0:
		complain(to.streams.err, "the list holds no accounts", "it needs a header with email and access_token, and a line for each account")
		return &exitError{flow.ExitUsage}
	case sum.Failed > 0:
		complain(to.streams.err, fmt.Sprintf("%d of %d accounts could not be read", sum.Failed, sum.Read), "")
		return &exitError{flow.ExitFailed}
	}
	return nil
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

func openList(path string, stdin io.Reader) (io.ReadCloser, error) {
	if path == "-" {
		if c, ok := stdin.(io.ReadCloser); ok {
			return c, nil
		}
		return io.NopCloser(stdin), nil
	}
	file, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, &usageError{summary: "--accounts: there is no such file", hint: "name a CSV or JSON lines file with the columns email and access_token"}
	}
	if err != nil {
		return nil, &usageError{summary: "--accounts: " + reason(err), hint: ""}
	}
	return file, nil
}
