package manage

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"confer/flow/links"
	"confer/keystore"
)

// Step is what Forget was doing.
type Step string

// The steps, in order. What follows one that failed is not done.
const (
	StepWait    Step = "wait"    // for another process that works on the link
	StepRevoke  Step = "revoke"  // confer's own token, at Cronofy
	StepSecrets Step = "secrets" // deleted from their store
	StepList    Step = "list"    // taken out of the file of links
)

// StepError is a step that failed, so that the link is still listed.
type StepError struct {
	Step Step
	Err  error
}

func (e *StepError) Error() string { return string(e.Step) + ": " + e.Err.Error() }

// Unwrap gives the reason.
func (e *StepError) Unwrap() error { return e.Err }

// Forgotten tells what Forget did.
type Forgotten struct {
	Revoked       bool // confer's own token was revoked
	NoToken       bool // there was none of its own to revoke
	ClientSecret  bool // deleted, because nothing else here needs it
	RefreshTokens int  // deleted: the link's, and those of its service account
	Memory        bool // they were in memory only, so there was nothing to delete
}

// Forget takes a link out of what this machine knows: it revokes confer's own
// token at Cronofy if revoke says so, by the token and never by its sub; deletes
// the secrets that nothing else here needs; and then takes the link, its service
// account and its unfinished answers off the list. The token of a service account
// is deleted and never revoked. Its error is a *StepError.
func (m *Manager) Forget(ctx context.Context, l links.Link, revoke bool) (Forgotten, error) {
	var done Forgotten
	unlock, err := m.lock(ctx, l)
	if err != nil {
		return done, &StepError{StepWait, err}
	}
	defer unlock()
	if revoke {
		if err := m.revoke(ctx, l, &done); err != nil {
			return done, &StepError{StepRevoke, err}
		}
	}
	c, err := m.Links.Load(ctx)
	if err != nil {
		return done, &StepError{StepList, err}
	}
	p := planFor(c, l)
	if err := m.delete(ctx, p, &done); err != nil {
		return done, &StepError{StepSecrets, err}
	}
	err = m.Links.Update(ctx, func(c *links.Contents) error {
		c.RemoveLink(l)
		for _, a := range p.accounts {
			c.RemoveServiceAccount(a)
		}
		if c.Draft != nil && p.draft {
			c.Draft = nil
		}
		return nil
	})
	if err != nil {
		return done, &StepError{StepList, err}
	}
	return done, nil
}

// revoke says that there is no token only where there never was one. One that is
// not found, or was in memory, is still good at Cronofy.
func (m *Manager) revoke(ctx context.Context, l links.Link, done *Forgotten) error {
	_, token, err := m.held(ctx, l)
	if errors.Is(err, ErrNoToken) {
		done.NoToken = true
		return nil
	}
	if err != nil {
		return err
	}
	client, err := m.client(ctx, l)
	if err != nil {
		return err
	}
	if err := client.Revoke(ctx, token); err != nil {
		return err
	}
	done.Revoked = true
	return nil
}

// plan is what goes with a link.
type plan struct {
	link         links.Link
	accounts     []links.ServiceAccount // authorized here and used by no other link
	clientSecret bool                   // nothing that stays needs it
	draft        bool                   // the unfinished answers are of this link
}

func planFor(c links.Contents, l links.Link) plan {
	p := plan{link: l, clientSecret: true}
	others := slices.DeleteFunc(slices.Clone(c.Links), l.Same)
	shared := slices.ContainsFunc(others, func(o links.Link) bool {
		return sameApp(o.APIHost, o.ClientID, l) && o.ServiceAccount == l.ServiceAccount
	})
	for _, a := range c.ServiceAccounts {
		if sameApp(a.APIHost, a.ClientID, l) && a.ID == l.ServiceAccount && !shared {
			p.accounts = append(p.accounts, a)
		} else if sameApp(a.APIHost, a.ClientID, l) && a.Store == l.Store {
			p.clientSecret = false
		}
	}
	for _, o := range others {
		if sameApp(o.APIHost, o.ClientID, l) && o.Store == l.Store {
			p.clientSecret = false
		}
	}
	if d := c.Draft; d != nil && sameApp(draftHost(*d), d.ClientID, l) {
		p.draft = d.ServiceAccount == l.ServiceAccount || p.clientSecret
	}
	return p
}

