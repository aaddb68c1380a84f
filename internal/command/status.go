package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"confer/cronofy"
	"confer/flow"
	"confer/internal/doctor"
	"confer/internal/links"
	"confer/keystore"
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
		Long: "Lists the links made here and where their secrets are. Nothing is sent, and no keyring opens a dialog. With --check " +
			"confer's own token of each link is refreshed, which tests that token and not the link; a new refresh token takes the " +
			"place of the old one. A link whose token was in memory only cannot be checked, which is no problem. Exit code 1 on any problem.",
		Example: "  confer status\n  confer status --check\n  confer status --json",
		Args:    arguments(0, 0, ""),
		RunE:    func(cmd *cobra.Command, _ []string) error { return showStatus(cmd.Context(), f, e, s) },
	}
	f.manageFlags(cmd)
	add(cmd, option{name: "check", dst: &f.check, group: groupCommon, text: "refresh confer's own token of each link (tests that token, not the link)"})
	return cmd
}

func showStatus(ctx context.Context, f *statusFlags, e environment, s streams) error {
	m, err := newManager(ctx, &f.settings, e, s)
	if err != nil {
		return err
	}
	report := statusReport{checks: map[string]checked{}}
	if f.check { // first: a check may ask for a passphrase, and then status knows more
		c, _ := m.Links.Load(ctx)
		for _, l := range c.Links {
			report.checks[l.ID()] = checkLink(ctx, m, l)
			if ctx.Err() != nil || report.checks[l.ID()].Problem.Code == flow.CodeCancelled {
				return exitWith(flow.ExitCancelled)
			}
		}
	}
	if report.Overview, err = m.Status(ctx); err != nil {
		return ended(explainLink(err))
	}
	if f.json {
		report.json(newEvents(s.out))
	} else {
		report.text(s.out, columnsOf(s.out))
	}
	if report.problem() {
		return exitWith(flow.ExitFailed)
	}
	return nil
}

// checked is how the refresh of a link's token went.
type checked struct {
	State   string // "ok", "failed", "untested"; empty: not asked for
	Rotated bool
	Problem flow.Problem // of "failed" and "untested"
}

func checkLink(ctx context.Context, m *links.Manager, l links.Link) checked {
	_, rotated, err := m.Check(ctx, l)
	switch {
	case err == nil:
		return checked{State: "ok", Rotated: rotated}
	case errors.Is(err, links.ErrNoToken), errors.Is(err, links.ErrGone):
		return checked{State: "untested", Problem: explainLink(err)}
	}
	return checked{State: "failed", Problem: explainLink(err)}
}

type statusReport struct {
	links.Overview
	checks map[string]checked // by the link's ID
}

func (r statusReport) problem() bool {
	return r.Problem() || slices.ContainsFunc(r.Links, r.linkProblem)
}

func (r statusReport) linkProblem(l links.Link) bool {
	return r.LinkProblem(l) || r.checks[l.ID()].State == "failed"
}

// clip makes what others wrote fit for a line.
func clip(text string) string { return cronofy.CleanText(text, 120) }

// columnsOf is how wide a terminal is; 0: it is none.
func columnsOf(out io.Writer) (columns int) {
	if file, ok := asTerminal(out); ok {
		columns, _, _ = term.GetSize(int(file.Fd()))
	}
	return columns
}

