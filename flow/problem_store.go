package flow

import (
	"cmp"
	"errors"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"confer/cronofy"
	"confer/keystore"
)

// WeakPassphrase is what to say of the passphrase of a new file; empty: nothing.
func WeakPassphrase(text string) string {
	if text != "" && keystore.WeakPassphrase(text) {
		return "This passphrase is easy to guess for somebody who gets the file. Four or more random words are better."
	}
	return ""
}

// WaitWords says what a store waits for; empty: for nothing, or not any more.
func WaitWords(w keystore.Wait) string {
	who := ""
	if w.Who != "" {
		who = " (" + w.Who + ")"
	}
	switch {
	case w.Over || w.Store == "":
		return ""
	case w.Store == keystore.File:
		return "Another confer" + who + " is using the encrypted file. Waiting for it"
	}
	return "Answer the keyring's window on your desktop" + who
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

// storeWords are what a store's error means, and what to do; the first that fits
// counts. explainStore fills in what stands in braces.
type storeWords struct {
	err           error                      // nil: any
	when          func(*keystore.Error) bool // nil: always
	summary, hint string
}

const againOrMemory = "Try again, " + orMemory

// fileWords are for the encrypted file, whose path a person needs to put it right.
var fileWords = []storeWords{
	{keystore.ErrBusy, nil, "The encrypted file is in use by another confer{holder}.", "Try again when that one has ended."},
	{keystore.ErrTimeout, nil, "The encrypted file was not opened or written in time; deriving its key is slow on this machine.", againOrMemory},
	{keystore.ErrRefused, nil, "The encrypted file cannot be used{why}.", "Check the file, its folder and the room on the disk, then try again."},
	{keystore.ErrNotFound, nil, "The encrypted file is not there any more.", "Type a passphrase for a new one."},
	{keystore.ErrNoPassphrase, nil, "The encrypted file needs its passphrase.", enterIt},
	{keystore.ErrPassphrase, nil, "The passphrase does not open the encrypted file.", enterAgain + " If it is lost, begin a new file: move away {path}."},
	{keystore.ErrDamaged, nil, "The encrypted file is damaged or was changed by another program{why}.",
		"Restore {path} from a backup, or move it away and enter the secrets again."},
	{keystore.ErrNewer, nil, "The encrypted file was written by a newer confer.", "Use that version, or move {path} away and enter the secrets again."},
	{keystore.ErrInsecure, nil, "The encrypted file is not private, so confer does not use it{why}.",
		"Make it private, then try again: {private}. If it is a link, a folder or another user's, move it away."},
}

// keyringWords are for all else.
var keyringWords = []storeWords{
	{keystore.ErrBusy, nil, "The system keyring is busy with an earlier call. A window of it may be open on your desktop.", "Answer it, then try again, " + orMemory},
	{keystore.ErrTimeout, windowOpen, "Nobody answered the window of {program} in time.",
		"It may still be open: answer it on your desktop, then try again, " + orMemory},
	{keystore.ErrTimeout, nil, "The system keyring did not answer in time.", againOrMemory},
	{keystore.ErrLocked, noWindow, "{keyring} is locked.", "{help}"},
	{keystore.ErrLocked, unlocking, "{keyring} stays locked: its window was closed, or none could be shown.", againOrMemory},
	{keystore.ErrLocked, nil, "{keyring} is locked.", "Unlock it and try again, " + orMemory},
	{keystore.ErrDismissed, nil, "The window of {program} was refused or closed, so nothing was done.", "Try again and allow it, " + orMemory},
	{keystore.ErrTooBig, nil, "The secret is too long for the keyring.", "Take another store, " + orMemory},
	{keystore.ErrReadBack, nil, "The store did not give back what was stored in it.", againOrMemory},
	{keystore.ErrRefused, nil, "{keyring} refused{why}.", againOrMemory},
	{nil, nil, "{state}", "{help} " + againOrMemory},
}

func noWindow(e *keystore.Error) bool   { return e.NoWindow }
func unlocking(e *keystore.Error) bool  { return e.Op == "unlock" }
func windowOpen(e *keystore.Error) bool { return e.Pending && e.Program != "" || unlocking(e) }

func explainStore(e *keystore.Error, at Step) Problem {
	words := keyringWords
	if e.Store == keystore.File {
		words = slices.Concat(fileWords, keyringWords)
	}
	holder := ""
	if e.Holder != "" {
		holder = " (" + e.Holder + ")"
	}
	path := cronofy.CleanText(e.Path, 300)
	fill := strings.NewReplacer("{path}", path, "{private}", yoursAlone(path), "{holder}", holder, "{why}", because(e.Detail),
		"{program}", cmp.Or(e.Program, "the keyring"), "{keyring}", KeyringName(e.Program), "{state}", KeyringWords(e.Status), "{help}", KeyringHelp(e.Status))
	w := words[slices.IndexFunc(words, func(w storeWords) bool { // the last fits always
		return (w.err == nil || errors.Is(e, w.err)) && (w.when == nil || w.when(e))
	})]
	return Problem{Summary: fill.Replace(w.summary), Hint: strings.TrimSpace(fill.Replace(w.hint)), Code: CodeSecretStore, Exit: ExitFailed, Step: at}
}

// yoursAlone is how a file and its folder are made private.
func yoursAlone(path string) string {
	if runtime.GOOS == "windows" {
		return `icacls "` + filepath.Dir(path) + `" /inheritance:r /grant:r "%USERNAME%:(OI)(CI)F" /T`
	}
	return "chmod 700 " + filepath.Dir(path) + ", and chmod 600 " + path
}

// keyringStates say why the keyring is not used.
var keyringStates = map[keystore.State]string{
	keystore.NoBus:        "The system keyring cannot be used: this session has no D-Bus.",
	keystore.NoService:    "The system keyring cannot be used: no keyring service runs in this session.",
	keystore.NoCollection: "The keyring service runs, but there is no keyring in it yet.",
	keystore.Silent:       "The system keyring does not answer.",
}

// KeyringWords says in which state the keyring is: why it is not used.
func KeyringWords(s keystore.Status) string {
	if s.State == keystore.Locked {
		return KeyringName(s.Program) + " is locked."
	}
	return cmp.Or(keyringStates[s.State], KeyringName(s.Program)+" cannot be used"+because(s.Detail)+".")
}

// keyringHelp says how the keyring can be had, with a program or ("") any other;
// without it, trying again is all, or nothing helps. Of the services only GNOME
// Keyring has a command to unlock it where no window can ask: gnome-keyring-daemon(1).
var keyringHelp = map[keystore.State]map[string]string{
	keystore.NoBus:     {"": "Over SSH and in containers that is usual; a desktop session has one."},
	keystore.NoService: {"": "Install one (gnome-keyring, KWallet, KeePassXC) and log in anew."},
	keystore.NoCollection: {"": `Make one called "login", for example with Seahorse: File, New, Password Keyring.`,
		"KeePassXC": "Open a database in KeePassXC, and share it: Database, Database Settings, Secret Service Integration.",
		"KWallet":   "Make a wallet in KDE's System Settings: KDE Wallet."},
	keystore.Silent: {"": "Look for a window that asks for its password, or restart the keyring service."},
	keystore.Locked: {"": noWindowHere + "For gnome-keyring, in another shell of this session: gnome-keyring-daemon --replace --unlock (then the password, and ctrl+d twice).",
		"KeePassXC": noWindowHere + "Unlock the database in KeePassXC.",
		"KWallet":   noWindowHere + "Open the wallet in KDE's wallet manager (kwalletmanager5)."},
}

const noWindowHere = "No window can be shown here to ask for its password. "

// KeyringHelp says how the keyring can be had in the state that a probe saw; empty:
// there is nothing to say.
func KeyringHelp(s keystore.Status) string {
	if s.State == keystore.Locked && !s.NoWindow {
		return ""
	}
	return cmp.Or(keyringHelp[s.State][s.Program], keyringHelp[s.State][""])
}

func because(detail string) string {
	if detail == "" {
		return ""
	}
	return ": " + cronofy.CleanText(detail, 300)
}

// explainCopies tells that secrets are still where an earlier set-up put them.
const explainCopies = "Earlier copies of its secrets could not be deleted; confer status lists them."
