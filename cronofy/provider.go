package cronofy

import "strings"

// Provider is what the administrator is asked to connect: a value of
// conferencing_provider_name in the authorization URL, or AnyProvider.
// https://docs.cronofy.com/developers/conferencing-services/enterprise-conferencing/
type Provider string

// The providers that the authorization URL knows, and the one that leaves the
// choice to the administrator (no conferencing_provider_name is sent).
const (
	Zoom        Provider = "zoom_enterprise"
	Webex       Provider = "webex_enterprise"
	Indeed      Provider = "indeed"
	AnyProvider Provider = "any"
)

// Providers lists all four in the order they are offered.
func Providers() []Provider { return []Provider{Zoom, Webex, Indeed, AnyProvider} }

// FindProvider looks a flag's value up, ignoring case and surrounding space.
func FindProvider(name string) (Provider, bool) {
	name = strings.ToLower(strings.TrimSpace(name))
	for _, p := range Providers() {
		if string(p) == name {
			return p, true
		}
	}
	return "", false
}

// Name is what people call it: "Zoom".
func (p Provider) Name() string {
	switch p {
	case Zoom:
		return "Zoom"
	case Webex:
		return "Webex"
	case Indeed:
		return "Indeed"
	case AnyProvider:
		return "any provider"
	}
	return string(p)
}

// Matches tells whether a conferencing profile's provider_name is this
// provider's. Userinfo's names are an open set, and whether an enterprise
// profile says "zoom" or "zoom_enterprise" is not documented: both are met.
func (p Provider) Matches(profile string) bool {
	if p == AnyProvider {
		return true
	}
	return profile == string(p) || profile == strings.TrimSuffix(string(p), "_enterprise")
}
