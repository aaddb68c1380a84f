package ui

import (
	"net/url"
	"strings"

	"charm.land/lipgloss/v2"

	"confer/flow"
)

func (w *wait) view(f frame) page {
	var p page
	switch f.state.Attempt.Phase {
	case flow.PhaseNone, flow.PhasePreparing:
		p.heading(f, "A fresh link", "It can be used once, and only for a short while.")
		p.add(keep, f.working("Making it…")...)
	case flow.PhaseExchanging:
		p.heading(f, "The administrator approved", "What follows cannot be done twice, so it is finished even if you leave.")
		p.add(keep, f.working("Exchanging the code for tokens…")...)
	case flow.PhaseStoring:
		p.heading(f, "The administrator approved", "What follows cannot be done twice, so it is finished even if you leave.")
		p.add(keep, f.done("The code is exchanged for tokens.")...)
		p.join(keep, f.working("Storing them and reading them back…")...)
	case flow.PhaseWaiting:
		w.viewWaiting(f, &p)
	}
	return p
}

func (w *wait) viewWaiting(f frame, p *page) {
	w.feet(f, p)
	switch w.mode {
	case waitPaste:
		w.viewPaste(f, p)
	case waitMessage:
		w.viewMessage(f, p)
	case waitPermit:
		w.title(f, p, permitTitle)
		quotePermit(f, p, f.state.Answers)
	case waitHanded:
		w.title(f, p, "Is it done?")
		p.text(f, keep, "If the administrator says so, confer stops waiting and keeps the link as not confirmed, without a token of its own.")
		p.note(f, aside, "The profiles, next, show whether it works. If the final address can still be had, paste it instead: that confirms the link.")
	case waitDoors:
		w.viewDoors(f, p)
	}
}

// feet says what came back that was not the answer, or what a key just did.
func (w *wait) feet(f frame, p *page) {
	switch {
	case w.flash.text != "":
		p.foot = w.flash.lines(f)
	case f.pausing() != "":
		p.foot = f.working("A new link is on its way.")
	case w.opened && f.state.Attempt.Browser == "":
		p.foot = f.done("A browser was asked to open the link.")
	case w.opened:
		p.foot = f.warning("No browser was opened.")
	case f.state.Attempt.Notice != "" && f.state.Attempt.Notice != w.seen:
		p.foot = f.warning(clean(f.state.Attempt.Notice))
	}
	p.brief = len(p.foot)
}

// title has the countdown at its right: the only thing on the page that moves.
func (w *wait) title(f frame, p *page, text string) {
	lines := each(f.st.title, wrap(text, f.w-8))
	lines[0] = spread(lines[0], f.st.accent.Render(left(f)), f.w)
	p.add(keep, lines...)
}

func (w *wait) viewDoors(f frame, p *page) {
	w.title(f, p, waitingFor(f.state))
	w.viewLink(f, p)
	p.add(keep, doorLines(f, w.doors(f))...)
	w.viewSilence(f, p)
}

func waitingFor(s flow.State) string {
	if s.Step == flow.StepServiceAccount {
		return "Waiting for the calendar administrator"
	}
	return "Waiting for the administrator"
}

// viewLink shows the short link, or how to get at the real one, whichever is
// of use where the operator sits. The real one is never drawn in the window: a
// terminal would copy it in pieces.
func (w *wait) viewLink(f frame, p *page) {
	advice := each(f.st.muted, wrap(linkAdvice(f), f.w))
	if away(f) && !published(f) {
		p.join(keep, advice...)
		p.add(aside, linkFromAfar(f)...)
	} else {
		p.join(extra, advice...)
		if short := shortLink(f); short != "" {
			p.add(keep, short)
		}
	}
	if n := linkCount(f.state.Attempt); n != "" {
		p.note(f, spare, n)
	}
}

// linkAdvice says what to do with the link, and how its answer comes back.
func linkAdvice(f frame) string {
	at := f.state.Attempt
	switch {
	case !at.Listening:
		return "With this redirect URI nothing comes back by itself: paste the final address."
	case at.Opened:
		return "A browser was asked to open it. The answer comes back here by itself."
	case published(f):
		return "Open it in a browser where your published port or tunnel leads here. The answer comes back by itself."
	case away(f) && delivered(f):
		return whereWords(f) + ": take the real link (u) to any browser. The answer comes back by itself, through your proxy or tunnel."
	case away(f):
		return whereWords(f) + ": take the real link (u) to any browser, and paste the final address (p)."
	case delivered(f):
		return "Open it in a browser on this machine, or take the real link (u) to any other. The answer comes back by itself, through your proxy or tunnel."
	case at.Browser != "":
		return clean(at.Browser)
	}
	return "Open it in a browser on this machine. The answer comes back here by itself."
}

func whereWords(f frame) string {
	return map[Session]string{
		SessionSSH: "This is an SSH session", SessionRemote: "This is a remote window",
		SessionContainer: "This is a container", SessionHeadless: "There is no desktop here",
	}[f.cfg.Session]
}

// linkFromAfar says how the short link can work where a browser is.
func linkFromAfar(f frame) []string {
	short := shortLink(f)
	switch {
	case short == "" || delivered(f): // then it is on a port of its own, which leads nowhere from there
		return nil
	case tunnelLine(f) != "":
		return append(wrap("Or run this on your own computer: then the link below works there, and the answer comes back by itself.", f.w),
			"  "+f.st.strong.Render(cutTo(tunnelLine(f), f.w-2)), "  "+shortLink(f.under()))
	case publishLine(f) != "":
		return append(wrap("Or publish the port: then the link below works outside the container, and the answer comes back by itself.", f.w),
			"  "+f.st.strong.Render(cutTo(publishLine(f), f.w-2)), "  "+shortLink(f.under()))
	}
	return append(wrap("On this machine, the short link works too.", f.w), "  "+shortLink(f.under()))
}

