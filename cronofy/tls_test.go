package cronofy

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func certificateFile(t *testing.T, c *x509.Certificate) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}), 0o600))
	return file
}

// certificate makes one for api.example.com, signed by itself, after a change.
func certificate(t *testing.T, change func(*x509.Certificate)) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{Organization: []string{"Acme Co"}},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"api.example.com"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true, IsCA: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	change(c)
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	require.NoError(t, err)
	leaf, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// TestTLSReasons: each reason has its own words, whether there is a CA file or not.
func TestTLSReasons(t *testing.T) {
	t.Parallel()
	same := func(*x509.Certificate) {}
	any := func(*tls.Config) {}
	for name, test := range map[string]struct {
		change func(*x509.Certificate)
		server func(*tls.Config)
		plain  bool
		ca     bool
		reason TLSReason
		says   string
	}{
		"untrusted":     {same, any, false, false, TLSUntrusted, "The certificate of api.example.com is not trusted; it was issued by Acme Co."},
		"other name":    {func(c *x509.Certificate) { c.DNSNames = []string{"login.hotel.test"} }, any, false, true, TLSOtherName, "is not for api.example.com but for login.hotel.test"},
		"expired":       {func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }, any, false, true, TLSExpired, "ended on " + time.Now().Add(-time.Minute).UTC().Format("2 January 2006") + "; this machine's clock says"},
		"not yet valid": {func(c *x509.Certificate) { c.NotBefore = time.Now().Add(30 * time.Minute) }, any, false, true, TLSNotYetValid, "is valid from"},
		"wrong use": {func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }, any, false, true, TLSInvalid,
			"breaks a rule: x509: certificate specifies an incompatible key usage"},
		"TLS 1.1": {same, func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 }, false, true, TLSOldVersion, "offers only an old version of TLS"},
		"TLS 1.0": {same, func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS10 }, false, true, TLSOldVersion, "offers only an old version of TLS"},
		"no TLS":  {same, any, true, true, TLSNone, "answered, but without encryption"},
		"no cipher in common": {same, func(c *tls.Config) {
			c.MaxVersion, c.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_RSA_WITH_AES_128_CBC_SHA}
		}, false, true, TLSRefused, "was refused"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cert := certificate(t, test.change)
			s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a request arrived") }))
			s.Config.ErrorLog = quiet()
			s.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
			test.server(s.TLS)
			if test.plain {
				s.Start()
			} else {
				s.StartTLS()
			}
			t.Cleanup(s.Close)
			o := HTTPOptions{DialContext: to(s.Listener.Addr().String()), Proxy: noProxy}
			if test.ca {
				o.CAFile = certificateFile(t, cert.Leaf)
			}
			_, err := clientFor(t, "https://api.example.com", o).Exchange(t.Context(), NewSecret("code"), "http://127.0.0.1:8739/callback")
			var n *NetworkError
			require.ErrorAs(t, err, &n)
			require.Equal(t, NetworkTLS, n.Kind, "%v", err)
			require.Equal(t, test.reason, n.TLS, "%v", err)
			summary, hint := n.Words()
			require.Contains(t, summary, test.says)
			require.NotEmpty(t, hint)
			require.Equal(t, test.reason == TLSUntrusted, hint == "If a company proxy opens TLS, give its certificate authority with --ca-file.", hint)
			require.True(t, MayRepeat(err), "the code is still good")
		})
	}
}

func TestUntrustedDespiteACAFile(t *testing.T) {
	t.Parallel()
	s := httptest.NewUnstartedServer(nil)
	s.Config.ErrorLog = quiet()
	s.StartTLS()
	t.Cleanup(s.Close)
	other := certificate(t, func(*x509.Certificate) {})
	c := clientFor(t, "https://example.com", HTTPOptions{CAFile: certificateFile(t, other.Leaf), DialContext: to(s.Listener.Addr().String()), Proxy: noProxy})
	_, err := c.UserInfo(t.Context(), NewSecret(accessToken))
	var n *NetworkError
	require.ErrorAs(t, err, &n)
	summary, hint := n.Words()
	require.Equal(t, "The certificate of example.com was issued by Acme Co, whom neither this machine nor the file of --ca-file trusts.", summary)
	require.Contains(t, hint, "into the file")
}
