package ui

import "slices"

// How readily a block gives way when the window is small. Text that explains
// goes before text that acts.
const (
	keep  = iota // never
	aside        // last, after the blank lines
	extra
	spare // first
)

// block is a few lines that belong together.
type block struct {
	lines []string
	rank  int
	tight bool // follows the block before without a blank line
	focus bool // holds the line that must stay in sight
	line  int  // which line of the block that is
	col   int  // where the text cursor stands on it; -1: there is none
}

// page is what a screen draws, from top to bottom.
type page struct {
	blocks []block
	foot   []string // what went wrong, or must be known: never scrolled away
	brief  int      // how many lines of foot must stay in the smallest window
}

func (p *page) add(rank int, lines ...string) { p.put(block{lines: lines, rank: rank, col: -1}) }

// join adds lines without a blank line before them.
func (p *page) join(rank int, lines ...string) {
	p.put(block{lines: lines, rank: rank, tight: true, col: -1})
}

func (p *page) put(b block) {
	if len(b.lines) > 0 {
		p.blocks = append(p.blocks, b)
	}
}

// fitted is a page cut to a height. The cursor's column is -1 if there is none.
type fitted struct {
	lines        []string
	x, y         int
	above, below bool // whether lines are out of sight
}

// fit lays the page out in h lines: what explains goes first, then the blank
// lines, and then it scrolls, to the focus if there is one.
func (p page) fit(h, scroll int) fitted {
	foot := p.footFor(h)
	room := h - len(foot)
	if len(foot) > 0 && room > 6 {
		foot = append([]string{""}, foot...)
		room--
	}
	blocks, gaps := p.shrink(room)
	out := stack(blocks, gaps)
	out.window(room, scroll)
	out.lines = append(out.lines, foot...)
	return out
}

func (p page) footFor(h int) []string {
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
func (p page) shrink(h int) (blocks []block, gaps bool) {
	blocks, gaps = p.blocks, true
	for rank := spare; rank > keep; rank-- {
		if rank == aside && h < airy {
			gaps = height(blocks, true) <= h
		}
		for height(blocks, gaps) > h {
			last := lastOf(blocks, rank)
			if last < 0 {
				break
			}
			blocks = slices.Delete(slices.Clone(blocks), last, last+1)
		}
	}
	return blocks, gaps && height(blocks, true) <= h
}

func lastOf(blocks []block, rank int) int {
	for i := len(blocks) - 1; i >= 0; i-- {
		if blocks[i].rank == rank {
			return i
		}
	}
	return -1
}

func height(blocks []block, gaps bool) int {
	n := 0
	for i, b := range blocks {
		n += len(b.lines)
		if gaps && i > 0 && !b.tight {
			n++
		}
	}
	return n
}

func stack(blocks []block, gaps bool) fitted {
	out := fitted{x: -1, y: -1}
	for i, b := range blocks {
		if gaps && i > 0 && !b.tight {
			out.lines = append(out.lines, "")
		}
		if b.focus {
			out.x, out.y = b.col, len(out.lines)+b.line
		}
		out.lines = append(out.lines, b.lines...)
	}
	return out
}

// window cuts to h lines around the focus, or from scroll on.
func (f *fitted) window(h, scroll int) {
	n := len(f.lines)
	if n <= h {
		return
	}
	from := min(max(0, scroll), n-h)
	if f.y >= 0 {
		const context = 1 // a label above the field, a hint below it
		from = min(max(0, f.y-h+1+context), n-h)
		if f.y-context < from {
			from = max(0, f.y-context)
		}
		f.y -= from
	}
	f.above, f.below = from > 0, from+h < n
	f.lines = f.lines[from : from+h : from+h]
}
