package sandbox

import (
	"cmp"
	"maps"
	"net/http"
	"strings"
	"time"
)

// Lives of what is issued. That codes and link tokens are short-lived is documented, ten
// minutes is a choice; the tokens' seconds are from the documentation's samples. Those
// that the sandbox hands out at its start have no end.
const (
	linkTokenLife      = 10 * time.Minute
	codeLife           = 10 * time.Minute
	approvalLife       = 30 * time.Minute
	accountTokenLife   = 3600 * time.Second
	serviceAccountLife = 1800 * time.Second
)

type grantKind int

const (
	accountGrant grantKind = iota
	serviceGrant
	unitGrant
)

// grant is one authorization: what a code stands for and what tokens allow.
type grant struct {
	kind             grantKind
	account          int // of an accountGrant
	sub              string
	scope, delegated string
	revoked          bool
}

func serviceAccountGrant(scope, delegated string) *grant {
	return &grant{kind: serviceGrant, sub: serviceAccountID, scope: scope, delegated: delegated}
}

type accessToken struct {
	grant   *grant
	expires time.Time // zero: never
}

type authCode struct {
	grant       *grant
	redirectURI string
	expires     time.Time
	used        bool
}

// byAccess gives the grant of an access token that is known, unexpired and not
// revoked; nil: there is none.
func (s *Server) byAccess(token string) *grant {
	a, ok := s.access[token]
	if !ok || a.grant.revoked || !a.expires.IsZero() && !s.now().Before(a.expires) {
		return nil
	}
	return a.grant
}

func (s *Server) byRefresh(token string) *grant {
	if g := s.refreshed[token]; g != nil && !g.revoked {
		return g
	}
	return nil
}

// newCode makes a code that gives a grant to who knows the redirect URI.
func (s *Server) newCode(g *grant, redirectURI string) string {
	code := s.text(32)
	s.codes[code] = &authCode{grant: g, redirectURI: redirectURI, expires: s.now().Add(codeLife)}
	return code
}

// forget drops what ended long ago: a sandbox may run for weeks.
func (s *Server) forget() {
	now := s.now()
	maps.DeleteFunc(s.approvals, func(_ string, a *approval) bool { return !now.Before(a.expires) })
	maps.DeleteFunc(s.linkTokens, func(_ string, l *linkToken) bool { return now.Sub(l.expires) >= approvalLife })
	maps.DeleteFunc(s.codes, func(_ string, c *authCode) bool { return now.Sub(c.expires) >= approvalLife })
	maps.DeleteFunc(s.access, func(_ string, a accessToken) bool { return !a.expires.IsZero() && now.After(a.expires) })
}

// asClient has do answer a call with the right client id and secret in its body. An
// Authorization header is ignored, as some SDKs send one. That the status of wrong
// ones is 401 is a choice: an SDK's comments say so, another's tests have 400.
func (s *Server) asClient(do func(*call)) func(*call) {
	return func(c *call) {
		c.w.Header().Set("Pragma", "no-cache")
		switch {
		case c.params == nil:
			c.oauthError(http.StatusBadRequest, "invalid_request", "the body is neither a JSON object nor a form, by the Content-Type, or has a parameter twice")
		case c.params.text("client_id") != s.opts.ClientID || !s.isSecret(c.params.text("client_secret")):
			c.oauthError(cmp.Or(c.switches.InvalidClientStatus, http.StatusUnauthorized), "invalid_client", "client_id or client_secret is wrong")
		case s.limited(c):
		default:
			do(c)
		}
	}
}

func (s *Server) token(c *call) {
	switch c.params.text("grant_type") {
	case "":
		c.oauthError(http.StatusBadRequest, "invalid_request", "grant_type is missing")
	case "authorization_code":
		s.exchange(c)
	case "refresh_token":
		s.refresh(c)
	default:
		c.oauthError(http.StatusBadRequest, "unsupported_grant_type", "grant_type is neither authorization_code nor refresh_token")
	}
}

