package cronofy

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Errors of calls that were not sent.
var (
	// ErrUnsendable: a credential holds characters that no header can carry
	// (RFC 6750 section 2.1 allows visible ASCII only).
	ErrUnsendable = errors.New("the credential holds characters that cannot be sent")
	// ErrSite: the site has no usable base URL, or plain http to another machine.
	ErrSite = errors.New("no usable API address")
	// ErrTooMany: not between 1 and MaxDelegatedAccess entries.
	ErrTooMany = errors.New("between 1 and 50 entries can be sent at once")
	// ErrNotChecked wraps every outcome of CheckApplication that says nothing
	// about the client id and secret.
	ErrNotChecked = errors.New("the application could not be checked")
)

// Error is an answer outside 2xx, redirects included. All texts are cleaned and
// cut, and hold no secret that was part of the request.
// https://docs.cronofy.com/developers/api/error-codes/
type Error struct {
	Op          string                  // "create link token"
	Status      int                     // HTTP status
	Code        string                  // OAuth "error" of a token call's 400 or 401 (RFC 6749 section 5.2); empty if none
	Description string                  // OAuth "error_description"; empty if none
	Fields      map[string][]FieldError // from a 422: field → complaints; nil if none
	RetryAfter  time.Duration           // 0 if the server named none
	RequestID   string                  // whichever *request-id* header came; empty if none
}

// FieldError is one complaint about one field.
type FieldError struct {
	Key         string // "errors.required"
	Description string // "required"
}

// Error is one line: "create link token: 422 service_account_id: required".
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %d", e.Op, e.Status)
	if e.Code != "" {
		b.WriteString(" " + e.Code)
	}
	if e.Description != "" {
		b.WriteString(": " + e.Description)
	}
	sep := " "
	for _, name := range e.FieldNames() {
		for _, f := range e.Fields[name] {
			b.WriteString(sep + name + ": " + f.text())
			sep = "; "
		}
	}
	if e.RetryAfter > 0 {
		fmt.Fprintf(&b, ", retry after %s", e.RetryAfter)
	}
	return b.String()
}

// FieldNames lists the fields complained of, in order.
func (e *Error) FieldNames() []string {
	names := make([]string, 0, len(e.Fields))
	for n := range e.Fields {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

func (f FieldError) text() string {
	if f.Description != "" {
		return f.Description
	}
	return f.Key
}

// BadAnswerError is a 2xx whose body is not what the API promises. Reason is
// ours and holds nothing of the body.
type BadAnswerError struct {
	Op     string
	Reason string // "HTML instead of JSON"
	broken bool   // the connection ended inside the body, which may be chance
}

// Error is one line.
func (e *BadAnswerError) Error() string { return e.Op + ": unusable answer: " + e.Reason }

// StatusOf is the HTTP status of the *Error in err's tree, 0 if there is none.
func StatusOf(err error) int {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Status
	}
	return 0
}

// CodeOf is the OAuth error code of the *Error in err's tree, "" if none.
func CodeOf(err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return ""
}

// AnswerLost tells whether Cronofy may have done what was asked although the
// call failed: the answer did not arrive (a cancelled context included), was
// unusable, or was a 5xx. After such
// a Refresh or Exchange the refresh token or code may be used up.
func AnswerLost(err error) bool {
	if e, ok := errors.AsType[*NetworkError](err); ok {
		return e.Sent
	}
	if _, ok := errors.AsType[*BadAnswerError](err); ok {
		return true
	}
	if e, ok := errors.AsType[*opError](err); ok {
		return e.sent
	}
	return StatusOf(err) >= 500
}

// MayRepeat tells whether a call that failed may be made again as it was, a code
// exchange included: Cronofy did not carry it out, because nothing was sent or
// because it said so itself (RFC 9110 and RFC 8470: 421, 425, 429, 503).
func MayRepeat(err error) bool {
	switch StatusOf(err) {
	case http.StatusMisdirectedRequest, http.StatusTooEarly, http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return true
	}
	if e, ok := errors.AsType[*NetworkError](err); ok {
		return !e.Sent
	}
	e, ok := errors.AsType[*opError](err)
	return ok && !e.sent
}
