package sandbox

import (
	"fmt"
	"time"

	"confer/cronofy"
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

type linkToken struct {
	expires  time.Time
	approval *approval // the one that it opened
}

// store is everything that calls change; the Server's lock guards it.
type store struct {
	serviceToken string // the service account's access token from the start
	access       map[string]accessToken
	refresh      map[string]*grant
	codes        map[string]*authCode
	linkTokens   map[string]*linkToken
	approvals    map[string]*approval
	units        []unit
	links        map[cronofy.Provider]time.Time
}

// unit is an Organizational Unit.
type unit struct{ sub, name string }

func newStore() store {
	return store{
		access:     map[string]accessToken{},
		refresh:    map[string]*grant{},
		codes:      map[string]*authCode{},
		linkTokens: map[string]*linkToken{},
		approvals:  map[string]*approval{},
		links:      map[cronofy.Provider]time.Time{},
		units:      []unit{{unitSub(0), "Example Organisation"}},
	}
}

func serviceAccountGrant(scope, delegated string) *grant {
	return &grant{kind: serviceGrant, sub: serviceAccountID, scope: scope, delegated: delegated}
}

// byAccess gives the grant of an access token that is known, unexpired and not revoked.
func (s *Server) byAccess(token string) (*grant, bool) {
	a, ok := s.state.access[token]
	if !ok || a.grant.revoked || !a.expires.IsZero() && !s.now().Before(a.expires) {
		return nil, false
	}
	return a.grant, true
}

// byRefresh gives the grant of a refresh token that is known and not revoked.
func (s *Server) byRefresh(token string) (*grant, bool) {
	g, ok := s.state.refresh[token]
	return g, ok && !g.revoked
}

func (s *Server) newLinkToken() string {
	token := "oult_" + s.text(32)
	s.state.linkTokens[token] = &linkToken{expires: s.now().Add(linkTokenLife)}
	return token
}

// newCode makes a code that gives a grant to who knows the redirect URI.
func (s *Server) newCode(g *grant, redirectURI string) string {
	code := s.text(32)
	s.state.codes[code] = &authCode{grant: g, redirectURI: redirectURI, expires: s.now().Add(codeLife)}
	return code
}

// redeem gives a code's grant once. A second use revokes what the first gave,
// as RFC 6749 section 4.1.2 asks. A wrong redirect URI does not use it up: a choice.
func (s *Server) redeem(code, redirectURI string) (*grant, string) {
	c := s.state.codes[code]
	switch {
	case c == nil:
		return nil, "the code is unknown"
	case c.used:
		c.grant.revoked = true
		return nil, "the code was used before; what it gave is revoked"
	case !s.now().Before(c.expires):
		return nil, "the code has expired"
	case c.redirectURI != redirectURI:
		return nil, "redirect_uri is not the one of the authorization"
	}
	c.used = true
	return c.grant, ""
}

// revoke ends the grants that have this access or refresh token, or this sub.
func (s *Server) revoke(token, sub string) {
	for t, a := range s.state.access {
		a.grant.revoked = a.grant.revoked || t == token || a.grant.sub == sub
	}
	for t, g := range s.state.refresh {
		g.revoked = g.revoked || t == token || g.sub == sub
	}
}

func (s *Server) link(p cronofy.Provider) {
	if _, linked := s.state.links[p]; !linked {
		s.state.links[p] = s.now()
	}
}

// unitSub is the n-th unit's sub. That it begins with org_ is a choice: the
// prefix is documented nowhere.
func unitSub(n int) string { return fmt.Sprintf("org_6710aa01c0ffee0%09d", 123459999+n) }
