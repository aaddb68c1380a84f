package delegated

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"

	"confer/cronofy"
)

// ServiceToken holds a service account's access token, in memory only. It may be
// used by several goroutines at once.
type ServiceToken struct {
	renew func(ctx context.Context, refused cronofy.Secret) (cronofy.Secret, error)

	mu      sync.Mutex
	current cronofy.Secret
}

// NewServiceToken begins with current, which may be empty. renew gives another
// token; refused is the one that Cronofy has just answered 401, or empty. What it
// gives is refused again where there is no other. It is called by one goroutine at
// a time.
func NewServiceToken(current cronofy.Secret, renew func(ctx context.Context, refused cronofy.Secret) (cronofy.Secret, error)) *ServiceToken {
	return &ServiceToken{renew: renew, current: current}
}

// Use makes a call with the token, and once more with another if it was refused
// (401). Its error is do's, or wraps ErrNoServiceToken.
func (t *ServiceToken) Use(ctx context.Context, do func(context.Context, cronofy.Secret) error) error {
	token, err := t.Get(ctx, cronofy.Secret{})
	if err != nil {
		return err
	}
	err = do(ctx, token)
	if cronofy.StatusOf(err) != http.StatusUnauthorized {
		return err
	}
	fresh, renewErr := t.Get(ctx, token)
	switch {
	case renewErr != nil:
		return errors.Join(renewErr, err)
	case fresh.Equal(token):
		return err
	}
	return do(ctx, fresh)
}

// UseForAll is Use for a call without which no account can be asked for. Its error
// is a *RequestError with Every, or wraps ErrNoServiceToken.
func (t *ServiceToken) UseForAll(ctx context.Context, do func(context.Context, cronofy.Secret) error) error {
	err := t.Use(ctx, do)
	if err == nil || errors.Is(err, ErrNoServiceToken) {
		return err
	}
	return &RequestError{Every: true, Err: err}
}

// Get gives a token that is not refused, which may be empty. Its error wraps
// ErrNoServiceToken.
func (t *ServiceToken) Get(ctx context.Context, refused cronofy.Secret) (cronofy.Secret, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.current.Empty() && !t.current.Equal(refused) {
		return t.current, nil
	}
	fresh, err := t.renew(ctx, refused)
	if err != nil {
		return cronofy.Secret{}, fmt.Errorf("%w: %w", ErrNoServiceToken, err)
	}
	if !fresh.Empty() {
		t.current = fresh
	}
	return t.current, nil
}
