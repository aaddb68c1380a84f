package cronofy

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzAnswers lets Cronofy answer anything: every call ends in a value or in one
// of the typed errors, whose text is one clean line without the request's secrets.
func FuzzAnswers(f *testing.F) {
	for _, s := range []string{
		accountExample, serviceAccountExample, `{"access_token":"x","expires_in":"1e9"}`, `{"resources":[{}]}`, "", "<html>", `{"sub":`,
		`{"errors":{"service_account":[{"key":"errors.required","description":"required"}]}}`, `{"error":"invalid_grant"}`, `[1e999]`,
		`{"error":"` + clientSecret + `"}`,
	} {
		f.Add(200, "", s)
		f.Add(422, "7", s)
		f.Add(400, "Fri, 31 Dec 1999 23:59:59 GMT", s)
	}
	f.Fuzz(func(t *testing.T, status int, after, body string) {
		if status < 200 || status > 599 {
			status = 200
		}
		c := bubble(func(r *http.Request) (*http.Response, error) {
			h := http.Header{"Retry-After": {after}, "X-Request-Id": {after}}
			return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
		}, Options{Limiter: byClock(newFakeClock())})
		for _, e := range endpoints() {
			checkOutcome(t, e.call(context.Background(), c))
		}
	})
}

func checkOutcome(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	var refused *Error
	var bad *BadAnswerError
	require.True(t, errors.As(err, &refused) || errors.As(err, &bad), "%T %v", err, err)
	text := err.Error()
	require.Equal(t, CleanText(text, len(text)+1), text)
	require.NotContains(t, text, clientSecret)
	require.NotContains(t, text, accessToken)
	if refused != nil {
		require.GreaterOrEqual(t, int64(refused.RetryAfter), int64(0))
	}
}

func FuzzParseWebhook(f *testing.F) {
	f.Add([]byte(`{"authorization":{"code":"Zy8","state":"row-17"}}`))
	f.Add([]byte(`{"authorization":{"error":"access_denied","error_description":"\u001b[2J"}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		w, err := ParseWebhook(body)
		if err != nil {
			var bad *BadAnswerError
			require.ErrorAs(t, err, &bad)
			return
		}
		for _, s := range []string{w.Error, w.ErrorDescription} {
			require.Equal(t, CleanText(s, len(s)+1), s)
		}
	})
}

func FuzzVerifyHMAC(f *testing.F) {
	f.Add(digest(clientSecret, "x"), []byte("x"))
	f.Add("a,b", []byte{})
	f.Fuzz(func(t *testing.T, header string, body []byte) {
		want := false
		for part := range strings.SplitSeq(header, ",") {
			want = want || strings.TrimSpace(part) == digest(clientSecret, string(body))
		}
		if want {
			require.True(t, VerifyHMAC(header, body, NewSecret(clientSecret)))
		}
		require.False(t, VerifyHMAC(header, append(body, '!'), NewSecret(clientSecret)) && want)
	})
}
