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

// withToken has do answer a call with an access token, which the client secret is
// not. With a scope it must be a service account's, and have one that begins so: 403
// without it is documented, for another kind of token it is a choice, and so is which
// scope belongs to which call, as the names say it.
// https://docs.cronofy.com/developers/api/authentication/
func (s *Server) withToken(scope string, do func(*call, *grant)) func(*call) {
	return func(c *call) {
		token := bearer(c.r)
		g := s.byAccess(token)
		switch {
		case token == "":
			c.unauthorized("there is no bearer token")
		case g == nil:
			c.unauthorized("the access token is unknown, expired or revoked")
		case s.limited(c):
		case scope != "" && g.kind != serviceGrant:
			c.refuse(http.StatusForbidden, "this is not a service account's token")
		case !strings.Contains(" "+g.scope, " "+scope):
			c.refuse(http.StatusForbidden, "the token has no scope that begins with "+scope)
		default:
			do(c, g)
		}
	}
}

// userInfo is GET /v1/userinfo, whose keys have a literal dot in them. What an
// Organizational Unit's token gets is not documented: 403 is a choice.
func (s *Server) userInfo(c *call, g *grant) {
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
	profile := func(name, id string, connected bool) object {
		return object{"provider_name": name, "profile_id": s.profileID(id, i), "profile_name": p.Email, "profile_connected": connected}
	}
	var out []any
	if p.personal {
		out = append(out, profile("zoom", "own zoom", true))
	}
	if p.unmatched {
		return out
	}
	for _, provider := range s.linked(sw.ProfileDelay + time.Duration(i)*sw.ProfileGap) {
		name := provider
		if !sw.EnterpriseNames {
			name = strings.TrimSuffix(provider, "_enterprise")
		}
		one := profile(name, provider, !p.disconnected && !sw.Disconnected)
		if one["profile_connected"] == false { // on the data center's own app host, as Cronofy's are
			one["profile_relink_url"] = "https://" + s.dataCenter.AppHost + "/v2/relink/" + url.PathEscape(name) + "?email=" + url.QueryEscape(p.Email)
		}
		out = append(out, one)
	}
	return out
}

// linked gives the providers that were linked so long ago.
func (s *Server) linked(ago time.Duration) []string {
	var out []string
	for p, since := range s.links {
		if s.now().Sub(since) >= ago {
			out = append(out, string(p))
		}
	}
	slices.Sort(out)
	return out
}

// resources is GET /v1/resources: the organisation's rooms.
func (s *Server) resources(c *call, _ *grant) {
	rooms := []any{}
	for _, p := range s.people {
		if p.Room {
			rooms = append(rooms, object{"email": p.Email, "name": p.Name})
		}
	}
	c.answer(http.StatusOK, object{"resources": rooms})
}
