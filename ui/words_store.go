package ui

import (
	"time"

	"confer/flow"
)

// keyringWords says why the place for secrets is asked about.
func keyringWords(s flow.Store) string {
	switch s.Keyring {
	case "": // not asked: the file was chosen before
		return "In the encrypted secrets file. Its passphrase opens it."
	case "ready":
		return "The system keyring is there, but could not be used."
	case "locked":
		return "The system keyring is locked."
	case "no-collection":
		return "The keyring service runs, but there is no keyring in it yet."
	case "no-service":
		return "No keyring service runs in this session."
	case "no-bus":
		return "This session has no D-Bus, so no keyring can be reached. Over SSH and in containers that is usual."
	case "silent":
		return "The system keyring does not answer."
	case "unsupported":
		return "This build has no keyring for this system."
	}
	return "The system keyring cannot be used."
}

// systemSays is what the platform adds; empty: nothing, or a problem says it.
func systemSays(s flow.State) string {
	if s.Store.Detail == "" || s.Problem != nil {
		return ""
	}
	return "The system says: " + clean(s.Store.Detail)
}

// keyringHelp says how the keyring can be had; empty: trying is all, nothing
// helps, or a problem says it.
func keyringHelp(s flow.State) string {
	if s.Problem != nil {
		return ""
	}
	return flow.KeyringHelp(s.Store)
}

// keyringAgain is the option that tries the keyring once more.
func keyringAgain(s flow.Store) (o struct{ label, note string }) {
	o.label, o.note = "Try the keyring again", "as it is now"
	switch s.Keyring {
	case "locked":
		if s.NoWindow {
			o.note = "after you unlocked it"
			break
		}
		o.label, o.note = "Unlock the keyring", "a window on your desktop asks"
	case "no-collection":
		o.note = "after you made one"
	case "no-service", "no-bus":
		o.note = "after you started it"
	case "silent":
		o.note = "when it answers again"
	}
	return o
}

func fileNote(s flow.Store) string {
	if s.File != "" {
		return "with the passphrase that it has"
	}
	return "with a passphrase"
}

// windowWords are for a store that waits for somebody; empty: it does not.
func windowWords(s flow.State, now time.Time) string {
	left := s.Unlock.Sub(now)
	switch {
	case s.StoreWait == "", !s.Unlock.IsZero() && left <= 0:
		return ""
	case s.Unlock.IsZero():
		return s.StoreWait
	}
	return s.StoreWait + ". " + clock(left) + " left"
}

// storeWorking says what is done with the store.
func storeWorking(s flow.State, now time.Time) string {
	if window := windowWords(s, now); window != "" {
		return window + "; esc stops."
	}
	return storeTask(s) + "…"
}

func storeTask(s flow.State) string {
	if _, ok := s.Running.Effect.(flow.StoreHeld); ok {
		return "Storing the token and reading it back"
	}
	return "Opening the store"
}
