package sandbox

import (
	"fmt"
	"maps"
	"sync"
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

	// Guarded by the store:
	revoked   bool
	seedSpent bool // the account's own refresh token was rotated away
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
	serviceAccount string
	expires        time.Time
	approval       string // the one that opened it
}

// store is everything that calls change.
type store struct {
	org          *organisation
	serviceToken string // the service account's own access token

	mu          sync.Mutex
	access      map[string]accessToken
	refresh     map[string]*grant
	codes       map[string]*authCode
	linkTokens  map[string]*linkToken
	approvals   map[string]*approval
	provenIn    map[string]bool // browsers in which somebody has shown to be the calendar's administrator
	accounts    map[int]*grant  // only those that differ from how they began
	service     *grant          // that of the service account's own token
	units       []unit
	links       map[cronofy.Provider]time.Time
	seedExpired bool
	pruneAt     int
}

// unit is an Organizational Unit.
type unit struct{ sub, name string }

func newStore(o *organisation) *store {
	return &store{
		org:          o,
		serviceToken: o.rand.derive("service", 0, 32),
		access:       map[string]accessToken{},
		refresh:      map[string]*grant{},
		codes:        map[string]*authCode{},
		linkTokens:   map[string]*linkToken{},
		approvals:    map[string]*approval{},
		provenIn:     map[string]bool{},
		accounts:     map[int]*grant{},
		links:        map[cronofy.Provider]time.Time{},
		units:        []unit{{unitSub(0), "Example Organisation"}},
		service:      serviceAccountGrant(serviceAccountScope, serviceDelegatedScope),
		pruneAt:      1024,
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
func (st *store) byAccess(token string, now time.Time) (*grant, bool) {
	i, ours := st.org.owner("access", token)
	st.mu.Lock()
	defer st.mu.Unlock()
	g := st.lookup(token, now, i, ours)
	return g, g != nil && !g.revoked
}

func (st *store) lookup(token string, now time.Time, i int, ours bool) *grant {
	service := same(token, st.serviceToken)
	switch {
	case (ours || service) && st.seedExpired:
		return nil
	case ours:
		return st.account(i, false)
	case service:
		return st.service
	}
	if a, ok := st.access[token]; ok && now.Before(a.expires) {
		return a.grant
	}
	return nil
}

// newTokens stores a grant's access token, and its refresh token unless it is empty.
func (st *store) newTokens(access, refresh string, g *grant, now time.Time) time.Duration {
	life := accountTokenLife
	if g.kind == serviceGrant {
		life = serviceAccountLife
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	st.access[access] = accessToken{g, now.Add(life)}
	if refresh != "" {
		st.refresh[refresh] = g
	}
	st.prune(now)
	return life
}

// byRefresh gives the grant of a refresh token; spend uses the token up.
func (st *store) byRefresh(token string, spend bool) (*grant, bool) {
	i, ours := st.org.owner("refresh", token)
	st.mu.Lock()
	defer st.mu.Unlock()
	g := st.refresh[token]
	if ours {
		g = st.account(i, spend)
	}
	if g == nil || g.revoked || ours && g.seedSpent {
		return nil, false
	}
	if spend {
		delete(st.refresh, token)
		g.seedSpent = g.seedSpent || ours
	}
	return g, true
}

func (st *store) newCode(code string, c authCode) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.codes[code] = &c
}

// redeem gives a code's grant once. A second use revokes what the first gave,
// as RFC 6749 section 4.1.2 asks. A wrong redirect URI does not use it up: a choice.
func (st *store) redeem(code, redirectURI string, now time.Time) (*grant, string) {
	st.mu.Lock()
	defer st.mu.Unlock()
	c := st.codes[code]
	switch {
	case c == nil:
		return nil, "the code is unknown"
	case c.used:
		c.grant.revoked = true
		return nil, "the code was used before; what it gave is revoked"
	case !now.Before(c.expires):
		return nil, "the code has expired"
	case c.redirectURI != redirectURI:
		return nil, "redirect_uri is not the one of the authorization"
	}
	c.used = true
	return c.grant, ""
}

// revokeToken ends the grant of an access or refresh token, if there is one.
func (st *store) revokeToken(token string) {
	i, ours := st.org.owner("access", token)
	if !ours {
		i, ours = st.org.owner("refresh", token)
	}
	st.mu.Lock()
	defer st.mu.Unlock()
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
func (st *store) revokeSub(sub string) {
	st.mu.Lock()
	defer st.mu.Unlock()
	for i := range st.org.count {
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
	st.mu.Lock()
	defer st.mu.Unlock()
	st.seedExpired = true
	clear(st.access)
}

func (st *store) link(p cronofy.Provider, now time.Time) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if _, linked := st.links[p]; !linked {
		st.links[p] = now
	}
}

func (st *store) unlink() {
	st.mu.Lock()
	defer st.mu.Unlock()
	clear(st.links)
}

func (st *store) newLinkToken(token string, l linkToken, now time.Time) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.linkTokens[token] = &l
	st.prune(now)
}

// prune forgets what has expired once there is much; called with the lock held.
func (st *store) prune(now time.Time) {
	if len(st.access)+len(st.codes)+len(st.linkTokens)+len(st.approvals) < st.pruneAt {
		return
	}
	maps.DeleteFunc(st.access, func(_ string, a accessToken) bool { return !now.Before(a.expires) })
	maps.DeleteFunc(st.codes, func(_ string, c *authCode) bool { return !now.Before(c.expires) })
	maps.DeleteFunc(st.linkTokens, func(_ string, l *linkToken) bool { return !now.Before(l.expires) })
	maps.DeleteFunc(st.approvals, func(_ string, a *approval) bool { return !now.Before(a.expires) })
	st.pruneAt = max(1024, 2*(len(st.access)+len(st.codes)+len(st.linkTokens)+len(st.approvals)))
}

// unitSub is the n-th unit's sub. That it begins with org_ is a choice: the
// prefix is documented nowhere.
func unitSub(n int) string { return fmt.Sprintf("org_6710aa01c0ffee0%09d", 123459999+n) }

// unitsNow lists the units there are.
func (st *store) unitsNow() []unit {
	st.mu.Lock()
	defer st.mu.Unlock()
	return append([]unit(nil), st.units...)
}

// newUnit makes one more.
func (st *store) newUnit(name string) unit {
	st.mu.Lock()
	defer st.mu.Unlock()
	u := unit{unitSub(len(st.units)), name}
	st.units = append(st.units, u)
	return u
}
