package sandbox

import (
	"cmp"
	"maps"
	"net/http"
	"strings"
	"time"
)

// bearer gives the token of exactly one Authorization header.
func bearer(r *http.Request) (string, bool) {
	all := r.Header.Values("Authorization")
	if len(all) != 1 {
		return "", false
	}
	scheme, token, _ := strings.Cut(all[0], " ")
	return token, strings.EqualFold(scheme, "Bearer") && token != ""
}

func (s *Server) isSecret(text string) bool { return same(text, s.opts.ClientSecret.Reveal()) }

func (c *call) unauthorized(reason string) {
	c.w.Header().Set("WWW-Authenticate", "Bearer")
	c.refuse(http.StatusUnauthorized, reason)
}

// createLinkToken is POST /v1/organizational_unit_authorization_link_tokens.
// Its statuses but 200 are a choice by the general error page.
// https://docs.cronofy.com/developers/conferencing-services/enterprise-conferencing/
func (s *Server) createLinkToken(c *call) {
	token, ok := bearer(c.r)
	field := cmp.Or(c.switches.LinkTokenField, "service_account_id") // the documentation contradicts itself about it
	id := c.params.text(field)
	switch {
	case !ok || !s.isSecret(token):
		c.unauthorized("the bearer token is not the client secret")
	case c.switches.NoPlan:
		c.refuse(http.StatusPaymentRequired, "the plan lacks the feature")
	case s.limited(c):
	case c.bad:
		c.invalid(invalid("base", "neither a JSON object nor a form, by the Content-Type"))
	case id == "":
		c.invalid(required(field))
	case id != serviceAccountID:
		c.invalid(&fieldError{field, "errors.unrecognized", "unrecognized"})
	default:
		c.answer(http.StatusOK, object{"organizational_unit_authorization_link_token": object{"ou_link_token": s.newLinkToken()}})
	}
}

// token is POST /oauth/token. An Authorization header is ignored, as some SDKs
// send one.
func (s *Server) token(c *call) {
	if s.clientRefused(c) {
		return
	}
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

// clientRefused answers a malformed body, wrong credentials and too many calls. That
// the status is 401 is a choice: an SDK's comments say so, another's tests have 400.
func (s *Server) clientRefused(c *call) bool {
	switch {
	case c.bad:
		c.oauthError(http.StatusBadRequest, "invalid_request", "the body is neither a JSON object nor a form, by the Content-Type, or has a parameter twice")
	case c.params.text("client_id") != s.opts.ClientID || !s.isSecret(c.params.text("client_secret")):
		c.oauthError(cmp.Or(c.switches.InvalidClientStatus, http.StatusUnauthorized), "invalid_client", "client_id or client_secret is wrong")
	default:
		return s.limited(c)
	}
	return true
}

func (s *Server) exchange(c *call) {
	code, uri := c.params.text("code"), c.params.text("redirect_uri")
	if code == "" || uri == "" {
		c.oauthError(http.StatusBadRequest, "invalid_request", "code or redirect_uri is missing")
		return
	}
	g, reason := s.redeem(code, uri)
	if g == nil {
		c.oauthError(http.StatusBadRequest, "invalid_grant", reason)
		return
	}
	a := s.issue(g, s.text(32))
	a["sub"] = g.sub
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
	if c.switches.OmitSub {
		maps.DeleteFunc(a, func(name string, _ any) bool { return name == "sub" || strings.HasSuffix(name, "account_id") })
	}
	c.answerToken(a)
}

// refresh answers without sub, account_id and linking_profile, as documented.
// https://docs.cronofy.com/developers/api/authorization/refresh-token
func (s *Server) refresh(c *call) {
	token := c.params.text("refresh_token")
	g, ok := s.byRefresh(token)
	switch {
	case token == "":
		c.oauthError(http.StatusBadRequest, "invalid_request", "refresh_token is missing")
		return
	case !ok:
		c.oauthError(http.StatusBadRequest, "invalid_grant", "the refresh token is unknown, used or revoked")
		return
	case c.switches.RotateRefreshTokens:
		delete(s.state.refresh, token)
		token = s.text(32)
	}
	c.answerToken(s.issue(g, token))
}

// issue makes an access token for a grant, beside its refresh token.
// https://docs.cronofy.com/developers/api/authorization/request-token
func (s *Server) issue(g *grant, refresh string) object {
	access, life := s.text(32), accountTokenLife
	if g.kind == serviceGrant {
		life = serviceAccountLife
	}
	s.state.access[access], s.state.refresh[refresh] = accessToken{g, s.now().Add(life)}, g
	return object{
		"token_type": "bearer", "access_token": access, "expires_in": int(life / time.Second),
		"refresh_token": refresh, "scope": g.scope,
	}
}

func (c *call) answerToken(a object) {
	if c.switches.OmitRefreshToken {
		delete(a, "refresh_token")
	}
	c.w.Header().Set("Pragma", "no-cache")
	c.answer(http.StatusOK, a)
}

// revocation is POST /oauth/token/revoke, by token or by sub; token wins. An
// unknown one is answered 200, by RFC 7009 section 2.2.
// https://docs.cronofy.com/developers/api/authorization/revoke
func (s *Server) revocation(c *call) {
	if s.clientRefused(c) {
		return
	}
	switch token, sub := c.params.text("token"), c.params.text("sub"); {
	case token != "":
		s.revoke(token, "")
	case sub != "":
		s.revoke("", sub)
	default:
		c.oauthError(http.StatusBadRequest, "invalid_request", "token or sub is missing")
		return
	}
	c.w.Header().Set("Pragma", "no-cache")
}
