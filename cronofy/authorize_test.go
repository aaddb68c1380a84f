package cronofy

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func german() *Client {
	d, _ := FindDataCenter("de")
	return New(d.Site(), testApp(), Options{})
}

func TestAuthorizeURL(t *testing.T) {
	t.Parallel()
	r := AuthorizeRequest{
		RedirectURI: "http://127.0.0.1:8739/callback", State: "9f0c3e1ab27d44f8",
		LinkToken: NewSecret("oult_5Jq8sTn2"), Provider: Zoom,
	}
	const example = "https://app-de.cronofy.com/oauth/authorize?response_type=code&client_id=k3Hn2cWq9ZrT5vXy7LbD&redirect_uri=http%3A%2F%2F127.0.0.1%3A8739%2Fcallback&scope=organizational_unit_use_integrations&state=9f0c3e1ab27d44f8&capabilities%5B%5D=conferencing&ou_link_token=oult_5Jq8sTn2"
	require.Equal(t, example+"&conferencing_provider_name=zoom_enterprise", german().AuthorizeURL(r))
	r.Provider = AnyProvider
	require.Equal(t, example, german().AuthorizeURL(r))
	r.Provider = ""
	require.Equal(t, example, german().AuthorizeURL(r))
}

func TestAuthorizeURLEscapesAndRenames(t *testing.T) {
	t.Parallel()
	c := New(testSite("http://127.0.0.1:1"), App{ClientID: "a b&c=d"}, Options{Names: Names{"/x/y", "link_token", DefaultNames().OULinkTokenField}})
	got := c.AuthorizeURL(AuthorizeRequest{RedirectURI: "https://app.example.test/a?b=c d+e", State: "s#t", LinkToken: NewSecret("é")})
	require.Equal(t, "http://127.0.0.1:1/some/prefix/x/y?response_type=code&client_id=a%20b%26c%3Dd&redirect_uri=https%3A%2F%2Fapp.example.test%2Fa%3Fb%3Dc%20d%2Be&scope=organizational_unit_use_integrations&state=s%23t&capabilities%5B%5D=conferencing&link_token=%C3%A9", got)
}

func TestEnterpriseConnectURL(t *testing.T) {
	t.Parallel()
	r := EnterpriseConnectRequest{RedirectURI: "http://127.0.0.1:8739/callback", State: "s"}
	const start = "https://app-de.cronofy.com/enterprise_connect/oauth/authorize?response_type=code&client_id=k3Hn2cWq9ZrT5vXy7LbD&redirect_uri=http%3A%2F%2F127.0.0.1%3A8739%2Fcallback"
	require.Equal(t, start+"&scope=service_account%2Faccounts%2Fmanage%20service_account%2Fresources%2Fmanage&delegated_scope=read_account%20read_events%20create_event%20delete_event&state=s", german().EnterpriseConnectURL(r))
	r.Scope, r.DelegatedScope = "service_account/accounts/manage", "read_write"
	require.Equal(t, start+"&scope=service_account%2Faccounts%2Fmanage&delegated_scope=read_write&state=s", german().EnterpriseConnectURL(r))
}

func TestNames(t *testing.T) {
	t.Parallel()
	require.NoError(t, DefaultNames().Validate())
	require.NoError(t, Names{"/a/b%20c", "link_token", "service_account"}.Validate())
	for name, n := range map[string]Names{
		"relative":        {"oauth/authorize", "a", "b"},
		"host":            {"//evil.example.test/x", "a", "b"},
		"three slashes":   {"///evil.example.test", "a", "b"},
		"backslash":       {`/\evil.example.test`, "a", "b"},
		"query":           {"/oauth?x=1", "a", "b"},
		"fragment":        {"/oauth#x", "a", "b"},
		"climbs":          {"/oauth/../x", "a", "b"},
		"climbs, escaped": {"/oauth/%2e%2e/x", "a", "b"},
		"control":         {"/oauth\x1b[2J", "a", "b"},
		"bad escape":      {"/%zz", "a", "b"},
		"empty path":      {"", "a", "b"},
		"empty parameter": {"/x", "", "b"},
		"empty field":     {"/x", "a", ""},
		"parameter":       {"/x", "a&b", "b"},
		"taken parameter": {"/x", "state", "b"},
		"field":           {"/x", "a", "b\"c"},
	} {
		require.Error(t, n.Validate(), name)
	}
}
