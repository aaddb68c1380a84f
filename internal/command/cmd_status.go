package command

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"confer/cronofy"
	"confer/flow"
	"confer/internal/manage"
)

type statusFlags struct {
	settings
	check bool
}

func newStatus(s streams, e environment) *cobra.Command {
	f := &statusFlags{}
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Tell what is linked, and where each secret is",
		Long: "Lists the links made here and where their secrets are. Nothing is sent, and no\n" +
			"keyring opens a dialog. With --check confer's own token of each link is refreshed,\n" +
			"which tests that token and not the link; a new refresh token takes the place of\n" +
			"the old one. A link whose token was in memory only cannot be checked, which is no\n" +
			"problem. Exit code 1 on any problem.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return showStatus(cmd.Context(), f, e, s) },
	}
	f.manageFlags(cmd)
	cmd.Flags().BoolVar(&f.check, "check", false, "refresh confer's own token of each link (tests our token, not the link)")
	return cmd
}

func showStatus(ctx context.Context, f *statusFlags, e environment, s streams) error {
	m, err := newManager(ctx, &f.settings, e, s)
	if err != nil {
		return err
	}
	o, err := m.Status(ctx)
	if err != nil {
		return complainOf(s, explainLink(err))
	}
	report := statusReport{overview: o, checks: make([]checked, len(o.Links))}
	if f.check {
		for i, l := range o.Links {
			report.checks[i] = checkLink(ctx, m, l)
			report.overview.Links[i] = report.checks[i].seen(l)
			if ctx.Err() != nil || report.checks[i].Problem.Code == flow.CodeCancelled {
				return &exitError{flow.ExitCancelled}
			}
		}
	}
	if f.json {
		report.json(newEvents(s.out))
	} else {
		report.text(s.out)
	}
	if report.problem() {
		return &exitError{flow.ExitFailed}
	}
	return nil
}

// checked is how the refresh of a link's token went. The zero one: not asked for.
type checked struct {
	State   string // "ok", "failed", "untested"; empty: not asked for
	Rotated bool
	Problem flow.Problem // of "failed" and "untested"
	Read    bool         // the link's secrets were read: Cronofy was asked with them
}

// seen is the link with what the check found out of its secrets: a secrets file
// that was only known to be there has been opened.
func (c checked) seen(l manage.LinkStatus) manage.LinkStatus {
	for _, s := range []*manage.Secret{&l.ClientSecret, &l.RefreshToken} {
		if c.Read && s.State == manage.Sealed {
			s.State = manage.Present
		}
	}
	return l
}

// The states of a check.
const (
	checkOK       = "ok"
	checkFailed   = "failed"
	checkUntested = "untested"
)

func checkLink(ctx context.Context, m *manage.Manager, l manage.LinkStatus) checked {
	t, err := m.Check(ctx, l.Link)
	switch {
	case err == nil:
		return checked{State: checkOK, Rotated: t.Rotated, Read: true}
	case errors.Is(err, manage.ErrNoToken), errors.Is(err, manage.ErrGone) && l.RefreshToken.State == manage.Gone:
		return checked{State: checkUntested, Problem: explainLink(err)}
	}
	return checked{State: checkFailed, Problem: explainLink(err), Read: cronofy.StatusOf(err) != 0 || isNetwork(err)}
}

// statusReport is what status says, in text or as JSON lines.
type statusReport struct {
	overview manage.Overview
	checks   []checked // of each link, in order
}

func (r statusReport) problem() bool {
	for i, l := range r.overview.Links {
		if r.linkProblem(l, r.checks[i]) {
			return true
		}
	}
	o := r.overview
	o.Links = nil
	return o.Problem()
}

func (r statusReport) linkProblem(l manage.LinkStatus, c checked) bool {
	return l.Problem() || c.State == checkFailed
}
