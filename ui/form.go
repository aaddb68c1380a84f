package ui

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"charm.land/bubbles/v2/key"
	"charm.land/bubbles/v2/list"
	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"confer/flow"
)

// form is what the operator has done on a page and not submitted yet: texts, the
// option under the cursor, the field that has the focus. It outlives the page, so
// that going back and forth loses nothing.
type form struct {
	page    Page
	inputs  map[string]*input
	answers map[string]string // that the inputs were filled from
	sent    Values            // submitted last
	choice  *choice           // nil: the page has none
	focus   int               // of the fields, and of the actions after them
	refused *Refusal          // what was found wrong before anything was sent
	problem *flow.Problem     // the last one seen
	shown   bool
}

func newForm() *form { return &form{inputs: map[string]*input{}, answers: map[string]string{}} }

// sync takes the page as it is now. Answers that changed elsewhere come in; what
// was typed since stays.
func (fm *form) sync(p Page) {
	fm.page = p
	for _, f := range p.Fields {
		if f.Kind == FieldChoice {
			fm.syncChoice(f)
			continue
		}
		in := fm.inputs[f.Name]
		if in == nil {
			in = newInput()
			fm.inputs[f.Name] = in
		}
		if f.Answer != fm.answers[f.Name] {
			fm.answers[f.Name] = f.Answer
			in.set(f.Answer)
			if len(f.Answer) > longAnswer { // so that its beginning is seen
				in.CursorStart()
			}
		}
	}
	fm.focus = min(fm.focus, max(0, fm.stops()-1))
	if !fm.shown || p.Problem != nil && p.Problem != fm.problem {
		fm.focus = fm.wanting(p)
	}
	if p.Problem != fm.problem && p.Problem != nil {
		fm.refused = nil
		fm.forgetExact()
	}
	fm.problem, fm.shown = p.Problem, true
}

// longAnswer may not fit its field.
const longAnswer = 50

func (fm *form) syncChoice(f Field) {
	if fm.choice == nil {
		fm.choice = newChoice()
	}
	fm.choice.set(f.Options)
	if f.Answer != fm.answers[f.Name] || !fm.shown {
		fm.answers[f.Name] = f.Answer
		fm.choice.point(f.Answer)
	}
}

// wanting is the field that is at fault, or the first that has no answer yet.
func (fm *form) wanting(p Page) int {
	for i, f := range p.Fields {
		if f.Name == p.At && p.Problem != nil {
			return i
		}
	}
	for i, f := range p.Fields {
		if f.Kind != FieldChoice && !f.Optional && fm.value(f.Name) == "" {
			return i
		}
	}
	return 0
}

// forgetExact empties what is masked and taken as typed: a mistake in it cannot
// be seen, so it is typed anew.
func (fm *form) forgetExact() {
	for _, f := range fm.page.Fields {
		if f.Exact {
			fm.inputs[f.Name].set("")
		}
	}
}

func (fm *form) value(name string) string {
	if in := fm.inputs[name]; in != nil {
		return in.Value()
	}
	return ""
}

// lines are the actions that stand below the fields of a form, where letters are
// text.
func (fm *form) lines() []Action {
	if !fm.hasTexts() {
		return nil
	}
	return fm.page.Actions
}

func (fm *form) hasTexts() bool { return len(fm.page.Fields) > 0 && fm.choice == nil }

// stops are the places that the focus can be at.
func (fm *form) stops() int { return len(fm.page.Fields) + len(fm.lines()) }

// here is the field in focus; nil on an action, a choice or a page without any.
func (fm *form) here() *Field {
	if fm.hasTexts() && fm.focus < len(fm.page.Fields) {
		return &fm.page.Fields[fm.focus]
	}
	return nil
}

// typing tells whether letters are text now.
func (fm *form) typing() bool { return fm.here() != nil || fm.choice != nil && fm.choice.filtering() }

// update edits, and moves the focus. It tells whether the message was the form's.
func (fm *form) update(msg tea.Msg, k keyMap, refuse refuser) bool {
	if fm.choice != nil {
		return fm.choice.update(msg, k)
	}
	if !fm.hasTexts() {
		return false
	}
	press, isKey := msg.(tea.KeyPressMsg)
	switch {
	case isKey && key.Matches(press, k.next):
		fm.focus = (fm.focus + 1) % fm.stops()
	case isKey && key.Matches(press, k.prev):
		fm.focus = (fm.focus - 1 + fm.stops()) % fm.stops()
	case fm.here() != nil:
		in := fm.inputs[fm.here().Name]
		before := in.Value()
		in.update(msg)
		if in.Value() != before {
			fm.refused = nil
			if p := refuse(*fm.here(), in.Value()); p != nil {
				fm.refused = &Refusal{fm.here().Name, p}
			}
		}
		return true
	default:
		return false
	}
	if !isMisplaced(fm.refused) {
		fm.refused = nil
	}
	return true
}

