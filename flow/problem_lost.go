package flow

import (
	"errors"
	"net"
	"strings"

	"confer/cronofy"
)

// LostError is the end of a built-in browser that brought no answer back.
type LostError struct {
	Approved bool   // it had approved before
	Away     string // the host on another machine that it was sent to; empty: none
	Err      error  // what it met; nil: nothing, and still no answer came. Holds no secret
}

func (e *LostError) Error() string {
	if e.Err == nil {
		return "the built-in browser brought no answer"
	}
	return "the built-in browser brought no answer: " + e.Err.Error()
}

// Unwrap gives the cause.
func (e *LostError) Unwrap() error { return e.Err }

func explainLost(e *LostError, at Step) Problem {
	p := Problem{Code: CodeNetwork, Exit: ExitFailed, Step: at,
		Hint: "It goes to the redirect URI. With --listen something must deliver from there to that address; without --listen confer listens at the redirect URI itself."}
	var dial *net.OpError
	switch {
	case e.Away != "":
		p.Summary = "The built-in browser does not leave this machine, and was sent to " + cronofy.CleanText(e.Away, 80) + "."
		p.Hint = "Take a redirect URI on this machine, or a real browser."
	case errors.As(e.Err, &dial) && dial.Addr != nil:
		p.Summary = "The built-in browser found nobody at " + dial.Addr.String() + "."
	case e.Err == nil:
		p.Summary = "The built-in browser came to an end without an answer."
	default:
		p.Summary = "The built-in browser could not go on: " + cronofy.CleanText(strings.TrimPrefix(e.Err.Error(), "browse approval: "), 160) + "."
		p.Code = CodeBadAnswer
	}
	return p
}
