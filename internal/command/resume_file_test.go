//go:build unix

package command

import (
	"testing"

	"github.com/stretchr/testify/require"

	"confer/internal/links"
)

// TestFileKeepsTheSecret: a wizard that was killed asks for the passphrase of
// the encrypted file, and for nothing else. A wrong one is said, and typed again.
func TestFileKeepsTheSecret(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	x := d.open("--browser", "none")
	x.Patience = sealedPatience
	d.operator(x).walk(onStore)
	x.press("3" + enter)
	x.until("Repeat the passphrase")
	x.typePassphrase(canaryPassphrase)
	d.operator(x).walk(onProvider)
	d.saved("the secret", func(c links.Contents) bool { return c.Draft != nil && c.Draft.Kept && c.Draft.Store == "file" })
	x.kill()

	x = d.open("--browser", "browser")
	x.Patience = sealedPatience
	x.until(onApplication, "leave empty to use the stored one")
	x.press(enter)
	x.until("Open the encrypted file", "Passphrase")
	x.openWith("not the passphrase")
	x.until("The passphrase does not open the encrypted file")
	require.NotContains(t, x.bytes(), "not the passphrase")
	x.press(ctrlC)
	x.exits(130)

	x = d.open("--browser", "browser", "--secret-store", "file")
	x.Patience = sealedPatience
	x.until(onApplication)
	x.press(enter)
	x.until("Open the encrypted file", "Passphrase")
	x.openWith(canaryPassphrase)
	d.operator(x).walk(onLinked)
	require.Contains(t, x.until("encrypted file."), onLinked)
	x.press(ctrlC)
	x.exits(0)
	require.Equal(t, "file", d.load().Links[0].Store)
}

// openWith fills the one field of an encrypted file that is there.
func (x *terminal) openWith(text string) {
	x.t.Helper()
	x.secret(text, 1)
	x.press(enter)
}

// typePassphrase fills both fields.
func (x *terminal) typePassphrase(text string) {
	x.t.Helper()
	x.secret(text, 1)
	x.press(enter)
	x.secret(text, 2)
	x.press(enter)
}
