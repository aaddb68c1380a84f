package command

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"confer/cronofy"
	"confer/flow"
)

// documents are all pages for people, by their path from this folder.
func documents(t *testing.T) map[string]string {
	t.Helper()
	var paths []string
	for _, pattern := range []string{"../../*.md", "../../docs/*.md"} {
		found, err := filepath.Glob(pattern)
		require.NoError(t, err)
		paths = append(paths, found...)
	}
	pages := map[string]string{}
	for _, p := range paths {
		text, err := os.ReadFile(p)
		require.NoError(t, err)
		pages[p] = string(text)
	}
	return pages
}

// TestLinksOfDocuments: a link to a file of this project leads somewhere, to a
// heading too.
func TestLinksOfDocuments(t *testing.T) {
	t.Parallel()
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	pages := documents(t)
	for page, text := range pages {
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			target, heading, _ := strings.Cut(m[1], "#")
			if strings.Contains(target, "://") {
				continue
			}
			path := page
			if target != "" {
				path = filepath.Join(filepath.Dir(page), target)
			}
			if _, err := os.Stat(path); err != nil {
				t.Errorf("%s links to %s, which is not there", page, m[1])
				continue
			}
			if heading != "" {
				require.Contains(t, headings(pages[path]), heading, "%s links to %s", page, m[1])
			}
		}
	}
}

// headings are the anchors of a page, as the usual renderers make them.
func headings(text string) []string {
	var out []string
	unwanted := regexp.MustCompile(`[^\p{L}\p{N} _-]`)
	for _, m := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(text, -1) {
		out = append(out, strings.ReplaceAll(strings.ToLower(unwanted.ReplaceAllString(m[1], "")), " ", "-"))
	}
	return out
}

// TestEveryPageIsLinked: a page that nothing leads to is not found by people.
func TestEveryPageIsLinked(t *testing.T) {
	t.Parallel()
	pages := documents(t)
	for page := range pages {
		name := filepath.Base(page)
		if name == "README.md" {
			continue
		}
		linked := slices.ContainsFunc(keysOf(pages), func(other string) bool {
			return other != page && regexp.MustCompile(`\]\((docs/|\.\./)?`+regexp.QuoteMeta(name)+`[)#]`).MatchString(pages[other])
		})
		require.True(t, linked, "no page links to %s", name)
	}
}

func keysOf(m map[string]string) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	return out
}

// TestListsInDocumentsAreWhole: what scripts may say and are told, as the code has it.
func TestListsInDocumentsAreWhole(t *testing.T) {
	t.Parallel()
	scripts := documents(t)["../../docs/scripts.md"]
	listed := func(before string) []string {
		t.Helper()
		m := regexp.MustCompile("(?m)^" + regexp.QuoteMeta(before) + "((?:`\\w+` ?)+)").FindStringSubmatch(scripts)
		require.NotNil(t, m, "docs/scripts.md has no list after %q", before)
		return strings.Fields(strings.ReplaceAll(m[1], "`", ""))
	}
	var centers, providers, steps []string
	for _, dc := range cronofy.DataCenters() {
		centers = append(centers, dc.ID)
	}
	for _, p := range cronofy.Providers() {
		providers = append(providers, string(p))
	}
	for _, s := range flow.Steps() {
		steps = append(steps, s.String())
	}
	require.Equal(t, centers, listed("| `--data-center` | `CRONOFY_DATA_CENTER`, `CRONOFY_DATA_CENTRE` | "))
	require.Equal(t, providers, listed("| `--provider` | `CONFER_PROVIDER` | "))
	require.Equal(t, steps, listed("`step` is "))

	text, err := os.ReadFile("../../docs/schema.json")
	require.NoError(t, err)
	var schema struct {
		Defs struct {
			Failed struct {
				Properties struct{ Step struct{ Enum []string } }
			}
		} `json:"$defs"`
	}
	require.NoError(t, json.Unmarshal(text, &schema))
	require.Equal(t, steps, schema.Defs.Failed.Properties.Step.Enum, "step in docs/schema.json")
}

// TestReadmeIsForANewcomer: a page and a half, and no table.
func TestReadmeIsForANewcomer(t *testing.T) {
	t.Parallel()
	text := documents(t)["../../README.md"]
	require.Less(t, len(strings.Fields(text)), 700)
	require.NotRegexp(t, `(?m)^\|`, text)
}
