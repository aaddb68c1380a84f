package cronofy

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// The names that Cronofy's pages do not spell out. They are inferred from the
// sibling flow and from the link token's answer; see Names.
// https://docs.cronofy.com/developers/conferencing-services/enterprise-conferencing/
const (
	DefaultOUAuthorizePath  = "/oauth/authorize"
	DefaultOULinkTokenParam = "ou_link_token"
	DefaultOULinkTokenField = "service_account_id"
)

// otherLinkTokenField is what a heading on the same page calls the field that
// the example body names service_account_id.
const otherLinkTokenField = "service_account"

// Names holds the API's inferred names, so that a wrong guess can be put right
// without a new release. An empty field means the default.
type Names struct {
	OUAuthorizePath  string // path on the app host
	OULinkTokenParam string // query parameter of the authorization URL
	OULinkTokenField string // field of the link token request
}

// DefaultNames gives the names as inferred.
func DefaultNames() Names {
	return Names{DefaultOUAuthorizePath, DefaultOULinkTokenParam, DefaultOULinkTokenField}
}

func (n Names) orDefault() Names {
	d := DefaultNames()
	if n.OUAuthorizePath != "" {
		d.OUAuthorizePath = n.OUAuthorizePath
	}
	if n.OULinkTokenParam != "" {
		d.OULinkTokenParam = n.OULinkTokenParam
	}
	if n.OULinkTokenField != "" {
		d.OULinkTokenField = n.OULinkTokenField
	}
	return d
}

// Validate refuses names that would send the browser or a credential anywhere
// but where they are meant to go.
func (n Names) Validate() error {
	if err := validPath(n.OUAuthorizePath); err != nil {
		return fmt.Errorf("authorization path: %w", err)
	}
	if !isName(n.OULinkTokenParam) {
		return errors.New("link token parameter: must be letters, digits and underscores")
	}
	if isFixedParam(n.OULinkTokenParam) {
		return fmt.Errorf("link token parameter: %s is another parameter's name", n.OULinkTokenParam)
	}
	if !isName(n.OULinkTokenField) {
		return errors.New("link token field: must be letters, digits and underscores")
	}
	return nil
}

func isName(s string) bool {
	return s != "" && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") == ""
}

func isFixedParam(s string) bool {
	switch s {
	case "response_type", "client_id", "redirect_uri", "scope", "state", "conferencing_provider_name":
		return true
	}
	return false
}

func validPath(p string) error {
	u, err := url.Parse(p)
	switch {
	case err != nil, CleanText(p, len(p)+1) != p:
		return errors.New("not a path")
	case !strings.HasPrefix(p, "/"), strings.HasPrefix(p, "//"), u.Host != "", u.Scheme != "", strings.Contains(p, `\`):
		return errors.New("must begin with one slash and hold no host")
	case strings.ContainsAny(p, "?#"):
		return errors.New("must have no query or fragment")
	case slices.Contains(strings.Split(u.Path, "/"), ".."):
		return errors.New("must not climb out of its place")
	}
	return nil
}
