package ui

import (
	"slices"

	"charm.land/bubbles/v2/viewport"
)

// rank is how readily a block gives way when the window is small. Text that
// explains goes before text that acts.
type rank int

const (
	keep  rank = iota // never
	aside             // last, after the blank lines
	extra
	spare // first
)

// block is a few lines that belong together.
type block struct {
	lines []string
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
	brief  int      // how many lines of foot must stay in the smallest window
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
	foot := p.footFor(h)
	room := h - len(foot)
	if len(foot) > 0 && room > 6 {
		foot = append([]string{""}, foot...)
		room--
	}
	blocks, gaps := p.shrink(room)
	out := stack(blocks, gaps)
	out.window(v, w, room)
	out.lines = append(out.lines, foot...)
	return out
}

func (p sheet) footFor(h int) []string {
	limit := max(min(p.brief, h-1), h/2)
	if len(p.foot) <= limit {
		return p.foot
	}
	return p.foot[:max(0, limit)]
}

// airy is the height from which blank lines are worth more than the last
// explanations.
const airy = 14

// shrink drops blocks until the rest fits, the lowest of a rank first.
func (p sheet) shrink(h int) (blocks []block, gaps bool) {
	blocks, gaps = p.blocks, true
	for r := spare; r > keep; r-- {
		if r == aside && h < airy {
			gaps = height(blocks, true) <= h
		}
		for height(blocks, gaps) > h {
			last := -1
			for i, b := range blocks {
				if b.rank == r {
					last = i
				}
			}
			if last < 0 {
				break
			}
			blocks = slices.Delete(slices.Clone(blocks), last, last+1)
		}
	}
	return blocks, gaps && height(blocks, true) <= h
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
		out.spots = append(out.spots, b.spots...)
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
