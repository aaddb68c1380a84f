package manage

import (
	"context"
	"errors"
	"slices"

	"confer/internal/links"
	"confer/keystore"
)

// SecretState is what is known of one secret without asking anybody anything.
type SecretState string

// The states of a secret.
const (
	// Present: it is there.
	Present SecretState = "present"
	// Missing: the store answered that it is not there.
	Missing SecretState = "missing"
	// Gone: it was kept in memory, and that run has ended.
	Gone SecretState = "gone"
	// None: there never was one.
	None SecretState = "none"
	// Sealed: the secrets file is there; what is in it only a passphrase tells.
	Sealed SecretState = "sealed"
	// Unread: the store cannot be asked, or not without a dialog; Secret.Err tells.
	Unread SecretState = "unread"
)

// ErrDialog: asking could open a dialog, which Status does not.
var ErrDialog = errors.New("asking the keyring could open a dialog")

// Secret is one secret's whereabouts.
type Secret struct {
	State SecretState
	Err   error // why it is Unread; nil otherwise
}

// Problem tells whether something is wrong with it. That a secret was in memory
// only, and is gone, was the operator's choice.
func (s Secret) Problem() bool {
	return s.State == Missing || s.State == Unread && !errors.Is(s.Err, ErrDialog)
}

// LinkStatus is a link and its secrets.
type LinkStatus struct {
	Link         links.Link
	Site         error // why its data center cannot be used; nil: it can
	ClientSecret Secret
	RefreshToken Secret
}

// Problem tells whether something is wrong.
func (l LinkStatus) Problem() bool {
	return l.Site != nil || l.ClientSecret.Problem() || l.RefreshToken.Problem()
}

// AccountStatus is a service account that was authorized here, and its token.
type AccountStatus struct {
	Account      links.ServiceAccount
	RefreshToken Secret
}

// LeftoverStatus is a secret that nothing listed needs.
type LeftoverStatus struct {
	Stored links.Stored
	Secret Secret
}

// Overview is all that Status found.
type Overview struct {
	Links    []LinkStatus
	Accounts []AccountStatus
	Draft    *links.Draft
	// DraftSecret is the client secret of the unfinished answers; its State is
	// empty when they have none in a store.
	DraftSecret Secret
	// Leftover are the secrets of nothing that is listed. One that is known to be
	// gone is not among them.
	Leftover []LeftoverStatus
	// Keyring is what the probe found; its State is empty when nothing is kept there.
	Keyring keystore.Status
	// SetAside is where a damaged file of links was put; empty: it was read.
	// Newer: it is of a newer version.
	SetAside string
	Newer    bool
}

// Problem tells whether something is wrong.
func (o Overview) Problem() bool {
	for _, l := range o.Links {
		if l.Problem() {
			return true
		}
	}
	for _, a := range o.Accounts {
		if a.RefreshToken.Problem() {
			return true
		}
	}
	for _, l := range o.Leftover {
		if l.Secret.Problem() {
			return true
		}
	}
	return o.DraftSecret.Problem() || o.SetAside != ""
}

// Status tells what is linked and where each secret is. It sends nothing, opens
// no dialog and asks for no passphrase. Its error is that of the file of links.
func (m *Manager) Status(ctx context.Context) (Overview, error) {
	c, err := m.Links.Load(ctx)
	if err != nil {
		return Overview{}, err
	}
	o := Overview{Draft: c.Draft, SetAside: c.SetAside, Newer: c.Newer}
	if inKeyring(c) {
		o.Keyring = m.Stores.Probe(ctx)
	}
	e := eye{m: m, keyring: o.Keyring}
	for _, l := range c.Links {
		o.Links = append(o.Links, e.link(ctx, l))
	}
	for _, a := range c.ServiceAccounts {
		key := keystore.Key(links.ServiceAccountKeyParts(a)...)
		o.Accounts = append(o.Accounts, AccountStatus{a, e.see(ctx, a.Store, key)})
	}
	if c.Draft != nil && c.Draft.Kept && links.Outlives(c.Draft.Store) {
		o.DraftSecret = e.stored(ctx, c.Draft.ClientSecret())
	}
	for _, s := range c.Leftover() {
		if seen := e.stored(ctx, s); seen.State != Missing {
			o.Leftover = append(o.Leftover, LeftoverStatus{s, seen})
		}
	}
	return o, nil
}

func inKeyring(c links.Contents) bool {
	return slices.ContainsFunc(c.Ledger, func(s links.Stored) bool { return s.Store == storeKeyring })
}

// eye looks at secrets, with one probe of the keyring for all of them.
type eye struct {
	m       *Manager
	keyring keystore.Status
}

func (e eye) link(ctx context.Context, l links.Link) LinkStatus {
	s := LinkStatus{Link: l, RefreshToken: Secret{State: None}}
	_, s.Site = Site(l)
	s.ClientSecret = e.see(ctx, l.Store, secretKey(l.APIHost, l.ClientID))
	if l.RefreshToken && !l.Unconfirmed {
		s.RefreshToken = e.see(ctx, l.Store, tokenKey(l))
	}
	return s
}

func (e eye) stored(ctx context.Context, s links.Stored) Secret {
	return e.see(ctx, s.Store, keystore.Key(s.KeyParts()...))
}

func (e eye) see(ctx context.Context, kind, key string) Secret {
	if kind == storeKeyring {
		if err := e.blind(); err != nil {
			return Secret{Unread, err}
		}
	}
	store, err := e.m.open(kind)
	switch {
	case errors.Is(err, ErrGone):
		return Secret{State: Gone}
	case err != nil:
		return Secret{Unread, err}
	case kind == storeFile:
		return sealed(store)
	}
	switch has, err := keystore.Has(ctx, store, key); {
	case err != nil:
		return Secret{Unread, err}
	case has:
		return Secret{State: Present}
	}
	return Secret{State: Missing}
}

// blind is why the keyring is not to be asked; nil: it can be.
func (e eye) blind() error {
	switch e.keyring.State {
	case keystore.Ready:
		if e.m.DialogPossible {
			return ErrDialog
		}
		return nil
	case keystore.Locked:
		return &keystore.Error{Op: "get", Store: keystore.Keyring, Err: keystore.ErrLocked, State: e.keyring.State, Detail: e.keyring.Detail}
	}
	return &keystore.Error{Op: "get", Store: keystore.Keyring, Err: keystore.ErrUnavailable, State: e.keyring.State, Detail: e.keyring.Detail}
}

func sealed(store keystore.Store) Secret {
	f, ok := store.(interface{ Exists() (bool, error) })
	if !ok {
		return Secret{State: Sealed}
	}
	there, err := f.Exists()
	switch {
	case err != nil:
		return Secret{Unread, err}
	case !there:
		return Secret{State: Missing}
	}
	return Secret{State: Sealed}
}
