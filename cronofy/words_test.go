package cronofy

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
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
	certificate := &x509.Certificate{Issuer: pkix.Name{Organization: []string{"Acme"}}, DNSNames: []string{"proxy.example.com"},
		NotBefore: time.Date(2020, 1, 2, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2021, 1, 2, 0, 0, 0, 0, time.UTC)}
	refused := func(why error) error {
		return &tls.CertificateVerificationError{UnverifiedCertificates: []*x509.Certificate{certificate}, Err: why}
	}
	dial := func(why error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: why} }
	notFound := dial(&net.DNSError{Err: "no such host", Name: "api-de.cronofy.com", IsNotFound: true})
	plain, proxied, encrypted := &url.URL{Scheme: "http", Host: "proxy.example.com:3128"}, Progress{asked: true}, Progress{asked: true}
	proxied.proxy, encrypted.proxy = plain, &url.URL{Scheme: "https", Host: plain.Host}
	direct, handshake, sent := Progress{asked: true}, Progress{asked: true, handshakes: 1}, Progress{asked: true, connected: true}
	behind := Progress{asked: true, connected: true, proxy: plain}
	encrypted.handshakes = 1
	var all strings.Builder
	for _, row := range []struct {
		came *Progress
		err  error
	}{
		{&direct, errors.New("anything")}, {&direct, notFound}, {&direct, dial(syscall.ECONNREFUSED)}, {&direct, dial(syscall.EHOSTUNREACH)}, {&direct, dial(syscall.EACCES)},
		{&behind, context.DeadlineExceeded}, {&sent, io.EOF}, {&sent, errors.New("malformed HTTP response")},
		{&handshake, refused(x509.HostnameError{Certificate: certificate, Host: "api-de.cronofy.com"})},
		{&handshake, refused(x509.CertificateInvalidError{Cert: certificate, Reason: x509.Expired})},
		{&handshake, refused(x509.CertificateInvalidError{Cert: certificate, Reason: x509.TooManyIntermediates})},
		{&handshake, refused(x509.SystemRootsError{})}, {&handshake, errors.New("remote error: tls: protocol version not supported")},
		{&handshake, http.ErrSchemeMismatch}, {&handshake, errors.New("remote error: tls: handshake failure")},
		{&handshake, refused(x509.UnknownAuthorityError{Cert: certificate})},
		{&direct, &proxyError{reason: "it names no host"}}, {&proxied, &proxyError{status: 407}}, {&proxied, &proxyError{status: 403}}, {&proxied, &proxyError{status: 999}},
		{&proxied, notFound}, {&proxied, dial(syscall.ECONNREFUSED)}, {&proxied, context.DeadlineExceeded}, {&encrypted, refused(x509.UnknownAuthorityError{Cert: certificate})},
		{&encrypted, http.ErrSchemeMismatch},
		{&proxied, errors.New("malformed HTTP response")}, {&proxied, io.EOF},
	} {
		summary, hint := row.came.Failed("reach", "api-de.cronofy.com", row.err).Words()
		fmt.Fprintf(&all, "%s\n    %s\n", strings.ReplaceAll(summary, today, "26 November 2026"), hint)
	}

	all.WriteString("\nThe file of --ca-file cannot be used:\n")
	file := filepath.Join(t.TempDir(), "ca.pem")
	for _, holds := range []string{"", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"} {
		require.NoError(t, os.WriteFile(file, []byte(holds), 0o600))
		_, err := NewHTTPClient(file)
		fmt.Fprintf(&all, "    %s\n", strings.ReplaceAll(err.Error(), file, "ca.pem"))
	}

	all.WriteString("\nAnswers that cannot be used:\n")
	for _, e := range endpoints() {
		if e.good != "" {
			c, mux := setup(t, Options{})
			mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { reply(w, 200, "{}") })
			fmt.Fprintf(&all, "    %v\n", e.call(t.Context(), c))
		}
	}
	for _, body := range []string{"[]", "{}"} {
		_, err := ParseWebhook([]byte(body))
		fmt.Fprintf(&all, "    %v\n", err)
	}
	all.WriteString("\nProviders of profiles:\n")
	for _, p := range []string{"zoom_enterprise", "ms_teams", "google_meet", "integrated", "any", "holo_meet"} {
		fmt.Fprintf(&all, "    %s: %s\n", p, ProviderName(p))
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
	_, err := NewSecret("x").MarshalText()
	fmt.Fprintf(&all, "    %v\n", err)
	golden.Equal(t, "testdata/words.txt", all.String())
}
