// Package doctor finds out whether this machine can do a set-up: the keyring, the
// loopback ports, the browser, the terminal, the folder for confer's own files, and
// the way to Cronofy's hosts with its proxy, names, certificates and clock. Each
// check is a row of a table and gives findings; nothing secret is sent, every check
// has a limit, and one cause is told once.
package doctor

import (
	"context"

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
	Sites        []cronofy.Site // the chosen one, or all
	Chosen       bool           // one was: its app host is looked at, too
	RedirectURIs []string       // that a set-up could use, the first one first
	Listen       string         // --listen
	Browser      string         // --browser
	Opener       opener.Machine
	Terminal     Terminal
	Folder       string   // of confer's own files
	FolderErr    error    // why it is not known
	Files        []string // names in it
	CAFile       string   // --ca-file
	Probe        func(context.Context) keystore.Status
	Keyring      keystore.Store
}

// check is a row of the table.
type check struct {
	name string
	run  func(*Machine, context.Context) []Finding
}

// checks are in the order in which they are told. The network is looked at
// meanwhile, and told last.
func checks() []check {
	return []check{
		{"keyring", (*Machine).keyring},
		{"port", (*Machine).ports},
		{"browser", (*Machine).browser},
		{"terminal", (*Machine).terminal},
		{"folder", (*Machine).folder},
	}
}

// Examine runs all checks and tells what they found, as soon as it is known, until
// tell says that nobody listens.
func (m *Machine) Examine(ctx context.Context, tell func(Finding) bool) {
	ctx, cancel := context.WithCancel(ctx)
	network := make(chan []Finding, 1)
	go func() { network <- m.network(ctx) }() // ends by its own limits, and is waited for below
	defer func() {
		cancel()
		if network != nil {
			<-network
		}
	}()
	for _, c := range checks() {
		for _, f := range c.run(m, ctx) {
			f.Check = c.name
			if !tell(f) {
				return
			}
		}
	}
	found := <-network
	network = nil
	for _, f := range found {
		if !tell(f) {
			return
		}
	}
}

func clean(text string) string { return cronofy.CleanText(text, 120) }
