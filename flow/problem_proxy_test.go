package flow_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"confer/cronofy"
	"confer/flow"
)

func TestProxyProblems(t *testing.T) {
	t.Parallel()
	for summary, e := range map[string]cronofy.NetworkError{
		"The proxy's address in HTTPS_PROXY cannot be used.":                                   {},
		"The proxy p:3128 wants a name and a password, or does not accept those it got (407).": {Proxy: "p:3128", ProxyStatus: 407},
		"The proxy p:3128 refused the connection to api.example.test (403 Forbidden).":         {Proxy: "p:3128", ProxyStatus: 403},
		"The proxy p:3128 refused the connection to api.example.test (999).":                   {Proxy: "p:3128", ProxyStatus: 999},
		"The name of the proxy p:3128 could not be found.":                                     {Proxy: "p:3128", ProxyKind: cronofy.NetworkDNS},
		"Nothing answers at the proxy p:3128.":                                                 {Proxy: "p:3128", ProxyKind: cronofy.NetworkRefused},
		"The proxy p:3128 did not answer in time.":                                             {Proxy: "p:3128", ProxyKind: cronofy.NetworkTimeout},
		"The certificate of the proxy p:3128 is not trusted.":                                  {Proxy: "p:3128", ProxyKind: cronofy.NetworkTLS},
		"The connection to api.example.test broke off at the proxy p:3128.":                    {Proxy: "p:3128", ProxyKind: cronofy.NetworkReset},
	} {
		e.Host, e.Kind = "api.example.test", cronofy.NetworkProxy
		p := flow.Explain(&e, flow.StepApplication)
		require.Equal(t, summary, p.Summary)
		require.NotEmpty(t, p.Hint)
		require.Equal(t, flow.CodeNetwork, p.Code)
		require.Equal(t, flow.ExitFailed, p.Exit)
	}
}
