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

// openChosen opens the store that the operator chose, and says so where a window
// asks for the keyring's password meanwhile.
func (r *Runner) openChosen(ctx context.Context, s Store, say func(Event)) error {
	if s.Kind == StoreFile && s.File != "" && r.secretsFile() == "" {
		return &FileGoneError{}
	}
	if s.Kind == StoreKeyring && s.Keyring == string(keystore.Locked) && !s.NoWindow {
		say(UnlockAsked{Until: r.Now().Add(keystore.UnlockLimit)})
	}
	return r.unlock(ctx, s)
}
