package ui

import (
	"image/color"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/colorprofile"
)

// palette names colours by their role. Text is nil: the terminal's own.
type palette struct {
	muted, accent, good, warn, bad color.Color
	rule                           color.Color // lines, not text
}

// Every text colour has a contrast of at least 4.5:1 (WCAG 2.2, 1.4.3) on the
// backgrounds that its palette is for; a test computes it.

func darkPalette() palette {
	return palette{
		muted: lipgloss.Color("#9da7b3"), accent: lipgloss.Color("#6cb6ff"), good: lipgloss.Color("#6bc46d"),
		warn: lipgloss.Color("#daaa3f"), bad: lipgloss.Color("#ff938a"), rule: lipgloss.Color("#545d68"),
	}
}

func lightPalette() palette {
	return palette{
		muted: lipgloss.Color("#57606a"), accent: lipgloss.Color("#0550ae"), good: lipgloss.Color("#116329"),
		warn: lipgloss.Color("#7d4e00"), bad: lipgloss.Color("#a40e26"), rule: lipgloss.Color("#afb8c1"),
	}
}

// neutralPalette is for a terminal that has not said what its background is,
// and may never: it reads on black and on white.
func neutralPalette() palette {
	return palette{
		muted: lipgloss.Color("#767676"), accent: lipgloss.Color("#0073e6"), good: lipgloss.Color("#108810"),
		warn: lipgloss.Color("#a56700"), bad: lipgloss.Color("#e02b2b"), rule: lipgloss.Color("#808080"),
	}
}

// neutral256Palette is the same for 256 colours, of which few read on both.
func neutral256Palette() palette {
	return palette{
		muted: lipgloss.Color("#767676"), accent: lipgloss.Color("#5f5fff"), good: lipgloss.Color("#00875f"),
		warn: lipgloss.Color("#af5f5f"), bad: lipgloss.Color("#d700af"), rule: lipgloss.Color("#808080"),
	}
}

// The palettes of terminals with 16 colours use those that every theme keeps
// readable on its background. None is on both: where the background is not known,
// weight and signs do alone.

func dark16Palette() palette {
	return palette{accent: lipgloss.BrightCyan, good: lipgloss.BrightGreen, warn: lipgloss.BrightYellow, bad: lipgloss.BrightRed}
}

func light16Palette() palette { return palette{accent: lipgloss.Blue, bad: lipgloss.Red} }

// paletteFor is the palette of a terminal with those colours; dark is nil where
// its background is not known.
func paletteFor(colors colorprofile.Profile, dark *bool) palette {
	few := colors == colorprofile.ANSI
	switch {
	case dark == nil && few:
		return palette{}
	case dark == nil && colors == colorprofile.ANSI256:
		return neutral256Palette()
	case dark == nil:
		return neutralPalette()
	case *dark && few:
		return dark16Palette()
	case *dark:
		return darkPalette()
	case few:
		return light16Palette()
	}
	return lightPalette()
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
