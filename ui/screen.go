package ui

import (
	"fmt"
	"slices"
	"strings"

	"charm.land/bubbles/v2/key"

	"confer/cronofy"
	"confer/flow"
)

type frame struct {
	w, h int
	st   styles
	spin string // the spinner's cell, while something of ours works
	ctx  Context

	refuse refuser // what must not be shown
}

// under is the frame for lines that are indented, as under a field.
func (f frame) under() frame {
	f.w -= 2
	return f
}

func (f frame) draw(p Page, fm *form, told flash) sheet {
	var s sheet
	f.heading(&s, p)
	if p.Link != "" {
		// One id for all lines, by which a terminal takes them for one link.
		st := f.st.accent.Hyperlink(p.Link, "id=confer-link")
		whole := each(st, wrap(p.Link, f.w))
		s.put(block{col: -1, lines: []string{st.Render(cutTo(p.Link, f.w))}, whole: whole, spots: slices.Repeat([]spot{{key: openKey}}, len(whole))})
	}
	for _, n := range p.Found {
		f.note(&s, n)
	}
	f.fields(&s, p, fm)
	if p.Text != nil {
		s.add(keep, f.quote(p.Text)...)
	}
	if fm.choice != nil {
		if o, ok := fm.choice.chosen(); ok && o.About != "" {
			s.add(extra, f.muted(o.About)...)
		}
	}
	for _, n := range p.Notes {
		f.note(&s, n)
	}
	f.foot(&s, p, fm, told)
	return s
}

func (f frame) heading(s *sheet, p Page) {
	w := f.w
	if !p.Until.IsZero() {
		w -= 8
	}
	title := each(f.st.title, wrap(p.Title, w))
	if !p.Until.IsZero() { // the only thing on the page that moves
		title[0] = spread(title[0], f.st.accent.Render(clock(p.Until.Sub(f.ctx.Now))), f.w)
	}
	s.add(keep, title...)
	if p.Lead != "" {
		r := aside
		if len(p.Fields) == 0 {
			r = keep
		}
		s.join(r, f.muted(p.Lead)...)
	}
}

func (f frame) fields(s *sheet, p Page, fm *form) {
	for i, fd := range p.Fields {
		if fd.Kind == FieldChoice {
			f.list(s, fm.choice)
			continue
		}
		here := i == fm.focus
		misplaced := f.refuse(fd, fm.value(fd.Name))
		f.entry(s, fd, fm.inputs[fd.Name], here, fd.Kind == FieldSecret || misplaced != nil)
		s.blocks[len(s.blocks)-1].spots = pointing(2, "", func(int) bool { fm.focus = i; return false })
		switch {
		case misplaced != nil:
			s.join(keep, indent(f.under().problem(misplaced))...)
		case fm.refused != nil && fm.refused.At == fd.Name:
			s.join(keep, indent(f.under().problem(fm.refused.Problem))...)
		case fm.refused == nil && p.Problem != nil && p.At == fd.Name:
			s.join(keep, indent(f.under().problem(p.Problem))...)
		case fd.hint(fm.value(fd.Name)) != "":
			s.join(extra, indent(f.under().muted(fd.hint(fm.value(fd.Name))))...)
		}
	}
	for i, a := range fm.lines() {
		label, here := cutTo(capital(a.Words)+"…", f.w-2), fm.focus == len(p.Fields)+i
		b := block{focus: here, col: -1, tight: i > 0, lines: []string{"  " + label}, spots: pointing(1, "enter", func(int) bool { fm.focus = len(p.Fields) + i; return true })}
		if here {
			b.lines[0] = f.st.accent.Render(signCursor) + " " + f.st.accent.Bold(true).Render(label)
		}
		s.put(b)
	}
}

func (f frame) entry(s *sheet, fd Field, in *input, here, hidden bool) {
	const margin = 2
	text, x := in.whole(f.w-margin, hidden), 0
	if here {
		text, x = in.view(f.w-margin, hidden)
	}
	if text == "" {
		text = f.st.muted.Render(cutTo(fd.Placeholder, f.w-margin))
	}
	label := fd.Label
	if fd.Optional && fd.Kind == FieldText {
		label += " (optional)"
	}
	b := block{col: -1, lines: []string{"  " + f.st.muted.Render(label), "  " + text}}
	if here {
		b = block{col: x + margin, focus: true, line: 1, lines: []string{"  " + f.st.accent.Render(label), f.st.accent.Render(signCursor) + " " + text}}
	}
	s.put(b)
}

func (f frame) list(s *sheet, c *choice) {
	rows := block{lines: c.rows(f), focus: true, line: c.line(), col: -1, spots: pointing(len(c.shown()), "enter", func(i int) bool { was := c.line(); c.move(i); return was == i })}
	if c.filtering() {
		text, x := c.filter.view(f.w-4, f.refuse(Field{}, c.filter.Value()) != nil)
		s.put(block{lines: []string{f.st.accent.Render("/ ") + text}, col: x + 2, focus: true})
		rows.focus, rows.tight = false, true
	}
	s.put(rows)
}

