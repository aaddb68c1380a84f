// Package links is the state file: the links made, the answers of an unfinished
// run, and in which store each secret is. It never holds a secret itself.
//
// The file is private to the user, replaced as a whole and changed by one process
// at a time. One that cannot be understood gets another name, and is told of until the
// operator acts. A file of a newer confer is never touched.
package links

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"confer/cronofy"
	"confer/keystore"
)

// Contents is the whole file. Unknown members of a file are not kept: a program
// that writes others writes another version.
type Contents struct {
	Links           []Link           `json:"links,omitempty"`
	ServiceAccounts []ServiceAccount `json:"service_accounts,omitempty"` // authorized here
	Draft           *Draft           `json:"draft,omitempty"`            // nil: no run is unfinished
	Pending         []Pending        `json:"pending,omitempty"`          // approval links that may still be approved; see AddPending
	Browser         string           `json:"browser,omitempty"`          // as --browser was given last; empty: never
	Secrets         []StoredSecret   `json:"ledger,omitempty"`           // each that may be in a store, also of what is listed no more

	// Damaged are files of links that could not be understood and got another name,
	// newest last. They are listed until the operator repairs or deletes them.
	Damaged []string `json:"-"`
}

// Link is a finished set-up: one organisation's calendars and one provider, in one
// application of one data center. APIHost, ClientID, ServiceAccount and Provider
// tell it from others.
type Link struct {
	DataCenter         string        `json:"data_center"`                   // "de"
	APIHost            string        `json:"api_host"`                      // with its port if it has one
	APIURL             string        `json:"api_url,omitempty"`             // base URL in place of the data center's; empty: its own
	AppURL             string        `json:"app_url,omitempty"`             // likewise
	ClientID           string        `json:"client_id"`                     //
	ServiceAccount     string        `json:"service_account_id"`            // "ser_…"
	Provider           string        `json:"provider"`                      // a cronofy.Provider
	Label              string        `json:"label,omitempty"`               // the operator's own name for it
	OrganizationalUnit string        `json:"organizational_unit,omitempty"` // its sub; empty when Cronofy did not say
	Scope              string        `json:"scope,omitempty"`               // space-separated
	Store              keystore.Kind `json:"secret_store"`                  // where its secrets are: "keyring", "file", "session", ...
	Linked             time.Time     `json:"linked"`                        // UTC
	RefreshToken       bool          `json:"refresh_token,omitempty"`       // there is one in Store
	Unconfirmed        bool          `json:"unconfirmed,omitempty"`         // the administrator said so; no token was exchanged
}

// ID names a link on the command line: "zoom-6789-k3f2". It is made of what tells links
// apart, so that it stays the same when the organisation is linked again.
func (l Link) ID() string {
	provider, _, _ := strings.Cut(l.Provider, "_")
	sum := sha256.Sum256([]byte(strings.Join([]string{l.APIHost, l.ClientID, l.ServiceAccount, l.Provider}, "\x00")))
	check := strings.ToLower(base32.StdEncoding.EncodeToString(sum[:])[:4])
	return plain(provider, len(provider)) + "-" + plain(l.ServiceAccount, 4) + "-" + check
}

// plain is the last n of the characters that need no quoting in any shell.
func plain(s string, n int) string {
	s = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, strings.ToLower(s))
	return s[max(0, len(s)-n):]
}

// Same tells whether two links are of the same organisation and provider.
func (l Link) Same(o Link) bool {
	return l.APIHost == o.APIHost && l.ClientID == o.ClientID && l.ServiceAccount == o.ServiceAccount && l.Provider == o.Provider
}

// ServiceAccount is a calendar service account that was authorized here, by
// Enterprise Connect. Its refresh token is in Store.
type ServiceAccount struct {
	DataCenter string        `json:"data_center"`
	APIHost    string        `json:"api_host"`
	ClientID   string        `json:"client_id"`
	ID         string        `json:"service_account_id"`
	Label      string        `json:"label,omitempty"`
	Scope      string        `json:"scope,omitempty"`
	Store      keystore.Kind `json:"secret_store"`
	Authorized time.Time     `json:"authorized"` // UTC
}

