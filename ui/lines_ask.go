package ui

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"
)

// question asks what a page asks, and gives what the answer does.
func (p *linesWizard) question(page Page) (Act, error) {
	if len(page.Fields) == 0 || page.Fields[0].Kind == FieldChoice {
		return p.choose(page)
	}
	values, act, err := p.fill(page)
	if err != nil || !act.none() {
		return act, err
	}
	return Act{Event: page.Submit(values)}, nil
}

// actions are those that lines have.
func (page Page) actions() []Action {
	enter, _ := page.enter()
	return slices.DeleteFunc(slices.Clone(page.Actions), func(a Action) bool {
		return a.Act.Copy != "" || a.Key != "enter" && a.Words == enter.Words
	})
}

// letters says the actions of a page, but for Enter's.
func (p *linesWizard) letters(page Page) {
	var parts []string
	for _, a := range page.actions() {
		if a.Key != "enter" {
			parts = append(parts, a.Key+": "+a.Words+".")
		}
	}
	p.say(strings.Join(parts, " "))
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

// choose has an option chosen, by number or word, or an action by its letter. On a
// page without options an empty answer does what Enter does, or goes back.
func (p *linesWizard) choose(page Page) (Act, error) {
	q := linesQuestion{text: "Your choice", shown: "go back", page: page}
	if a, ok := page.enter(); ok {
		q.shown = a.Words
	}
	hint := "Give one of the letters, or an empty answer to " + q.shown + "."
	var f Field
	if len(page.Fields) > 0 {
		f = page.Fields[0]
		q.text, q.shown = fmt.Sprintf("Number, 1 to %d", len(f.Options)), ""
		hint = fmt.Sprintf("Give a number from 1 to %d.", len(f.Options))
	}
	for i, o := range f.Options {
		p.say(fmt.Sprintf("%d: %s", i+1, strings.Join(slices.DeleteFunc([]string{o.Label, o.Note, o.last()}, func(s string) bool { return s == "" }), ", ")))
		if o.Value != "" && o.Value == f.Answer || f.Label == "" && f.Answer == "" && i == 0 {
			q.def = strconv.Itoa(i + 1)
			q.shown = q.def + ", " + clean(o.Label)
		}
	}
	p.letters(page)
	for {
		text, err := p.line(q)
		if err != nil {
			return Act{}, err
		}
		at := slices.IndexFunc(f.Options, func(o Option) bool { return o.isCalled(text) })
		if n, err := strconv.Atoi(text); err == nil && n >= 1 && n <= len(f.Options) {
			at = n - 1
		}
		act, ok := page.byLetter(text)
		switch {
		case at >= 0 && f.Options[at].Act.none():
			p.say(f.Options[at].About)
			return Act{Event: page.Submit(Values{f.Name: f.Options[at].Value})}, nil
		case at >= 0:
			return f.Options[at].Act, nil
		case ok && (text != "" || len(f.Options) == 0):
			return act, nil
		case text == "" && len(f.Options) == 0:
			return Act{Open: back}, nil
		}
		p.wrong("That is not one of the choices.", hint)
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

// fill asks the fields, from the one that is at fault. Back goes to the field
// before, and from the first out of the page. An action's letter is one only in
// the first field: elsewhere it may be an answer.
func (p *linesWizard) fill(page Page) (Values, Act, error) {
	p.letters(page)
	fm, first := p.form(), 0
	fm.sync(page)
	if page.Problem != nil {
		first = max(0, slices.IndexFunc(page.Fields, func(f Field) bool { return f.Name == page.At }))
	}
	for at := first; at < len(page.Fields); {
		f := page.Fields[at]
		before := fm.value(f.Name)
		text, err := p.line(p.fieldQuestion(page, f, before))
		if err != nil {
			fm.forgetExact()
		}
		switch {
		case errors.Is(err, errLinesBack) && at > 0:
			at--
			continue
		case err != nil:
			return nil, Act{}, err
		}
		if act, ok := page.byLetter(text); ok && text != "" && at == first && !f.Exact {
			return nil, act, nil
		}
		if text == "-" && f.Optional && f.Kind == FieldText {
			text = ""
		}
		if bad := f.refused(text, p.refuse); bad != nil {
			p.wrong(bad.Summary, bad.Hint)
			continue
		}
		if hint := f.hint(text); hint != f.hint(before) {
			p.say(hint)
		}
		fm.inputs[f.Name].set(text)
		at++
	}
	values := fm.values()
	fm.forgetExact()
	if page.Refuse != nil {
		if r := page.Refuse(values); r != nil {
			p.wrong(r.Summary, r.Hint)
			return p.fill(page)
		}
	}
	return values, Act{}, nil
}

func (p *linesWizard) fieldQuestion(page Page, f Field, value string) linesQuestion {
	q := linesQuestion{text: f.Label, def: value, page: page, field: f}
	switch {
	case f.Kind == FieldSecret:
		q.text += ", not shown"
		switch {
		case value != "":
			q.shown = "the one given before"
		case f.Optional:
			q.shown = "the stored one"
		}
	case f.Optional && value != "":
		q.text += " (- for none)"
	case f.Optional:
		q.text += " (optional)"
	}
	return q
}

// linesQuestion is one line to be answered.
type linesQuestion struct {
	text  string
	def   string // what an empty answer takes; "": nothing
	shown string // how the default is named, where it is not shown as it is
	page  Page   // that ? explains
	field Field  // and its field. An exact one may be a single letter; empty goes back
}

// hidden tells whether the answer is not shown while it is typed.
func (q linesQuestion) hidden() bool { return q.field.Kind == FieldSecret }

func (q linesQuestion) prompt() string {
	shown := q.shown
	if shown == "" && !q.hidden() {
		shown = clean(q.def)
	}
	if shown != "" {
		shown = " [" + shown + "]"
	}
	return linesText(q.text+shown) + ": "
}

// line asks until there is an answer, or a way out of the question.
func (p *linesWizard) line(q linesQuestion) (string, error) {
	for {
		text, err := p.answer(q)
		if err != nil {
			return "", err
		}
		text = linesUnmarked(text)
		switch {
		case q.field.Exact && text == "":
			return "", errLinesBack
		case q.field.Exact:
			return text, nil
		}
		text = strings.TrimSpace(text)
		switch linesLetter(text) {
		case "b":
			return "", errLinesBack
		case "q":
			return "", errLinesQuit
		case "?":
			p.help(q)
		case "":
			return q.def, nil
		default:
			return text, nil
		}
	}
}

// answer reads one line. What is secret is hidden before the question is seen. It
// ends when a report has brought another page.
func (p *linesWizard) answer(q linesQuestion) (string, error) {
	if q.hidden() {
		if err := p.in.set(linesHidden); err != nil {
			return "", fmt.Errorf("hide what is typed: %w", err)
		}
		defer func() { _ = p.in.set(linesCooked) }()
	}
	p.fresh()
	p.write(p.cfg.Err, q.prompt())
	p.asking, p.prompted = true, q.prompt()
	asked := p.at()
	for {
		got, text, err := p.next(true, nil)
		switch {
		case err != nil:
			return "", err
		case p.at() != asked:
			return "", errLinesMoved
		case got == linesEnded:
			return "", errLinesEnded
		case got == linesLine:
			if !p.in.shows() { // the terminal did not end the question's line
				p.fresh()
			}
			p.asking = false
			return text, nil
		}
	}
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

// help explains the page and the field.
func (p *linesWizard) help(q linesQuestion) {
	for _, l := range q.page.Explain {
		p.say(l)
	}
	p.say(q.field.hint(q.def))
	if q.page.Problem != nil {
		p.say(q.page.Problem.Details())
	}
	p.say("An empty answer takes the one in brackets. b alone goes back and keeps every answer. q alone quits, and so does ctrl+c.")
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
// Without input it waits for the others alone; a nil tick is not waited for.
func (p *linesWizard) next(input bool, tick <-chan time.Time) (got linesKind, line string, _ error) {
	if p.broken != nil {
		return 0, "", p.broken
	}
	var reads <-chan linesRead
	if input {
		if text, ok := p.in.take(); ok {
			return linesLine, text, nil
		}
		if p.in.ended {
			return linesEnded, "", nil
		}
		reads = p.in.read()
	}
	select {
	case <-p.ctx.Done():
		return 0, "", context.Cause(p.ctx)
	case r := <-p.cfg.Tasks.Events():
		p.apply(r)
		return linesReported, "", nil
	case <-tick:
		return linesTicked, "", nil
	case <-p.pause.C:
		return linesPaused, "", nil
	case <-p.in.terminal.resumed():
		if p.asking { // the shell has written over it
			p.write(p.cfg.Err, p.prompted)
		}
		return linesMore, "", nil
	case r := <-reads:
		p.in.feed(r)
		if text, ok := p.in.take(); ok {
			return linesLine, text, nil
		}
		return linesMore, "", nil
	}
}
