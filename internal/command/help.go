package command

import (
	"cmp"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/charmbracelet/x/ansi"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"confer/cronofy"
	"confer/internal/links"
)

// widestHelp is how wide a help text becomes at most: longer lines are hard to read.
const widestHelp = 100

func writeHelp(cmd *cobra.Command, _ []string) {
	out := cmd.OutOrStdout()
	width := widestHelp
	if columns := columnsOf(out); columns > 0 {
		width = min(width, columns)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\nUsage:\n  %s\n", wrap(cmp.Or(cmd.Long, cmd.Short+"."), width, ""), cmd.UseLine())
	if cmd.HasExample() {
		fmt.Fprintf(&b, "\nExamples:\n%s\n", strings.TrimRight(cmd.Example, "\n"))
	}
	if cmd.HasAvailableSubCommands() {
		b.WriteString("\nCommands:\n")
		for _, c := range cmd.Commands() {
			if c.IsAvailableCommand() {
				entry(&b, c.Name(), 12, c.Short, width)
			}
		}
	}
	for _, group := range groups {
		flagGroup(&b, cmd, group, width)
	}
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(&b, "\n%s COMMAND --help tells more about a command.\n", cmd.CommandPath())
	}
	_, _ = io.WriteString(out, b.String())
}

func flagGroup(b *strings.Builder, cmd *cobra.Command, group string, width int) {
	title := "\n" + group + ":\n"
	cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if f.Hidden || cmp.Or(annotation(f, noteGroup), groupOther) != group {
			return
		}
		b.WriteString(title)
		title = ""
		name := "--" + f.Name
		if f.Shorthand != "" {
			name = "-" + f.Shorthand + ", " + name
		}
		entry(b, strings.TrimSpace(name+" "+annotation(f, noteArg)), 28, f.Usage, width)
	})
}

// entry writes a name and, beside it, its text; below it where the name or the
// window leaves no room.
func entry(b *strings.Builder, name string, column int, text string, width int) {
	indent := strings.Repeat(" ", column+3)
	if width < 60 {
		fmt.Fprintf(b, "  %s\n%s\n", name, wrap(text, width, "      "))
		return
	}
	lines := wrap(text, width, indent)
	if len(name) <= column {
		lines = lines[len(indent):]
		name = fmt.Sprintf("%-*s ", column, name)
	} else {
		name += "\n"
	}
	fmt.Fprintf(b, "  %s%s\n", name, lines)
}

// wrap breaks a text between words.
func wrap(text string, width int, indent string) string {
	const hyphen = "\u2011" // no place to break: --client-id stays whole
	lines := ansi.Wordwrap(strings.ReplaceAll(text, "-", hyphen), max(width-len(indent), 20), "")
	return indent + strings.NewReplacer(hyphen, "-", "\n", "\n"+indent).Replace(lines)
}

// newHelp replaces cobra's own command, for which an unknown topic is no mistake.
func newHelp() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Help about a command",
		ValidArgsFunction: func(cmd *cobra.Command, args []string, _ string) (names []cobra.Completion, _ cobra.ShellCompDirective) {
			if len(args) == 0 {
				names = commandNames(cmd.Root())
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			found, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return unknownCommand(cmd.Root(), args[0])
			}
			found.InitDefaultHelpFlag()
			writeHelp(found, nil)
			return nil
		},
	}
}

// newCompletion replaces cobra's own command, which takes an unknown shell for a
// wish to read the help.
func newCompletion() *cobra.Command {
	shells := []string{"bash", "zsh", "fish", "powershell"}
	return &cobra.Command{
		Use:   "completion SHELL",
		Short: "Write the completion script of a shell",
		Long: "Writes the script that lets a shell complete confer's commands, flags and values: data centers, providers, " +
			"and the links, labels and service accounts that are saved here. No keyring and no encrypted file is opened for that.",
		Example: "  source <(confer completion bash)\n" +
			"  confer completion zsh > \"${fpath[1]}/_confer\"\n" +
			"  confer completion fish > ~/.config/fish/completions/confer.fish",
		ValidArgs: shells,
		Args: func(cmd *cobra.Command, args []string) error {
			if err := arguments(1, 1, "which shell: "+either(shells))(cmd, args); err != nil {
				return err
			}
			if !slices.Contains(shells, args[0]) {
				return usage(fmt.Sprintf("there is no completion for the shell %q", cronofy.CleanText(args[0], 40)), guess(args[0], shells)+"completion takes "+either(shells))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			root, out := cmd.Root(), cmd.OutOrStdout()
			switch args[0] {
			case "bash":
				return root.GenBashCompletionV2(out, true)
			case "fish":
				return root.GenFishCompletion(out, true)
			case "zsh":
				return root.GenZshCompletion(out)
			}
			return root.GenPowerShellCompletionWithDesc(out)
		},
	}
}

// completeLink offers the links that are saved here, by id and by label.
func completeLink(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var out []cobra.Completion
	for _, l := range saved().Links {
		about := join(l.Provider, l.ServiceAccount)
		out = append(out, cobra.CompletionWithDesc(l.ID(), about))
		if l.Label != "" {
			out = append(out, cobra.CompletionWithDesc(clip(l.Label), about))
		}
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}

// saved is the list of links, as far as it can be read. It holds no secret, so that
// nothing is unlocked.
func saved() (c links.Contents) {
	if path, err := links.DefaultPath(); err == nil {
		c, _ = links.Open(path).Peek()
	}
	return c
}

// savedWords gives a text of each link and service account that is saved here, each
// once, cleaned for a terminal.
func savedWords(of func(links.Link) string) (words []string) {
	for _, l := range saved().All() {
		if word := clip(of(l)); word != "" && !slices.Contains(words, word) {
			words = append(words, word)
		}
	}
	return words
}

// programVersion is the release's, or the module's own.
func programVersion() string {
	if info, ok := debug.ReadBuildInfo(); version == "" && ok && info.Main.Version != "(devel)" {
		return cmp.Or(info.Main.Version, "development")
	}
	return cmp.Or(version, "development")
}

// versionWords are what --version tells: of which commit, when, built with what.
func versionWords() string {
	words := programVersion()
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			switch {
			case s.Key == "vcs.revision":
				words += ", commit " + s.Value
			case s.Key == "vcs.time":
				words += ", of " + s.Value
			case s.Key == "vcs.modified" && s.Value == "true":
				words += ", changed"
			}
		}
	}
	return words + ", built with " + runtime.Version() + " for " + runtime.GOOS + "/" + runtime.GOARCH
}
