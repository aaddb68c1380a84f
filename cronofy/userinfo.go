package cronofy

import (
	"context"
	"net/url"
	"strings"
)

const (
	maxName  = 320  // runes; the longest email address (RFC 5321: 64 + 1 + 255)
	maxScope = 2000 // runes
	maxLink  = 4000 // runes
)

func name(s string) string { return CleanText(s, maxName) }

// UserInfo is whose a token is, and which conferencing profiles they have, in clean texts.
// https://docs.cronofy.com/developers/api/identity/userinfo/
type UserInfo struct {
	Sub                  string // "acc_…", "ser_…", "apc_…", …
	Email                string // may be empty; a service account's may be any user name
	Name                 string // may be empty
	Type                 string // "account", "service_account", …: an open set; may be empty
	DelegatedScope       string // space-separated, of a service account
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
func (c *Client) UserInfo(ctx context.Context, accessToken Secret) (UserInfo, error) {
	var out object
	k := call{op: "read userinfo", path: "/v1/userinfo", bearer: accessToken, out: &out, safe: true}
	if err := c.do(ctx, k); err != nil {
		return UserInfo{}, err
	}
	data := out.object("cronofy.data") // a key with a dot in its name; older answers of service accounts have none
	authorization := data.object("authorization")
	u := UserInfo{
		Sub: name(out.text("sub")), Email: name(out.text("email")), Name: name(out.text("name")), Type: name(out.text("cronofy.type")),
		DelegatedScope: CleanText(authorization.words("delegated_scope"), maxScope),
	}
	for _, p := range data.objects("conferencing_profiles") {
		link, provider := p.text("profile_relink_url"), p.text("provider_name")
		profile := ConferencingProfile{
			ProviderName: name(provider), ProfileID: name(p.text("profile_id")), ProfileName: name(p.text("profile_name")),
			Connected: p.flag("profile_connected"), RelinkURL: webLink(link),
		}
		if provider != strings.ToLower(strings.TrimSpace(provider)) {
			p.note("provider_name", "not in lower case")
		}
		if link != profile.RelinkURL {
			p.note("profile_relink_url", "not a web address; left out")
		}
		if profile == (ConferencingProfile{}) {
			p.note("profile_id", "missing, as all that would tell the profile; left out")
		} else {
			u.ConferencingProfiles = append(u.ConferencingProfiles, profile)
		}
	}
	if u.Sub == "" {
		return UserInfo{}, &BadAnswerError{Op: k.op, Reason: "no sub"}
	}
	u.Warnings = *out.odd
	return u, nil
}

// webLink gives only what a browser may be sent to.
func webLink(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") || CleanText(s, maxLink) != s {
		return ""
	}
	return s
}
