package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"confer/flow"
	"confer/internal/links"
	"confer/keystore"
)

type logoutFlags struct {
	settings
	revoke, all, leftOver, yes bool
	link                       string // as the operator named it; empty: not named
}

func newLogout(s streams, e environment) *cobra.Command {
	f := &logoutFlags{}
	cmd := &cobra.Command{
		Use:   "logout [LINK]",
		Short: "Forget a link here, and revoke confer's own token if asked",
		Long: "Deletes the secrets of a link from this machine and takes it off the list. The link itself goes on working at " +
			"Cronofy. LINK is an id, a label or a service account, as confer status lists them; it may be left out when there is one " +
			"link only. --all forgets everything. --left-over deletes only what confer status calls left over: secrets of a set-up " +
			"that was not finished, or copies in another store.\n\n" +
			"With --revoke confer's own Organizational Unit token is revoked at Cronofy first, after you have typed the service " +
			"account id. Whether that ends the link itself is not documented by Cronofy. The token of a service account is never " +
			"revoked: that would cut off the whole organisation. A step that fails keeps what follows it, so the link is still listed.",
		Example: "  confer logout Acme\n  confer logout Acme --revoke\n  confer logout --all",
		Args:    arguments(0, 1, ""),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				f.link = args[0]
			}
			return logout(cmd.Context(), f, e, s)
		},
	}
	f.manageFlags(cmd)
	add(cmd,
		option{name: "revoke", dst: &f.revoke, group: groupCommon, text: "revoke confer's own token at Cronofy first"},
		option{name: "all", dst: &f.all, group: groupCommon, text: "all links, service accounts, unfinished answers and what is left over"},
		option{name: "left-over", dst: &f.leftOver, group: groupCommon, text: "only the secrets that belong to nothing that is listed"},
		option{name: "yes", dst: &f.yes, group: groupCommon, text: "for scripts: do not ask for the service account id"})
	cmd.ValidArgsFunction = completeLink
	return cmd
}

func logout(ctx context.Context, f *logoutFlags, e environment, s streams) error {
	if err := f.checkFlags(s); err != nil {
		return err
	}
	m, err := newManager(ctx, &f.settings, e, s)
	if err != nil {
		return err
	}
	q := &logoutRun{m: m, f: f, s: s, ev: newEvents(s.out)}
	if f.leftOver {
		q.deleteUnneeded(ctx)
		return exitWith(q.exit)
	}
	chosen, err := f.choose(ctx, m)
	if err != nil {
		return err
	}
	for _, l := range chosen {
		q.forget(ctx, l)
		if ctx.Err() != nil || q.exit == flow.ExitCancelled {
			return exitWith(flow.ExitCancelled)
		}
	}
	if f.all {
		q.deleteUnneeded(ctx)
	}
	return exitWith(q.exit)
}

func (f *logoutFlags) checkFlags(s streams) error {
	_, tty := asTerminal(s.in)
	f.asks = f.revoke && !f.yes // for the service account id
	switch {
	case f.all && f.link != "":
		return usage("--all cannot be combined with a link", "give one of them")
	case f.leftOver && (f.all || f.revoke || f.link != ""):
		return usage("--left-over cannot be combined with --all, --revoke or a link", "--all deletes what --left-over does, too")
	case f.yes && !f.revoke:
		return usage("--yes goes with --revoke", "forgetting here asks nothing: leave it out")
	case f.asks && (f.noInput || !tty):
		return usage("missing: --yes", "--revoke asks for the service account id at a terminal; a script says --yes")
	}
	return nil
}

func (f *logoutFlags) choose(ctx context.Context, m *links.Manager) ([]links.Link, error) {
	if !f.all {
		l, err := oneLink(ctx, m, f.link)
		return []links.Link{l}, err
	}
	c, err := m.Links.Load(ctx)
	if err != nil {
		return nil, ended(explainLink(err))
	}
	return c.Links, nil
}

// logoutRun forgets one link after the other and remembers the first failure.
type logoutRun struct {
	m    *links.Manager
	f    *logoutFlags
	s    streams
	ev   *events
	exit int
}

func (q *logoutRun) forget(ctx context.Context, l links.Link) {
	if q.f.asks && !q.confirmed(ctx, l) {
		if ctx.Err() == nil {
			complain(q.s.err, "That is not the service account id, so nothing was done; "+l.ID()+" is still listed.", "")
		}
		q.exit = cmp.Or(q.exit, flow.ExitCancelled)
		return
	}
	done, err := q.m.Forget(ctx, l, q.f.revoke)
	if err != nil {
		q.failed(l, done, err)
		return
	}
	q.say(l, done)
	if done.Left != nil {
		p := explainLink(done.Left)
		p.Summary = "Copies of its secrets in another store could not be deleted: " + p.Summary
		p.Hint += " Then " + leftoverCommand + " deletes them; confer status lists them."
		q.stays(l.ID(), links.StepSecrets, done.Revoked, p)
	}
}