// Link is the account as a link of its own, whose token is the account's.
func (a ServiceAccount) Link() Link {
	return Link{DataCenter: a.DataCenter, APIHost: a.APIHost, ClientID: a.ClientID, ServiceAccount: a.ID, Provider: AccountToken,
		Label: a.Label, Scope: a.Scope, Store: a.Store, Linked: a.Authorized, RefreshToken: true}
}

// Draft is what an unfinished run was told, without its secrets. It is
// comparable. Empty fields were not answered.
type Draft struct {
	DataCenter     string        `json:"data_center,omitempty"`
	APIURL         string        `json:"api_url,omitempty"` // base URL in place of the data center's; empty: its own
	AppURL         string        `json:"app_url,omitempty"` // likewise
	ClientID       string        `json:"client_id,omitempty"`
	RedirectURI    string        `json:"redirect_uri,omitempty"`
	Listen         string        `json:"listen,omitempty"` // host:port
	ServiceAccount string        `json:"service_account_id,omitempty"`
	Provider       string        `json:"provider,omitempty"`
	Label          string        `json:"label,omitempty"`
	Store          keystore.Kind `json:"secret_store,omitempty"`
	Kept           bool          `json:"kept_in_store,omitempty"` // the client secret is in Store
	Open           string        `json:"open_step,omitempty"`     // "service_account": its answer was not accepted; empty: all were
}

// PendingLimit is how long an attempt can be finished after its approval link was made.
const PendingLimit = 24 * time.Hour

// mostPending attempts are kept, the newest.
const mostPending = 20

// Pending is an attempt whose approval link was made: the administrator may
// approve after this run has ended, and the final address is pasted into a later one.
type Pending struct {
	StateHash string    `json:"sha256"`  // of the attempt's state, so that nobody can answer with it
	Begun     time.Time `json:"begun"`   // UTC
	Answers   Draft     `json:"answers"` // that the approval link was made with; the code is good for no others
}

// Until is the end of the time for which the answer is taken.
func (p Pending) Until() time.Time { return p.Begun.Add(PendingLimit) }

// HashState is what is written of the state of an attempt.
func HashState(state string) string {
	return fmt.Sprintf("%x", sha256.Sum256([]byte(state)))
}

// LivePending gives the attempts that can still be finished, newest first.
func (c Contents) LivePending(now time.Time) []Pending {
	return slices.DeleteFunc(slices.Clone(c.Pending), func(p Pending) bool {
		return !now.Before(p.Until()) || p.Begun.After(now.Add(time.Minute)) // a clock that was set back
	})
}

// AddPending notes an attempt, and forgets those whose time has passed.
func (c *Contents) AddPending(state string, answers Draft, now time.Time) {
	c.RemovePending(state)
	c.Pending = slices.Insert(c.LivePending(now), 0, Pending{HashState(state), now.UTC(), answers})
	c.Pending = c.Pending[:min(len(c.Pending), mostPending)]
}

// TakePending forgets the attempt that a state belongs to, if its answers fit and it can
// still be finished, and tells whether it was there.
func (c *Contents) TakePending(state string, now time.Time, fit func(Pending) bool) bool {
	found := slices.ContainsFunc(c.LivePending(now), func(p Pending) bool { return p.StateHash == HashState(state) && fit(p) })
	if found {
		c.RemovePending(state)
	}
	return found
}

// RemovePending forgets an attempt: its answer was used, or it was given up.
func (c *Contents) RemovePending(state string) {
	c.Pending = slices.DeleteFunc(c.Pending, func(p Pending) bool { return p.StateHash == HashState(state) })
}

// AddLink puts a link first, in the place of the same one.
func (c *Contents) AddLink(l Link) {
	c.Links = slices.Insert(slices.DeleteFunc(c.Links, l.Same), 0, l)
}

