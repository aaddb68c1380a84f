package cronofy

import (
	"context"
	"net/http"
	"net/url"
)

const (
	maxName  = 320  // runes; the longest email address (RFC 5321: 64 + 1 + 255)
	maxScope = 2000 // runes
	maxLink  = 4000 // runes
)

func name(s string) string { return CleanText(s, maxName) }

// UserInfo is whose a token is, and which conferencing profiles they have. All
// texts are cleaned of control characters.
// https://docs.cronofy.com/developers/api/identity/userinfo/
type UserInfo struct {
	Sub                  string // "acc_…", "ser_…", "apc_…", …
	Email                string // may be empty; a service account's may be any user name
	Name                 string // may be empty
	Type                 string // "account", "service_account", …: an open set; may be empty
	Scope                string // space-separated; may be empty
	Status               string // of the authorization: "active" is the only value known; may be empty
	DelegatedScope       string // of a service account
	Domain               string // of a service account
	ConferencingProfiles []ConferencingProfile
	Warnings             []string // what was odd in the answer and did not keep it from being read, in sentences
}

// ConferencingProfile is one conferencing connection of an account.
// https://docs.cronofy.com/developers/api/conferencing-services/conferencing-profiles/
type ConferencingProfile struct {
	ProviderName string // an open set; see Provider.Matches
	ProfileID    string
	ProfileName  string
	Connected    bool   // false: the credentials are no longer valid
	RelinkURL    string // http or https; empty while connected
}

// UserInfo reads whose access token this is.
// https://docs.cronofy.com/developers/api/identity/userinfo/
func (c *Client) UserInfo(ctx context.Context, accessToken Secret) (UserInfo, error) {
	var out userInfoAnswer
	k := call{
		op: "read userinfo", method: http.MethodGet, path: "/v1/userinfo",
		bearer: accessToken, out: &out, safe: true,
	}
	if err := c.do(ctx, k); err != nil {
		return UserInfo{}, err
	}
	if out.Sub == "" {
		return UserInfo{}, &BadAnswerError{Op: k.op, Reason: "no sub"}
	}
	return out.userInfo(), nil
}

// userInfoAnswer reads keys whose names hold a dot. Older answers of service
// accounts have no cronofy.data.
type userInfoAnswer struct {
	Sub    string `json:"sub"`
	Email  string `json:"email"`
	Name   string `json:"name"`
	Type   string `json:"cronofy.type"`
	Domain string `json:"cronofy.service_account.domain"`
	Data   struct {
		Authorization struct {
			Scope          string `json:"scope"`
			Status         string `json:"status"`
			DelegatedScope string `json:"delegated_scope"`
		} `json:"authorization"`
		ServiceAccount struct {
			Domain string `json:"domain"`
		} `json:"service_account"`
		ConferencingProfiles []profileAnswer `json:"conferencing_profiles"`
	} `json:"cronofy.data"`
}

type profileAnswer struct {
	ProviderName string `json:"provider_name"`
	ProfileID    string `json:"profile_id"`
	ProfileName  string `json:"profile_name"`
	Connected    bool   `json:"profile_connected"`
	RelinkURL    string `json:"profile_relink_url"`
}

func (a *userInfoAnswer) userInfo() UserInfo {
	u := UserInfo{
		Sub: name(a.Sub), Email: name(a.Email), Name: name(a.Name), Type: name(a.Type),
		Scope: CleanText(a.Data.Authorization.Scope, maxScope), Status: name(a.Data.Authorization.Status),
		DelegatedScope: CleanText(a.Data.Authorization.DelegatedScope, maxScope),
		Domain:         name(a.Data.ServiceAccount.Domain),
	}
	if u.Domain == "" {
		u.Domain = name(a.Domain)
	}
	for _, p := range a.Data.ConferencingProfiles {
		u.ConferencingProfiles = append(u.ConferencingProfiles, ConferencingProfile{
			ProviderName: name(p.ProviderName), ProfileID: name(p.ProfileID), ProfileName: name(p.ProfileName),
			Connected: p.Connected, RelinkURL: webLink(p.RelinkURL),
		})
	}
	return u
}

// webLink gives only what a browser may be sent to.
func webLink(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") || CleanText(s, maxLink) != s {
		return ""
	}
	return s
}
