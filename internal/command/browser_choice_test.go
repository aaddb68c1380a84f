//go:build unix

package command

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestWhichBrowser: a flag comes before the environment, that before what an
// earlier wizard was told, and that before the system's.
func TestWhichBrowser(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	x := d.open("--browser", "none")
	x.until(onApplication)
	x.kill()
	require.Equal(t, "none", d.load().Browser)

	given := []string{"--client-id", d.creds.ClientID, "--service-account", d.creds.ServiceAccountID, "--provider", "any", "--secret-store", "session"}
	here := append(slices.Clone(d.env), "CRONOFY_CLIENT_SECRET="+deskSecret)
	d.env = here
	x = d.open(given...)
	x.until(onAuthorize, "No browser will be opened", "chosen earlier")
	x.kill()

	d.env = append(slices.Clone(here), "BROWSER=browser")
	x = d.open(given...)
	require.NotContains(t, x.until(onAuthorize), "chosen earlier")
	x.press(enter)
	x.until(onLinked)
	x.press(ctrlC)
	x.exits(0)
	require.Equal(t, "none", d.load().Browser, "the environment is not remembered")

	d.env = append(slices.Clone(here), "BROWSER=refuser")
	x = d.open(append(given, "--browser", "browser")...)
	x.until(onAuthorize)
	x.press(enter)
	x.until(onLinked)
	x.press(ctrlC)
	x.exits(0)
}