// refuser is misplaced, with what it has to know.
type refuser func(f Field, text string) *flow.Problem

// enter goes to the next field that wants something, and gives the answers when
// none does. It refuses what is wrong in words, under its field.
func (fm *form) enter(refuse refuser) (Values, bool) {
	fields := fm.page.Fields
	for i := 1; i <= len(fields); i++ {
		at := (fm.focus + i) % len(fields)
		if !fm.empty(at) {
			continue
		}
		if fm.empty(fm.focus) {
			at = fm.focus
		}
		if at <= fm.focus {
			fm.refused = &Refusal{fields[at].Name, fields[at].missing()}
		}
		fm.focus = at
		return nil, false
	}
	values := Values{}
	for i, f := range fields {
		values[f.Name] = fm.value(f.Name)
		p := refuse(f, values[f.Name])
		if p == nil {
			p = f.check(values[f.Name])
		}
		if p != nil {
			fm.refused, fm.focus = &Refusal{f.Name, p}, i
			return nil, false
		}
	}
	if fm.page.Refuse != nil {
		if r := fm.page.Refuse(values); r != nil {
			fm.refused, fm.focus = r, 0
			fm.forgetExact()
			return nil, false
		}
	}
	fm.sent = values
	return values, true
}

func (fm *form) empty(at int) bool {
	f := fm.page.Fields[at]
	return !f.Optional && fm.value(f.Name) == ""
}

// choice is a short list, drawn and filtered by Bubbles' list. Its own lines of
// title, filter, status, pages and help are off: the page has them.
type choice struct {
	list.Model
	options []Option
	draw    *rowDrawer
}

// Option is an item of Bubbles' list.

// FilterValue implements list.Item.
func (o Option) FilterValue() string { return o.Label + " " + o.Note }

// rowDrawer draws a row in one line, cut to its width: the list's own delegate
// draws more than its size.
type rowDrawer struct {
	st     styles
	w      int
	widths [3]int
}

// Height implements list.ItemDelegate.
func (*rowDrawer) Height() int { return 1 }

// Spacing implements list.ItemDelegate.
func (*rowDrawer) Spacing() int { return 0 }

// Update implements list.ItemDelegate.
func (*rowDrawer) Update(tea.Msg, *list.Model) tea.Cmd { return nil }

// Render implements list.ItemDelegate.
func (d *rowDrawer) Render(w io.Writer, m list.Model, index int, item list.Item) {
	o, _ := item.(Option)
	sign, label := "  ", d.st.plain
	if index == m.Index() {
		sign, label = d.st.accent.Render(signCursor)+" ", d.st.accent.Bold(true)
	}
	row, gap, at := sign+label.Render(cutTo(o.Label, d.w-2)), strings.Repeat(" ", choiceGap), 2+d.widths[0]
	if d.widths[1] > 0 && o.Note != "" {
		row = pad(row, at) + gap + d.st.muted.Render(o.Note)
		at += choiceGap + d.widths[1]
	}
	if d.widths[2] > 0 && o.Last != "" {
		row = pad(row, at) + gap + o.Last
	}
	fmt.Fprint(w, row)
}

// choiceGap is the room between a label and what stands beside it.
const choiceGap = 3

func newChoice() *choice {
	c := &choice{draw: &rowDrawer{st: newStyles(neutralPalette())}}
	c.Model = list.New(nil, c.draw, 0, 0)
	c.SetShowTitle(false)
	c.SetShowFilter(false)
	c.SetShowStatusBar(false)
	c.SetShowPagination(false)
	c.SetShowHelp(false)
	c.DisableQuitKeybindings()
	c.InfiniteScrolling = true
	c.FilterInput.SetVirtualCursor(false)
	c.FilterInput.KeyMap.Paste.SetEnabled(false)
	c.FilterInput.CharLimit = 0
	c.Filter = func(term string, targets []string) []list.Rank { // what holds the text, in the order of the page
		var out []list.Rank
		for i, t := range targets {
			if strings.Contains(strings.ToLower(t), strings.ToLower(strings.TrimSpace(term))) {
				out = append(out, list.Rank{Index: i})
			}
		}
		return out
	}
	return c
}

// set takes other options and keeps the cursor's place if it can.
func (c *choice) set(options []Option) {
	c.options = options
	items := make([]list.Item, len(options))
	for i, o := range options {
		items[i] = o
	}
	at := c.Index()
	c.SetSize(c.draw.w, max(1, len(items)))
	c.refilter(items)
	c.Select(min(at, max(0, len(c.VisibleItems())-1)))
}

