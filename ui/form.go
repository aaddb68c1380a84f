package ui

import (
	"slices"
	"strings"

	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"confer/cronofy"
	"confer/flow"
)

// form is what the operator has done on a page and not submitted yet: texts, the
// option under the cursor, the field that has the focus. It outlives the page, so
// that going back and forth loses nothing.
type form struct {
	page    Page
	inputs  map[string]*input
	answers map[string]string // that the inputs were filled from
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
		fm.choice = &choice{}
	}
	fm.choice.options = f.Options
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

func (fm *form) typing() bool { return fm.here() != nil || fm.choice != nil && fm.choice.filtering() }

func (fm *form) turn(k tea.KeyPressMsg) tea.Cmd {
	by := 1
	if name := k.String(); name == "up" || name == "shift+tab" {
		by = fm.stops() - 1
	}
	fm.focus, fm.refused = (fm.focus+by)%fm.stops(), nil
	return nil
}

func (fm *form) edit(msg tea.Msg) {
	switch {
	case fm.choice != nil && fm.choice.filtering():
		fm.choice.filter.update(msg)
	case fm.here() != nil:
		in := fm.inputs[fm.here().Name]
		before := in.Value()
		in.update(msg)
		if in.Value() != before {
			fm.refused = nil
		}
	}
}

// refuser finds a secret in a field that shows what is typed, and whose answer is
// written down.
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
	for i, f := range fields {
		if p := f.refused(fm.value(f.Name), refuse); p != nil {
			fm.refused, fm.focus = &Refusal{f.Name, p}, i
			return nil, false
		}
	}
	values := fm.values()
	if fm.page.Refuse != nil {
		if r := fm.page.Refuse(values); r != nil {
			fm.refused, fm.focus = r, 0
			fm.forgetExact()
			return nil, false
		}
	}
	return values, true
}

func (fm *form) values() Values {
	values := Values{}
	for _, f := range fm.page.Fields {
		values[f.Name] = fm.value(f.Name)
	}
	return values
}

func (fm *form) empty(at int) bool {
	f := fm.page.Fields[at]
	return !f.Optional && fm.value(f.Name) == ""
}

// choice is a short list with a filter. It is made by hand: Bubbles' list answers a
// filter late, so that Enter may take what the filter excludes. With that put right,
// and its title, status, pages and help off, it takes more code than this.
type choice struct {
	options []Option
	filter  *input // nil: all are shown
	cursor  int    // in options: of a filter that is left, it is there again
}

// shown are the options that hold the filter's text, in the order of the page.
func (c *choice) shown() []int {
	var out []int
	for i, o := range c.options {
		text := strings.ToLower(o.Label + " " + o.Note)
		if c.filter == nil || strings.Contains(text, strings.ToLower(strings.TrimSpace(c.filter.Value()))) {
			out = append(out, i)
		}
	}
	return out
}

func (c *choice) filtering() bool { return c.filter != nil }

// line is where the cursor is drawn: on the first line if the filter hides its option.
func (c *choice) line() int { return max(0, slices.Index(c.shown(), c.cursor)) }

func (c *choice) move(line int) {
	if shown := c.shown(); len(shown) > 0 {
		c.cursor = shown[max(0, min(line, len(shown)-1))]
	}
}

// turn moves the cursor by one, from one end to the other.
func (c *choice) turn(by int) {
	if n := len(c.shown()); n > 0 {
		c.move((c.line() + by + n) % n)
	}
}

func (c *choice) point(value string) {
	if at := slices.IndexFunc(c.options, func(o Option) bool { return o.Value == value && value != "" }); at >= 0 {
		c.filter, c.cursor = nil, at
	}
}

// chosen is the option under the cursor; false if none matches the filter.
func (c *choice) chosen() (Option, bool) {
	shown := c.shown()
	if len(shown) == 0 {
		return Option{}, false
	}
	return c.options[shown[c.line()]], true
}

// leaveFilter ends filtering on the option that the cursor is drawn on; where none
// matches, on the one from before.
func (c *choice) leaveFilter() {
	c.move(c.line())
	c.filter = nil
}

// choiceGap is the room between a label and what stands beside it.
const choiceGap = 3

