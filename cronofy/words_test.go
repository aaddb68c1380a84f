package cronofy

import (
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"confer/internal/golden"
)

// TestWordsOfTheNetwork: what people read when no answer came, and what they can do.
func TestWordsOfTheNetwork(t *testing.T) {
	t.Parallel()
	today := time.Now().Format("2 January 2006")
	certificate := &x509.Certificate{DNSNames: []string{"proxy.example.com"}, NotBefore: time.Date(2031, 1, 2, 0, 0, 0, 0, time.UTC),
		NotAfter: time.Date(2020, 1, 2, 0, 0, 0, 0, time.UTC)}
	const proxy = "proxy.example.com:3128"
	var all strings.Builder
	tell := func(e NetworkError) {
		e.Host = "api-de.cronofy.com"
		summary, hint := e.Words()
		fmt.Fprintf(&all, "%s\n    %s\n", strings.ReplaceAll(summary, today, "26 November 2026"), hint)
	}
	for _, e := range []NetworkError{
		{}, {Kind: NetworkDNS}, {Kind: NetworkRefused}, {Kind: NetworkRefused, Err: syscall.EHOSTUNREACH}, {Kind: NetworkRefused, Err: syscall.EACCES},
		{Kind: NetworkTimeout, Proxy: proxy}, {Kind: NetworkReset}, {Kind: NetworkProtocol},
		{Kind: NetworkTLS, TLS: TLSOtherName, certificate: certificate}, {Kind: NetworkTLS, TLS: TLSExpired, certificate: certificate},
		{Kind: NetworkTLS, TLS: TLSExpired}, {Kind: NetworkTLS, TLS: TLSNotYetValid, certificate: certificate},
		{Kind: NetworkTLS, TLS: TLSInvalid, Issuer: "Acme", Err: errors.New("tls: failed to verify certificate: x509: too many intermediates")},
		{Kind: NetworkTLS, TLS: TLSNoRoots}, {Kind: NetworkTLS, TLS: TLSOldVersion}, {Kind: NetworkTLS, TLS: TLSNone}, {Kind: NetworkTLS, TLS: TLSRefused},
		{Kind: NetworkTLS, TLS: TLSUntrusted}, {Kind: NetworkTLS, TLS: TLSUntrusted, Issuer: "Acme"}, {Kind: NetworkTLS, TLS: TLSUntrusted, Issuer: "Acme", OwnCA: true},
		{Kind: NetworkProxy}, {Kind: NetworkProxy, Err: &proxyError{reason: "it names no host"}},
		{Kind: NetworkProxy, Proxy: proxy, ProxyStatus: 407}, {Kind: NetworkProxy, Proxy: proxy, ProxyStatus: 403},
		{Kind: NetworkProxy, Proxy: proxy, ProxyKind: NetworkDNS}, {Kind: NetworkProxy, Proxy: proxy, ProxyKind: NetworkRefused},
		{Kind: NetworkProxy, Proxy: proxy, ProxyKind: NetworkTimeout}, {Kind: NetworkProxy, Proxy: proxy, ProxyKind: NetworkTLS},
		{Kind: NetworkProxy, Proxy: proxy, ProxyKind: NetworkProtocol}, {Kind: NetworkProxy, Proxy: proxy, ProxyKind: NetworkReset},
	} {
		tell(e)
	}

	all.WriteString("\nThe file of --ca-file cannot be used:\n")
	file := filepath.Join(t.TempDir(), "ca.pem")
	for _, holds := range []string{"", "a", "-----BEGIN CERTIFICATE-----\nAAAA", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
		"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", strings.Repeat(" ", maxCAFile+1)} {
		require.NoError(t, os.WriteFile(file, []byte(holds), 0o600))
		_, err := NewHTTPClient(HTTPOptions{CAFile: file})
		fmt.Fprintf(&all, "    %s\n", strings.ReplaceAll(err.Error(), file, "ca.pem"))
	}

	all.WriteString("\nCalls that cannot be made:\n")
	for _, site := range []string{"https://user@api.example.com", "ftp://api.example.com", "https://"} {
		_, err := DataCenters()[0].Site().Override(site, "")
		fmt.Fprintf(&all, "    %v\n", err)
	}
	for _, change := range []func(*Names){
		func(n *Names) { n.OULinkTokenParam = "a b" }, func(n *Names) { n.OULinkTokenParam = "scope" }, func(n *Names) { n.OULinkTokenField = "a b" },
		func(n *Names) { n.OUAuthorizePath = "/%zz" }, func(n *Names) { n.OUAuthorizePath = "//elsewhere/oauth" },
		func(n *Names) { n.OUAuthorizePath = "/oauth?a=b" }, func(n *Names) { n.OUAuthorizePath = "/../oauth" },
	} {
		names := DefaultNames()
		change(&names)
		fmt.Fprintf(&all, "    %v\n", names.Validate())
	}
	_, err := NewSecret("x").MarshalJSON()
	_, textErr := NewSecret("x").MarshalText()
	fmt.Fprintf(&all, "    %v\n    %v\n", err, textErr)
	golden.Equal(t, "testdata/words.txt", all.String())
}
