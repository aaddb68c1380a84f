package keystore

import "context"

// State is what a probe saw of the keyring.
type State string

// The states.
const (
	// Ready: the keyring is there and unlocked.
	Ready State = "ready"
	// Locked: it is there, and Unlock will open a dialog, or fail where none can be shown.
	Locked State = "locked"
	// NoCollection: the service runs but has neither a login nor a default keyring.
	NoCollection State = "no-collection"
	// NoService: there is a session bus, and nothing on it offers a keyring.
	NoService State = "no-service"
	// NoBus: there is no session bus, or not one that this user can use.
	NoBus State = "no-bus"
	// Silent: something did not answer within ProbeLimit or the context.
	Silent State = "silent"
	// Unsupported: this build has no keyring for the system it runs on.
	Unsupported State = "unsupported"
)

// Status is the answer of Probe.
type Status struct {
	State State
	// Detail is why, in the platform's words: one clean line of at most some
	// 300 characters, meant for a details line. Empty when there is nothing to add.
	Detail string
	// NoWindow: this session can show no window, so a locked keyring cannot ask.
	NoWindow bool
}

// sentinel is the error of a call that found this state; nil for Ready.
func (s State) sentinel() error {
	switch s {
	case Ready:
		return nil
	case Locked:
		return ErrLocked
	default:
		return ErrUnavailable
	}
}

// Probe tells whether the keyring can be used, without asking the user for
// anything, unlocking or writing, within ProbeLimit and ctx. It never starts a
// session bus; the bus itself may start the keyring service that is installed
// for it, as it would for any program.
//
// On macOS and Windows it says Ready without touching anything: there is no way
// to ask there that could not open a dialog.
func Probe(ctx context.Context) Status {
	ctx, cancel := context.WithTimeout(ctx, ProbeLimit)
	defer cancel()
	return look(ctx)
}
