package ui

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"
)

// offer says what can be answered, and begins with the page's first field, or with
// the one that is at fault.
func (p *linesWizard) offer(page Page) {
	fm := p.form()
	fm.sync(page)
	fm.forgetExact()
	p.first = 0
	if page.Problem != nil {
		p.first = max(0, slices.IndexFunc(page.Fields, func(f Field) bool { return f.Name == page.At }))
	}
	p.field = p.first
	for _, f := range page.Fields {
		for i, o := range f.Options {
			p.say(fmt.Sprintf("%d: %s", i+1, strings.Join(slices.DeleteFunc([]string{o.Label, o.Note, o.last()}, func(s string) bool { return s == "" }), ", ")))
		}
	}
	if p.at() == pageWaiting {
		p.say(p.remaining() + " ? says what can be done.")
		return
	}
	p.say(strings.Join(p.letters(page), " "))
	if p.waiting() {
		p.say("An empty answer goes on waiting.")
	}
}

// letters are the actions of a page; what Enter does stands in the question, where
// there is one.
func (p *linesWizard) letters(page Page) []string {
	var out []string
	for _, a := range page.actions() {
		switch {
		case a.Key != "enter":
			out = append(out, a.Key+": "+a.Words+".")
		case p.live():
			out = append(out, "An empty answer: "+a.Words+".")
		}
	}
	return out
}

// actions are those that lines have.
func (page Page) actions() []Action {
	enter, _ := page.enter()
	return slices.DeleteFunc(slices.Clone(page.Actions), func(a Action) bool {
		return a.Act.Copy != "" || a.Key != "enter" && a.Words == enter.Words
	})
}

func (page Page) byLetter(text string) (Act, bool) {
	if text == "" {
		text = "enter"
	}
	for _, a := range page.actions() {
		if strings.EqualFold(a.Key, linesLetter(text)) {
			return a.Act, true
		}
	}
	return Act{}, false
}

func (page Page) enter() (Action, bool) {
	for _, a := range page.Actions {
		if a.Key == "enter" {
			return a, true
		}
	}
	return Action{}, false
}

// asked is the field that is asked; nil: the page has none.
func (p *linesWizard) asked(page Page) *Field {
	if p.field < len(page.Fields) {
		return &page.Fields[p.field]
	}
	return nil
}

// prompt is the question, with what an empty answer takes.
func (p *linesWizard) prompt(page Page) string {
	text, taken := "Your choice", "go back"
	enter, hasEnter := page.enter()
	switch f := p.asked(page); {
	case f == nil && hasEnter:
		taken = enter.Words
	case f == nil:
	case f.Kind == FieldChoice:
		text, taken = fmt.Sprintf("Number, 1 to %d", len(f.Options)), ""
		if at := f.likeliest(); at >= 0 {
			taken = fmt.Sprintf("%d, %s", at+1, clean(f.Options[at].Label))
		}
	default:
		text, taken = f.question(p.form().value(f.Name))
	}
	if taken != "" {
		text += " [" + taken + "]"
	}
	return linesText(text) + ": "
}

func (f Field) question(value string) (text, taken string) {
	switch {
	case f.Kind == FieldSecret && value != "":
		return f.Label + ", not shown", "the one given before"
	case f.Kind == FieldSecret && f.Optional:
		return f.Label + ", not shown", "the stored one"
	case f.Kind == FieldSecret:
		return f.Label + ", not shown", ""
	case f.Optional && value != "":
		return f.Label + " (- for none)", clean(value)
	case f.Optional:
		return f.Label + " (optional)", ""
	}
	return f.Label, clean(value)
}

// likeliest is the option that an empty answer takes; -1: none.
func (f Field) likeliest() int {
	if f.Label == "" && f.Answer == "" {
		return 0
	}
	return slices.IndexFunc(f.Options, func(o Option) bool { return o.Value != "" && o.Value == f.Answer })
}

// heard does what a line says. An exact field may be answered with a single letter.
func (p *linesWizard) heard(page Page, text string) {
	f := p.asked(page)
	if f == nil || !f.Exact {
		text = strings.TrimSpace(text)
	}
	letter := linesLetter(clean(text))
	p.warned = p.warned && letter == "q"
	switch {
	case p.awaitsAddress() && p.gathers(text):
	case f != nil && f.Exact && text != "":
		p.fill(page, f, text)
	case letter == "b" || f != nil && f.Exact:
		p.backField()
	case letter == "q":
		p.quit()
	case letter == "?":
		p.help(page)
	case f == nil:
		p.act(page, letter)
	case f.Kind == FieldChoice:
		p.choose(page, f, text)
	default:
		p.fill(page, f, text)
	}
}

// act does an action by its letter. On a page without fields an empty answer does
// what Enter does, or goes back; in a wait there is nothing to go back to.
func (p *linesWizard) act(page Page, letter string) {
	act, ok := page.byLetter(letter)
	switch {
	case ok:
		p.decides = p.waiting() && p.over() && act.Event != nil
		p.do(act)
	case letter == "" && p.at() == pageWaiting:
		p.posed = false
	case letter == "":
		p.back()
	default:
		p.wrong("That is not one of the choices.", "? says what can be done.")
	}
}

func (p *linesWizard) quit() {
	if !p.losable() || p.warned {
		p.ended = true
		return
	}
	p.warned = true
	p.say(leavingWords(p.state) + " q again quits.")
}

