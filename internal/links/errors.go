package links

import (
	"errors"
	"fmt"
)

// What stands in the way of the file. Errors of File are *Error and answer
// errors.Is for one of these, and for the system's own error.
var (
	// ErrBusy: another process kept the file locked for too long.
	ErrBusy = errors.New("in use by another process")
	// ErrUnsafe: the file or its folder is not ours alone (a symbolic link, not
	// a regular file, another owner, writable by others). Nothing was changed.
	ErrUnsafe = errors.New("not a private file")
	// ErrUnwritable: no right to write there, or a read-only file system.
	ErrUnwritable = errors.New("cannot be written")
	// ErrFull: the disk or the quota is full.
	ErrFull = errors.New("no room on the disk")
	// ErrTooLarge: the contents would not be read back.
	ErrTooLarge = errors.New("too large")
	// ErrNoHome: the user's state folder is not known.
	ErrNoHome = errors.New("the user's folder is not known")
	// ErrIO: anything else that the system reports.
	ErrIO = errors.New("cannot be used")
)

// Error says what was done to which path when what went wrong.
type Error struct {
	Op     string // "read", "lock", "write", "set aside"
	Path   string
	Reason error  // one of this package's
	Detail string // "symbolic link", "mode 0666"; may be empty
	Err    error  // the system's; may be nil
}

// Error is one line.
func (e *Error) Error() string {
	text := fmt.Sprintf("%s %s: %v", e.Op, e.Path, e.Reason)
	if e.Detail != "" {
		text += " (" + e.Detail + ")"
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap gives the reason and the system's error.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Reason}
	}
	return []error{e.Reason, e.Err}
}

func unsafe(op, path, detail string) error {
	return &Error{Op: op, Path: path, Reason: ErrUnsafe, Detail: detail}
}

// failure sorts a system error.
func failure(op, path string, err error) error {
	var known *Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	return &Error{Op: op, Path: path, Reason: reasonOf(err), Err: cause(err)}
}

// cause drops the path and the call that the error text names once already.
func cause(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}