// shortLink is our own link, as a hyperlink where terminals know them.
func shortLink(f frame) string {
	at := clean(f.state.Attempt.ShortURL)
	if at == "" {
		return ""
	}
	return lipgloss.NewStyle().Inherit(f.st.accent).Hyperlink(at, "id=confer-link").Render(cutTo(at, f.w))
}

// tunnelLine brings the operator's own loopback here, over ssh.
func tunnelLine(f frame) string {
	at := f.state.Attempt
	if f.cfg.Session != SessionSSH && f.cfg.Session != SessionRemote || at.Opened || !flow.LoopbackRedirect(at.RedirectURI) {
		return ""
	}
	u, err := url.Parse(at.RedirectURI)
	if err != nil {
		return ""
	}
	return "ssh -L " + u.Port() + ":127.0.0.1:" + u.Port() + " HOST"
}

// publishLine brings the loopback of the machine that runs this container here.
func publishLine(f frame) string {
	u, err := url.Parse(f.state.Attempt.RedirectURI)
	if err != nil || f.cfg.Session != SessionContainer || !flow.LoopbackRedirect(f.state.Attempt.RedirectURI) {
		return ""
	}
	return "-p 127.0.0.1:" + u.Port() + ":" + u.Port() + "  confer --listen 0.0.0.0:" + u.Port()
}

// labelsFrom is the width from which the groups of doors have a name.
const labelsFrom = 50

// doorLines lists the doors, a group in a line where there is room.
func doorLines(f frame, groups []doorGroup) []string {
	const name = 9 // "Message" and a gap
	var out, words []string
	for _, g := range groups {
		var cells []string
		for _, d := range g.doors {
			if d.key.Enabled() {
				cells = append(cells, f.st.key.Render(d.key.Help().Key)+" "+d.short)
				if d.word == "" {
					continue
				}
				words = append(words, f.st.key.Render(d.key.Help().Key)+" "+d.word)
			}
		}
		label := f.st.muted.Render(g.name)
		for _, line := range flowing(cells, f.w-name) {
			out, label = append(out, pad(label, name)+line), ""
		}
	}
	if f.w < labelsFrom {
		return flowing(words, f.w)
	}
	return out
}

// flowing sets cells one after the other, as many in a line as fit.
func flowing(cells []string, w int) []string {
	var out []string
	line := ""
	for _, c := range cells {
		if line != "" && visible(line)+3+visible(c) > w {
			out, line = append(out, line), ""
		}
		if line != "" {
			line += "   "
		}
		line += cutTo(c, w)
	}
	return append(out, line)
}

// viewSilence says what it means when a browser shows an error and nothing
// comes back: Cronofy sends no answer to an address that it does not trust.
func (w *wait) viewSilence(f frame, p *page) {
	full := each(f.st.muted, w.helps(f))
	room := f.h - len(p.foot) - btoi(len(p.foot) > 0)
	if height(p.blocks, true)+1+len(full) <= room {
		p.add(aside, full...)
		return
	}
	p.note(f, aside, "An error in the browser, and nothing comes back? n makes a new link, ? says more.")
}

// helps is also in the help, for windows that have no room for it here.
func (w *wait) helps(f frame) []string {
	lines := wrap("The browser shows an error, and nothing comes back?", f.w)
	for _, s := range silences(f.state) {
		lines = append(lines, f.signed(signMissing, s)...)
	}
	return lines
}

func silences(s flow.State) []string {
	return []string{
		"The redirect URI is not on the application's list at Cronofy: " + clean(s.Attempt.RedirectURI) + " (t helps)",
		"The client id or the data center is not the right one: esc goes back to them.",
		"The link was used before, or is too old: n makes a new one.",
	}
}

func (w *wait) viewPaste(f frame, p *page) {
	w.title(f, p, "Paste the final address")
	p.join(aside, each(f.st.muted, wrap("The whole address that the browser ended on. The page may say that it cannot connect: that is fine.", f.w))...)
	text, x := w.address.view(f.w-2, false)
	if text == "" {
		text = f.st.muted.Render(cutTo(strings.TrimSuffix(clean(f.state.Attempt.RedirectURI), "?")+"?code=…&state=…", f.w-2))
	}
	p.put(block{lines: []string{f.st.accent.Render(signCursor) + " " + text}, focus: true, col: x + 2})
	if n := len(w.address.parts); n > 0 {
		p.note(f, extra, thousands(n)+" characters. Line breaks and spaces in it do no harm.")
	}
}

// viewMessage previews the message. The link in it is too long to be drawn.
func (w *wait) viewMessage(f frame, p *page) {
	const here = "\x00"
	w.title(f, p, "A message for the administrator")
	p.join(aside, each(f.st.muted, wrap("Agree on a time first: the link lives for a short while, and programs that check links in mail or chat can use it up.", f.w))...)
	text := messageFor(f.state, here)
	lines := quote(f, strings.Replace(text, here, "[here stands the link, "+thousands(len(f.state.Attempt.URL))+" characters long]", 1))
	p.add(keep, lines...)
}
