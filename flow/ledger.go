package flow

import (
	"context"

	"confer/cronofy"
	"confer/internal/links"
	"confer/keystore"
)

// LedgerError says that the list could not take down where a secret goes, so
// that nothing was stored.
type LedgerError struct{ Err error }

func (e *LedgerError) Error() string { return "note where the secret is stored: " + e.Err.Error() }

// Unwrap gives the cause.
func (e *LedgerError) Unwrap() error { return e.Err }

// The secrets of the answers, wherever they are stored.
func clientSecretOf(a Answers) links.Stored {
	return links.StoredClientSecret("", a.Site.APIHost(), a.ClientID)
}

// refreshTokenOf is the link's token.
func refreshTokenOf(a Answers) links.Stored {
	return links.StoredToken(links.Link{APIHost: a.Site.APIHost(), ClientID: a.ClientID, ServiceAccount: a.ServiceAccount, Provider: string(a.Provider)})
}

// serviceTokenOf is the token of the calendar service account.
func serviceTokenOf(a Answers) links.Stored {
	return links.StoredAccountToken(links.ServiceAccount{APIHost: a.Site.APIHost(), ClientID: a.ClientID, ID: a.ServiceAccount})
}

// recordSecret enters a secret in the ledger, where its store outlives the run.
// It writes even when the entry is there: a list that cannot be written must be
// known before an administrator is troubled.
func (r *Runner) recordSecret(ctx context.Context, what links.Stored) error {
	if r.Links == nil || !links.Outlives(what.Store) {
		return nil
	}
	limited, cancel := context.WithTimeout(ctx, saveLimit)
	defer cancel()
	err := r.Links.Update(limited, func(c *links.Contents) error {
		c.Record(what, r.Now())
		return nil
	})
	if err == nil || ctx.Err() != nil {
		return ctx.Err()
	}
	return &LedgerError{err}
}

// copiesOf are the entries of a secret, and of its application's client secret,
// that lie in another store than the one that is used now.
func copiesOf(c links.Contents, what links.Stored) (old []links.Stored) {
	for _, s := range c.Leftover() {
		if s.SameSecret(what) || s.IsClientSecret() && s.SameApp(what) {
			old = append(old, s)
		}
	}
	return old
}

// sweep deletes copies that nothing needs any more: what took their place is
// stored and read back. What cannot be deleted stays in the ledger, and the
// first reason is the error. No store is unlocked for it.
func (r *Runner) sweep(ctx context.Context, old []links.Stored) error {
	var failed error
	var gone []links.Stored
	for _, s := range old {
		if err := r.discard(ctx, s); err == nil {
			gone = append(gone, s)
		} else if failed == nil {
			failed = err
		}
	}
	if len(gone) == 0 {
		return failed
	}
	// An entry of nothing is harmless, so a list that is busy is no failure.
	_ = r.Links.Update(ctx, func(c *links.Contents) error {
		for _, s := range gone {
			c.Strike(s)
		}
		return nil
	})
	return failed
}

func (r *Runner) discard(ctx context.Context, s links.Stored) error {
	kind := StoreKind(s.Store)
	ctx, cancel := context.WithTimeout(ctx, storeLimit)
	defer cancel()
	store, err := r.Stores.Open(kind, cronofy.Secret{})
	if err != nil {
		return err
	}
	return store.Delete(ctx, keystore.Key(s.KeyParts()...))
}
