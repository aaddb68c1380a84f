package keystore

// sentinel is what errors.Is finds in an *Error.
type sentinel string

func (s sentinel) Error() string { return string(s) }

// What went wrong. Each call's error is an *Error around one of these.
const (
	// ErrNotFound: the store answered, and there is no such secret.
	ErrNotFound sentinel = "no such secret"
	// ErrTooBig: the secret has more than MaxSecret bytes, or the encrypted file is full.
	// Nothing was stored.
	ErrTooBig sentinel = "secret is too long"
	// ErrUnavailable: there is no keyring to talk to; Error.State tells why.
	ErrUnavailable sentinel = "no keyring is available"
	// ErrLocked: the keyring is locked. KeyringStore.Unlock asks for its password.
	ErrLocked sentinel = "keyring is locked"
	// ErrTimeout: the call was given up, by its limit or its context; errors.Is tells
	// context.DeadlineExceeded and context.Canceled apart. If Error.Pending is set, the
	// call still runs in the background and its outcome is unknown: a secret may be
	// stored or deleted later. Such a Set is undone.
	ErrTimeout sentinel = "store did not answer in time"
	// ErrBusy: an earlier call, or another process, still holds the store. Nothing was
	// done; the same call may succeed later.
	ErrBusy sentinel = "store is busy with an earlier call"
	// ErrReadBack: the store said that it has stored, but holds another value or none.
	ErrReadBack sentinel = "store does not hold what was stored"
	// ErrDismissed: somebody closed or refused the keyring's window, so nothing was done.
	ErrDismissed sentinel = "keyring's window was refused"
	// ErrRefused: the store is there and answered with an error (a read-only folder, a full disk).
	ErrRefused sentinel = "store refused"
	// ErrNoPassphrase: the passphrase of the file was not given, or is empty.
	ErrNoPassphrase sentinel = "no passphrase was given"
	// ErrPassphrase: the passphrase does not open the file. A file whose first lines were
	// tampered with cannot be told from a wrong passphrase.
	ErrPassphrase sentinel = "wrong passphrase"
	// ErrDamaged: the file is empty, cut short, tampered with, or none of ours. It is left as it is.
	ErrDamaged sentinel = "encrypted file is damaged"
	// ErrNewer: the file was written by a later version of this program. It is left as it is.
	ErrNewer sentinel = "encrypted file is from a newer version"
	// ErrInsecure: the file or its folder is a link, belongs to somebody else, or is open
	// to others. Nothing was read or written.
	ErrInsecure sentinel = "encrypted file is not private"
)

// Error is what every failed call of a Store returns. Its message has fixed words
// only: no key, no secret, no text of the platform.
type Error struct {
	Op      string // "get", "set", "delete", "unlock", "open"
	Store   Kind
	Err     error  // one of the sentinels
	Cause   error  // what ended the wait: a context's error, or that of the passphrase function; or nil
	Status         // Detail of any store, the rest of a keyring: what a probe saw
	Pending bool   // with ErrTimeout: the call still runs, its outcome is unknown
	Holder  string // file only, with ErrBusy: the process that has it, where that is known
	Path    string // file only: where it is or would be
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
