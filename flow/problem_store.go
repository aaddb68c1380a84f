package flow

import (
	"cmp"
	"context"
	"errors"
	"path/filepath"
	"runtime"
	"strings"

	"confer/cronofy"
	"confer/internal/links"
	"confer/keystore"
)

// WeakPassphrase is for a new one; see keystore.WeakPassphrase.
const WeakPassphrase = "This passphrase is easy to guess for somebody who gets the file. Four or more random words are better."

// weakPassphrase is what to say of the passphrase of a new file; empty: nothing.
func weakPassphrase(s Store) string {
	if s.Kind == StoreFile && s.File == "" && keystore.WeakPassphrase(s.Passphrase.Reveal()) {
		return WeakPassphrase
	}
	return ""
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

// unlockCommand is how a locked keyring is unlocked where no window can ask. Of
// the services only GNOME Keyring has a command for it: gnome-keyring-daemon(1).
const unlockCommand = "For gnome-keyring, in another shell of this session: gnome-keyring-daemon --replace --unlock (then the password, and ctrl+d twice)."

// UnlockWords is how the keyring of a program is unlocked where no window can be
// shown; empty: the program is not known.
func UnlockWords(program string) string {
	switch program {
	case "KeePassXC":
		return "Unlock the database in KeePassXC."
	case "KWallet":
		return "Open the wallet in KDE's wallet manager (kwalletmanager5)."
	}
	return unlockCommand
}

// KeyringName is "The system keyring", with the program where it is known.
func KeyringName(program string) string {
	if program == "" {
		return "The system keyring"
	}
	return "The system keyring (" + program + ")"
}

// orMemory is the way on that the store's page has, too. For scripts it is a flag.
const orMemory = "or keep the secrets in memory for this run."

// What a script does by a flag.
const (
	enterIt    = "Enter it."
	enterAgain = "Enter it again."
)

// storePage is where the keyring is asked again, or another store chosen.
func storePage(at Step) Step {
	if at == StepServiceAccount || at == StepAuthorize {
		return StepApplication
	}
	return at
}

func isStoreError(err error) bool {
	var store *keystore.Error
	return errors.As(err, &store) || errors.Is(err, keystore.ErrUnavailable) || errors.Is(err, keystore.ErrLocked)
}

func explainStore(err error, at Step) Problem {
	p := Problem{Code: CodeSecretStore, Exit: ExitFailed, Step: at}
	store := new(keystore.Error)
	switch {
	case errors.As(err, &store) && store.Store == keystore.File:
		p.Summary, p.Hint = fileWords(store)
	case errors.As(err, &store) && store.Op == "unlock":
		p.Summary, p.Hint = unlockWords(store)
	default:
		p.Summary, p.Hint = storeWords(err, store)
	}
	return p
}

// fileWords are for the encrypted file, whose path a person needs to put it right.
func fileWords(e *keystore.Error) (summary, hint string) {
	path := cronofy.CleanText(e.Path, 300)
	switch {
	case errors.Is(e, keystore.ErrBusy):
		holder := ""
		if e.Holder != "" {
			holder = " (" + e.Holder + ")"
		}
		return "The encrypted file is in use by another confer" + holder + ".", "Try again when that one has ended."
	case errors.Is(e, keystore.ErrTimeout):
		return "The encrypted file was not opened or written in time; deriving its key is slow on this machine.", "Try again, " + orMemory
	case errors.Is(e, keystore.ErrRefused):
		return "The encrypted file cannot be used" + because(e.Detail) + ".", "Check the file, its folder and the room on the disk, then try again."
	case errors.Is(e, keystore.ErrNotFound):
		return "The encrypted file is not there any more.", "Type a passphrase for a new one."
	case errors.Is(e, keystore.ErrNoPassphrase):
		return "The encrypted file needs its passphrase.", enterIt
	case errors.Is(e, keystore.ErrPassphrase):
		return "The passphrase does not open the encrypted file.", enterAgain + " If it is lost, begin a new file: move away " + path + "."
	case errors.Is(e, keystore.ErrDamaged):
		return "The encrypted file is damaged or was changed by another program" + because(e.Detail) + ".", "Restore " + path + " from a backup, or move it away and enter the secrets again."
	case errors.Is(e, keystore.ErrNewer):
		return "The encrypted file was written by a newer confer.", "Use that version, or move " + path + " away and enter the secrets again."
	case errors.Is(e, keystore.ErrInsecure):
		return "The encrypted file is not yours alone, so confer does not use it" + because(e.Detail) + ".",
			"Make them yours alone, then try again: " + yoursAlone(path) + ". Move away what is a link, a folder or another user's."
	}
	return storeWords(e, e)
}

// yoursAlone is how a file and its folder are made private.
func yoursAlone(path string) string {
	if runtime.GOOS == "windows" {
		return `icacls "` + filepath.Dir(path) + `" /inheritance:r /grant:r "%USERNAME%:(OI)(CI)F" /T`
	}
	return "chmod 700 " + filepath.Dir(path) + ", and chmod 600 " + path
}

// unlockWords are for a keyring that was to ask for its password.
func unlockWords(e *keystore.Error) (summary, hint string) {
	switch {
	case errors.Is(e, keystore.ErrBusy):
		return "The keyring's window is still open.", "Answer it on your desktop, then try again, " + orMemory
	case errors.Is(e, keystore.ErrTimeout):
		return "Nobody answered the keyring's window in time.", "The window is still open: answer it, then try again, " + orMemory
	case errors.Is(e, keystore.ErrLocked) && e.NoWindow:
		return KeyringName(e.Program) + " stays locked: no window can be shown here to ask for its password.", UnlockWords(e.Program)
	case errors.Is(e, keystore.ErrLocked):
		return KeyringName(e.Program) + " stays locked: its window was closed, or none could be shown.", "Try again, " + orMemory
	}
	return storeWords(e, e)
}

func storeWords(err error, e *keystore.Error) (summary, hint string) {
	hint = "Try again, " + orMemory
	switch {
	case errors.Is(err, keystore.ErrLocked) && e.NoWindow:
		return KeyringName(e.Program) + " is locked.", KeyringHelp(statusOf(e))
	case errors.Is(err, keystore.ErrLocked):
		return KeyringName(e.Program) + " is locked.", "Unlock it and try again, " + orMemory
	case errors.Is(err, keystore.ErrDismissed):
		return "The window of " + cmp.Or(e.Program, "the keyring") + " was refused or closed, so nothing was done.", "Try again and allow it, " + orMemory
	case errors.Is(err, keystore.ErrTimeout) && e.Pending && e.Program != "":
		return "Nobody answered the window of " + e.Program + " in time.", "It may still be open: answer it on your desktop, then try again, " + orMemory
	case errors.Is(err, keystore.ErrTimeout) && e.Op == "set":
		return "The system keyring did not answer in time; whether the secret was stored is unknown.", hint
	case errors.Is(err, keystore.ErrTimeout):
		return "The system keyring did not answer in time.", hint
	case errors.Is(err, keystore.ErrBusy):
		return "The system keyring is still busy with an earlier call. A window on your desktop may be waiting for an answer.", "Answer it, then try again, " + orMemory
	case errors.Is(err, keystore.ErrTooBig):
		return "The secret is too long for the store.", hint
	case errors.Is(err, keystore.ErrReadBack):
		return "The store did not give back what was stored in it.", hint
	case errors.Is(err, keystore.ErrNotFound):
		return "The secret is not in the store any more.", hint
	case errors.Is(err, keystore.ErrRefused):
		return KeyringName(e.Program) + " refused" + because(e.Detail) + ".", hint
	}
	return KeyringWords(statusOf(e)), strings.TrimSpace(KeyringHelp(statusOf(e)) + " " + hint)
}

// KeyringHelp says how the keyring can be had in the state that a probe saw;
// empty: trying again is all, or nothing helps.
func KeyringHelp(s keystore.Status) string {
	switch s.State {
	case keystore.Locked:
		if s.NoWindow {
			return "No window can be shown here to ask for its password. " + UnlockWords(s.Program)
		}
	case keystore.NoCollection:
		switch s.Program {
		case "KeePassXC":
			return "Open a database in KeePassXC, and share it: Database, Database Settings, Secret Service Integration."
		case "KWallet":
			return "Make a wallet in KDE's System Settings: KDE Wallet."
		}
		return `Make one called "login", for example with Seahorse: File, New, Password Keyring.`
	case keystore.NoService:
		return "gnome-keyring, KWallet and KeePassXC are such services."
	case keystore.Silent:
		return "Look for a window that asks for its password, or restart the keyring service."
	case keystore.NoBus:
		return "Over SSH and in containers that is usual."
	case keystore.Ready, keystore.Unsupported:
	}
	return ""
}

func because(detail string) string {
	if detail == "" {
		return ""
	}
	return ": " + cronofy.CleanText(detail, 300)
}

// statusOf is what an error saw of the keyring.
func statusOf(e *keystore.Error) keystore.Status {
	return keystore.Status{State: e.State, Program: e.Program, Detail: e.Detail, NoWindow: e.NoWindow}
}

// KeyringWords says in which state the keyring is: why it is not used.
func KeyringWords(s keystore.Status) string {
	switch s.State {
	case keystore.Locked:
		return KeyringName(s.Program) + " is locked."
	case keystore.NoBus:
		return "The system keyring cannot be used: this session has no D-Bus."
	case keystore.NoService:
		return "The system keyring cannot be used: no keyring service runs in this session."
	case keystore.NoCollection:
		return "The keyring service runs, but there is no keyring in it yet."
	case keystore.Silent:
		return "The system keyring does not answer."
	case keystore.Unsupported:
		return "This build has no keyring for this system."
	case keystore.Ready:
	}
	return KeyringName(s.Program) + " cannot be used" + because(s.Detail) + "."
}

// explainRecord says why a secret was not stored although its store is well.
func explainRecord(e *RecordError) Problem {
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
			where = "the encrypted file"
		case keystore.Session:
		}
	}
	return "Earlier copies of its secrets could not be deleted from " + where + "; confer status lists them."
}
