package delegated

import (
	"errors"
	"fmt"
	"strings"
)

// Errors of single accounts and of the set-up.
var (
	// ErrTimeout: no webhook came in time.
	ErrTimeout = errors.New("no answer came to the callback URL in time")
	// ErrClosed: the Receiver was closed before the account was answered.
	ErrClosed = errors.New("delegated access was ended")
	// ErrNoServiceToken is wrapped around the error of a ServiceToken's renewal.
	ErrNoServiceToken = errors.New("no service account token")
	// ErrCallbackURL is wrapped by what is wrong with Config.CallbackURL.
	ErrCallbackURL = errors.New("callback URL")
	// ErrNoRooms: rooms alone were wanted, and the service account sees none.
	ErrNoRooms = errors.New("the service account sees no rooms")
	// ErrNotServiceAccount: what was given as a service account's token is an
	// account's.
	ErrNotServiceAccount = errors.New("the token is of an account, not of a service account")
)

// ListError is a list of addresses that could not be read, or that holds none.
type ListError struct{ Err error }

func (e *ListError) Error() string { return "read e-mail addresses: " + e.Err.Error() }

// Unwrap gives the cause.
func (e *ListError) Unwrap() error { return e.Err }

// DeniedError is a webhook that brought an error in place of a code. Its texts
// are cleaned; which values Cronofy sends is not documented.
type DeniedError struct {
	Code        string // "access_denied"; may be empty
	Key         string // may be empty
	Description string // may be empty
}

// Error is one line: "delegated access denied: access_denied: There is no such mailbox".
func (e *DeniedError) Error() string {
	text := "delegated access denied"
	for _, s := range []string{e.Code, e.Description} {
		if s = strings.TrimSpace(s); s != "" {
			text += ": " + s
		}
	}
	return text
}

// RequestError is a request for accounts that failed. Every: it would fail for
// every other account as well, so no more are asked for.
type RequestError struct {
	Every bool
	Err   error
}

// Error is that of the call.
func (e *RequestError) Error() string { return e.Err.Error() }

// Unwrap gives the call's error.
func (e *RequestError) Unwrap() error { return e.Err }

// Refusal is why a post to a live callback URL was not taken.
type Refusal int

// The refusals.
const (
	NotRefused Refusal = iota
	Unsigned           // without a signature
	Forged             // with a wrong signature
	Malformed          // too large, or not a webhook
)

// RefusedError is a post to a live callback URL that was not taken. The path is a
// secret, so it most likely was Cronofy's.
type RefusedError struct{ Refusal Refusal }

func (e *RefusedError) Error() string { return "refused a post to a callback URL" }

// LostError is a request whose answer was lost: whether access was asked for is
// not known, so webhooks are waited for.
type LostError struct {
	Accounts int
	Err      error
}

func (e *LostError) Error() string {
	return fmt.Sprintf("the answer about %d accounts was lost: %s", e.Accounts, e.Err)
}

// Unwrap gives the call's error.
func (e *LostError) Unwrap() error { return e.Err }

// NoAnswerError is an account for which no webhook was taken in time. It wraps
// ErrTimeout.
type NoAnswerError struct{ Refused Refusal } // of the last post to its callback URL

func (e *NoAnswerError) Error() string { return ErrTimeout.Error() }

// Unwrap gives ErrTimeout.
func (e *NoAnswerError) Unwrap() error { return ErrTimeout }

// ExchangeError is a code that gave no tokens. Every: the client is refused, so
// that no other account's code would give any.
type ExchangeError struct {
	Every bool
	Err   error
}

// Error is that of the call.
func (e *ExchangeError) Error() string { return e.Err.Error() }

// Unwrap gives the call's error.
func (e *ExchangeError) Unwrap() error { return e.Err }
