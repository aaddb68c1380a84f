package delegated

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"confer/cronofy"
)

// ErrNoServiceToken is wrapped around the error of a ServiceToken's renewal.
var ErrNoServiceToken = errors.New("no service account token")

// ErrNotServiceAccount: what was given as a service account's token is an account's.
var ErrNotServiceAccount = errors.New("the token is of an account, not of a service account")

// Rooms are those that the service account sees. Its error is forAll's.
func Rooms(ctx context.Context, client Client, token *ServiceToken) ([]cronofy.Resource, error) {
	return forAll(ctx, token, client.Resources)
}

// Scope is what the service account may delegate: asking for less could narrow
// what the application already has. Where Cronofy does not say it, it is
// cronofy.DefaultDelegatedScope, which is guessed. Its error is
// ErrNotServiceAccount, or forAll's.
func Scope(ctx context.Context, client Client, token *ServiceToken) (scope string, guessed bool, err error) {
	info, err := forAll(ctx, token, client.UserInfo)
	switch {
	case err != nil:
		return "", false, err
	case info.DelegatedScope != "":
		return info.DelegatedScope, false, nil
	case info.Type == "account", info.Type == "" && strings.HasPrefix(info.Sub, "acc_"):
		return "", false, ErrNotServiceAccount
	}
	return cronofy.DefaultDelegatedScope, true, nil
}

// forAll makes a call without which no account can be asked for. Its error is a
// *CallError with Every, or wraps ErrNoServiceToken.
func forAll[T any](ctx context.Context, token *ServiceToken, call func(context.Context, cronofy.Secret) (T, error)) (got T, err error) {
	err = token.use(ctx, func(ctx context.Context, t cronofy.Secret) (err error) {
		got, err = call(ctx, t)
		return err
	})
	if err != nil && !errors.Is(err, ErrNoServiceToken) {
		err = &CallError{Every: true, Err: err}
	}
	return got, err
}

// ServiceToken holds a service account's access token, in memory only. It is used by one
// goroutine at a time.
type ServiceToken struct {
	current cronofy.Secret
	renew   func(context.Context) (cronofy.Secret, error)
}

// NewServiceToken begins with current. renew gives another token in the place of one
// that was refused; nil: there is no other.
func NewServiceToken(current cronofy.Secret, renew func(context.Context) (cronofy.Secret, error)) *ServiceToken {
	return &ServiceToken{current, renew}
}

// use makes a call with the token, and once more with another if it was refused
// (401). Its error is do's, or wraps ErrNoServiceToken.
func (t *ServiceToken) use(ctx context.Context, do func(context.Context, cronofy.Secret) error) error {
	err := do(ctx, t.current)
	if t.renew == nil || cronofy.StatusOf(err) != http.StatusUnauthorized {
		return err
	}
	fresh, renewErr := t.renew(ctx)
	switch {
	case renewErr != nil:
		return errors.Join(fmt.Errorf("%w: %w", ErrNoServiceToken, renewErr), err)
	case fresh.Equal(t.current):
		return err
	}
	t.current = fresh
	return do(ctx, fresh)
}

// CallbackURL reads a public URL. Its error says what it must be like, and quotes
// nothing.
func CallbackURL(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	switch {
	case err != nil || cronofy.CleanText(raw, len(raw)+1) != raw, u.Scheme != "https" && u.Scheme != "http", u.Hostname() == "", u.Opaque != "",
		u.User != nil || u.Fragment != "" || u.RawFragment != "":
		return nil, errors.New("must be an https:// address without a user name and without #")
	case u.Scheme == "http" && !cronofy.LoopbackHost(u.Hostname()):
		return nil, errors.New("must begin with https://, because codes travel on it")
	}
	return u, nil
}
