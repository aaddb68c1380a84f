package ui

import (
	"fmt"
	"time"

	"confer/flow"
)

func (p *plainWizard) aboutAuthorize() []string {
	a := p.state.Answers
	if p.state.LinkedNow() || p.state.Problem != nil {
		return nil
	}
	w := wordsFor(a.Provider)
	lines := []string{
		"To be linked: the calendars of " + customer(a) + ", and " + toProvider(a.Provider) + ".",
		"Who must click: an administrator of the calendars and of " + w.admin + ". If these are two people, they sit together: it is one browser session.",
		"What they will see, first: Cronofy may ask them to show that they administer the calendars.",
		"Second: " + seenBy(w.allow),
		"Third: Cronofy asks them to approve the link between the two.",
	}
	if len(p.state.Used) > 0 || p.state.Link != nil {
		lines = append(lines, "There are links already: use a private window. Cronofy remembers who signed in last.")
	}
	return lines
}

func (p *plainWizard) askAuthorize() (flow.Event, error) {
	switch {
	case p.state.Problem != nil:
		return p.askAgain()
	case p.state.LinkedNow():
		p.say("Linked already, with the answers as they are.")
		return p.letterEvent([]plainLetter{{"", "go on to the profiles"}, {"n", "authorize again, with a new link"}},
			map[string]flow.Event{"": flow.Continued{}, "n": flow.AuthorizeStarted{}})
	}
	_, err := p.letter([]plainLetter{{"", "make the link, and wait for the answer"}},
		"The administrator may sit elsewhere: while confer waits, m writes a message for them.")
	return flow.AuthorizeStarted{}, err
}

func (p *plainWizard) letterEvent(letters []plainLetter, events map[string]flow.Event) (flow.Event, error) {
	letter, err := p.letter(letters)
	return events[letter], err
}

// askAgain is after it went wrong. Every answer is kept.
func (p *plainWizard) askAgain() (flow.Event, error) {
	if ev, err := p.askOffers(); ev != nil || err != nil {
		return ev, err
	}
	problem := p.state.Problem
	letters := []plainLetter{{"", "try again, with a new link"}}
	if problem.Approved {
		letters = append(letters, plainLetter{"g", "go on to the profiles"})
	}
	if p.state.PinnedPort() {
		p.say(pinnedWords)
		letters = append(letters, plainLetter{"r", "change the redirect URI"})
	}
	if problem.Err != nil {
		letters = append(letters, plainLetter{"d", "details"})
	}
	for {
		letter, err := p.letter(letters)
		switch {
		case err != nil:
			return nil, err
		case letter == "g":
			return flow.Continued{}, nil
		case letter == "r":
			return flow.RedirectURIWanted{}, nil
		case letter == "":
			return flow.AuthorizeStarted{}, nil
		}
		p.say("Details: " + problem.Details())
	}
}

// askOffers has another redirect URI chosen where a port was busy. No event
// means that there is nothing to choose, or that it is tried again as it is.
func (p *plainWizard) askOffers() (flow.Event, error) {
	problem := p.state.Problem
	if problem == nil || len(problem.Offers) == 0 || p.state.Answers.RedirectSet {
		return nil, nil
	}
	options := []plainOption{{text: "Try again with " + clean(p.state.Answers.RedirectURI), name: "try again"}}
	for _, uri := range problem.Offers {
		options = append(options, plainOption{text: "Take " + clean(uri), name: clean(uri)})
	}
	options = append(options, plainOption{text: "Show the text that asks Cronofy to permit them", name: "text"})
	at, err := p.choose(options, 0, "In production, the redirect URI must be on the application's list at Cronofy.")
	switch {
	case err != nil:
		return nil, err
	case at == len(options)-1:
		p.permit()
		return p.askOffers()
	case at > 0:
		return flow.RedirectURIChosen{URI: problem.Offers[at-1]}, nil
	case p.state.Step == flow.StepAuthorize:
		return flow.AuthorizeStarted{}, nil
	}
	return nil, nil
}

