package manage

import (
	"context"
	"errors"
	"fmt"
	"time"

	"confer/cronofy"
	"confer/internal/links"
	"confer/keystore"
)

// unbroken bounds a refresh, and storeLimit the storing of what it gave, which are
// not broken off when the caller's context ends: a rotated token would be lost.
// Stores have shorter limits of their own, but for what another process does.
const (
	unbroken   = 60 * time.Second
	storeLimit = 10 * time.Minute
)

// storeTries: a token that Cronofy has just rotated is worth more than one try.
const storeTries = 3

// Tokens is what a refresh gave.
type Tokens struct {
	Access    cronofy.Secret
	Refresh   cronofy.Secret // the one that counts now
	Type      string         // "bearer"
	Scope     string         // space-separated
	ExpiresAt time.Time      // UTC, of Access; zero: not known
	Rotated   bool           // Refresh is another than before
	Replaced  bool           // another program stored a newer token meanwhile, which was left there
}

// Check refreshes the token of a link, which tests confer's own token and not the
// link: what a rotated token replaces is stored and read back before Check
// returns. Its errors are those of this package, of cronofy and of keystore.
func (m *Manager) Check(ctx context.Context, l links.Link) (Tokens, error) {
	unlock, err := m.lock(ctx, l)
	if err != nil {
		return Tokens{}, err
	}
	defer unlock()
	return m.refresh(ctx, l)
}

// refresh is called with the lock held. A *NotKeptError comes with the tokens.
func (m *Manager) refresh(ctx context.Context, l links.Link) (Tokens, error) {
	store, old, err := m.held(ctx, l)
	if err != nil {
		return Tokens{}, err
	}
	client, err := m.client(ctx, l)
	if err != nil {
		return Tokens{}, err
	}
	if err := m.record(ctx, l); err != nil {
		return Tokens{}, err
	}
	// A store may be readable and not writable (a read-only folder, a full disk).
	// That must be known before the token may be spent.
	if _, err := keystore.TestWrite(ctx, store); err != nil {
		return Tokens{}, err
	}
	if err := ctx.Err(); err != nil {
		return Tokens{}, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), unbroken)
	defer cancel()
	storing, cancel := context.WithTimeout(keystore.Patient(context.WithoutCancel(ctx)), storeLimit)
	defer cancel()
	token, err := client.Refresh(ctx, old)
	if err != nil {
		return Tokens{}, err
	}
	t := Tokens{Access: token.AccessToken, Refresh: old, Type: token.TokenType, Scope: token.Scope}
	if token.ExpiresIn > 0 {
		t.ExpiresAt = m.now().Add(token.ExpiresIn).UTC().Truncate(time.Second)
	}
	if token.RefreshToken.Empty() || token.RefreshToken.Equal(old) {
		return t, nil
	}
	t.Refresh, t.Rotated = token.RefreshToken, true
	t.Replaced, err = rotation{store, tokenKey(l), old, t.Refresh}.keep(storing)
	return t, err
}

// record enters the token in the ledger, where nothing that is listed tells it:
// a token that is stored anew must be found again.
func (m *Manager) record(ctx context.Context, l links.Link) error {
	if m.Links == nil || !links.Outlives(l.Store) {
		return nil
	}
	return m.Links.Update(ctx, func(c *links.Contents) error {
		if s := links.StoredToken(l); !c.Recorded(s) {
			c.Record(s, m.now())
		}
		return nil
	})
}

// rotation is a new token that has to take the place of the old one.
type rotation struct {
	store      keystore.Store
	key        string
	old, fresh cronofy.Secret
}

// keep stores the new token, unless another than the old one is there: that is of
// a newer authorization. Set has read back when it returns nil.
func (r rotation) keep(ctx context.Context) (replaced bool, err error) {
	for range storeTries {
		now, getErr := r.store.Get(ctx, r.key)
		if getErr == nil && now == r.fresh.Reveal() {
			return false, nil
		}
		if getErr == nil && now != r.old.Reveal() {
			return true, nil
		}
		if errors.Is(getErr, keystore.ErrNotFound) {
			return false, &NotKeptError{fmt.Errorf("forgotten meanwhile: %w", getErr)}
		}
		if err = r.store.Set(ctx, r.key, r.fresh.Reveal()); err == nil {
			return false, nil
		}
	}
	return false, &NotKeptError{err}
}
