package flow

import (
	"testing"

	"github.com/stretchr/testify/require"

	"confer/keystore"
)

// TestStoreWords: what a place for secrets answered, the way on from there, and
// what a script is told instead.
func TestStoreWords(t *testing.T) {
	t.Parallel()
	ring := func(op string, err error, more ...func(*keystore.Error)) error {
		e := &keystore.Error{Op: op, Store: keystore.Keyring, Err: err}
		for _, m := range more {
			m(e)
		}
		return e
	}
	file := func(err error) error {
		return &keystore.Error{Op: "open", Store: keystore.File, Err: err, Path: "/x/secrets.age", Status: keystore.Status{Detail: "mode 0777"}}
	}
	noWindow := func(e *keystore.Error) { e.State, e.NoWindow = keystore.Locked, true }
	detail := func(e *keystore.Error) { e.State, e.Detail = keystore.Ready, "No space left" }
	for _, c := range []struct {
		err                   error
		summary, hint, script string
	}{
		{ring("unlock", keystore.ErrBusy), "A window of it may be open", "Answer it", "--secret-store session"},
		{ring("unlock", keystore.ErrTimeout), "Nobody answered", "still be open", "--secret-store session"},
		{ring("unlock", keystore.ErrLocked), "its window was closed", "keep the secrets in memory", "--secret-store session"},
		{ring("unlock", keystore.ErrLocked, noWindow), "is locked.", "gnome-keyring-daemon --replace --unlock", "--unlock"},
		{ring("get", keystore.ErrLocked, noWindow), "is locked.", "No window can be shown here", "--unlock"},
		{ring("get", keystore.ErrUnavailable, func(e *keystore.Error) { e.State = keystore.NoCollection }), "no keyring in it yet", "Seahorse", "--secret-store session"},
		{ring("get", keystore.ErrUnavailable, func(e *keystore.Error) { e.State = keystore.Silent }), "does not answer", "restart the keyring service", "--secret-store session"},
		{ring("set", keystore.ErrTimeout), "did not answer in time.", "Try again", "--secret-store session"},
		{ring("get", keystore.ErrTimeout), "did not answer in time.", "Try again", "--secret-store session"},
		{ring("get", keystore.ErrBusy), "busy with an earlier call", "Answer it", "--secret-store session"},
		{ring("set", keystore.ErrRefused, detail), "refused: No space left.", "Try again", "--secret-store session"},
		{ring("get", keystore.ErrUnavailable, detail), "cannot be used: No space left.", "Try again", "--secret-store session"},
		{file(keystore.ErrNoPassphrase), "needs its passphrase", "Enter it.", "--secret-passphrase-fd 3 3<FILE"},
		{file(keystore.ErrPassphrase), "does not open", "move away /x/secrets.age", "the right one with --secret-passphrase-fd"},
		{file(keystore.ErrInsecure), "mode 0777", "chmod 700 /x, and chmod 600 /x/secrets.age. If it is a link, a folder or another user's, move it away.", "chmod 700"},
		{file(keystore.ErrDamaged), "damaged", "/x/secrets.age", "/x/secrets.age"},
		{file(keystore.ErrNewer), "newer confer", "/x/secrets.age", "/x/secrets.age"},
		{file(keystore.ErrNotFound), "not there any more", "new one", "new one"},
	} {
		p := Explain(c.err, StepApplication)
		require.Contains(t, p.Summary, c.summary)
		require.Contains(t, p.Hint, c.hint)
		require.NotContains(t, p.Hint, "--secret-", "a wizard's page offers it")
		require.Contains(t, p.ForScript().Hint, c.script)
		require.Equal(t, CodeSecretStore, p.Code)
	}
	require.Equal(t, "keyring set: store refused: No space left", Explain(ring("set", keystore.ErrRefused, detail), StepApplication).Details())
}
