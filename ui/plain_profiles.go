package ui

import (
	"errors"
	"fmt"
	"slices"

	"confer/cronofy"
	"confer/flow"
	"confer/internal/profiles"
)

// plainMostRows is the longest list whose accounts are said one by one as they
// are read. Longer ones have their counts alone, and the table at the end.
const plainMostRows = 200

// plainRows are the newest records, for the table at the end.
type plainRows struct {
	all  []profiles.Row
	read []bool

	advised map[string]bool // next steps that were said: once is enough for a list
}

func (p *plainWizard) askAccounts() (flow.Event, error) {
	a, f := p.state.Answers.Accounts, &p.fields
	f.path.follow(a.Path)
	f.token.follow(a.Token.Reveal())
	options, kinds := p.accountOptions()
	def := slices.Index(kinds, a.Kind)
	if a.Kind == flow.AccountsUnknown {
		def = slices.Index(kinds, flow.AccountsNone)
	}
	at, err := p.choose(options, def, "Nothing is changed by reading profiles.")
	if err != nil {
		return nil, err
	}
	given := flow.Accounts{Kind: flow.AccountsNone}
	switch kinds[at] {
	case flow.AccountsUnknown:
		return flow.AnotherWanted{}, nil
	case flow.AccountsNone:
	case flow.AccountsFile:
		err = p.form(0, &f.path)
		given = flow.Accounts{Kind: flow.AccountsFile, Path: f.path.value}
	case flow.AccountsToken:
		p.say(f.token.hint + " It is not shown.")
		err = p.form(0, &f.token)
		given = flow.Accounts{Kind: flow.AccountsToken, Token: cronofy.NewSecret(f.token.value)}
	}
	if errors.Is(err, errPlainBack) { // from the field to the choice
		return p.askAccounts()
	}
	return flow.AccountsGiven{Accounts: given}, err
}

// accountOptions are the choices and what each stands for; AccountsUnknown is
// another customer.
func (p *plainWizard) accountOptions() ([]plainOption, []flow.AccountsKind) {
	options := []plainOption{
		{text: "A file, a list of accounts with access tokens", name: "file"},
		{text: "One access token, of one account", name: "token"},
	}
	kinds := []flow.AccountsKind{flow.AccountsFile, flow.AccountsToken}
	return append(options,
			plainOption{text: "Not now; " + withoutProof(p.state), name: "not now", words: []string{"none"}},
			plainOption{text: "Another customer; this one is left as it is, and the next begins", name: "another"}),
		append(kinds, flow.AccountsNone, flow.AccountsUnknown)
}

// watch reads along while the profiles are looked at, and looks again when the
// operator says so. When the input has ended, the look that is under way is
// still finished: what was asked for is read once.
func (p *plainWizard) watch() error {
	p.say("Looking. r looks again at once, b goes back, q ends.")
	for p.state.Running != nil && p.state.Step == flow.StepProfiles {
		if p.in.ended && len(p.in.lines) == 0 && !p.state.Proof.NextLook.IsZero() {
			return errPlainEnded
		}
		got, err := p.next(plainWants{input: !p.in.ended || len(p.in.lines) > 0})
		if err != nil {
			return err
		}
		if got.kind != plainLine {
			continue
		}
		if err := p.watched(plainUnmarked(got.text)); err != nil {
			return err
		}
	}
	return nil
}

func (p *plainWizard) watched(text string) error {
	switch clean(text) {
	case "r":
		p.say("Looking again.")
		p.apply(flow.Refreshed{})
	case "b":
		p.apply(flow.Back{})
	case "q":
		return errPlainQuit
	case "?", "":
		p.say(p.counted() + " r looks again at once, b goes back, q ends.")
	default:
		p.wrong("That is not one of the choices.", "r looks again at once, b goes back, q ends.")
	}
	return nil
}

func (p *plainWizard) counted() string {
	if p.state.Proof.Tally.Read == 0 {
		return "No account is read yet."
	}
	return counts(p.state.Proof.Tally) + "."
}

