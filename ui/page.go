// Package ui is the wizard on a terminal. A Page says what the wizard says, asks
// and offers at a moment: a pure function of the state gives it, one file a step
// (page_*.go). Two renderings know no step: the screen (model.go, screen.go,
// form.go, layout.go), a tea.Model, and lines for screen readers and logs
// (lines*.go). The table of accounts has a driver of its own on the screen
// (table.go); what lines say of reports, and how they take a final address, is in
// lines_live.go. The state changes in wizard.change alone. Nothing here does network, keyring or
// disk work: tasks do, and their reports come in as messages.
//
// A new step needs a file with its page, which registers itself.
package ui

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"confer/cronofy"
	"confer/flow"
	"confer/internal/opener"
	"confer/internal/profiles"
	"confer/keystore"
)

// Page is one page of the wizard: what it says, asks and offers. A pure function
// of the state gives it; the screen draws it and the line mode asks it, and
// neither knows what any step is about.
type Page struct {
	Title  string
	Lead   string // one or two sentences under the title
	Fields []Field
	Submit func(Values) flow.Event // nil: the page has nothing to submit; without fields, Enter submits
	Refuse func(Values) *Refusal   // what is wrong with the answers together; nil: nothing can be
	Enter  string                  // what Enter does here, by name; empty: "next"

	Actions []Action // beside Enter, the likeliest first
	Found   []Note   // above the fields: what has been reached
	Notes   []Note   // below them
	Explain []string // what ? tells about the page before it lists keys

	Problem *flow.Problem
	At      string // the field that Problem is about; empty: it stands below all
	Warning string // to know, though it stops nothing

	Busy  string    // what confer is doing; while it does, the page can only be left
	Until time.Time // when the wait of the page ends, shown as a countdown
	Fixed bool      // what Busy says cannot be stopped any more
	Text  *Text     // a text to be sent to somebody

	Link  string // an address of our own to open, shown as a hyperlink
	Paste pageID // the page whose field takes what is pasted here
	End   bool   // the last page: leaving is finishing
}

// submits is the Submit of a page without fields.
func submits(ev flow.Event) func(Values) flow.Event { return func(Values) flow.Event { return ev } }

// Refusal is what is wrong with an answer, said under its field.
type Refusal struct {
	At string
	*flow.Problem
}

// Field is one answer that a page asks for.
type Field struct {
	Name   string // in Values
	Label  string // of a choice empty: it asks for the next act, and not for an answer
	Called string // in the middle of a sentence; empty: the label, in lower case
	Flag   string // what gives the answer to a run that asks nothing; empty: nothing does

	Kind        FieldKind
	Options     []Option
	Answer      string // so far; of a choice, the Value of an option
	Placeholder string // while it is empty
	Hint        func(value string) string
	Optional    bool                       // may stay empty
	Exact       bool                       // taken as typed: spaces and single letters count
	Check       func(string) *flow.Problem // nil: any answer will do
	Shy         bool                       // what Check refuses is not shown: it may be a token
}

// FieldKind is how a field is answered.
type FieldKind int

// The kinds of field.
const (
	FieldText FieldKind = iota
	FieldSecret
	FieldChoice
)

func (f Field) called() string {
	if f.Called != "" {
		return f.Called
	}
	return strings.ToLower(f.Label[:1]) + f.Label[1:]
}

func (f Field) hint(value string) string {
	if f.Hint == nil {
		return ""
	}
	return f.Hint(value)
}

// says is a hint that is the same for every answer.
func says(text string) func(string) string { return func(string) string { return text } }

// Option is one line of a choice. Without an act it is submitted as the answer.
type Option struct {
	Value string
	Label string
	Note  string // beside the label
	Last  string // after everything: what terminals measure differently
	About string // to know when it is chosen
	Act   Act
}

// Action is something else that a page offers. The key is the same on the screen
// and in lines.
type Action struct {
	Key   string // a letter, or "enter"
	Words string // "paste the final address"
	Short string // in the line of keys; empty: Words
	Act   Act
	Aside bool // the line of keys leaves it to the help
}