// AddServiceAccount puts an account first, in the place of the same one.
func (c *Contents) AddServiceAccount(a ServiceAccount) {
	same := func(o ServiceAccount) bool { return o.Link().Same(a.Link()) }
	c.ServiceAccounts = slices.Insert(slices.DeleteFunc(c.ServiceAccounts, same), 0, a)
}

// All gives the links, and the service accounts as such.
func (c Contents) All() []Link {
	all := slices.Clone(c.Links)
	for _, a := range c.ServiceAccounts {
		all = append(all, a.Link())
	}
	return all
}

// Find gives the links that answer to a name: an ID, or else a label, or else a
// service account, ignoring case.
func (c Contents) Find(name string) []Link {
	name = strings.TrimSpace(name)
	for _, of := range []func(Link) string{Link.ID, func(l Link) string { return l.Label }, func(l Link) string { return l.ServiceAccount }} {
		other := func(l Link) bool { return name == "" || !strings.EqualFold(name, of(l)) }
		if found := slices.DeleteFunc(slices.Clone(c.Links), other); len(found) > 0 {
			return found
		}
	}
	return nil
}

// valid tells whether a run could have made it: nothing lacks a part that names it,
// and nothing is there twice.
func (c Contents) valid() bool {
	var names [][]string
	for _, l := range c.All() {
		names = append(names, []string{"link", l.APIHost, l.ClientID, l.ServiceAccount, l.Provider})
	}
	for _, s := range c.Secrets {
		names = append(names, append([]string{"secret", string(s.Store)}, s.keyParts()...))
	}
	for _, p := range c.Pending {
		names = append(names, []string{"pending", p.StateHash})
	}
	seen := map[string]bool{}
	for _, parts := range names {
		name := strings.Join(parts, "\x00")
		if seen[name] || slices.Contains(parts, "") {
			return false
		}
		seen[name] = true
	}
	return true
}

