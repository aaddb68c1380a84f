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
	o, err := m.Status(ctx)
	if err != nil {
		return ended(explainLink(err))
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
		report.text(s.out, columnsOf(s.out))
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

// seen is the link with what the check found out of its secrets: an encrypted file
// that was only known to be there has been opened.
func (c checked) seen(l links.LinkStatus) links.LinkStatus {
	for _, s := range []*links.Secret{&l.ClientSecret, &l.RefreshToken} {
		if c.Read && s.State == links.Sealed {
			s.State = links.Present
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

func checkLink(ctx context.Context, m *links.Manager, l links.LinkStatus) checked {
	_, rotated, err := m.Check(ctx, l.Link)
	switch {
	case err == nil:
		return checked{State: checkOK, Rotated: rotated, Read: true}
	case errors.Is(err, links.ErrNoToken), errors.Is(err, links.ErrGone) && l.RefreshToken.State == links.Gone:
		return checked{State: checkUntested, Problem: explainLink(err)}
	}
	return checked{State: checkFailed, Problem: explainLink(err), Read: wasAsked(err)}
}

// statusReport is what status says, in text or as JSON lines.
type statusReport struct {
	overview links.Overview
	checks   []checked // of each link, in order
}

func (r statusReport) problem() bool {
	return r.overview.Problem() || slices.ContainsFunc(r.checks, func(c checked) bool { return c.State == checkFailed })
}

func (r statusReport) linkProblem(l links.LinkStatus, c checked) bool {
	return l.Problem() || c.State == checkFailed
}

// clip makes what a file or a server says fit for a line.
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
	o := r.overview
	for _, a := range setAside(o.Damaged, o.UnlistedFile) {
		fmt.Fprintf(w, "problem: %s %s\n\n", a.problem.Summary, a.problem.Hint)
	}
	if len(o.Links) == 0 {
		fmt.Fprintln(w, "Nothing is linked here.")
	}
	table := r.table()
	short := len(table) > 0 && !slices.ContainsFunc(table, func(row string) bool { return ansi.StringWidth(row) > columns })
	if short {
		fmt.Fprintln(w, strings.Join(table, "\n"))
	}
	for i, l := range o.Links {
		if short && !r.linkProblem(l, r.checks[i]) && r.checks[i].State == "" {
			continue
		}
		if short || i > 0 {
			fmt.Fprintln(w)
		}
		r.link(w, l, r.checks[i])
	}
	for _, a := range o.Accounts {
		fmt.Fprintf(w, "\n%s  service account authorized here\n", join(a.Account.ID, a.Account.Label))
		line(w, "data center", dataCenterOf(a.Account.APIHost).Name)
		line(w, "client id", clip(a.Account.ClientID))
		line(w, "refresh token", whereabouts(a.RefreshToken, a.Account.Store))
	}
	if o.Draft != nil {
		about := join(o.Draft.ServiceAccount, o.Draft.Label)
		if about != "" {
			about = " (" + about + ")"
		}
		fmt.Fprintf(w, "\nA set-up was begun and not finished%s. confer goes on with it.\n", about)
	}
	if o.DraftSecret.State != "" {
		line(w, "client secret", whereabouts(o.DraftSecret, o.Draft.Store))
	}
	leftovers(w, o.Unneeded)
	if k := o.Keyring; k.State != "" && k.State != keystore.Ready { // said once, however many secrets it concerns
		words := doctor.KeyringState(k)
		fmt.Fprintf(w, "\n%s %s\n", words.Message, words.Next)
	}
}

// table has a row for each link, under a head.
func (r statusReport) table() []string {
	if len(r.overview.Links) == 0 {
		return nil
	}
	rows := [][]string{{"LINK", "LABEL", "PROVIDER", "SERVICE ACCOUNT", "DATA CENTER", "LINKED", "SECRETS IN", "STATE"}}
	for i, l := range r.overview.Links {
		k, state := l.Link, "ok"
		switch {
		case r.linkProblem(l, r.checks[i]):
			state = "problem"
		case k.Unconfirmed:
			state = "unconfirmed"
		case l.RefreshToken.State == links.Gone:
			state = "no token"
		}
		rows = append(rows, []string{k.ID(), clip(k.Label), cronofy.Provider(clip(k.Provider)).Name(), clip(k.ServiceAccount), dataCenterOf(k.APIHost).Name,
			k.Linked.Format(time.DateOnly), strings.TrimPrefix(storePlace(k.Store), "the "), state})
	}
	out := make([]string, len(rows))
	for c := range rows[0] {
		widest := 0
		for _, row := range rows {
			widest = max(widest, ansi.StringWidth(row[c]))
		}
		for i, row := range rows {
			out[i] += row[c] + strings.Repeat(" ", widest-ansi.StringWidth(row[c])+2)
		}
	}
	for i := range out {
		out[i] = strings.TrimRight(out[i], " ")
	}
	return out
}

func (r statusReport) link(w io.Writer, l links.LinkStatus, c checked) {
	k := l.Link
	fmt.Fprintln(w, join(k.ID(), k.Label))
	fmt.Fprintf(w, "  %s · %s · %s · linked %s\n", cronofy.Provider(clip(k.Provider)).Name(), clip(k.ServiceAccount), dataCenterOf(k.APIHost).Name, when(k.Linked))
	if k.Unconfirmed {
		fmt.Fprintln(w, "  unconfirmed: the administrator said that it is done; confer has no token of its own")
	}
	if l.Site != nil {
		line(w, "problem", explainLink(l.Site).Summary)
	}
	line(w, "client id", clip(k.ClientID))
	line(w, "client secret", whereabouts(l.ClientSecret, k.Store))
	line(w, "refresh token", whereabouts(l.RefreshToken, k.Store))
	switch c.State {
	case checkOK:
		words := "ok: Cronofy accepts confer's token"
		if c.Rotated {
			words += ", and gave a new refresh token, which is stored"
		}
		line(w, "check", words)
		line(w, "", "(this tests our token, not the link)")
	case checkFailed:
		line(w, "check", "problem: "+c.Problem.Summary)
		line(w, "", c.Problem.Hint)
	case checkUntested:
		line(w, "check", "not possible: "+c.Problem.Summary)
	}
}

// leftovers tells of secrets that belong to nothing that is listed.
func leftovers(w io.Writer, all []links.UnneededStatus) {
	if len(all) == 0 {
		return
	}
	fmt.Fprintf(w, "\nLeft over, needed by nothing that is listed. To delete: %s\n", leftoverCommand)
	for _, l := range all {
		s := l.Stored
		name, of := "refresh token", clip(s.ServiceAccount)+" · "+cronofy.Provider(clip(s.Provider)).Name()
		switch {
		case s.IsClientSecret():
			name, of = "client secret", "application "+clip(s.ClientID)
		case s.Provider == links.AccountToken:
			of = clip(s.ServiceAccount) + " · service account"
		}
		line(w, name, whereabouts(l.Secret, s.Store))
		line(w, "", of+" · "+dataCenterOf(s.APIHost).Name)
	}
}

// leftoverCommand deletes what is left over.
const leftoverCommand = "confer logout --left-over"

// dataCenterOf is the data center of an API host. Where it is no data center's, the
// host stands for it.
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

func when(t time.Time) string {
	if t.IsZero() {
		return "at an unknown time"
	}
	return t.UTC().Format("2006-01-02 15:04 UTC")
}

// whereabouts says where a secret is.
func whereabouts(s links.Secret, store keystore.Kind) string {
	place := storePlace(store)
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

func storePlace(store keystore.Kind) string {
	switch store {
	case keystore.Keyring:
		return "the keyring"
	case keystore.File:
		return "the encrypted file"
	case keystore.Session:
		return "memory"
	}
	return "the store " + clip(string(store))
}

// json writes "link" for each link, "service_account" for each service account that
// was authorized here, "unfinished" for a set-up that was begun, "left_over" for each
// secret that nothing of these needs, "set_aside" for a list that could not be read,
// "unlisted_file" for an encrypted file that nothing lists. A data center is its host
// where that is another.
func (r statusReport) json(ev *events) {
	o := r.overview
	for _, a := range setAside(o.Damaged, o.UnlistedFile) {
		ev.write(a.event, "path", a.path, "message", a.problem.Summary, "hint", a.problem.Hint, "problem", true)
	}
	for i, l := range o.Links {
		r.linkJSON(ev, l, r.checks[i])
	}
	for _, a := range o.Accounts {
		k := a.Account
		ev.write("service_account", "service_account_id", clip(k.ID), "data_center", dataCenterOf(k.APIHost).ID, "client_id", clip(k.ClientID),
			"label?", clip(k.Label), "secret_store", clip(string(k.Store)), "refresh_token", secretJSON(a.RefreshToken), "problem", a.RefreshToken.Problem())
	}
	if d := o.Draft; d != nil {
		var store string
		var secret members
		if o.DraftSecret.State != "" {
			store, secret = clip(string(d.Store)), secretJSON(o.DraftSecret)
		}
		ev.write("unfinished", "service_account_id?", clip(d.ServiceAccount), "label?", clip(d.Label), "secret_store?", store, "client_secret?", secret,
			"problem", o.DraftSecret.Problem())
	}
	for _, l := range o.Unneeded {
		s, kind := l.Stored, "refresh_token"
		if s.IsClientSecret() {
			kind = "client_secret"
		}
		ev.write("left_over", "kind", kind, "data_center", dataCenterOf(s.APIHost).ID, "client_id", clip(s.ClientID),
			"service_account_id?", clip(s.ServiceAccount), "provider?", clip(s.Provider), // "service_account": it is the account's own
			"secret_store", clip(string(s.Store)), "secret", secretJSON(l.Secret), "command", leftoverCommand, "problem", l.Secret.Problem())
	}
}

func (r statusReport) linkJSON(ev *events, l links.LinkStatus, c checked) {
	k := l.Link
	dataCenter := clip(k.DataCenter)
	if site, err := links.Site(k); err == nil {
		dataCenter = place(site)
	}
	var check members
	if c.State != "" {
		check = members{"state", c.State, "rotated", c.Rotated, "code?", c.Problem.Code, "message?", c.Problem.Summary, "hint?", c.Problem.Hint}
	}
	ev.write("link", "id", k.ID(), "data_center", dataCenter, "client_id", clip(k.ClientID), "service_account_id", clip(k.ServiceAccount),
		"provider", clip(k.Provider), "organizational_unit", members{"sub?", clip(k.OrganizationalUnit)}, "scope?", cronofy.CleanText(k.Scope, 200),
		"label?", clip(k.Label), "linked", eventTime(k.Linked), "unconfirmed", k.Unconfirmed, "secret_store", clip(string(k.Store)),
		"client_secret", secretJSON(l.ClientSecret), "refresh_token", secretJSON(l.RefreshToken), "check?", check, "problem", r.linkProblem(l, c))
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
