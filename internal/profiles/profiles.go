// Package profiles turns accounts into what is known of their conferencing
// profiles: a list of tokens goes in as a stream, records come out as a stream,
// and memory does not grow with the number of accounts.
//
// Run reads each account once (or for a while, see Options.Wait) and is what a
// command uses; Watch looks again and again at a short list and is what a screen
// uses. Every text in a Record is cleaned of control characters when it is made of an
// answer; writers clean again, for Records that come from a file.
package profiles

import (
	"cmp"
	"errors"
	"iter"
	"net/url"
	"strings"

	"confer/cronofy"
)

// ErrOnlyRefreshToken is the error of an account without an access token.
// Refreshing may rotate the refresh token and so break the application that
// owns it; that is never done on the way.
var ErrOnlyRefreshToken = errors.New("the account has a refresh token only")

// RenewError is a token that could not be had from Options.Renew.
type RenewError struct{ Err error }

func (e *RenewError) Error() string { return "renew access token: " + e.Err.Error() }

// Unwrap gives the cause.
func (e *RenewError) Unwrap() error { return e.Err }

// Account is one line of the list: whose profiles are asked for, with what.
type Account struct {
	Email, Sub   string // as the list has them, cleaned; either may be empty
	AccessToken  cronofy.Secret
	RefreshToken cronofy.Secret
	Row          int // line in the list where the account begins, from 1
}

// listed is what the list calls the account; empty: nothing.
func (a Account) listed() string {
	return name(cmp.Or(a.Email, a.Sub))
}

// Accounts streams a list that is in memory already.
func Accounts(list []Account) iter.Seq2[Account, error] {
	return func(yield func(Account, error) bool) {
		for _, a := range list {
			if !yield(a, nil) {
				return
			}
		}
	}
}

// State is what an account's conferencing profiles come to, for the provider
// asked for.
type State string

// The four states. Missing is "not yet" for people: when Cronofy matches an
// account is not documented. Where it is known which profiles were there before
// the link, the states are about the others.
const (
	Connected    State = "connected"    // at least one profile of the provider is connected
	Disconnected State = "disconnected" // there are some, and none is connected
	Missing      State = "missing"      // there is none; see Record.Own
	Failed       State = "error"        // the account could not be read; see Record.Error
)

// States lists all four, in the order in which they are counted.
func States() []State { return []State{Connected, Disconnected, Missing, Failed} }

// ownWords tell an account that has only what was there before the link.
const ownWords = " (their own)"

// Words are what people read in place of a state: "not yet (their own)".
func (r Record) Words() string {
	switch {
	case r.State == Missing && r.Own:
		return "not yet" + ownWords
	case r.State == Missing:
		return "not yet"
	}
	return name(string(r.State))
}

// Record is one account's outcome and one line of JSON, as scripts read it:
//
//	{"account":{"sub":"acc_…","email":"…","name":"…"},"state":"connected","profiles":[…]}
//
// Account, state and profiles are always there, empty when unknown; the others
// only when they say something. Profiles lists the profiles of every provider;
// State is about the one asked for.
type Record struct {
	Account  AccountRef   `json:"account"`
	State    State        `json:"state"`
	Profiles []Profile    `json:"profiles"` // never nil in a Record of this package: [] in JSON
	Error    *RecordError `json:"error,omitempty"`
	Own      bool         `json:"own,omitempty"`      // missing, though there are profiles: they were there before the link
	Line     int          `json:"line,omitempty"`     // of the list, where the account begins
	Listed   string       `json:"listed,omitempty"`   // what the list calls the account, if that is not its email or sub above
	Warnings []string     `json:"warnings,omitempty"` // what was odd in Cronofy's answer and did not keep it from being read
}

// AccountRef says whose record it is, as userinfo has it, else as the list does.
type AccountRef struct {
	Sub   string `json:"sub"`
	Email string `json:"email"`
	Name  string `json:"name"`
}

// Profile is one conferencing profile.
// https://docs.cronofy.com/developers/api/conferencing-services/conferencing-profiles/
type Profile struct {
	ProviderName string `json:"provider_name"` // an open set, as received
	ProfileID    string `json:"profile_id"`
	ProfileName  string `json:"profile_name"`
	Connected    bool   `json:"connected"`
	RelinkURL    string `json:"relink_url"`    // "" when there is none; see CanOpen before opening it
	New          *bool  `json:"new,omitempty"` // whether it came after the link was made; nil: that is not known
}

// SinceLink tells that the profile is known to have come after the link was made.
func (p Profile) SinceLink() bool { return p.New != nil && *p.New }

// BeforeLink tells that the profile was there before the link was made: most
// likely it is the person's own.
func (p Profile) BeforeLink() bool { return p.New != nil && !*p.New }

