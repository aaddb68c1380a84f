package delegated

import (
	"context"
	"errors"
	"io"
	"strings"

	"confer/cronofy"
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
	Open  func() (io.ReadCloser, error) // the list, as ReadEmails takes it; nil: there is none
	Rooms bool                          // those that the service account sees, too
}

// Addresses gives the addresses of what is wanted, each once; those from people
// on are rooms. Its error is a *ListError, ErrNoRooms, or UseForAll's.
func Addresses(ctx context.Context, client Directory, token *ServiceToken, w Wanted) (all []string, people int, err error) {
	if w.Open != nil {
		if all, err = readList(w.Open); err != nil {
			return nil, 0, &ListError{err}
		}
	}
	people = len(all)
	if w.Rooms {
		var rooms []cronofy.Resource
		err = token.UseForAll(ctx, func(ctx context.Context, t cronofy.Secret) (err error) {
			rooms, err = client.Resources(ctx, t)
			return err
		})
		if err != nil {
			return nil, 0, err
		}
		all = AddRooms(all, rooms)
	}
	switch {
	case len(all) > 0:
		return all, people, nil
	case w.Open == nil:
		return nil, 0, ErrNoRooms
	}
	return nil, 0, &ListError{errNoAddresses}
}

func readList(open func() (io.ReadCloser, error)) ([]string, error) {
	f, err := open()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return ReadEmails(f)
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
