package flow

import (
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"confer/cronofy"
	"confer/flow/callback"
)

// DefaultRedirectURI is fixed, port included, because Cronofy's list of
// permitted redirect URIs is exact for applications in production.
// https://docs.cronofy.com/developers/faqs/verify-application/
const DefaultRedirectURI = "http://127.0.0.1:8739/callback"

// RedirectURIs are those that confer uses unless one is given: the default, and
// those that are offered when its port is busy.
func RedirectURIs() []string {
	return []string{DefaultRedirectURI, "http://127.0.0.1:8740/callback", "http://127.0.0.1:8741/callback"}
}

// otherRedirectURIs are RedirectURIs but for the one on a port that cannot be had.
func otherRedirectURIs(port int) []string {
	return slices.DeleteFunc(RedirectURIs(), func(uri string) bool {
		u, err := url.Parse(uri)
		return err == nil && u.Port() == strconv.Itoa(port)
	})
}

// servicePrefix is all that is documented of a service account id's form.
const servicePrefix = "ser_"

// maxID is far above any id ever seen (28 characters), and well inside a
// keyring's key.
const maxID = 100

// LoopbackRedirect tells whether a redirect URI is plain http to this machine,
// so that confer listens there itself (RFC 8252 section 7.3).
func LoopbackRedirect(uri string) bool {
	u, err := url.Parse(uri)
	return err == nil && u.Scheme == "http" && cronofy.LoopbackHost(u.Hostname())
}

// CheckServiceAccountID says what is wrong with a service account id, or nil.
func CheckServiceAccountID(id string) *Problem {
	const where = "It is the sub your application got when the calendar administrator authorized Enterprise Connect."
	switch {
	case id == "":
		return usage("The service account id is missing.", "Enter the id that begins with ser_. "+where)
	case !strings.HasPrefix(id, servicePrefix) || len(id) == len(servicePrefix):
		return usage("A service account id begins with ser_ and goes on after that.", where)
	case len(id) > maxID || strings.IndexFunc(id, notIDRune) >= 0:
		return usage("That is not a service account id: it holds characters that ids do not have.", "Paste the id alone, like ser_6710aa01c0ffee0123456789. "+where)
	}
	return nil
}

// CheckClientID says what is wrong with a client id, or nil.
func CheckClientID(id string) *Problem {
	switch {
	case id == "":
		return usage("The client id is missing.", "You find it at your application in Cronofy's developer dashboard.")
	case len(id) > maxID || strings.IndexFunc(id, notIDRune) >= 0:
		return usage("That is not a client id: it holds characters that ids do not have.", "Paste the client id alone, from your application in Cronofy's developer dashboard.")
	}
	return nil
}

// CheckClientSecret says what is wrong with a client secret, or nil. An empty one
// is the stored one.
func CheckClientSecret(s cronofy.Secret) *Problem {
	if strings.IndexFunc(s.Reveal(), func(r rune) bool { return r <= ' ' || r > '~' }) >= 0 {
		return usage("The client secret holds a space, a line break or another character that secrets do not have.", "Paste it again, alone.")
	}
	return nil
}

func notIDRune(r rune) bool {
	return r > unicode.MaxASCII || !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-.~", r))
}

// CheckRedirectURI says what is wrong with a redirect URI, or nil.
// https://docs.cronofy.com/developers/faqs/verify-application/
func CheckRedirectURI(uri string) *Problem {
	const hint = "Give it exactly as it is registered at Cronofy, like " + DefaultRedirectURI + "."
	u, err := url.Parse(uri)
	switch {
	case uri == "":
		return usage("The redirect URI is missing.", hint)
	case err != nil || strings.IndexFunc(uri, func(r rune) bool { return r <= ' ' || r > '~' }) >= 0:
		return usage("The redirect URI is not an address.", hint)
	case u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "":
		return usage("The redirect URI must begin with http:// or https:// and name a host.", hint)
	case u.Fragment != "" || u.User != nil || strings.Contains(uri, "#"):
		return usage("The redirect URI must have no user name and no part after #.", hint)
	case u.Port() != "" && !validPort(u.Port()):
		return usage("The port in the redirect URI is not a number from 1 to 65535.", hint)
	case LoopbackRedirect(uri) && u.Port() == "":
		return usage("The redirect URI needs a port, because confer listens there itself.", hint)
	case u.Port() != "" && unsafePort(u.Port()):
		return usage("Browsers refuse to open port "+u.Port()+".", "Take another port, like that of "+DefaultRedirectURI+".")
	case shortAddress(u.Hostname()):
		return usage("The redirect URI names its machine by part of an address.", "Write all four numbers, like "+DefaultRedirectURI+".")
	}
	for _, name := range []string{"code", "state", "error"} {
		if u.Query().Has(name) {
			return usage("The redirect URI holds "+name+"= already, which Cronofy's answer adds.", "Register one without it at Cronofy.")
		}
	}
	return nil
}

// shortAddress tells whether a host is numbers that browsers complete to an IP
// address (127.1): programs differ in which one.
// https://url.spec.whatwg.org/#concept-ipv4-parser
func shortAddress(host string) bool {
	_, err := netip.ParseAddr(host)
	return err != nil && strings.Trim(host, ".0123456789") == ""
}

func validPort(p string) bool {
	n, err := strconv.Atoi(p)
	return err == nil && n >= 1 && n <= 65535
}

func unsafePort(p string) bool {
	n, err := strconv.Atoi(p)
	return err == nil && !callback.SafePort(n)
}

// CheckListen says what is wrong with a host:port to listen on, or nil.
func CheckListen(addr string) *Problem {
	_, port, err := net.SplitHostPort(addr)
	if err != nil || !validPort(port) {
		return usage("An address to listen on is host:port.", "For example 127.0.0.1:8080.")
	}
	return nil
}

func checkApplicationAnswer(ev ApplicationEntered) *Problem {
	if p := CheckClientID(ev.ClientID); p != nil {
		return p
	}
	if p := CheckClientSecret(ev.ClientSecret); p != nil {
		return p
	}
	return CheckRedirectURI(ev.RedirectURI)
}

// checkProvider takes the providers that confer knows, and another well-formed
// name: Cronofy may support more by now.
func (s State) checkProvider(p cronofy.Provider) *Problem {
	switch {
	case p == "":
		return usage("The provider is missing.", "Choose one, or let the administrator choose.")
	case len(p) > 60 || strings.Trim(string(p), "abcdefghijklmnopqrstuvwxyz0123456789_") != "":
		return usage("That is no name of a provider.", "Names are like "+string(cronofy.Zoom)+": small letters, digits and _.")
	}
	return s.CheckNoSecret(string(p))
}

// unknownProvider says that a name is sent as it is; empty: confer knows it.
func unknownProvider(p cronofy.Provider) string {
	if slices.Contains(cronofy.Providers(), p) {
		return ""
	}
	return "confer does not know the provider " + string(p) + ". The name is sent to Cronofy as it is."
}

func checkAccountsAnswer(a Accounts) *Problem {
	switch {
	case a.Kind == AccountsFile && a.Path == "":
		return usage("The file with the accounts is missing.", "Name a CSV or JSON lines file with the columns email and access_token, or choose another way.")
	case a.Kind == AccountsToken && a.Token.Empty():
		return usage("The access token is missing.", "Paste one account's access token, or choose another way.")
	case a.Kind == AccountsToken && strings.IndexFunc(a.Token.Reveal(), func(r rune) bool { return r <= ' ' || r > '~' }) >= 0:
		return usage("The access token holds a space or another character that tokens do not have.", "Paste it again, alone.")
	}
	return nil
}
