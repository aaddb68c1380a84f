package cronofy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// What Enterprise Connect is asked for if nobody says otherwise.
const (
	DefaultServiceAccountScope = "service_account/accounts/manage service_account/resources/manage"
	DefaultDelegatedScope      = "read_account read_events create_event delete_event"

	ouScope = "organizational_unit_use_integrations"
)

// AuthorizeRequest is what differs between two Organizational Unit authorizations.
type AuthorizeRequest struct {
	RedirectURI string
	State       string
	LinkToken   Secret
	Provider    Provider // AnyProvider, or empty, leaves the choice to the administrator
}

// AuthorizeURL is where the administrator's browser goes to link the conferencing
// account through an Organizational Unit. It holds the link token.
// https://docs.cronofy.com/developers/conferencing-services/enterprise-conferencing/
func (c *Client) AuthorizeURL(r AuthorizeRequest) string {
	pairs := []string{"redirect_uri", r.RedirectURI, "scope", ouScope, "state", r.State,
		"capabilities[]", "conferencing", c.Names.OULinkTokenParam, r.LinkToken.Reveal()}
	if r.Provider != AnyProvider && r.Provider != "" {
		pairs = append(pairs, "conferencing_provider_name", string(r.Provider))
	}
	return c.authorization(c.Names.OUAuthorizePath, pairs...)
}

// EnterpriseConnectRequest is what differs between two service account
// authorizations. An empty scope means its default.
type EnterpriseConnectRequest struct {
	RedirectURI    string
	State          string
	Scope          string // space-separated, of the service account itself
	DelegatedScope string // space-separated, the widest to be asked for any account
}

// EnterpriseConnectURL is where the calendar administrator's browser goes to
// authorize a service account.
// https://docs.cronofy.com/developers/api/enterprise-connect/request-authorization/
func (c *Client) EnterpriseConnectURL(r EnterpriseConnectRequest) string {
	return c.authorization("/enterprise_connect/oauth/authorize", "redirect_uri", r.RedirectURI, "scope", cmp.Or(r.Scope, DefaultServiceAccountScope),
		"delegated_scope", cmp.Or(r.DelegatedScope, DefaultDelegatedScope), "state", r.State)
}

// authorization keeps the order of parameters in Cronofy's examples, which url.Values
// would sort.
func (c *Client) authorization(path string, namesAndValues ...string) string {
	escape := func(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
	address := c.site.App + path + "?response_type=code&client_id=" + escape(c.app.ClientID)
	for pair := range slices.Chunk(namesAndValues, 2) {
		address += "&" + escape(pair[0]) + "=" + escape(pair[1])
	}
	return address
}

// LinkToken asks for an Organizational Unit link token: single use, short-lived.
// serviceAccountID is the sub of a service account ("ser_…") authorized for this
// application. If a 422 names the field "service_account" instead, and the name is the
// default one, it asks once more with that.
// https://docs.cronofy.com/developers/conferencing-services/enterprise-conferencing/
func (c *Client) LinkToken(ctx context.Context, serviceAccountID string) (Secret, error) {
	const other = "service_account" // as a heading on the same page calls the field
	var out object
	k := call{
		op: "create link token", path: "/v1/organizational_unit_authorization_link_tokens", out: &out,
		bearer: c.app.ClientSecret, body: map[string]string{c.Names.OULinkTokenField: serviceAccountID},
		safe: true, // a second token costs nothing; an unused one expires
	}
	err := c.do(ctx, k)
	e := refusalIn(err)
	if e.Status == http.StatusUnprocessableEntity && e.Fields[other] != nil && c.Names.OULinkTokenField == DefaultNames().OULinkTokenField {
		k.body = map[string]string{other: serviceAccountID}
		err = c.do(ctx, k)
	}
	if err != nil {
		return Secret{}, err
	}
	token := out.object("organizational_unit_authorization_link_token").secret("ou_link_token")
	if token.Empty() {
		return Secret{}, &BadAnswerError{Op: k.op, Reason: "no ou_link_token"}
	}
	return token, nil
}

// Names holds those of the Organizational Unit flow that may turn out otherwise. The
// path, and the authorization URL's other parameters, are documented for this scope; the
// link token's parameter is not (a heading says that it contains "link_token"), and a
// wrong name would most likely be ignored. The field is the example's, which its heading
// contradicts.
// https://docs.cronofy.com/developers/conferencing-services/enterprise-conferencing/
// https://docs.cronofy.com/developers/conferencing-services/indeed-interview/
type Names struct {
	OUAuthorizePath  string // path on the app host
	OULinkTokenParam string // query parameter of the authorization URL
	OULinkTokenField string // field of the link token request
}

// DefaultNames gives the names as they are documented or inferred.
func DefaultNames() Names { return Names{"/oauth/authorize", "ou_link_token", "service_account_id"} }

// Validate refuses names that would send the browser or a credential anywhere
// but where they are meant to go.
func (n Names) Validate() error {
	taken := []string{"response_type", "client_id", "redirect_uri", "scope", "state", "conferencing_provider_name"}
	path := n.OUAuthorizePath
	u, err := url.Parse(path)
	switch {
	case err != nil, CleanText(path, len(path)+1) != path, !strings.HasPrefix(path, "/"), strings.HasPrefix(path, "//"),
		strings.ContainsAny(path, `?#\`), slices.Contains(strings.Split(u.Path, "/"), ".."):
		return fmt.Errorf("the authorization path must be like %s, with neither host, query nor \"..\" in it", DefaultNames().OUAuthorizePath)
	case !isName(n.OULinkTokenParam), slices.Contains(taken, n.OULinkTokenParam):
		return errors.New("the link token's parameter must be letters, digits and underscores, and not the name of another one")
	case !isName(n.OULinkTokenField):
		return errors.New("the link token's field must be letters, digits and underscores")
	}
	return nil
}

func isName(s string) bool {
	return s != "" && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") == ""
}
