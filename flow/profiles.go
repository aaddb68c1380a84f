package flow

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"confer/cronofy"
	"confer/internal/profiles"
)

// Accounts says where the accounts' tokens come from: a file or one access token;
// zero: no account is to be read.
type Accounts struct {
	Path  string         // what Runner.OpenAccounts understands
	Token cronofy.Secret // in memory only
}

// None tells whether there is no account to read.
func (a Accounts) None() bool { return a.Path == "" && a.Token.Empty() }

// Watch is how far the look at the profiles has come.
type Watch struct {
	Started  bool
	Done     bool // no further look by itself
	Counts   profiles.Summary
	NextLook time.Time // zero: none planned
	Since    time.Time // when the first account was read; zero: none was yet
}

// KnownProfiles are profile_ids that accounts had before the link was made.
type KnownProfiles struct {
	IDs map[string]bool
	For Accounts // whose they are
}

// KnownHere are the profile_ids that the accounts of the answers had before the
// link; nil: that is not known, as with accounts that were named after it.
func (s State) KnownHere() map[string]bool {
	a := s.Answers.Accounts
	if s.Known == nil || a.Path != s.Known.For.Path || !a.Token.Equal(s.Known.For.Token) {
		return nil
	}
	return s.Known.IDs
}

// AccountsGiven answers step 6.
type AccountsGiven struct{ Accounts Accounts }

func (AccountsGiven) page() Step { return StepProfiles }

func (ev AccountsGiven) apply(s State) (State, *Task) {
	if p := s.CheckAccountsPath(ev.Accounts.Path); p != nil {
		return s.refuse(p)
	}
	s.Answers.Accounts, s.Watch = ev.Accounts, Watch{Started: true, Done: ev.Accounts.None()}
	if ev.Accounts.None() {
		return s, nil
	}
	return s.start(LoadProfiles{Answers: s.Answers, Known: s.KnownHere()})
}

// CheckAccessToken refuses what cannot be an account's access token; nil: it can be
// taken.
func CheckAccessToken(text string) *Problem {
	if !cronofy.NewSecret(text).Sendable() {
		return usage("The access token holds a space or another character that tokens do not have.", "Paste it again, alone.")
	}
	return nil
}

// Refreshed asks to read the list and the profiles again now, in place of a look that
// is under way.
type Refreshed struct{}

func (Refreshed) apply(s State) (State, *Task) {
	if s.Step != StepProfiles || !s.Watch.Started || s.Answers.Accounts.None() {
		return s, nil
	}
	s.Problem, s.Watch = nil, Watch{Started: true, Counts: s.Watch.Counts}
	return s.start(LoadProfiles{Answers: s.Answers, Known: s.KnownHere()})
}

// AccountsError says that the list of accounts could not be read.
type AccountsError struct{ Err error }

func (e *AccountsError) Error() string { return "read accounts: " + e.Err.Error() }

// Unwrap gives the cause.
func (e *AccountsError) Unwrap() error { return e.Err }

func (e *AccountsError) problem(at Step) Problem {
	p := Problem{Code: CodeUsage, Exit: ExitUsage, Step: at,
		Summary: "The accounts could not be read: " + cronofy.FileReason(e.Err) + ".",
		Hint:    "Give a CSV file with a header, or JSON lines, with the columns email and access_token."}
	if errors.Is(e.Err, fs.ErrNotExist) {
		p.Summary = "There is no such file."
	}
	return p
}

// What is asked before the link is bounded, so that an administrator who
// waits is not kept waiting: enough for a set-up, not for a whole company.
const (
	knownAccounts = 100
	knownTime     = 10 * time.Second
)

// ReadAccounts reads the whole list, so that a mistake in it is found before anybody is
// asked. Errors name its line, never a value.
func (r *Runner) ReadAccounts(ctx context.Context, a Accounts) ([]profiles.Account, error) {
	switch {
	case !a.Token.Empty():
		return []profiles.Account{{AccessToken: a.Token, Row: 1}}, nil
	case a.Path == "":
		return nil, nil
	}
	f, err := r.OpenAccounts(ctx, a.Path)
	if err != nil {
		return nil, &AccountsError{err}
	}
	defer f.Close()
	var out []profiles.Account
	for acc, err := range profiles.ReadAccounts(f) {
		if err != nil {
			return nil, &AccountsError{err}
		}
		out = append(out, acc)
	}
	if len(out) == 0 {
		return nil, &AccountsError{errors.New("the list holds no accounts")}
	}
	return out, nil
}

// known notes the profiles that accounts have before the link, so that later
// ones can be told from a person's own. nil: that is not known.
func (r *Runner) known(ctx context.Context, client *cronofy.Client, a Answers) *KnownProfiles {
	list, err := r.ReadAccounts(ctx, a.Accounts)
	if err != nil || len(list) == 0 || len(list) > knownAccounts {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, knownTime)
	defer cancel()
	k := &KnownProfiles{IDs: map[string]bool{}, For: a.Accounts}
	sum, err := profiles.Run(ctx, client, profiles.Accounts(list), profiles.Options{ErrorOf: ExplainAccount}, func(rec profiles.Record) error {
		for _, p := range rec.Profiles {
			k.IDs[p.ProfileID] = true
		}
		return nil
	})
	if err != nil || sum.Failed > 0 {
		return nil
	}
	return k
}