// text writes a table on a terminal that is wide enough, and below it what needs
// more words; elsewhere all that is known, line by line.
func (r statusReport) text(w io.Writer, columns int) {
	for _, a := range setAside(r.Damaged, r.UnlistedFile) {
		fmt.Fprintf(w, "problem: %s %s\n\n", a.problem.Summary, a.problem.Hint)
	}
	if len(r.Links) == 0 {
		fmt.Fprintln(w, "Nothing is linked here.")
	}
	table := r.table()
	short := len(r.Links) > 0 && !slices.ContainsFunc(table, func(row string) bool { return ansi.StringWidth(row) > columns })
	if short {
		fmt.Fprintln(w, strings.Join(table, "\n"))
	}
	for i, l := range r.Links {
		if short && !r.linkProblem(l) && r.checks[l.ID()].State == "" {
			continue
		}
		if short || i > 0 {
			fmt.Fprintln(w)
		}
		r.link(w, l)
	}
	for _, a := range r.ServiceAccounts {
		fmt.Fprintf(w, "\n%s  service account authorized here\n", join(a.ID, a.Label))
		line(w, "data center", dataCenterOf(a.APIHost).Name)
		line(w, "client id", clip(a.ClientID))
		line(w, "refresh token", whereabouts(r.Token(a.Link()), a.Store))
	}
	if d := r.Draft; d != nil {
		about := join(d.ServiceAccount, d.Label)
		if about != "" {
			about = " (" + about + ")"
		}
		fmt.Fprintf(w, "\nA set-up was begun and not finished%s. confer goes on with it.\n", about)
		if s := r.DraftSecret(); s.State != "" {
			line(w, "client secret", whereabouts(s, d.Store))
		}
	}
	if len(r.Unneeded) > 0 {
		fmt.Fprintf(w, "\nLeft over, needed by nothing that is listed. To delete: %s\n", leftoverCommand)
	}
	for _, s := range r.Unneeded {
		name, of := "refresh token", clip(s.ServiceAccount)+" · "+cronofy.Provider(clip(s.Provider)).Name()
		switch {
		case s.IsClientSecret():
			name, of = "client secret", "application "+clip(s.ClientID)
		case s.Provider == links.AccountToken:
			of = clip(s.ServiceAccount) + " · service account"
		}
		line(w, name, whereabouts(r.Secret(s), s.Store))
		line(w, "", of+" · "+dataCenterOf(s.APIHost).Name)
	}
	if k := r.Keyring; k.State != "" && k.State != keystore.Ready { // said once, however many secrets it concerns
		words := doctor.KeyringState(k)
		fmt.Fprintf(w, "\n%s %s\n", words.Message, words.Next)
	}
}

func (r statusReport) table() []string {
	rows := [][]string{{"LINK", "LABEL", "PROVIDER", "SERVICE ACCOUNT", "DATA CENTER", "LINKED", "SECRETS IN", "STATE"}}
	for _, l := range r.Links {
		state := "ok"
		switch {
		case r.linkProblem(l):
			state = "problem"
		case l.Unconfirmed:
			state = "unconfirmed"
		case r.Token(l).State == links.Gone:
			state = "no token"
		}
		rows = append(rows, []string{l.ID(), clip(l.Label), cronofy.Provider(clip(l.Provider)).Name(), clip(l.ServiceAccount), dataCenterOf(l.APIHost).Name,
			l.Linked.Format(time.DateOnly), strings.TrimPrefix(l.Store.Words(), "the "), state})
	}
	out := make([]string, len(rows))
	next := 0 // where a column begins
	for c := range rows[0] {
		begin := next
		for i, row := range rows {
			out[i] += strings.Repeat(" ", begin-ansi.StringWidth(out[i])) + row[c]
			next = max(next, ansi.StringWidth(out[i])+2)
		}
	}
	return out
}

func (r statusReport) link(w io.Writer, l links.Link) {
	fmt.Fprintln(w, join(l.ID(), l.Label))
	fmt.Fprintf(w, "  %s · %s · %s · linked %s\n", cronofy.Provider(clip(l.Provider)).Name(), clip(l.ServiceAccount), dataCenterOf(l.APIHost).Name,
		l.Linked.UTC().Format("2006-01-02 15:04 UTC"))
	if l.Unconfirmed {
		fmt.Fprintln(w, "  unconfirmed: the administrator said that it is done; confer has no token of its own")
	}
	if _, err := links.Site(l); err != nil {
		line(w, "problem", explainLink(err).Summary)
	}
	line(w, "client id", clip(l.ClientID))
	line(w, "client secret", whereabouts(r.Secret(l.ClientSecret()), l.Store))
	line(w, "refresh token", whereabouts(r.Token(l), l.Store))
	switch c := r.checks[l.ID()]; c.State {
	case "ok":
		words := "ok: Cronofy accepts confer's token"
		if c.Rotated {
			words += ", and gave a new refresh token, which is stored"
		}
		line(w, "check", words)
		line(w, "", "(this tests our token, not the link)")
	case "failed":
		line(w, "check", "problem: "+c.Problem.Summary)
		line(w, "", c.Problem.Hint)
	case "untested":
		line(w, "check", "not possible: "+c.Problem.Summary)
	}
}

const leftoverCommand = "confer logout --left-over"

