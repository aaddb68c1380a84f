package command

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

type listedPackage struct {
	ImportPath string
	Doc        string
	Imports    []string
	Deps       []string
}

func listPackages(t *testing.T) []listedPackage {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Doc,Imports,Deps", "confer/...").Output()
	require.NoError(t, err)
	var all []listedPackage
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listedPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else {
			require.NoError(t, err)
		}
		all = append(all, p)
	}
}

// TestSleepsAreInBubbles: a test sleeps by the clock of synctest alone, which
// takes no time and cannot be too short on a busy machine.
func TestSleepsAreInBubbles(t *testing.T) {
	t.Parallel()
	call, wait := "time"+".Sleep(", regexp.MustCompile(`(?m)^\s*<-time\.After\(`)
	require.NoError(t, filepath.WalkDir("../..", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		if (strings.Contains(string(text), call) || wait.Match(text)) && !strings.Contains(string(text), `"testing/synctest"`) {
			t.Errorf("%s sleeps, and not in a bubble", path)
		}
		return err
	}))
}

// TestImports holds the direction of the data: main, ui, flow, then cronofy and
// keystore. Each rule says why, because somebody will want to break it.
func TestImports(t *testing.T) {
	t.Parallel()
	rules := []struct {
		packages  []string // a prefix, when it ends in "/..."
		forbidden []string // the same
		because   string
	}{
		{[]string{"confer/cronofy", "confer/keystore"}, []string{"confer/ui", "confer/flow/...", "confer/internal/..."}, "they are leaves: usable without the wizard (what a file or a panic needs is below them)"},
		{[]string{"confer/cronofy"}, []string{"confer/keystore", "confer/cronofy/sandbox"}, "the client knows neither storage nor its own fake"},
		{[]string{"confer/keystore"}, []string{"confer/cronofy/..."}, "it takes plain strings"},
		{[]string{"confer/cronofy/sandbox"}, []string{"testing", "confer/flow/...", "confer/keystore", "confer/ui"}, "it ships in the program and stands beside the client"},
		{[]string{"confer/flow/..."}, []string{"confer/ui", "charm.land/...", "os/exec", "confer/internal/opener", "confer/cronofy/sandbox"}, "the set-up has no terminal, starts no process and does not know what it talks to"},
		{[]string{"confer/..."}, []string{"html/template", "text/template"}, "templates call methods by name, for which the linker must keep all of them: a sixth of the binary (confer/internal/markup is for HTML)"},
		{[]string{"confer/ui"}, []string{"confer/cronofy/sandbox", "net/http", "os/exec", "confer/flow/callback", "confer/internal/links"}, "a screen shows and asks"},
	}
	below := []string{"confer/internal/atomicfile", "confer/internal/crash"} // all others: they import none of them
	for _, p := range listPackages(t) {
		if slices.Contains(below, p.ImportPath) {
			require.NotContains(t, strings.Join(p.Imports, " "), "confer/")
		}
		for _, r := range rules {
			if !matches(p.ImportPath, r.packages) {
				continue
			}
			for _, imp := range p.Imports {
				if slices.Contains(below, imp) {
					continue
				}
				require.False(t, matches(imp, r.forbidden), "%s imports %s, but %s", p.ImportPath, imp, r.because)
			}
		}
	}
}

// TestScreenOpensNoStore: of keystore a screen knows the names and states that it shows.
func TestScreenOpensNoStore(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../ui/*.go")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	used := regexp.MustCompile(`keystore\.(\w+)`)
	known := []string{"Kind", "Keyring", "Session", "File", "None", "Locked"}
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, m := range used.FindAllStringSubmatch(string(text), -1) {
			require.True(t, strings.HasSuffix(file, "_test.go") || slices.Contains(known, m[1]), "%s uses %s", file, m[0])
		}
	}
}

// TestNoOldTerminalLibraries: the first major version of Bubble Tea asks the
// terminal for its colours in init and waits five seconds when nobody answers.
// Any module that still imports it brings that back.
func TestNoOldTerminalLibraries(t *testing.T) {
	t.Parallel()
	for _, p := range listPackages(t) {
		for _, dep := range p.Deps {
			require.NotContains(t, []string{"github.com/charmbracelet/bubbletea", "github.com/charmbracelet/lipgloss", "github.com/muesli/termenv"}, dep, p.ImportPath)
		}
	}
}

func TestPackagesAreDocumented(t *testing.T) {
	t.Parallel()
	for _, p := range listPackages(t) {
		require.NotEmpty(t, p.Doc, p.ImportPath)
	}
}

func matches(path string, patterns []string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		if root, ok := strings.CutSuffix(p, "/..."); ok {
			return path == root || strings.HasPrefix(path, root+"/")
		}
		return path == p
	})
}