// working says what is done while nothing can be asked.
func (p *plainWizard) working() string {
	switch p.state.Attempt.Phase {
	case flow.PhasePreparing:
		return "Making a fresh link."
	case flow.PhaseExchanging, flow.PhaseStoring:
		return "" // said when it began
	case flow.PhaseNone, flow.PhaseWaiting:
	}
	switch p.state.Running.Effect.(type) {
	case flow.CheckApplication:
		return "Asking Cronofy about the application, and the system about its keyring."
	case flow.OpenStore, flow.StoreHeld:
		return storeTask(p.state) + "."
	case flow.CheckServiceAccount:
		return "Asking Cronofy for a link token, which checks the id and the secret."
	}
	return ""
}

// stillAtWork is said while nothing else is.
func (p *plainWizard) stillAtWork() string {
	if window := windowWords(p.state, p.cfg.Now()); window != "" {
		return window + "."
	}
	return "Still at work."
}

// told says what a task reported, once it has changed the state.
func (p *plainWizard) told(ev flow.Event) {
	at := p.state.Attempt
	switch ev := ev.(type) {
	case flow.UnlockAsked:
		if words := windowWords(p.state, p.cfg.Now()); words != "" {
			p.say(words + ".")
		}
	case flow.ApplicationAccepted:
		if !ev.Ask && p.state.Notice == "" {
			p.say("Cronofy knows the application.")
		}
	case flow.ServiceAccountAccepted:
		p.say("The service account is accepted: " + clean(ev.ID) + ".")
	case flow.LinkReady:
		p.toldLink()
	case flow.BrowserAsked:
		if ev.Err == nil {
			p.say("A browser was asked to open it.")
			return
		}
		p.say("confer: notice: " + clean(at.Browser))
	case flow.TimeExtended:
		p.say("More time. " + p.remaining())
	case flow.Strayed:
		p.say("confer: notice: " + clean(at.Notice))
	case flow.AnswerArrived:
		p.say("The administrator approved. The code is exchanged for tokens now; that is finished even if you leave.")
	case flow.Exchanged:
		p.say("The tokens are here. They are stored and read back now.")
	case flow.Linked:
		p.toldLinked(ev.Link)
	case flow.Paused:
		p.toldPause()
	case flow.ProfilesRead:
		p.toldRows(ev.Rows)
	case flow.LookPlanned:
		p.say(fmt.Sprintf("%s. The next look is in %s.", counts(p.state.Proof.Tally), plainSoon(ev.At.Sub(p.cfg.Now()))))
	}
}

// plainSoon is a time to come, in whole seconds.
func plainSoon(d time.Duration) string {
	return max(0, d+time.Second-1).Truncate(time.Second).String()
}

// toldPause says that a call waits, if it is long enough to wonder.
func (p *plainWizard) toldPause() {
	if left := p.state.Pause.Until.Sub(p.cfg.Now()); left >= plainWonder {
		p.say(fmt.Sprintf("Cronofy is asked again in %s (%s).", plainSoon(left), clean(p.state.Pause.Reason)))
	}
}

func (p *plainWizard) toldLinked(l flow.Link) {
	line := fmt.Sprintf("linked %s with %s", clean(l.ServiceAccount), clean(string(l.Provider)))
	if l.Unconfirmed {
		line += " (not confirmed)"
	}
	p.give(line)
	for _, s := range p.linked() {
		p.say(s)
	}
}

// linked says what has been reached.
func (p *plainWizard) linked() []string {
	a, l := p.state.Answers, p.state.Link
	between := "the calendars of " + customer(a) + " and " + toProvider(a.Provider)
	switch {
	case l == nil:
		return []string{"Most likely linked: " + between + ". The administrator approved; confer has no token of its own."}
	case l.Unconfirmed:
		return []string{"Not confirmed: " + between + ". The administrator says that it is done; confer has no token of its own."}
	}
	lines := []string{"Linked: " + between + ".", "confer's own token is " + storedWhere(l.Store, l.RefreshToken) + "."}
	if l.OrganizationalUnit != "" {
		lines = append(lines, "Organizational Unit: "+clean(l.OrganizationalUnit)+".")
	}
	return lines
}
