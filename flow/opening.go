package flow

import (
	"context"

	"confer/cronofy"
	"confer/keystore"
)

// FileGoneError says that the secrets file went while its passphrase was asked
// for: that of a new one is typed twice.
type FileGoneError struct{}

func (e *FileGoneError) Error() string { return "the secrets file is not there any more" }

// secretsFile is the path of the secrets file, where there is one.
func (r *Runner) secretsFile() string {
	store, err := r.Stores.Open(StoreFile, cronofy.Secret{})
	if err != nil {
		return ""
	}
	file, ok := store.(interface {
		Exists() (bool, error)
		Path() string
	})
	if !ok {
		return ""
	}
	if there, err := file.Exists(); err != nil || !there {
		return ""
	}
	return file.Path()
}

// openChosen opens the store that the operator chose.
func (r *Runner) openChosen(ctx context.Context, s Store) error {
	if s.Kind == StoreFile && s.File != "" && r.secretsFile() == "" {
		return &FileGoneError{}
	}
	return r.unlock(ctx, s)
}

// WaitWords says what a store waits for; empty: for nothing any more.
func WaitWords(w keystore.Wait) string {
	switch {
	case w.Over:
		return ""
	case w.Store == keystore.File && w.Who != "":
		return "Another confer (" + w.Who + ") is at work on the encrypted file. Waiting for it"
	case w.Store == keystore.File:
		return "Another confer is at work on the encrypted file. Waiting for it"
	case w.Who != "":
		return "Answer the keyring's window on your desktop (" + w.Who + ")"
	}
	return "Answer the keyring's window on your desktop"
}