func (c *choice) rows(f frame) []string {
	var out []string
	widths := optionWidths(c.options, f.w)
	for i, at := range c.shown() {
		sign, label := "  ", f.st.plain
		if i == c.line() {
			sign, label = f.st.accent.Render(signCursor)+" ", f.st.accent.Bold(true)
		}
		out = append(out, sign+c.options[at].row(f, label, widths))
	}
	if len(out) == 0 {
		return []string{f.st.muted.Render("  Nothing matches.")}
	}
	return out
}

// row is an option on one line, cut to its width.
func (o Option) row(f frame, label lipgloss.Style, widths [3]int) string {
	row, gap, at := label.Render(cutTo(o.Label, f.w-2)), strings.Repeat(" ", choiceGap), widths[0]
	if widths[1] > 0 && o.Note != "" {
		row = pad(row, at) + gap + f.st.muted.Render(o.Note)
		at += choiceGap + widths[1]
	}
	if widths[2] > 0 && o.Last != "" {
		row = pad(row, at) + gap + o.Last
	}
	return row
}

// optionWidths are those of the columns. A column that does not fit whole is left
// out: half a sentence is worse than none.
func optionWidths(options []Option, w int) [3]int {
	var out [3]int
	for _, o := range options {
		for i, s := range []string{o.Label, o.Note, o.Last} {
			out[i] = max(out[i], visible(s))
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

func (f Field) refused(text string, refuse refuser) *flow.Problem {
	if p := refuse(f, text); p != nil {
		return p
	}
	if text == "" && !f.Optional {
		return f.missing()
	}
	return f.check(text)
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

func (f Field) missing() *flow.Problem {
	if p := f.check(""); p != nil {
		return p
	}
	return &flow.Problem{Summary: "The " + f.called() + " is missing."}
}

// maxEntry bounds an answer, in bytes: a URL may be long.
const maxEntry = 2048

// mask stands for each character of a secret.
const mask = "•"

// maxPaste is how long an answer may be, in bytes. One more is kept, so that a
// longer one is refused and never cut to one that looks whole.
const maxPaste = 16 << 10

// input is one line of text that is being edited. Bubbles' textinput edits; the
// line is drawn here, because with the terminal's own cursor textinput puts it
// in the wrong cell of a text that is longer than its field or has wide
// characters (it counts runes from the text's beginning).
type input struct{ textinput.Model }

func newInput() *input {
	in := &input{textinput.New()}
	in.SetVirtualCursor(false)
	in.Focus()
	in.KeyMap.Paste.SetEnabled(false) // it would run a program; a paste comes from the terminal
	in.KeyMap.AcceptSuggestion.SetEnabled(false)
	in.KeyMap.NextSuggestion.SetEnabled(false)
	in.KeyMap.PrevSuggestion.SetEnabled(false)
	return in
}

func (in *input) set(s string) {
	in.SetValue(cronofy.CleanText(s, maxPaste+1))
	in.CursorEnd()
}

// update edits. A paste is trimmed, on one line and without control characters.
func (in *input) update(msg tea.Msg) {
	switch m := msg.(type) {
	case tea.PasteMsg:
		msg = tea.PasteMsg{Content: cronofy.CleanText(strings.TrimSpace(m.Content), maxPaste+1)}
	case tea.KeyPressMsg:
		m.Text = cronofy.CleanText(m.Text, maxPaste)
		msg = m
	}
	in.Model, _ = in.Update(msg)
}

// view gives the part of the text around the cursor that fits w cells, and the
// cursor's cell in it. What is left out is marked.
func (in *input) view(w int, secret bool) (text string, x int) {
	shown := []rune(in.Value())
	if secret {
		shown = []rune(strings.Repeat(mask, len(shown)))
	}
	at := in.Position()
	before := visible(string(shown[:at]))
	if before+visible(string(shown[at:])) < w {
		return string(shown), before
	}
	from, head := at, ""
	for room := w * 3 / 4; from > 0; from-- {
		if room -= visible(string(shown[from-1])); room < 0 {
			head = "…"
			break
		}
	}
	text = ansi.Truncate(head+string(shown[from:]), max(1, w-1), "…")
	return text, min(w, visible(head+string(shown[from:at])))
}

// whole is the text from its start, for a field without the focus.
func (in *input) whole(w int, secret bool) string {
	if secret {
		return cutTo(strings.Repeat(mask, len([]rune(in.Value()))), w)
	}
	return cutTo(in.Value(), w)
}