// RecordError says why an account could not be read.
type RecordError struct {
	Code    string `json:"code"`
	Message string `json:"message"` // a sentence, from Options.ErrorOf
}

const (
	maxName    = 320  // runes; the longest email address (RFC 5321 section 4.5.3.1)
	maxLink    = 4000 // runes of a URL
	maxMessage = 400  // runes of a sentence
)

// Evaluate turns userinfo into a record about provider. The zero provider is
// AnyProvider. known holds the profile_ids seen before the link was made; nil
// means that this is not known, and then every profile counts.
func Evaluate(info cronofy.UserInfo, provider cronofy.Provider, known map[string]bool) Record {
	rec := Record{
		Account:  AccountRef{Sub: name(info.Sub), Email: name(info.Email), Name: name(info.Name)},
		State:    Missing,
		Profiles: make([]Profile, 0, len(info.ConferencingProfiles)),
	}
	for _, w := range info.Warnings {
		rec.Warnings = append(rec.Warnings, cronofy.CleanText(w, maxMessage))
	}
	for _, p := range info.ConferencingProfiles {
		out := Profile{
			ProviderName: name(p.ProviderName), ProfileID: name(p.ProfileID), ProfileName: name(p.ProfileName),
			Connected: p.Connected, RelinkURL: cronofy.CleanText(p.RelinkURL, maxLink),
		}
		if known != nil {
			since := !known[p.ProfileID]
			out.New = &since
		}
		rec.Profiles = append(rec.Profiles, out)
		switch {
		case !provider.Matches(p.ProviderName):
		case out.BeforeLink():
			rec.Own = true
		case p.Connected:
			rec.State = Connected
		case rec.State == Missing:
			rec.State = Disconnected
		}
	}
	rec.Own = rec.Own && rec.State == Missing
	return rec
}

// NotYetAdvice says what to check when no account has got a profile, the
// likeliest first.
func NotYetAdvice(provider cronofy.Provider, site cronofy.Site) []string {
	at, approval := "the provider", "The provider's administrator may have to allow Cronofy's app there."
	switch provider {
	case cronofy.Zoom:
		at, approval = "Zoom", `A Zoom administrator must have allowed the app whose name begins with "Cronofy Enterprise" in the Zoom Marketplace.`
	case cronofy.Webex:
		at, approval = "Webex", "A Webex administrator must have allowed Cronofy's app in Control Hub."
	case cronofy.Indeed:
		at, approval = "Indeed", `The application needs the conferencing category "Recruiting" at Cronofy; its support can tell.`
	case cronofy.AnyProvider:
	}
	here := ""
	if site.Chosen() {
		here = ", here " + cmp.Or(site.DataCenter.Name, site.APIHost())
	}
	return []string{
		"Each person needs the same e-mail address at " + at + " and in the calendar.",
		"Only accounts that were provisioned through this calendar service account get a profile, not those that people connected by themselves.",
		"The application, the service account and the accounts must all be in the same data center" + here + ".",
		approval,
		"The name of the link token's parameter is not documented. If Cronofy's support names another, set CONFER_OU_LINK_TOKEN_PARAM to it and make the link again.",
	}
}

func name(s string) string { return cronofy.CleanText(s, maxName) }

// named fills what userinfo left out from what the list said, and notes which
// line of the list the record answers.
func (r Record) named(a Account) Record {
	r.Account.Sub, r.Account.Email = cmp.Or(r.Account.Sub, name(a.Sub)), cmp.Or(r.Account.Email, name(a.Email))
	r.Line = a.Row
	if listed := a.listed(); listed != r.Account.Email && listed != r.Account.Sub {
		r.Listed = listed
	}
	return r
}

func failed(a Account, code, message string) Record {
	return Record{
		State:    Failed,
		Profiles: []Profile{},
		Error:    &RecordError{Code: name(code), Message: cronofy.CleanText(message, maxMessage)},
	}.named(a)
}

// CanOpen tells whether a profile's relink URL may be opened in a browser with
// one key: only the data center's own app host is trusted with that, and only
// over https (over http if the app itself is on this machine, as the sandbox
// is). Any other is shown as text.
func CanOpen(relink string, site cronofy.Site) bool {
	app, err := url.Parse(site.App)
	u, bad := url.Parse(relink)
	if err != nil || bad != nil || app.Host == "" || u.User != nil || u.Opaque != "" || cronofy.CleanText(relink, maxLink) != relink {
		return false
	}
	safe := u.Scheme == "https" || u.Scheme == "http" && cronofy.LoopbackHost(app.Hostname())
	return safe && u.Scheme == app.Scheme && strings.EqualFold(u.Host, app.Host)
}
