package profiles

import (
	"net/url"
	"strings"

	"confer/cronofy"
)

// CanOpen tells whether a profile's relink URL may be opened in a browser with
// one key: only the data center's own app host is trusted with that, and only
// over https (over http if the app itself is on this machine, as the sandbox
// is). Any other is shown as text.
func CanOpen(relink string, site cronofy.Site) bool {
	app, err := url.Parse(site.App)
	if err != nil || app.Host == "" || cronofy.CleanText(relink, maxLink) != relink {
		return false
	}
	u, err := url.Parse(relink)
	if err != nil || u.User != nil || u.Opaque != "" {
		return false
	}
	if u.Scheme != "https" && (app.Scheme != "http" || !cronofy.LoopbackHost(app.Hostname())) {
		return false
	}
	return u.Scheme == app.Scheme && strings.EqualFold(u.Host, app.Host)
}
