package links

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"confer/cronofy"
)

// AccountToken is the Provider of a Stored that is the refresh token of a
// service account itself.
const AccountToken = "service_account"

// Stored names a secret that was put into a place that outlives a run, or was
// about to be. The entry is written before the secret is, and taken out after the
// secret was deleted, so that none is ever out of sight; an entry of nothing is
// harmless. The secret itself is not in it.
type Stored struct {
	Store          string    `json:"secret_store"`                 // "keyring", "file"
	APIHost        string    `json:"api_host"`                     // with its port if it has one
	ClientID       string    `json:"client_id"`                    //
	ServiceAccount string    `json:"service_account_id,omitempty"` // empty: it is the client secret
	Provider       string    `json:"provider,omitempty"`           // of the link whose refresh token it is, or AccountToken
	Recorded       time.Time `json:"recorded,omitzero"`            // UTC, the last time; zero: it follows from an older list

	extra string
}

// StoredClientSecret names an application's client secret in a store.
func StoredClientSecret(store, apiHost, clientID string) Stored {
	return Stored{Store: store, APIHost: apiHost, ClientID: clientID}
}

// StoredToken names the refresh token of a link, in the link's store.
func StoredToken(l Link) Stored {
	return Stored{Store: l.Store, APIHost: l.APIHost, ClientID: l.ClientID, ServiceAccount: l.ServiceAccount, Provider: l.Provider}
}

// StoredAccountToken names the refresh token of a service account, in its store.
func StoredAccountToken(a ServiceAccount) Stored {
	return Stored{Store: a.Store, APIHost: a.APIHost, ClientID: a.ClientID, ServiceAccount: a.ID, Provider: AccountToken}
}

// KeyParts are the parts of its name in the store.
func (s Stored) KeyParts() []string {
	if s.IsClientSecret() {
		return ClientSecretKeyParts(s.APIHost, s.ClientID)
	}
	return RefreshTokenKeyParts(Link{APIHost: s.APIHost, ClientID: s.ClientID, ServiceAccount: s.ServiceAccount, Provider: s.Provider})
}

// IsClientSecret tells it from a refresh token.
func (s Stored) IsClientSecret() bool { return s.ServiceAccount == "" }

// Same tells whether both are the same secret in the same store.
func (s Stored) Same(o Stored) bool { return s.bare() == o.bare() }

// SameSecret tells whether both are the same secret, wherever it lies.
func (s Stored) SameSecret(o Stored) bool {
	return s.SameApp(o) && s.ServiceAccount == o.ServiceAccount && s.Provider == o.Provider
}

// SameApp tells whether both are of the same application.
func (s Stored) SameApp(o Stored) bool { return s.APIHost == o.APIHost && s.ClientID == o.ClientID }

// Outlives tells whether what is in a store is there after the run.
func Outlives(store string) bool { return store != "" && store != "session" && store != "none" }

// Record notes a secret before it is put into its store, and again afterwards:
// whoever deleted it in between does not strike the newer entry. One in a place
// that ends with the run is not noted.
func (c *Contents) Record(s Stored, at time.Time) {
	if !Outlives(s.Store) {
		return
	}
	s.Recorded = at.UTC()
	for i, old := range c.Ledger {
		if old.Same(s) {
			s.extra = old.extra
			c.Ledger[i] = s
			return
		}
	}
	c.Ledger = append(c.Ledger, s)
}

// Strike takes an entry out, now that its secret was deleted, unless it was
// recorded anew since s was read.
func (c *Contents) Strike(s Stored) {
	c.Ledger = slices.DeleteFunc(c.Ledger, func(o Stored) bool { return o.Same(s) && o.Recorded.Equal(s.Recorded) })
}

// Recorded tells whether the ledger has an entry for a secret.
func (c Contents) Recorded(s Stored) bool { return slices.ContainsFunc(c.Ledger, s.Same) }

// What a secret can be needed by.
const (
	ByLink           = "link"
	ByServiceAccount = "service_account"
	ByDraft          = "draft"
)

// Needed tells what goes on with a secret where it is: ByLink, ByServiceAccount
// or ByDraft. Empty: nothing does, so it is left over.
func (c Contents) Needed(s Stored) string { return c.needs()[s.bare()] }

// Leftover gives the entries that nothing needs.
func (c Contents) Leftover() (out []Stored) {
	needs := c.needs()
	for _, s := range c.Ledger {
		if needs[s.bare()] == "" {
			out = append(out, s)
		}
	}
	return out
}

// bare is what tells a secret in its store from others.
func (s Stored) bare() Stored {
	s.Recorded, s.extra = time.Time{}, ""
	return s
}

// needs are the secrets that what is listed goes on with, whether or not they
// were recorded, each with the first that does.
func (c Contents) needs() map[Stored]string {
	all := map[Stored]string{}
	add := func(by string, s Stored) {
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

// ClientSecret names the client secret of an unfinished run, in its store.
func (d Draft) ClientSecret() Stored {
	return StoredClientSecret(d.Store, d.apiHost(), d.ClientID)
}

// apiHost is empty where the draft does not say it.
func (d Draft) apiHost() string {
	dc, ok := cronofy.FindDataCenter(d.DataCenter)
	if !ok {
		return ""
	}
	site, err := dc.Site().Override(d.APIURL, d.AppURL)
	if err != nil {
		return ""
	}
	return site.APIHost()
}

// settle enters what an older program stored without a ledger: what is listed
// tells it. From then on the entry stays, whatever becomes of the list.
func (c *Contents) settle() {
	missing := c.needs()
	for _, s := range c.Ledger {
		delete(missing, s.bare())
	}
	c.Ledger = append(c.Ledger, slices.SortedFunc(maps.Keys(missing), Stored.compare)...)
}

func (s Stored) compare(o Stored) int {
	return cmp.Or(cmp.Compare(s.Store, o.Store), cmp.Compare(s.APIHost, o.APIHost), cmp.Compare(s.ClientID, o.ClientID),
		cmp.Compare(s.ServiceAccount, o.ServiceAccount), cmp.Compare(s.Provider, o.Provider))
}
