package manage

import (
	"context"
	"errors"

	"confer/internal/links"
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
	Revoked       bool   // confer's own token was revoked
	NoToken       bool   // there was none of its own to revoke
	ClientSecret  bool   // deleted, because nothing else here needs it
	NeededBy      string // what still needs the client secret (links.ByLink, ...); empty: nothing
	RefreshTokens int    // deleted: the link's, and those of its service account
	Memory        bool   // they were in memory only, so there was nothing to delete
	Left          error  // why copies in another store could not be deleted; nil: there are none
}

// Forget takes a link out of what this machine knows: it revokes confer's own
// token at Cronofy if revoke says so, by the token and never by its sub; deletes
// the secrets that nothing else here needs, in whichever store the ledger has
// them; and then takes the link, its service account and its unfinished answers
// off the list. The token of a service account is deleted and never revoked. A
// copy that an earlier set-up left in another store and that cannot be deleted
// stays in the ledger. Its error is a *StepError.
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
	gone, err := m.deletePlanned(ctx, p, &done)
	if err != nil {
		return done, &StepError{StepSecrets, err}
	}
	err = m.Links.Update(ctx, func(c *links.Contents) error {
		c.RemoveLink(l)
		for _, a := range p.accounts {
			c.RemoveServiceAccount(a)
		}
		if c.Draft != nil && ofLink(*c.Draft, l) {
			c.Draft = nil
		}
		for _, s := range gone {
			c.Strike(s)
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
