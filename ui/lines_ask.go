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

	"confer/flow"
)

// question asks what a page asks, and gives what the answer does.
func (p *linesWizard) question(page Page) (Act, error) {
	switch {
	case len(page.Fields) == 0:
		return p.action(page)
	case page.Fields[0].Kind == FieldChoice:
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

// action has one of the actions chosen. Without one for it, an empty answer goes
// back to the page below.
func (p *linesWizard) action(page Page) (Act, error) {
	p.letters(page)
	does := "go back"
	if a, ok := page.enter(); ok {
		does = a.Words
	}
	for {
		text, err := p.line(linesQuestion{text: "Your choice", shown: does, page: page})
		if err != nil {
			return Act{}, err
		}
		if act, ok := page.byLetter(text); ok {
			return act, nil
		}
		if text == "" {
			return Act{Open: back}, nil
		}
		p.wrong("That is not one of the choices.", "Give one of the letters, or an empty answer to "+does+".")
	}
}

func (page Page) enter() (Action, bool) {
	for _, a := range page.Actions {
		if a.Key == "enter" {
			return a, true
		}
	}
	return Action{}, false
}

// choose has an option chosen, by number or word, or an action by its letter.
func (p *linesWizard) choose(page Page) (Act, error) {
	f := page.Fields[0]
	def := -1
	for i, o := range f.Options {
		p.say(fmt.Sprintf("%d: %s", i+1, strings.Join(slices.DeleteFunc([]string{o.Label, o.Note, o.last()}, func(s string) bool { return s == "" }), ", ")))
		if o.Value != "" && o.Value == f.Answer {
			def = i
		}
	}
	if def < 0 && f.Answer == "" && p.state.Step >= flow.StepAuthorize { // a choice of what to do next, and not an answer
		def = 0
	}
	p.letters(page)
	q := linesQuestion{text: fmt.Sprintf("Number, 1 to %d", len(f.Options)), page: page}
	if def >= 0 {
		q.def = strconv.Itoa(def + 1)
		q.shown = q.def + ", " + clean(f.Options[def].Label)
	}
	for {
		text, err := p.line(q)
		if err != nil {
			return Act{}, err
		}
		at := slices.IndexFunc(f.Options, func(o Option) bool { return o.isCalled(text) })
		if n, err := strconv.Atoi(text); err == nil && n >= 1 && n <= len(f.Options) {
			at = n - 1
		}
		if at < 0 {
			if act, ok := page.byLetter(text); ok && text != "" {
				return act, nil
			}
			p.wrong("That is not one of the choices.", fmt.Sprintf("Give a number from 1 to %d.", len(f.Options)))
			continue
		}
		o := f.Options[at]
		p.say(o.About)
		if !o.Act.none() {
			return o.Act, nil
		}
		return Act{Event: page.Submit(Values{f.Name: o.Value})}, nil
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
	return text != "" && slices.ContainsFunc(append([]string{o.Label, o.Value}, o.Words...), func(w string) bool { return strings.EqualFold(w, text) })
}

// fill asks the fields, from the one that is at fault. Back goes to the field
// before, and from the first out of the page. An action's letter is one only in
// the first field: elsewhere it may be an answer.
func (p *linesWizard) fill(page Page) (Values, Act, error) {
	p.letters(page)
	drafts := p.drafts[p.at()]
	if drafts == nil {
		drafts = Values{}
		p.drafts[p.at()] = drafts
	}
	at := 0
	for i, f := range page.Fields {
		if old, ok := drafts[f.Name+seenSuffix]; !ok || old != f.Answer {
			drafts[f.Name], drafts[f.Name+seenSuffix] = f.Answer, f.Answer
		}
		if page.Problem != nil && f.Name == page.At {
			at = i
		}
	}
	first := at
	for at < len(page.Fields) {
		f := page.Fields[at]
		text, err := p.line(p.fieldQuestion(page, f, drafts[f.Name]))
		switch {
		case errors.Is(err, errPlainBack) && at > 0:
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
		if bad := p.refusal(f, text); bad != nil {
			p.wrong(bad.Summary, bad.Hint)
			continue
		}
		if hint := f.hint(text); hint != "" && hint != f.hint(drafts[f.Name]) {
			p.say(hint)
		}
		drafts[f.Name] = text
		at++
	}
	values := Values{}
	for _, f := range page.Fields {
		values[f.Name], drafts[f.Name+seenSuffix] = drafts[f.Name], drafts[f.Name]
		if f.Exact {
			delete(drafts, f.Name)
			delete(drafts, f.Name+seenSuffix)
		}
	}
	if page.Refuse != nil {
		if r := page.Refuse(values); r != nil {
			p.wrong(r.Summary, r.Hint)
			return p.fill(page)
		}
	}
	return values, Act{}, nil
}

// seenSuffix names the answer that a draft was made from.
const seenSuffix = "\x00seen"

func (p *linesWizard) refusal(f Field, text string) *flow.Problem {
	if bad := misplaced(f, text, p.state, p.typed()); bad != nil {
		return bad
	}
	if text == "" && !f.Optional {
		return f.missing()
	}
	if text == "" {
		return nil
	}
	return f.check(text)
}

// typed are the secrets that were typed: they must not be answers elsewhere.
func (p *linesWizard) typed() []string {
	var out []string
	for _, secret := range []string{p.drafts[pageApplication][fieldSecret], p.drafts[pageAccessToken][fieldToken]} {
		if secret != "" {
			out = append(out, secret)
		}
	}
	return out
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
			return "", errPlainBack
		case q.field.Exact:
			return text, nil
		}
		text = strings.TrimSpace(text)
		switch linesLetter(text) {
		case "b":
			return "", errPlainBack
		case "q":
			return "", errPlainQuit
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
	p.write(p.err, q.prompt())
	p.asking, p.prompted = true, q.prompt()
	asked := p.at()
	for {
		got, text, err := p.next(linesWants{input: true})
		switch {
		case err != nil:
			return "", err
		case p.at() != asked:
			return "", errPlainMoved
		case got == linesEnded:
			return "", errPlainEnded
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

// linesWants says what to wait for besides the tasks' reports and the end of
// the context. A nil channel is not waited for.
type linesWants struct {
	input bool
	tick  <-chan time.Time
	pause <-chan time.Time
}

// next waits for one thing, and gives the text of a linesLine. Reports are applied
// here, whoever waits: what a task says is never late because a question is open.
func (p *linesWizard) next(w linesWants) (got linesKind, line string, _ error) {
	if p.broken != nil {
		return 0, "", p.broken
	}
	var reads <-chan linesRead
	if w.input {
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
	case <-w.tick:
		return linesTicked, "", nil
	case <-w.pause:
		return linesPaused, "", nil
	case <-p.in.terminal.resumed():
		if p.asking { // the shell has written over it
			p.write(p.err, p.prompted)
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
