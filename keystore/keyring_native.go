//go:build !(linux || netbsd || openbsd || dragonfly || freebsd)

package keystore

import (
	"context"
	"errors"
	"os/exec"
	"runtime"
	"time"

	"github.com/zalando/go-keyring"
)

// callLimit is long on macOS because any call may open the keychain's window.
var callLimit = map[bool]time.Duration{true: PromptLimit, false: CallLimit}[runtime.GOOS == "darwin"]

// look implements Probe. Where go-keyring has no keyring, the first call tells.
func look(context.Context) Status { return Status{State: Ready} }

// native is the keychain of macOS and the Credential Manager of Windows.
type native struct{}

func newProvider() provider { return native{} }

// Get implements provider.
func (native) Get(_ *call, key string) (string, error) {
	secret, err := keyring.Get(Service, key)
	return secret, ours(err)
}

// Has implements provider.
func (n native) Has(c *call, key string) (bool, error) {
	_, err := n.Get(c, key)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// Set implements provider.
func (native) Set(_ *call, key, secret string) error { return ours(keyring.Set(Service, key, secret)) }

// Delete implements provider.
func (native) Delete(_ *call, key string) error { return ours(keyring.Delete(Service, key)) }

// Unlock implements provider. No probe says Locked here, so that nobody calls it.
func (native) Unlock(*call) error { return nil }

// Exit statuses of /usr/bin/security, which are the low byte of the Security
// framework's code (SecBase.h).
const (
	userCanceled          = -128 & 0xff
	interactionNotAllowed = -25308 & 0xff // locked, and no window possible, as over SSH
	authFailed            = -25293 & 0xff
)

func ours(err error) error {
	if errors.Is(err, keyring.ErrNotFound) {
		return ErrNotFound
	}
	ee, ok := errors.AsType[*exec.ExitError](err)
	if !ok {
		return err
	}
	switch ee.ExitCode() {
	case userCanceled:
		return ErrDismissed
	case interactionNotAllowed, authFailed:
		return Status{State: Locked, Detail: err.Error()}.Failure("")
	}
	return err
}
