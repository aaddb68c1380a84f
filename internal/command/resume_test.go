//go:build unix

package command

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"confer/cronofy"
	"confer/cronofy/sandbox"
	"confer/internal/links"
	"confer/internal/screentest"
	"confer/internal/testhost"
	"confer/keystore"
)

// workplace is where an operator works: a Cronofy, and a state folder that outlives
// each run.
type workplace struct {
	t      *testing.T
	server *sandbox.Server
	creds  sandbox.Credentials
	dir    string
	env    []string
	file   *links.File
}

const workplaceSecret = "CRN_the-secret-of-the-desk-0123456789"

func newWorkplace(t *testing.T, env ...string) *workplace {
	t.Helper()
	d := &workplace{t: t, dir: t.TempDir()}
	d.server = sandbox.New(sandbox.Options{ClientSecret: cronofy.NewSecret(workplaceSecret)})
	require.NoError(t, d.server.Start())
	t.Cleanup(func() { require.NoError(t, d.server.Close()) })
	d.creds = d.server.Credentials()
	d.env = append([]string{"XDG_STATE_HOME=" + d.dir, "CRONOFY_API_URL=" + d.server.APIURL(), "CRONOFY_APP_URL=" + d.server.AppURL()}, env...)
	d.file = links.Open(filepath.Join(d.dir, "confer", "links.json"))
	return d
}

func (d *workplace) open(args ...string) *terminal {
	d.t.Helper()
	return startTerminal(d.t, terminalOptions{width: 120, height: 40, env: d.env}, append([]string{"--redirect-uri", testhost.RedirectURI(d.t)}, args...)...)
}

// load reads the file as the next run will. That it had to be set aside is a failure.
func (d *workplace) load() links.Contents {
	d.t.Helper()
	c, err := d.file.Load(d.t.Context())
	require.NoError(d.t, err)
	require.Empty(d.t, c.Damaged, "the state file was damaged")
	return c
}

func (d *workplace) draft() links.Draft {
	d.t.Helper()
	if c := d.load(); c.Draft != nil {
		return *c.Draft
	}
	return links.Draft{}
}

// saved waits for the state file to hold what it must. It is written behind the
// operator's back, so the screen may be a moment ahead of it.
func (d *workplace) saved(what string, ok func(links.Contents) bool) {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(d.t.Context(), screentest.Patience)
	defer cancel()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !ok(d.load()) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			d.t.Fatalf("never saved: %s", what)
		}
	}
}

// firstPage is where the next run must begin, by what the file holds.
func firstPage(c links.Contents) string {
	d := c.Draft
	switch {
	case d == nil || !d.Kept || d.Store != keystore.Keyring || d.Open == "application":
		return onApplication // the secret is missing
	case d.ServiceAccount == "" || d.Open == "service_account":
		return onServiceAccount
	case d.Provider == "":
		return onProvider
	}
	return onAuthorize
}

// operator answers each page once, and types only what is not there already.
type operator struct {
	d     *workplace
	x     *terminal
	known links.Draft // from the runs before
	at    string
	typed []string // what had to be typed although it was known
}

func (d *workplace) operator(x *terminal) *operator { return &operator{d: d, x: x, known: d.draft()} }

// act answers the page that the screen shows, if it has not yet.
func (o *operator) act(screen string) {
	at := title(screen) // of a page that has no answer here
	for _, p := range []string{onLinked, onWaiting, onAuthorize, onProvider, onServiceAccount, onStore, onApplication} {
		if strings.Contains(screen, p) {
			at = p
			break
		}
	}
	asks := strings.Contains(screen, "Service account id") || strings.Contains(screen, "Another one") // its form, or those used before
	if at == onServiceAccount && !asks {
		return
	}
	if at != "" && at != o.at {
		o.at = at
		o.x.Press(o.keys(screen))
	}
}

func (o *operator) keys(screen string) string {
	switch o.at {
	case onApplication:
		if id := o.unlessThere(screen, o.d.creds.ClientID, o.known.ClientID); id != "" {
			return id + tabKey + workplaceSecret + enter
		}
		return workplaceSecret + enter // the cursor is in the first field that wants an answer
	case onServiceAccount:
		return o.unlessThere(screen, o.d.creds.ServiceAccountID, o.known.ServiceAccount) + enter
	case onWaiting, onLinked:
		return ""
	}
	return enter
}

