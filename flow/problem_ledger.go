package flow

import (
	"context"
	"errors"

	"confer/cronofy"
	"confer/internal/links"
	"confer/keystore"
)

// explainLedger says why a secret was not stored although its store is well.
func explainLedger(e *LedgerError) Problem {
	p := Problem{Code: CodeSecretStore, Exit: ExitFailed, Step: StepApplication,
		Summary: "confer stores no secret that it could not find again, and its list of them cannot be written: " + cronofy.CleanText(e.Err.Error(), 200) + ".",
		Hint:    "confer doctor checks the folder. Put it right and try again, " + orMemory}
	if errors.Is(e.Err, links.ErrBusy) || errors.Is(e.Err, context.DeadlineExceeded) {
		p.Summary = "Another confer is writing the list of stored secrets, so nothing was stored."
		p.Hint = "Try again when that one has ended."
	}
	return p
}

// explainCopies tells that secrets are still where an earlier set-up put them.
func explainCopies(err error) string {
	where := "another store"
	var store *keystore.Error
	if errors.As(err, &store) {
		switch store.Store {
		case keystore.Keyring:
			where = "the keyring"
		case keystore.File:
			where = "the secrets file"
		case keystore.Session:
		}
	}
	return "Earlier copies of its secrets could not be deleted from " + where + "; confer status lists them."
}
