package sandbox

import (
	"fmt"
	"maps"
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
	seedSpent        bool // the account's own refresh token was rotated away
}

type accessToken struct {
	grant   *grant
	expires time.Time
}

type authCode struct {
	grant       *grant
	redirectURI string
	expires     time.Time
	used        bool
}

type linkToken struct {
	expires  time.Time
	approval string // the one that opened it
}

// store is everything that calls change; the Server's lock guards it.
type store struct {
	serviceToken string // the service account's own access token
	access       map[string]accessToken
	refresh      map[string]*grant
	codes        map[string]*authCode
	linkTokens   map[string]*linkToken
	approvals    map[string]*approval
	proven       map[string]time.Time // until when a browser is known as the calendar administrator's
	accounts     map[int]*grant       // only those that differ from how they began
	service      *grant               // that of the service account's own token
	units        []unit
	links        map[cronofy.Provider]time.Time
	seedExpired  bool
	pruneAt      int
}

// unit is an Organizational Unit.
type unit struct{ sub, name string }

func newStore(r *random) store {
	return store{
		serviceToken: r.derive("service", 0, 32),
		access:       map[string]accessToken{},
		refresh:      map[string]*grant{},
		codes:        map[string]*authCode{},
		linkTokens:   map[string]*linkToken{},
		approvals:    map[string]*approval{},
		proven:       map[string]time.Time{},
		accounts:     map[int]*grant{},
		links:        map[cronofy.Provider]time.Time{},
		units:        []unit{{unitSub(0), "Example Organisation"}},
		service:      serviceAccountGrant(serviceAccountScope, serviceDelegatedScope),
	}
}

func serviceAccountGrant(scope, delegated string) *grant {
	return &grant{kind: serviceGrant, sub: serviceAccountID, scope: scope, delegated: delegated}
}

// account gives an account's grant, a fresh one if nothing ever changed it.
func (st *store) account(i int, keep bool) *grant {
	g := st.accounts[i]
	if g == nil {
		g = &grant{kind: accountGrant, account: i, sub: accountSub(i), scope: accountScope}
		if keep {
			st.accounts[i] = g
		}
	}
	return g
}

// byAccess gives the grant of an access token that is known, unexpired and not revoked.
func (s *Server) byAccess(token string) (*grant, bool) {
	st := &s.state
	i, ours := s.org.owner("access", token)
	service := same(token, st.serviceToken)
	var g *grant
	switch a, ok := st.access[token]; {
	case (ours || service) && st.seedExpired:
	case ours:
		g = st.account(i, false)
	case service:
		g = st.service
	case ok && s.now().Before(a.expires):
		g = a.grant
	}
	return g, g != nil && !g.revoked
}

// newTokens stores a grant's access token, and its refresh token unless it is empty.
func (s *Server) newTokens(access, refresh string, g *grant) time.Duration {
	life := accountTokenLife
	if g.kind == serviceGrant {
		life = serviceAccountLife
	}
	s.state.access[access] = accessToken{g, s.now().Add(life)}
	if refresh != "" {
		s.state.refresh[refresh] = g
	}
	s.state.prune(s.now())
	return life
}

// byRefresh gives the grant of a refresh token; spend uses the token up.
func (s *Server) byRefresh(token string, spend bool) (*grant, bool) {
	i, ours := s.org.owner("refresh", token)
	g := s.state.refresh[token]
	if ours {
		g = s.state.account(i, spend)
	}
	if g == nil || g.revoked || ours && g.seedSpent {
		return nil, false
	}
	if spend {
		delete(s.state.refresh, token)
		g.seedSpent = g.seedSpent || ours
	}
	return g, true
}

func (s *Server) newLinkToken() string {
	token := "oult_" + s.rand.text(32)
	s.state.linkTokens[token] = &linkToken{expires: s.now().Add(linkTokenLife)}
	s.state.prune(s.now())
	return token
}

// newCode makes a code that gives a grant to who knows the redirect URI.
func (s *Server) newCode(g *grant, redirectURI string) string {
	code := s.rand.text(32)
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

// revokeToken ends the grant of an access or refresh token, if there is one.
func (s *Server) revokeToken(token string) {
	st := &s.state
	i, ours := s.org.owner("access", token)
	if !ours {
		i, ours = s.org.owner("refresh", token)
	}
	switch {
	case ours:
		st.account(i, true).revoked = true
	case token == st.serviceToken:
		st.service.revoked = true
	case st.access[token].grant != nil:
		st.access[token].grant.revoked = true
	case st.refresh[token] != nil:
		st.refresh[token].revoked = true
	}
}

// revokeSub ends every grant of an account, service account or unit.
func (s *Server) revokeSub(sub string) {
	st := &s.state
	for i := range s.org.count {
		if accountSub(i) == sub {
			st.account(i, true).revoked = true
			break
		}
	}
	if st.service.sub == sub {
		st.service.revoked = true
	}
	for _, a := range st.access {
		a.grant.revoked = a.grant.revoked || a.grant.sub == sub
	}
	for _, g := range st.refresh {
		g.revoked = g.revoked || g.sub == sub
	}
}

func (st *store) expireAccess() {
	st.seedExpired = true
	clear(st.access)
}

func (s *Server) link(p cronofy.Provider) {
	if _, linked := s.state.links[p]; !linked {
		s.state.links[p] = s.now()
	}
}

// prune forgets what has expired once there is much.
func (st *store) prune(now time.Time) {
	size := func() int {
		return len(st.access) + len(st.codes) + len(st.linkTokens) + len(st.approvals) + len(st.proven)
	}
	const much = 1024
	if size() < max(much, st.pruneAt) {
		return
	}
	over := func(end time.Time) bool { return !now.Before(end) }
	maps.DeleteFunc(st.access, func(_ string, a accessToken) bool { return over(a.expires) })
	maps.DeleteFunc(st.codes, func(_ string, c *authCode) bool { return over(c.expires) })
	maps.DeleteFunc(st.linkTokens, func(_ string, l *linkToken) bool { return over(l.expires) })
	maps.DeleteFunc(st.approvals, func(_ string, a *approval) bool { return over(a.expires) })
	maps.DeleteFunc(st.proven, func(_ string, until time.Time) bool { return over(until) })
	st.pruneAt = 2 * size()
}

// unitSub is the n-th unit's sub. That it begins with org_ is a choice: the
// prefix is documented nowhere.
func unitSub(n int) string { return fmt.Sprintf("org_6710aa01c0ffee0%09d", 123459999+n) }
