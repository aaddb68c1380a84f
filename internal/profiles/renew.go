package profiles

import (
	"context"
	"errors"
	"iter"
	"sync"
	"time"

	"confer/cronofy"
)

// Refresher is what of *cronofy.Client is needed to renew tokens.
type Refresher interface {
	Refresh(ctx context.Context, refreshToken cronofy.Secret) (cronofy.Token, error)
}

// Renewer gets new access tokens with accounts' refresh tokens. What comes back
// is in the file before it is used: a refresh may rotate the refresh token, and
// then the old one, which the operator's application has, works no more.
// https://docs.cronofy.com/developers/faqs/access-token-expiry/
type Renewer struct {
	client Refresher
	tokens *TokenFile
	slots  chan struct{}

	mu   sync.Mutex
	busy map[tokenHash]chan struct{} // refresh tokens under way, closed when done
}

// NewRenewer makes at most so many calls at once.
func NewRenewer(client Refresher, tokens *TokenFile, workers int) *Renewer {
	return &Renewer{client: client, tokens: tokens, slots: make(chan struct{}, max(1, workers)), busy: map[tokenHash]chan struct{}{}}
}

// Renew is for Options.Renew. It refreshes an account's token once, whatever
// number of lines of the list have it; before that it tries the access token
// that an earlier run left in the file.
func (r *Renewer) Renew(ctx context.Context, a Account, refused cronofy.Secret) (cronofy.Secret, error) {
	if a.RefreshToken.Empty() {
		return cronofy.Secret{}, nil
	}
	h := hashToken(a.RefreshToken.Reveal())
	release, err := r.enter(ctx, h)
	if err != nil {
		return cronofy.Secret{}, err
	}
	defer release()
	last, ours, known := r.tokens.newest(a.RefreshToken)
	switch {
	case !known:
		last = a
	case !last.AccessToken.Empty() && !last.AccessToken.Equal(refused):
		return last.AccessToken, nil
	case ours: // just made, and refused already
		return cronofy.Secret{}, nil
	}
	return r.refresh(ctx, a, last.RefreshToken)
}

func (r *Renewer) refresh(ctx context.Context, a Account, old cronofy.Secret) (cronofy.Secret, error) {
	select {
	case r.slots <- struct{}{}:
		defer func() { <-r.slots }()
	case <-ctx.Done():
		return cronofy.Secret{}, ctx.Err()
	}
	if err := r.tokens.Broken(); err != nil {
		return cronofy.Secret{}, err // a token that cannot be kept must not be made
	}
	ctx, stop := graceful(ctx)
	defer stop()
	t, err := r.client.Refresh(ctx, old)
	if err != nil {
		return cronofy.Secret{}, err
	}
	fresh := Account{Email: a.Email, Sub: a.Sub, AccessToken: t.AccessToken, RefreshToken: t.RefreshToken}
	if fresh.RefreshToken.Empty() {
		fresh.RefreshToken = old // it stays valid
	}
	if err := r.tokens.Append(fresh, old); err != nil {
		return cronofy.Secret{}, err
	}
	return t.AccessToken, nil
}

// grace is what a refresh under way is left to finish when ctx ends: its answer
// may hold the only token that works.
const grace = 5 * time.Second

// graceful gives a context that ends a moment after ctx.
func graceful(ctx context.Context) (context.Context, func()) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var mu sync.Mutex
	var timer *time.Timer
	unwatch := context.AfterFunc(ctx, func() {
		mu.Lock()
		defer mu.Unlock()
		timer = time.AfterFunc(grace, cancel)
	})
	return longer, func() {
		unwatch()
		cancel()
		mu.Lock()
		defer mu.Unlock()
		if timer != nil {
			timer.Stop()
		}
	}
}

// enter waits until nobody else renews with this refresh token.
func (r *Renewer) enter(ctx context.Context, h tokenHash) (release func(), err error) {
	for {
		r.mu.Lock()
		other := r.busy[h]
		if other == nil {
			mine := make(chan struct{})
			r.busy[h] = mine
			r.mu.Unlock()
			return func() {
				r.mu.Lock()
				delete(r.busy, h)
				r.mu.Unlock()
				close(mine)
			}, nil
		}
		r.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Newest puts the newest refresh tokens that the file knows in the place of
// those of a list, so that a list from before a rotation still works, and so
// does the file itself as a list.
func (t *TokenFile) Newest(accounts iter.Seq2[Account, error]) iter.Seq2[Account, error] {
	return func(yield func(Account, error) bool) {
		for a, err := range accounts {
			if err == nil {
				if last, _, known := t.newest(a.RefreshToken); known {
					a.RefreshToken = last.RefreshToken
				}
			}
			if !yield(a, err) {
				return
			}
		}
	}
}

// StopsRenewing tells whether an error of Renew would come for every other
// account as well: the client is refused, or tokens cannot be written.
func StopsRenewing(err error) bool {
	var renew *RenewError
	if !errors.As(err, &renew) {
		return false
	}
	code := cronofy.CodeOf(err)
	return errors.Is(err, ErrTokensLost) || cronofy.StatusOf(err) == 401 || code == "invalid_client" || code == "unauthorized_client"
}
