package sandbox

import (
	"net/url"
	"strings"
)

// Permittable tells whether a redirect URI can be on the list of permitted ones:
// absolute, http or https, without fragment or user.
func Permittable(uri string) bool { return webAddress(uri) }

// redirectAllowed tells whether an answer may go to this redirect URI: any http
// or https one in development mode, else one of the list, character by character.
// https://docs.cronofy.com/developers/faqs/verify-application/
func (s *Server) redirectAllowed(uri string) bool {
	if !webAddress(uri) {
		return false
	}
	if s.opts.PermittedRedirectURIs == nil {
		return true
	}
	for _, p := range s.opts.PermittedRedirectURIs {
		if p == uri || matchesWildcard(p, uri) {
			return true
		}
	}
	return false
}

// matchesWildcard knows "*" as the whole first label of the host, standing for
// one label or more.
func matchesWildcard(pattern, uri string) bool {
	scheme, rest, ok := strings.Cut(pattern, "://*.")
	if !ok {
		return false
	}
	host, path, _ := strings.Cut(rest, "/")
	u, err := url.Parse(uri)
	if err != nil {
		return false
	}
	sub, ok := strings.CutSuffix(u.Host, "."+host)
	return ok && sub != "" && uri == scheme+"://"+u.Host+"/"+path
}

// answerURL adds parameters to a redirect URI, which may have a query of its own.
func answerURL(redirectURI string, pairs [][2]string) string {
	parts := make([]string, len(pairs))
	for i, p := range pairs {
		parts[i] = p[0] + "=" + url.QueryEscape(p[1])
	}
	joint := "?"
	if strings.Contains(redirectURI, "?") {
		joint = "&"
	}
	return redirectURI + joint + strings.Join(parts, "&")
}
