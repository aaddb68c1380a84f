package flow

import (
	"context"
	"errors"
	"fmt"
	"time"

	"confer/cronofy"
	"confer/flow/callback"
	"confer/internal/links"
	"confer/keystore"
)

// Attempt is an authorization under way, as the screen shows it; the zero one: there is none.
type Attempt struct {
	Phase     Phase
	LinkReady        // the newest
	Opened    bool   // a browser was asked to open the link
	Browser   string // why no browser was opened; empty when one was asked
	Notice    string // what came back but was not the answer, in a sentence
	Links     int    // links made in this attempt, the first is 1
}

// Phase is how far an attempt has come.
type Phase int

// The phases, in order.
const (
	PhaseNone Phase = iota
	PhasePreparing
	PhaseWaiting
	PhaseExchanging // and storing
)

// Link is a finished set-up: as the list of links has it, and what it was made for.
type Link struct {
	links.Link
	Site cronofy.Site
	For  Basis // the answers
}

// EndsWithRun tells whether confer's own token of the link is in memory alone, so
// that it is lost when the run ends unless somebody takes it.
func (l Link) EndsWithRun() bool { return l.RefreshToken && l.Store == keystore.Session }

// LinkedNow tells whether the link was made with the answers as they are.
func (s State) LinkedNow() bool {
	return s.Link != nil && s.Link.For == s.Answers.authorizing(StepAuthorize)
}

// AuthorizeStarted begins, or begins again, step 5.
type AuthorizeStarted struct{}

func (AuthorizeStarted) page() Step { return StepAuthorize }

func (AuthorizeStarted) apply(s State) (State, *Task) {
	s.Attempt = Attempt{Phase: PhasePreparing}
	return s.start(Authorize{Answers: s.Answers, Store: s.Store})
}

// Continued goes on from step 5 with the link that was made before.
type Continued struct{}

func (Continued) page() Step { return StepAuthorize }

func (Continued) apply(s State) (State, *Task) {
	if s.LinkedNow() || s.ApprovedNow() {
		s.Step++
	}
	return s, nil
}

// Deliveries: what the operator does while an authorization waits.
type (
	// Pasted is the final address of the administrator's browser. It is taken where nothing
	// waits, too: for a link of this run or of an earlier one.
	Pasted struct{ Text string }
	// Extended asks for more time; Endless has the wait go on until the operator ends it.
	Extended struct{ Endless bool }
	// NewLinkWanted asks for a fresh link token; links made before stay good.
	NewLinkWanted struct{}
	// OpenWanted asks to open the browser again.
	OpenWanted struct{}
	// ApprovalWanted has the sandbox's built-in browser approve, or deny.
	ApprovalWanted struct{ Deny bool }
	// ReportedDone keeps the link as unconfirmed: the administrator says it is done.
	ReportedDone struct{}
)

func (d Extended) apply(s State) (State, *Task)       { return s.hand(d) }
func (d NewLinkWanted) apply(s State) (State, *Task)  { return s.hand(d) }
func (d OpenWanted) apply(s State) (State, *Task)     { return s.hand(d) }
func (d ApprovalWanted) apply(s State) (State, *Task) { return s.hand(d) }

func (d Pasted) apply(s State) (State, *Task) {
	if s.Running == nil && !s.Asking && s.Step == StepAuthorize {
		s.Problem, s.Notice = nil, ""
		return s.start(FinishPending{Answers: s.Answers, Store: s.Store, Text: d.Text})
	}
	return s.hand(d)
}

func (d ReportedDone) apply(s State) (State, *Task) {
	if s.Step != StepAuthorize { // what a calendar administrator approves has a token, or is nothing
		return s, nil
	}
	return s.hand(d)
}

// hand gives a Delivery to the authorization that waits.
func (s State) hand(d Delivery) (State, *Task) {
	if s.Running == nil || s.Attempt.Phase != PhaseWaiting {
		return s, nil
	}
	s.Attempt.Notice = ""
	return s, &Task{ID: s.Running.ID, Effect: d}
}

func (d Pasted) deliver(ctx context.Context, z *authorization) Event { return z.take(ctx, d.Text) }

func (d Extended) deliver(_ context.Context, z *authorization) Event {
	z.say(TimeExtended{z.extend(d.Endless)})
	return nil
}

