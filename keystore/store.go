// Package keystore keeps secrets in one of three places: the keyring of the
// operating system, the memory of this run, or a file locked with a passphrase.
//
// Where the keyring is:
//
//   - Linux and the BSDs: a Secret Service (GNOME Keyring, KWallet, KeePassXC) on
//     the D-Bus session bus, https://specifications.freedesktop.org/secret-service/.
//     Only buses on a unix socket are used, because secrets travel unencrypted there.
//   - macOS: the login keychain, by way of /usr/bin/security.
//   - Windows: the Credential Manager.
//
// A keyring can wait for ever for a window that nobody answers, and says yes where
// nothing was stored. Callers see neither: a probe asks nothing of the user, calls have
// a time limit, what was stored is read back, and what was deleted is looked for again.
package keystore

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Service is the name under which every item lies in the keyring; the key is its user name.
const Service = "confer"

// Limits of one item of a keyring, the same on every platform. Windows sets the first:
// CRED_MAX_CREDENTIAL_BLOB_SIZE is 5*512 bytes
// (https://learn.microsoft.com/windows/win32/api/wincred/ns-wincred-credentialw).
// With both at their limit the command line that macOS gets stays below its 4096 bytes.
const (
	MaxSecret = 2560
	MaxKey    = 200
)

// Time limits. They hold in addition to the context of a call.
const (
	// ProbeLimit bounds Probe. A gnome-keyring that had to be started took 0.4 s.
	ProbeLimit = 2 * time.Second
	// CallLimit bounds what the keyring does by itself.
	CallLimit = 5 * time.Second
	// PromptLimit bounds each window that the keyring shows during a call: somebody
	// has to find it, and to type a password or click.
	PromptLimit = 60 * time.Second
	// LockLimit bounds the wait for each other process that has the encrypted file. A context
	// with a deadline replaces it: callers give one for what cannot be had twice.
	LockLimit = 30 * time.Second
)

// Kind is the name of a store, as it is written in settings, flags and the list of links.
type Kind string

// The stores. None is the sandbox's: it is memory as well, and nothing in it is worth
// keeping.
const (
	Keyring Kind = "keyring"
	Session Kind = "session"
	File    Kind = "file"
	None    Kind = "none"
)

// Outlives tells whether what is in the store is there after the run.
func (k Kind) Outlives() bool { return k == Keyring || k == File }

// Words name the store within a sentence.
func (k Kind) Words() string {
	switch k {
	case Keyring:
		return "the system keyring"
	case File:
		return "the encrypted file"
	case Session, None:
	}
	return "memory"
}

// Store keeps secrets by key. Its methods may be called from several goroutines.
// Every error is an *Error around one of the sentinels of this package. Keys are
// made by Key.
type Store interface {
	// Kind tells where the secrets are.
	Kind() Kind
	// Get gives the secret of key, or ErrNotFound. Any other error says nothing
	// about whether there is one.
	Get(ctx context.Context, key string) (string, error)
	// Set stores secret in place of what key had, and reads it back: nil means that it
	// is there.
	Set(ctx context.Context, key, secret string) error
	// Delete removes the secret of key and looks that it is gone. A key that has
	// none is no error.
	Delete(ctx context.Context, key string) error
}

// sentinel is what errors.Is finds in an *Error.
type sentinel string

func (s sentinel) Error() string { return string(s) }

// What went wrong. Where nothing else is said, nothing was done.
const (
	ErrNotFound    sentinel = "no such secret"                      // the store answered, and has none
	ErrTooBig      sentinel = "secret is too long"                  // more than MaxSecret bytes for a keyring, or the encrypted file is full
	ErrUnavailable sentinel = "no keyring is available"             // Error.State tells why
	ErrLocked      sentinel = "keyring is locked"                   // KeyringStore.Unlock asks for its password
	ErrTimeout     sentinel = "store did not answer in time"        // see Error.Pending
	ErrBusy        sentinel = "store is busy with an earlier call"  // of this process or another; the same call may succeed later
	ErrReadBack    sentinel = "store does not hold what was stored" // it said that it has stored, but holds another value or none
	ErrDismissed   sentinel = "keyring's window was refused"        // or closed
	ErrRefused     sentinel = "store refused"                       // it is there and answered with an error: a read-only folder, a full disk

	// Of the encrypted file, which is left as it is.
	ErrNoPassphrase sentinel = "no passphrase was given"   // or an empty one
	ErrPassphrase   sentinel = "wrong passphrase"          // or first lines that were tampered with
	ErrDamaged      sentinel = "encrypted file is damaged" // empty, cut short, tampered with, or none of ours
	ErrNewer        sentinel = "encrypted file is from a newer version"
	ErrInsecure     sentinel = "encrypted file is not private" // it or its folder is a link, another user's, or open to others
)

