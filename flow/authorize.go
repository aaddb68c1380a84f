package flow

import (
	"context"
	"errors"
	"fmt"
	"time"

	"confer/cronofy"
	"confer/flow/callback"
)

// Attempt is an authorization under way: what the screen shows while the
// administrator is in the browser. The zero Attempt means none.
type Attempt struct {
	Phase       Phase
	URL         string // the real authorization URL; holds the link token
	ShortURL    string // our local link to it; empty when nothing listens
	RedirectURI string
	Listening   bool      // a callback can reach us; otherwise paste is the first door
	Until       time.Time // when the wait ends; zero: it has no end, see NoDeadlineWanted
	Opened      bool      // a browser was asked to open the link
	Browser     string    // why no browser was opened; empty when one was asked
	Notice      string    // what came back but was not the answer, in a sentence
	Links       int       // links made in this attempt, the first is 1
}

// Phase is how far an attempt has come.
type Phase int

// The phases, in order.
const (
	PhaseNone Phase = iota
	PhasePreparing
	PhaseWaiting
	PhaseExchanging
	PhaseStoring
)

// Link is a finished set-up.
type Link struct {
	Site               cronofy.Site
	ClientID           string
	ServiceAccount     string
	Provider           cronofy.Provider
	Label              string
	OrganizationalUnit string // its sub; empty when Cronofy did not say
	Scope              string
	Store              StoreKind
	RefreshToken       bool      // whether there was one to store
	Unconfirmed        bool      // the administrator said so; no token was exchanged
	At                 time.Time // UTC
}

// EndsWithRun tells whether confer's own token of the link is in memory alone, so
// that it is lost when the run ends unless somebody takes it.
func (l Link) EndsWithRun() bool { return l.RefreshToken && l.Store == StoreSession }

// ID names the link on the command line, as confer status does. It needs no
// quoting in any shell.
func (l Link) ID() string { return l.Listed().ID() }

// LinkedNow tells whether the link was made with the answers as they are.
func (s State) LinkedNow() bool { return s.Link != nil && s.linkedKey == s.Answers.Key() }

// ApprovedNow tells whether the administrator approved these very answers, so
// that the link most likely exists whatever failed afterwards.
func (s State) ApprovedNow() bool { return s.approvedKey == s.Answers.Key() }

func (s State) authorize() (State, *Task) {
	s.Attempt = Attempt{Phase: PhasePreparing}
	return s.start(Authorize{Answers: s.Answers, Store: s.Store})
}

func (s State) linked(ev Linked) State {
	if !ev.Link.Unconfirmed { // the administrator's word is no token
		s = s.dropHeld()
	}
	s.Running, s.Attempt, s.Proof, s.Asking = nil, Attempt{}, Proof{}, false
	link := ev.Link
	s.Made = append(s.Made[:len(s.Made):len(s.Made)], link)
	s.Link, s.linkedKey, s.Notice = &link, s.Answers.Key(), ev.Notice
	s.Known, s.knownFrom = ev.Known, s.Answers.Accounts
	s.Step = StepProfiles
	return s
}

// HandedOver is a link of an earlier run that was made for the administrator. The
// final address of their browser can be pasted into this run: see HandedOverHere.
type HandedOver struct {
	Hash  string    // of its state and of the answers that it was made for
	Made  time.Time // UTC
	Until time.Time // UTC; the end of the time for which its answer is taken
}

// HandedOverHere is the newest link of an earlier run that was made for the
// answers as they are, on the page where one would make another; nil: there is
// none. Pasted is taken there without a new link.
func (s State) HandedOverHere() *HandedOver { return nil }

func (s State) deliver(d Delivery) (State, *Task) {
	if _, ok := d.(Refreshed); ok {
		return s.refresh()
	}
	if s.Running == nil || s.Attempt.Phase != PhaseWaiting {
		return s, nil
	}
	if _, ok := d.(Handed); ok && s.Step != StepAuthorize {
		return s, nil
	}
	s.Attempt.Notice = ""
	return s, &Task{ID: s.Running.ID, Effect: d}
}

