package keystore

import (
	"context"
	"errors"
	"os/exec"
)

// callLimit is long because the first call may open the keychain's dialog.
const callLimit = UnlockLimit

func look(context.Context) Status { return Status{State: Ready} }

func reach() error { return nil }

// classify reads the exit status of /usr/bin/security, which is the low byte of
// the Security framework's code (SecBase.h): -25308 errSecInteractionNotAllowed
// (locked, and no dialog possible, as over SSH), -25293 errSecAuthFailed, -128
// userCanceledErr; -25307 errSecNoDefaultKeychain.
func classify(err error) State {
	var ee *exec.ExitError
	if !errors.As(err, &ee) {
		return ""
	}
	switch ee.ExitCode() {
	case -25308 & 0xff, -25293 & 0xff, -128 & 0xff:
		return Locked
	case -25307 & 0xff:
		return NoCollection
	}
	return ""
}
