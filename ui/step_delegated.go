package ui

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"confer/flow"
)

// delegation is step 6 where accounts' tokens come through the service account.
type delegation struct {
	form                     form
	emails, callback, listen *field
	rooms, unsigned          tick
}

// tick is a line of a form that is on or off.
type tick struct {
	field *field
	label string
	on    bool
	seen  bool // the answer that on was taken from
}

func newTick(label string) tick {
	t := tick{field: &field{action: true}, label: label}
	t.set(false)
	return t
}

func (t *tick) set(on bool) {
	t.on = on
	t.field.label = map[bool]string{false: "[ ] ", true: "[x] "}[on] + t.label
}

func (t *tick) follow(answer bool) {
	if answer != t.seen {
		t.seen = answer
		t.set(answer)
	}
}

func (t *tick) submitted() bool {
	t.seen = t.on
	return t.on
}

func newDelegation() *delegation {
	d := &delegation{emails: newField("File with e-mail addresses", maxEntry), callback: newField("Callback URL", maxEntry),
		listen: newField("Listen on", maxEntry), rooms: newTick("Add the rooms that the service account sees"), unsigned: newTick(takeUnsigned)}
	d.listen.name = "address to listen on"
	d.emails.placeholder = "people.txt"
	d.emails.hint = "One address a line, or CSV with a column email."
	d.callback.placeholder = "https://hooks.example.com/cronofy"
	d.callback.hint = "The public address of your tunnel or proxy, where Cronofy's answers come in."
	d.listen.hint = "Where the tunnel or proxy delivers them, on this machine."
	d.form.fields = []*field{d.emails, d.callback, d.listen, d.rooms.field}
	return d
}

// takeUnsigned is offered only once such an answer has come: who takes them
// trusts whoever knows a callback URL.
const takeUnsigned = "Take answers without a signature"

func offersUnsigned(s flow.State) bool {
	return s.UnsignedSeen || s.Answers.Accounts.Delegated.AcceptUnsigned
}

func (d *delegation) sync(s flow.State) {
	a := s.Answers.Accounts.Delegated
	d.emails.follow(a.Emails)
	d.callback.follow(a.CallbackURL)
	d.listen.follow(cmp.Or(a.Listen, flow.DefaultWebhookListen))
	d.rooms.follow(a.Rooms)
	d.unsigned.follow(a.AcceptUnsigned)
	d.emails.optional = d.rooms.on
	if offersUnsigned(s) && len(d.form.fields) == 4 {
		d.form.fields = append(d.form.fields, d.unsigned.field)
	}
}

func (d *delegation) toggle() {
	t := &d.rooms
	if d.form.fields[d.form.focus] == d.unsigned.field {
		t = &d.unsigned
	}
	t.set(!t.on)
	d.emails.optional = d.rooms.on
}

func (d *delegation) update(msg tea.Msg, f frame) flow.Event {
	if k, ok := msg.(tea.KeyPressMsg); ok && k.Text == " " && !d.form.typing() {
		d.toggle()
		return nil
	}
	switch d.form.update(msg, f.keys) {
	case movedAction:
		d.toggle()
	case movedSubmit:
		return flow.AccountsGiven{Accounts: flow.Accounts{Kind: flow.AccountsDelegated, Delegated: flow.Delegated{
			Emails: d.emails.submitted(), CallbackURL: d.callback.submitted(), Listen: d.listen.submitted(),
			Rooms: d.rooms.submitted(), AcceptUnsigned: d.unsigned.submitted()}}}
	case movedNot, movedInside:
	}
	return nil
}

func (d *delegation) view(f frame, p *page) {
	p.heading(f, "Through the service account", "confer asks Cronofy for access to each calendar, and Cronofy answers to a public address of yours.")
	p.blocks = append(p.blocks, d.form.view(f, nil)...)
	p.note(f, spare, "Before anything is asked for, you see how many calendars that is.")
	if f.state.Busy() {
		p.foot = f.working("Reading the list, and asking Cronofy what the service account may do…")
		return
	}
	if f.state.Problem == nil || f.state.Answers.Accounts.Kind == flow.AccountsDelegated {
		p.trouble(f)
	}
}

