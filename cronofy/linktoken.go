package cronofy

import (
	"context"
	"errors"
	"net/http"
)

// LinkToken asks for an Organizational Unit link token: single use, short-lived.
// serviceAccountID is the sub of a service account ("ser_…") authorized for this
// application. If a 422 names the field "service_account", as a heading of the
// page does, it asks once more with that name.
// https://docs.cronofy.com/developers/conferencing-services/enterprise-conferencing/
func (c *Client) LinkToken(ctx context.Context, serviceAccountID string) (Secret, error) {
	token, err := c.linkToken(ctx, c.names.OULinkTokenField, serviceAccountID)
	if c.names.OULinkTokenField == DefaultOULinkTokenField && wantsOtherField(err) {
		return c.linkToken(ctx, otherLinkTokenField, serviceAccountID)
	}
	return token, err
}

func wantsOtherField(err error) bool {
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Status != http.StatusUnprocessableEntity {
		return false
	}
	_, named := e.Fields[otherLinkTokenField]
	return named
}

func (c *Client) linkToken(ctx context.Context, field, id string) (Secret, error) {
	var out struct {
		Envelope struct {
			Token string `json:"ou_link_token"`
		} `json:"organizational_unit_authorization_link_token"`
	}
	k := call{
		op: "create link token", method: http.MethodPost,
		path:   "/v1/organizational_unit_authorization_link_tokens",
		bearer: c.app.ClientSecret, body: map[string]string{field: id}, out: &out,
		safe: true, // a second token costs nothing; an unused one expires
	}
	if err := c.do(ctx, k); err != nil {
		return Secret{}, err
	}
	if out.Envelope.Token == "" {
		return Secret{}, &BadAnswerError{Op: k.op, Reason: "no ou_link_token"}
	}
	return NewSecret(out.Envelope.Token), nil
}
