package cronofy

import (
	"slices"
	"strings"
)

// Provider is a value of conferencing_provider_name in the authorization URL, or
// AnyProvider. Another well-formed name than those below is sent as it is.
// https://docs.cronofy.com/developers/conferencing-services/enterprise-conferencing/
type Provider string

// The providers that Cronofy's documentation names. Without one the administrator chooses.
const (
	Zoom        Provider = "zoom_enterprise"
	Webex       Provider = "webex_enterprise"
	Indeed      Provider = "indeed"
	AnyProvider Provider = "any"
)

// Providers lists those that are known, in the order they are offered.
func Providers() []Provider { return []Provider{Zoom, Webex, Indeed, AnyProvider} }

// peoplesNames has what people call providers, by their names in userinfo and in the
// authorization URL, which are open sets.
// https://docs.cronofy.com/developers/api/conferencing-services/conferencing-profiles/
var peoplesNames = map[string]string{
	"zoom":            "Zoom",
	"webex":           "Webex",
	"indeed":          "Indeed",
	"any":             "any provider",
	"go_to":           "GoTo",
	"ms_teams":        "Microsoft Teams",
	"google_meet":     "Google Meet",
	"google_meet_api": "Google Meet",
	"integrated":      "the calendar's own conferencing",
}

func short(name string) string {
	return strings.TrimSuffix(strings.ToLower(strings.TrimSpace(name)), "_enterprise")
}

// FindProvider reads a flag's value, ignoring case and surrounding space: the name
// of a known provider, also without "_enterprise", or any other name of lower-case
// letters, digits and underscores, which Known tells apart.
func FindProvider(name string) (Provider, bool) {
	for _, p := range Providers() {
		if short(string(p)) == short(name) {
			return p, true
		}
	}
	name = strings.ToLower(strings.TrimSpace(name))
	wellFormed := isName(name) && len(name) <= 64 && name[0] >= 'a' && name[0] <= 'z'
	return Provider(name), wellFormed
}

// Known tells whether the provider is one of Providers.
func (p Provider) Known() bool { return slices.Contains(Providers(), p) }

// Name is what people call it: "Zoom".
func (p Provider) Name() string { return ProviderName(string(p)) }

// ProviderName is what people call the provider of a conferencing profile; of one
// that is not known, its name as it came, cleaned of control characters.
func ProviderName(profile string) string {
	if name, ok := peoplesNames[short(profile)]; ok {
		return name
	}
	return CleanText(profile, maxName)
}

// Matches tells whether a conferencing profile's provider_name is this
// provider's; the zero Provider is any. Whether an enterprise profile says "zoom" or "zoom_enterprise" is
// not documented: both are met.
func (p Provider) Matches(profile string) bool {
	return p == AnyProvider || p == "" || short(string(p)) == short(profile)
}
