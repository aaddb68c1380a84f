package links

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"confer/keystore"
)

// Step is what Forget was doing.
type Step string

// The steps, in order. What follows one that failed is not done, so that the link is
// still listed.
const (
	StepWait    Step = "wait"    // for another process that works on the link
	StepRevoke  Step = "revoke"  // confer's own token, at Cronofy
	StepSecrets Step = "secrets" // deleted from their store
	StepList    Step = "list"    // taken out of the file of links
)

// Forgotten tells what Forget did.
type Forgotten struct {
	Failed        Step  // the one that the error is of; empty: none
	Revoked       bool  // confer's own token was revoked
	ClientSecret  bool  // deleted, because nothing else here needs it
	SecretStays   bool  // something else here needs the client secret
	RefreshTokens int   // deleted: the link's, and those of its service account
	Memory        bool  // they were in memory only, so there was nothing to delete
	Left          error // why copies of its tokens in another store could not be deleted; nil: there are none
	LeftSecret    error // the same of its application's client secret, which may be of another set-up

	Damaged      []string // as in Overview; of DeleteUnneeded
	UnlistedFile string   // likewise
}

// Forget takes a link out of what this machine knows: it revokes confer's own
// token at Cronofy if revoke says so, by the token and never by its sub; deletes
// the secrets that nothing else here needs, in whichever store they are listed;
// and then takes the link, its service account and its unfinished answers off the
// list. The token of a service account is never revoked.
func (m *Manager) Forget(ctx context.Context, l Link, revoke bool) (done Forgotten, err error) {
	done.Failed = StepWait
	unlock, err := m.lock(ctx, l.Token())
	if err != nil {
		return done, err
	}
	defer unlock()
	if done.Failed = StepRevoke; revoke {
		if done.Revoked, err = m.revoke(ctx, l); err != nil {
			return done, err
		}
	}
	done.Failed = StepSecrets
	c, err := m.Links.Load(ctx) // it names them
	if err != nil {
		return done, err
	}
	after := c.without(l)
	var kept error // why a secret that the link alone needs is not deleted
	failed := func(s StoredSecret, err error) {
		switch {
		case c.Needs(s):
			kept = cmp.Or(kept, err)
		case s.IsClientSecret():
			done.LeftSecret = err
		default:
			done.Left = err
		}
	}
	err = m.delete(ctx, after.unneededOf(l.Token()), l.Token(), &done, failed, func(now *Contents) {
		if kept == nil {
			*now = now.without(l)
		}
	})
	if kept != nil {
		return done, kept
	}
	if done.Failed = StepList; err != nil {
		return done, err
	}
	done.Failed = ""
	done.SecretStays = after.Needs(l.ClientSecret())
	done.Memory = l.Store == keystore.Session && done.RefreshTokens == 0 && !done.ClientSecret && done.Left == nil
	return done, nil
}

// revoke says that there is no token only where there never was one. One that is
// not found, or was in memory, is still good at Cronofy.
func (m *Manager) revoke(ctx context.Context, l Link) (revoked bool, err error) {
	_, token, client, err := m.access(ctx, l)
	if errors.Is(err, ErrNoToken) {
		return false, nil
	}
	if err == nil {
		err = client.Revoke(ctx, token)
	}
	return err == nil, err
}

// without is what stays when a link goes: it takes with it the unfinished answers
// about the same organisation, and its service account if no other link uses that.
func (c Contents) without(l Link) Contents {
	c.Links = slices.DeleteFunc(slices.Clone(c.Links), l.Same)
	sameAccount := func(o Link) bool {
		o.Provider = l.Provider
		return o.Same(l)
	}
	if !slices.ContainsFunc(c.Links, sameAccount) {
		c.ServiceAccounts = slices.DeleteFunc(slices.Clone(c.ServiceAccounts), func(a ServiceAccount) bool { return sameAccount(a.Link()) })
	}
	if d := c.Draft; d != nil && d.ServiceAccount == l.ServiceAccount && d.ClientSecret().SameApp(l.Token()) {
		c.Draft = nil
	}
	return c
}