func (a Action) short() string {
	if a.Short != "" {
		return a.Short
	}
	return a.Words
}

// Act is what an action or an option does: one of these.
type Act struct {
	Event flow.Event
	Open  pageID // a page over this one
	Show  string // an address that is shown whole, outside the window
	Copy  string // for the terminal's clipboard: the screen alone has it
	Save  *Text  // to a file
	Leave bool   // end the wizard
	Told  string // what is said when it is done
}

func (a Act) none() bool {
	return a.Event == nil && a.Open == "" && a.Show == "" && a.Copy == "" && a.Save == nil && !a.Leave
}

// Note is a paragraph of its own.
type Note struct {
	Head    string // above it
	Text    string
	Command string   // below it, to be copied into a shell
	Items   []string // numbered
	Bullets bool     // Items have signs instead of numbers
	Kind    noteKind
	Tight   bool // follows the note before without a blank line
	Rank    rank // how readily it gives way in a small window
}

type noteKind int

const (
	notePlain noteKind = iota
	noteMuted
	noteDone
	noteWarning
)

// Text is something to be sent to somebody.
type Text struct {
	What string // "The message"
	File string // what its file is called
	Body string
	Link string // an address in it that is too long to be drawn; empty: none
	Keep bool   // its file need not be deleted: there is no link in it
}

// Values are the answers on a page, by the names of their fields. They may hold
// secrets, so they have no words.
type Values map[string]string

// String hides the values.
func (Values) String() string { return "answers" }

// GoString hides the values.
func (Values) GoString() string { return "answers" }

// Secret is the answer of a field for one.
func (v Values) Secret(name string) cronofy.Secret { return cronofy.NewSecret(v[name]) }

// Context is what a page may know: the state, and a little of the world around.
type Context struct {
	flow.State
	Session  opener.Kind
	Browser  string
	Now      time.Time
	Files    bool // texts can be written to files
	Flags    bool // the terminal measures flags right
	Approves bool // the sandbox's built-in browser can do what the administrator would

	forms   map[pageID]*form // with what stands in the fields now
	account profiles.Row     // the row under the table's cursor
	rows    []profiles.Row   // the accounts that were read
}

// draft is what stands in a field of a page, which may not be submitted yet.
func (c Context) draft(at pageID, field, otherwise string) string {
	if fm := c.forms[at]; fm != nil && fm.value(field) != "" {
		return fm.value(field)
	}
	return otherwise
}

// pageID names a page. A step may have more than one.
type pageID string

// step is what the wizard knows of a step of the set-up.
type step struct {
	page   pageID
	answer func(flow.State) string // as the list of steps shows it; empty: none yet
}

// pages are those beside the steps' own.
var pages = map[pageID]func(Context) Page{
	pageStore:        storePage,
	pagePassphrase:   passphrasePage,
	pageUnstored:     unstoredPage,
	pageUsedAccounts: usedAccountsPage,
	pageConnect:      connectPage,
	pageNewAccount:   newAccountPage,
	pageWaiting:      waitingPage,
	pagePaste:        pastePage,
	pageMessage:      messagePage,
	pagePermit:       permitPage,
	pageHanded:       handedPage,
	pageAccountsFile: accountsFilePage,
	pageAccessToken:  accessTokenPage,
	pageTable:        tablePage,
	pageAccount:      accountPage,
	pageExport:       exportPage,
	pageDone:         donePage,
}

// steps register themselves: a further one needs no more than a file with its page.
var steps = map[flow.Step]step{}

// registerStep registers the page that a step begins with.
func registerStep(at flow.Step, id pageID, page func(Context) Page, answer func(flow.State) string) bool {
	steps[at] = step{id, answer}
	pages[id] = page
	return true
}

