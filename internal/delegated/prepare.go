package delegated

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"confer/cronofy"
	"confer/internal/profiles"
)

// Directory is what of *cronofy.Client is needed to find out what can be asked
// for.
type Directory interface {
	CheckApplication(ctx context.Context) error
	Resources(ctx context.Context, serviceAccountToken cronofy.Secret) ([]cronofy.Resource, error)
	UserInfo(ctx context.Context, accessToken cronofy.Secret) (cronofy.UserInfo, error)
}

// Wanted says whose calendars access is wanted to.
type Wanted struct {
	Open  func() (io.ReadCloser, error) // the list, as profiles.ReadEmails takes it; nil: there is none
	Rooms bool                          // those that the service account sees, too
}

// Addresses gives the addresses of what is wanted, each once; those without a line
// are rooms. Its error is a *ListError, ErrNoRooms, or UseForAll's.
func Addresses(ctx context.Context, client Directory, token *ServiceToken, w Wanted) (list profiles.Addresses, err error) {
	if w.Open != nil {
		if list, err = readList(w.Open); err != nil && !(w.Rooms && errors.Is(err, profiles.ErrNoAddresses)) {
			return list, &ListError{err}
		}
	}
	if w.Rooms {
		err = token.UseForAll(ctx, func(ctx context.Context, t cronofy.Secret) error {
			rooms, err := client.Resources(ctx, t)
			list.All = profiles.AddRooms(list.All, rooms)
			return err
		})
		if err == nil && len(list.All) == 0 {
			err = ErrNoRooms
		}
	}
	return list, err
}

func readList(open func() (io.ReadCloser, error)) (profiles.Addresses, error) {
	f, err := open()
	if err != nil {
		return profiles.Addresses{}, err
	}
	defer f.Close()
	return profiles.ReadEmails(f)
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

// CheckApplication finds a wrong client id or secret before anything is asked
// for: what calendars give could not be exchanged with it. That it could not be
// checked is no error.
func CheckApplication(ctx context.Context, client Directory) error {
	err := client.CheckApplication(ctx)
	if errors.Is(err, cronofy.ErrNotChecked) {
		return nil
	}
	return err
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

// callbackBase checks a public URL. Plain http to another machine would carry
// codes in the open.
func callbackBase(raw string) (*url.URL, error) {
	bad := func(reason string) error { return fmt.Errorf("%w: %s", ErrCallbackURL, reason) }
	u, err := url.Parse(raw)
	switch {
	case err != nil || cronofy.CleanText(raw, len(raw)+1) != raw:
		return nil, bad("not an address")
	case u.Scheme != "https" && u.Scheme != "http", u.Hostname() == "", u.Opaque != "":
		return nil, bad("must be like https://hooks.example.com/cronofy")
	case u.User != nil || u.Fragment != "" || u.RawFragment != "":
		return nil, bad("must have no user name and no part after #")
	case u.Scheme == "http" && !cronofy.LoopbackHost(u.Hostname()):
		return nil, bad("must begin with https://, because codes travel on it")
	}
	return u, nil
}

// CheckCallbackURL says what is wrong with a public URL: nil, or an error that
// wraps ErrCallbackURL and quotes nothing.
func CheckCallbackURL(raw string) error {
	_, err := callbackBase(raw)
	return err
}
