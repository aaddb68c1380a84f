package callback

import (
	"fmt"
	"maps"
	"math"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"confer/internal/golden"
)

// allPages are the pages that there are.
func allPages() map[string]page {
	all := map[string]page{
		"linked":  pageOutcome(Outcome{OK: true, Title: "Zoom is linked", Text: "t", Hint: "h"}),
		"refused": pageOutcome(Outcome{Title: "Access was refused", Text: "t"}),
		"waiting": pageWaiting("/callback?done=x&again"),
	}
	for _, p := range []page{
		pageEnded, pageNotWaiting, pageNowhere, pageLinkEnded, pageHost, pageMethod, pageOtherUser, pageMalformed, pageStateUsed, pageStateOther, pageStateUnknown,
	} {
		all[p.Title] = p
	}
	return all
}

func TestEveryPageSaysItsMeaningInWordsAndLoadsNothing(t *testing.T) {
	t.Parallel()
	for name, p := range allPages() {
		w := httptest.NewRecorder()
		p.write(w)
		body := w.Body.String()
		require.Contains(t, body, "<title>"+p.Title+" · confer</title>", name)
		require.Equal(t, 1, strings.Count(body, "<h1"), name)
		require.Equal(t, 1, strings.Count(body, "<main"), name)
		require.NotEmpty(t, p.Word, name)
		require.NotContains(t, body, "terminal", "%s: whoever reads it may be elsewhere", name)
		require.Contains(t, body, `<span aria-hidden="true">`+p.Sign+`</span> `+p.Word, name)
		require.Equal(t, []string{"data:,"}, attributes(body, "href"), name)
		require.Empty(t, attributes(body, "src"), name)
		require.NotRegexp(t, `(?i)<script|<form|<iframe|style=|\son[a-z]+=|url\(|@import`, body, name)
		require.Equal(t, name == "waiting", strings.Contains(body, "http-equiv"), name)
	}
}

func attributes(body, name string) []string {
	var values []string
	for _, m := range regexp.MustCompile(name+`="([^"]*)"`).FindAllStringSubmatch(body, -1) {
		values = append(values, m[1])
	}
	return values
}

// TestContrast holds the texts to WCAG 2.2 1.4.3 in both themes.
func TestContrast(t *testing.T) {
	t.Parallel()
	themes := regexp.MustCompile(`:root\{([^}]*)\}`).FindAllStringSubmatch(pageCSS, -1)
	require.Len(t, themes, 2, "light and dark")
	for _, theme := range themes {
		colours := map[string]string{}
		for _, m := range regexp.MustCompile(`--([a-z]+):(#[0-9a-f]+)`).FindAllStringSubmatch(theme[1], -1) {
			colours[m[1]] = m[2]
		}
		for _, ink := range []string{"ink", "dim", "accent", "good", "bad"} {
			require.GreaterOrEqual(t, contrast(t, colours[ink], colours["card"]), 4.5, ink+" "+colours[ink])
		}
	}
}

func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	x, y := luminance(t, a), luminance(t, b)
	return (math.Max(x, y) + 0.05) / (math.Min(x, y) + 0.05)
}

// luminance is https://www.w3.org/TR/WCAG22/#dfn-relative-luminance.
func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	hex = strings.TrimPrefix(hex, "#")
	if len(hex) == 3 {
		hex = string([]byte{hex[0], hex[0], hex[1], hex[1], hex[2], hex[2]})
	}
	n, err := strconv.ParseUint(hex, 16, 32)
	require.NoError(t, err)
	sum := 0.0
	for i, weight := range []float64{0.0722, 0.7152, 0.2126} {
		c := float64(n>>(8*i)&0xff) / 255
		if c <= 0.04045 {
			sum += weight * c / 12.92
			continue
		}
		sum += weight * math.Pow((c+0.055)/1.055, 2.4)
	}
	return sum
}

// TestWordsOfThePages: what somebody reads in the browser, who need not be the
// operator.
func TestWordsOfThePages(t *testing.T) {
	t.Parallel()
	all := allPages()
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(all)) {
		p := all[name]
		fmt.Fprintf(&b, "%d  %s %s\n     %s\n     %s %s\n", p.Status, p.Sign, p.Word, p.Title, p.Text, p.Hint)
	}
	golden.Equal(t, "testdata/pages.txt", b.String())
}