func (f frame) note(s *sheet, n Note) {
	var lines []string
	if n.Head != "" {
		lines = append(lines, f.st.strong.Render(cutTo(n.Head, f.w)))
	}
	text := screenWords(n.Text)
	switch {
	case text == "":
	case n.Kind == noteMuted:
		lines = append(lines, f.muted(text)...)
	case n.Kind == noteDone:
		lines = append(lines, f.done(text)...)
	case n.Kind == noteWarning:
		lines = append(lines, f.warning(text)...)
	default:
		lines = append(lines, wrap(text, f.w)...)
	}
	if n.Command != "" {
		lines = append(lines, shellLines(f, n.Command)...)
	}
	for i, item := range n.Items {
		sign := f.st.accent.Render(fmt.Sprint(i + 1))
		if n.Bullets {
			sign = f.st.muted.Render(signMissing)
		}
		lines = append(lines, f.signed(sign, screenWords(item))...)
	}
	s.put(block{lines: lines, rank: n.Rank, tight: n.Tight, col: -1})
}

// foot is what the operator must not miss.
func (f frame) foot(s *sheet, p Page, fm *form, told flash) {
	switch {
	case p.Busy != "":
		s.foot = f.working(p.Busy)
	case told.text != "" && told.good:
		s.foot = f.done(told.text)
	case told.text != "":
		s.foot = f.warning(told.text)
	case p.Problem != nil && (p.At == "" || fm.refused != nil && fm.refused.At != p.At):
		s.foot = f.problem(p.Problem)
	case p.Warning != "":
		s.foot = f.warning(clean(p.Warning))
	}
}

// screenWords names the key that lines call otherwise.
func screenWords(s string) string { return strings.ReplaceAll(s, "{enter}", "Enter") }

func (f frame) muted(text string) []string { return each(f.st.muted, wrap(screenWords(text), f.w)) }

func (f frame) problem(p *flow.Problem) []string {
	lines := f.signed(f.st.bad.Render(signBad), clean(p.Summary))
	if hint := clean(p.Hint); hint != "" {
		lines = append(lines, indent(f.under().muted(hint))...)
	}
	return lines
}

func (f frame) warning(text string) []string { return f.signed(f.st.warn.Render(signWarn), text) }

func (f frame) done(text string) []string { return f.signed(f.st.good.Render(signDone), text) }

// working is a line with the spinner, while something of ours is at work.
func (f frame) working(text string) []string {
	spin := f.spin
	if spin == "" {
		spin = f.st.accent.Render(signMissing)
	}
	lines := f.signed(spin, screenWords(text)+"…")
	if why := f.ctx.pausing(); why != "" {
		lines = append(lines, indent(each(f.st.muted, wrap(why, f.w-2)))...)
	}
	return lines
}

// signed sets a sign before a text and hangs the text's lines under each other.
func (f frame) signed(sign, text string) []string {
	lines := wrap(text, f.w-2)
	for i := range lines {
		if i == 0 {
			lines[i] = sign + " " + lines[i]
			continue
		}
		lines[i] = "  " + lines[i]
	}
	return lines
}

// quote sets a text apart from the page's own. A link in it that is too long is
// not drawn: a terminal would copy it in pieces.
func (f frame) quote(t *Text) []string {
	text := t.Body
	if t.Link != "" {
		text = strings.Replace(text, t.Link, "[the approval link, "+cronofy.Thousands(len(t.Link))+" characters]", 1)
	}
	bar := f.st.rule.Render("│") + " "
	var out []string
	for _, l := range strings.Split(strings.TrimSpace(text), "\n") {
		for _, part := range wrap(l, f.w-2) {
			out = append(out, bar+part)
		}
	}
	return out
}

// flash is what a key just did, in a sentence.
type flash struct {
	text string
	good bool
}

// shellLines are a command to be copied: whole, and where it does not fit a line, broken as a
// shell takes it.
func shellLines(f frame, c string) []string {
	const in, more = "  ", " \\"
	words := strings.Split(c, " --")
	var out []string
	line := words[0]
	for _, w := range words[1:] {
		if len(in)+visible(line)+len(" --")+visible(w)+len(more) > f.w {
			out, line = append(out, line+more), in+"--"+w
			continue
		}
		line += " --" + w
	}
	out = append(out, line)
	for i := range out {
		out[i] = in + f.st.accent.Render(cutTo(out[i], f.w-len(in)))
	}
	return out
}

func indent(lines []string) []string {
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = "  " + l
	}
	return out
}

// help explains the page, and lists every key that works.
func (m *Model) help(f frame) sheet {
	s := sheet{read: true}
	p := m.page()
	if len(p.Explain) > 0 {
		s.add(keep, f.st.title.Render(cutTo(p.Title, f.w)))
		for _, e := range p.Explain {
			s.add(keep, wrap(screenWords(e), f.w)...)
		}
	}
	s.add(keep, f.st.title.Render("Keys"))
	m.helpLine.Styles.FullKey, m.helpLine.Styles.FullDesc = m.st.key, m.st.plain
	for _, l := range strings.Split(m.helpLine.FullHelpView([][]key.Binding{append(m.bindings(true), keyMouse)}), "\n") {
		s.join(keep, cutTo(l, f.w))
	}
	if p.Problem != nil {
		s.add(keep, f.problem(p.Problem)...)
		f.note(&s, Note{Text: p.Problem.Details(), Kind: noteMuted})
	}
	if m.cfg.Version != "" {
		s.add(keep, m.st.muted.Render(cutTo("confer "+clean(m.cfg.Version), f.w)))
	}
	return s
}
