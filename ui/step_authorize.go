package ui

import (
	"errors"
	"fmt"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"confer/flow"
)

// authorize is step 5 before the link is made, after it was made, and after it
// went wrong.
type authorize struct {
	offers  choice
	problem *flow.Problem
	details bool

	permitting bool // the text for Cronofy is shown
	permit     letter
}

func newAuthorize() *authorize { return &authorize{offers: newChoice(), permit: newPermit()} }

func (a *authorize) sync(s flow.State) {
	if s.Problem == a.problem {
		return
	}
	a.problem, a.details, a.permitting = s.Problem, false, false
	var rows []option
	if p := s.Problem; p != nil && len(p.Offers) > 0 && !s.Answers.RedirectSet {
		rows = append(rows, option{label: clean(s.Answers.RedirectURI), note: "try again"})
		for _, uri := range p.Offers {
			rows = append(rows, option{label: clean(uri), note: "another port"})
		}
	}
	a.offers.cursor = 0
	a.offers.reset(rows)
}

func (a *authorize) update(msg tea.Msg, f frame) (flow.Event, tea.Cmd) {
	if a.permitting {
		var cmd tea.Cmd
		a.permitting, cmd = a.permit.update(msg, f, permitText(f.state.Answers))
		return nil, cmd
	}
	k, ok := msg.(tea.KeyPressMsg)
	if len(a.offers.options) > 0 && a.offers.update(msg, f.keys) || !ok {
		return nil, nil
	}
	linked := f.state.LinkedNow() && f.state.Problem == nil
	switch {
	case key.Matches(k, f.keys.back):
		return flow.Back{}, nil
	case key.Matches(k, f.keys.submit):
		return a.enter(linked), nil
	case key.Matches(k, f.keys.goOn) && a.goOn(f):
		return flow.Continued{}, nil
	case key.Matches(k, f.keys.details) && a.hasDetails():
		a.details = !a.details
	case key.Matches(k, f.keys.permit) && a.aboutPort():
		a.permitting = true
	case key.Matches(k, f.keys.redirect) && f.state.PinnedPort():
		return flow.RedirectURIWanted{}, nil
	case key.Matches(k, f.keys.again) && linked:
		return flow.AuthorizeStarted{}, nil
	}
	return nil, nil
}

func (a *authorize) enter(linked bool) flow.Event {
	if linked {
		return flow.Continued{}
	}
	if at, ok := a.offers.chosen(); ok && at > 0 {
		a.offers.leave()
		return flow.RedirectURIChosen{URI: a.problem.Offers[at-1]}
	}
	return flow.AuthorizeStarted{}
}

// goOn: after an approval the link most likely exists, with or without tokens.
func (a *authorize) goOn(f frame) bool { return a.problem != nil && a.problem.Approved }

func (a *authorize) hasDetails() bool {
	return a.problem != nil && a.problem.Err != nil && !errors.Is(a.problem.Err, flow.ErrTimeout) // which says no more
}

// aboutPort: another port is another redirect URI, which Cronofy must permit.
func (a *authorize) aboutPort() bool { return a.problem != nil && a.problem.Code == flow.CodePort }

func (a *authorize) view(f frame) page {
	var p page
	switch {
	case a.permitting:
		a.permit.viewPermit(f, &p, f.state.Answers)
	case a.problem != nil:
		a.viewProblem(f, &p)
	case f.state.LinkedNow():
		a.viewLinked(f, &p)
	default:
		a.viewReady(f, &p)
	}
	return p
}

func (a *authorize) viewProblem(f frame, p *page) {
	title := "Not authorized yet"
	if a.problem.Approved {
		title = "Approved, but not finished"
	}
	p.heading(f, title, "")
	p.add(keep, f.problem(a.problem)...)
	if len(a.offers.options) > 0 {
		p.blocks = append(p.blocks, a.offers.view(f)...)
	}
	if f.state.PinnedPort() {
		p.text(f, keep, pinnedWords+" r leads to its field.")
	}
	if a.details {
		p.add(keep, f.problemDetails(a.problem)...)
	}
	if f.kept {
		p.note(f, keep, "The address that was pasted is kept. Enter waits again, and the address can be checked then.")
	} else if a.problem.Code == flow.CodeTimeout {
		p.note(f, spare, "Who still has the earlier link open can finish there: its answer counts as soon as confer waits again.")
	}
}

