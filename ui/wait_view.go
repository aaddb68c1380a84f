package ui

import (
	"net/url"
	"strings"

	"charm.land/bubbles/v2/key"
	"charm.land/lipgloss/v2"

	"confer/flow"
)

func (w *wait) view(f frame) page {
	var p page
	switch f.state.Attempt.Phase {
	case flow.PhaseNone, flow.PhasePreparing:
		p.add(keep, f.working("Making a fresh link…")...)
	case flow.PhaseExchanging:
		p.add(keep, f.done("The administrator approved.")...)
		p.join(keep, f.working("Exchanging the code for tokens…")...)
		p.note(f, aside, "This cannot be done twice, so it is finished even if you leave.")
	case flow.PhaseStoring:
		p.add(keep, f.done("The administrator approved.")...)
		p.join(keep, f.done("The code is exchanged.")...)
		p.join(keep, f.working("Storing the tokens and reading them back…")...)
	case flow.PhaseWaiting:
		w.viewWaiting(f, &p)
	}
	return p
}

func (w *wait) viewWaiting(f frame, p *page) {
	switch w.mode {
	case waitPaste:
		w.viewPaste(f, p)
	case waitMessage:
		w.viewMessage(f, p)
	case waitHanded:
		w.title(f, p, "Does the administrator say that it is done?")
		p.text(f, keep, "confer then stops waiting and keeps this link as not confirmed, without a token of its own.")
		p.note(f, aside, "The profiles, next, show whether it works. If the final address can still be had, paste it instead: that confirms the link.")
	case waitDoors:
		w.viewDoors(f, p)
	}
	w.feet(f, p)
}

// feet says what came back that was not the answer, or what a key just did.
func (w *wait) feet(f frame, p *page) {
	switch {
	case w.flash != "" && w.flashed:
		p.foot = f.done(w.flash)
	case w.flash != "":
		p.foot = f.warning(w.flash)
	case f.state.Attempt.Notice != "":
		p.foot = f.warning(clean(f.state.Attempt.Notice))
	}
	p.brief = len(p.foot)
}

// title has the countdown at its right: the only thing on the page that moves.
func (w *wait) title(f frame, p *page, text string) {
	p.add(keep, spread(f.st.title.Render(cutTo(text, f.w-8)), f.st.accent.Render(left(f)), f.w))
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
	at := f.state.Attempt
	short := shortLink(f)
	switch {
	case !at.Listening:
		p.join(aside, each(f.st.muted, wrap("With this redirect URI nothing comes back by itself: paste the final address.", f.w))...)
	case byHand(f):
		p.join(aside, each(f.st.muted, wrap(byHandWords(f), f.w))...)
	default:
		p.join(aside, each(f.st.muted, wrap("It opens in the browser on this machine, and comes back here by itself.", f.w))...)
	}
	if short != "" {
		p.add(keep, short)
	}
	if tunnel := tunnelLine(f); tunnel != "" {
		p.add(extra, wrap("For the link above to work, and the answer to come back by itself, run on your own computer:", f.w)...)
		p.join(extra, "  "+f.st.strong.Render(cutTo(tunnel, f.w-2)))
	}
	if at.Browser != "" && !byHand(f) {
		p.add(aside, f.warning(clean(at.Browser))...)
	}
	if n := linkCount(at); n != "" {
		p.note(f, spare, n)
	}
}

func byHandWords(f frame) string {
	where := map[Session]string{
		SessionSSH: "This is an SSH session", SessionRemote: "This is a remote window",
		SessionContainer: "This is a container", SessionHeadless: "There is no desktop here",
	}[f.cfg.Session]
	return where + ": take the real link (u) to any browser, and paste the final address (p)."
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
	if f.cfg.Session != SessionSSH && f.cfg.Session != SessionRemote || !flow.LoopbackRedirect(at.RedirectURI) {
		return ""
	}
	u, err := url.Parse(at.RedirectURI)
	if err != nil {
		return ""
	}
	return "ssh -L " + u.Port() + ":127.0.0.1:" + u.Port() + " HOST"
}

// doorLines lists keys, in two columns where there is room.
func doorLines(f frame, doors []key.Binding) []string {
	var cells []string
	widest := 0
	for _, d := range doors {
		if d.Enabled() {
			cell := f.st.key.Render(d.Help().Key) + "  " + d.Help().Desc
			widest = max(widest, visible(cell))
			cells = append(cells, cell)
		}
	}
	columns := 1
	if 2*widest+4 <= f.w {
		columns = 2
	}
	rows := (len(cells) + columns - 1) / columns
	if columns == 1 && f.h < len(cells)+6 {
		return flowing(cells, f.w)
	}
	out := make([]string, rows)
	for i, c := range cells {
		if i < rows && columns > 1 {
			c = pad(c, widest+4)
		}
		out[i%rows] += cutTo(c, f.w)
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
	if f.h < 14 {
		p.note(f, aside, "An error in the browser, and nothing comes back? n makes a new link; ? says more.")
		return
	}
	lines := []string{"The browser shows an error, and nothing comes back?"}
	for _, s := range silences(f.state) {
		lines = append(lines, f.signed(signMissing, s)...)
	}
	p.add(aside, each(f.st.muted, lines)...)
}

func silences(s flow.State) []string {
	return []string{
		"“redirect_uri”: " + clean(s.Attempt.RedirectURI) + " must be on the application's list at Cronofy.",
		"“client”: the client id or the data center is not the right one. esc goes back to them.",
		"“link” or “token”: it was used, or is too old. n makes a new one.",
	}
}

func (w *wait) viewPaste(f frame, p *page) {
	w.title(f, p, "Paste the final address")
	p.join(aside, each(f.st.muted, wrap("The whole address that the browser ended on. The page may say that it cannot connect; that is as it should be.", f.w))...)
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
	var lines []string
	for _, l := range strings.Split(strings.TrimSpace(messageFor(f.state, here)), "\n") {
		if l == here {
			lines = append(lines, f.st.accent.Render(cutTo("[here stands the link, "+thousands(len(f.state.Attempt.URL))+" characters long]", f.w-2)))
			continue
		}
		lines = append(lines, wrap(l, f.w-2)...)
	}
	bar := f.st.rule.Render("│") + " "
	for i := range lines {
		lines[i] = bar + lines[i]
	}
	p.add(keep, lines...)
}