// cleanTexts takes out of each text, also of members yet to come, what would end in the
// names of stored secrets and on terminals.
func cleanTexts(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(cronofy.CleanText(v.String(), longestText))
	case reflect.Pointer:
		if !v.IsNil() {
			cleanTexts(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			cleanTexts(v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Field(i); f.CanSet() { // but for what a time.Time is made of
				cleanTexts(f)
			}
		}
	}
}

// AccountToken is the Provider of a StoredSecret that is the refresh token of a
// service account itself.
const AccountToken = "service_account"

// StoredSecret names a secret that was stored in a place that outlives a run. The entry
// is written before the secret is, and taken out after the secret was deleted, so that
// none is ever out of sight; an entry of nothing is harmless.
type StoredSecret struct {
	Store          keystore.Kind `json:"secret_store"`                 // "keyring", "file"
	APIHost        string        `json:"api_host"`                     // with its port if it has one
	ClientID       string        `json:"client_id"`                    //
	ServiceAccount string        `json:"service_account_id,omitempty"` // empty: it is the client secret
	Provider       string        `json:"provider,omitempty"`           // of the link whose refresh token it is, or AccountToken
	Recorded       time.Time     `json:"recorded,omitzero"`            // UTC, the last time; zero: it follows from an older list
}

// StoredClientSecret names an application's client secret in a store.
func StoredClientSecret(store keystore.Kind, apiHost, clientID string) StoredSecret {
	return StoredSecret{Store: store, APIHost: apiHost, ClientID: clientID}
}

// Token names the refresh token of a link, in the link's store.
func (l Link) Token() StoredSecret {
	return StoredSecret{Store: l.Store, APIHost: l.APIHost, ClientID: l.ClientID, ServiceAccount: l.ServiceAccount, Provider: l.Provider}
}

// ClientSecret names the client secret of a link's application, in the link's store.
func (l Link) ClientSecret() StoredSecret { return StoredClientSecret(l.Store, l.APIHost, l.ClientID) }

// HasToken tells whether confer has, or had, a token of its own for a link.
func (l Link) HasToken() bool { return l.RefreshToken && !l.Unconfirmed }

// Key is its name in the store. The Organizational Unit's sub is not in it,
// because it may be unknown.
func (s StoredSecret) Key() string { return keystore.Key(s.keyParts()...) }

func (s StoredSecret) keyParts() []string {
	if s.IsClientSecret() {
		return []string{s.APIHost, s.ClientID, "client_secret"}
	}
	return []string{s.APIHost, s.ClientID, s.ServiceAccount, s.Provider, "refresh_token"}
}

// IsClientSecret tells it from a refresh token.
func (s StoredSecret) IsClientSecret() bool { return s.ServiceAccount == "" }

// Same tells whether both are the same secret in the same store.
func (s StoredSecret) Same(o StoredSecret) bool { return s.Store == o.Store && s.SameSecret(o) }

// SameSecret tells whether both are the same secret, in whichever stores.
func (s StoredSecret) SameSecret(o StoredSecret) bool {
	return s.SameApp(o) && s.ServiceAccount == o.ServiceAccount && s.Provider == o.Provider
}

// SameApp tells whether both are of the same application.
func (s StoredSecret) SameApp(o StoredSecret) bool {
	return s.APIHost == o.APIHost && s.ClientID == o.ClientID
}

// AddSecret lists a secret before it is stored, and again afterwards: whoever
// deleted it in between does not remove the newer entry.
func (c *Contents) AddSecret(s StoredSecret, at time.Time) {
	if !s.Store.Outlives() {
		return
	}
	s.Recorded = at.UTC()
	if i := slices.IndexFunc(c.Secrets, s.Same); i >= 0 {
		c.Secrets[i] = s
		return
	}
	c.Secrets = append(c.Secrets, s)
}

// RemoveSecret takes an entry out, now that its secret was deleted, unless it was
// added anew since s was read.
func (c *Contents) RemoveSecret(s StoredSecret) {
	c.Secrets = slices.DeleteFunc(c.Secrets, func(o StoredSecret) bool { return o.Same(s) && o.Recorded.Equal(s.Recorded) })
}

// HasSecret tells whether a secret is listed.
func (c Contents) HasSecret(s StoredSecret) bool { return slices.ContainsFunc(c.Secrets, s.Same) }

// Needs tells whether something listed goes on with a secret where it is.
func (c Contents) Needs(s StoredSecret) bool { return slices.ContainsFunc(c.needed(), s.Same) }

// UnneededSecrets gives the secrets that nothing listed goes on with.
func (c Contents) UnneededSecrets() []StoredSecret {
	needed := c.needed()
	return slices.DeleteFunc(slices.Clone(c.Secrets), func(s StoredSecret) bool { return slices.ContainsFunc(needed, s.Same) })
}

// needed are the secrets that what is listed goes on with, whether or not they
// are listed themselves.
func (c Contents) needed() (all []StoredSecret) {
	for _, l := range c.All() {
		if all = append(all, l.ClientSecret()); l.HasToken() {
			all = append(all, l.Token())
		}
	}
	if c.Draft != nil && c.Draft.Kept {
		if s := c.Draft.ClientSecret(); s.ClientID != "" && s.APIHost != "" {
			all = append(all, s)
		}
	}
	return slices.DeleteFunc(all, func(s StoredSecret) bool { return !s.Store.Outlives() })
}

// ClientSecret names the client secret of an unfinished run, in its store. Its
// APIHost is empty where the draft does not say it.
func (d Draft) ClientSecret() StoredSecret {
	host := ""
	if site, err := d.Site(); err == nil {
		host = site.APIHost()
	}
	return StoredClientSecret(d.Store, host, d.ClientID)
}

// Site is where the calls of an unfinished run go, or ErrSite.
func (d Draft) Site() (cronofy.Site, error) {
	if dc, ok := cronofy.FindDataCenter(d.DataCenter); ok {
		if site, err := dc.Site().Override(d.APIURL, d.AppURL); err == nil {
			return site, nil
		}
	}
	return cronofy.Site{}, ErrSite
}
