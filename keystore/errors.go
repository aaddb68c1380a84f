package keystore

import (
	"errors"
	"strings"
	"unicode"

	"github.com/charmbracelet/x/ansi"
)

// Sentinels for errors.Is. Each call's error is an *Error around one of them.
var (
	// ErrNotFound: the store answered, and there is no such secret.
	ErrNotFound = errors.New("no such secret")
	// ErrTooBig: the secret has more than MaxSecret bytes, or the encrypted file is full.
	// Nothing was stored.
	ErrTooBig = errors.New("secret is too long")
	// ErrUnavailable: there is no keyring to talk to; Error.State tells why.
	ErrUnavailable = errors.New("no keyring is available")
	// ErrLocked: the keyring is locked. KeyringStore.Unlock asks for its password.
	ErrLocked = errors.New("keyring is locked")
	// ErrTimeout: the call was given up, by its limit or its context; errors.Is tells
	// context.DeadlineExceeded and context.Canceled apart. If Error.Pending is set, the
	// call still runs in the background and its outcome is unknown: a secret may be
	// stored or deleted later. Such a Set is undone.
	ErrTimeout = errors.New("store did not answer in time")
	// ErrBusy: an earlier call, or another process, still holds the store. Nothing was
	// done; the same call may succeed later.
	ErrBusy = errors.New("store is busy with an earlier call")
	// ErrReadBack: the store said that it has stored, but holds another value or none.
	ErrReadBack = errors.New("store does not hold what was stored")
	// ErrDismissed: somebody closed or refused the keyring's window, so nothing was done.
	ErrDismissed = errors.New("keyring's window was refused")
	// ErrRefused: the store is there and answered with an error (a read-only folder, a full disk).
	ErrRefused = errors.New("store refused")
	// ErrNoPassphrase: the passphrase of the file was not given, or is empty.
	ErrNoPassphrase = errors.New("no passphrase was given")
	// ErrPassphrase: the passphrase does not open the file. A file whose first lines were
	// tampered with cannot be told from a wrong passphrase.
	ErrPassphrase = errors.New("wrong passphrase")
	// ErrDamaged: the file is empty, cut short, tampered with, or none of ours. It is left as it is.
	ErrDamaged = errors.New("encrypted file is damaged")
	// ErrNewer: the file was written by a later version of this program. It is left as it is.
	ErrNewer = errors.New("encrypted file is from a newer version")
	// ErrInsecure: the file or its folder is a link, belongs to somebody else, or is open
	// to others. Nothing was read or written.
	ErrInsecure = errors.New("encrypted file is not private")
)

// Error is what every failed call of a Store returns. Its message has fixed words
// only: no key, no secret, no text of the platform.
type Error struct {
	Op       string // "get", "set", "delete", "unlock", "open"
	Store    Kind
	Err      error  // one of the sentinels
	Cause    error  // what ended the wait: a context's error, or that of the passphrase function; or nil
	State    State  // keyring only: what a probe saw; empty when none was made
	Pending  bool   // with ErrTimeout: the call still runs, its outcome is unknown
	NoWindow bool   // keyring only: this session can show no window, as Status.NoWindow
	Program  string // keyring only: whose it is, as Status.Program
	Holder   string // file only, with ErrBusy: the process that has it, where that is known
	Path     string // file only: where it is or would be
	Detail   string // the platform's words, cleaned, for a details line; or empty
}

// Error gives "<store> <op>: <sentinel>".
func (e *Error) Error() string {
	return string(e.Store) + " " + e.Op + ": " + e.Err.Error()
}

// Unwrap gives the sentinel and the cause.
func (e *Error) Unwrap() []error {
	if e.Cause == nil {
		return []error{e.Err}
	}
	return []error{e.Err, e.Cause}
}

const maxDetail = 300

// clean makes a platform's text fit for one line of a terminal: no escape
// sequences, no control or bidi characters, at most maxDetail characters.
func clean(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return ' '
		}
		if !unicode.IsPrint(r) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, ansi.Strip(text))
	text = strings.Join(strings.Fields(text), " ")
	if r := []rune(text); len(r) > maxDetail {
		text = string(r[:maxDetail]) + "…"
	}
	return text
}

// detail cleans the text of err and takes the secret out of it, should a
// service repeat what it was given.
func detail(err error, secret string) string {
	if err == nil {
		return ""
	}
	text := err.Error()
	if secret != "" {
		text = strings.ReplaceAll(text, secret, "[redacted]")
	}
	return clean(text)
}
