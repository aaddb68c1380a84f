package cronofy

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"mime"
	"net/http"
	"slices"
	"strconv"
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
)

// Error is an answer outside 2xx, redirects included. All texts are cleaned and
// cut, and hold no secret that was part of the request.
// https://docs.cronofy.com/developers/api/error-codes/
type Error struct {
	Op          string              // "create link token"
	Status      int                 // HTTP status
	Code        string              // OAuth "error" of a token call's 400 or 401 (RFC 6749 section 5.2); empty if none
	Description string              // OAuth "error_description"; empty if none
	Fields      map[string][]string // from a 422: field → complaints, like "required"; nil if none
	RetryAfter  time.Duration       // 0 if the server named none
}

// Error is one line: "create link token: 422 service_account_id: required".
func (e *Error) Error() string {
	text := fmt.Sprintf("%s: %d", e.Op, e.Status)
	if e.Code != "" {
		text += " " + e.Code
	}
	if e.Description != "" {
		text += ": " + e.Description
	}
	sep := " "
	for _, name := range e.FieldNames() {
		for _, complaint := range e.Fields[name] {
			text += sep + name + ": " + complaint
			sep = "; "
		}
	}
	if e.RetryAfter > 0 {
		text += ", retry after " + e.RetryAfter.String()
	}
	return text
}

// FieldNames lists the fields complained of, in order.
func (e *Error) FieldNames() []string { return slices.Sorted(maps.Keys(e.Fields)) }

// BadAnswerError is a 2xx whose body is not what the API promises.
type BadAnswerError struct {
	Op     string
	Reason string // "HTML instead of JSON"; ours, with nothing of the body
	broken bool   // the connection ended inside the body, which may be chance
}

// Error is one line.
func (e *BadAnswerError) Error() string { return e.Op + ": unusable answer: " + e.Reason }

// StatusOf is the HTTP status of the *Error in err's tree, 0 if there is none.
func StatusOf(err error) int { return refusalIn(err).Status }

// CodeOf is the OAuth error code of the *Error in err's tree, "" if none.
func CodeOf(err error) string { return refusalIn(err).Code }

// refusalIn is the *Error in err's tree, an empty one if there is none.
func refusalIn(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return &Error{}
}

// ClientRefused tells whether the token endpoint does not take the client itself, so
// that it would take no other code or refresh token either.
func ClientRefused(err error) bool {
	return StatusOf(err) == http.StatusUnauthorized || CodeOf(err) == "invalid_client" || CodeOf(err) == "unauthorized_client"
}

// AnswerLost tells whether Cronofy may have done what was asked although the
// call failed: the answer did not arrive (a cancelled context included), was
// unusable, or was a 5xx. After such a Refresh or Exchange the refresh token or
// code may be used up.
func AnswerLost(err error) bool {
	sent, _ := wasSent(err)
	return sent || StatusOf(err) >= 500
}

// MayRepeat tells whether a call that failed may be made again as it was, a code
// exchange included: Cronofy did not carry it out, because nothing was sent or
// because it said so itself (RFC 9110 and RFC 8470: 421, 425, 429, 503).
func MayRepeat(err error) bool {
	sent, unanswered := wasSent(err)
	return unanswered && !sent || slices.Contains([]int{421, 425, 429, 503}, StatusOf(err))
}

// wasSent tells whether a call ended without an answer of Cronofy's that can be used, and
// whether its request may have arrived then.
func wasSent(err error) (sent, unanswered bool) {
	if e, ok := errors.AsType[*NetworkError](err); ok {
		return e.Sent, true
	}
	if e, ok := errors.AsType[*opError](err); ok {
		return e.sent, true
	}
	bad := is[*BadAnswerError](err)
	return bad, bad
}

const (
	maxDetail = 200 // runes of a text that goes into an error
	maxFields = 20
)

func accept(k call, head http.Header, all []byte, cut bool) error {
	bad := func(reason string) error { return &BadAnswerError{Op: k.op, Reason: reason, broken: cut} }
	body := bytes.TrimSpace(bytes.TrimPrefix(all, []byte("\xef\xbb\xbf")))
	kind, _, _ := mime.ParseMediaType(head.Get("Content-Type"))
	switch {
	case len(body) > 0 && (kind == "text/html" || body[0] == '<'):
		return bad("HTML instead of JSON")
	case k.out == nil:
		return nil
	case len(all) > maxAnswer:
		return bad("longer than 1 MiB")
	case cut:
		return bad("cut short")
	case len(body) == 0:
		return bad("empty")
	case k.out.read(body) != nil:
		return bad(noObject)
	}
	return nil
}

const noObject = "no JSON object that can be read"

func refusal(k call, status int, head http.Header, answer []byte) *Error {
	t := tidier(k.hidden)
	e := &Error{Op: k.op, Status: status, RetryAfter: retryAfter(head)}
	var body object
	if body.read(answer) != nil {
		return e
	}
	if errs := body.object("errors"); len(errs.members) > 0 {
		e.Fields = t.fields(errs)
	}
	// RFC 6749 section 5.2. What stands in other bodies is not documented: many servers
	// put the status's own name there.
	if k.oauth && (status == http.StatusBadRequest || status == http.StatusUnauthorized) {
		e.Code, e.Description = t.tidy(body.text("error")), t.tidy(body.text("error_description"))
	}
	return e
}

