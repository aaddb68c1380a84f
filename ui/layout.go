package ui

import (
	"fmt"
	"slices"
	"strings"

	"charm.land/bubbles/v2/viewport"
	tea "charm.land/bubbletea/v2"

	"confer/flow"
)

// Sizes in cells.
const (
	minWidth, minHeight = 40, 12 // below, one sentence asks for more room
	maxWidth            = 104    // lines longer than this are hard to read
	maxTableWidth       = 150    // a table may use more
	maxHeight           = 32     // the help stays near what it helps with
	railWidth           = 19     // "Service account" and a shortened id
	railFrom            = 80     // narrower windows fold the rail into a line
	railHeight          = 16     // lower ones too
	rulesFrom           = 18     // height from which rules are drawn
	airFrom             = 22     // height from which there is air under them
)

type layout struct {
	width, height int // used of the window
	margin        int
	rail          bool
	rules, air    bool
	pageX, pageY  int
	pageW, pageH  int
}

func (m *Model) layout() layout {
	l := layout{width: min(m.width, maxWidth), height: min(m.height, maxHeight), margin: 2}
	table := m.table() != nil && !m.helping
	if table {
		l.width, l.height = min(m.width, maxTableWidth), m.height
	}
	if m.width < 60 {
		l.margin = 1
	}
	l.rail = m.width >= railFrom && m.height >= railHeight && !table
	l.rules, l.air = m.height >= rulesFrom, m.height >= airFrom
	l.pageX, l.pageY = l.margin, 1
	if l.rules {
		l.pageY++
	}
	if l.rail {
		l.pageX += railWidth + 2
	} else {
		l.pageY++
	}
	if l.air {
		l.pageY++
	}
	l.pageW = max(1, l.width-l.margin-l.pageX)
	l.pageH = max(1, l.height-l.pageY-1-btoi(l.rules))
	return l
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// View draws the window.
func (m *Model) View() tea.View {
	v := tea.NewView("")
	v.AltScreen = true
	v.KeyboardEnhancements.ReportAlternateKeys = true // see latin
	if m.whole != nil {
		v.AltScreen = false
		return v
	}
	if m.width < minWidth || m.height < minHeight {
		m.drawn = nil
		v.SetContent(m.tooSmall())
		return v
	}
	l, p := m.layout(), m.fitted()
	lines := m.head(l, p)
	lines = append(lines, m.body(l, p)...)
	if l.rules {
		lines = append(lines, m.rule(l, p))
	}
	keys := m.footerKeys(l.width - 2*l.margin)
	lines = append(lines, strings.Repeat(" ", l.margin)+m.footer(keys))
	v.SetContent(strings.Join(lines, "\n"))
	m.drawn = m.regions(l, p, keys)
	if m.mouse() {
		v.MouseMode = tea.MouseModeCellMotion
	}
	if p.x >= 0 && p.y >= 0 {
		v.Cursor = tea.NewCursor(l.pageX+p.x, l.pageY+p.y)
		v.Cursor.Blink = false // still: nothing moves when nothing happens
	}
	return v
}

func (m *Model) tooSmall() string {
	if m.width < 1 || m.height < 1 {
		return ""
	}
	lines := wrap(fmt.Sprintf("confer needs a window of at least %d×%d; this one is %d×%d.", minWidth, minHeight, m.width, m.height), m.width)
	return strings.Join(lines[:min(len(lines), m.height)], "\n")
}

func (m *Model) fitted() fitted {
	f := m.frame()
	var s sheet
	switch {
	case m.helping:
		s = m.help(f)
	case m.table() != nil:
		s = m.profile.draw(f, m.page(), m.told)
	default:
		s = f.draw(m.page(), m.form(), m.told)
	}
	if m.leaving {
		s.foot = f.warning(leavingWords(m.state))
	}
	p := s.fit(&m.view, f.w, f.h)
	m.scrolls = p.y < 0 && (p.above || p.below)
	return p
}

// unstoredLoss is said before an end with an approval that is not stored.
const unstoredLoss = "Quit? The token that was approved is not stored, and is lost when confer ends."

// leavingWords say what quitting does now. A code that is being exchanged was
// taken already: the program ends when that is done.
func leavingWords(s flow.State) string {
	switch {
	case s.Attempt.Phase >= flow.PhaseExchanging:
		return "Quit? confer finishes this first, and then ends."
	case s.Attempt.Phase < flow.PhaseWaiting:
		return unstoredLoss
	}
	return "Quit? The administrator can still finish, but confer will not know."
}

func (m *Model) head(l layout, p fitted) []string {
	left := m.st.title.Render("confer")
	if m.width >= railFrom {
		left += m.st.muted.Render("  Link calendars with conferencing")
	}
	in := strings.Repeat(" ", l.margin)
	w := l.width - 2*l.margin
	lines := []string{in + spread(left, place(m.state.Answers.Site), w)}
	if l.rules {
		lines = append(lines, m.ruleOf(l, l.width-2*l.margin+2))
	}
	if !l.rail {
		more := ""
		if !l.rules { // which would say it
			more = m.st.muted.Render(p.more())
		}
		lines = append(lines, in+spread(m.folded(w), more, w))
	}
	if l.air {
		lines = append(lines, "")
	}
	return lines
}

func (m *Model) ruleOf(l layout, w int) string {
	return strings.Repeat(" ", l.margin-1) + m.st.rule.Render(strings.Repeat("─", max(0, w)))
}

// rule is the lower one; it says when there is more to see.
func (m *Model) rule(l layout, p fitted) string {
	w := l.width - 2*l.margin + 2
	if p.more() == "" {
		return m.ruleOf(l, w)
	}
	more := " " + p.more() + " "
	return m.ruleOf(l, w-visible(more)-2) + m.st.muted.Render(more) + m.st.rule.Render("──")
}

func (f fitted) more() string {
	switch {
	case f.above && f.below:
		return "↑↓ more"
	case f.below:
		return "↓ more"
	case f.above:
		return "↑ more"
	}
	return ""
}

func (m *Model) body(l layout, p fitted) []string {
	rail := m.rail(l)
	lines := make([]string, l.pageH)
	for i := range lines {
		left, page := "", ""
		if i < len(rail) {
			left = rail[i]
		}
		if i < len(p.lines) {
			page = p.lines[i]
		}
		lines[i] = strings.TrimRight(strings.Repeat(" ", l.margin)+pad(left, l.pageX-l.margin)+page, " ")
	}
	return lines
}

// rail lists the steps with the answers of those that are done.
func (m *Model) rail(l layout) []string {
	if !l.rail {
		return nil
	}
	var out []string
	all := flow.Steps()
	answers := l.pageH >= 2*len(all)-1
	for _, s := range all {
		out = append(out, m.railStep(s))
		if a := steps[s].answer(m.state); answers && m.stepDone(s) && a != "" {
			out = append(out, "  "+m.st.muted.Render(cutTo(a, railWidth-2)))
		}
	}
	return out
}

func (m *Model) railStep(s flow.Step) string {
	switch {
	case m.stepDone(s) && s == flow.StepAuthorize && (m.state.Link == nil || m.state.Link.Unconfirmed):
		return m.st.warn.Render(signWarn) + " " + s.Title()
	case m.stepDone(s):
		return m.st.good.Render(signDone) + " " + s.Title()
	case s == m.state.Step:
		return m.st.accent.Render(signNow) + " " + m.st.accent.Bold(true).Render(s.Title())
	}
	return m.st.muted.Render(signLater + " " + s.Title())
}

// stepDone tells whether a step is done: all of them are on the last page.
func (m *Model) stepDone(s flow.Step) bool { return s < m.state.Step || m.at() == pageDone }

func (m *Model) folded(w int) string {
	all := flow.Steps()
	full := ""
	for _, s := range all {
		full += m.railStep(s) + "   "
	}
	full = strings.TrimRight(full, " ")
	if visible(full) <= w {
		return full
	}
	return m.st.accent.Bold(true).Render(fmt.Sprintf("Step %d of %d", int(m.state.Step)+1, len(all))) +
		m.st.muted.Render(" · ") + m.state.Step.Title()
}

// rank is how readily a block gives way when the window is small. Text that
// explains goes before text that acts.
type rank int

const (
	keep  rank = iota // never
	aside             // last, the lowest first
	extra             // first
)

// block is a few lines that belong together.
type block struct {
	lines []string
	whole []string // instead of lines, where there is room for them; nil: there is no longer form
	rank  rank
	tight bool   // follows the block before without a blank line
	focus bool   // holds the line that must stay in sight
	line  int    // which line of the block that is
	col   int    // where the text cursor stands on it; -1: there is none
	spots []spot // what a click on each line is for; shorter: nothing
}

// sheet is a page as it is drawn, from top to bottom.
type sheet struct {
	blocks []block
	foot   []string // what went wrong, or must be known: never scrolled away
	read   bool     // it is read from top to bottom: blank lines stay, and it scrolls
}

func (p *sheet) add(r rank, lines ...string) { p.put(block{lines: lines, rank: r, col: -1}) }

// join adds lines without a blank line before them.
func (p *sheet) join(r rank, lines ...string) {
	p.put(block{lines: lines, rank: r, tight: true, col: -1})
}

func (p *sheet) put(b block) {
	if len(b.lines) > 0 {
		p.blocks = append(p.blocks, b)
	}
}

// fitted is a sheet cut to a height. The cursor's column is -1 if there is none.
type fitted struct {
	lines        []string
	spots        []spot // of the lines
	x, y         int
	above, below bool // whether lines are out of sight
}

// fit lays the sheet out in h lines: what explains goes first, then the blank
// lines, and then it scrolls, to the focus if there is one.
func (p sheet) fit(v *viewport.Model, w, h int) fitted {
	foot := p.foot[:min(len(p.foot), h/2+1)]
	room := h - len(foot)
	if len(foot) > 0 && room > 6 {
		foot = append([]string{""}, foot...)
		room--
	}
	blocks, gaps := p.blocks, true
	if !p.read {
		blocks, gaps = p.shrink(room)
	}
	out := stack(blocks, gaps)
	out.window(v, w, room)
	out.lines = append(out.lines, foot...)
	return out
}

// airy is the height from which blank lines are worth more than explanations.
const airy = 14

// shrink drops what explains until the rest fits. Where it does not fit even so, blank
// lines make no difference to what is read by scrolling.
func (p sheet) shrink(h int) (blocks []block, gaps bool) {
	blocks = slices.Clone(p.blocks)
	for r := extra; r > keep; r-- {
		for i := len(blocks) - 1; i >= 0 && height(blocks, h >= airy) > h; i-- {
			if blocks[i].rank == r {
				blocks = slices.Delete(blocks, i, i+1)
			}
		}
	}
	for i, b := range blocks {
		if b.whole == nil {
			continue
		}
		if blocks[i].lines = b.whole; height(blocks, false) > h {
			blocks[i].lines = b.lines
		}
	}
	focused := slices.ContainsFunc(blocks, func(b block) bool { return b.focus })
	gaps = height(blocks, true) <= h || height(blocks, false) > h && !focused
	return blocks, gaps
}

func height(blocks []block, gaps bool) int { return len(stack(blocks, gaps).lines) }

func stack(blocks []block, gaps bool) fitted {
	out := fitted{x: -1, y: -1}
	for i, b := range blocks {
		if gaps && i > 0 && !b.tight {
			out.lines, out.spots = append(out.lines, ""), append(out.spots, spot{})
		}
		if b.focus {
			out.x, out.y = b.col, len(out.lines)+b.line
		}
		out.lines = append(out.lines, b.lines...)
		out.spots = append(out.spots, b.spots[:min(len(b.spots), len(b.lines))]...)
		out.spots = append(out.spots, make([]spot, len(out.lines)-len(out.spots))...)
	}
	return out
}

// window shows h lines through the viewport: those around the focus, or those
// that it was scrolled to.
func (f *fitted) window(v *viewport.Model, w, h int) {
	v.SetWidth(w)
	v.SetHeight(h)
	v.SetContentLines(f.lines)
	if f.y >= 0 {
		const context = 1 // a label above the field, a hint below it
		v.SetYOffset(max(0, f.y-h+1+context))
		v.EnsureVisible(max(0, f.y-context), 0, 0)
		f.y -= v.YOffset()
	}
	f.above, f.below = !v.AtTop(), !v.AtBottom()
	from, to := v.YOffset(), min(len(f.lines), v.YOffset()+h)
	f.lines, f.spots = f.lines[from:to], f.spots[from:to]
}