// authorize makes the link between the calendars and the provider.
func (r *Runner) authorize(ctx context.Context, e Authorize, inbox <-chan Delivery, say func(Event)) Event {
	a, err := r.withSecret(ctx, e.Answers, e.Store)
	if err != nil {
		return Failed{Err: err}
	}
	client := r.client(a, say)
	known := r.known(ctx, client, a)
	made := func(ctx context.Context, l Link, s Store) Event {
		l.Store = s.Kind
		return Linked{Link: l, Known: known, Notice: r.record(ctx, l)}
	}
	t := &trip{r: r, at: StepAuthorize, answers: a, store: e.Store, inbox: inbox, say: say, done: "The calendars and " + a.Provider.Name() + " are linked"}
	if a.Provider == cronofy.AnyProvider {
		t.done = "The calendars and the conferencing account are linked"
	}
	t.link = func(ctx context.Context, state string) (string, error) {
		token, err := client.LinkToken(ctx, a.ServiceAccount)
		if err != nil {
			return "", err
		}
		return client.AuthorizeURL(cronofy.AuthorizeRequest{RedirectURI: a.RedirectURI, State: state, LinkToken: token, Provider: a.Provider}), nil
	}
	t.finish = func(ctx context.Context, code cronofy.Secret) (put, error) {
		token, err := client.Exchange(ctx, code, a.RedirectURI)
		if err != nil {
			return nil, err
		}
		say(Exchanged{})
		l := r.newLink(a)
		l.OrganizationalUnit, l.Scope = token.Sub, token.Scope
		l.RefreshToken = !token.RefreshToken.Empty()
		if r.Tokens != nil {
			r.Tokens(l, token)
		}
		return r.putToken(a, refreshTokenOf(a), token.RefreshToken, func(ctx context.Context, s Store) Event { return made(ctx, l, s) }), nil
	}
	t.handed = func(ctx context.Context) Event {
		l := r.newLink(a)
		l.Unconfirmed = true
		return made(ctx, l, e.Store)
	}
	return t.run(ctx)
}

func (r *Runner) newLink(a Answers) Link {
	return Link{Site: a.Site, ClientID: a.ClientID, ServiceAccount: a.ServiceAccount, Provider: a.Provider,
		Label: a.Label, At: r.Now().UTC()}
}

// explainBrowser says why no browser opened. That stops nothing.
func explainBrowser(err error) string {
	if errors.Is(err, ErrNoBrowser) {
		return "No browser was opened, as you asked. Open the link yourself, or send it."
	}
	return "No browser could be opened here: " + cronofy.CleanText(err.Error(), 120) + ". Open the link yourself, or send it."
}

// explainStray says what came back that was not the answer; the wait goes on.
func explainStray(err error) string {
	var fresh *newLinkError
	var lost *LostError
	var other *callback.OtherUserError
	switch {
	case errors.As(err, &lost):
		p := explainLost(lost, StepAuthorize)
		return p.Summary + " " + p.Hint
	case errors.As(err, &fresh):
		return "No new link could be made. " + sentence(fresh.err, StepAuthorize).Summary + " The link before it still counts."
	case errors.As(err, &other):
		return fmt.Sprintf("A program of another user of this machine (%s) opened the link or tried to answer. It was refused. If that was you, open the link as the user who started confer.", other.User)
	case errors.Is(err, callback.ErrStateEarlierRun):
		return "That came from an earlier run of confer. Open the link that confer made last."
	case errors.Is(err, callback.ErrStateUsed):
		return "That answer was used before: a new link is needed."
	case errors.Is(err, callback.ErrStateOtherAnswers):
		return "That answer belongs to other settings than these. Open the link that confer made last."
	case errors.Is(err, callback.ErrStateUnknown):
		return "That answer is not from this link: its state is missing or unknown. Open the link that confer made last."
	case errors.Is(err, callback.ErrHost):
		return "An answer came with another host name than the redirect URI's, so it was not taken. The proxy must pass Host on unchanged (nginx: proxy_set_header Host $http_host). Then load the page again in that browser."
	case errors.Is(err, callback.ErrMalformed):
		return "A browser came back with the right state, but without one clear answer: neither a code nor an error, or several. It was not taken."
	case errors.Is(err, callback.ErrStateMissing):
		return "A browser came back with an answer without its state, so nobody can tell whose it is. What stands between Cronofy and confer must pass the whole address on."
	case errors.Is(err, callback.ErrPasteBareCode):
		return "That is only the code. Paste the whole address from the browser's address bar: it holds the state too."
	case errors.Is(err, callback.ErrPasteNoState):
		return "That address has no state, so nobody can tell whose it is. Paste the whole address that the browser ended on."
	case errors.Is(err, callback.ErrPasteLink):
		return "That is the link to open, not the address that the browser ends on. Open it, approve, then paste the final address."
	case errors.Is(err, callback.ErrPasteTooLong):
		return "That is too long to be the address (over 16 KiB). Copy the address bar alone."
	case errors.Is(err, callback.ErrPasteTwice):
		return "That holds two answers. Paste one address alone."
	case errors.Is(err, callback.ErrPasteNoAnswer):
		return "There is no answer in that text. Paste the address that the browser ended on: it has code= and state= in it."
	}
	return "That was not the answer that confer waits for."
}
