// Package command is the command line: the cobra tree, settings from flags and
// environment, what goes to which output, and the exit codes. The README holds
// the contract.
package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"confer/flow"
	"confer/internal/crash"
	"confer/keystore"
)

// streams are the program's three, so that tests can give their own.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// Main is the program but for its exit, of which it gives the code. release is the version
// that a release was built with; empty: the module's own is told.
func Main(release string) int {
	version = release
	harden()
	log.SetOutput(io.Discard) // net/http writes to it what it cannot return, into the screen
	// A write to a closed pipe is an error of that write. The Go runtime would end the program
	// with SIGPIPE, in the middle of a set-up that an administrator has approved. The signal is
	// caught and not ignored: a browser would inherit that. https://pkg.go.dev/os/signal#hdr-SIGPIPE
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	defer exitOnPanic(os.Stderr)
	// SIGQUIT and SIGABRT would have Go write down its goroutines, and leave a terminal
	// without echo.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGABRT)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends what does not listen to the first
	return run(ctx, os.Args[1:], streams{os.Stdin, &results{file: os.Stdout}, os.Stderr})
}

func run(ctx context.Context, args []string, s streams) int {
	root := newRoot(s, readEnvironment(os.LookupEnv, os.Unsetenv))
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	asked, _ := cmd.Flags().GetBool("json")
	if (cmd == root || cmd.Name() == "setup") && (asked || slices.Contains(args, "--json")) {
		// A script that asked for JSON lines gets one, also for a call that could not be read.
		f, ok := errors.AsType[*failure](err)
		if errors.Is(err, context.Canceled) { // before there were steps
			f, ok = &failure{flow.Explain(context.Canceled, flow.StepDataCenter)}, true
		}
		if ok && f.Code != "" {
			p := f.Problem
			if p.Code == flow.CodeUsage {
				p.Summary, p.Hint = sentence(p.Summary), sentence(p.Hint)
			}
			newEvents(s.out).failed(p)
		}
	}
	return writtenOr(s, err, exitCode(err, s.err))
}

// exitOnPanic is deferred in Main and in await. The value of a panic may hold a secret and is
// never written: its type is, and the stack, which shows addresses only.
func exitOnPanic(w io.Writer) {
	if caught := crash.Caught(recover()); caught != nil {
		sayCrash(w, caught)
		os.Exit(flow.ExitFailed)
	}
}

func sayCrash(w io.Writer, caught *crash.Error) {
	complain(w, "confer crashed ("+caught.Kind+"). This is a mistake in confer", "the lines below hold no secret: please report them")
	_, _ = w.Write(caught.Stack)
}

// failure ends the program with words that are still to be said, or with its exit code
// alone. The words of this package are fragments, as for standard error.
type failure struct{ flow.Problem }

func (f *failure) Error() string { return f.Summary }

// exitWith is for the end of which all is said.
func exitWith(code int) error { return &failure{flow.Problem{Exit: code}} }

// usage is for a call that cannot be carried out as it stands.
func usage(summary, hint string) error { return usageAt(flow.StepDataCenter, summary, hint) }

// usageAt names the step whose answer is at fault.
func usageAt(step flow.Step, summary, hint string) error {
	return &failure{flow.Problem{Summary: summary, Hint: hint, Code: flow.CodeUsage, Exit: flow.ExitUsage, Step: step}}
}

// failed is for a command that could not do its work.
func failed(summary, hint string) error {
	return &failure{flow.Problem{Summary: summary, Hint: hint, Exit: flow.ExitFailed}}
}

// ended is the end with a problem, of which nothing is said to whoever cancelled.
func ended(p flow.Problem) error {
	if p.Code == flow.CodeCancelled {
		return exitWith(p.Exit)
	}
	return &failure{p}
}

// exitCode says what went wrong, once, and gives the code for it.
func exitCode(err error, w io.Writer) int {
	f, ok := errors.AsType[*failure](err)
	switch {
	case ok && f.Summary == "":
		return f.Exit
	case errors.Is(err, context.Canceled):
		return flow.ExitCancelled
	case ok:
		complain(w, f.Summary, f.Hint)
		return f.Exit
	case err == nil, isWrite(err): // writtenOr says what there is to say
		return flow.ExitDone
	}
	complain(w, strings.TrimSpace(err.Error()), "confer --help lists the commands and flags") // cobra's own
	return flow.ExitUsage
}

// complain writes an error and what to do about it, for people.
func complain(w io.Writer, summary, hint string) {
	fmt.Fprintf(w, "confer: error: %s\n", summary)
	if hint != "" {
		fmt.Fprintf(w, "confer: hint: %s\n", hint)
	}
}

// gcPercent is how much the heap may grow between two collections. What is alive is a few
// megabytes, collected in about a millisecond. Measured: docs/performance.md.
const gcPercent = 30

var version string // empty: it is no release

func newRoot(s streams, e environment) *cobra.Command {
	f := newSettings()
	root := &cobra.Command{
		Use:   "confer",
		Short: "Link calendars with Zoom, Webex or Indeed through Cronofy",
		Long: "confer links an organisation's calendars with its Zoom, Webex or Indeed account through Cronofy. " +
			"Without a command it is a wizard that leads through the set-up.",
		Example: "  confer --sandbox     try it without credentials\n" +
			"  confer               link an organisation, step by step\n" +
			"  confer status        what is linked, and where each secret is",
		Args:              arguments(0, 0, ""),
		Version:           versionWords(),
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if os.Getenv("GOGC") == "" {
				debug.SetGCPercent(gcPercent)
			}
			cmd.SetContext(keystore.OnWait(cmd.Context(), func(w keystore.Wait) { sayStoreWait(s.err, w) })) // a wizard has its own way to tell
			return checkFiles(cmd, s)
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return setup(cmd.Context(), f, e, s) },
	}
	root.SetIn(s.in)
	root.SetOut(s.out)
	root.SetErr(s.err)
	root.SetHelpFunc(writeHelp)
	root.SetHelpCommand(newHelp())
	root.SetFlagErrorFunc(wrongFlag)
	f.setupFlags(root)
	root.AddCommand(newSetup(s, e), newProfiles(s, e), newStatus(s, e), newExport(s, e), newLogout(s, e), newDoctor(s, e), newSandbox(s), newCompletion())
	return root
}

// Tree is the command line with nothing read from the environment, for manual pages.
func Tree() *cobra.Command {
	root := newRoot(streams{}, environment{get: func(string) string { return "" }})
	root.DisableAutoGenTag = true
	return root
}