func (o *operator) unlessThere(screen, text, known string) string {
	if strings.Contains(screen, text) {
		return ""
	}
	if known != "" {
		o.typed = append(o.typed, text)
	}
	return text
}

// walk answers pages until one is shown.
func (o *operator) walk(to string) {
	o.x.t.Helper()
	o.x.when(func(screen string) bool {
		if strings.Contains(screen, to) {
			return true
		}
		o.act(screen)
		return false
	}, to)
	require.Empty(o.x.t, o.typed, "typed twice")
}

// TestKilledAtTheFirstPages: those before anything is sent.
func TestKilledAtTheFirstPages(t *testing.T) {
	t.Parallel()
	d := newWorkplace(t)
	d.env = []string{"XDG_STATE_HOME=" + d.dir}
	x := d.open()
	x.until(onDataCenter)
	x.kill()
	require.Nil(t, d.load().Draft)
	x = d.open()
	x.until(onDataCenter)
	x.press("4" + enter)
	x.until(onApplication)
	d.saved("the data center", func(c links.Contents) bool { return c.Draft != nil && c.Draft.DataCenter == "de" })
	x.kill()
	x = d.open()
	x.until(onApplication, "Germany")
	x.press(escape)
	x.until(onDataCenter)
}

// TestKilledAtEachPage: with secrets in memory, the next run asks for the secret
// and for nothing else.
func TestKilledAtEachPage(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		page  string
		saved func(links.Contents) bool
	}{
		{onStore, func(c links.Contents) bool { return c.Draft != nil && c.Draft.ClientID != "" }},
		{onServiceAccount, func(c links.Contents) bool { return c.Draft != nil && c.Draft.Store == "session" }},
		{onProvider, func(c links.Contents) bool { return c.Draft != nil && c.Draft.ServiceAccount != "" }},
		{onAuthorize, func(c links.Contents) bool { return c.Draft != nil && c.Draft.Provider != "" }},
		{onWaiting, func(c links.Contents) bool { return c.Draft != nil && c.Draft.Provider != "" }},
		{onLinked, func(c links.Contents) bool { return c.Draft == nil && len(c.Links) == 1 }},
	} {
		t.Run(c.page, func(t *testing.T) {
			t.Parallel()
			d := newWorkplace(t)
			browser := "none"
			if c.page == onLinked {
				browser = "browser"
			}
			x := d.open("--browser", browser)
			d.operator(x).walk(c.page)
			d.saved(c.page, c.saved)
			x.kill()
			require.Equal(t, onApplication, firstPage(d.load()))
			x = d.open("--browser", "browser")
			x.until(onApplication)
			d.operator(x).walk(onLinked)
			x.press(ctrlC)
			x.exits(0)
			require.Len(t, d.load().Links, 1)
			require.Nil(t, d.load().Draft)
		})
	}
}

// TestRefusedAnswersAreOpen: what was typed is in its field again, on the page that
// did not accept it, if it is of a form that no secret has. What may be the secret in
// the wrong field is not written down.
func TestRefusedAnswersAreOpen(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		page, flag, typed, refused string
		written                    bool
	}{
		{onApplication, "", "aClientIdThatNobodyKnows", "Cronofy does not accept this client id", false},
		{onServiceAccount, "--client-id", "ser_6710aa01c0ffee0000000000", "Cronofy does not accept this service account", true},
		{onServiceAccount, "--client-id", "acc_6710aa01c0ffee0000000000", "ser_", false},
	} {
		t.Run(c.typed, func(t *testing.T) {
			t.Parallel()
			d := newWorkplace(t, "CRONOFY_CLIENT_SECRET="+workplaceSecret)
			args := []string{"--secret-store", "session", "--browser", "none"}
			if c.flag != "" {
				args = append(args, c.flag, d.creds.ClientID)
			}
			x := d.open(args...)
			x.until(c.page)
			x.press(c.typed + enter)
			x.when(func(screen string) bool { return strings.Contains(unwrapped(screen), c.refused) }, c.refused)
			if c.written {
				d.saved("the answer", func(now links.Contents) bool { return now.Draft != nil && now.Draft.ServiceAccount == c.typed })
				x.kill()
			} else {
				x.press(ctrlC)
				x.exits(130) // what was to be written is
				text, err := os.ReadFile(d.file.Path())
				require.NoError(t, err)
				require.NotContains(t, string(text), c.typed)
			}
			x = d.open(args...)
			require.Equal(t, c.written, strings.Contains(x.until(c.page), c.typed))
			x.press(ctrlC)
			x.exits(130)
		})
	}
}