func (d *delegation) bindings(f frame) []key.Binding {
	does := "count the calendars"
	switch {
	case !d.form.typing():
		does = "change"
	case slices.ContainsFunc(d.form.fields, func(fd *field) bool { return !fd.filled() }):
		does = "next"
	}
	return append([]key.Binding{as(f.keys.submit, does)}, append(d.form.bindings(f.keys), f.keys.back)...)
}

// updatePlan waits for a yes: there is no default to what may be billed.
func updatePlan(msg tea.Msg, f frame) flow.Event {
	k, ok := msg.(tea.KeyPressMsg)
	switch {
	case !ok:
	case key.Matches(k, f.keys.yes):
		return flow.DelegationConfirmed{}
	case key.Matches(k, f.keys.back):
		return flow.Back{}
	}
	return nil
}

func viewPlan(f frame, p *page) {
	n := calendars(f.state.Plan.Calendars())
	p.heading(f, "Authorize "+n+"?", "Nothing was asked for yet.")
	p.add(keep, f.warning(planWarning(f.state))...)
	p.text(f, aside, planWhose(f.state))
	p.note(f, aside, planScope(*f.state.Plan))
	p.note(f, extra, planTokens)
}

func planBindings(f frame) []key.Binding {
	return []key.Binding{as(f.keys.yes, "authorize "+calendars(f.state.Plan.Calendars())), f.keys.back}
}

const planTokens = "The calendars' tokens stay in memory, for this run only."

// planWarning is what must be known before: it may cost money.
func planWarning(s flow.State) string {
	each := "each of them"
	if s.Plan.Calendars() == 1 {
		each = "it"
	}
	return fmt.Sprintf("This authorizes %s in the application %s. Cronofy may bill for %s.",
		calendars(s.Plan.Calendars()), shortID(s.Answers.ClientID), each)
}

func planWhose(s flow.State) string {
	whose := plural(s.Plan.People, "address", "addresses") + " of your list"
	switch {
	case s.Plan.People == 0:
		whose = plural(s.Plan.Rooms, "room", "rooms")
	case s.Plan.Rooms > 0:
		whose += " and " + plural(s.Plan.Rooms, "room", "rooms")
	}
	are := "They are "
	if s.Plan.Calendars() == 1 {
		are = "It is "
	}
	return are + whose + ", through the service account " + shortID(s.Answers.ServiceAccount) + "."
}

func planScope(p flow.Plan) string {
	if p.ScopeGuessed {
		return "Scope: " + clean(p.Scope) + ". Cronofy does not say what this service account may delegate; this is confer's own choice."
	}
	return "Scope: " + clean(p.Scope) + "."
}

func calendars(n int) string { return plural(n, "calendar", "calendars") }

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return thousands(n) + " " + many
}

// answered says how many calendars Cronofy has answered for, while some are
// missing; empty: none are, or none were asked for.
func answered(p flow.Proof) string {
	if p.Answered >= p.Asked || !p.NextLook.IsZero() {
		return ""
	}
	return thousands(p.Answered) + " of " + thousands(p.Asked) + " answered"
}

// answersLeft is how long the answers that are missing are waited for; empty:
// not known yet, or nothing is waited for.
func answersLeft(s flow.State, now time.Time) string {
	if s.Running == nil || !s.Proof.Until.After(now) {
		return ""
	}
	return clock(s.Proof.Until.Sub(now)) + " left"
}

// answersCome says the way that answers take.
func answersCome(a flow.Answers) string {
	d := a.Accounts.Delegated
	return "Cronofy answers at " + clean(d.CallbackURL) + "; what comes there must arrive at " + clean(d.Listen) + "."
}

// delegatedFlags are those of confer profiles for the same calendars.
func delegatedFlags(a flow.Answers) []string {
	d := a.Accounts.Delegated
	flags := []string{"--client-id " + shellWord(clean(a.ClientID)), "--service-account " + shellWord(clean(a.ServiceAccount))}
	if d.Emails != "" {
		path := d.Emails
		if a.Site.Sandbox {
			path = "FILE" // the sandbox's list is no file
		}
		flags = append(flags, "--emails "+shellWord(clean(path)))
	}
	if d.Rooms {
		flags = append(flags, "--resources")
	}
	if d.AcceptUnsigned {
		flags = append(flags, "--accept-unsigned-webhooks")
	}
	return append(flags, "--callback-url "+shellWord(clean(d.CallbackURL)), "--listen "+shellWord(clean(d.Listen)))
}
