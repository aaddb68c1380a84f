package links

import (
	"context"
	"errors"
	"slices"
	"time"

	"confer/cronofy"
	"confer/keystore"
)

// SecretState is what is known of one secret without asking anybody anything.
type SecretState string

// The states of a secret.
const (
	Present SecretState = "present"
	Missing SecretState = "missing" // the store answered that it is not there
	Gone    SecretState = "gone"    // it was kept in memory, and that run has ended
	None    SecretState = "none"    // there never was one
	Sealed  SecretState = "sealed"  // the encrypted file is there; what is in it only a passphrase tells
	Unread  SecretState = "unread"  // the store cannot be asked, or not without a dialog; Secret.Err tells
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

// Overview is all that Status found: what is listed, and where each secret is.
type Overview struct {
	Contents
	Unneeded     []StoredSecret          // of nothing that is listed, and not known to be gone
	UnlistedFile string                  // the encrypted file where no secret in it is listed; empty: there is none
	Keyring      keystore.Status         // what the probe found; its State is empty when nothing is kept there
	secrets      map[StoredSecret]Secret // but for what is in memory
}

// Secret tells where a secret is that something listed needs, or that is Unneeded.
func (o Overview) Secret(s StoredSecret) Secret {
	if !s.Store.Outlives() {
		return Secret{State: Gone}
	}
	s.Recorded = time.Time{}
	return o.secrets[s]
}

// Token tells where the refresh token of a link is.
func (o Overview) Token(l Link) Secret {
	if !l.HasToken() {
		return Secret{State: None}
	}
	return o.Secret(l.Token())
}

// DraftSecret tells where the client secret of the unfinished answers is; its State is empty
// where they have none in a store.
func (o Overview) DraftSecret() Secret {
	if o.Draft == nil || !o.Draft.Kept {
		return Secret{}
	}
	return o.Secret(o.Draft.ClientSecret())
}

// LinkProblem tells whether something is wrong with a link.
func (o Overview) LinkProblem(l Link) bool {
	_, err := Site(l)
	return err != nil || o.Secret(l.ClientSecret()).Problem() || o.Token(l).Problem()
}

// Problem tells whether something is wrong.
func (o Overview) Problem() bool {
	lost := func(s StoredSecret) bool { return o.Secret(s).Problem() }
	return slices.ContainsFunc(o.Links, o.LinkProblem) ||
		slices.ContainsFunc(o.ServiceAccounts, func(a ServiceAccount) bool { return lost(a.Link().Token()) }) ||
		slices.ContainsFunc(o.Unneeded, lost) || o.DraftSecret().Problem() || o.UnlistedFile != "" || len(o.Damaged) > 0
}

// Status tells what is linked and where each secret is. It sends nothing, opens
// no dialog and asks for no passphrase. Its error is that of the file of links.
func (m *Manager) Status(ctx context.Context) (Overview, error) {
	c, err := m.Links.Load(ctx)
	if err != nil {
		return Overview{}, err
	}
	o := Overview{Contents: c, UnlistedFile: m.unlistedFile(c), secrets: map[StoredSecret]Secret{}}
	if slices.ContainsFunc(c.Secrets, func(s StoredSecret) bool { return s.Store == keystore.Keyring }) {
		o.Keyring = m.Stores.Probe(ctx)
	}
	for _, s := range slices.Concat(c.needed(), c.UnneededSecrets()) {
		s.Recorded = time.Time{}
		o.secrets[s] = m.look(ctx, o.Keyring, s)
	}
	o.Unneeded = slices.DeleteFunc(c.UnneededSecrets(), func(s StoredSecret) bool { return o.Secret(s).State == Missing })
	return o, nil
}

// unlistedFile gives the encrypted file if no secret in it is listed, as when the file
// of links was lost; empty: there is none.
func (m *Manager) unlistedFile(c Contents) string {
	if slices.ContainsFunc(c.Secrets, func(s StoredSecret) bool { return s.Store == keystore.File }) {
		return ""
	}
	store, err := m.Stores.Open(keystore.File, cronofy.Secret{})
	if err != nil {
		return "" // there is no such store here
	}
	return keystore.Existing(store)
}

// look tells what is known of a secret, with one probe of the keyring for all.
func (m *Manager) look(ctx context.Context, keyring keystore.Status, s StoredSecret) Secret {
	store, err := m.open(s.Store)
	file, _ := store.(*keystore.FileStore)
	switch {
	case err != nil:
		return Secret{Unread, err}
	case s.Store == keystore.Keyring && keyring.State != keystore.Ready:
		return Secret{Unread, keyring.Failure("get")}
	case s.Store == keystore.Keyring && m.DialogPossible:
		return Secret{Unread, ErrDialog}
	case file != nil && keystore.Existing(store) == "":
		return Secret{State: Missing}
	case file != nil && !file.Opened():
		return Secret{State: Sealed}
	}
	switch has, err := keystore.Has(ctx, store, s.Key()); {
	case err != nil:
		return Secret{Unread, err}
	case has:
		return Secret{State: Present}
	}
	return Secret{State: Missing}
}
