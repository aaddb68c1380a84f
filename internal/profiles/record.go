package profiles

import "confer/cronofy"

// State is what an account's conferencing profiles come to, for the provider
// asked for.
type State string

// The four states. Missing means "not yet" as well: when Cronofy matches an
// account is not documented.
const (
	Connected    State = "connected"    // at least one profile of the provider is connected
	Disconnected State = "disconnected" // there are some, and none is connected
	Missing      State = "missing"      // there is none
	Failed       State = "error"        // the account could not be read; see Record.Error
)

// Record is one account's outcome and one line of JSON, as scripts read it:
//
//	{"account":{"sub":"acc_…","email":"…","name":"…"},"state":"connected","profiles":[…]}
//
// All members are always there, empty when unknown, but "error" and a profile's
// "new", which are there only when they say something. Profiles lists the
// profiles of every provider; State is about the one asked for.
type Record struct {
	Account  AccountRef   `json:"account"`
	State    State        `json:"state"`
	Profiles []Profile    `json:"profiles"` // never nil in a Record of this package: [] in JSON
	Error    *RecordError `json:"error,omitempty"`
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
	New          bool   `json:"new,omitempty"` // not there before the link was made; false also when that is not known
}

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
// means that this is not known, and then nothing is marked new.
func Evaluate(info cronofy.UserInfo, provider cronofy.Provider, known map[string]bool) Record {
	if provider == "" {
		provider = cronofy.AnyProvider
	}
	rec := Record{
		Account:  AccountRef{Sub: name(info.Sub), Email: name(info.Email), Name: name(info.Name)},
		State:    Missing,
		Profiles: make([]Profile, 0, len(info.ConferencingProfiles)),
	}
	for _, p := range info.ConferencingProfiles {
		rec.Profiles = append(rec.Profiles, Profile{
			ProviderName: name(p.ProviderName), ProfileID: name(p.ProfileID), ProfileName: name(p.ProfileName),
			Connected: p.Connected, RelinkURL: cronofy.CleanText(p.RelinkURL, maxLink),
			New: known != nil && !known[p.ProfileID],
		})
		switch {
		case !provider.Matches(p.ProviderName):
		case p.Connected:
			rec.State = Connected
		case rec.State == Missing:
			rec.State = Disconnected
		}
	}
	return rec
}

func name(s string) string { return cronofy.CleanText(s, maxName) }

// named fills what userinfo left out from what the list said.
func (r Record) named(a Account) Record {
	if r.Account.Sub == "" {
		r.Account.Sub = name(a.Sub)
	}
	if r.Account.Email == "" {
		r.Account.Email = name(a.Email)
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
