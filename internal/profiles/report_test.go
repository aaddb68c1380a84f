package profiles

import (
	"encoding/xml"
	"fmt"
	"html"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"confer/cronofy"
	"confer/internal/golden"
)

func reported(t *testing.T, o WriterOptions, records ...Record) string {
	t.Helper()
	var b strings.Builder
	w := NewWriter(&b, FormatHTML, o)
	for _, r := range records {
		require.NoError(t, w.Write(r))
	}
	require.Empty(t, b.String(), "written as a whole")
	require.NoError(t, w.Close())
	return b.String()
}

func germany() WriterOptions {
	de, _ := cronofy.FindDataCenter("de")
	return WriterOptions{Site: de.Site(), Provider: cronofy.Zoom, Made: time.Date(2026, 11, 26, 14, 30, 0, 0, time.UTC)}
}

func TestReportCountsAndAdvises(t *testing.T) {
	t.Parallel()
	html := reported(t, germany(), someRecords()...)
	for _, text := range []string{
		"<title>Zoom profiles</title>", "Data center Germany · 26 November 2026, 14:30 UTC", "1 of 4 accounts connected",
		"<b>1</b> not yet <small>25 %</small>", "<b>1</b> not yet (their own) <small>25 %</small>", "<b>1</b> could not be read",
		`<th scope="row">example.test</th><td class="n">3</td><td class="n">1</td>`, `<th scope="row">no e-mail address</th>`,
		"Not yet: 1 account", "Their own: 1 account", "Could not be read: 1 account", "The access token was not accepted. <small>(1 account)</small>",
		"Each person needs the same e-mail address at Zoom", "connected, new</small>", "connected, from before the link</small>",
		"Odd in Cronofy's answer: a profile_id was a number",
		`<a href="https://app-de.cronofy.com/v2/relink/go_to?email=amara%40example.test&amp;x=1" rel="noopener noreferrer" target="_blank">relink`,
	} {
		require.True(t, strings.Contains(html, text), text)
	}
	require.NotContains(t, html, "Disconnected: ")
	require.Contains(t, reported(t, germany(), someRecords()[0]), "Nothing: everybody is connected.")
	require.Contains(t, reported(t, WriterOptions{}), "0 of 0 accounts connected")
}

// TestReportReads: what people read of it, of every kind of account and without any.
func TestReportReads(t *testing.T) {
	t.Parallel()
	all := append(someRecords(), Record{Account: AccountRef{Email: "chiara@example.test"}, State: Disconnected, Profiles: []Profile{
		{ProviderName: "zoom", ProfileName: "chiara@example.test", RelinkURL: "https://elsewhere.example/relink"}}})
	for i := range 12 {
		all = append(all, Record{State: Failed, Error: &RecordError{"server_error", fmt.Sprintf("Cronofy failed in way %d.", i)}})
	}
	for name, text := range map[string]string{
		"all":     reported(t, germany(), all...),
		"nobody":  reported(t, WriterOptions{}),
		"done":    reported(t, germany(), someRecords()[0]),
		"unnamed": reported(t, WriterOptions{Made: germany().Made}, someRecords()[1]),
	} {
		text = regexp.MustCompile(`(?s)<style>.*</style>|<script>.*</script>|<[^>]*>`).ReplaceAllString(text, " ")
		text = regexp.MustCompile(`\s*\n\s*`).ReplaceAllString(text, "\n")
		golden.Equal(t, "testdata/report/"+name+".txt", html.UnescapeString(regexp.MustCompile(` +`).ReplaceAllString(text, " ")))
	}
}

// TestReportStandsAlone: it loads nothing, holds no script but its own, and is
// well formed, whatever the records hold.
func TestReportStandsAlone(t *testing.T) {
	t.Parallel()
	const evil = `</td></script><script>alert(1)</script><img src=x onerror=alert(1)>"'&{}`
	html := reported(t, germany(), append(someRecords(), Record{
		Account: AccountRef{evil, evil + "@" + evil, evil}, State: Disconnected, Line: 9, Warnings: []string{evil},
		Profiles: []Profile{{ProviderName: evil, ProfileID: evil, ProfileName: evil, RelinkURL: "javascript:alert(1)//" + evil},
			{RelinkURL: "http://app-de.cronofy.com/x"}, {RelinkURL: "https://evil.example/app-de.cronofy.com"}},
	}, Record{State: Failed, Error: &RecordError{evil, evil}})...)
	require.Equal(t, 1, strings.Count(html, "<script"))
	require.NotContains(t, html, "<img")
	require.Equal(t, 1, strings.Count(html, "<a href=\"https://app-de.cronofy.com/"), "the others are shown only")
	require.Equal(t, 2, strings.Count(html, "<a "), "that, and the one that skips")
	for _, word := range []string{"src=", "@import", "url(", "<link", "<iframe", "onerror=alert(1)>\""} {
		require.NotContains(t, strings.ReplaceAll(html, "src=x", ""), word)
	}
	script := html[strings.Index(html, "<script>"):strings.Index(html, "</script>")]
	d := xml.NewDecoder(strings.NewReader(strings.Replace(html, script, "<script>", 1)))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	for {
		_, err := d.Token()
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
	}
}

// TestReportTrustsAnyDataCenterWithoutOne: records do not tell theirs.
func TestReportTrustsAnyDataCenterWithoutOne(t *testing.T) {
	t.Parallel()
	link := func(url string) bool {
		return strings.Contains(reported(t, WriterOptions{}, Record{State: Disconnected, Profiles: []Profile{{RelinkURL: url}}}), `<a href="`+url+`"`)
	}
	require.True(t, link("https://app-uk.cronofy.com/v2/relink/zoom"))
	require.False(t, link("https://app-xx.cronofy.com/v2/relink/zoom"))
	require.False(t, link("http://127.0.0.1:4000/v2/relink/zoom"))
}

// TestReportCanBeRead: each colour of a text stands out from what it is on, in
// both themes (WCAG 2.2, 1.4.3).
func TestReportCanBeRead(t *testing.T) {
	t.Parallel()
	light, dark, ok := strings.Cut(reportStyle, "@media (prefers-color-scheme: dark)")
	require.True(t, ok)
	dark, _, _ = strings.Cut(dark, "*")
	for theme, css := range map[string]string{"light": light, "dark": dark} {
		colours := map[string]float64{}
		for _, m := range regexp.MustCompile(`--([a-z-]+): #([0-9a-f]{3,6})`).FindAllStringSubmatch(css, -1) {
			colours[m[1]] = luminance(t, m[2])
		}
		for _, text := range []string{"text", "muted", "link", "connected", "missing-text", "own", "disconnected-text", "error"} {
			for _, ground := range []string{"bg", "card"} {
				a, b := colours[text], colours[ground]
				require.GreaterOrEqual(t, (max(a, b)+0.05)/(min(a, b)+0.05), 4.5, "%s: %s on %s", theme, text, ground)
			}
		}
	}
}

func luminance(t *testing.T, hex string) (l float64) {
	t.Helper()
	if len(hex) == 3 {
		hex = string([]byte{hex[0], hex[0], hex[1], hex[1], hex[2], hex[2]})
	}
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n, err := strconv.ParseUint(hex[2*i:2*i+2], 16, 8)
		require.NoError(t, err)
		c := float64(n) / 255
		if c <= 0.03928 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		l += weight * c
	}
	return l
}