// exchange gives a code's grant once. A second use revokes what the first gave, as
// RFC 6749 section 4.1.2 asks. A wrong redirect URI does not use it up: a choice.
func (s *Server) exchange(c *call) {
	uri, code := c.params.text("redirect_uri"), c.params.text("code")
	switch k := s.codes[code]; {
	case code == "" || uri == "":
		c.oauthError(http.StatusBadRequest, "invalid_request", "code or redirect_uri is missing")
	case k == nil:
		c.oauthError(http.StatusBadRequest, "invalid_grant", "the code is unknown")
	case k.used:
		k.grant.revoked = true
		c.oauthError(http.StatusBadRequest, "invalid_grant", "the code was used before; what it gave is revoked")
	case !s.now().Before(k.expires):
		c.oauthError(http.StatusBadRequest, "invalid_grant", "the code has expired")
	case k.redirectURI != uri:
		c.oauthError(http.StatusBadRequest, "invalid_grant", "redirect_uri is not the one of the authorization")
	default:
		k.used = true
		s.issue(c, k.grant, s.text(32), s.subject(k.grant, c.switches))
	}
}

// subject is whose authorization it is, as the answer to a code tells it.
func (s *Server) subject(g *grant, sw Switches) object {
	a := object{"sub": g.sub}
	switch g.kind {
	case accountGrant:
		a["account_id"], a["linking_profile"] = g.sub, object{
			"provider_name": "google", "provider_service": "gsuite",
			"profile_id": s.profileID("calendar", g.account), "profile_name": s.people[g.account].Email,
		}
	case serviceGrant:
		a["service_account_id"] = g.sub
	case unitGrant:
	}
	if sw.OmitSub {
		maps.DeleteFunc(a, func(name string, _ any) bool { return name == "sub" || strings.HasSuffix(name, "account_id") })
	}
	return a
}

// refresh answers without sub, account_id and linking_profile, as documented.
func (s *Server) refresh(c *call) {
	token := c.params.text("refresh_token")
	g := s.byRefresh(token)
	switch {
	case token == "":
		c.oauthError(http.StatusBadRequest, "invalid_request", "refresh_token is missing")
		return
	case g == nil:
		c.oauthError(http.StatusBadRequest, "invalid_grant", "the refresh token is unknown, used or revoked")
		return
	case c.switches.RotateRefreshTokens:
		delete(s.refreshed, token)
		token = s.text(32)
	}
	s.issue(c, g, token, object{})
}

// issue answers with a new access token for a grant, beside its refresh token and
// what else is told.
func (s *Server) issue(c *call, g *grant, refresh string, a object) {
	access, life := s.text(32), accountTokenLife
	if g.kind == serviceGrant {
		life = serviceAccountLife
	}
	s.access[access], s.refreshed[refresh] = accessToken{g, s.now().Add(life)}, g
	a["token_type"], a["access_token"], a["expires_in"], a["scope"] = "bearer", access, int(life/time.Second), g.scope
	if !c.switches.OmitRefreshToken {
		a["refresh_token"] = refresh
	}
	c.answer(http.StatusOK, a)
}

// revocation is POST /oauth/token/revoke, by token or by sub; token wins. An
// unknown one is answered 200, by RFC 7009 section 2.2.
func (s *Server) revocation(c *call) {
	token, sub := c.params.text("token"), c.params.text("sub")
	if token == "" && sub == "" {
		c.oauthError(http.StatusBadRequest, "invalid_request", "token or sub is missing")
		return
	}
	meant := func(t string, g *grant) bool { return t == token || token == "" && g.sub == sub }
	for t, a := range s.access {
		a.grant.revoked = a.grant.revoked || meant(t, a.grant)
	}
	for t, g := range s.refreshed {
		g.revoked = g.revoked || meant(t, g)
	}
}
