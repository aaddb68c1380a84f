package delegated

import (
	"fmt"
	"net/http"

	"confer/cronofy"
)

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

func exchangeError(err error) *ExchangeError {
	code := cronofy.CodeOf(err)
	return &ExchangeError{Err: err,
		Every: cronofy.StatusOf(err) == http.StatusUnauthorized || code == "invalid_client" || code == "unauthorized_client"}
}

// trouble tells the first of each kind.
func (d *Desk) trouble(err error, kind Refusal) {
	if d.cfg.Trouble == nil {
		return
	}
	d.mu.Lock()
	before := d.told[kind]
	d.told[kind] = true
	d.mu.Unlock()
	if !before {
		d.cfg.Trouble(err)
	}
}

// refuse counts a post to r's callback URL that is not taken.
func (d *Desk) refuse(r *row, why Refusal) {
	d.mu.Lock()
	r.refused = why
	switch why {
	case NotRefused:
	case Unsigned:
		d.refused.Unsigned++
	case Forged:
		d.refused.Forged++
	case Malformed:
		d.refused.Malformed++
	}
	d.mu.Unlock()
	d.trouble(&RefusedError{why}, why)
}
