package cronofy

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
)

// HMACHeader carries the digests of a callback's body, one per active client secret.
const HMACHeader = "Cronofy-HMAC-SHA256"

// VerifyHMAC tells whether one of the comma-separated base64 digests in header
// is body's HMAC-SHA256 under clientSecret. During a rotation Cronofy sends one
// for each secret. An empty secret verifies nothing.
// https://docs.cronofy.com/developers/push-notifications/authentication/
func VerifyHMAC(header string, body []byte, clientSecret Secret) bool {
	if clientSecret.Empty() {
		return false
	}
	mac := hmac.New(sha256.New, []byte(clientSecret.Reveal()))
	mac.Write(body)
	want, match := mac.Sum(nil), false
	for digest := range strings.SplitSeq(header, ",") {
		got, err := base64.StdEncoding.DecodeString(strings.TrimSpace(digest))
		match = match || err == nil && hmac.Equal(got, want)
	}
	return match
}

// Webhook is what Cronofy posts to a DelegatedAccess's callback URL: a code, or
// an error. Texts are cleaned of control characters.
type Webhook struct {
	Code             Secret
	State            string // may be absent on failure
	Error            string // "access_denied"; empty on success
	ErrorKey         string
	ErrorDescription string
}

// ParseWebhook reads a callback's body; the caller limits its length and has
// verified its digest. The error is a *BadAnswerError.
func ParseWebhook(body []byte) (Webhook, error) {
	const op = "read delegated access callback"
	var in object
	if err := json.Unmarshal(body, &in); err != nil {
		return Webhook{}, &BadAnswerError{Op: op, Reason: jsonProblem(err, len(body))}
	}
	a := in.object("authorization")
	w := Webhook{
		Code: a.secret("code"), State: name(a.text("state")), Error: name(a.text("error")), ErrorKey: name(a.text("error_key")),
		ErrorDescription: CleanText(a.text("error_description"), maxDetail),
	}
	if w.Code.Empty() && w.Error == "" && w.ErrorKey == "" {
		return Webhook{}, &BadAnswerError{Op: op, Reason: "neither code nor error"}
	}
	return w, nil
}
