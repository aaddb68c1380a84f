package ui

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"confer/flow"
)

// plainQuestion is one line to be answered.
type plainQuestion struct {
	text   string
	def    string // what an empty answer takes; "": nothing
	shown  string // how the default is named, where it is not shown as it is
	hidden bool   // a secret: the answer is not shown while it is typed
	exact  bool   // taken as typed, spaces and single letters included
	help   []string
}

func (q plainQuestion) prompt() string {
	shown := q.shown
	if shown == "" && !q.hidden {
		shown = clean(q.def)
	}
	if shown != "" {
		shown = " [" + shown + "]"
	}
	return plainText(q.text+shown) + ": "
}

// line asks until there is an answer, or a way out of the question.
func (p *plainWizard) line(q plainQuestion) (string, error) {
	for {
		text, err := p.answer(q)
		if err != nil {
			return "", err
		}
		if text = plainUnmarked(text); q.exact {
			return text, nil
		}
		switch text = strings.TrimSpace(text); text {
		case "b":
			return "", errPlainBack
		case "q":
			return "", errPlainQuit
		case "?":
			p.help(q.help...)
		case "":
			return q.def, nil
		default:
			return text, nil
		}
	}
}

// answer reads one line. What is secret is hidden before the question is seen.
func (p *plainWizard) answer(q plainQuestion) (string, error) {
	if q.hidden {
		if err := p.in.set(plainHidden); err != nil {
			return "", fmt.Errorf("hide what is typed: %w", err)
		}
		defer func() { _ = p.in.set(plainCooked) }()
	}
	p.fresh()
	p.write(p.cfg.Err, q.prompt())
	p.open = true
	for {
		got, err := p.next(plainWants{input: true})
		switch {
		case err != nil:
			return "", err
		case got.kind == plainEnded:
			return "", errPlainEnded
		case got.kind == plainLine:
			p.entered()
			return got.text, nil
		}
	}
}

// entered ends the question's line where the terminal did not.
func (p *plainWizard) entered() {
	if !p.in.shows() {
		p.fresh()
	}
	p.open = false
}

// plainUnmarked takes the marks of a bracketed paste off. This mode never asks
// for them, but whatever ran before may have.
func plainUnmarked(s string) string {
	return strings.NewReplacer("\x1b[200~", "", "\x1b[201~", "").Replace(s)
}

func (p *plainWizard) help(lines ...string) {
	for _, l := range lines {
		p.say(l)
	}
	p.say("An empty answer takes the one in brackets. b alone goes back and keeps every answer. q alone quits, and so does ctrl+c.")
}

// plainOption is one of a numbered list.
type plainOption struct {
	text  string
	name  string   // how it is named as the default
	words []string // that choose it too
}

// choose has one of the options chosen, by number or word. def is what an empty
// answer takes; -1: nothing.
func (p *plainWizard) choose(options []plainOption, def int, help ...string) (int, error) {
	for i, o := range options {
		p.say(fmt.Sprintf("%d: %s", i+1, o.text))
	}
	q := plainQuestion{text: fmt.Sprintf("Number, 1 to %d", len(options)), help: help}
	if def >= 0 {
		q.def = strconv.Itoa(def + 1)
		q.shown = q.def + ", " + options[def].name
	}
	for {
		text, err := p.line(q)
		if err != nil {
			return 0, err
		}
		n, err := strconv.Atoi(text)
		if err == nil && n >= 1 && n <= len(options) {
			return n - 1, nil
		}
		at := slices.IndexFunc(options, func(o plainOption) bool {
			return slices.ContainsFunc(append(o.words, o.name), func(w string) bool { return strings.EqualFold(w, text) })
		})
		if at >= 0 {
			return at, nil
		}
		p.wrong("That is not one of the choices.", fmt.Sprintf("Give a number from 1 to %d.", len(options)))
	}
}

// plainLetter is a choice that has a letter of its own. "" is the empty answer.
type plainLetter struct{ letter, does string }

// letter has one of the letters chosen. The first is the default.
func (p *plainWizard) letter(letters []plainLetter, help ...string) (string, error) {
	var parts []string
	for _, l := range letters[1:] {
		parts = append(parts, l.letter+": "+l.does+".")
	}
	p.say(strings.Join(parts, " "))
	q := plainQuestion{text: "Your choice", shown: letters[0].does, help: help}
	for {
		text, err := p.line(q)
		if err != nil {
			return "", err
		}
		for _, l := range letters {
			if strings.EqualFold(l.letter, text) {
				return l.letter, nil
			}
		}
		p.wrong("That is not one of the choices.", "Give one of the letters, or an empty answer to "+letters[0].does+".")
	}
}

// plainField is one answer of a page that has several. It keeps what was typed.
type plainField struct {
	label, hint string
	value, seen string
	shown       string // what an empty answer means while there is no value
	hidden      bool
	clearable   bool                       // "-" empties it
	check       func(string) *flow.Problem // nil: any answer will do
}

// refused says what is wrong with an answer, at once, and whether anything is.
func (p *plainWizard) refused(f *plainField, text string) bool {
	if f.check == nil {
		return false
	}
	problem := f.check(text)
	if problem != nil {
		p.wrong(problem.Summary, problem.Hint)
	}
	return problem != nil
}

// follow takes over an answer that came from elsewhere, and leaves a draft be.
func (f *plainField) follow(value string) {
	if value != f.seen {
		f.value, f.seen = value, value
	}
}

func (f *plainField) question() plainQuestion {
	q := plainQuestion{text: f.label, def: f.value, shown: f.shown, hidden: f.hidden, help: []string{f.hint}}
	if f.hidden && f.value != "" {
		q.shown = "the one given before"
	}
	if f.clearable && f.value != "" {
		q.text += " (- for none)"
	}
	return q
}

// form asks the fields from the one at on. Back goes to the field before, and
// from the first out of the form.
func (p *plainWizard) form(at int, fields ...*plainField) error {
	for at < len(fields) {
		f := fields[at]
		text, err := p.line(f.question())
		switch {
		case errors.Is(err, errPlainBack) && at > 0:
			at--
			continue
		case err != nil:
			return err
		case p.refused(f, text):
			continue
		case f.clearable && text == "-":
			text = ""
		}
		f.value = text
		at++
	}
	for _, f := range fields {
		f.seen = f.value
	}
	return nil
}
