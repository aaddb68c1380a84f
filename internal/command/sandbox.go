package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"confer/cronofy"
	"confer/cronofy/sandbox"
	"confer/flow"
	"confer/internal/atomicfile"
)

type sandboxFlags struct {
	sandbox.Options
	envFile, people string
}

func newSandbox(s streams) *cobra.Command {
	f := &sandboxFlags{}
	cmd := &cobra.Command{
		Use:   "sandbox",
		Short: "Serve a strict Cronofy on this machine, to develop against",
		Long: "Serves both hosts of a Cronofy data center on loopback, with the pages an administrator clicks through and an " +
			"organisation of people and rooms. Prints its addresses and credentials as lines for a shell, and serves until it is stopped.",
		Example: "  confer sandbox --env-file sandbox.env --people-file people.csv &\n" +
			"  confer sandbox --accounts 500 --rate-per-second 50\n" +
			"  confer sandbox approve http://127.0.0.1:8739/go/...",
		Args: arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error { return serveSandbox(cmd.Context(), f, s) },
	}
	add(cmd,
		option{name: "accounts", dst: &f.Accounts, group: groupCommon, arg: "NUMBER", text: "how many accounts the organisation has (default: 12 people and 3 rooms)"},
		option{name: "permit-redirect-uri", dst: &f.PermittedRedirectURIs, group: groupCommon, arg: "URI", text: "production mode: permit this redirect URI alone; may be repeated (without it: development mode, any)"},
		option{name: "env-file", dst: &f.envFile, group: groupOutput, arg: "FILE", file: writes, text: "write the lines for a shell to this file (0600) as well, when the server is ready"},
		option{name: "people-file", dst: &f.people, group: groupOutput, arg: "FILE", file: writes, text: "write the accounts with their tokens to this CSV file (0600), when the server is ready"},
		option{name: "listen-api", dst: &f.ListenAPI, group: groupNetwork, arg: "HOST:PORT", text: "loopback address of the api host (default 127.0.0.1:0, any free port)"},
		option{name: "listen-app", dst: &f.ListenApp, group: groupNetwork, arg: "HOST:PORT", text: "loopback address of the app host (default 127.0.0.1:0, any free port)"},
		option{name: "rate-per-second", dst: &f.RatePerSecond, group: groupAdvanced, arg: "NUMBER", text: "rate limit per second, as Cronofy's 50; 0 for none"},
		option{name: "rate-per-minute", dst: &f.RatePerMinute, group: groupAdvanced, arg: "NUMBER", text: "rate limit per minute, as Cronofy's 500; 0 for none"},
		option{name: "profile-delay", dst: &f.Switches.ProfileDelay, group: groupAdvanced, arg: "TIME", text: "how long after a link the first profile appears"},
		option{name: "profile-gap", dst: &f.Switches.ProfileGap, group: groupAdvanced, arg: "TIME", text: "how much later each further profile appears"},
		option{name: "seed", dst: &f.Seed, group: groupAdvanced, arg: "NUMBER", text: "make the same data and secrets each time; 0 for new ones"})
	cmd.AddCommand(newVisit("approve", sandbox.Approve), newVisit("deny", sandbox.Deny))
	return cmd
}

// newVisit is a browser for --browser: it is given an address of a sandbox.
func newVisit(name string, d sandbox.Decision) *cobra.Command {
	return &cobra.Command{
		Use:     name + " URL",
		Short:   "Click through a sandbox's pages as an administrator would, and " + name,
		Example: "  confer sandbox " + name + " http://127.0.0.1:8739/go/...",
		Args:    arguments(1, 1, "the approval link"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, cancel := context.WithTimeout(cmd.Context(), time.Minute)
			defer cancel()
			err := sandbox.Browser(ctx, nil, args[0], d)
			left, leads := errors.AsType[*sandbox.LeftError](err)
			hint := "a link works once, for ten minutes; take a new one, and see the requests on the sandbox's control page"
			switch {
			case err == nil:
				return nil
			case leads: // what an address bar would show
				why := "is another machine"
				if left.Err != nil {
					why = "does not answer"
				}
				cmd.PrintErrf("confer: %s %s; the final address is on standard output, to be pasted\n", cronofy.CleanText(left.Host, 80), why)
				fmt.Fprintln(cmd.OutOrStdout(), left.Final.Reveal())
				return nil
			case errors.Is(err, sandbox.ErrNotSandbox):
				hint = "give a link to a sandbox on this machine, or confer's short address of one"
			}
			return failed(cronofy.CleanText(err.Error(), 200), hint)
		},
	}
}

func serveSandbox(ctx context.Context, f *sandboxFlags, s streams) error {
	if err := f.check(); err != nil {
		return err
	}
	server := sandbox.New(f.Options)
	defer server.Close()
	if err := server.Start(); err != nil {
		return usage("the sandbox cannot start: "+cronofy.CleanText(err.Error(), 200), "end what uses the port, or give other addresses with --listen-api and --listen-app, like 127.0.0.1:8701")
	}
	lines := sandboxLines(server)
	if err := f.announce(server, lines); err != nil {
		return err
	}
	if _, err := io.WriteString(s.out, lines); err != nil {
		return exitWith(flow.ExitFailed)
	}
	fmt.Fprintf(s.err, "Control page: %s\nNothing here is real. Ctrl+C stops it.\n", server.ControlURL())
	<-ctx.Done()
	return exitWith(flow.ExitCancelled)
}

func (f *sandboxFlags) check() error {
	sw := f.Switches
	if min(f.Accounts, f.RatePerSecond, f.RatePerMinute) < 0 || min(sw.ProfileDelay, sw.ProfileGap) < 0 || f.Accounts > 1_000_000 {
		return usage("the sandbox has at most 1000000 accounts, and no number or time of it is below 0", "confer sandbox --help lists them")
	}
	for _, uri := range f.PermittedRedirectURIs {
		if !sandbox.Permittable(uri) {
			return usage("--permit-redirect-uri takes an address that a redirect URI can be", "http or https without a fragment, like "+flow.DefaultRedirectURI)
		}
	}
	return nil
}

// sandboxLines are the credentials for a shell. They are the sandbox's own and
// worth nothing elsewhere, so they may be shown.
func sandboxLines(server *sandbox.Server) string {
	c := server.Credentials()
	return fmt.Sprintf(`export CRONOFY_API_URL='%s'
export CRONOFY_APP_URL='%s'
export CRONOFY_CLIENT_ID='%s'
export CRONOFY_CLIENT_SECRET='%s'
export CONFER_SERVICE_ACCOUNT='%s'
export SANDBOX_SERVICE_ACCOUNT_TOKEN='%s'
export SANDBOX_CONTROL_URL='%s'
`, server.APIURL(), server.AppURL(), c.ClientID, c.ClientSecret.Reveal(), c.ServiceAccountID, c.ServiceAccountToken.Reveal(), server.ControlURL())
}

// announce writes the files that say the server is ready.
func (f *sandboxFlags) announce(server *sandbox.Server, lines string) error {
	var people bytes.Buffer
	if f.people != "" { // a million take long
		_ = server.AccountsCSV(&people) // a buffer takes everything
	}
	for _, file := range [][3]string{{"people-file", f.people, people.String()}, {"env-file", f.envFile, lines}} {
		if file[1] == "" {
			continue
		}
		if err := atomicfile.Write(file[1], []byte(file[2]), atomicfile.Private); err != nil {
			return wrong(file[0], ": "+cronofy.FileReason(err), "name a file that can be written")
		}
	}
	return nil
}