// Error is what every failed call of a Store returns. Its message has fixed words
// only: no key, no secret, no text of the platform.
type Error struct {
	Op      string // "get", "set", "delete", "unlock", "open"
	Store   Kind
	Err     error  // one of the sentinels
	Cause   error  // what ended the wait: a context's error, or that of the passphrase function; or nil
	Status         // Detail of any store, the rest of a keyring: what a probe saw
	Pending bool   // with ErrTimeout: the call still runs, and may store or delete later; a Set is undone then
	Holder  string // file only, with ErrBusy: the process that has it, where that is known
	Path    string // file only: where it is or would be
}

// Error gives "<store> <op>: <sentinel>".
func (e *Error) Error() string {
	return string(e.Store) + " " + e.Op + ": " + e.Err.Error()
}

// Unwrap gives the sentinel and the cause.
func (e *Error) Unwrap() []error {
	if e.Cause == nil {
		return []error{e.Err}
	}
	return []error{e.Err, e.Cause}
}

// Has tells whether there is a secret of key, without a window and without
// reading the secret where the store can do that.
func Has(ctx context.Context, s Store, key string) (bool, error) {
	if s, ok := s.(interface {
		Has(context.Context, string) (bool, error)
	}); ok {
		return s.Has(ctx, key)
	}
	_, err := s.Get(ctx, key)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// TestWrite tells whether a secret can be stored now: it stores a random test item,
// reads it back and deletes it. To store again what is there already would prove
// nothing. left is why the test item is still there, which says nothing against storing.
func TestWrite(ctx context.Context, s Store) (left, err error) {
	key, value := Key("test-item", rand.Text()), rand.Text()
	if err = s.Set(ctx, key, value); err == nil {
		var got string
		if got, err = s.Get(ctx, key); errors.Is(err, ErrNotFound) || err == nil && got != value {
			err = &Error{Op: "get", Store: s.Kind(), Err: ErrReadBack}
		}
	}
	if err == nil || !errors.Is(err, ErrTimeout) { // one that comes late is undone by itself
		left = s.Delete(context.WithoutCancel(ctx), key)
	}
	return left, err
}

// Wait is why a call takes longer than it needs: the keyring shows a window, or
// another process has the encrypted file.
type Wait struct {
	Store Kind
	Who   string    // the program whose window it is, or the process; empty: not known
	Until time.Time // when the call is given up
	Over  bool      // the wait that was told of has ended
}

type waitKey struct{}

// OnWait makes calls under the context tell of their waits. tell is called by the
// goroutine that makes the call.
func OnWait(ctx context.Context, tell func(Wait)) context.Context {
	return context.WithValue(ctx, waitKey{}, tell)
}

func tell(ctx context.Context, w Wait) {
	if f, ok := ctx.Value(waitKey{}).(func(Wait)); ok {
		f(w)
	}
}

// cutMark starts the hash of a key that was too long. No other key contains it.
const cutMark = "@-"

// Key joins parts with "/" to the key of a secret: at most MaxKey bytes of ASCII
// letters, digits and @._/- only.
//
// A ':' is written '_' (a host with its port). Every other byte outside letters,
// digits and ._- is written @XX, in hexadecimal. Different parts give different keys,
// except for a ':' and a '_' in the same place. A key that would be longer is cut and
// ends in "@-" and the SHA-256 of the whole.
func Key(parts ...string) string {
	out := make([]string, len(parts))
	for i, p := range parts {
		out[i] = asKey.Replace(url.QueryEscape(p))
	}
	key := strings.Join(out, "/")
	if len(key) <= MaxKey {
		return key
	}
	sum := sha256.Sum256([]byte(key))
	hash := cutMark + hex.EncodeToString(sum[:])
	return key[:MaxKey-len(hash)] + hash
}

// asKey makes a key's part of what is escaped for a URL's query: %XX, '+' for a
// space, and '~' as it is.
var asKey = strings.NewReplacer("%3A", "_", "%", "@", "+", "@20", "~", "@7E")

// SessionStore keeps secrets in memory; they are gone when the program ends.
type SessionStore struct{ items sync.Map }

// OpenSession gives an empty store.
func OpenSession() *SessionStore { return &SessionStore{} }

// Kind is Session.
func (s *SessionStore) Kind() Kind { return Session }

// Get implements Store.
func (s *SessionStore) Get(_ context.Context, key string) (string, error) {
	secret, ok := s.items.Load(key)
	if !ok {
		return "", &Error{Op: "get", Store: Session, Err: ErrNotFound}
	}
	return secret.(string), nil
}

// Set implements Store.
func (s *SessionStore) Set(_ context.Context, key, secret string) error {
	s.items.Store(key, secret)
	return nil
}

// Delete implements Store.
func (s *SessionStore) Delete(_ context.Context, key string) error {
	s.items.Delete(key)
	return nil
}
