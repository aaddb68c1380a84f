package links

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Contents is the whole file.
type Contents struct {
	Links           []Link
	ServiceAccounts []ServiceAccount // authorized here
	Draft           *Draft           // nil: no run is unfinished
	Ledger          []Stored         // each secret that may be in a store, also of what is listed no more
	Browser         string           // as --browser was given last; empty: never

	// SetAside is the path under which the file was put aside in this call
	// because it could not be understood; empty: it could. Newer: it is not
	// damaged but of a newer version of this program.
	SetAside string
	Newer    bool

	extra string
}

// ErrNoLink: nothing is called that.
var ErrNoLink = errors.New("no such link")

// AmbiguousError is a name that several links answer to.
type AmbiguousError struct {
	Ref string   // as given
	IDs []string // of the links meant
}

// Error is one line that lists the IDs.
func (e *AmbiguousError) Error() string {
	return fmt.Sprintf("%q could be any of %s", e.Ref, strings.Join(e.IDs, ", "))
}

// AddLink puts a link first, in the place of one of the same customer.
func (c *Contents) AddLink(l Link) {
	c.RemoveLink(l)
	c.Links = slices.Insert(c.Links, 0, l)
}

// RemoveLink takes the link of the same customer out and tells whether there was
// one.
func (c *Contents) RemoveLink(l Link) bool {
	before := len(c.Links)
	c.Links = slices.DeleteFunc(c.Links, l.Same)
	return len(c.Links) < before
}

// AddServiceAccount puts an account authorized here first, in the place of the
// same one.
func (c *Contents) AddServiceAccount(s ServiceAccount) {
	c.RemoveServiceAccount(s)
	c.ServiceAccounts = slices.Insert(c.ServiceAccounts, 0, s)
}

// RemoveServiceAccount takes an account out and tells whether it was there.
func (c *Contents) RemoveServiceAccount(s ServiceAccount) bool {
	before := len(c.ServiceAccounts)
	c.ServiceAccounts = slices.DeleteFunc(c.ServiceAccounts, func(o ServiceAccount) bool {
		return o.APIHost == s.APIHost && o.ClientID == s.ClientID && o.ID == s.ID
	})
	return len(c.ServiceAccounts) < before
}

// Find looks a link up by its ID, its label or its service account, ignoring
// case. An ID always wins; a name of several links is an *AmbiguousError, an
// unknown one ErrNoLink.
func (c Contents) Find(ref string) (Link, error) {
	ref = strings.TrimSpace(ref)
	for _, name := range []func(Link) string{Link.ID, labelOf, serviceAccountOf} {
		switch found := c.named(ref, name); len(found) {
		case 0:
		case 1:
			return found[0], nil
		default:
			e := &AmbiguousError{Ref: ref}
			for _, l := range found {
				e.IDs = append(e.IDs, l.ID())
			}
			return Link{}, e
		}
	}
	return Link{}, ErrNoLink
}

func labelOf(l Link) string          { return l.Label }
func serviceAccountOf(l Link) string { return l.ServiceAccount }

func (c Contents) named(ref string, name func(Link) string) (found []Link) {
	for _, l := range c.Links {
		if ref != "" && strings.EqualFold(ref, name(l)) {
			found = append(found, l)
		}
	}
	return found
}
