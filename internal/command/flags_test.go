package command

import (
	"fmt"
	"os"
	"regexp"
	"sort"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"
)

// TestFlagsAreFrozen: commands and flags are a contract with scripts. To add
// one, add its line to testdata/flags.txt, and to docs/. To take one away
// or rename it is to break somebody's script: keep it, hidden, and say so.
func TestFlagsAreFrozen(t *testing.T) {
	t.Parallel()
	want, err := os.ReadFile("../../testdata/flags.txt")
	require.NoError(t, err)
	require.Equal(t, string(want), strings.Join(listFlags(newRoot(streams{}, environment{get: func(string) string { return "" }})), "\n")+"\n")
}

func listFlags(cmd *cobra.Command) []string {
	lines := []string{cmd.CommandPath()}
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		lines = append(lines, fmt.Sprintf("%s --%s %s", cmd.CommandPath(), f.Name, f.Value.Type()))
	})
	sort.Strings(lines)
	for _, sub := range cmd.Commands() {
		if sub.Name() != "help" && sub.Name() != "completion" {
			lines = append(lines, listFlags(sub)...)
		}
	}
	return lines
}

// TestFlagsAreDocumented: what is there is told.
func TestFlagsAreDocumented(t *testing.T) {
	t.Parallel()
	pages := documents(t)
	text := pages["../../docs/scripts.md"] + pages["../../docs/profiles.md"] + pages["../../docs/links.md"]
	root := newRoot(streams{}, environment{get: func(string) string { return "" }})
	for _, cmd := range append([]*cobra.Command{root}, root.Commands()...) {
		if cmd.Name() == "sandbox" || cmd.Name() == "help" || cmd.Name() == "completion" {
			continue // confer sandbox --help tells its own
		}
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if !f.Hidden && f.Name != "help" && f.Name != "version" {
				whole := regexp.MustCompile("--" + f.Name + "([^a-z-]|$)")
				require.True(t, whole.MatchString(text), "%s --%s", cmd.CommandPath(), f.Name)
			}
		})
	}
}

// TestFlagsHaveAMeaning: no cell is left empty.
func TestFlagsHaveAMeaning(t *testing.T) {
	t.Parallel()
	pages := documents(t)
	rows := regexp.MustCompile("(?m)^\\| `--.*\\|$").FindAllString(pages["../../docs/scripts.md"]+pages["../../docs/profiles.md"], -1)
	require.NotEmpty(t, rows)
	for _, row := range rows {
		cells := strings.Split(strings.ReplaceAll(row, `\|`, ""), "|")
		require.NotEmpty(t, strings.TrimSpace(cells[len(cells)-2]), row)
	}
}

// TestHelp: each command has a sentence, examples and flags in groups, and no line of
// its text is wider than the widest.
func TestHelp(t *testing.T) {
	t.Parallel()
	root := Tree()
	for _, cmd := range append([]*cobra.Command{root}, root.Commands()...) {
		if cmd.Name() == "help" {
			continue
		}
		require.NotEmpty(t, cmd.Long, cmd.Name())
		require.NotEmpty(t, cmd.Example, cmd.Name())
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if f.Name == "help" || f.Name == "version" {
				return
			}
			require.Contains(t, groups, annotation(f, noteGroup), "%s --%s", cmd.CommandPath(), f.Name)
			require.Equal(t, f.Value.Type() == "bool", annotation(f, noteArg) == "", "%s --%s", cmd.CommandPath(), f.Name)
		})
		var b strings.Builder
		cmd.SetOut(&b)
		writeHelp(cmd, nil)
		for line := range strings.Lines(strings.ReplaceAll(b.String(), cmd.Example, "")) {
			require.LessOrEqual(t, ansi.StringWidth(strings.TrimRight(line, "\n")), widestHelp)
		}
	}
}
