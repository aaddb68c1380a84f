package cronofy

import (
	"bytes"
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	maxDetail = 200 // runes of a text that goes into an error
	maxFields = 20
)

// accept reads the body of a 2xx.
func accept(k call, a answer) error {
	bad := func(reason string) error { return &BadAnswerError{Op: k.op, Reason: reason, broken: a.cut != nil} }
	body := bytes.TrimSpace(bytes.TrimPrefix(a.body, []byte("\xef\xbb\xbf")))
	switch {
	case isHTML(a.header, body):
		return bad(formatHTML)
	case k.out == nil:
		return nil
	case len(a.body) > maxAnswer:
		return bad("longer than 1 MiB")
	case len(body) == 0 && a.cut == nil:
		return bad("empty")
	case a.cut != nil:
		return bad("cut short")
	}
	if err := json.Unmarshal(body, k.out); err != nil {
		return bad(jsonProblem(err, len(body)))
	}
	return nil
}

func isHTML(h http.Header, body []byte) bool {
	t, _, _ := mime.ParseMediaType(h.Get("Content-Type"))
	return len(body) > 0 && (t == "text/html" || body[0] == '<')
}

func jsonProblem(err error, length int) string {
	if e, ok := errors.AsType[*json.SyntaxError](err); ok {
		if e.Offset >= int64(length) {
			return "cut short"
		}
		return "not JSON"
	}
	return "not the JSON that was promised"
}

// refusal makes the one *Error of an answer outside 2xx. now is for a
// Retry-After that is a date.
func refusal(k call, a answer, now time.Time) *Error {
	t := tidier(k.hidden)
	e := &Error{Op: k.op, Status: a.status, RetryAfter: retryAfter(a.header, now), RequestID: t.requestID(a.header)}
	var body struct {
		Error       any `json:"error"`
		Description any `json:"error_description"`
		Errors      any `json:"errors"`
	}
	if json.Unmarshal(a.body, &body) != nil {
		return e
	}
	e.Fields = t.fields(body.Errors)
	if k.oauth && oauthStatus(a.status) {
		code, _ := body.Error.(string)
		description, _ := body.Description.(string)
		e.Code, e.Description = t.tidy(code), t.tidy(description)
	}
	return e
}

// oauthStatus tells whether a body may hold an OAuth error (RFC 6749 section
// 5.2). What stands in other bodies is not documented: many servers put the
// status's own name there.
func oauthStatus(status int) bool {
	return status == http.StatusBadRequest || status == http.StatusUnauthorized
}

// retryAfter reads both forms of RFC 9110 section 10.2.3. A date is measured
// from the answer's own Date, because the clocks may differ.
func retryAfter(h http.Header, now time.Time) time.Duration {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if s, err := strconv.ParseFloat(v, 64); err == nil {
		if !(s > 0) {
			return 0
		}
		return time.Duration(min(s, 1e9) * float64(time.Second))
	}
	at, err := http.ParseTime(v)
	if err != nil {
		return 0
	}
	if sent, err := http.ParseTime(h.Get("Date")); err == nil {
		now = sent
	}
	return max(0, at.Sub(now))
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

func (t tidier) requestID(h http.Header) string {
	for name, values := range h {
		if strings.Contains(strings.ToLower(name), "request-id") && len(values) > 0 {
			return t.tidy(values[0])
		}
	}
	return ""
}

// fields reads {"field":[{"key":…,"description":…}]}, and what may stand there
// instead: one object, a text, a list of texts.
func (t tidier) fields(v any) map[string][]FieldError {
	object, _ := v.(map[string]any)
	out := make(map[string][]FieldError)
	for name, complaints := range object {
		list, ok := complaints.([]any)
		if !ok {
			list = []any{complaints}
		}
		name = t.tidy(name)
		for _, c := range list {
			if len(out) < maxFields && len(out[name]) < maxFields {
				out[name] = append(out[name], t.field(c))
			}
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

func (t tidier) field(v any) FieldError {
	switch v := v.(type) {
	case string:
		return FieldError{Description: t.tidy(v)}
	case map[string]any:
		key, _ := v["key"].(string)
		description, _ := v["description"].(string)
		return FieldError{Key: t.tidy(key), Description: t.tidy(description)}
	}
	return FieldError{}
}