// retryAfter reads both forms of RFC 9110 section 10.2.3. A date is measured
// from the answer's own Date if it has one, because the clocks may differ.
func retryAfter(h http.Header) time.Duration {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if s, err := strconv.ParseFloat(v, 64); err == nil {
		return time.Duration(atMost(s, 1e9) * float64(time.Second))
	}
	at, err := http.ParseTime(v)
	if err != nil {
		return 0
	}
	sent, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		sent = time.Now()
	}
	return max(0, at.Sub(sent))
}

// atMost bounds a number of seconds from outside, which may be none.
func atMost(f, most float64) float64 {
	if f > 0 { // NaN is not
		return min(f, most)
	}
	return 0
}

// tidier makes what Cronofy wrote fit for an error's text. It holds the secrets
// of the request, which an answer may quote.
type tidier []Secret

func (t tidier) tidy(s string) string {
	s = CleanText(s, maxAnswer)
	for _, secret := range t {
		if !secret.Empty() {
			s = strings.ReplaceAll(s, secret.Reveal(), redacted)
		}
	}
	return cut(strings.TrimSpace(s), maxDetail)
}

// fields reads {"field":[{"key":…,"description":…}]}, and what may stand there
// instead: one object, a text, a list of texts.
func (t tidier) fields(errs object) map[string][]string {
	out := make(map[string][]string)
	for name, complaints := range errs.members {
		list, ok := complaints.([]any)
		if !ok {
			list = []any{complaints}
		}
		name = t.tidy(name)
		for _, c := range list {
			text, _ := c.(string)
			members, _ := c.(map[string]any)
			o := object{members: members, odd: errs.odd}
			if len(out) < maxFields && len(out[name]) < maxFields {
				out[name] = append(out[name], t.tidy(cmp.Or(text, o.text("description"), o.text("key"))))
			}
		}
	}
	return out
}

// object is a JSON object that is read liberally but for its secrets: one strange member
// must not cost an account its whole answer, or an approved link its token. What was odd
// is noted, without its value.
type object struct {
	members map[string]any
	within  string // "conferencing_profiles[0]."
	odd     *[]string
}

// read takes an object, or null, and nothing else. As an UnmarshalJSON it would have
// each answer gone through twice as often, which is a tenth of the time of a call.
func (o *object) read(b []byte) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	o.odd = new([]string)
	if err := d.Decode(&o.members); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New(noObject)
	}
	return nil
}

const maxOdd = 20 // more would tell nothing more

func (o object) note(key, what string) {
	if len(*o.odd) < maxOdd {
		*o.odd = append(*o.odd, CleanText(o.within+key, maxName)+": "+what)
	}
}

// text reads a text, or a number as one, which identifiers may be.
func (o object) text(key string) string {
	switch v := o.members[key].(type) {
	case nil:
		return ""
	case string:
		return v
	case json.Number:
		o.note(key, "a number instead of a text")
		return v.String()
	}
	o.note(key, "not a text; left out")
	return ""
}

// words reads a space-separated text, or a list of texts.
func (o object) words(key string) string {
	list, ok := o.members[key].([]any)
	if !ok {
		return o.text(key)
	}
	o.note(key, "a list instead of a text")
	words := ""
	for _, v := range list {
		if s, ok := v.(string); ok {
			words += " " + s
		}
	}
	return strings.TrimSpace(words)
}

// flag reads true or false, also as a text or a number; all else counts as false.
func (o object) flag(key string) bool {
	b, ok := o.members[key].(bool)
	if !ok {
		b, _ = strconv.ParseBool(strings.ToLower(strings.TrimSpace(fmt.Sprint(o.members[key]))))
		o.note(key, fmt.Sprintf("not true or false; read as %t", b))
	}
	return b
}

// seconds reads a number, or a number in quotes; what is neither counts as 0,
// because a token without a known life is still a token.
func (o object) seconds(key string) time.Duration {
	f, _ := strconv.ParseFloat(strings.TrimSpace(o.text(key)), 64) // infinity beyond all bounds
	return time.Duration(atMost(f, math.MaxInt32)) * time.Second
}

// secret reads what may be a text and nothing else.
func (o object) secret(key string) Secret {
	s, _ := o.members[key].(string)
	return NewSecret(s)
}

// object reads an object; one without members stands for what is none.
func (o object) object(key string) object {
	members, ok := o.members[key].(map[string]any)
	if !ok && o.members[key] != nil {
		o.note(key, "not an object; left out")
	}
	return object{members: members, within: o.within + key + ".", odd: o.odd}
}

// objects reads a list of objects; a single one counts as a list.
func (o object) objects(key string) []object {
	list, ok := o.members[key].([]any)
	if !ok && o.members[key] != nil {
		o.note(key, "not a list")
		list = []any{o.members[key]}
	}
	var out []object
	for i, v := range list {
		place := fmt.Sprintf("%s[%d]", key, i)
		if members, ok := v.(map[string]any); ok {
			out = append(out, object{members: members, within: o.within + place + ".", odd: o.odd})
		} else {
			o.note(place, "not an object; left out")
		}
	}
	return out
}