// unneededOf gives what nothing listed needs of a token, its service account's token
// and its application's client secret, in all stores. The client secret comes last: it
// can still be typed again.
func (c Contents) unneededOf(token StoredSecret) []StoredSecret {
	account := token
	account.Provider = AccountToken
	all := slices.DeleteFunc(c.UnneededSecrets(), func(s StoredSecret) bool {
		return !s.SameSecret(token) && !s.SameSecret(account) && !(s.IsClientSecret() && s.SameApp(token))
	})
	slices.SortStableFunc(all, func(s, o StoredSecret) int { return cmp.Compare(o.ServiceAccount, s.ServiceAccount) })
	return all
}

// delete deletes secrets, counts those that were there, and tells failed of each that
// is not deleted. Then it changes the list, and takes off it what was deleted. A store
// that failed once is not asked again: each time could be another dialog, question or
// time-out. The lock of held is the caller's.
func (m *Manager) delete(ctx context.Context, all []StoredSecret, held StoredSecret, done *Forgotten,
	failed func(StoredSecret, error), change func(*Contents)) error {
	broken := map[keystore.Kind]error{}
	var deleted []StoredSecret
	for _, s := range all {
		there := false
		if broken[s.Store] == nil {
			there, broken[s.Store] = m.deleteOne(ctx, s, held)
		}
		switch err := broken[s.Store]; {
		case err != nil:
			failed(s, err)
			continue
		case there && s.IsClientSecret():
			done.ClientSecret = true
		case there:
			done.RefreshTokens++
		}
		deleted = append(deleted, s)
	}
	return m.Links.Update(ctx, func(now *Contents) {
		change(now)
		for _, s := range deleted {
			now.RemoveSecret(s)
		}
	})
}

// deleteOne deletes a secret while nobody refreshes the token, who would store it
// again, and tells whether there was one.
func (m *Manager) deleteOne(ctx context.Context, s, held StoredSecret) (there bool, err error) {
	if !s.IsClientSecret() && !s.SameSecret(held) {
		unlock, err := m.lock(ctx, s)
		if err != nil {
			return false, err
		}
		defer unlock()
	}
	store, err := m.open(s.Store)
	if err != nil {
		return false, err
	}
	if there, err = keystore.Has(ctx, store, s.Key()); err == nil {
		err = store.Delete(ctx, s.Key())
	}
	return there, err
}

// DeleteUnneeded deletes the secrets that nothing here needs any more. With all it
// first forgets what no link has: service accounts that were authorized here,
// unfinished answers, and attempts that may still be approved.
func (m *Manager) DeleteUnneeded(ctx context.Context, all bool) (done Forgotten, err error) {
	done.Failed = StepSecrets
	c, err := m.Links.Load(ctx)
	if err != nil {
		return done, err
	}
	done.Damaged, done.UnlistedFile = c.Damaged, m.unlistedFile(c)
	var failed error
	forget := func(c *Contents) {
		if all && failed == nil {
			c.ServiceAccounts, c.Draft, c.Pending = nil, nil, nil
		}
	}
	forget(&c)
	err = m.delete(ctx, c.UnneededSecrets(), StoredSecret{}, &done, func(_ StoredSecret, err error) { failed = cmp.Or(failed, err) }, forget)
	if failed != nil {
		return done, failed
	}
	if done.Failed = StepList; err != nil {
		return done, err
	}
	done.Failed = ""
	return done, nil
}

// DeleteCopies deletes what lies of a token, and of its application's client secret,
// in another store than the one that is used now. What cannot be deleted stays listed,
// and the first reason is the error, but for a client secret: that may be of another
// set-up, and Status tells.
func (m *Manager) DeleteCopies(ctx context.Context, token StoredSecret) (failed error) {
	c, err := m.Links.Load(ctx)
	if err != nil {
		return nil // a list that cannot be used names nothing to delete
	}
	_ = m.delete(ctx, c.unneededOf(token), StoredSecret{}, &Forgotten{}, func(s StoredSecret, err error) {
		if !s.IsClientSecret() {
			failed = cmp.Or(failed, err)
		}
	}, func(*Contents) {})
	return failed
}
