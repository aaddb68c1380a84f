package manage

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"confer/internal/links"
	"confer/keystore"
)

// plan is what goes with a link.
type plan struct {
	link     links.Link
	accounts []links.ServiceAccount // authorized here and used by no other link
	secrets  []links.Stored         // in use until now; refresh tokens first
	copies   []links.Stored         // left elsewhere by an earlier set-up
	neededBy string                 // what still needs the link's client secret
}

func planFor(c links.Contents, l links.Link) plan {
	p := plan{link: l}
	rest := c
	rest.Links = slices.DeleteFunc(slices.Clone(c.Links), l.Same)
	shared := slices.ContainsFunc(rest.Links, func(o links.Link) bool {
		return o.APIHost == l.APIHost && o.ClientID == l.ClientID && o.ServiceAccount == l.ServiceAccount
	})
	rest.ServiceAccounts = nil
	for _, a := range c.ServiceAccounts {
		if !shared && links.StoredAccountToken(a).SameSecret(accountToken(l)) {
			p.accounts = append(p.accounts, a)
		} else {
			rest.ServiceAccounts = append(rest.ServiceAccounts, a)
		}
	}
	if c.Draft != nil && ofLink(*c.Draft, l) {
		rest.Draft = nil
	}
	for _, s := range rest.Leftover() {
		switch {
		case !s.SameSecret(links.StoredToken(l)) && !s.SameSecret(accountToken(l)) && !ofApp(s, l):
		case c.Needed(s) != "":
			p.secrets = append(p.secrets, s)
		default:
			p.copies = append(p.copies, s)
		}
	}
	// The client secret alone can still be put right by typing it.
	slices.SortStableFunc(p.secrets, func(a, b links.Stored) int { return last(a) - last(b) })
	p.neededBy = rest.Needed(links.StoredClientSecret(l.Store, l.APIHost, l.ClientID))
	return p
}

func last(s links.Stored) int {
	if s.IsClientSecret() {
		return 1
	}
	return 0
}

// accountToken is the token of a link's service account, wherever it is.
func accountToken(l links.Link) links.Stored {
	return links.StoredAccountToken(links.ServiceAccount{APIHost: l.APIHost, ClientID: l.ClientID, ID: l.ServiceAccount})
}

// ofApp tells whether it is the client secret of a link's application.
func ofApp(s links.Stored, l links.Link) bool {
	return s.IsClientSecret() && s.SameApp(links.StoredToken(l))
}

// ofLink tells whether unfinished answers are about the customer of a link.
func ofLink(d links.Draft, l links.Link) bool {
	return d.ServiceAccount == l.ServiceAccount && d.ClientSecret().SameApp(links.StoredToken(l))
}

// eraser deletes secrets and counts them.
type eraser struct {
	*Manager
	held string // name of the refresh token whose lock is held already
	done *Forgotten
}

// deletePlanned deletes what goes with a link, whose lock is held. What it used
// has to go, and its failure is the error; copies elsewhere may stay.
func (m *Manager) deletePlanned(ctx context.Context, p plan, done *Forgotten) (gone []links.Stored, err error) {
	e := eraser{m, tokenKey(p.link), done}
	for _, s := range p.secrets {
		if err := e.erase(ctx, s); err != nil {
			return nil, err
		}
		gone = append(gone, s)
	}
	copies, left := e.all(ctx, p.copies)
	done.Left, done.NeededBy = left, p.neededBy
	done.Memory = p.link.Store == storeSession && done.RefreshTokens == 0 && !done.ClientSecret && left == nil
	return append(gone, copies...), nil
}

// all deletes what it can, and gives what is gone, with why something is not. A
// store that failed once is not asked again: each time could be another dialog,
// question or time-out.
func (e eraser) all(ctx context.Context, all []links.Stored) (gone []links.Stored, failed error) {
	shut := map[string]bool{}
	for _, s := range all {
		if shut[s.Store] {
			continue
		}
		if err := e.erase(ctx, s); err != nil {
			shut[s.Store] = true
			failed = errors.Join(failed, err)
			continue
		}
		gone = append(gone, s)
	}
	return gone, failed
}

// erase deletes one secret, and counts it if there was one. Nobody refreshes a
// token meanwhile, who would store it again.
func (e eraser) erase(ctx context.Context, s links.Stored) error {
	key := keystore.Key(s.KeyParts()...)
	if !s.IsClientSecret() && key != e.held {
		unlock, err := e.lockToken(ctx, key)
		if err != nil {
			return err
		}
		defer unlock()
	}
	store, err := e.open(s.Store)
	if err != nil {
		return err
	}
	_, err = store.Get(ctx, key)
	none := errors.Is(err, keystore.ErrNotFound)
	if err != nil && !none {
		return err
	}
	if err := store.Delete(ctx, key); err != nil {
		return err
	}
	switch {
	case none:
	case s.IsClientSecret():
		e.done.ClientSecret = true
	default:
		e.done.RefreshTokens++
	}
	return nil
}

// ForgetRest forgets what no link has: service accounts that were authorized
// here, unfinished answers, the secrets of both, and what is left over. Secrets
// that a link needs stay. Its error is a *StepError.
func (m *Manager) ForgetRest(ctx context.Context) (Forgotten, error) { return m.forget(ctx, true) }

// ForgetLeftover deletes the secrets that nothing here needs any more, and
// nothing else. Its error is a *StepError.
func (m *Manager) ForgetLeftover(ctx context.Context) (Forgotten, error) {
	return m.forget(ctx, false)
}

// forget deletes what nothing needs, or nothing but a link.
func (m *Manager) forget(ctx context.Context, besides bool) (Forgotten, error) {
	var done Forgotten
	c, err := m.Links.Load(ctx)
	if err != nil {
		return done, &StepError{StepList, err}
	}
	rest := c
	if besides {
		rest.ServiceAccounts, rest.Draft = nil, nil
	}
	gone, failed := eraser{m, "", &done}.all(ctx, rest.Leftover())
	err = m.Links.Update(ctx, func(now *links.Contents) error {
		if besides && failed == nil {
			for _, a := range c.ServiceAccounts {
				now.RemoveServiceAccount(a)
			}
			now.Draft = nil
		}
		for _, s := range gone {
			now.Strike(s)
		}
		return nil
	})
	switch {
	case failed != nil:
		return done, &StepError{StepSecrets, failed}
	case err != nil:
		return done, &StepError{StepList, fmt.Errorf("forget the rest: %w", err)}
	}
	return done, nil
}
