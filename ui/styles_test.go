package ui

import (
	"image/color"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/colorprofile"
	"github.com/stretchr/testify/require"

	"confer/cronofy"
	"confer/internal/golden"
)

// luminance and contrast are WCAG 2.2's definitions.
func luminance(c color.Color) float64 {
	r, g, b, _ := c.RGBA()
	part := func(v uint32) float64 {
		x := float64(v) / 0xffff
		if x <= 0.04045 {
			return x / 12.92
		}
		return math.Pow((x+0.055)/1.055, 2.4)
	}
	return 0.2126*part(r) + 0.7152*part(g) + 0.0722*part(b)
}

func contrast(a, b color.Color) float64 {
	x, y := luminance(a), luminance(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

// TestContrast: all text has 4.5:1 on the backgrounds that people use with each
// palette, and lines can be seen.
func TestContrast(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		p     palette
		backs []string
	}{
		{"dark", darkPalette, []string{"#000000", "#1d1f21", "#1e1e2e", "#282c34", "#002b36"}},
		{"light", lightPalette, []string{"#ffffff", "#fafafa", "#fdf6e3", "#eff1f5"}},
		{"neutral", neutralPalette, []string{"#000000", "#ffffff"}},
		{"dark, 256", indexed(darkPalette), []string{"#000000", "#1d1f21", "#1e1e2e", "#282c34", "#002b36"}},
		{"light, 256", indexed(lightPalette), []string{"#ffffff", "#fafafa", "#fdf6e3", "#eff1f5"}},
		{"neutral, 256", indexed(neutralPalette), []string{"#000000", "#ffffff"}},
		{"dark, 16", dark16Palette, []string{"#000000"}}, // a theme with another background has other colours
		{"light, 16", light16Palette, []string{"#ffffff"}},
		{"neutral, 16", paletteFor(colorprofile.ANSI, nil), []string{"#000000", "#ffffff"}},
	} {
		for _, back := range c.backs {
			on := lipgloss.Color(back)
			for role, text := range map[string]color.Color{"muted": c.p.muted, "accent": c.p.accent, "good": c.p.good, "warn": c.p.warn, "bad": c.p.bad} {
				if text != nil { // the terminal's own
					require.GreaterOrEqual(t, contrast(text, on), 4.5, "%s %s on %s", c.name, role, back)
				}
			}
			if c.p.rule != nil {
				require.GreaterOrEqual(t, contrast(c.p.rule, on), 1.5, "%s rule on %s", c.name, back)
			}
		}
	}
}

// indexed is what a terminal with 256 colours makes of a palette.
func indexed(p palette) palette {
	to := colorprofile.ANSI256.Convert
	return palette{muted: to(p.muted), accent: to(p.accent), good: to(p.good), warn: to(p.warn), bad: to(p.bad), rule: to(p.rule)}
}

// TestDisconnectedIsNoError, in any number of colours.
func TestDisconnectedIsNoError(t *testing.T) {
	t.Parallel()
	for _, p := range []palette{darkPalette, lightPalette, neutralPalette, indexed(darkPalette), indexed(lightPalette), indexed(neutralPalette), dark16Palette, light16Palette} {
		require.NotEqual(t, p.warn, p.bad)
	}
}

// TestThemes compares one scene in colour for each palette: dark and light as
// the terminal says, neutral while it says nothing.
func TestThemes(t *testing.T) {
	t.Parallel()
	want := golden.Open(t, filepath.Join("testdata", "TestThemes"))
	for name, background := range map[string]color.Color{"dark": color.Black, "light": color.White, "neutral": nil} {
		t.Run(name, func(t *testing.T) {
			for _, s := range scenes() {
				if s.name != "table" {
					continue
				}
				m := s.model(t, 80, 24)
				if background != nil {
					m.Update(tea.BackgroundColorMsg{Color: background})
				}
				lines, l := strings.Split(m.View().Content, "\n"), m.layout()
				want.Equal(t, name+".golden", strings.Join(slices.Delete(lines, l.pageY-2, l.pageY), "\n")) // without the list of steps
			}
		})
	}
}

// TestBackgroundIsAskedWithoutWaiting: the first window is drawn before any
// answer, and no terminal has to give one.
func TestBackgroundIsAskedWithoutWaiting(t *testing.T) {
	t.Parallel()
	m := scenes()[0].model(t, 80, 24)
	require.NotNil(t, m.Init())
	require.Contains(t, text(m), "Which data center")
}

// TestNoColor: without any colour the signs tell the state, the place and the
// choice.
func TestNoColor(t *testing.T) {
	t.Parallel()
	for _, s := range scenes() {
		if s.name != "table" {
			continue
		}
		shown := text(s.model(t, 120, 40))
		for _, want := range []string{"✓ connected", "! disconnected", "· not yet", "× error", "› ✓ connected", "● Check accounts", "✓ Approval"} {
			require.Contains(t, shown, want)
		}
	}
}

func FuzzWrap(f *testing.F) {
	for _, s := range []string{"", " ", "  two  words", "app-de.cronofy.com is Germany", "ä\n\n王小明 " + strings.Repeat("x", 99)} {
		f.Add(s, 10)
	}
	f.Fuzz(func(t *testing.T, s string, w int) {
		s, w = cronofy.CleanText(s, 300), w%80
		lines := wrap(s, w)
		for _, l := range lines {
			require.LessOrEqual(t, visible(l), max(2, w), "%q", l) // a wide character needs two
		}
		for _, word := range strings.Fields(s) {
			if visible(word) <= w {
				require.True(t, strings.Contains(" "+strings.Join(lines, " ")+" ", " "+word+" "), "%q is broken in %q", word, lines)
			}
		}
	})
}