// pinnedWords say why no other port is offered.
const pinnedWords = "The redirect URI was named for this run, so confer takes no other by itself."

func (a *authorize) viewLinked(f frame, p *page) {
	l := f.state.Link
	text := fmt.Sprintf("The calendars of %s and %s are linked.", customer(f.state.Answers), toProvider(l.Provider))
	if l.Unconfirmed {
		p.heading(f, "Not confirmed", "")
		p.add(keep, f.warning("The administrator says that it is done. confer has no token that shows it.")...)
	} else {
		p.heading(f, "Linked already", "")
		p.add(keep, f.done(text)...)
	}
	p.note(f, aside, "Enter goes on to the profiles. n has it authorized again: that makes a new link, and the administrator approves once more.")
	p.trouble(f)
}

func (a *authorize) viewReady(f frame, p *page) {
	an := f.state.Answers
	w := wordsFor(an.Provider)
	p.heading(f, "Ready for the administrator", "")
	p.join(keep, each(f.st.muted, wrap("To be linked: the calendars of "+customer(an)+", and "+toProvider(an.Provider)+".", f.w))...)
	p.add(extra, append([]string{f.st.strong.Render("Who must click")},
		wrap("An administrator of the calendars and of "+w.admin+". Two people? They sit together: it is one browser session.", f.w)...)...)
	sees := []string{f.st.strong.Render("What they will see")}
	for i, s := range []string{"If asked: show that they administer the calendars", w.sees, "Approve the link between the two"} {
		sees = append(sees, f.signed(f.st.accent.Render(fmt.Sprint(i+1)), s)...)
	}
	p.add(spare, sees...)
	if len(f.state.Used) > 0 || f.state.Link != nil {
		p.add(aside, f.warning("You have authorized others before: use a private window. Cronofy remembers who signed in last.")...)
	}
	p.text(f, keep, enterDoes(f))
	p.trouble(f)
}

func enterDoes(f frame) string {
	open := "opens it in a browser here"
	switch f.cfg.Session {
	case SessionSSH, SessionRemote, SessionContainer, SessionHeadless:
		open = "shows it, to be opened in a browser of yours or theirs"
	case SessionWSL:
		open = "opens it in the browser of Windows"
	case SessionLocal:
	}
	switch f.cfg.Browser {
	case BrowserNamed:
		open = "opens it with the browser that was named"
	case BrowserNone:
		open = "shows it, to be opened in a browser of yours or theirs"
	case BrowserUsual:
	}
	return "Enter makes a fresh link, " + open + ", and waits for the answer. If the administrator sits elsewhere, m on the next page writes them a message."
}

func (a *authorize) bindings(f frame) []key.Binding {
	k := f.keys
	switch {
	case a.permitting:
		return a.permit.bindings(f, "back")
	case a.problem != nil:
		out := []key.Binding{as(k.submit, "try again")}
		if len(a.offers.options) > 0 {
			out[0] = as(k.submit, "take it")
		}
		out = append(out, when(f.state.PinnedPort(), k.redirect), when(a.goOn(f), as(k.goOn, "go on")), when(a.aboutPort(), as(k.permit, "text for Cronofy")), k.back, when(a.hasDetails(), as(k.details, "details")))
		if len(a.offers.options) > 0 {
			out = append(out, a.offers.bindings(k)...)
		}
		return out
	case f.state.LinkedNow():
		return []key.Binding{as(k.submit, "go on"), k.again, k.back}
	}
	return []key.Binding{as(k.submit, "make a link"), k.back}
}

func (a *authorize) typing() bool { return a.offers.filtering }
