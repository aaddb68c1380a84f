package keystore

import (
	"context"
	"errors"

	"golang.org/x/sys/windows"
)

const callLimit = CallLimit

func look(context.Context) Status { return Status{State: Ready} }

func reach() error { return nil }

// classify knows the one code of CredWrite and CredRead that is about the
// Credential Manager as a whole: a logon session without one, as a service's or a
// network logon's
// (https://learn.microsoft.com/windows/win32/api/wincred/nf-wincred-credwritew).
func classify(err error) State {
	if errors.Is(err, windows.ERROR_NO_SUCH_LOGON_SESSION) {
		return NoService
	}
	return ""
}
