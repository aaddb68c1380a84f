package profiles

import (
	"errors"
	"iter"

	"confer/cronofy"
)

// ErrOnlyRefreshToken is the error of an account without an access token.
// Refreshing may rotate the refresh token and so break the application that
// owns it; that is never done on the way.
var ErrOnlyRefreshToken = errors.New("the account has a refresh token only")

// RenewError is a token that could not be had from Options.Renew.
type RenewError struct{ Err error }

func (e *RenewError) Error() string { return "renew access token: " + e.Err.Error() }

// Unwrap gives the cause.
func (e *RenewError) Unwrap() error { return e.Err }

// Account is one line of the list: whose profiles are asked for, with what.
type Account struct {
	Email, Sub   string // as the list has them, cleaned; either may be empty
	AccessToken  cronofy.Secret
	RefreshToken cronofy.Secret
	Row          int // line in the list where the account begins, from 1
}

// Accounts streams a list that is in memory already.
func Accounts(list []Account) iter.Seq2[Account, error] {
	return func(yield func(Account, error) bool) {
		for _, a := range list {
			if !yield(a, nil) {
				return
			}
		}
	}
}

// OneToken streams the single account that a pasted access token belongs to.
func OneToken(s cronofy.Secret) iter.Seq2[Account, error] {
	return Accounts([]Account{{AccessToken: s, Row: 1}})
}
