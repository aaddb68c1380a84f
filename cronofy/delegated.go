package cronofy

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strings"
)

// MaxDelegatedAccess is how many accounts one RequestDelegatedAccess may name.
const MaxDelegatedAccess = 50

// DelegatedAccess asks for one account. CallbackURL must be reachable from the
// internet; Scope must lie within the service account's delegated scope.
type DelegatedAccess struct {
	Email       string `json:"email"`
	CallbackURL string `json:"callback_url"`
	Scope       string `json:"scope"`
}

// RequestDelegatedAccess asks Cronofy to post a code for each account to its
// callback URL; nil means accepted, nothing more. It takes 1 to
// MaxDelegatedAccess entries. It is not repeated once it may have arrived, or
// callbacks would come twice.
// https://docs.cronofy.com/developers/api/enterprise-connect/delegated-access/
func (c *Client) RequestDelegatedAccess(ctx context.Context, serviceAccountToken Secret, reqs []DelegatedAccess) error {
	return c.do(ctx, call{
		op: "request delegated access", path: "/v1/service_account_authorizations", bearer: serviceAccountToken,
		body: map[string][]DelegatedAccess{"service_account_authorizations": reqs},
	})
}

// Resource is a room or a piece of equipment of a service account's organisation.
type Resource struct {
	Email string
	Name  string
}

// Resources lists the rooms that a service account sees. Texts are cleaned of
// control characters.
// https://docs.cronofy.com/developers/api/enterprise-connect/list-resources/
func (c *Client) Resources(ctx context.Context, serviceAccountToken Secret) ([]Resource, error) {
	var out object
	k := call{op: "list resources", path: "/v1/resources", bearer: serviceAccountToken, out: &out, safe: true}
	if err := c.do(ctx, k); err != nil {
		return nil, err
	}
	if _, ok := out.members["resources"].([]any); !ok {
		return nil, &BadAnswerError{Op: k.op, Reason: "no resources"}
	}
	list := []Resource{}
	for _, r := range out.objects("resources") {
		list = append(list, Resource{Email: name(r.text("email")), Name: name(r.text("name"))})
	}
	return list, nil
}

// HMACHeader carries the digests of a callback's body, one per active client secret.
const HMACHeader = "Cronofy-HMAC-SHA256"

// Digest is the base64 HMAC-SHA256 of a callback's body under a client secret.
// https://docs.cronofy.com/developers/push-notifications/authentication/
func Digest(body []byte, clientSecret Secret) string {
	mac := hmac.New(sha256.New, []byte(clientSecret.Reveal()))
	mac.Write(body)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// VerifyHMAC tells whether one of the comma-separated digests in header is body's
// under clientSecret. During a rotation Cronofy sends one for each secret. An empty
// secret verifies nothing.
func VerifyHMAC(header string, body []byte, clientSecret Secret) bool {
	want, match := []byte(Digest(body, clientSecret)), false
	for digest := range strings.SplitSeq(header, ",") {
		match = hmac.Equal([]byte(strings.TrimSpace(digest)), want) || match
	}
	return match && !clientSecret.Empty()
}

// Webhook is what Cronofy posts to a DelegatedAccess's callback URL: a code, or
// an error. Texts are cleaned of control characters.
type Webhook struct {
	Code             Secret
	Error            string // "access_denied"; empty on success
	ErrorDescription string
}

// ParseWebhook reads a callback's body; the caller limits its length and has
// verified its digest. The error is a *BadAnswerError.
func ParseWebhook(body []byte) (Webhook, error) {
	const op = "read delegated access callback"
	var in object
	if err := in.read(body); err != nil {
		return Webhook{}, &BadAnswerError{Op: op, Reason: noObject}
	}
	a := in.object("authorization")
	w := Webhook{
		Code: a.secret("code"), Error: name(cmp.Or(a.text("error"), a.text("error_key"))),
		ErrorDescription: CleanText(a.text("error_description"), maxDetail),
	}
	if w.Code.Empty() && w.Error == "" {
		return Webhook{}, &BadAnswerError{Op: op, Reason: "neither code nor error"}
	}
	return w, nil
}
