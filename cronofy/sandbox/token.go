package sandbox

import (
	"cmp"
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

func unauthorized(w http.ResponseWriter, reason string) {
	w.Header().Set("WWW-Authenticate", "Bearer")
	refuse(w, http.StatusUnauthorized, reason)
}

// createLinkToken is POST /v1/organizational_unit_authorization_link_tokens.
// Its statuses but 200 are a choice by the general error page.
// https://docs.cronofy.com/developers/conferencing-services/enterprise-conferencing/
func (s *Server) createLinkToken(c *call) {
	token, ok := bearer(c.r)
	switch {
	case !ok || !s.isSecret(token):
		unauthorized(c.w, "the bearer token is not the client secret")
	case c.switches.NoPlan:
		refuse(c.w, http.StatusPaymentRequired, "the plan lacks the feature")
	case s.limited(c), c.mediaTypeRefused():
	default:
		s.linkTokenFor(c)
	}
}

func (s *Server) linkTokenFor(c *call) {
	field, id := serviceAccountField(c.params, c.switches.LinkTokenField)
	switch {
	case c.err != nil:
		c.invalid(fieldErrors{"base": {{"errors.invalid", "not a JSON object"}}})
	case id == "":
		c.invalid(required(field))
	case id != serviceAccountID:
		c.invalid(fieldErrors{field: {{"errors.unrecognized", "unrecognized"}}})
	default:
		token := "oult_" + s.rand.text(32)
		now := s.opts.Now()
		s.state.newLinkToken(token, linkToken{serviceAccount: id, expires: now.Add(linkTokenLife)}, now)
		c.answer(http.StatusOK, map[string]any{
			"organizational_unit_authorization_link_token": map[string]string{"ou_link_token": token},
		})
	}
}

// serviceAccountField reads the field by the name that is switched on: the
// documentation contradicts itself about it.
func serviceAccountField(p params, name string) (field, id string) {
	switch name {
	case "either":
		if id, ok := p.text("service_account"); ok {
			return "service_account", id
		}
		name = "service_account_id"
	case "":
		name = "service_account_id"
	}
	id, _ = p.text(name)
	return name, id
}

// linkingProfile is the calendar connection in an account's token answer.
type linkingProfile struct {
	ProviderName    string `json:"provider_name"`
	ProviderService string `json:"provider_service"`
	ProfileID       string `json:"profile_id"`
	ProfileName     string `json:"profile_name"`
}

// tokenAnswer has the fields of all kinds of token answers.
// https://docs.cronofy.com/developers/api/authorization/request-token
type tokenAnswer struct {
	TokenType        string          `json:"token_type"`
	AccessToken      string          `json:"access_token"`
	ExpiresIn        int             `json:"expires_in"` // seconds
	RefreshToken     string          `json:"refresh_token,omitempty"`
	Scope            string          `json:"scope"`
	AccountID        string          `json:"account_id,omitempty"`
	ServiceAccountID string          `json:"service_account_id,omitempty"`
	Sub              string          `json:"sub,omitempty"`
	LinkingProfile   *linkingProfile `json:"linking_profile,omitempty"`
}

// token is POST /oauth/token. An Authorization header is ignored, as some SDKs
// send one.
func (s *Server) token(c *call) {
	if c.mediaTypeRefused() || s.clientRefused(c) || s.limited(c) {
		return
	}
	grantType, ok := c.params.text("grant_type")
	switch {
	case !ok:
		c.oauthError(http.StatusBadRequest, "invalid_request", "grant_type is missing")
	case grantType == "authorization_code":
		s.exchange(c)
	case grantType == "refresh_token":
		s.refresh(c)
	default:
		c.oauthError(http.StatusBadRequest, "unsupported_grant_type", "grant_type is neither authorization_code nor refresh_token")
	}
}

// clientRefused answers a malformed body and wrong credentials. That the status
// is 401 is a choice: an SDK's comments say so, another's tests have 400.
func (s *Server) clientRefused(c *call) bool {
	if c.err != nil {
		c.oauthError(http.StatusBadRequest, "invalid_request", "the body is malformed or has a parameter twice")
		return true
	}
	id, _ := c.params.text("client_id")
	secret, _ := c.params.text("client_secret")
	if id == s.opts.ClientID && s.isSecret(secret) {
		return false
	}
	c.oauthError(cmp.Or(c.switches.InvalidClientStatus, http.StatusUnauthorized), "invalid_client", "client_id or client_secret is wrong")
	return true
}

func (s *Server) exchange(c *call) {
	code, hasCode := c.params.text("code")
	uri, hasURI := c.params.text("redirect_uri")
	if !hasCode || !hasURI {
		c.oauthError(http.StatusBadRequest, "invalid_request", "code or redirect_uri is missing")
		return
	}
	g, reason := s.state.redeem(code, uri, s.opts.Now())
	if g == nil {
		c.oauthError(http.StatusBadRequest, "invalid_grant", reason)
		return
	}
	a := s.issue(c, g, s.rand.text(32))
	s.describe(&a, g)
	if c.switches.OmitSub {
		a.Sub, a.AccountID, a.ServiceAccountID = "", "", ""
	}
	s.answerToken(c, a)
}

// refresh answers without sub, account_id and linking_profile, as documented.
// https://docs.cronofy.com/developers/api/authorization/refresh-token
func (s *Server) refresh(c *call) {
	old, ok := c.params.text("refresh_token")
	if !ok {
		c.oauthError(http.StatusBadRequest, "invalid_request", "refresh_token is missing")
		return
	}
	rotate := c.switches.RotateRefreshTokens
	g, ok := s.state.byRefresh(old, rotate)
	if !ok {
		c.oauthError(http.StatusBadRequest, "invalid_grant", "the refresh token is unknown, used or revoked")
		return
	}
	next := ""
	if rotate {
		next = s.rand.text(32)
	}
	a := s.issue(c, g, next)
	if !rotate {
		a.RefreshToken = old
	}
	s.answerToken(c, a)
}

// issue makes an access token for a grant, and takes the refresh token if there is one.
func (s *Server) issue(c *call, g *grant, refresh string) tokenAnswer {
	access := s.rand.text(32)
	life := s.state.newTokens(access, refresh, g, s.opts.Now())
	return tokenAnswer{
		TokenType: "bearer", AccessToken: access, ExpiresIn: int(life / time.Second),
		RefreshToken: refresh, Scope: g.scope,
	}
}

func (s *Server) describe(a *tokenAnswer, g *grant) {
	a.Sub = g.sub
	switch g.kind {
	case accountGrant:
		a.AccountID = g.sub
		a.LinkingProfile = &linkingProfile{
			ProviderName: "google", ProviderService: "gsuite",
			ProfileID: s.profileID("calendar", g.account), ProfileName: s.org.person(g.account).email,
		}
	case serviceGrant:
		a.ServiceAccountID = g.sub
	case unitGrant:
	}
}

func (s *Server) answerToken(c *call, a tokenAnswer) {
	if c.switches.OmitRefreshToken {
		a.RefreshToken = ""
	}
	c.w.Header().Set("Pragma", "no-cache")
	c.answer(http.StatusOK, a)
}

// revoke is POST /oauth/token/revoke, by token or by sub; token wins. An
// unknown one is answered 200, by RFC 7009 section 2.2.
// https://docs.cronofy.com/developers/api/authorization/revoke
func (s *Server) revoke(c *call) {
	if c.mediaTypeRefused() || s.clientRefused(c) || s.limited(c) {
		return
	}
	token, byToken := c.params.text("token")
	sub, bySub := c.params.text("sub")
	switch {
	case byToken:
		s.state.revokeToken(token)
	case bySub:
		s.state.revokeSub(sub)
	default:
		c.oauthError(http.StatusBadRequest, "invalid_request", "token or sub is missing")
		return
	}
	c.w.Header().Set("Pragma", "no-cache")
	c.w.Header().Set("Content-Length", "0")
	c.w.WriteHeader(http.StatusOK)
}
