package links

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"confer/cronofy"
	"confer/keystore"
)

// AccountToken is the Provider of a StoredSecret that is the refresh token of a
// service account itself.
const AccountToken = "service_account"

// StoredSecret names a secret that was stored in a place that outlives a run, or
// was about to be. The entry is written before the secret is, and taken out after
// the secret was deleted, so that none is ever out of sight; an entry of nothing
// is harmless. The secret itself is not in it.
type StoredSecret struct {
	Store          string    `json:"secret_store"`                 // "keyring", "file"
	APIHost        string    `json:"api_host"`                     // with its port if it has one
	ClientID       string    `json:"client_id"`                    //
	ServiceAccount string    `json:"service_account_id,omitempty"` // empty: it is the client secret
	Provider       string    `json:"provider,omitempty"`           // of the link whose refresh token it is, or AccountToken
	Recorded       time.Time `json:"recorded,omitzero"`            // UTC, the last time; zero: it follows from an older list
}

// StoredClientSecret names an application's client secret in a store.
func StoredClientSecret(store, apiHost, clientID string) StoredSecret {
	return StoredSecret{Store: store, APIHost: apiHost, ClientID: clientID}
}

// StoredToken names the refresh token of a link, in the link's store.
func StoredToken(l Link) StoredSecret {
	return StoredSecret{Store: l.Store, APIHost: l.APIHost, ClientID: l.ClientID, ServiceAccount: l.ServiceAccount, Provider: l.Provider}
}

// StoredAccountToken names the refresh token of a service account, in its store.
func StoredAccountToken(a ServiceAccount) StoredSecret {
	return StoredSecret{Store: a.Store, APIHost: a.APIHost, ClientID: a.ClientID, ServiceAccount: a.ID, Provider: AccountToken}
}

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
func (s StoredSecret) Same(o StoredSecret) bool { return s.unrecorded() == o.unrecorded() }

// SameSecret tells whether both are the same secret, in whichever stores.
func (s StoredSecret) SameSecret(o StoredSecret) bool {
	return s.SameApp(o) && s.ServiceAccount == o.ServiceAccount && s.Provider == o.Provider
}

// SameApp tells whether both are of the same application.
func (s StoredSecret) SameApp(o StoredSecret) bool {
	return s.APIHost == o.APIHost && s.ClientID == o.ClientID
}

// unrecorded is what tells a secret in its store from others.
func (s StoredSecret) unrecorded() StoredSecret {
	s.Recorded = time.Time{}
	return s
}

// Outlives tells whether what is in a store is there after the run.
func Outlives(store string) bool { return store != "" && store != "session" && store != "none" }

// AddSecret lists a secret before it is stored, and again afterwards: whoever
// deleted it in between does not remove the newer entry. One in a place that ends
// with the run is not listed.
func (c *Contents) AddSecret(s StoredSecret, at time.Time) {
	if !Outlives(s.Store) {
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

// What a secret can be needed by.
const (
	ByLink           = "link"
	ByServiceAccount = "service_account"
	ByDraft          = "draft"
)

// NeededBy tells what goes on with a secret where it is: ByLink, ByServiceAccount
// or ByDraft. Empty: nothing does.
func (c Contents) NeededBy(s StoredSecret) string { return c.needed()[s.unrecorded()] }

// UnneededSecrets gives the secrets that nothing listed goes on with.
func (c Contents) UnneededSecrets() (out []StoredSecret) {
	needed := c.needed()
	for _, s := range c.Secrets {
		if needed[s.unrecorded()] == "" {
			out = append(out, s)
		}
	}
	return out
}

// needed are the secrets that what is listed goes on with, whether or not they
// are listed, each with the first that does.
func (c Contents) needed() map[StoredSecret]string {
	all := map[StoredSecret]string{}
	add := func(by string, s StoredSecret) {
		if Outlives(s.Store) && all[s] == "" {
			all[s] = by
		}
	}
	for _, l := range c.Links {
		add(ByLink, StoredToken(l))
		add(ByLink, StoredClientSecret(l.Store, l.APIHost, l.ClientID))
	}
	for _, a := range c.ServiceAccounts {
		add(ByServiceAccount, StoredAccountToken(a))
		add(ByServiceAccount, StoredClientSecret(a.Store, a.APIHost, a.ClientID))
	}
	if c.Draft != nil && c.Draft.Kept {
		if s := c.Draft.ClientSecret(); s.ClientID != "" && s.APIHost != "" {
			add(ByDraft, s)
		}
	}
	return all
}

// ClientSecret names the client secret of an unfinished run, in its store. Its
// APIHost is empty where the draft does not say it.
func (d Draft) ClientSecret() StoredSecret {
	host := ""
	if dc, ok := cronofy.FindDataCenter(d.DataCenter); ok {
		if site, err := dc.Site().Override(d.APIURL, d.AppURL); err == nil {
			host = site.APIHost()
		}
	}
	return StoredClientSecret(d.Store, host, d.ClientID)
}

// addMissingSecrets lists what an older program stored without listing it: links,
// accounts and answers tell it. From then on the entry stays, whatever becomes of
// them.
func (c *Contents) addMissingSecrets() {
	missing := c.needed()
	for _, s := range c.Secrets {
		delete(missing, s.unrecorded())
	}
	c.Secrets = append(c.Secrets, slices.SortedFunc(maps.Keys(missing), func(s, o StoredSecret) int {
		return cmp.Or(cmp.Compare(s.Store, o.Store), cmp.Compare(s.APIHost, o.APIHost), cmp.Compare(s.ClientID, o.ClientID),
			cmp.Compare(s.ServiceAccount, o.ServiceAccount), cmp.Compare(s.Provider, o.Provider))
	})...)
}
