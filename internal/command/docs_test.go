package command

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
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

// TestReadmeIsForANewcomer: a page and a half, and no table.
func TestReadmeIsForANewcomer(t *testing.T) {
	t.Parallel()
	text := documents(t)["../../README.md"]
	require.Less(t, len(strings.Fields(text)), 700)
	require.NotRegexp(t, `(?m)^\|`, text)
}
