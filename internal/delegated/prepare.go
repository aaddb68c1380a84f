package delegated

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"confer/cronofy"
)

// Directory is what of *cronofy.Client is needed to find out what can be asked for.
type Directory interface {
	Resources(ctx context.Context, serviceAccountToken cronofy.Secret) ([]cronofy.Resource, error)
	UserInfo(ctx context.Context, accessToken cronofy.Secret) (cronofy.UserInfo, error)
}

// ErrNoServiceToken is wrapped around the error of a ServiceToken's renewal.
var ErrNoServiceToken = errors.New("no service account token")

// ErrNotServiceAccount: what was given as a service account's token is an account's.
var ErrNotServiceAccount = errors.New("the token is of an account, not of a service account")

// Rooms are those that the service account sees. Its error is UseForAll's.
func Rooms(ctx context.Context, client Directory, token *ServiceToken) (rooms []cronofy.Resource, err error) {
	err = token.UseForAll(ctx, func(ctx context.Context, t cronofy.Secret) (err error) {
		rooms, err = client.Resources(ctx, t)
		return err
	})
	return rooms, err
}

// Scope is what the service account may delegate: asking for less could narrow
// what the application already has. Where Cronofy does not say it, it is
// cronofy.DefaultDelegatedScope, and known is false. Its error is
// ErrNotServiceAccount, or UseForAll's.
func Scope(ctx context.Context, client Directory, token *ServiceToken) (scope string, known bool, err error) {
	var info cronofy.UserInfo
	err = token.UseForAll(ctx, func(ctx context.Context, t cronofy.Secret) (err error) {
		info, err = client.UserInfo(ctx, t)
		return err
	})
	switch {
	case err != nil:
		return "", false, err
	case info.DelegatedScope != "":
		return info.DelegatedScope, true, nil
	case info.Type == "account", info.Type == "" && strings.HasPrefix(info.Sub, "acc_"):
		return "", false, ErrNotServiceAccount
	}
	return cronofy.DefaultDelegatedScope, false, nil
}

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
// is a *CallError with Every, or wraps ErrNoServiceToken.
func (t *ServiceToken) UseForAll(ctx context.Context, do func(context.Context, cronofy.Secret) error) error {
	err := t.Use(ctx, do)
	if err == nil || errors.Is(err, ErrNoServiceToken) {
		return err
	}
	return &CallError{Every: true, Err: err}
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

// CallbackURL reads a public URL. Plain http to another machine would carry codes in
// the open. Its error says what is wrong with it and quotes nothing.
func CallbackURL(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	switch {
	case err != nil || cronofy.CleanText(raw, len(raw)+1) != raw:
		return nil, errors.New("not an address")
	case u.Scheme != "https" && u.Scheme != "http", u.Hostname() == "", u.Opaque != "":
		return nil, errors.New("must be like https://hooks.example.com/cronofy")
	case u.User != nil || u.Fragment != "" || u.RawFragment != "":
		return nil, errors.New("must have no user name and no part after #")
	case u.Scheme == "http" && !cronofy.LoopbackHost(u.Hostname()):
		return nil, errors.New("must begin with https://, because codes travel on it")
	}
	return u, nil
}