// refilter filters at once. The list filters in commands without numbers, and an
// older one may come last and win; their results are not taken.
func (c *choice) refilter(items []list.Item) {
	if cmd := c.SetItems(items); cmd != nil {
		c.Model, _ = c.Update(cmd())
	}
}

func (c *choice) filtering() bool { return c.SettingFilter() }

// point moves the cursor to the option with a value.
func (c *choice) point(value string) {
	for i, o := range c.options {
		if o.Value == value && value != "" {
			c.leaveFilter()
			c.Select(i)
		}
	}
}

// chosen is the option under the cursor; false if none matches the filter.
func (c *choice) chosen() (Option, bool) {
	o, ok := c.SelectedItem().(Option)
	return o, ok
}

// leaveFilter ends filtering on the option under the cursor.
func (c *choice) leaveFilter() {
	at := c.GlobalIndex()
	if c.filtering() {
		c.ResetFilter()
		c.Select(at)
	}
}

// update moves and filters. No other key comes to the list: those that leave it
// are the page's.
func (c *choice) update(msg tea.Msg, k keyMap) bool {
	press, isKey := msg.(tea.KeyPressMsg)
	switch {
	case c.filtering() && isKey && key.Matches(press, k.leaveFilter):
		c.leaveFilter()
	case c.filtering() && isKey && press.Code == tea.KeyUp:
		c.CursorUp()
	case c.filtering() && isKey && press.Code == tea.KeyDown:
		c.CursorDown()
	case c.filtering() && isKey && key.Matches(press, k.submit):
		return false
	case c.filtering():
		if paste, ok := msg.(tea.PasteMsg); ok {
			msg = tea.PasteMsg{Content: clean(strings.TrimSpace(paste.Content))}
		} else if !isKey {
			return false
		}
		c.Model, _ = c.Update(msg)
		c.refilter(c.Items())
	case isKey && key.Matches(press, k.digit):
		if n, _ := strconv.Atoi(press.String()); n <= len(c.options) {
			c.Select(n - 1)
		}
	case isKey && key.Matches(press, c.KeyMap.CursorUp, c.KeyMap.CursorDown, c.KeyMap.GoToStart, c.KeyMap.GoToEnd, c.KeyMap.Filter):
		c.Model, _ = c.Update(msg)
	default:
		return false
	}
	return true
}

// rows are the lines of the list, and the one under the cursor.
func (c *choice) rows(f frame) (lines []string, at int) {
	n := len(c.VisibleItems())
	if n == 0 {
		return []string{f.st.muted.Render("  Nothing matches.")}, 0
	}
	c.draw.st, c.draw.w, c.draw.widths = f.st, f.w, optionWidths(c.options, f.w)
	c.SetSize(f.w, n)
	return strings.Split(c.View(), "\n"), c.Index()
}

// optionWidths are those of the columns. A column that does not fit whole is left
// out: half a sentence is worse than none.
func optionWidths(options []Option, w int) [3]int {
	var out [3]int
	for _, o := range options {
		for i, s := range []string{o.Label, o.Note, o.Last} {
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

// errMisplaced says that an answer is a secret and its field is for something else.
var errMisplaced = errors.New("a secret in another field")

// misplaced refuses what looks like a secret in a field that shows what is typed,
// and whose answer is written down. typed are those that stand in other fields.
func misplaced(f Field, text string, s flow.State, typed []string) *flow.Problem {
	if f.Kind != FieldText || text == "" {
		return nil
	}
	bad := s.CheckNoSecret(text)
	for _, secret := range typed {
		s.Answers.ClientSecret = Values{"": secret}.Secret("")
		if bad == nil {
			bad = s.CheckNoSecret(text)
		}
	}
	if bad == nil && f.Shy {
		bad = f.check(text)
	}
	if bad == nil {
		return nil
	}
	return &flow.Problem{Summary: bad.Summary, Hint: bad.Hint, Code: bad.Code, Err: errMisplaced}
}

// check is the field's own, after what holds for all.
func (f Field) check(text string) *flow.Problem {
	if len(text) > maxEntry && f.Name != fieldAddress {
		return &flow.Problem{Summary: "That is too long for the " + f.called() + ".", Hint: "Paste it again, alone."}
	}
	if f.Check == nil {
		return nil
	}
	return f.Check(text)
}

// missing says what an empty field wants.
func (f Field) missing() *flow.Problem {
	if p := f.check(""); p != nil {
		return p
	}
	return &flow.Problem{Summary: "The " + f.called() + " is missing."}
}

// maxEntry bounds an answer, in bytes: a URL may be long.
const maxEntry = 2048
