package ui

import (
	"fmt"
	"image/color"
	"strings"
	"time"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/colorprofile"
	"github.com/charmbracelet/x/ansi"

	"confer/cronofy"
)

// maxShown bounds any text from outside before it is laid out.
const maxShown = 600

// clean makes text that is not ours safe to draw.
func clean(s string) string { return cronofy.CleanText(s, maxShown) }

// wrap breaks plain text into lines of at most w cells, at spaces alone: a host
// name, an id or an address that is cut at a hyphen, as ansi.Wordwrap does, is not
// one any more. Only what is longer than a line is cut.
func wrap(s string, w int) []string {
	w = max(1, w)
	var out []string
	for line := range strings.SplitSeq(s, "\n") {
		if visible(line) <= w {
			out = append(out, strings.TrimRight(line, " "))
			continue
		}
		full := ""
		for _, word := range strings.Fields(line) {
			if full != "" && visible(full)+1+visible(word) <= w {
				full += " " + word
				continue
			}
			if full != "" {
				out = append(out, full)
			}
			parts := strings.Split(ansi.Hardwrap(word, w, false), "\n")
			out, full = append(out, parts[:len(parts)-1]...), parts[len(parts)-1]
		}
		out = append(out, full)
	}
	return out
}

func cutTo(s string, w int) string {
	if w < 1 {
		return ""
	}
	return ansi.Truncate(s, w, "…")
}

// shortID is the form that rails and sentences show.
func shortID(id string) string {
	id = clean(id)
	head := 4
	if prefix, _, ok := strings.Cut(id, "_"); ok && len(prefix) <= 4 {
		head = len(prefix) + 1 + 4
	}
	r := []rune(id)
	if len(r) <= head+1+4 {
		return id
	}
	return string(r[:head]) + "…" + string(r[len(r)-4:])
}

func pad(s string, w int) string {
	if n := w - visible(s); n > 0 {
		return s + strings.Repeat(" ", n)
	}
	return s
}

// spread puts left and right at the ends of a line of w cells. The right side
// gives way first.
func spread(left, right string, w int) string {
	lw := visible(left)
	if lw >= w || right == "" {
		return cutTo(left, w)
	}
	right = cutTo(right, max(0, w-lw-2))
	return left + strings.Repeat(" ", max(0, w-lw-visible(right))) + right
}

// clock writes a remaining time as a person reads it: 4:05, 1:02:09.
func clock(d time.Duration) string {
	s := max(0, int((d+time.Second-1)/time.Second)) // up: 0:00 only when it is over
	if s >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}

// capital begins a text of ours as a sentence does.
func capital(s string) string { return strings.ToUpper(s[:min(1, len(s))]) + s[min(1, len(s)):] }

func visible(s string) int { return ansi.StringWidth(s) }

// palette names colours by their role. Text is nil: the terminal's own.
type palette struct {
	muted, accent, good, warn, bad color.Color
	rule                           color.Color // lines, not text
}

// Every text colour has a contrast of at least 4.5:1 (WCAG 2.2, 1.4.3) on the
// backgrounds that its palette is for; a test computes it.
var (
	darkPalette  = colours("#9da7b3", "#6cb6ff", "#6bc46d", "#daaa3f", "#ff938a", "#545d68")
	lightPalette = colours("#57606a", "#0550ae", "#116329", "#7d4e00", "#a40e26", "#afb8c1")
	// neutralPalette is for a terminal that has not said what its background is, and
	// may never: it reads on black and on white, and with 256 colours.
	neutralPalette = colours("#767676", "#5f5fff", "#00875f", "#af5f5f", "#d700af", "#808080")

	// The palettes of terminals with 16 colours use those that every theme keeps
	// readable on its background. None is on both: where the background is not known,
	// weight and signs do alone.
	dark16Palette  = palette{accent: lipgloss.BrightCyan, good: lipgloss.BrightGreen, warn: lipgloss.BrightYellow, bad: lipgloss.BrightRed}
	light16Palette = palette{accent: lipgloss.Blue, bad: lipgloss.Red}
)

func colours(muted, accent, good, warn, bad, rule string) palette {
	of := func(hex string) color.Color { return lipgloss.Color(hex) }
	return palette{of(muted), of(accent), of(good), of(warn), of(bad), of(rule)}
}

// paletteFor is the palette of a terminal with those colours; dark is nil where
// its background is not known.
func paletteFor(colors colorprofile.Profile, dark *bool) palette {
	few := colors == colorprofile.ANSI
	switch {
	case dark == nil && few:
		return palette{}
	case dark == nil:
		return neutralPalette
	case *dark && few:
		return dark16Palette
	case *dark:
		return darkPalette
	case few:
		return light16Palette
	}
	return lightPalette
}

// styles are all that screens may draw with; they never name a colour.
type styles struct {
	plain, title, strong, muted, accent, key lipgloss.Style
	good, warn, bad, rule                    lipgloss.Style
}

func newStyles(p palette) styles {
	in := func(c color.Color) lipgloss.Style { return lipgloss.NewStyle().Foreground(c) }
	bold := lipgloss.NewStyle().Bold(true)
	return styles{
		plain: lipgloss.NewStyle(), title: bold, strong: bold, muted: in(p.muted), accent: in(p.accent),
		key: in(p.accent).Bold(true), good: in(p.good), warn: in(p.warn), bad: in(p.bad), rule: in(p.rule),
	}
}

// each renders lines one by one, so that no style reaches over a line's end.
func each(st lipgloss.Style, lines []string) []string {
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = st.Render(l)
	}
	return out
}

// The signs say what colours say, for those who do not see colours.
const (
	signDone    = "✓"
	signNow     = "●"
	signLater   = "○"
	signWarn    = "!"
	signBad     = "×"
	signMissing = "·"
	signCursor  = "›"
)
