package ui

import (
	"cmp"
	"errors"

	"confer/flow"
)

// askDelegated takes what access through the service account needs.
func (p *plainWizard) askDelegated() (flow.Accounts, error) {
	f, was := &p.fields, p.state.Answers.Accounts.Delegated
	f.emails.follow(was.Emails)
	f.callback.follow(was.CallbackURL)
	f.listen.follow(cmp.Or(was.Listen, flow.DefaultWebhookListen))
	p.say("confer asks Cronofy for access to each calendar, and Cronofy answers to a public address of yours.")
	p.say("Before anything is asked for, you are told how many calendars that is.")
	for at := 0; ; at = 2 {
		if err := p.form(at, &f.emails, &f.callback, &f.listen); err != nil {
			return flow.Accounts{}, err
		}
		rooms, err := p.askYes("Add the rooms that the service account sees, y or n", was.Rooms)
		unsigned := was.AcceptUnsigned
		if err == nil && offersUnsigned(p.state) {
			unsigned, err = p.askYes(takeUnsigned+", y or n", was.AcceptUnsigned)
		}
		if errors.Is(err, errPlainBack) {
			continue
		}
		return flow.Accounts{Kind: flow.AccountsDelegated, Delegated: flow.Delegated{Emails: f.emails.value,
			CallbackURL: f.callback.value, Listen: f.listen.value, Rooms: rooms, AcceptUnsigned: unsigned}}, err
	}
}

func (p *plainWizard) askYes(question string, was bool) (bool, error) {
	def := "n"
	if was {
		def = "y"
	}
	for {
		text, err := p.line(plainQuestion{text: question, def: def})
		switch {
		case err != nil:
			return false, err
		case text == "y" || text == "yes":
			return true, nil
		case text == "n" || text == "no":
			return false, nil
		}
		p.wrong("That is not one of the choices.", "Give y or n.")
	}
}

// askPlan has what may be billed confirmed. An empty answer is none.
func (p *plainWizard) askPlan() (flow.Event, error) {
	s := p.state
	p.say(planWarning(s))
	p.say(planWhose(s))
	p.say(planScope(*s.Plan))
	p.say(planTokens)
	letter, err := p.letter([]plainLetter{{"", "go back"}, {"y", "authorize " + calendars(s.Plan.Calendars())}}, "Nothing was asked for yet.")
	if err != nil {
		return nil, err
	}
	if letter == "y" {
		return flow.DelegationConfirmed{}, nil
	}
	return flow.Back{}, nil
}