func sameApp(apiHost, clientID string, l links.Link) bool {
	return apiHost == l.APIHost && clientID == l.ClientID
}

func draftHost(d links.Draft) string {
	site, err := siteOf(d.DataCenter, d.APIURL, d.AppURL)
	if err != nil {
		return ""
	}
	return site.APIHost()
}

// delete deletes the refresh tokens first: the client secret alone can still be
// put right by typing it.
func (m *Manager) delete(ctx context.Context, p plan, done *Forgotten) error {
	if p.link.Store == storeSession {
		done.Memory = true
	}
	n := 0 // also where the list knows of none: an earlier link may have left one
	if err := m.erase(ctx, p.link.Store, tokenKey(p.link), &n); err != nil {
		return err
	}
	if p.link.RefreshToken {
		done.RefreshTokens += n
	}
	for _, a := range p.accounts {
		if err := m.erase(ctx, a.Store, keystore.Key(links.ServiceAccountKeyParts(a)...), &done.RefreshTokens); err != nil {
			return err
		}
	}
	if !p.clientSecret {
		return nil
	}
	n = 0
	err := m.erase(ctx, p.link.Store, secretKey(p.link.APIHost, p.link.ClientID), &n)
	done.ClientSecret = n > 0
	return err
}

// erase deletes one secret and counts it. What was in memory is gone already.
func (m *Manager) erase(ctx context.Context, kind, key string, n *int) error {
	store, err := m.open(kind)
	if errors.Is(err, ErrGone) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := store.Delete(ctx, key); err != nil {
		return err
	}
	*n++
	return nil
}

// ForgetRest forgets what no link has: service accounts that were authorized
// here, unfinished answers, and the secrets of both. Secrets that a link needs
// stay. Its error is a *StepError.
func (m *Manager) ForgetRest(ctx context.Context) (Forgotten, error) {
	var done Forgotten
	c, err := m.Links.Load(ctx)
	if err != nil {
		return done, &StepError{StepList, err}
	}
	for _, s := range leftovers(c) {
		n := 0
		if err := m.erase(ctx, s.store, s.key, &n); err != nil {
			return done, &StepError{StepSecrets, err}
		}
		if s.token {
			done.RefreshTokens += n
		}
		done.ClientSecret = done.ClientSecret || n > 0 && !s.token
	}
	err = m.Links.Update(ctx, func(now *links.Contents) error {
		for _, a := range c.ServiceAccounts {
			now.RemoveServiceAccount(a)
		}
		now.Draft = nil
		return nil
	})
	if err != nil {
		return done, &StepError{StepList, fmt.Errorf("forget the rest: %w", err)}
	}
	return done, nil
}

// leftover is a secret that no link needs.
type leftover struct {
	store, key string
	token      bool
}

func leftovers(c links.Contents) (out []leftover) {
	needed := map[leftover]bool{}
	for _, l := range c.Links {
		needed[leftover{store: l.Store, key: secretKey(l.APIHost, l.ClientID)}] = true
		needed[leftover{l.Store, tokenKey(l), true}] = true
	}
	add := func(l leftover) {
		if l.store != "" && !needed[l] {
			needed[l] = true
			out = append(out, l)
		}
	}
	for _, a := range c.ServiceAccounts {
		add(leftover{a.Store, keystore.Key(links.ServiceAccountKeyParts(a)...), true})
		add(leftover{store: a.Store, key: secretKey(a.APIHost, a.ClientID)})
	}
	if d := c.Draft; d != nil {
		host := draftHost(*d)
		if host != "" && d.ClientID != "" {
			add(leftover{store: d.Store, key: secretKey(host, d.ClientID)})
		}
	}
	return out
}