func (NewLinkWanted) deliver(ctx context.Context, z *authorization) Event {
	switch err := z.newLink(ctx); {
	case err == nil:
		z.open(ctx)
	case ctx.Err() != nil:
		return z.stop(ctx, Failed{Err: err})
	default: // the administrator may be at work with the link before
		z.say(AnswerRejected{err})
	}
	return nil
}

func (OpenWanted) deliver(ctx context.Context, z *authorization) Event {
	z.open(ctx)
	return nil
}

func (d ApprovalWanted) deliver(ctx context.Context, z *authorization) Event {
	z.browse(ctx, false, func(link string) error { return z.r.Approve(link, !d.Deny) })
	return nil
}

func (ReportedDone) deliver(ctx context.Context, z *authorization) Event {
	if a, here := z.srv.Stop(); here {
		return z.use(ctx, a)
	}
	return z.unconfirmed(ctx)
}

// Reports of an authorization.
type (
	// LinkReady says that a link can be opened and the callback is listened for.
	LinkReady struct {
		URL       string    // the real authorization URL; holds the link token
		ShortURL  string    // our local link to it
		Listening bool      // a callback can reach us; otherwise pasting comes first
		Until     time.Time // when the wait ends; zero: it has no end, see Extended
	}
	// BrowserAsked says that a browser was started; Err when none could be.
	BrowserAsked struct{ Err error }
	// TimeExtended carries the new end of the wait; zero: it has none.
	TimeExtended struct{ Until time.Time }
	// AnswerRejected says that something came back which was not the answer.
	AnswerRejected struct{ Err error }
	// AnswerArrived says that the administrator approved; the code is exchanged.
	AnswerArrived struct{}
	// Linked ends Authorize.
	Linked struct {
		Link   Link
		Known  *KnownProfiles
		Notice string
	}
)

func (ev LinkReady) apply(s State) (State, *Task) {
	a := &s.Attempt
	a.Phase, a.LinkReady, a.Links, a.Notice = PhaseWaiting, ev, a.Links+1, ""
	return s, nil
}

func (ev BrowserAsked) apply(s State) (State, *Task) {
	s.Attempt.Opened = ev.Err == nil
	switch {
	case ev.Err == nil:
		s.Attempt.Browser = ""
	case errors.Is(ev.Err, ErrNoBrowser):
		s.Attempt.Browser = "No browser was opened, as you asked. Open the link yourself, or send it."
	default:
		s.Attempt.Browser = "No browser could be opened here: " + cronofy.CleanText(ev.Err.Error(), 120) + ". Open the link yourself, or send it."
	}
	return s, nil
}

func (ev TimeExtended) apply(s State) (State, *Task) {
	s.Attempt.Until = ev.Until
	return s, nil
}

func (ev AnswerRejected) apply(s State) (State, *Task) {
	s.Attempt.Notice = explainRejected(ev.Err)
	return s, nil
}

func (AnswerArrived) apply(s State) (State, *Task) {
	s.Attempt.Phase = PhaseExchanging
	return s, nil
}

func (ev Linked) apply(s State) (State, *Task) {
	if !ev.Link.Unconfirmed { // the administrator's word is no token
		s = s.finished(StepAuthorize)
	}
	s.Running, s.Attempt, s.Watch, s.Asking = nil, Attempt{}, Watch{}, false
	link := ev.Link
	link.For = s.Answers.authorizing(StepAuthorize)
	s.Link, s.Notice, s.Pending = &link, ev.Notice, nil
	s.Made = append(s.Made[:len(s.Made):len(s.Made)], link)
	s.Known = ev.Known
	s.Step = StepAuthorize + 1
	return s, nil
}

// Authorize has an Organizational Unit authorized in the browser. It ends in Linked.
type Authorize struct {
	Answers Answers
	Store   Store
}

func (e Authorize) do(ctx context.Context, r *Runner, inbox <-chan Delivery, say func(Event)) Event {
	z, err := r.newAuthorize(ctx, e.Answers, e.Store, say)
	if err != nil {
		return Failed{Err: err}
	}
	z.inbox = inbox
	return z.run(ctx)
}

