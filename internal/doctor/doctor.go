// Package doctor finds out whether this machine can do a set-up: the keyring, the
// loopback ports, the browser, the folder for confer's own files, and the way to
// Cronofy's hosts with its proxy, names, certificates and clock. Nothing secret is
// sent, every check has a limit, and one cause is told once.
package doctor

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"confer/cronofy"
	"confer/internal/opener"
	"confer/keystore"
)

// State tells whether something has to be done.
type State string

// The states of a Finding.
const (
	OK      State = "ok"
	Note    State = "note" // worth knowing; nothing has to be done
	Problem State = "problem"
)

// Finding is the outcome of one check.
type Finding struct {
	Check   string // "keyring", "port", "browser", ...
	State   State
	Message string // what is the case
	Next    string // what to do; may be empty
}

// Machine is what is looked at.
type Machine struct {
	Sites        []cronofy.Site // the chosen one, whose app host is looked at, too, or all
	RedirectURIs []string       // that a set-up could use, the first one first
	Listen       string         // --listen
	Browser      string         // --browser
	Opener       opener.Machine
	Folder       string   // of confer's own files
	FolderErr    error    // why it is not known
	Files        []string // names in it
	CAFile       string   // --ca-file
	Probe        func(context.Context) keystore.Status
	Keyring      keystore.Store
}

// Examine runs all checks, in the order in which they are told, and tells what they
// found, as soon as it is known, until tell says that nobody listens. The network is
// looked at meanwhile, and told last.
func (m *Machine) Examine(ctx context.Context, tell func(Finding) bool) {
	ctx, cancel := context.WithCancel(ctx)
	network, over := []Finding(nil), make(chan struct{})
	go func() { network = m.network(ctx); close(over) }() // ends by its own limits, and is waited for
	defer func() { cancel(); <-over }()
	last := func(context.Context) []Finding { <-over; return network }
	for _, check := range []func(context.Context) []Finding{m.keyring, m.ports, m.browser, m.folder, last} {
		for _, f := range check(ctx) {
			if !tell(f) {
				return
			}
		}
	}
}

func clean(text string) string { return cronofy.CleanText(text, 120) }

// SiteName names a data center with its host, or the host alone that stands in its
// place; empty: none is chosen.
func SiteName(s cronofy.Site) string {
	switch {
	case !s.Chosen():
		return ""
	case s.Overridden() && !s.Sandbox:
		return clean(s.APIHost())
	}
	return s.DataCenter.Name + " (" + s.DataCenter.Site().APIHost() + ")"
}

// SupportAddress is where redirect URIs are added to an application's permitted
// list. https://docs.cronofy.com/developers/faqs/verify-application/
const SupportAddress = "support@cronofy.com"

// Registration is the message that tells Cronofy the redirect URIs of an application,
// whose list is exact in production. Empty is what is not known here.
func Registration(clientID, dataCenter string, redirectURIs []string) string {
	id, place := cmp.Or(clientID, "(your client id)"), cmp.Or(dataCenter, "(your data center)")
	return fmt.Sprintf(`To: %s
Subject: Permitted redirect URIs for application %s

Hello,

please add these redirect URIs to the permitted redirect URIs of our application, exactly as written:

  %s

Client id: %s
Data center: %s

They are used for the authorization of Enterprise Conferencing.

Thank you
`, SupportAddress, id, strings.Join(redirectURIs, "\n  "), id, place)
}
