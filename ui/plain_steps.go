package ui

import (
	"errors"
	"fmt"
	"slices"

	"confer/cronofy"
	"confer/flow"
)

// plainFields keep what was typed for as long as the wizard runs.
type plainFields struct {
	clientID, secret, redirect plainField
	account, label             plainField
	scope, delegated           plainField
	path, token                plainField
}

func newPlainFields() plainFields {
	return plainFields{
		clientID:  plainField{label: "Client id", check: flow.CheckClientID, hint: "The client id is at your application in Cronofy's developer dashboard."},
		secret:    plainField{label: "Client secret", hidden: true},
		redirect:  plainField{label: "Redirect URI", check: flow.CheckRedirectURI},
		account:   plainField{label: "Service account id, or c to authorize one now", check: flow.CheckServiceAccountID, hint: "The id begins with ser_. c has a calendar administrator authorize a service account in the browser, through Enterprise Connect."},
		label:     plainField{label: "Label, your own name for this customer, or nothing", hint: "A label is for your own lists alone.", clearable: true},
		scope:     plainField{label: "Scope", value: cronofy.DefaultServiceAccountScope, hint: "What the service account itself may do, separated by spaces."},
		delegated: plainField{label: "Delegated scope", value: cronofy.DefaultDelegatedScope, hint: "The widest access that your application may ask for later, account by account."},
		path:      plainField{label: "File", hint: "CSV with a header, or JSON lines, with the columns email and access_token."},
		token:     plainField{label: "Access token", hidden: true, hint: "One account's access token. It stays in memory, for this run only."},
	}
}

func (p *plainWizard) askDataCenter() (flow.Event, error) {
	var options []plainOption
	def := -1
	for i, s := range p.state.Sites {
		options = append(options, plainOption{
			text: fmt.Sprintf("%s (%s), %s", s.DataCenter.Name, s.DataCenter.ID, clean(s.APIHost())),
			name: s.DataCenter.Name, words: []string{s.DataCenter.ID},
		})
		if s.DataCenter.ID == p.state.Answers.Site.DataCenter.ID {
			def = i
		}
	}
	at, err := p.choose(options, def, "The address of Cronofy's developer dashboard tells: app-de.cronofy.com is Germany.")
	if err != nil {
		return nil, err
	}
	return flow.DataCenterChosen{Site: p.state.Sites[at]}, nil
}

func (p *plainWizard) askApplication() (flow.Event, error) {
	s, f := p.state, &p.fields
	f.clientID.follow(s.Answers.ClientID)
	f.secret.follow(s.Answers.ClientSecret.Reveal())
	f.redirect.follow(p.redirect())
	f.secret.hint = keptWhere(s.Store)
	f.secret.shown = ""
	if secretMayBeStored(s) {
		f.secret.shown = "the stored one"
	}
	f.redirect.hint = redirectHint(f.redirect.value, s)
	at := plainTroubled(s)
	if at <= 1 {
		p.say("What you type as the client secret is not shown. " + f.secret.hint)
	}
	if err := p.form(at, &f.clientID, &f.secret, &f.redirect); err != nil {
		return nil, err
	}
	if hint := redirectHint(f.redirect.value, s); hint != f.redirect.hint {
		p.say(hint)
	}
	return flow.ApplicationEntered{ClientID: f.clientID.value, ClientSecret: cronofy.NewSecret(f.secret.value), RedirectURI: f.redirect.value}, nil
}

// redirect is the redirect URI that is proposed.
func (p *plainWizard) redirect() string {
	if uri := p.state.Answers.RedirectURI; uri != "" {
		return uri
	}
	return flow.DefaultRedirectURI
}

// plainTroubled is the first field worth asking again; the others keep their
// answers.
func plainTroubled(s flow.State) int {
	switch {
	case s.Problem == nil, flow.CheckClientID(s.Answers.ClientID) != nil:
		return 0
	case flow.CheckRedirectURI(s.Answers.RedirectURI) != nil:
		return 2
	case s.Problem.Code == flow.CodePort:
		return 2
	case s.Problem.Code == flow.CodeUnauthorized, s.Problem.Code == flow.CodeUsage:
		return 1
	}
	return 0
}

func (p *plainWizard) askStore() (flow.Event, error) {
	s := p.state.Store
	if s.Kind == flow.StoreFile && s.Passphrase.Empty() { // chosen before: the passphrase is missing, or was wrong
		ev, err := p.askPassphrase()
		if s.Pinned || !errors.Is(err, errPlainBack) {
			return ev, err
		}
	}
	if how := keyringHelp(p.state); how != "" {
		p.say(how)
	}
	again := keyringAgain(s)
	options := []plainOption{
		{text: again.label + ", " + again.note, name: "keyring"},
		{text: "Memory, for this run; gone when confer ends", name: "memory", words: []string{"session"}},
		{text: "Encrypted file, " + fileNote(s), name: "file"},
	}
	for {
		at, err := p.choose(options, plainStoreDefault(p.state), "Secrets are the client secret and confer's own refresh tokens. Nothing is written anywhere else.")
		switch {
		case err != nil:
			return nil, err
		case at == 0:
			return flow.StoreChosen{Kind: flow.StoreKeyring}, nil
		case at == 1:
			return flow.StoreChosen{Kind: flow.StoreSession}, nil
		case s.Kind == flow.StoreFile && !s.Passphrase.Empty(): // it was open, and failed
			return flow.StoreChosen{Kind: flow.StoreFile, Passphrase: s.Passphrase}, nil
		}
		if ev, err := p.askPassphrase(); !errors.Is(err, errPlainBack) {
			return ev, err
		}
	}
}

