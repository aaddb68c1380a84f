package flow

import (
	"cmp"
	"context"
	"errors"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"confer/cronofy"
	"confer/internal/links"
	"confer/keystore"
)

// Store is where this run keeps secrets and how that was decided.
type Store struct {
	Kind       keystore.Kind   // empty: not decided yet
	Passphrase cronofy.Secret  // of keystore.File
	Keyring    keystore.Status // what the probe of the keyring found; zero: not asked yet
	File       string          // path of the encrypted file, where there is one: its passphrase is known to somebody; empty: none
	Pinned     bool            // named by a flag, the environment or an earlier run: not asked about
}

// StoreChosen answers the question for a store, wherever it is asked.
type StoreChosen struct {
	Kind       keystore.Kind
	Passphrase cronofy.Secret
}

func (ev StoreChosen) apply(s State) (State, *Task) {
	if s.Running != nil || !s.Asking {
		return s, nil
	}
	s.Problem, s.Notice = nil, ""
	s.Store.Kind, s.Store.Passphrase = ev.Kind, ev.Passphrase
	if s.Unfinished() != nil {
		return ApprovalRetried{}.apply(s)
	}
	return s.start(CheckApplication{Answers: s.Answers, Store: s.Store, Chosen: true})
}

// open opens a store. It does not prompt.
func (r *Runner) open(s Store) (keystore.Store, error) { return r.Stores.Open(s.Kind, s.Passphrase) }

// chooseStore decides on the store: what was named, else the keyring if it is ready,
// else the operator is asked. A wrong passphrase is found before anybody is sent to a
// browser.
func (r *Runner) chooseStore(ctx context.Context, s Store) (_ Store, ask bool, err error) {
	if store, err := r.Stores.Open(keystore.File, cronofy.Secret{}); err == nil {
		s.File = keystore.Existing(store)
	}
	switch {
	case s.Kind == keystore.File && s.Passphrase.Empty():
		err = &keystore.Error{Op: "open", Store: keystore.File, Err: keystore.ErrNoPassphrase, Path: s.File}
	case s.Kind == keystore.File:
		err = r.unlock(ctx, s)
		if !errors.Is(err, keystore.ErrPassphrase) {
			return s, false, err
		}
		s.Passphrase = cronofy.Secret{}
	case s.Kind != "" && s.Kind != keystore.Keyring:
		return s, false, nil
	default:
		s.Keyring = r.Stores.Probe(ctx)
		if s.Keyring.State == keystore.Ready {
			s.Kind = keystore.Keyring
			return s, false, nil
		}
		err = s.Keyring.Failure("open")
	}
	if r.Unattended {
		return s, false, err
	}
	return s, true, nil
}

// UnlockAsked says that a store waits for somebody, or not any more: see WaitWords.
type UnlockAsked struct{ keystore.Wait }

func (ev UnlockAsked) apply(s State) (State, *Task) {
	s.StoreWait = ev.Wait
	return s, nil
}

// unlock lets a keyring that is locked ask for its password, and tries the
// passphrase of a file. A file that is yet to be made takes any; one that went
// while its passphrase was asked for does not: that of a new one is typed twice.
func (r *Runner) unlock(ctx context.Context, s Store) error {
	store, err := r.open(s)
	if err != nil {
		return err
	}
	if store, ok := store.(interface{ Unlock(context.Context) error }); ok {
		err = store.Unlock(ctx)
	}
	if s.File == "" && errors.Is(err, keystore.ErrNotFound) {
		return nil
	}
	return err
}

// withSecret fills in the stored client secret when none was typed in this run. That
// it is not there is ErrNoSecret; anything else is an error of the store, never "not
// there".
func (r *Runner) withSecret(ctx context.Context, a Answers, s Store) (Answers, error) {
	if !a.ClientSecret.Empty() {
		return a, nil
	}
	store, err := r.open(s)
	if err != nil {
		return a, err
	}
	secret, err := store.Get(ctx, clientSecretOf(a).Key())
	if errors.Is(err, keystore.ErrNotFound) {
		return a, ErrNoSecret
	}
	a.ClientSecret = cronofy.NewSecret(secret)
	return a, err
}

// storeSecret stores a secret and reads it back, unless it is there already. What
// could not be read is not written over, and an old secret is put back when the
// store does not give back the new one. It is listed first, and not any more if
// the store certainly did not take it.
func (r *Runner) storeSecret(ctx context.Context, s Store, what links.StoredSecret, secret cronofy.Secret) error {
	store, err := r.open(s)
	if err != nil {
		return err
	}
	key := what.Key()
	old, err := store.Get(ctx, key)
	had := err == nil
	if !had && !errors.Is(err, keystore.ErrNotFound) {
		return err
	}
	unrecord, err := r.recordSecret(ctx, what, s)
	if err != nil || had && old == secret.Reveal() {
		return err
	}
	if err := store.Set(ctx, key, secret.Reveal()); err != nil {
		if had && errors.Is(err, keystore.ErrReadBack) {
			_ = store.Set(ctx, key, old)
		}
		if _, now := store.Get(ctx, key); errors.Is(now, keystore.ErrNotFound) {
			unrecord()
		}
		return err
	}
	_, _ = r.recordSecret(ctx, what, s) // somebody may have removed the entry before there was anything
	return nil
}

// testStore tells whether what an approval gives could be stored now: it is listed, and
// a test item is stored. Where there is no client secret, the answers' own is stored
// instead, which belongs there anyway; one that is there stays until a link token shows
// that another is right.
func (r *Runner) testStore(ctx context.Context, a Answers, s Store) error {
	what := clientSecretOf(a)
	store, err := r.open(s)
	if err == nil {
		_, err = store.Get(ctx, what.Key())
	}
	if errors.Is(err, keystore.ErrNotFound) {
		return r.storeSecret(ctx, s, what, a.ClientSecret)
	}
	if err == nil {
		_, err = r.recordSecret(ctx, what, s)
	}
	if err == nil {
		_, err = keystore.TestWrite(ctx, store)
	}
	return err
}

// storeSeen takes over what a failed call saw of the places for secrets. A
// passphrase that was refused is not tried again.
func storeSeen(s Store, err error) Store {
	store := new(keystore.Error)
	if !errors.As(err, &store) {
		return s
	}
	switch {
	case store.Store == keystore.File && errors.Is(err, keystore.ErrNotFound):
		s.File, s.Passphrase = "", cronofy.Secret{}
	case errors.Is(err, keystore.ErrPassphrase):
		s.File, s.Passphrase = store.Path, cronofy.Secret{} // one that came meanwhile, too
	case store.Store == keystore.Keyring && store.State != "":
		s.Keyring = store.Status
	}
	return s
}

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
	{keystore.ErrTooBig, nil, "The encrypted file is full.", "Forget with confer logout what nobody needs, then try again."},
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
