//go:build unix

package command

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
	"github.com/stretchr/testify/require"
)

// linkedTerminal is an environment with a link whose secrets are in a file.
func linkedTerminal(t *testing.T) (env []string, h *linkedHome) {
	t.Helper()
	dir := t.TempDir()
	h = &linkedHome{}
	require.NoError(t, h.start(filepath.Join(dir, "confer")))
	t.Cleanup(h.stop)
	return []string{"XDG_STATE_HOME=" + dir}, h
}

func TestRevokeAsksForTheServiceAccount(t *testing.T) {
	t.Parallel()
	env, h := linkedTerminal(t)
	id := h.server.Credentials().ServiceAccountID

	x := startTerminal(t, terminalOptions{env: env}, "logout", "Acme", "--revoke")
	x.until("Whether that ends the link too", "not documented by Cronofy", "Type the service account id to revoke:")
	x.press("yes\r")
	x.until("That is not the service account id, so nothing was done")
	x.exits(130)
	require.Zero(t, h.revocations())

	x = startTerminal(t, terminalOptions{env: env}, "logout", "Acme", "--revoke")
	x.until("Type the service account id to revoke:")
	x.press("\x03")
	x.exits(130)
	require.Zero(t, h.revocations())

	x = startTerminal(t, terminalOptions{env: env}, "logout", "Acme", "--revoke")
	x.until("Type the service account id to revoke:")
	x.press(id + "\r")
	x.until("Passphrase of the encrypted file:")
	x.press(testPassphrase + "\r")
	x.until("Acme is forgotten here, with its tokens and the client secret.", "revoked at Cronofy")
	require.NotContains(t, x.exits(0), testPassphrase)
	require.Equal(t, 1, h.revocations())
}

func TestPassphrasePromptCanBeLeft(t *testing.T) {
	t.Parallel()
	env, _ := linkedTerminal(t)
	x := startTerminal(t, terminalOptions{env: env}, "status", "--check")
	x.until("Passphrase of the encrypted file:")
	x.press("\x03")
	x.exits(130)

	x = startTerminal(t, terminalOptions{env: env}, "status", "--check")
	x.until("Passphrase of the encrypted file:")
	x.press("wrong\r")
	x.until("The passphrase does not open the encrypted file.")
	x.exits(1)

	x = startTerminal(t, terminalOptions{env: env}, "status", "--check")
	x.until("Passphrase of the encrypted file:")
	x.press(testPassphrase + "\r")
	x.until("ok: Cronofy accepts confer's token")
	require.NotContains(t, x.exits(0), testPassphrase)
}

func TestTokensStayOffTheTerminal(t *testing.T) {
	t.Parallel()
	env, _ := linkedTerminal(t)
	x := startTerminal(t, terminalOptions{env: env}, "export", "Acme", "--tokens-out", "-")
	x.until("would show the tokens on this terminal")
	x.exits(2)

	x = startTerminal(t, terminalOptions{env: env}, "export", "Acme", "--tokens-out", "out.json")
	x.until("Passphrase of the encrypted file:")
	x.press(testPassphrase + "\r")
	x.until("which only you can read")
	raw := x.exits(0)
	text, err := os.ReadFile(filepath.Join(x.cmd.Dir, "out.json"))
	require.NoError(t, err)
	require.Contains(t, string(text), `"access_token": "`)
	require.NotContains(t, raw, "_token")

	x = startTerminal(t, terminalOptions{env: env}, "export", "Acme", "--tokens-out", "-", "--force")
	x.until("Passphrase of the encrypted file:")
	x.press(testPassphrase + "\r")
	require.Contains(t, x.exits(0), `"access_token": "`)
}

// TestConfirmationNeedsStandardInput: one line cannot be the passphrase and the
// answer to a question.
func TestConfirmationNeedsStandardInput(t *testing.T) {
	t.Parallel()
	env, h := linkedTerminal(t)
	x := startTerminal(t, terminalOptions{env: env}, "logout", "Acme", "--revoke", "--secret-passphrase-fd", "0")
	x.until("standard input is for what you type", "hint: leave it out to be asked")
	x.exits(2)

	x = startTerminal(t, terminalOptions{env: env}, "logout", "Acme", "--revoke", "--yes")
	x.until("Passphrase of the encrypted file:")
	x.press(testPassphrase + "\r")
	x.until("revoked at Cronofy")
	require.NotContains(t, x.exits(0), testPassphrase)
	require.Equal(t, 1, h.revocations())
}

// TestStatusOnATerminal is a small table where it fits, and lines where it does not.
func TestStatusOnATerminal(t *testing.T) {
	t.Parallel()
	env, h := linkedTerminal(t)
	x := startTerminal(t, terminalOptions{env: env, width: 120, height: 30}, "status")
	raw := ansi.Strip(x.exits(0))
	require.Regexp(t, `LINK +LABEL +PROVIDER +SERVICE ACCOUNT +DATA CENTER +LINKED +SECRETS IN +STATE\r?\n`, raw)
	require.Regexp(t, `webex-\S+ +Acme +Webex +`+h.server.Credentials().ServiceAccountID+` .* ok\r?\n`, raw)
	require.NotContains(t, raw, "client secret")

	x = startTerminal(t, terminalOptions{env: env, width: 60, height: 30}, "status")
	raw = ansi.Strip(x.exits(0))
	require.NotContains(t, raw, "LINK ")
	require.Contains(t, raw, "client secret")
}

// TestProfilesAskForTheList: what else is missing is the only link's.
func TestProfilesAskForTheList(t *testing.T) {
	t.Parallel()
	env, h := linkedTerminal(t)
	var people strings.Builder
	require.NoError(t, h.server.AccountsCSV(&people))
	list := filepath.Join(t.TempDir(), "people.csv")
	require.NoError(t, os.WriteFile(list, []byte(people.String()), 0o600))
	x := startTerminal(t, terminalOptions{env: append(slices.Clone(env), "HOME="+filepath.Dir(list)), width: 140, height: 40}, "profiles")
	x.until("are those of the only link, webex-", "File with the accounts")
	x.press("~/people.csv\r") // no shell reads this
	x.until("amara@example.test", "connected")
	x.exits(0)

	x = startTerminal(t, terminalOptions{env: env, width: 140, height: 40}, "profiles", "--out", list)
	x.until("File with the accounts")
	x.press(list + "\r")
	x.until("--accounts and --out name one file")
	x.exits(2)

	x = startTerminal(t, terminalOptions{env: env, width: 140, height: 40}, "profiles", "--no-input")
	x.until("missing: --accounts")
	x.exits(2)
}
