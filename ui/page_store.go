package ui

import (
	"confer/flow"
	"confer/keystore"
)

// The question for a place for secrets, when the keyring cannot be used.
const (
	pageStore      pageID = "store"
	pagePassphrase pageID = "passphrase"
	pageUnstored   pageID = "approved, not stored"
)

func storePage(c Context) Page {
	st, problem := c.Store, c.problem()
	lead, help := clean(flow.KeyringWords(st.Keyring)), flow.KeyringHelp(st.Keyring)
	if st.Keyring.State == "" || problem != nil && problem.Code == flow.CodeSecretStore { // that says why this is asked, and what helps
		lead, help = "", ""
	}
	keyring := Option{Value: string(keystore.Keyring), Label: "Try the keyring again", Act: Act{Event: flow.StoreChosen{Kind: keystore.Keyring}}}
	if st.Keyring.State == keystore.Locked && !st.Keyring.NoWindow {
		keyring.Label, keyring.Note = "Unlock the keyring", "a window on your desktop asks"
	}
	file := Option{Value: string(keystore.File), Label: "Encrypted file", Note: "with a passphrase", Act: Act{Open: pagePassphrase}}
	if st.Kind == keystore.File && !st.Passphrase.Empty() { // it was open, and failed
		file.Act = Act{Event: flow.StoreChosen{Kind: keystore.File, Passphrase: st.Passphrase}}
	}
	return Page{
		Title: "Where should the secrets be kept?", Lead: lead,
		Fields: []Field{{Name: "secret_store", Kind: FieldChoice, Answer: storeDefault(c.State), Options: []Option{
			keyring,
			{Value: string(keystore.Session), Label: "Memory, for this run", Note: "gone when confer ends", Act: Act{Event: flow.StoreChosen{Kind: keystore.Session}}},
			file,
		}}},
		Notes: []Note{
			{Text: help, Kind: noteMuted, Rank: aside},
			{Text: "Secrets are the client secret and confer's own refresh tokens. Nothing is written anywhere else.", Kind: noteMuted, Rank: extra},
		},
		Problem: problem, Warning: c.Notice, Busy: storeWorking(c),
		Explain: []string{
			"The system keyring is where browsers and mail programs keep passwords too. It is the usual place, and confer asks only because it cannot be used as it is.",
			"In memory, the secrets are gone when confer ends: the link stays, but confer's own token for it is lost, and the client secret is asked for again.",
			"The encrypted file opens with a passphrase that you choose. confer does not keep the passphrase, and nobody can recover it.",
		},
	}
}

// storeDefault is memory, or what was in use when it failed.
func storeDefault(s flow.State) string {
	switch {
	case s.Store.Kind == keystore.File:
		return string(keystore.File)
	case s.Store.Kind == keystore.Keyring && s.Step > flow.StepApplication:
		return string(keystore.Keyring)
	}
	return string(keystore.Session)
}

func passphrasePage(c Context) Page {
	first := Field{Name: "passphrase", Label: "Passphrase", Kind: FieldSecret, Exact: true, Hint: flow.WeakPassphrase}
	p := Page{
		Title: "A new encrypted file", Lead: "Choose a passphrase. confer does not keep it, and nobody can recover it.",
		Fields: []Field{first, {Name: "repeat", Label: "Repeat the passphrase", Called: "repeated passphrase", Kind: FieldSecret, Exact: true}},
		Refuse: func(v Values) *Refusal {
			if v["passphrase"] == v["repeat"] {
				return nil
			}
			return &Refusal{"passphrase", &flow.Problem{Summary: "The two passphrases are not the same.", Hint: "Enter it twice again."}}
		},
		Problem: c.problem(), Warning: c.Notice, Busy: storeWorking(c),
		Explain: []string{"The encrypted file holds the client secret and confer's own refresh tokens. Whoever has the file and the passphrase has the secrets."},
	}
	if c.Store.File != "" { // it is there, so a wrong passphrase is found out
		first.Hint = nil
		p.Title, p.Lead = "Open the encrypted file", "It needs its passphrase: "+clean(c.Store.File)
		p.Fields, p.Refuse, p.Enter = []Field{first}, nil, "open it"
	}
	p.Submit = func(v Values) flow.Event {
		return flow.StoreChosen{Kind: keystore.File, Passphrase: v.Secret("passphrase")}
	}
	if p.Problem != nil && p.Problem.Code == flow.CodeSecretStore && c.Store.Kind == keystore.File && c.Store.Passphrase.Empty() {
		p.At = "passphrase"
	}
	return p
}

// unstoredPage is about an approval whose tokens no store has taken yet.
func unstoredPage(c Context) Page {
	held, why := c.Unfinished(), c.State.Problem
	if why == nil { // of the moment; else why nothing is stored yet
		why = held.Problem
	}
	p := Page{
		Title: "Approved, but not finished", Lead: clean(why.Hint),
		Problem: &flow.Problem{Summary: why.Summary, Err: why.Err},
		Notes:   []Note{{Text: "The token is lost when confer ends, unless it is stored.", Kind: noteMuted, Rank: extra}},
		Explain: []string{"The administrator need not approve again. confer has the token in memory, but has not stored it yet."},
	}
	if why != held.Problem && !why.Approved {
		p.Notes = append(p.Notes, Note{Text: "An earlier approval is still in memory, and not stored.", Kind: noteWarning})
	}
	options := []Option{
		{Value: "again", Label: "Store it again", Note: "in " + c.Store.Kind.Words(), Act: Act{Event: flow.ApprovalRetried{}}},
		{Value: "other", Label: "Another place", Note: "memory, or a file", Act: Act{Event: flow.OtherStoreWanted{}}},
	}
	if held.Kept.Code() {
		p.Until = held.Kept.Until
		p.Notes = nil
		p.Explain = []string{"Cronofy was not reached, so the code of the approval is still good. confer tries again by itself once Cronofy can be reached."}
		options = []Option{{Value: "exchange", Label: "Try the exchange again", Note: "nobody has to approve again", Act: Act{Event: flow.ApprovalRetried{}}}}
	}
	if c.Step == flow.StepServiceAccount {
		options = append(options, Option{Value: "drop", Label: "Do without it", Note: "confer forgets what was approved", Act: Act{Event: flow.ApprovalDropped{}}})
	} else {
		options = append(options, Option{Value: "new", Label: "Make a new approval link", Note: "to be approved again", Act: Act{Event: flow.AuthorizeStarted{}}},
			Option{Value: "go on", Label: "Go on", Note: "without a token", Act: Act{Event: flow.Continued{}}})
	}
	p.Fields = []Field{{Name: "unstored", Kind: FieldChoice, Options: options}}
	if p.Busy = storeWorking(c); p.Busy != "" {
		p.Problem = nil
	}
	return p
}

// windowWords are for a store that waits for somebody; empty: it does not.
func (c Context) windowWords() string {
	words, until := flow.WaitWords(c.StoreWait), c.StoreWait.Until
	switch left := until.Sub(c.Now); {
	case words == "":
		return ""
	case left <= 0:
		return ""
	default:
		return words + ". " + clock(left) + " left"
	}
}

// storeWorking says what is done with the store; empty: nothing is.
func storeWorking(c Context) string {
	if !c.Busy() {
		return ""
	}
	if _, ok := c.Running.Effect.(flow.FinishApproval); ok {
		return "Storing the token and reading it back"
	}
	return "Opening the store"
}
