package ui

import (
	"fmt"
	"io"
	"strings"

	"confer/cronofy"
	"confer/flow"
)

// fresh begins a line of its own.
func (p *plainWizard) fresh() {
	if p.open || len(p.in.pending) > 0 && p.in.shows() {
		p.write(p.cfg.Err, "\n")
	}
	p.open = false
}

// say writes a sentence on a line of its own, as long as it is: a line that is
// broken by us is read out in pieces.
func (p *plainWizard) say(text string) {
	if text == "" {
		return
	}
	p.fresh()
	p.write(p.cfg.Err, plainText(text)+"\n")
}

// give writes a result to standard output.
func (p *plainWizard) give(text string) {
	p.fresh()
	p.write(p.cfg.Output, cronofy.CleanText(text, plainLongest)+"\n")
}

func (p *plainWizard) write(w io.Writer, text string) {
	if _, err := io.WriteString(w, text); err != nil && p.broken == nil {
		p.broken = err
	}
}

// plainText keeps a line in the characters that every terminal has and every
// screen reader speaks; names from outside keep theirs.
func plainText(s string) string {
	return strings.NewReplacer("“", `"`, "”", `"`, "‘", "'", "’", "'", " · ", ", ", "…", "...").Replace(cronofy.CleanText(s, plainLongest))
}

// wrong says what is not right and what to do about it.
func (p *plainWizard) wrong(summary, hint string) {
	p.say("confer: error: " + clean(summary))
	if hint != "" {
		p.say("confer: hint: " + clean(hint))
	}
}

// heading says where the wizard is, and what is wrong there, each once.
func (p *plainWizard) heading() {
	s := p.state
	at := fmt.Sprint(s.Step, s.Asking, s.HeldHere() != nil)
	if s.Notice != "" && s.Notice != p.notice {
		p.say("confer: notice: " + clean(s.Notice))
	}
	p.notice = s.Notice
	if s.Problem != nil && s.Problem != p.problem {
		p.wrong(s.Problem.Summary, s.Problem.Hint)
	}
	p.problem = s.Problem
	if at == p.page || s.Proof.Started {
		return
	}
	p.page = at
	p.say(fmt.Sprintf("Step %d of %d: %s.%s", s.Step+1, len(flow.Steps()), s.Step.Title(), p.place()))
	for _, l := range p.about() {
		p.say(l)
	}
}

// place names where calls go, from the second step on.
func (p *plainWizard) place() string {
	s := p.state
	if !s.Answers.Site.Chosen() || s.Step == flow.StepDataCenter {
		return ""
	}
	return " " + clean(place(s.Answers.Site)) + "."
}

// about is what a page says before it asks.
func (p *plainWizard) about() []string {
	switch {
	case p.state.Asking:
		return p.aboutStore()
	case p.state.HeldHere() != nil:
		return p.aboutHeld()
	}
	switch p.state.Step {
	case flow.StepDataCenter:
		return []string{"Which data center was your Cronofy application made in?",
			"Client ids, secrets and service accounts exist in one data center only. Cronofy's developer dashboard shows it in its address."}
	case flow.StepApplication:
		return []string{"Your Cronofy application. Its credentials are in Cronofy's developer dashboard.",
			"The redirect URI. " + redirectHint(p.redirect(), p.state)}
	case flow.StepServiceAccount:
		return []string{"Whose calendars? A calendar service account stands for one customer's calendars.",
			"Its id is the sub that your application got when the calendar administrator authorized Enterprise Connect."}
	case flow.StepProvider:
		return []string{"Which provider should people meet on? The administrator signs in to it once, for everybody."}
	case flow.StepAuthorize:
		return p.aboutAuthorize()
	case flow.StepProfiles:
	}
	return []string{"See it at work: Cronofy lists no accounts, so the conferencing profiles are read account by account."}
}

func (p *plainWizard) aboutStore() []string {
	s := p.state.Store
	if s.Kind == flow.StoreFile && s.Passphrase.Empty() {
		return []string{"The secrets are kept in the encrypted secrets file."}
	}
	return []string{"Where should the secrets be kept? " + keyringWords(s), systemSays(p.state)}
}