// pathOf is the page that a state asks for, last, after those that lead to it.
func pathOf(s flow.State) []pageID {
	waiting := s.Attempt.Phase != flow.PhaseNone
	switch {
	case s.Asking && s.Store.Kind == keystore.File && s.Store.Passphrase.Empty():
		return []pageID{pageStore, pagePassphrase}
	case s.Asking:
		return []pageID{pageStore}
	case waiting:
		return []pageID{pageWaiting}
	case s.Unfinished() != nil:
		return []pageID{pageUnstored}
	case s.Step == flow.StepServiceAccount && len(usedHere(s)) > 0:
		return usedPath(s)
	case s.Step == flow.StepProfiles:
		return profilesPath(s)
	}
	return []pageID{steps[s.Step].page}
}

// pageAt makes a page. On the first one of a run that goes on where another
// stopped, that is said, and can be undone.
func pageAt(id pageID, c Context) Page {
	p := pages[id](c).submitted()
	if c.Attempt.Phase == flow.PhaseWaiting { // whatever is open over the wait
		p.Until, p.Paste, p.Warning = c.Attempt.Until, pagePaste, cmp.Or(p.Warning, c.Attempt.Notice)
	}
	if words := c.windowWords(); p.Busy != "" && words != "" {
		p.Busy = words
	}
	if c.Resumed && id == steps[c.Step].page && p.Busy == "" {
		p.Found = append([]Note{{Text: "Going on where you stopped: " + strings.ToLower(c.Step.Title()) + ".", Kind: noteMuted, Rank: aside}}, p.Found...)
		p.Actions = append(p.Actions, startOver)
	}
	return p
}

// submitted is a page that Enter submits, where it has no field to do that in.
func (p Page) submitted() Page {
	if len(p.Fields) == 0 && p.Submit != nil {
		enter := Action{Key: "enter", Words: cmp.Or(p.Enter, "next"), Act: Act{Event: p.Submit(nil)}}
		p.Actions = append([]Action{enter}, p.Actions...)
	}
	return p
}

var startOver = Action{Key: "s", Words: "start over", Act: Act{Event: flow.StartedOver{}}}

// trail is which pages are open: those that the state asks for, and what was
// opened over them.
type trail struct {
	path   []pageID            // that the state asked for last
	opened []pageID            // path, and the pages over it; the last is shown
	left   map[pageID][]pageID // opened, as it was when its first page was left
	past   *flow.Problem       // was told on another page than the one that is open
	notice string              // of the wait, likewise
}

func (t *trail) at() pageID { return t.opened[len(t.opened)-1] }

func (t *trail) over() bool { return len(t.opened) > 1 }

// follow turns to the page that a state asks for, and tells whether it did. Where
// that is a page that was left a moment ago, for a task that has failed, what was
// open over it is open again.
func (t *trail) follow(before, after flow.State, ev flow.Event) bool {
	if after.Problem != t.past {
		t.past = nil
	}
	if after.Attempt.Notice == "" {
		t.notice = ""
	}
	path := pathOf(after)
	if before.Attempt.Phase == flow.PhaseWaiting && after.Attempt.Phase > flow.PhaseWaiting {
		t.opened = slices.Clone(path) // nothing else matters any more
		return true
	}
	if slices.Equal(path, t.path) {
		return false
	}
	if t.left == nil {
		t.left = map[pageID][]pageID{}
	}
	if len(t.opened) > 0 {
		t.left[t.opened[0]] = t.opened
	}
	again := t.left[path[0]]
	if len(again) < len(path) || path[0] == pageStore || path[0] == pageWaiting || after.Step != before.Step && after.Problem == nil {
		again = path
	}
	same := len(t.path) > 0 && t.path[0] == path[0] && len(path) <= len(t.opened)
	t.path = path
	if same {
		return false
	}
	t.opened = slices.Clone(again)
	if newAccount(before, ev) {
		t.opened = append(t.opened, pageNewAccount)
	}
	return true
}

// newAccount tells whether a service account was authorized just now.
func newAccount(before flow.State, ev flow.Event) bool {
	if _, accepted := reported(before, ev).(flow.ServiceAccountAccepted); !accepted {
		return false
	}
	_, checked := before.Running.Effect.(flow.CheckServiceAccount)
	return !checked
}