// toldRows says each account whose state is new or has changed.
func (p *plainWizard) toldRows(in []profiles.Row) {
	r := &p.rows
	if r.advised == nil {
		r.advised = map[string]bool{}
	}
	for _, row := range in {
		if row.Index < 0 {
			continue
		}
		if n := row.Index + 1 - len(r.all); n > 0 {
			r.all = append(r.all, make([]profiles.Row, n)...)
			r.read = append(r.read, make([]bool, n)...)
		}
		row = row.NameLike(r.all[row.Index])
		changed := !r.read[row.Index] || r.all[row.Index].Record.State != row.Record.State
		r.all[row.Index], r.read[row.Index] = row, true
		switch {
		case !changed || row.Index > plainMostRows:
		case row.Index == plainMostRows:
			p.say(fmt.Sprintf("There are more than %d accounts: the rest is counted, and stands in the table at the end.", plainMostRows))
		default:
			p.say(p.row(row))
		}
	}
}

func (p *plainWizard) row(row profiles.Row) string {
	rec, kind := row.Record, p.state.Answers.Accounts.Kind
	line := stateWord(rec.State) + ": " + clean(accountName(row, kind))
	shown := p.shown(rec)
	switch {
	case rec.Error != nil:
		_, next := flow.AccountWords(rec.Error.Code, kind)
		line += ", " + clean(rec.Error.Message)
		if p.rows.advised[next] {
			return line
		}
		p.rows.advised[next] = true
		return line + " " + next
	case shown == nil:
		return line
	}
	line += ", " + providerLabel(shown.ProviderName) + " profile " + clean(shown.ProfileName)
	if shown.SinceLink() {
		line += ", new since the link"
	}
	if shown.RelinkURL != "" {
		line += ", to be linked again at " + clean(shown.RelinkURL)
	}
	return line
}

// summary is the end: the table, what was done, what comes next, how to undo it.
func (p *plainWizard) summary() {
	s := p.state
	if s.Step != flow.StepProfiles || s.Link == nil && !s.ApprovedNow() {
		return
	}
	p.table()
	p.say("What was done:")
	for _, l := range p.linked() {
		p.say(l)
	}
	if len(p.rows.all) == 0 {
		p.say("The proof needs accounts' tokens: " + profilesCommand(s.Answers, "FILE"))
	}
	if s.Proof.Tally.Read > 0 {
		p.say(p.counted())
	}
	if s.Answers.Site.Sandbox {
		p.say("This was the sandbox: it ends with confer, and nothing is stored on this machine.")
		return
	}
	switch {
	case len(p.rows.all) == 0:
		p.say(withoutTokens)
	case s.Answers.Accounts.Kind == flow.AccountsToken: // it is in no file
		p.say("A spreadsheet needs a file with accounts' tokens: " + profilesCommand(s.Answers, "FILE") + " --format csv")
	default:
		p.say("The same list for a spreadsheet: " + profilesCommand(s.Answers, s.Answers.Accounts.Path) + " --format csv")
	}
	if s.KnownHere() == nil && len(p.rows.all) > 0 {
		p.say("Names do not tell a person's own Zoom from the company's: a profile that was there before may be the person's own.")
	}
	p.say("What is linked, and where each secret is: confer status")
	if undo := logoutCommand(s.Link); undo != "" {
		p.say("To undo it on this machine; with --revoke, confer's own token at Cronofy too: " + undo)
	}
}

// table writes all rows to standard output, as the command profiles does.
func (p *plainWizard) table() {
	if len(p.rows.all) == 0 {
		return
	}
	p.fresh()
	w, err := profiles.NewWriter(p.cfg.Output, profiles.FormatTable)
	for i, row := range p.rows.all {
		if p.rows.read[i] && err == nil {
			err = w.Write(row.Record)
		}
	}
	if err != nil && p.broken == nil {
		p.broken = err
	}
}