// confirmed has the operator type the id, which nobody does by habit.
func (q *logoutRun) confirmed(ctx context.Context, l links.Link) bool {
	fmt.Fprintf(q.s.err, "%s: %s, %s, %s\n", join(l.ID(), l.Label), clip(l.Provider), dataCenterOf(l.APIHost).Name, clip(l.ServiceAccount))
	fmt.Fprintln(q.s.err, revokeWarning)
	typed, err := askLine(ctx, q.s, "Type the service account id to revoke: ")
	return err == nil && typed == l.ServiceAccount && typed != ""
}

const revokeWarning = "Revoking ends confer's own Organizational Unit token. Whether that ends the link too, for\n" +
	"every account, is not documented by Cronofy. It cannot be undone without the administrator."

func (q *logoutRun) failed(l links.Link, done links.Forgotten, err error) {
	p := explainLink(err)
	did := stepWords[done.Failed]
	if done.Revoked {
		did = "its token is revoked, but " + did
	}
	p.Summary = l.ID() + " is still listed: " + did + " " + p.Summary
	if _, shut := errors.AsType[*keystore.Error](err); done.Failed == links.StepRevoke && !shut { // else nothing could be deleted either
		p.Hint += " Without --revoke, confer logout forgets the link here alone."
	}
	q.stays(l.ID(), done.Failed, done.Revoked, p)
}

var stepWords = map[links.Step]string{
	links.StepWait:    "nothing was done.",
	links.StepRevoke:  "its token could not be revoked, and nothing was deleted.",
	links.StepSecrets: "its secrets could not all be deleted.",
	links.StepList:    "the list could not be changed; its secrets are deleted.",
}

// stays tells what could not be forgotten: of a link, or, without an id, of none.
func (q *logoutRun) stays(id string, step links.Step, revoked bool, p flow.Problem) {
	q.exit = cmp.Or(q.exit, p.Exit)
	p.Hint = strings.TrimSpace(p.Hint)
	if q.f.json {
		q.ev.write("kept", "id?", id, "step", step, "revoked", revoked, "code", p.Code, "message", p.Summary, "hint", p.Hint)
	}
	complain(q.s.err, p.Summary, p.Hint)
}

func (q *logoutRun) say(l links.Link, done links.Forgotten) {
	if q.f.json {
		q.ev.write("forgotten", "id", l.ID(), "service_account_id", clip(l.ServiceAccount), "label?", clip(l.Label), "revoked", done.Revoked,
			"refresh_tokens_deleted", done.RefreshTokens, "client_secret_deleted", done.ClientSecret)
		return
	}
	fmt.Fprintf(q.s.out, "%s is forgotten here%s.\n", join(l.ID(), l.Label), deletedWords(done))
	switch {
	case done.Revoked:
		fmt.Fprintln(q.s.out, "Its Organizational Unit token is revoked at Cronofy. What that means for the link is not documented: confer profiles shows it.")
	case q.f.revoke:
		fmt.Fprintln(q.s.out, "confer had no token of its own for it, so there was nothing to revoke.")
	default:
		fmt.Fprintln(q.s.out, "The link itself goes on working at Cronofy.")
	}
	if done.LeftSecret != nil {
		fmt.Fprintln(q.s.out, "Another set-up left a client secret of its application in another store, which could not be deleted: confer status lists it.")
	}
}

// deleteUnneeded deletes what belongs to nothing that is listed; with --all also what
// belongs to no link.
func (q *logoutRun) deleteUnneeded(ctx context.Context) {
	done, err := q.m.DeleteUnneeded(ctx, q.f.all)
	switch {
	case err != nil:
		p := explainLink(err)
		p.Summary = "What is left over is still listed: " + stepWords[done.Failed] + " " + p.Summary
		q.stays("", done.Failed, false, p)
		return
	case q.f.json && q.f.leftOver:
		q.ev.write("left_over_deleted", "refresh_tokens_deleted", done.RefreshTokens, "client_secret_deleted", done.ClientSecret)
	case q.f.json:
	case q.f.all:
		fmt.Fprintf(q.s.out, "Service accounts and unfinished answers are forgotten here%s.\n", deletedWords(done))
	case done.RefreshTokens > 0 || done.ClientSecret:
		fmt.Fprintf(q.s.out, "What was left over is deleted%s.\n", deletedWords(done))
	case len(done.Damaged) == 0 && done.UnlistedFile == "":
		fmt.Fprintln(q.s.out, "Nothing is left over here.")
	}
	for _, a := range setAside(done.Damaged, done.UnlistedFile) { // what may still be stored without being listed
		a.problem.Summary = "There may be secrets that nothing lists. " + a.problem.Summary
		q.stays("", links.StepSecrets, false, a.problem)
	}
}

func deletedWords(done links.Forgotten) string {
	if done.Memory {
		return "; its secrets were in memory only"
	}
	var did []string
	if done.RefreshTokens > 0 {
		did = append(did, "its tokens")
	}
	if done.ClientSecret {
		did = append(did, "the client secret")
	}
	words := ""
	if len(did) > 0 {
		words = ", with " + strings.Join(did, " and ")
	}
	if done.SecretStays {
		words += "; the client secret stays, because something else that confer status lists needs it"
	}
	return words
}
