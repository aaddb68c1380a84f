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

// Error is one line.
func (e *StepError) Error() string { return string(e.Step) + ": " + e.Err.Error() }

// Unwrap gives the reason.
func (e *StepError) Unwrap() error { return e.Err }

// Forgotten tells what Forget did.
type Forgotten struct {
	Revoked       bool  // confer's own token was revoked
	ClientSecret  bool  // deleted, because nothing else here needs it
	SecretStays   bool  // something else here needs the client secret
	RefreshTokens int   // deleted: the link's, and those of its service account
	Memory        bool  // they were in memory only, so there was nothing to delete
	Left          error // why copies of its tokens in another store could not be deleted; nil: there are none
	LeftSecret    error // the same of its application's client secret, which may be of another set-up

	// What cannot be known of secrets that may be left; see Overview. Of
	// DeleteUnneeded.
	Damaged      []string
	UnlistedFile string
}

// Forget takes a link out of what this machine knows: it revokes confer's own
// token at Cronofy if revoke says so, by the token and never by its sub; deletes
// the secrets that nothing else here needs, in whichever store they are listed;
// and then takes the link, its service account and its unfinished answers off the
// list. The token of a service account is deleted and never revoked. A copy that
// an earlier set-up left in another store and that cannot be deleted stays listed.
// Its error is a *StepError.
func (m *Manager) Forget(ctx context.Context, l Link, revoke bool) (Forgotten, error) {
	var done Forgotten
	unlock, err := m.lock(ctx, StoredToken(l))
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
		return done, &StepError{StepSecrets, err} // it names them
	}
	d := deleter{Manager: m, locked: StoredToken(l), done: &done, failed: map[keystore.Kind]error{}}
	for _, s := range c.secretsOf(l) {
		err := d.delete(ctx, s)
		switch {
		case err == nil:
		case c.Needs(s):
			return done, &StepError{StepSecrets, err}
		case s.IsClientSecret():
			done.LeftSecret = err
		default:
			done.Left = err
		}
	}
	done.SecretStays = c.without(l).Needs(StoredClientSecret(l.Store, l.APIHost, l.ClientID))
	done.Memory = l.Store == keystore.Session && done.RefreshTokens == 0 && !done.ClientSecret && done.Left == nil
	return done, d.update(ctx, func(now *Contents) { *now = now.without(l) })
}

// revoke says that there is no token only where there never was one. One that is
// not found, or was in memory, is still good at Cronofy.
func (m *Manager) revoke(ctx context.Context, l Link, done *Forgotten) error {
	_, token, err := m.refreshToken(ctx, l)
	if errors.Is(err, ErrNoToken) {
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

// without is what stays when a link goes: it takes with it the unfinished answers
// about the same organisation, and its service account if no other link uses that.
func (c Contents) without(l Link) Contents {
	c.Links = slices.DeleteFunc(slices.Clone(c.Links), l.Same)
	account := ServiceAccount{APIHost: l.APIHost, ClientID: l.ClientID, ID: l.ServiceAccount}
	shared := slices.ContainsFunc(c.Links, func(o Link) bool {
		return account.Same(ServiceAccount{APIHost: o.APIHost, ClientID: o.ClientID, ID: o.ServiceAccount})
	})
	if !shared {
		c.ServiceAccounts = slices.DeleteFunc(slices.Clone(c.ServiceAccounts), account.Same)
	}
	if d := c.Draft; d != nil && d.ServiceAccount == l.ServiceAccount && d.ClientSecret().SameApp(StoredToken(l)) {
		c.Draft = nil
	}
	return c
}

// secretsOf gives what a link alone needs, and then the copies of it that earlier
// set-ups left in other stores; refresh tokens first: a client secret can still be
// typed again.
func (c Contents) secretsOf(l Link) []StoredSecret {
	token := StoredToken(l)
	account := token
	account.Provider = AccountToken
	all := slices.DeleteFunc(c.without(l).UnneededSecrets(), func(s StoredSecret) bool {
		return !s.SameSecret(token) && !s.SameSecret(account) && !(s.IsClientSecret() && s.SameApp(token))
	})
	rank := func(s StoredSecret) (n int) {
		if !c.Needs(s) {
			n = 2
		}
		if s.IsClientSecret() {
			n++
		}
		return n
	}
	slices.SortStableFunc(all, func(s, o StoredSecret) int { return rank(s) - rank(o) })
	return all
}

// deleter deletes secrets and counts them.
type deleter struct {
	*Manager
	locked  StoredSecret // whose lock is held already
	done    *Forgotten
	failed  map[keystore.Kind]error // by store
	deleted []StoredSecret
}

// delete deletes one secret, and counts it if there was one. A store that failed once
// is not asked again: each time could be another dialog, question or time-out.
func (d *deleter) delete(ctx context.Context, s StoredSecret) error {
	if d.failed[s.Store] == nil {
		d.failed[s.Store] = d.try(ctx, s)
	}
	if d.failed[s.Store] == nil {
		d.deleted = append(d.deleted, s)
	}
	return d.failed[s.Store]
}

// update changes the list, and takes off it what was deleted.
func (d *deleter) update(ctx context.Context, change func(*Contents)) error {
	err := d.Links.Update(ctx, func(now *Contents) error {
		change(now)
		for _, s := range d.deleted {
			now.RemoveSecret(s)
		}
		return nil
	})
	if err != nil {
		return &StepError{StepList, err}
	}
	return nil
}

// try deletes while nobody refreshes the token, who would store it again.
func (d *deleter) try(ctx context.Context, s StoredSecret) error {
	if !s.IsClientSecret() && !s.SameSecret(d.locked) {
		unlock, err := d.lock(ctx, s)
		if err != nil {
			return err
		}
		defer unlock()
	}
	store, err := d.open(s.Store)
	if err != nil {
		return err
	}
	has, err := keystore.Has(ctx, store, s.Key())
	if err == nil {
		err = store.Delete(ctx, s.Key())
	}
	switch {
	case err != nil || !has:
	case s.IsClientSecret():
		d.done.ClientSecret = true
	default:
		d.done.RefreshTokens++
	}
	return err
}

// DeleteUnneeded deletes the secrets that nothing here needs any more. With all it
// first forgets what no link has: service accounts that were authorized here,
// unfinished answers, and attempts that may still be approved. Its error is a *StepError.
func (m *Manager) DeleteUnneeded(ctx context.Context, all bool) (Forgotten, error) {
	var done Forgotten
	c, err := m.Links.Load(ctx)
	if err != nil {
		return done, &StepError{StepSecrets, err} // it names them
	}
	done.Damaged, done.UnlistedFile = c.Damaged, m.unlistedFile(c)
	forget := func(c *Contents) {
		if all {
			c.ServiceAccounts, c.Draft, c.Pending = nil, nil, nil
		}
	}
	forget(&c)
	d := deleter{Manager: m, done: &done, failed: map[keystore.Kind]error{}}
	var failed error
	for _, s := range c.UnneededSecrets() {
		failed = cmp.Or(failed, d.delete(ctx, s))
	}
	if failed == nil {
		return done, d.update(ctx, forget)
	}
	_ = d.update(ctx, func(*Contents) {}) // an entry of nothing is harmless
	return done, &StepError{StepSecrets, failed}
}
