package cronofy

import (
	"net/url"
	"strings"
)

// What Enterprise Connect is asked for if nobody says otherwise.
// https://docs.cronofy.com/developers/api/enterprise-connect/request-authorization/
const (
	DefaultServiceAccountScope = "service_account/accounts/manage service_account/resources/manage"
	DefaultDelegatedScope      = "read_account read_events create_event delete_event"

	ouScope               = "organizational_unit_use_integrations"
	enterpriseConnectPath = "/enterprise_connect/oauth/authorize"
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
	q := query{
		{"response_type", "code"}, {"client_id", c.app.ClientID}, {"redirect_uri", r.RedirectURI},
		{"scope", ouScope}, {"state", r.State}, {"capabilities[]", "conferencing"},
		{c.names.OULinkTokenParam, r.LinkToken.Reveal()},
	}
	if r.Provider != AnyProvider && r.Provider != "" {
		q = append(q, pair{"conferencing_provider_name", string(r.Provider)})
	}
	return c.site.App + c.names.OUAuthorizePath + "?" + q.encode()
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
	if r.Scope == "" {
		r.Scope = DefaultServiceAccountScope
	}
	if r.DelegatedScope == "" {
		r.DelegatedScope = DefaultDelegatedScope
	}
	q := query{
		{"response_type", "code"}, {"client_id", c.app.ClientID}, {"redirect_uri", r.RedirectURI},
		{"scope", r.Scope}, {"delegated_scope", r.DelegatedScope}, {"state", r.State},
	}
	return c.site.App + enterpriseConnectPath + "?" + q.encode()
}

// query keeps the order of Cronofy's examples, which url.Values would sort.
type query []pair

type pair struct{ name, value string }

func (q query) encode() string {
	parts := make([]string, len(q))
	for i, p := range q {
		parts[i] = escapeQuery(p.name) + "=" + escapeQuery(p.value)
	}
	return strings.Join(parts, "&")
}

func escapeQuery(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
