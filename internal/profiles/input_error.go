package profiles

import (
	"errors"
	"fmt"
	"strings"
)

// Place is a position in the list. Line and Column count from 1; zero means
// that there is none to name.
type Place struct {
	Line, Column int    // Column is in bytes, as editors and encoding/csv count
	Field        string // the column's name, when it is one of ours
}

func (p Place) String() string {
	var parts []string
	if p.Line > 0 {
		parts = append(parts, fmt.Sprintf("line %d", p.Line))
	}
	if p.Column > 0 {
		parts = append(parts, fmt.Sprintf("column %d", p.Column))
	}
	if p.Field != "" {
		parts = append(parts, p.Field)
	}
	return strings.Join(parts, ", ")
}

// RowError is a line that is no account. It never holds a value. The lines
// after it are still read.
type RowError struct {
	Place
	Reason string // "no access_token and no refresh_token"
}

// Error is one line: "line 3, column 9, access_token: longer than 4096 bytes".
func (e *RowError) Error() string { return e.Place.String() + ": " + e.Reason }

// InputError is a list that cannot be read, or not any further. It never holds
// a value.
type InputError struct {
	Place
	Reason string
	Err    error // of the reader, or ErrLineTooLong; nil if the list itself is wrong
}

// Error is one line: "line 1: the header names neither access_token nor refresh_token".
func (e *InputError) Error() string {
	text := e.Reason
	if at := e.Place.String(); at != "" {
		text = at + ": " + text
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap gives the reader's error.
func (e *InputError) Unwrap() error { return e.Err }

// ErrLineTooLong ends a list at a line of more than a megabyte, because nothing
// that long is an account; an unclosed quote looks like this.
var ErrLineTooLong = errors.New("more than 1 MiB in one line")