// plainStoreDefault is memory, or what was in use when it failed.
func plainStoreDefault(s flow.State) int {
	switch {
	case s.Step == flow.StepApplication:
	case s.Store.Kind == flow.StoreKeyring:
		return storeKeyring
	case s.Store.Kind == flow.StoreFile:
		return storeFile
	}
	return storeSession
}

// askKnownPassphrase takes that of a file that is there: a wrong one is told.
func (p *plainWizard) askKnownPassphrase() (flow.Event, error) {
	p.say("The secrets file needs its passphrase: " + clean(p.state.Store.File) + ". It is not shown. An empty answer goes back.")
	phrase, err := p.line(plainQuestion{text: "Passphrase", hidden: true, exact: true})
	if err == nil && phrase == "" {
		err = errPlainBack
	}
	if err != nil {
		return nil, err
	}
	return flow.StoreChosen{Kind: flow.StoreFile, Passphrase: cronofy.NewSecret(phrase)}, nil
}

// askPassphrase takes it twice, and exactly as typed. An empty one is the way
// back, because no letter can be.
func (p *plainWizard) askPassphrase() (flow.Event, error) {
	if p.state.Store.File != "" {
		return p.askKnownPassphrase()
	}
	p.say("There is no way back without the passphrase, and confer does not keep it. It is not shown. An empty answer goes back.")
	for {
		first, err := p.line(plainQuestion{text: "Passphrase", hidden: true, exact: true})
		if err != nil {
			return nil, err
		}
		if first == "" {
			return nil, errPlainBack
		}
		again, err := p.line(plainQuestion{text: "The same again", hidden: true, exact: true})
		if err != nil {
			return nil, err
		}
		if first == again {
			return flow.StoreChosen{Kind: flow.StoreFile, Passphrase: cronofy.NewSecret(first)}, nil
		}
		p.wrong("The two are not the same.", "Type the same passphrase twice.")
	}
}

func (p *plainWizard) askServiceAccount() (flow.Event, error) {
	f := &p.fields
	f.account.follow(p.state.Answers.ServiceAccount)
	f.label.follow(p.state.Answers.Label)
	if ev, err := p.askOffers(); ev != nil || err != nil {
		return ev, err
	}
	if p.state.PinnedPort() {
		p.say(pinnedWords)
		if letter, err := p.letter([]plainLetter{{"", "begin again"}, {"r", "change the redirect URI"}}); err != nil || letter == "r" {
			return flow.RedirectURIWanted{}, err
		}
	}
	used := usedHere(p.state)
	list := len(used) > 0 && p.state.Problem == nil
	for {
		if list {
			if ev, err := p.askUsed(used); ev != nil || err != nil {
				return ev, err
			}
		}
		ev, err := p.askAccountID()
		if len(used) == 0 || !errors.Is(err, errPlainBack) {
			return ev, err
		}
		list = true
	}
}

// askAccountID takes the id and its label, or the way to a new account.
func (p *plainWizard) askAccountID() (flow.Event, error) {
	f := &p.fields
	for {
		id, err := p.line(f.account.question())
		switch {
		case err != nil:
			return nil, err
		case id != "c" && p.refused(&f.account, id):
			continue
		case id != "c":
			f.account.value, f.account.seen = id, id
		}
		var ev flow.Event
		if id == "c" {
			ev, err = p.askConnect()
		} else {
			err = p.form(0, &f.label)
			ev = flow.ServiceAccountEntered{ID: id, Label: f.label.value}
		}
		if !errors.Is(err, errPlainBack) {
			return ev, err
		}
	}
}

// askUsed offers them. No event means that an id is to be typed.
func (p *plainWizard) askUsed(used []flow.Used) (flow.Event, error) {
	now := p.state.Answers.ServiceAccount
	var options []plainOption
	for _, u := range used {
		options = append(options, plainUsed(u))
	}
	def := slices.IndexFunc(used, func(u flow.Used) bool { return u.ServiceAccount == now })
	if def < 0 && now != "" {
		def = len(used)
	}
	options = append(options, plainOption{text: "Another one; enter its id, or authorize it now", name: "another one"})
	at, err := p.choose(options, def)
	if err != nil || at == len(used) {
		return nil, err
	}
	return flow.ServiceAccountEntered{ID: used[at].ServiceAccount, Label: used[at].Label}, nil
}

func plainUsed(u flow.Used) plainOption {
	o := plainOption{text: clean(u.ServiceAccount), name: clean(u.ServiceAccount)}
	if u.Label != "" {
		o.text = clean(u.Label) + ", " + o.text
		o.name, o.words = clean(u.Label), []string{u.ServiceAccount}
	}
	return o
}

func (p *plainWizard) askConnect() (flow.Event, error) {
	f := &p.fields
	p.say("Authorize a calendar service account: the calendar administrator opens a link and allows it, through Enterprise Connect.")
	p.say("Your own application does not learn of the account by itself: note the id that you are told afterwards.")
	if err := p.form(0, &f.scope, &f.delegated, &f.label); err != nil {
		return nil, err
	}
	return flow.ConnectStarted{Scope: f.scope.value, DelegatedScope: f.delegated.value, Label: f.label.value}, nil
}

func (p *plainWizard) askProvider() (flow.Event, error) {
	var options []plainOption
	def := -1
	for i, pr := range cronofy.Providers() {
		w := wordsFor(pr)
		options = append(options, plainOption{text: w.option + ", " + w.note, name: w.option, words: []string{string(pr)}})
		if pr == p.state.Answers.Provider {
			def = i
		}
	}
	at, err := p.choose(options, def)
	if err != nil {
		return nil, err
	}
	chosen := cronofy.Providers()[at]
	p.say(wordsFor(chosen).needs)
	return flow.ProviderChosen{Provider: chosen}, nil
}
