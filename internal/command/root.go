package command

import (
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version is set at release time with -ldflags "-X confer/internal/command.version=v1.2.3"; else
// the module's own version is told.
var version = ""

func newRoot(s streams, e environment) *cobra.Command {
	f := &settings{}
	root := &cobra.Command{
		Use:   "confer",
		Short: "Link calendars with Zoom, Webex or Indeed through Cronofy",
		Long: "confer links an organisation's calendars with its Zoom, Webex or Indeed account\n" +
			"through Cronofy. Without a command it is a wizard that leads through the set-up;\n" +
			"confer --sandbox tries it without credentials.",
		Args:             cobra.NoArgs,
		Version:          programVersion(),
		SilenceErrors:    true,
		SilenceUsage:     true,
		PersistentPreRun: func(*cobra.Command, []string) { saveMemory() },
		RunE:             func(cmd *cobra.Command, _ []string) error { return setup(cmd.Context(), f, e, s) },
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