// TestSecondWizardStartsAfresh: it neither shows nor changes what the one that is
// open was told, and the death of that one frees the place.
func TestSecondWizardStartsAfresh(t *testing.T) {
	t.Parallel()
	d := newWorkplace(t, "CRONOFY_CLIENT_SECRET="+workplaceSecret)
	args := []string{"--browser", "none", "--secret-store", "session", "--client-id", d.creds.ClientID}
	one := d.open(args...)
	one.until(onServiceAccount)
	one.press(d.creds.ServiceAccountID + enter)
	one.to(onProvider)
	d.saved("the first one's answers", func(c links.Contents) bool {
		return c.Draft != nil && c.Draft.ServiceAccount != "" && c.Draft.Open == ""
	})
	before := d.draft()
	two := d.open(args...)
	require.NotContains(t, two.until(onServiceAccount, "Service account id"), d.creds.ServiceAccountID)
	two.press("ser_typed_by_another" + enter)
	two.says("Cronofy does not accept this service account")
	two.press(ctrlC)
	require.Contains(t, two.exits(130), "Your answers were not saved.")
	require.Equal(t, before, d.draft())
	one.kill()
	three := d.open(args...)
	require.NotContains(t, three.until(onProvider), "Another confer")
}

// TestAnswersThatCannotBeSaved: that is said at once, and nothing else at the end.
func TestAnswersThatCannotBeSaved(t *testing.T) {
	t.Parallel()
	d := newWorkplace(t)
	require.NoError(t, os.Mkdir(filepath.Join(d.dir, "confer"), 0o700))
	require.NoError(t, os.Chmod(filepath.Join(d.dir, "confer"), 0o777))
	x := d.open("--browser", "none")
	x.says("Your answers cannot be saved for later: ")
	x.press(ctrlC)
	raw := x.exits(130)
	require.Contains(t, raw, "Your answers were not saved.")
	require.NotContains(t, raw, "Your answers are kept")
}

// TestTwoWizards on one state folder: neither waits for the other or spoils what
// it has written.
func TestTwoWizards(t *testing.T) {
	t.Parallel()
	d := newWorkplace(t)
	one := d.open("--browser", "browser")
	one.until(onApplication)
	two := d.open("--browser", "browser", "--provider", "webex_enterprise")
	two.says("Another confer is running on this machine. Its answers are left alone")
	first, second := d.operator(one), d.operator(two)
	for _, page := range []string{onStore, onServiceAccount, onProvider, onAuthorize} {
		first.walk(page)
		second.walk(page)
	}
	second.walk(onLinked)
	require.Equal(t, "zoom_enterprise", d.draft().Provider, "the first one's answers")
	first.walk(onLinked)
	for _, x := range []*terminal{one, two} {
		x.press(ctrlC)
		x.exits(0)
	}
	c := d.load()
	require.Len(t, c.Links, 2)
	require.Equal(t, "zoom_enterprise", c.Links[0].Provider)
	require.Equal(t, "webex_enterprise", c.Links[1].Provider)
}

// TestDamagedStateIsKept: its name is said on the first page.
func TestDamagedStateIsKept(t *testing.T) {
	t.Parallel()
	const text, words = `{"version":1,"links":[`, "was damaged. It was kept as links.json.damaged-"
	for _, given := range []bool{false, true} { // the first page is the application's, or the last before the browser
		d := newWorkplace(t)
		require.NoError(t, os.MkdirAll(filepath.Dir(d.file.Path()), 0o700))
		require.NoError(t, os.WriteFile(d.file.Path(), []byte(text), 0o600))
		page, args := onApplication, []string{"--browser", "none"}
		if given {
			d.env = append(d.env, "CRONOFY_CLIENT_SECRET="+workplaceSecret)
			page = onAuthorize
			args = append(args, "--client-id", d.creds.ClientID, "--service-account", d.creds.ServiceAccountID, "--provider", "any", "--secret-store", "session")
		}
		x := d.open(args...)
		x.until(page)
		x.when(func(screen string) bool { return strings.Contains(unwrapped(screen), words) }, words)
		kept, err := os.ReadFile(d.file.Path() + ".damaged-1")
		require.NoError(t, err)
		require.Equal(t, text, string(kept))
		x.kill()
	}
}

