package markup

import (
	"html"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

type name string

func TestValuesAreEscaped(t *testing.T) {
	t.Parallel()
	var p Page
	p.Add(`<p class="{}">{}</p>`, `a"b'c`, "<script>&\x00")
	p.Add(`{}{}{}`, 7, name("<i>"), HTML("<br>"))
	p.AddIf(false, `<hr>{}`, "x")
	p.AddIf(true, `<b>{}</b>`, If(true, " checked")+If(false, " never"))
	require.Equal(t, HTML(`<p class="a&#34;b&#39;c">&lt;script&gt;&amp;`+"\uFFFD"+`</p>7&lt;i&gt;<br><b> checked</b>`), p.HTML())
}

func TestValuesAndPlacesMustAgree(t *testing.T) {
	t.Parallel()
	var p Page
	require.PanicsWithValue(t, "markup: 0 values for 1 places", func() { p.Add("{}") })
	require.PanicsWithValue(t, "markup: 1 values for 0 places", func() { p.Add("<br>", "x") })
}

// FuzzValue: no value leaves its attribute or its element.
func FuzzValue(f *testing.F) {
	for _, s := range []string{"", "amara@example.test", `"><script>`, "'{}", "\x00&amp;", "\xff<"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var p Page
		p.Add(`<a b="{}">{}</a>`, s, s)
		inner, ok := strings.CutPrefix(string(p.HTML()), `<a b="`)
		require.True(t, ok)
		inner, ok = strings.CutSuffix(inner, `</a>`)
		require.True(t, ok)
		attr, text, ok := strings.Cut(inner, `">`)
		require.True(t, ok)
		require.NotContains(t, attr+text, `"`)
		require.NotContains(t, attr+text, "<")
		require.Equal(t, attr, text)
		require.Equal(t, strings.ReplaceAll(s, "\x00", "\uFFFD"), html.UnescapeString(attr))
	})
}
