package cronofy

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func refuse(status int, body string, head ...string) *Error {
	h := http.Header{}
	for i := 0; i < len(head); i += 2 {
		h.Set(head[i], head[i+1])
	}
	k := call{op: "create link token", oauth: true, hidden: []Secret{NewSecret(clientSecret), NewSecret("the-code"), {}}}
	return refusal(k, status, h, []byte(body))
}

func TestErrors(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		err  *Error
		text string
	}{
		"bare":             {refuse(404, ""), "create link token: 404"},
		"HTML":             {refuse(503, "<html>{}"), "create link token: 503"},
		"OAuth":            {refuse(400, `{"error":"invalid_grant"}`), "create link token: 400 invalid_grant"},
		"OAuth, described": {refuse(400, `{"error":"invalid_grant","error_description":"used"}`), "create link token: 400 invalid_grant: used"},
		"fields": {refuse(422, `{"errors":{"service_account_id":[{"key":"errors.required","description":"required"}]}}`),
			"create link token: 422 service_account_id: required"},
		"several": {refuse(422, `{"errors":{"b":[{"key":"errors.x"}],"a":[{"description":"one"},{"description":"two"}]}}`),
			"create link token: 422 a: one; a: two; b: errors.x"},
		"field texts":  {refuse(422, `{"errors":{"a":["one","two"],"b":"three"}}`), "create link token: 422 a: one; a: two; b: three"},
		"no errors":    {refuse(422, `{"message":"x"}`), "create link token: 422"},
		"other shapes": {refuse(422, `{"error":["x"],"error_description":{},"errors":"x"}`), "create link token: 422"},
		"wait":         {refuse(429, "", "Retry-After", "30"), "create link token: 429, retry after 30s"},
		"secrets":      {refuse(400, `{"error":"bad `+clientSecret+`","error_description":"code the-\u001b[0mcode"}`), "create link token: 400 bad [redacted]: code [redacted]"},
		"control":      {refuse(400, `{"error":"a\u001b[2J\u0007b","error_description":"\u202eevil\nline"}`), "create link token: 400 ab: evil line"},
		"dirty fields": {refuse(422, `{"errors":{"a\n\u009b31m":[{"key":"\u0000"}]}}`), "create link token: 422 a: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.text, test.err.Error())
		})
	}
}

// TestTheStatusDecidesOutsideOAuth: a body may say anything there, such as the
// status's own name.
func TestTheStatusDecidesOutsideOAuth(t *testing.T) {
	t.Parallel()
	for _, status := range []int{400, 401, 402, 403, 404, 422, 423, 429, 500, 502, 503} {
		body := []byte(`{"status":` + fmt.Sprint(status) + `,"error":"` + http.StatusText(status) + `","error_description":"x"}`)
		e := refusal(call{op: "create link token"}, status, nil, body)
		require.Equal(t, fmt.Sprintf("create link token: %d", status), e.Error())
		require.Empty(t, e.Code)
		e = refusal(call{op: "exchange code", oauth: true}, status, nil, body)
		require.Equal(t, status == 400 || status == 401, e.Code != "", status)
	}
}

// A date is as good as seconds, also where nothing tells when the answer was sent.
func TestRetryAfterADateAlone(t *testing.T) {
	t.Parallel()
	e := refuse(429, "", "Retry-After", httpDate(time.Now().Add(time.Minute)))
	require.InDelta(t, time.Minute, e.RetryAfter, float64(2*time.Second))
	require.Zero(t, refuse(429, "", "Retry-After", httpDate(time.Now().Add(-time.Minute))).RetryAfter)
}

func TestErrorsAreShort(t *testing.T) {
	t.Parallel()
	var fields strings.Builder
	for i := range 500 {
		fmt.Fprintf(&fields, `,"f%d":[{"description":"%s"}]`, i, strings.Repeat("x", 500))
	}
	e := refuse(400, `{"error_description":"`+strings.Repeat("é", 500)+`","errors":{`+fields.String()[1:]+`}}`)
	require.Equal(t, strings.Repeat("é", 199)+"…", e.Description)
	require.LessOrEqual(t, len(e.Fields), maxFields)
	for _, f := range e.Fields {
		require.Len(t, []rune(f[0]), maxDetail)
	}
}

func TestAskingErrors(t *testing.T) {
	t.Parallel()
	wrapped := fmt.Errorf("x: %w", refuse(401, `{"error":"x"}`))
	require.Equal(t, 401, StatusOf(wrapped))
	require.Equal(t, "x", CodeOf(wrapped))
	require.Zero(t, StatusOf(ErrSite))
	require.Empty(t, CodeOf(nil))
	require.False(t, AnswerLost(nil))
	require.False(t, AnswerLost(wrapped))
}