// says waits for a sentence, however it is broken into lines.
func (x *terminal) says(sentence string) {
	x.t.Helper()
	x.when(func(screen string) bool { return strings.Contains(unwrapped(screen), sentence) }, sentence)
}

// unwrapped joins the lines of a page, without the rail at its left.
func unwrapped(screen string) string {
	var out []string
	for line := range strings.Lines(screen) {
		if r := []rune(strings.TrimRight(line, "\n")); len(r) > railWidth {
			out = append(out, strings.Fields(string(r[railWidth:]))...)
		}
	}
	return strings.Join(out, " ")
}

// leftovers are files of writes that were never finished.
func (d *workplace) leftovers() []string {
	d.t.Helper()
	var out []string
	require.NoError(d.t, filepath.WalkDir(d.dir, func(path string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".tmp") {
			out = append(out, path)
		}
		return err
	}))
	return out
}

// TestFileKeepsTheSecret: a wizard that was killed asks for the passphrase of
// the encrypted file, and for nothing else. A wrong one is said, and typed again.
func TestFileKeepsTheSecret(t *testing.T) {
	t.Parallel()
	d := newWorkplace(t)
	x := d.open("--browser", "none")
	d.operator(x).walk(onStore)
	x.press("3" + enter)
	x.until("Repeat the passphrase")
	x.typePassphrase(canaryPassphrase)
	d.operator(x).walk(onProvider)
	d.saved("the secret", func(c links.Contents) bool { return c.Draft != nil && c.Draft.Kept && c.Draft.Store == "file" })
	x.kill()

	x = d.open("--browser", "browser")
	x.until(onApplication, "leave empty to use the stored one")
	x.press(enter)
	x.until(onPassphrase, "Passphrase")
	x.openWith("not the passphrase")
	x.until("The passphrase does not open the encrypted file")
	require.NotContains(t, x.Raw(), "not the passphrase")
	x.press(ctrlC)
	x.exits(130)

	x = d.open("--browser", "browser", "--secret-store", "file")
	x.until(onApplication)
	x.press(enter)
	x.until(onPassphrase, "Passphrase")
	x.openWith(canaryPassphrase)
	d.operator(x).walk(onLinked)
	require.Contains(t, x.until("encrypted file."), onLinked)
	x.press(ctrlC)
	x.exits(0)
	require.Equal(t, keystore.File, d.load().Links[0].Store)
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

// TestWhichBrowser: a flag comes before the environment, that before what an
// earlier wizard was told, and that before the system's.
func TestWhichBrowser(t *testing.T) {
	t.Parallel()
	d := newWorkplace(t)
	x := d.open("--browser", "none")
	x.until(onApplication)
	x.kill()
	require.Equal(t, "none", d.load().Browser)

	given := []string{"--client-id", d.creds.ClientID, "--service-account", d.creds.ServiceAccountID, "--provider", "any", "--secret-store", "session"}
	here := append(slices.Clone(d.env), "CRONOFY_CLIENT_SECRET="+workplaceSecret)
	d.env = here
	x = d.open(given...)
	x.until(onAuthorize, "No browser will be opened", "chosen earlier")
	x.kill()

	d.env = append(slices.Clone(here), "BROWSER=browser")
	x = d.open(given...)
	require.NotContains(t, x.until(onAuthorize), "chosen earlier")
	x.press(enter)
	x.to(onLinked)
	x.press(ctrlC)
	x.exits(0)
	require.Equal(t, "none", d.load().Browser, "the environment is not remembered")

	d.env = append(slices.Clone(here), "BROWSER=refuser")
	x = d.open(append(given, "--browser", "browser")...)
	x.until(onAuthorize)
	x.press(enter)
	x.to(onLinked)
	x.press(ctrlC)
	x.exits(0)
}