// backField goes to the field before, and from the first out of the page.
func (p *linesWizard) backField() {
	if p.field == 0 {
		p.back()
		return
	}
	p.form().forgetExact()
	p.field--
}

// choose takes an option, by number or word, or an action by its letter.
func (p *linesWizard) choose(page Page, f *Field, text string) {
	act, ok := page.byLetter(text)
	at := slices.IndexFunc(f.Options, func(o Option) bool { return o.isCalled(text) })
	if n, err := strconv.Atoi(text); err == nil && n >= 1 && n <= len(f.Options) {
		at = n - 1
	}
	if text == "" {
		at = f.likeliest()
	}
	switch {
	case at >= 0 && f.Options[at].Act.none():
		p.say(f.Options[at].About)
		p.do(Act{Event: page.Submit(Values{f.Name: f.Options[at].Value})})
	case at >= 0:
		p.do(f.Options[at].Act)
	case ok && text != "":
		p.do(act)
	default:
		p.wrong("That is not one of the choices.", fmt.Sprintf("Give a number from 1 to %d.", len(f.Options)))
	}
}

// last is what stands after everything, but for flags, which nobody reads out.
func (o Option) last() string {
	if len(o.Last) > 3 {
		return ""
	}
	return o.Last
}

func (o Option) isCalled(text string) bool {
	return text != "" && (strings.EqualFold(text, o.Label) || strings.EqualFold(text, o.Value))
}

// fill takes the answer for a field, and submits the page after the last. An
// action's letter is one only in the field that was asked first: elsewhere it may
// be an answer.
func (p *linesWizard) fill(page Page, f *Field, text string) {
	fm := p.form()
	before := fm.value(f.Name)
	act, ok := page.byLetter(text)
	switch {
	case text == "":
		text = before
	case ok && p.field == p.first && !f.Exact:
		p.do(act)
		return
	case text == "-" && f.Optional && f.Kind == FieldText:
		text = ""
	}
	if bad := f.refused(text, p.refuse); bad != nil {
		p.wrong(bad.Summary, bad.Hint)
		return
	}
	if hint := f.hint(text); hint != f.hint(before) {
		p.say(hint)
	}
	fm.inputs[f.Name].set(text)
	if p.field++; p.field < len(page.Fields) {
		return
	}
	values := fm.values()
	p.posed = false
	if page.Refuse != nil {
		if r := page.Refuse(values); r != nil {
			p.wrong(r.Summary, r.Hint)
			return
		}
	}
	p.do(Act{Event: page.Submit(values)})
}

// linesUnmarked takes the marks of a bracketed paste off. This mode never asks
// for them, but whatever ran before may have.
func linesUnmarked(s string) string {
	return strings.NewReplacer("\x1b[200~", "", "\x1b[201~", "").Replace(s)
}

// linesLetter is a letter alone as it stands on a Latin layout; other text stays.
func linesLetter(text string) string {
	if r, size := utf8.DecodeRuneInString(text); size > 0 && size == len(text) {
		return latin(tea.KeyPressMsg{Code: r, Text: text}, false).Text
	}
	return text
}

// help says every way on, and explains the page and its field.
func (p *linesWizard) help(page Page) {
	if p.waiting() {
		p.say("Paste the address that the browser ended on, or give a letter:")
	}
	if read := counts(p.state.Watch.Counts); read != "" && p.at() == pageTable {
		p.say(read + ".")
	}
	for _, l := range slices.Concat(p.letters(page), page.Explain) {
		p.say(l)
	}
	if f := p.asked(page); f != nil {
		p.say(f.hint(p.form().value(f.Name)))
	}
	if page.Problem != nil {
		p.say(page.Problem.Details())
	}
	p.say("b alone: " + p.backWord() + ". q alone: quit. Every answer is kept.")
}

// linesKind is what a wait ended with.
type linesKind int

const (
	linesReported linesKind = iota // a task said something
	linesTicked
	linesPaused
	linesMore  // some input, no whole line yet
	linesLine  // a line of input
	linesEnded // the input ended
)

// next waits for one thing, and gives the text of a linesLine. Reports are applied
// here, whoever waits: what a task says is never late because a question is open.
// Without input it waits for the others alone.
func (p *linesWizard) next(input bool) (got linesKind, line string, _ error) {
	if p.broken != nil {
		return 0, "", p.broken
	}
	var reads <-chan linesRead
	if input {
		if text, ok := p.in.take(); ok {
			if !p.in.shows() { // the terminal did not end the question's line
				p.fresh()
			}
			p.asking = ""
			return linesLine, text, nil
		}
		if p.in.ended {
			return linesEnded, "", nil
		}
		reads = p.in.reads()
	}
	select {
	case <-p.ctx.Done():
		return 0, "", context.Cause(p.ctx)
	case r := <-p.cfg.Tasks.Events():
		p.apply(r)
		return linesReported, "", nil
	case <-p.tick:
		return linesTicked, "", nil
	case <-p.pause.C:
		return linesPaused, "", nil
	case stop := <-p.in.stops:
		p.in.stands(stop)
		p.write(p.cfg.Err, p.asking) // the shell has written over it
		return linesMore, "", nil
	case r := <-reads:
		p.in.feed(r)
		return linesMore, "", nil
	}
}
