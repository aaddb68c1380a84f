// Package crash carries panics from where they happen to who can say so in order.
package crash

import (
	"fmt"
	"runtime/debug"
)

// Error is a panic: a mistake in confer. Of the panic's value only the type is
// kept, because the value may hold a secret; a stack shows addresses only.
type Error struct {
	Kind  string // the type of the panic's value
	Stack []byte // of the goroutine that panicked
}

func (e *Error) Error() string { return "crashed: " + e.Kind }

// Caught makes an Error of what recover gave in a deferred function; nil if that
// was nil. An Error that another goroutine's owner panicked with stays as it is.
func Caught(v any) *Error {
	switch v := v.(type) {
	case nil:
		return nil
	case *Error:
		return v
	}
	return &Error{Kind: fmt.Sprintf("%T", v), Stack: debug.Stack()}
}