// open puts a page over those that are open; what was wrong there is left behind.
func (t *trail) open(id pageID, s flow.State) {
	t.past = s.Problem
	t.opened = append(slices.Clone(t.opened), id)
}

func (t *trail) close(s flow.State) {
	t.past, t.notice = s.Problem, s.Attempt.Notice
	t.opened = t.opened[:len(t.opened)-1]
}

// seen is a state without a problem that was told elsewhere.
func (t *trail) seen(s flow.State) flow.State {
	if t.past != nil && t.past == s.Problem {
		s.Problem = nil
	}
	if t.notice == s.Attempt.Notice {
		s.Attempt.Notice = ""
	}
	return s
}

// wizard is what the screen and the lines have in common.
type wizard struct {
	trail
	cfg   Config
	state flow.State
	forms map[pageID]*form // kept, so that drafts survive going back
}

func newWizard(cfg Config) wizard {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	w := wizard{cfg: cfg, state: cfg.State, forms: map[pageID]*form{}}
	w.follow(w.state, w.state, nil)
	return w
}

// change is the only place where the state changes. It tells whether that has
// brought another page.
func (w *wizard) change(ev flow.Event) (before flow.State, turned bool) {
	before = w.state
	after, task := before.Apply(ev)
	w.state = after
	w.cfg.Tasks.Follow(before, after, task)
	return before, w.follow(before, after, ev)
}

// reported is what the running task has said; nil: the event is another.
func reported(before flow.State, ev flow.Event) flow.Event {
	r, ok := ev.(flow.Report)
	if !ok || before.Running == nil || r.Task != before.Running.ID {
		return nil
	}
	return r.Event
}

func (w *wizard) waiting() bool { return w.state.Attempt.Phase == flow.PhaseWaiting }

// losable tells whether leaving now would lose something: what the administrator
// finishes could not be known, or what was approved is in memory alone. A code that
// is being exchanged is not lost, but the program does not end at once.
func (w *wizard) losable() bool {
	return w.state.Attempt.Phase >= flow.PhaseWaiting || w.state.HasUnfinished()
}

func (w *wizard) form() *form {
	fm := w.forms[w.at()]
	if fm == nil {
		fm = newForm()
		w.forms[w.at()] = fm
	}
	return fm
}

// refuse is the refuser. It knows the secrets of the state, and those typed here.
func (w *wizard) refuse(f Field, text string) *flow.Problem {
	if f.Kind != FieldText || text == "" {
		return nil
	}
	s := w.state
	bad := s.CheckNoSecret(text)
	for _, fm := range w.forms {
		for _, other := range fm.page.Fields {
			if typed := fm.value(other.Name); bad == nil && other.Kind == FieldSecret && !other.Exact && typed != "" {
				s.Answers.ClientSecret = cronofy.NewSecret(typed)
				bad = s.CheckNoSecret(text)
			}
		}
	}
	if bad == nil && f.Shy {
		bad = f.check(text)
	}
	return bad
}

// context is what pages may know, with the accounts that were read.
func (w *wizard) context(rows []profiles.Row) Context {
	return Context{State: w.seen(w.state), Session: w.cfg.Session, Browser: w.cfg.Browser, Now: w.cfg.Now(), Files: w.cfg.SaveFile != nil,
		Approves: w.cfg.Approves, forms: w.forms, rows: rows}
}

// Missing are the flags of the fields that have no answer yet, and that a run which asks
// nothing needs, in the order of the steps.
func Missing(s flow.State) (flags []string) {
	for _, at := range flow.Steps() {
		s.Step = at
		for _, f := range pages[steps[at].page](Context{State: s}).Fields {
			if f.Flag != "" && f.Answer == "" && !f.Optional && f.Kind != FieldSecret { // a secret may be in the store
				flags = append(flags, f.Flag)
			}
		}
	}
	return flags
}

// working is what confer does, while it does it.
func (c Context) working(what string) string {
	if c.Busy() {
		return what
	}
	return ""
}

// problem hides one while something is under way: it may be over.
func (c Context) problem() *flow.Problem {
	if c.Busy() {
		return nil
	}
	return c.State.Problem
}
