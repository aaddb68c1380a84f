package cronofy

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
)

// DataCenter is one of Cronofy's separate instances. Client ids, secrets,
// service accounts and tokens belong to one of them.
// https://docs.cronofy.com/developers/data-centers/
type DataCenter struct {
	ID      string // "SDK identifier", e.g. "de"
	Name    string // "Germany"
	Flag    string // two regional indicator symbols; terminals differ in measuring them
	APIHost string // "api-de.cronofy.com"
	AppHost string // "app-de.cronofy.com", where administrators' browsers go
}

// DataCenters lists all, the default first.
// https://docs.cronofy.com/developers/conferencing-services/enterprise-conferencing/
func DataCenters() []DataCenter {
	return []DataCenter{
		{"us", "United States", "🇺🇸", "api.cronofy.com", "app.cronofy.com"},
		{"au", "Australia", "🇦🇺", "api-au.cronofy.com", "app-au.cronofy.com"},
		{"ca", "Canada", "🇨🇦", "api-ca.cronofy.com", "app-ca.cronofy.com"},
		{"de", "Germany", "🇩🇪", "api-de.cronofy.com", "app-de.cronofy.com"},
		{"sg", "Singapore", "🇸🇬", "api-sg.cronofy.com", "app-sg.cronofy.com"},
		{"uk", "United Kingdom", "🇬🇧", "api-uk.cronofy.com", "app-uk.cronofy.com"},
	}
}

// FindDataCenter looks an id up, ignoring case and surrounding space.
func FindDataCenter(id string) (DataCenter, bool) {
	id = strings.ToLower(strings.TrimSpace(id))
	for _, d := range DataCenters() {
		if d.ID == id {
			return d, true
		}
	}
	return DataCenter{}, false
}

// Site is where calls and browsers go: a data center, or base URLs put in its
// place. It is comparable. The zero Site means that none was chosen.
type Site struct {
	DataCenter DataCenter
	API        string // base URL without a trailing slash
	App        string // base URL without a trailing slash
	Sandbox    bool   // the URLs are those of our own embedded sandbox
}

// Site gives the data center's own hosts.
func (d DataCenter) Site() Site {
	return Site{DataCenter: d, API: "https://" + d.APIHost, App: "https://" + d.AppHost}
}

// Override puts other base URLs in place; an empty one keeps what is there.
// Plain http is allowed only to a loopback host, because the client secret
// travels on it.
func (s Site) Override(api, app string) (Site, error) {
	var err error
	if s.API, err = baseURL(cmp.Or(api, s.API)); err != nil {
		return Site{}, fmt.Errorf("API URL: %w", err)
	}
	if s.App, err = baseURL(cmp.Or(app, s.App)); err != nil {
		return Site{}, fmt.Errorf("app URL: %w", err)
	}
	return s, nil
}

// Chosen tells whether there is a site at all.
func (s Site) Chosen() bool { return s.API != "" }

// Overridden tells whether a base URL is not the data center's own.
func (s Site) Overridden() bool {
	own := s.DataCenter.Site()
	return s.API != own.API || s.App != own.App
}

// APIHost is the API's host with its port if it has one: what tells one
// Cronofy from another in stored keys and on screen.
func (s Site) APIHost() string { return hostOf(s.API) }

// AppHost is the host that administrators' browsers go to.
func (s Site) AppHost() string { return hostOf(s.App) }

func hostOf(base string) string {
	_, rest, _ := strings.Cut(base, "://")
	host, _, _ := strings.Cut(rest, "/")
	return host
}

func baseURL(raw string) (string, error) {
	u, err := url.Parse(strings.TrimSpace(raw))
	if err != nil {
		return "", errors.New("not an address") // url.Error quotes the input, which may hold a password
	}
	switch {
	case u.Scheme != "https" && u.Scheme != "http", u.Hostname() == "":
		return "", errors.New("must be like https://api.example.com")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return "", errors.New("must have no user, query or fragment")
	case u.Scheme == "http" && !LoopbackHost(u.Hostname()):
		return "", errors.New("plain http is allowed only to this machine (127.0.0.1, ::1, localhost)")
	}
	return strings.TrimRight(u.Scheme+"://"+u.Host+u.EscapedPath(), "/"), nil
}

// LoopbackHost tells whether a host name or address, without port, is this
// machine's loopback interface.
func LoopbackHost(host string) bool {
	return strings.EqualFold(host, "localhost") || net.ParseIP(host).IsLoopback()
}
