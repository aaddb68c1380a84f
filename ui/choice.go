package ui

import (
	"strconv"
	"strings"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
)

// option is one line to choose.
type option struct {
	label string
	note  string // beside the label, muted
	last  string // after everything: what terminals measure differently
}

// choice is a short list with a cursor. `/` filters it as one types.
type choice struct {
	options   []option
	visible   []int // indexes of options that match
	cursor    int   // in visible
	filter    input
	filtering bool
}

func newChoice(options ...option) choice {
	c := choice{filter: newInput(64)}
	c.reset(options)
	return c
}

// reset takes other options and keeps the cursor's place if it can.
func (c *choice) reset(options []option) {
	c.options = options
	c.match()
}

func (c *choice) match() {
	want := strings.ToLower(strings.TrimSpace(c.filter.value()))
	c.visible = nil
	for i, o := range c.options {
		if !c.filtering || strings.Contains(strings.ToLower(o.label+" "+o.note), want) {
			c.visible = append(c.visible, i)
		}
	}
	c.cursor = max(0, min(c.cursor, len(c.visible)-1))
}

// chosen is the index of the option under the cursor; false if none matches.
func (c *choice) chosen() (int, bool) {
	if len(c.visible) == 0 {
		return 0, false
	}
	return c.visible[c.cursor], true
}

// point moves the cursor to an option.
func (c *choice) point(option int) {
	for i, o := range c.visible {
		if o == option {
			c.cursor = i
		}
	}
}

// update moves and filters; it tells whether the message was the list's.
func (c *choice) update(msg tea.Msg, k keyMap) bool {
	switch msg := msg.(type) {
	case tea.PasteMsg:
		if c.filtering {
			c.filter.paste(msg.Content)
			c.match()
		}
		return c.filtering
	case tea.KeyPressMsg:
		if c.filtering {
			return c.pressFiltering(msg, k)
		}
		return c.press(msg, k)
	}
	return false
}

func (c *choice) press(msg tea.KeyPressMsg, k keyMap) bool {
	switch {
	case key.Matches(msg, k.up):
		c.move(-1)
	case key.Matches(msg, k.down):
		c.move(1)
	case key.Matches(msg, k.home):
		c.cursor = 0
	case key.Matches(msg, k.end):
		c.cursor = max(0, len(c.visible)-1)
	case key.Matches(msg, k.digit):
		if n, _ := strconv.Atoi(msg.String()); n <= len(c.visible) {
			c.cursor = n - 1
		}
	case key.Matches(msg, k.filter):
		c.filtering = true
	default:
		return false
	}
	return true
}

func (c *choice) pressFiltering(msg tea.KeyPressMsg, k keyMap) bool {
	switch {
	case key.Matches(msg, k.leaveFilter):
		at, ok := c.chosen()
		c.filtering = false
		c.filter.set("")
		c.match()
		if ok {
			c.point(at)
		}
	case msg.String() == "up":
		c.move(-1)
	case msg.String() == "down":
		c.move(1)
	case key.Matches(msg, k.submit):
		return false
	default:
		if c.filter.press(msg) {
			c.match()
		}
	}
	return true
}

func (c *choice) move(by int) {
	if n := len(c.visible); n > 0 {
		c.cursor = (c.cursor + by + n) % n
	}
}

// leave ends filtering when an option was taken.
func (c *choice) leave() {
	if c.filtering {
		at, _ := c.chosen()
		c.filtering = false
		c.filter.set("")
		c.match()
		c.point(at)
	}
}

// enter is the key that takes the option under the cursor.
func (c *choice) enter(k keyMap) key.Binding { return when(len(c.visible) > 0, k.submit) }

func (c *choice) bindings(k keyMap) []key.Binding {
	if c.filtering {
		return []key.Binding{when(len(c.visible) > 1, bind("↑/↓", "choose", "up", "down")), k.leaveFilter}
	}
	digits := min(9, len(c.options))
	digit := bind("1-"+strconv.Itoa(digits), "choose by number", k.digit.Keys()[:max(1, digits)]...)
	return []key.Binding{bind("↑/↓", "choose", "up", "down", "k", "j"), k.filter, when(len(c.options) > 1, digit),
		bind("home/end", "first, last", "home", "end", "g", "G")}
}

// view draws the filter, if it is open, and the options.
func (c *choice) view(f frame) []block {
	var out []block
	if c.filtering {
		text, x := c.filter.view(f.w-4, false)
		out = append(out, block{lines: []string{f.st.accent.Render("/ ") + text}, col: x + 2, focus: true})
	}
	b := block{col: -1, tight: c.filtering, focus: !c.filtering, line: c.cursor}
	widths := c.widths(f.w)
	for i, at := range c.visible {
		b.lines = append(b.lines, c.row(f, c.options[at], i == c.cursor, widths))
	}
	if len(c.visible) == 0 {
		b.lines = []string{f.st.muted.Render("  Nothing matches.")}
	}
	return append(out, b)
}

// choiceGap is the room between a label and what stands beside it.
const choiceGap = 3

// widths of the label's and the note's column. A column that does not fit whole
// is left out: half a sentence is worse than none. 0: left out.
func (c *choice) widths(w int) [3]int {
	var out [3]int
	for _, o := range c.options {
		for i, s := range []string{o.label, o.note, o.last} {
			out[i] = max(out[i], ansi.StringWidth(s))
		}
	}
	if out[2] > 0 && 2+out[0]+choiceGap+out[2] > w {
		out[2] = 0
	}
	if 2+out[0]+choiceGap+out[1]+btoi(out[2] > 0)*(choiceGap+out[2]) > w {
		out[1] = 0
	}
	return out
}

func (c *choice) row(f frame, o option, here bool, widths [3]int) string {
	sign, label := "  ", f.st.plain
	if here {
		sign, label = f.st.accent.Render(signCursor)+" ", f.st.accent.Bold(true)
	}
	row, gap := sign+label.Render(cutTo(o.label, f.w-2)), strings.Repeat(" ", choiceGap)
	at := 2 + widths[0]
	if widths[1] > 0 && o.note != "" {
		row = pad(row, at) + gap + f.st.muted.Render(o.note)
		at += choiceGap + widths[1]
	}
	if widths[2] > 0 && o.last != "" {
		row = pad(row, at) + gap + o.last
	}
	return row
}
