package flow

import (
	"fmt"
	"net/http"
	"strings"

	"confer/cronofy"
)

// proxyWords tells apart what can be wrong with a proxy: each is put right in
// another place.
func proxyWords(e *cronofy.NetworkError) (summary, hint string) {
	const setting = "Check HTTPS_PROXY, and that the proxy runs. NO_PROXY names the hosts that need none."
	switch {
	case e.Proxy == "":
		return "The proxy's address in HTTPS_PROXY cannot be used.", "Set HTTPS_PROXY like http://proxy.example.com:3128, or take it away."
	case e.ProxyStatus == http.StatusProxyAuthRequired:
		return fmt.Sprintf("The proxy %s wants a name and a password, or does not accept those it got (407).", e.Proxy),
			"Put them into HTTPS_PROXY, like http://NAME:PASSWORD@" + e.Proxy + "."
	case e.ProxyStatus != 0:
		answered := strings.TrimSpace(fmt.Sprint(e.ProxyStatus, " ", http.StatusText(e.ProxyStatus)))
		return fmt.Sprintf("The proxy %s refused the connection to %s (%s).", e.Proxy, e.Host, answered),
			"Ask who runs the proxy to let " + e.Host + " through, or name it in NO_PROXY if it can be reached without."
	}
	switch e.ProxyKind {
	case cronofy.NetworkDNS:
		return fmt.Sprintf("The name of the proxy %s could not be found.", e.Proxy), setting
	case cronofy.NetworkRefused:
		return fmt.Sprintf("Nothing answers at the proxy %s.", e.Proxy), setting
	case cronofy.NetworkTimeout:
		return fmt.Sprintf("The proxy %s did not answer in time.", e.Proxy), setting
	case cronofy.NetworkTLS:
		return fmt.Sprintf("The certificate of the proxy %s is not trusted.", e.Proxy),
			"Give its certificate authority with --ca-file, or use http:// in HTTPS_PROXY if the proxy expects that."
	}
	return fmt.Sprintf("The connection to %s broke off at the proxy %s.", e.Host, e.Proxy), setting
}
