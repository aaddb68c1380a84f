// Package keystore keeps secrets in one of three places: the keyring of the
// operating system, the memory of this run, or a file locked with a passphrase.
//
// The keyring is reached through github.com/zalando/go-keyring, which has no
// time limits, can wait for ever for a dialog, panics when the session bus goes
// away, and starts a session bus of its own when there is none. Everything here
// around it exists to keep those away from callers: a probe that asks nothing of
// the user (Probe), one call at a time with a time limit, a check that what was
// stored is there, and typed errors. No text of a platform is part of an error's
// message; it is in Error.Detail, cleaned.
//
// Where the keyring is:
//
//   - Linux and the BSDs: a Secret Service (gnome-keyring, KWallet, KeePassXC) on
//     the D-Bus session bus, https://specifications.freedesktop.org/secret-service/.
//     Only buses on a unix socket are used, because secrets travel unencrypted there.
//   - macOS: the login keychain, by way of /usr/bin/security.
//   - Windows: the Credential Manager.
//
// A secret has at most MaxSecret bytes and a key at most MaxKey on every platform,
// so that what was tried on one fits on all.
package keystore
