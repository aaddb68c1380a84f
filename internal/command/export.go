package command

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/spf13/cobra"

	"confer/cronofy"
	"confer/internal/atomicfile"
	"confer/internal/links"
)

type exportFlags struct {
	settings
	link  string // as the operator named it
	force bool
}

func newExport(s streams, e environment) *cobra.Command {
	f := &exportFlags{}
	cmd := &cobra.Command{
		Use:   "export LINK --tokens-out FILE",
		Short: "Hand the tokens of a link to your own application",
		Long: "Refreshes confer's own token of a link. Writes an access token and the refresh token as JSON to a new file that " +
			"only you can read (0600). LINK is an id, a label or a service account, as confer status lists them. The stored copy " +
			"stays; but when either side refreshes, Cronofy may give a new refresh token and end the other one.",
		Example: "  confer export Acme --tokens-out tokens.json\n  confer export Acme --tokens-out - | my-application import",
		Args:    arguments(1, 1, "the link, as confer status lists it"),
		RunE: func(cmd *cobra.Command, args []string) error {
			f.link = args[0]
			return export(cmd.Context(), f, e, s)
		},
	}
	f.manageFlags(cmd)
	add(cmd, f.options(map[string]string{"tokens-out": "new file (0600) to write the tokens to, - for standard output"}, "tokens-out")...)
	add(cmd, option{name: "force", dst: &f.force, group: groupOutput, text: "replace a file that is there; with -, write even to a terminal"})
	cmd.ValidArgsFunction = completeLink
	return cmd
}

const exportWarning = "Whoever refreshes next may be given a new refresh token, and then the other copy stops working."

func export(ctx context.Context, f *exportFlags, e environment, s streams) error {
	if err := f.checkTarget(s); err != nil {
		return err
	}
	m, err := newManager(ctx, &f.settings, e, s)
	if err != nil {
		return err
	}
	l, err := oneLink(ctx, m, f.link)
	if err != nil {
		return err
	}
	put := func(text []byte) error { _, err := s.out.Write(text); return err }
	if f.tokensOut != "-" {
		mode := atomicfile.New
		if f.force {
			mode = atomicfile.Private
		}
		file, err := createTokens(f.tokensOut, mode, "name a new one, or say --force to replace it")
		if err != nil {
			return err
		}
		defer file.Close()
		put = file.Put
	}
	token, rotated, err := m.Check(ctx, l)
	_, lost := errors.AsType[*links.NotStoredError](err)
	if err != nil && !lost {
		return ended(explainLink(err))
	}
	if err := handOver(l, token, err, put); err != nil {
		return err
	}
	if f.json {
		newEvents(s.out).write("exported", "id", l.ID(), "path", f.tokensOut, "rotated", rotated, "stored_copy_kept", true, "warning", exportWarning)
		return nil
	}
	var w io.Writer = s.out
	if f.tokensOut == "-" {
		w = s.err
	} else {
		fmt.Fprintf(w, "The tokens of %s are in %s, which only you can read.\n", join(l.ID(), l.Label), clip(f.tokensOut))
	}
	fmt.Fprintln(w, "confer keeps its copy. "+exportWarning)
	fmt.Fprintf(w, "When your application has taken over: confer logout %s\n", l.ID())
	return nil
}

// handOver writes the tokens. lost tells why the store did not take a new refresh token;
// nil: it has it.
func handOver(l links.Link, token cronofy.Token, lost error, put func([]byte) error) error {
	text, err := handover(l, token)
	if err == nil {
		err = put(text)
	}
	switch {
	case err != nil && lost != nil:
		p := explainLink(lost)
		return failed("the tokens could not be written: "+cronofy.FileReason(err), p.Summary+" "+p.Hint)
	case err != nil:
		return failed("the tokens could not be written: "+cronofy.FileReason(err), "the stored token still works; name another file")
	case lost != nil:
		return failed("The tokens are written, but the store did not take Cronofy's new refresh token: the file has the only copy.", explainLink(lost).Hint)
	}
	return nil
}

func (f *exportFlags) checkTarget(s streams) error {
	_, tty := asTerminal(s.out)
	switch {
	case f.tokensOut == "":
		return usage("missing: --tokens-out", "name a new file for the tokens, or - for standard output")
	case f.tokensOut == "-" && f.json:
		return usage("--json and --tokens-out - cannot share one output", "name a file")
	case f.tokensOut == "-" && tty && !f.force:
		return usage("--tokens-out - would show the tokens on this terminal", "name a file, or say --force")
	}
	return nil
}

// createTokens begins the private file of --tokens-out, so that a place that cannot
// be written is known before tokens are asked for. ifThere is the hint for a file
// that must not be replaced.
func createTokens(path string, mode atomicfile.Mode, ifThere string) (*atomicfile.File, error) {
	hint := "name a file in a folder that you can write to"
	file, err := atomicfile.Create(path, mode)
	if errors.Is(err, fs.ErrExist) {
		err, hint = errors.New("there is a file of that name"), ifThere
	}
	if err != nil {
		return nil, usage("--tokens-out: "+cronofy.FileReason(err), hint)
	}
	return file, nil
}

// handover is a token that has just come, for the operator's own application, as JSON
// that ends in a line break. Its form is a promise to that application.
func handover(l links.Link, t cronofy.Token) ([]byte, error) {
	site, err := links.Site(l)
	if err != nil {
		return nil, err
	}
	now, expires := time.Now().UTC().Truncate(time.Second), time.Time{}
	if t.ExpiresIn > 0 {
		expires = now.Add(t.ExpiresIn)
	}
	text, err := json.MarshalIndent(members{"data_center", place(site), "api_url", site.API, "client_id", l.ClientID, "service_account_id", l.ServiceAccount,
		"provider", l.Provider, "label?", l.Label, "organizational_unit", members{"sub?", l.OrganizationalUnit}, "scope?", cmp.Or(t.Scope, l.Scope),
		"token_type", t.TokenType, "access_token", t.AccessToken.Reveal(), "access_token_expires_at?", expires,
		"refresh_token", t.RefreshToken.Reveal(), "exported", now}, "", "  ")
	return append(text, '\n'), err
}
