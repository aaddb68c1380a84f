package ui

import (
	"time"

	"confer/cronofy"
	"confer/flow"
)

// problem draws what is the case and what to do next.
func (f frame) problem(p *flow.Problem) []string {
	lines := f.signed(f.st.bad.Render(signBad), clean(p.Summary))
	hint := clean(p.Hint)
	if f.sentBack != "" {
		hint = f.sentBack + " " + hint
	}
	return append(lines, indent(each(f.st.muted, wrap(hint, f.w-2)))...)
}

// problemDetails is the error as it was; it holds no secret.
func (f frame) problemDetails(p *flow.Problem) []string {
	text := p.Details()
	if text == "" {
		return nil
	}
	return indent(each(f.st.muted, wrap(text, f.w-2)))
}

func (f frame) warning(text string) []string { return f.signed(f.st.warn.Render(signWarn), text) }

func (f frame) done(text string) []string { return f.signed(f.st.good.Render(signDone), text) }

// under is the frame for lines that are indented, as under a field.
func (f frame) under() frame {
	f.w -= 2
	return f
}

// working is a line with the spinner, while something of ours is at work.
func (f frame) working(text string) []string {
	spin := f.spin
	if spin == "" {
		spin = f.st.accent.Render(signMissing)
	}
	lines := f.signed(spin, text)
	if why := f.pausing(); why != "" {
		lines = append(lines, indent(each(f.st.muted, wrap(why, f.w-2)))...)
	}
	return lines
}

// pausing says why nothing seems to happen, while the next call waits.
func (f frame) pausing() string {
	p := f.state.Pause
	if !pauses(f.state, f.now) {
		return ""
	}
	left := clock(p.Until.Sub(f.now))
	if p.Reason == cronofy.WaitRetry {
		return "The call to Cronofy is tried again in " + left + "."
	}
	return "Cronofy's rate limit asks to wait: " + left + "."
}

// pauses tells whether a call of the running task waits.
func pauses(s flow.State, now time.Time) bool { return s.Running != nil && s.Pause.Until.After(now) }

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

// trouble puts the problem, or the notice, at the page's foot.
func (p *page) trouble(f frame) {
	switch {
	case f.state.Problem != nil:
		p.foot = f.problem(f.state.Problem)
		p.brief = len(wrap(clean(f.state.Problem.Summary), f.w-2))
	case f.state.Notice != "":
		p.foot = f.warning(clean(f.state.Notice))
		p.brief = min(2, len(p.foot))
	}
}

// heading is a page's question and the sentence under it.
func (p *page) heading(f frame, title, why string) {
	p.add(keep, each(f.st.title, wrap(title, f.w))...)
	if why != "" {
		p.join(aside, each(f.st.muted, wrap(why, f.w))...)
	}
}

// text is a paragraph.
func (p *page) text(f frame, rank int, s string) { p.add(rank, wrap(s, f.w)...) }

// note is a muted paragraph.
func (p *page) note(f frame, rank int, s string) { p.add(rank, each(f.st.muted, wrap(s, f.w))...) }
