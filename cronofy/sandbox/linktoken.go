package sandbox

import (
	"crypto/subtle"
	"net/http"
	"strings"
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

func (s *Server) isSecret(text string) bool {
	return subtle.ConstantTimeCompare([]byte(text), []byte(s.opts.ClientSecret.Reveal())) == 1
}

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
