package links

import (
	"context"
	"errors"
	"slices"

	"confer/cronofy"
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
	// Sealed: the encrypted file is there; what is in it only a passphrase tells.
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
	Link         Link
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
	Account      ServiceAccount
	RefreshToken Secret
}

// UnneededStatus is a secret that nothing listed needs.
type UnneededStatus struct {
	Stored StoredSecret
	Secret Secret
}

// Overview is all that Status found.
type Overview struct {
	Links    []LinkStatus
	Accounts []AccountStatus
	Draft    *Draft
	// DraftSecret is the client secret of the unfinished answers; its State is
	// empty when they have none in a store.
	DraftSecret Secret
	// Unneeded are the secrets of nothing that is listed. One that is known to be
	// gone is not among them.
	Unneeded []UnneededStatus
	// UnlistedFile is the encrypted file where no secret in it is listed, so that
	// nothing tells whose they are; empty: there is none.
	UnlistedFile string
	// Keyring is what the probe found; its State is empty when nothing is kept there.
	Keyring keystore.Status
	// Damaged are files of links that were set aside and not dealt with.
	Damaged []string
}

// Problem tells whether something is wrong.
func (o Overview) Problem() bool {
	return slices.ContainsFunc(o.Links, LinkStatus.Problem) ||
		slices.ContainsFunc(o.Accounts, func(a AccountStatus) bool { return a.RefreshToken.Problem() }) ||
		slices.ContainsFunc(o.Unneeded, func(u UnneededStatus) bool { return u.Secret.Problem() }) ||
		o.DraftSecret.Problem() || o.UnlistedFile != "" || len(o.Damaged) > 0
}

// Status tells what is linked and where each secret is. It sends nothing, opens
// no dialog and asks for no passphrase. Its error is that of the file of links.
func (m *Manager) Status(ctx context.Context) (Overview, error) {
	c, err := m.Links.Load(ctx)
	if err != nil {
		return Overview{}, err
	}
	o := Overview{Draft: c.Draft, Damaged: c.Damaged, UnlistedFile: m.unlistedFile(c)}
	if slices.ContainsFunc(c.Secrets, func(s StoredSecret) bool { return s.Store == keystore.Keyring }) {
		o.Keyring = m.Stores.Probe(ctx)
	}
	look := func(s StoredSecret) Secret { return m.look(ctx, o.Keyring, s) }
	for _, l := range c.Links {
		s := LinkStatus{Link: l, ClientSecret: look(StoredClientSecret(l.Store, l.APIHost, l.ClientID)), RefreshToken: Secret{State: None}}
		_, s.Site = Site(l)
		if l.RefreshToken && !l.Unconfirmed {
			s.RefreshToken = look(StoredToken(l))
		}
		o.Links = append(o.Links, s)
	}
	for _, a := range c.ServiceAccounts {
		o.Accounts = append(o.Accounts, AccountStatus{a, look(StoredAccountToken(a))})
	}
	if c.Draft != nil && c.Draft.Kept && c.Draft.Store.Outlives() {
		o.DraftSecret = look(c.Draft.ClientSecret())
	}
	for _, s := range c.UnneededSecrets() {
		if seen := look(s); seen.State != Missing {
			o.Unneeded = append(o.Unneeded, UnneededStatus{s, seen})
		}
	}
	return o, nil
}

// unlistedFile gives the encrypted file if there is one and no secret in it is
// listed, as when the file of links was lost; empty: there is none.
func (m *Manager) unlistedFile(c Contents) string {
	if slices.ContainsFunc(c.Secrets, func(s StoredSecret) bool { return s.Store == keystore.File }) {
		return ""
	}
	store, err := m.Stores.Open(keystore.File, cronofy.Secret{})
	if err != nil {
		return "" // there is no such store here
	}
	return existingFile(store)
}

// existingFile is the path of an encrypted file, which is not opened; empty:
// there is none.
func existingFile(store keystore.Store) string {
	if file, ok := store.(*keystore.FileStore); ok {
		return file.Existing()
	}
	return ""
}

// look tells what is known of a secret, with one probe of the keyring for all.
func (m *Manager) look(ctx context.Context, keyring keystore.Status, s StoredSecret) Secret {
	store, err := m.open(s.Store)
	switch {
	case errors.Is(err, ErrGone):
		return Secret{State: Gone}
	case err != nil:
		return Secret{Unread, err}
	case s.Store == keystore.Keyring && keyring.State != keystore.Ready:
		return Secret{Unread, keyring.Error("get")}
	case s.Store == keystore.Keyring && m.DialogPossible:
		return Secret{Unread, ErrDialog}
	case s.Store == keystore.File && existingFile(store) != "":
		return Secret{State: Sealed}
	case s.Store == keystore.File:
		return Secret{State: Missing}
	}
	switch has, err := keystore.Has(ctx, store, s.Key()); {
	case err != nil:
		return Secret{Unread, err}
	case has:
		return Secret{State: Present}
	}
	return Secret{State: Missing}
}
