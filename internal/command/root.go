// Package command is the command line: the cobra tree, settings from flags and
// environment, what goes to which output, and the exit codes. The README holds
// the contract.
package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"confer/cronofy"
	"confer/flow"
	"confer/keystore"
)

// streams are the program's three, so that tests can give their own.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// Main is the program but for its exit: it reads the arguments and the environment,
// and gives the exit code. release is the version that a release was built with;
// empty: the module's own is told.
func Main(release string) int {
	version = release
	harden()
	outliveReaders()
	defer exitOnPanic(os.Stderr)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends what does not listen to the first
	return run(ctx, os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr})
}

// run is the whole program but for its exit.
func run(ctx context.Context, args []string, s streams) int {
	env := readEnvironment(os.LookupEnv, os.Unsetenv)
	cmd := newRoot(s, env)
	cmd.SetArgs(args)
	err := cmd.ExecuteContext(ctx)
	if p, ok := unparsed(cmd, args, err); ok {
		newEvents(s.out).failed(p)
	}
	return exitCode(err, s.err)
}

// unparsed is the failed event of a set-up whose call could not even be read:
// scripts that ask for JSON lines get one for that, too.
func unparsed(root *cobra.Command, args []string, err error) (flow.Problem, bool) {
	var exit *exitError
	var usage *usageError
	if err == nil || errors.As(err, &exit) || errors.As(err, &usage) || !slices.Contains(args, "--json") {
		return flow.Problem{}, false
	}
	if cmd, _, findErr := root.Find(args); findErr == nil && cmd != root && cmd.Name() != "setup" {
		return flow.Problem{}, false
	}
	p := flow.Problem{Summary: sentence(cronofy.CleanText(err.Error(), 200)), Hint: "Run confer --help for the commands and flags.", Code: flow.CodeUsage}
	var value *pflag.InvalidValueError
	if errors.As(err, &value) && value.GetFlag().Name == "timeout" {
		p.Step = flow.StepAuthorize // as for a time that can be read and is not long enough
	}
	return p, true
}

// exitError ends the program with a code; what there was to say is said.
type exitError struct{ code int }

func (e *exitError) Error() string { return fmt.Sprintf("exit code %d", e.code) }

// usageError is a call that cannot be carried out as it stands. Its texts are
// fragments without a capital and a period, as for standard error.
type usageError struct {
	summary, hint string
	step          flow.Step // whose answer is at fault
}

func (e *usageError) Error() string { return e.summary }

// exitCode says what went wrong, once, and gives the code for it.
func exitCode(err error, w io.Writer) int {
	var exit *exitError
	var usage *usageError
	switch {
	case err == nil:
		return flow.ExitDone
	case errors.As(err, &exit):
		return exit.code
	case errors.Is(err, context.Canceled):
		return flow.ExitCancelled
	case errors.As(err, &usage):
		complain(w, usage.summary, usage.hint)
	case readerLeft(err): // nobody wanted the rest of a help text
		return flow.ExitDone
	default: // cobra's own: unknown command or flag, wrong value
		complain(w, strings.TrimSpace(err.Error()), "confer --help lists the commands and flags")
	}
	return flow.ExitUsage
}

// complain writes an error and what to do about it, for people.
func complain(w io.Writer, summary, hint string) {
	fmt.Fprintf(w, "confer: error: %s\n", summary)
	if hint != "" {
		fmt.Fprintf(w, "confer: hint: %s\n", hint)
	}
}

// version is what main was built with; empty: it is no release.
var version string

func newRoot(s streams, e environment) *cobra.Command {
	f := &settings{}
	root := &cobra.Command{
		Use:   "confer",
		Short: "Link calendars with Zoom, Webex or Indeed through Cronofy",
		Long: "confer links an organisation's calendars with its Zoom, Webex or Indeed account\n" +
			"through Cronofy. Without a command it is a wizard that leads through the set-up;\n" +
			"confer --sandbox tries it without credentials.",
		Args:          cobra.NoArgs,
		Version:       programVersion(),
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRun: func(cmd *cobra.Command, _ []string) {
			saveMemory()
			cmd.SetContext(keystore.OnWait(cmd.Context(), func(w keystore.Wait) { // a wizard has its own way to tell
				if words := flow.WaitWords(w); words != "" {
					fmt.Fprintf(s.err, "confer: %s.\n", words)
				}
			}))
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return setup(cmd.Context(), f, e, s) },
	}
	root.SetIn(s.in)
	root.SetOut(s.out)
	root.SetErr(s.err)
	f.setupFlags(root)
	root.AddCommand(newSetup(s, e), newProfiles(s, e), newSandbox(s), newStatus(s, e), newExport(s, e), newLogout(s, e), newDoctor(s, e))
	return root
}

func programVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "development"
}
