package flow_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"confer/flow"
)

// TestRedirectURIsThatCannotWork: they are refused where they are entered, not
// when the administrator is at work.
func TestRedirectURIsThatCannotWork(t *testing.T) {
	t.Parallel()
	for uri, says := range map[string]string{
		"":                                 "is missing",
		"127.0.0.1:8739":                   "not an address",
		"http://":                          "name a host",
		"ftp://app.example.test/":          "http:// or https://",
		"https://app.example.test/#x":      "no part after #",
		"https://amara@app.example.test/":  "no user name",
		"http://127.0.0.1:66000/callback":  "not a number from 1 to 65535",
		"http://127.0.0.1/callback":        "needs a port",
		"http://127.0.0.1:6000/callback":   "Browsers refuse to open port 6000.",
		"https://app.example.test:010080/": "Browsers refuse to open port 010080.",
		"https://app.example.test/?state=": "holds state=",
		"https://app.example.test/?code=1": "holds code=",
		"https://app.example.test/a b":     "not an address",
	} {
		p := flow.CheckRedirectURI(uri)
		require.NotNil(t, p, uri)
		require.Contains(t, p.Summary, says, uri)
		require.NotEmpty(t, p.Hint, uri)
	}
	for _, uri := range []string{
		flow.DefaultRedirectURI, "http://localhost:8739/callback", "http://[::1]:8739/", "https://app.example.test",
		"https://app.example.test:8443/a?tenant=7", "http://app.example.test/done", "https://192.0.2.7/cb",
	} {
		require.Nil(t, flow.CheckRedirectURI(uri), uri)
	}
}

func TestAddressesToListenOn(t *testing.T) {
	t.Parallel()
	for _, addr := range []string{"127.0.0.1:8080", ":8080", "[::1]:8080", "localhost:1"} {
		require.Nil(t, flow.CheckListen(addr), addr)
	}
	for _, addr := range []string{"", "8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:99999", "127.0.0.1:http"} {
		require.NotNil(t, flow.CheckListen(addr), addr)
	}
}