// Reports of LoadProfiles.
type (
	// ProfilesRead carries rows to the screen, in batches.
	ProfilesRead struct {
		Rows   []profiles.Row
		Counts profiles.Summary
		At     time.Time // when they were read
	}
	// LookPlanned says when the profiles are looked at again by itself.
	LookPlanned struct{ At time.Time }
	// ProfilesDone ends LoadProfiles.
	ProfilesDone struct{}
)

func (ev ProfilesRead) apply(s State) (State, *Task) {
	s.Watch.Counts, s.Watch.NextLook = ev.Counts, time.Time{}
	if s.Watch.Since.IsZero() {
		s.Watch.Since = ev.At
	}
	return s, nil
}

func (ev LookPlanned) apply(s State) (State, *Task) {
	s.Watch.NextLook = ev.At
	return s, nil
}

func (ProfilesDone) apply(s State) (State, *Task) {
	s.Running = nil
	s.Watch.Done, s.Watch.NextLook = true, time.Time{}
	return s, nil
}

// LoadProfiles reads userinfo for each account, again and again for a while. It
// ends in ProfilesDone.
type LoadProfiles struct {
	Answers Answers
	Known   map[string]bool // see State.KnownHere
}

func (e LoadProfiles) do(ctx context.Context, r *Runner, _ <-chan Delivery, say func(Event)) Event {
	list, err := r.ReadAccounts(ctx, e.Answers.Accounts)
	if err != nil {
		return Failed{Err: err}
	}
	err = profiles.Watch(ctx, r.client(e.Answers, say), list, profiles.Options{
		Provider: e.Answers.Provider, ErrorOf: ExplainAccount, Known: e.Known, Pauses: r.Looks, NextLook: func(in time.Duration) { say(LookPlanned{time.Now().Add(in)}) },
	}, func(rows []profiles.Row, counts profiles.Summary) {
		say(ProfilesRead{Rows: rows, Counts: counts, At: time.Now()})
	})
	if err != nil {
		return Failed{Err: context.Cause(ctx)}
	}
	return ProfilesDone{}
}

// EachProfile reads the profiles of the accounts that a State names, once, and
// gives each record to emit in the order of the list.
func (r *Runner) EachProfile(ctx context.Context, s State, emit func(profiles.Record) error) error {
	list, err := r.ReadAccounts(ctx, s.Answers.Accounts)
	if err != nil {
		return err
	}
	client := r.client(s.Answers, func(Event) {})
	_, err = profiles.Run(ctx, client, profiles.Accounts(list),
		profiles.Options{Provider: s.Answers.Provider, Known: s.KnownHere(), ErrorOf: ExplainAccount}, emit)
	return err
}

// NothingYet tells whether it is time for profiles.NotYetAdvice: accounts were read, none
// is connected, and the watch has ended or has gone on for a minute.
func (s State) NothingYet(now time.Time) bool {
	w := s.Watch
	longEnough := w.Done || !w.Since.IsZero() && now.Sub(w.Since) >= time.Minute
	return longEnough && w.Counts.Connected == 0 && w.Counts.Missing > 0
}

// ExplainAccount gives the code and the sentence for an account that could not be
// read.
func ExplainAccount(err error) (code, message string) {
	p := Explain(err, StepProfiles)
	api := new(cronofy.Error)
	switch {
	case errors.Is(err, profiles.ErrOnlyRefreshToken):
		return CodeUsage, "The list has no access token of this account, only a refresh token."
	case errors.Is(err, cronofy.ErrUnsendable):
		return CodeUsage, "The access token holds characters that tokens do not have."
	case !errors.As(err, &api) || api.Code != "":
	case api.Status == 401:
		p.Summary = "The access token was not accepted: it is wrong, expired or revoked."
	case api.Status > 401 && api.Status < 423:
		p.Summary = "This token may not read the account, or there is none at this data center."
	}
	return p.Code, p.Summary
}

// AccountWords are for a row of the profiles' table whose account could not be
// read: the reason in a few words, and what to do next. code is that of the
// row's error.
func (a Accounts) AccountWords(code string) (short, next string) {
	const again = "press r to look again."
	switch code {
	case CodeNetwork:
		return "no connection", "Check the network, then " + again
	case CodeRateLimited, CodeLocked:
		return "not now", "Wait a minute, then " + again
	case CodeServerError, "temporarily_unavailable":
		return "Cronofy's error", "Wait a moment, then " + again + " status.cronofy.com shows whether there is an outage."
	case CodeBadAnswer:
		return "unusable answer", "Check the data center, and whether a proxy or a login page stands in between; then " + again
	}
	next = "Put a fresh access token of this account into the list, then " + again
	if a.Path == "" {
		next = "Go back and paste a fresh access token of this account."
	}
	return "token refused", next + " It needs a scope that reads the account, and works in its own data center alone."
}
