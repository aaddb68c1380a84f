package sandbox

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

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
		g, ok = s.byRefresh(c.params.text("refresh_token"))
	}
	if ok && g.kind == accountGrant {
		return s.people[g.account].Email
	}
	return ""
}

// userInfo is GET /v1/userinfo, whose keys have a literal dot in them. What an
// Organizational Unit's token gets is not documented: 403 is a choice.
// https://docs.cronofy.com/developers/api/identity/userinfo
func (s *Server) userInfo(c *call) {
	g, ok := s.authorized(c)
	if !ok {
		return
	}
	var a object
	switch g.kind {
	case accountGrant:
		a = s.accountInfo(g, c.switches)
	case serviceGrant:
		a = object{
			"sub": g.sub, "email": serviceAccountEmail, "cronofy.type": "service_account",
			"cronofy.data": object{
				"service_account": object{"provider_name": "office365", "domain": domain},
				"authorization":   object{"scope": g.scope, "status": "active", "delegated_scope": g.delegated},
			},
		}
	case unitGrant:
		c.refuse(http.StatusForbidden, "an Organizational Unit has no userinfo")
		return
	}
	if c.switches.OmitCronofyData {
		delete(a, "cronofy.data")
	}
	c.answer(http.StatusOK, a)
}

func (s *Server) accountInfo(g *grant, sw Switches) object {
	p := s.people[g.account]
	data := object{"authorization": object{"scope": g.scope, "status": "active"}, "profiles": []any{s.calendar(g.account, p.Email)}}
	if profiles := s.conferencing(g.account, p, sw); len(profiles) > 0 {
		data["conferencing_profiles"] = profiles
	}
	return object{
		"sub": g.sub, "email": p.Email, "name": p.Name, "zoneinfo": "Europe/Berlin", "cronofy.type": "account",
		"cronofy.data": data,
	}
}

// calendar is the calendar connection in userinfo, of which bulk runs read a hundred
// thousand: as text it takes a third of a map's time.
func (s *Server) calendar(i int, email string) json.RawMessage {
	id := s.profileID("calendar", i)
	return fmt.Appendf(nil, `{"provider_name":"google","provider_service":"gsuite","profile_id":%q,"profile_name":%q,`+
		`"profile_connected":true,"profile_initial_sync_required":false,"profile_calendars":[{"calendar_id":"cal_%s_01",`+
		`"calendar_name":"Work","calendar_readonly":false,"calendar_deleted":false,"calendar_primary":true,`+
		`"calendar_integrated_conferencing_available":true,"calendar_attachments_available":false,"permission_level":"sandbox"}]}`,
		id, email, strings.TrimPrefix(id, "pro_"))
}

func (s *Server) profileID(label string, i int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %s %d", s.profiles, label, i))
	return fmt.Sprintf("pro_%x", sum[:6])
}

// conferencing gives the person's own profile first, then those from links.
func (s *Server) conferencing(i int, p Account, sw Switches) []any {
	var out []any
	if p.personal {
		out = append(out, object{
			"provider_name": "zoom", "profile_id": s.profileID("own zoom", i), "profile_name": p.Email, "profile_connected": true,
		})
	}
	if p.unmatched {
		return out
	}
	for _, provider := range s.linked(sw.ProfileDelay + time.Duration(i)*sw.ProfileGap) {
		name, connected := provider, !p.disconnected && !sw.Disconnected
		if !sw.EnterpriseNames {
			name = strings.TrimSuffix(provider, "_enterprise")
		}
		profile := object{
			"provider_name": name, "profile_id": s.profileID(provider, i), "profile_name": p.Email, "profile_connected": connected,
		}
		if !connected { // on the data center's own app host, as Cronofy's are
			profile["profile_relink_url"] = "https://" + s.dataCenter.AppHost + "/v2/relink/" + url.PathEscape(name) + "?email=" + url.QueryEscape(p.Email)
		}
		out = append(out, profile)
	}
	return out
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
	rooms := []any{}
	for _, p := range s.people {
		if p.Room {
			rooms = append(rooms, object{"email": p.Email, "name": p.Name})
		}
	}
	c.answer(http.StatusOK, object{"resources": rooms})
}