func (r *Runner) newAuthorize(ctx context.Context, a Answers, s Store, say func(Event)) (*authorization, error) {
	a, err := r.withSecret(ctx, a, s)
	if err != nil {
		return nil, err
	}
	client := r.client(a, say)
	known := r.known(ctx, client, a)
	made := func(ctx context.Context, l Link, s Store) Event {
		l.Store = s.Kind
		return Linked{Link: l, Known: known, Notice: r.record(ctx, l.Link, a)}
	}
	z := &authorization{r: r, at: StepAuthorize, answers: a, store: s, say: say, done: "The calendars and " + a.Provider.Name() + " are linked"}
	if a.Provider == cronofy.AnyProvider {
		z.done = "The calendars and the conferencing account are linked"
	}
	z.link = func(ctx context.Context, state string) (string, error) {
		token, err := client.LinkToken(ctx, a.ServiceAccount)
		if err != nil {
			return "", err
		}
		return client.AuthorizeURL(cronofy.AuthorizeRequest{RedirectURI: a.RedirectURI, State: state, LinkToken: token, Provider: a.Provider}), nil
	}
	z.exchange = func(ctx context.Context, code cronofy.Secret, say func(Event)) (storing, error) {
		token, err := r.client(a, say).Exchange(ctx, code, a.RedirectURI)
		if err != nil {
			return nil, err
		}
		l := NewLink(a)
		l.OrganizationalUnit, l.Scope = token.Sub, token.Scope
		l.RefreshToken = !token.RefreshToken.Empty()
		if r.Tokens != nil {
			r.Tokens(l, token)
		}
		return r.storeToken(a, l.Link.Token(), token.RefreshToken, func(ctx context.Context, s Store) Event { return made(ctx, l, s) }), nil
	}
	z.unconfirmed = func(ctx context.Context) Event {
		l := NewLink(a)
		l.Unconfirmed = true
		return made(ctx, l, s)
	}
	return z, nil
}

// NewLink is what answers are linked to, as of now.
func NewLink(a Answers) Link {
	l := links.Link{DataCenter: a.Site.DataCenter.ID, APIHost: a.Site.APIHost(), ClientID: a.ClientID, ServiceAccount: a.ServiceAccount,
		Provider: string(a.Provider), Label: a.Label, Linked: time.Now().UTC()}
	l.APIURL, l.AppURL = overrides(a.Site)
	return Link{Link: l, Site: a.Site}
}

// rejected says what came back and is not the answer; empty: err is about something
// else. Errors that ask for the same act share their words.
func rejected(err error) string {
	if other, ok := errors.AsType[*callback.OtherUserError](err); ok {
		return fmt.Sprintf("A program of another user of this machine (%s) opened the approval link or tried to answer. It was refused. If that was you, open the link as the user who started confer.", other.User)
	}
	switch {
	case errors.Is(err, callback.ErrStateEarlierRun):
		return "That came from an earlier run of confer. Open the newest approval link."
	case errors.Is(err, callback.ErrStateOtherAnswers), errors.Is(err, callback.ErrStateUnknown):
		return "That answer is for another approval link, or for other answers than these. Open the newest approval link."
	case errors.Is(err, callback.ErrStateUsed):
		return "That answer was used before: a new approval link is needed."
	case errors.Is(err, callback.ErrHost):
		return "An answer came with another host name than the redirect URI's, so it was not used. The proxy must pass Host on unchanged " +
			"(nginx: proxy_set_header Host $http_host). Then load the page again in that browser."
	case errors.Is(err, callback.ErrMalformed):
		return "A browser came back without a complete answer, so it was not used. A proxy between Cronofy and confer must pass on the whole address."
	case errors.Is(err, callback.ErrPasteNoState):
		return "The address is incomplete: state= is missing. Paste the whole address from the browser's address bar."
	case errors.Is(err, callback.ErrPasteLink):
		return "That is the link to open, not the address that the browser ends on. Open it, approve, then paste the final address."
	case errors.Is(err, callback.ErrPasteNoAnswer):
		return "That is not the final address: it must contain code= and state=. Paste the whole address that the browser ended on, and nothing else."
	}
	return ""
}

// explainRejected says why the wait goes on.
func explainRejected(err error) string {
	p := Explain(err, StepAuthorize)
	switch {
	case rejected(err) != "":
		return rejected(err)
	case errors.As(err, new(*BrowserError)):
		return p.Summary + " " + p.Hint
	}
	return "No new approval link could be made. " + p.Summary + " The earlier one still counts."
}