// dataCenterOf is the data center of an API host; where there is none, the host.
func dataCenterOf(host string) cronofy.DataCenter {
	for _, dc := range cronofy.DataCenters() {
		if dc.Site().APIHost() == host {
			return dc
		}
	}
	return cronofy.DataCenter{ID: clip(host), Name: clip(host)}
}

func line(w io.Writer, name, text string) {
	fmt.Fprintf(w, "  %-15s %s\n", name, text)
}

// join puts a label behind an id.
func join(id, label string) string {
	return strings.TrimSpace(clip(id) + "  " + clip(label))
}

func whereabouts(s links.Secret, store keystore.Kind) string {
	place := store.Words()
	switch s.State {
	case links.Present:
		return "in " + place
	case links.Missing:
		return "problem: not in " + place + " any more"
	case links.Gone:
		return "was in memory for that run only, and is gone"
	case links.None:
		return "none: there never was one"
	case links.Sealed:
		return "in " + place + ", unless it was deleted; only the passphrase tells"
	case links.Unread:
		if errors.Is(s.Err, links.ErrDialog) {
			return "in " + place + ", not asked, because that could open a dialog; --check asks"
		}
		return "problem: in " + place + ", which cannot be read: " + strings.TrimSuffix(explainLink(s.Err).Summary, ".")
	}
	return string(s.State)
}

// json writes an event for each. A data center is its host where that is another.
func (r statusReport) json(ev *events) {
	for _, a := range setAside(r.Damaged, r.UnlistedFile) {
		ev.write(a.event, "path", a.path, "message", a.problem.Summary, "hint", a.problem.Hint, "problem", true)
	}
	for _, l := range r.Links {
		var check members
		if c := r.checks[l.ID()]; c.State != "" {
			check = members{"state", c.State, "rotated", c.Rotated, "code?", c.Problem.Code, "message?", c.Problem.Summary, "hint?", c.Problem.Hint}
		}
		ev.write("link", "id", l.ID(), "data_center", dataCenterOf(l.APIHost).ID, "client_id", clip(l.ClientID), "service_account_id", clip(l.ServiceAccount),
			"provider", clip(l.Provider), "organizational_unit", members{"sub?", clip(l.OrganizationalUnit)}, "scope?", cronofy.CleanText(l.Scope, 200),
			"label?", clip(l.Label), "linked", eventTime(l.Linked), "unconfirmed", l.Unconfirmed, "secret_store", clip(string(l.Store)),
			"client_secret", secretJSON(r.Secret(l.ClientSecret())), "refresh_token", secretJSON(r.Token(l)),
			"check?", check, "problem", r.linkProblem(l))
	}
	for _, a := range r.ServiceAccounts {
		token := r.Token(a.Link())
		ev.write("service_account", "service_account_id", clip(a.ID), "data_center", dataCenterOf(a.APIHost).ID, "client_id", clip(a.ClientID),
			"label?", clip(a.Label), "secret_store", clip(string(a.Store)), "refresh_token", secretJSON(token), "problem", token.Problem())
	}
	if d := r.Draft; d != nil {
		var store string
		var secret members
		kept := r.DraftSecret()
		if kept.State != "" {
			store, secret = clip(string(d.Store)), secretJSON(kept)
		}
		ev.write("unfinished", "service_account_id?", clip(d.ServiceAccount), "label?", clip(d.Label), "secret_store?", store, "client_secret?", secret,
			"problem", kept.Problem())
	}
	for _, s := range r.Unneeded {
		kind, secret := "refresh_token", r.Secret(s)
		if s.IsClientSecret() {
			kind = "client_secret"
		}
		ev.write("left_over", "kind", kind, "data_center", dataCenterOf(s.APIHost).ID, "client_id", clip(s.ClientID),
			"service_account_id?", clip(s.ServiceAccount), "provider?", clip(s.Provider), // "service_account": it is the account's own
			"secret_store", clip(string(s.Store)), "secret", secretJSON(secret), "command", leftoverCommand, "problem", secret.Problem())
	}
}

// secretJSON tells where a secret is; the secret itself is nowhere in it.
func secretJSON(s links.Secret) members {
	var p flow.Problem
	switch {
	case s.Problem() && s.Err != nil:
		p = explainLink(s.Err)
	case s.Problem():
		p = flow.Problem{Code: flow.CodeSecretStore, Summary: "The secret is not in the store any more."}
	}
	return members{"state", s.State, "code?", p.Code, "message?", p.Summary}
}
