package sandbox

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

type profile struct {
	ProviderName string `json:"provider_name"`
	ProfileID    string `json:"profile_id"`
	ProfileName  string `json:"profile_name"`
	Connected    bool   `json:"profile_connected"`
	RelinkURL    string `json:"profile_relink_url,omitempty"`
}

type calendarProfile struct {
	linkingProfile
	Connected    bool             `json:"profile_connected"`
	SyncRequired bool             `json:"profile_initial_sync_required"`
	Calendars    []map[string]any `json:"profile_calendars"`
}

type authorization struct {
	Scope          string `json:"scope"`
	Status         string `json:"status"`
	DelegatedScope string `json:"delegated_scope,omitempty"`
}

type userInfoData struct {
	Authorization        authorization     `json:"authorization"`
	ServiceAccount       map[string]string `json:"service_account,omitempty"`
	Profiles             []calendarProfile `json:"profiles,omitempty"`
	ConferencingProfiles []profile         `json:"conferencing_profiles,omitempty"`
}

// userInfoAnswer has keys with a literal dot in them.
// https://docs.cronofy.com/developers/api/identity/userinfo
type userInfoAnswer struct {
	Sub      string        `json:"sub"`
	Email    string        `json:"email"`
	Name     string        `json:"name,omitempty"`
	Zoneinfo string        `json:"zoneinfo,omitempty"`
	Type     string        `json:"cronofy.type"`
	Data     *userInfoData `json:"cronofy.data,omitempty"`
}

// authorized gives whose access token a call has, or answers 401 or 429. The
// client secret is no access token.
func (s *Server) authorized(c *call) (*grant, bool) {
	token, ok := bearer(c.r)
	if !ok {
		c.unauthorized("there is no bearer token")
		return nil, false
	}
	g, ok := s.byAccess(token)
	if !ok {
		c.unauthorized("the access token is unknown, expired or revoked")
		return nil, false
	}
	return g, !s.limited(c)
}

// callerEmail is the address of the account whose token a call has.
func (s *Server) callerEmail(c *call) string {
	token, _ := bearer(c.r)
	g, ok := s.byAccess(token)
	if c.endpoint == Refresh {
		g, ok = s.byRefresh(c.params.text("refresh_token"), false)
	}
	if ok && g.kind == accountGrant {
		return s.org.person(g.account).email
	}
	return ""
}

// userInfo is GET /v1/userinfo. What an Organizational Unit's token gets is not
// documented: 403 is a choice.
func (s *Server) userInfo(c *call) {
	g, ok := s.authorized(c)
	if !ok {
		return
	}
	var a userInfoAnswer
	switch g.kind {
	case accountGrant:
		a = s.accountInfo(g, c.switches)
	case serviceGrant:
		a = serviceInfo(g)
	case unitGrant:
		c.refuse(http.StatusForbidden, "an Organizational Unit has no userinfo")
		return
	}
	if c.switches.OmitCronofyData {
		a.Data = nil
	}
	c.answer(http.StatusOK, a)
}

func serviceInfo(g *grant) userInfoAnswer {
	return userInfoAnswer{
		Sub: g.sub, Email: serviceAccountEmail, Type: "service_account",
		Data: &userInfoData{
			ServiceAccount: map[string]string{"provider_name": "office365", "domain": domain},
			Authorization:  authorization{g.scope, "active", g.delegated},
		},
	}
}

func (s *Server) accountInfo(g *grant, sw Switches) userInfoAnswer {
	p := s.org.person(g.account)
	return userInfoAnswer{
		Sub: g.sub, Email: p.email, Name: p.name, Zoneinfo: "Europe/Berlin", Type: "account",
		Data: &userInfoData{
			Authorization:        authorization{Scope: g.scope, Status: "active"},
			Profiles:             []calendarProfile{s.calendar(g.account, p)},
			ConferencingProfiles: s.conferencing(g.account, p, sw),
		},
	}
}

func (s *Server) calendar(i int, p person) calendarProfile {
	id := s.profileID("calendar", i)
	return calendarProfile{
		linkingProfile: linkingProfile{"google", "gsuite", id, p.email}, Connected: true,
		Calendars: []map[string]any{{
			"calendar_id": "cal_" + strings.TrimPrefix(id, "pro_") + "_01", "calendar_name": "Work",
			"calendar_readonly": false, "calendar_deleted": false, "calendar_primary": true,
			"calendar_integrated_conferencing_available": true, "calendar_attachments_available": false,
			"permission_level": "sandbox",
		}},
	}
}

func (s *Server) profileID(label string, i int) string {
	return "pro_" + s.rand.derive("profile "+label, i, 12)
}

// conferencing gives the person's own profile first, then those from links.
func (s *Server) conferencing(i int, p person, sw Switches) []profile {
	var out []profile
	if p.personal {
		out = append(out, profile{ProviderName: "zoom", ProfileID: s.profileID("own zoom", i), ProfileName: p.email, Connected: true})
	}
	if p.unmatched {
		return out
	}
	for _, provider := range s.linked(sw.ProfileDelay + time.Duration(i)*sw.ProfileGap) {
		name := profileName(provider, sw)
		connected := !p.disconnected && !sw.Disconnected
		pr := profile{ProviderName: name, ProfileID: s.profileID(provider, i), ProfileName: p.email, Connected: connected}
		if !connected {
			pr.RelinkURL = s.relinkURL(name, p.email)
		}
		out = append(out, pr)
	}
	return out
}

// profileName is what userinfo calls a provider; see Switches.EnterpriseNames.
func profileName(provider string, sw Switches) string {
	if sw.EnterpriseNames {
		return provider
	}
	return strings.TrimSuffix(provider, "_enterprise")
}

// relinkURL is on the data center's own app host, as Cronofy's are.
func (s *Server) relinkURL(name, email string) string {
	return "https://" + s.dataCenter.AppHost + "/v2/relink/" + url.PathEscape(name) + "?email=" + url.QueryEscape(email)
}

// linked gives the providers that were linked so long ago.
func (s *Server) linked(ago time.Duration) []string {
	by := s.now().Add(-ago)
	var out []string
	for p, since := range s.state.links {
		if !by.Before(since) {
			out = append(out, string(p))
		}
	}
	slices.Sort(out)
	return out
}

type resource struct {
	Email string `json:"email"`
	Name  string `json:"name"`
}

// serviceAccount gives the grant of a call that needs a service account's token
// with a scope that begins so. 403 without the scope is documented, for another
// kind of token it is a choice, and so is which scope belongs to which call: the
// names say it.
// https://docs.cronofy.com/developers/api/authentication/
func (s *Server) serviceAccount(c *call, scope string) (*grant, bool) {
	g, ok := s.authorized(c)
	switch {
	case !ok:
		return nil, false
	case g.kind != serviceGrant:
		c.refuse(http.StatusForbidden, "this is not a service account's token")
		return nil, false
	case !strings.Contains(" "+g.scope, " "+scope):
		c.refuse(http.StatusForbidden, "the token has no scope that begins with "+scope)
		return nil, false
	}
	return g, true
}

// resources is GET /v1/resources: the organisation's rooms.
// https://docs.cronofy.com/developers/api/enterprise-connect/resources/
func (s *Server) resources(c *call) {
	if _, ok := s.serviceAccount(c, "service_account/resources/"); !ok {
		return
	}
	rooms := []resource{}
	for i := range s.org.count {
		if p := s.org.person(i); p.room {
			rooms = append(rooms, resource{p.email, p.name})
		}
	}
	c.answer(http.StatusOK, map[string][]resource{"resources": rooms})
}
