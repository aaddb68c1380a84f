package cronofy

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"testing"

	"github.com/stretchr/testify/require"
)

func digest(secret, body string) string {
	m := hmac.New(sha256.New, []byte(secret))
	m.Write([]byte(body))
	return base64.StdEncoding.EncodeToString(m.Sum(nil))
}

func TestVerifyHMAC(t *testing.T) {
	t.Parallel()
	const body = `{"authorization":{"code":"Zy8"}}`
	good, other := digest(clientSecret, body), digest("other", body)
	// RFC 4231 test case 2, so that the test does not only agree with itself.
	require.True(t, VerifyHMAC("W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=", []byte("what do ya want for nothing?"), NewSecret("Jefe")))
	for header, want := range map[string]bool{
		good: true, other + "," + good: true, good + ", " + other: true, " " + good + " ": true, "junk," + good: true,
		other: false, "": false, ",": false, "junk": false, good[1:]: false, good + good: false, "sha256=" + good: false,
	} {
		require.Equal(t, want, VerifyHMAC(header, []byte(body), NewSecret(clientSecret)), header)
	}
	require.False(t, VerifyHMAC(good, []byte(body+" "), NewSecret(clientSecret)))
	require.False(t, VerifyHMAC(digest("", body), []byte(body), Secret{}), "an empty secret verifies nothing")
}

func TestParseWebhook(t *testing.T) {
	t.Parallel()
	w, err := ParseWebhook([]byte(`{"authorization": {"code": "Zy8xWv6uTs4rQp2oNm0lKj9iHg7fEd5c", "state": "row-17"}}`))
	require.NoError(t, err)
	require.Equal(t, "Zy8xWv6uTs4rQp2oNm0lKj9iHg7fEd5c", w.Code.Reveal())

	w, err = ParseWebhook([]byte(`{"authorization": {"error": "access_denied", "error_key": "errors.example",
		"error_description": "Access to the mailbox\u001b[2J was refused", "state": "row-17"}}`))
	require.NoError(t, err)
	require.Equal(t, Webhook{
		Error:            "access_denied",
		ErrorDescription: "Access to the mailbox was refused",
	}, w)

	for body, reason := range map[string]string{
		``: noObject, `{"authorization":`: noObject, `<html>`: noObject, `[]`: noObject,
		`{}`: "neither code nor error", `null`: "neither code nor error", `{"authorization":null}`: "neither code nor error",
		`{"authorization":{"state":"row-17"}}`: "neither code nor error",
		`{"authorization":{"code":5}}`:         "neither code nor error",
	} {
		_, err := ParseWebhook([]byte(body))
		var bad *BadAnswerError
		require.ErrorAs(t, err, &bad)
		require.Equal(t, reason, bad.Reason, body)
	}
}
