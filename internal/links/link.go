package links

import (
	"crypto/sha256"
	"encoding/base32"
	"strings"
	"time"
)

// Link is a finished set-up: one customer's calendars and one provider, in one
// application of one data center. APIHost, ClientID, ServiceAccount and Provider
// tell it from others.
type Link struct {
	DataCenter         string    `json:"data_center"`                   // "de"
	APIHost            string    `json:"api_host"`                      // with its port if it has one
	APIURL             string    `json:"api_url,omitempty"`             // base URL in place of the data center's; empty: its own
	AppURL             string    `json:"app_url,omitempty"`             // likewise
	ClientID           string    `json:"client_id"`                     //
	ServiceAccount     string    `json:"service_account_id"`            // "ser_…"
	Provider           string    `json:"provider"`                      // a cronofy.Provider
	Label              string    `json:"label,omitempty"`               // the operator's own name for it
	OrganizationalUnit string    `json:"organizational_unit,omitempty"` // its sub; empty when Cronofy did not say
	Scope              string    `json:"scope,omitempty"`               // space-separated
	Store              string    `json:"secret_store"`                  // where its secrets are: "keyring", "file", "session", ...
	Linked             time.Time `json:"linked"`                        // UTC
	RefreshToken       bool      `json:"refresh_token,omitempty"`       // there is one in Store
	Unconfirmed        bool      `json:"unconfirmed,omitempty"`         // the administrator said so; no token was exchanged

	extra string // members that a newer version wrote, as a JSON object; empty: none
}

// ID names a link on the command line: "zoom-6789-k3f2". It is made of what
// tells links apart, so it stays the same when the customer is linked again:
// the provider, the last characters of the service account, and a check over
// all four parts.
func (l Link) ID() string {
	provider, _, _ := strings.Cut(l.Provider, "_")
	return plain(provider, len(provider)) + "-" + plain(l.ServiceAccount, 4) + "-" + l.check()
}

func (l Link) check() string {
	sum := sha256.Sum256([]byte(strings.Join([]string{l.APIHost, l.ClientID, l.ServiceAccount, l.Provider}, "\x00")))
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:])[:4])
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

// Same tells whether two links are of the same customer and provider.
func (l Link) Same(o Link) bool {
	return l.APIHost == o.APIHost && l.ClientID == o.ClientID && l.ServiceAccount == o.ServiceAccount && l.Provider == o.Provider
}

// ServiceAccount is a calendar service account that was authorized here, by
// Enterprise Connect. Its refresh token is in Store.
type ServiceAccount struct {
	DataCenter string    `json:"data_center"`
	APIHost    string    `json:"api_host"`
	ClientID   string    `json:"client_id"`
	ID         string    `json:"service_account_id"`
	Label      string    `json:"label,omitempty"`
	Scope      string    `json:"scope,omitempty"`
	Store      string    `json:"secret_store"`
	Authorized time.Time `json:"authorized"` // UTC

	extra string
}

// Draft is what an unfinished run was told, without its secrets. It is
// comparable. Empty fields were not answered.
type Draft struct {
	DataCenter     string `json:"data_center,omitempty"`
	APIURL         string `json:"api_url,omitempty"` // base URL in place of the data center's; empty: its own
	AppURL         string `json:"app_url,omitempty"` // likewise
	ClientID       string `json:"client_id,omitempty"`
	RedirectURI    string `json:"redirect_uri,omitempty"`
	Listen         string `json:"listen,omitempty"` // host:port
	ServiceAccount string `json:"service_account_id,omitempty"`
	Provider       string `json:"provider,omitempty"`
	Label          string `json:"label,omitempty"`
	Store          string `json:"secret_store,omitempty"`
	Kept           bool   `json:"kept_in_store,omitempty"` // the client secret is in Store
	Open           string `json:"open_step,omitempty"`     // "service_account": its answer was not accepted; empty: all were
}
