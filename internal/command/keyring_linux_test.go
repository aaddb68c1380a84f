package command

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
	"github.com/stretchr/testify/require"

	"confer/internal/keyringtest"
	"confer/internal/links"
	"confer/internal/testhost"
	"confer/keystore"
)

// keyringWorkplace is a workplace with a gnome-keyring of its own, unlocked. pid is the
// daemon's.
func keyringWorkplace(t *testing.T) (d *workplace, bus string, pid int) {
	t.Helper()
	keyringtest.Need(t)
	cmd := exec.Command("../../.ci/with-keyring.sh", "sh", "-c", "echo $DBUS_SESSION_BUS_ADDRESS $GK; cat")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		require.NoError(t, in.Close())
		_, _ = io.Copy(io.Discard, out)
		require.NoError(t, cmd.Wait())
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	bus, process, _ := strings.Cut(strings.TrimSpace(line), " ")
	pid, err = strconv.Atoi(process)
	require.NoError(t, err)
	return newWorkplace(t, "DBUS_SESSION_BUS_ADDRESS="+bus), bus, pid
}

// TestKeyringKeepsTheSecret: a wizard that was killed goes on without any typing.
func TestKeyringKeepsTheSecret(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		page  string
		saved func(links.Contents) bool
	}{
		{onServiceAccount, func(c links.Contents) bool { return c.Draft != nil && c.Draft.Store == "keyring" }},
		{onProvider, func(c links.Contents) bool { return c.Draft != nil && c.Draft.Kept }},
		{onAuthorize, func(c links.Contents) bool { return c.Draft != nil && c.Draft.Provider != "" }},
		{onWaiting, func(c links.Contents) bool { return c.Draft != nil && c.Draft.Provider != "" }},
	} {
		t.Run(c.page, func(t *testing.T) {
			t.Parallel()
			d, _, _ := keyringWorkplace(t)
			x := d.open("--browser", "none")
			d.operator(x).walk(c.page)
			d.saved(c.page, c.saved)
			x.kill()
			before := d.load()
			x = d.open("--browser", "browser")
			x.until(firstPage(before))
			if c.page == onServiceAccount { // the secret is stored when the next answer has proved it
				require.Equal(t, onApplication, firstPage(before))
				return
			}
			o := d.operator(x)
			o.walk(onLinked)
			require.NotContains(t, x.Raw(), "•", "a secret was typed")
			x.press(ctrlC)
			x.exits(0)
			require.Equal(t, keystore.Keyring, d.load().Links[0].Store)
		})
	}
}

// TestKeyringLockedAfterwards: the wizard that comes back says so, and asks
// neither for the secret again nor keeps it elsewhere.
func TestKeyringLockedAfterwards(t *testing.T) {
	t.Parallel()
	d, bus, _ := keyringWorkplace(t)
	x := d.open("--browser", "none")
	d.operator(x).walk(onAuthorize)
	d.saved("all answers", func(c links.Contents) bool { return c.Draft != nil && c.Draft.Provider != "" })
	x.kill()
	lock(t, bus)
	x = d.open("--browser", "none")
	x.until(onAuthorize)
	x.press(enter)
	x.until(onStore, "The system keyring (GNOME Keyring) is locked.", "gnome-keyring-daemon --replace --unlock")
}

func lock(t *testing.T, bus string) {
	t.Helper()
	conn, err := dbus.Connect(bus)
	require.NoError(t, err)
	defer conn.Close()
	var locked []dbus.ObjectPath
	var prompt dbus.ObjectPath
	require.NoError(t, conn.Object("org.freedesktop.secrets", "/org/freedesktop/secrets").
		Call("org.freedesktop.Secret.Service.Lock", 0, []dbus.ObjectPath{"/org/freedesktop/secrets/collection/login"}).Store(&locked, &prompt))
	require.Len(t, locked, 1)
}

// TestKeyringFrozen: the first page does not wait for it, and the words are right.
func TestKeyringFrozen(t *testing.T) {
	t.Parallel()
	d, _, pid := keyringWorkplace(t)
	x := d.open("--browser", "none")
	d.operator(x).walk(onAuthorize)
	d.saved("all answers", func(c links.Contents) bool { return c.Draft != nil && c.Draft.Provider != "" })
	x.kill()
	require.NoError(t, syscall.Kill(pid, syscall.SIGSTOP))
	thaw := func() { require.NoError(t, syscall.Kill(pid, syscall.SIGCONT)) }
	t.Cleanup(thaw)
	x = d.open("--browser", "none")
	x.until(onAuthorize)
	x.press(enter)
	x.until(onStore, "The system keyring does not answer.")
	thaw()
	x.press("1" + enter)
	x.until(onAuthorize) // what it kept is there again: nothing was typed
	require.NotContains(t, x.Raw(), "•")
}

// TestKeyringGoneWhileWaiting: what was approved meanwhile is stored afterwards,
// there or elsewhere, and nobody approves twice.
func TestKeyringGoneWhileWaiting(t *testing.T) {
	t.Parallel()
	for _, back := range []bool{false, true} {
		t.Run(fmt.Sprint(back), func(t *testing.T) {
			t.Parallel()
			d, _, pid := keyringWorkplace(t)
			script := filepath.Join(d.dir, "freezes")
			require.NoError(t, testhost.WriteProgram(script, fmt.Appendf(nil, "#!/bin/sh\nkill -STOP %d\nexec browser \"$1\"\n", pid)))
			thaw := func() { require.NoError(t, syscall.Kill(pid, syscall.SIGCONT)) }
			t.Cleanup(thaw)
			x := d.open("--browser", script)
			d.operator(x).walk("Approved, but not finished")
			x.until("The system keyring does not answer.", "Store it again")
			store := "keyring"
			if back {
				thaw()
				x.press(enter)
			} else {
				store = "session"
				x.press("2" + enter)
				x.until(onStore)
				x.press("2" + enter)
			}
			x.to(onLinked)
			x.press(ctrlC)
			x.exits(0)
			require.Len(t, d.load().Links, 1)
			require.EqualValues(t, store, d.load().Links[0].Store)
		})
	}
}

// TestKeyringThatCannotBeWritten: the client secret is in it already, and still
// nobody is sent to a browser in vain.
func TestKeyringThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	d, _, pid := keyringWorkplace(t)
	x := d.open("--browser", "none")
	d.operator(x).walk(onAuthorize)
	environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	require.NoError(t, err)
	_, data, _ := strings.Cut(string(environ), "XDG_DATA_HOME=")
	data, _, _ = strings.Cut(data, "\x00")
	folder := filepath.Join(data, "keyrings")
	require.NoError(t, os.RemoveAll(folder))
	require.NoError(t, os.WriteFile(folder, nil, 0o600))
	x.press(enter)
	x.until(onStore, "Try the keyring again") // why depends on whether the daemon has noticed already
	x.press("2" + enter)
	x.until(onAuthorize)
	x.press(enter)
	x.until(onWaiting)
}

// TestRelinkInTheKeyring: what a link that is made again leaves is the new token.
func TestRelinkInTheKeyring(t *testing.T) {
	t.Parallel()
	d, bus, _ := keyringWorkplace(t)
	args := []string{"setup", "--no-input", "--provider", "zoom_enterprise", "--browser", "browser",
		"--client-id", d.creds.ClientID, "--service-account", d.creds.ServiceAccountID}
	var tokens []string
	for range 2 {
		cmd := exec.Command("confer", append(args, "--redirect-uri", testhost.RedirectURI(t))...)
		cmd.Env = append(home(t), append(d.env, "CRONOFY_CLIENT_SECRET="+workplaceSecret)...)
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
		key := keystore.Key(d.load().Links[0].APIHost, d.creds.ClientID, d.creds.ServiceAccountID, "zoom_enterprise", "refresh_token")
		look := exec.Command("secret-tool", "lookup", "service", "confer", "username", key)
		look.Env = append(os.Environ(), "DBUS_SESSION_BUS_ADDRESS="+bus)
		token, err := look.Output()
		require.NoError(t, err)
		tokens = append(tokens, string(token))
	}
	require.NotEmpty(t, tokens[1])
	require.NotEqual(t, tokens[0], tokens[1])
	require.Len(t, d.load().Links, 1)
}

// TestKeePassXC is what an operator reads who keeps the secrets there, with
// KeePassXC's own defaults: it asks about each access of a program.
func TestKeePassXC(t *testing.T) {
	t.Parallel()
	const access, takes = "Access Request", keystore.CallLimit + 2*time.Second
	session := keyringtest.Start(t, "keepassxc", "keepassxc-cli")
	session.KeePassXC()
	d := newWorkplace(t, session.Env()...)
	type result struct {
		out  string
		code int
	}
	start := func(args ...string) chan result {
		ended := make(chan result, 1)
		cmd := exec.Command("confer", args...)
		cmd.Env = append(home(t), append(d.env, "CRONOFY_CLIENT_SECRET="+workplaceSecret)...)
		if args[0] != "setup" {
			cmd.Env = append(home(t), d.env...)
		}
		go func() {
			out, _ := cmd.CombinedOutput()
			ended <- result{string(out), cmd.ProcessState.ExitCode()}
		}()
		return ended
	}
	made := <-start("setup", "--no-input", "--provider", "zoom_enterprise", "--browser", "browser", "--redirect-uri", testhost.RedirectURI(t),
		"--client-id", d.creds.ClientID, "--service-account", d.creds.ServiceAccountID)
	require.Zero(t, made.code, made.out)
	require.NotContains(t, made.out, "window")

	seen := <-start("status")
	require.Zero(t, seen.code, seen.out)
	require.Regexp(t, `refresh token +in the system keyring`, seen.out)
	session.NoWindow(access)

	checked := start("status", "--check")
	session.Answer(access, takes, "Return") // the token
	session.Answer(access, 0, "Return")     // the client secret
	got := <-checked
	require.Zero(t, got.code, got.out)
	require.Regexp(t, `check +ok`, got.out)
	require.Contains(t, got.out, "confer: Answer the keyring's window on your desktop (KeePassXC).\n")

	checked = start("status", "--check")
	session.Answer(access, time.Second, "Escape")
	got = <-checked
	require.Equal(t, 1, got.code, got.out)
	require.Regexp(t, `The window of KeePassXC was\s+refused or closed, so\s+nothing was\s+done\.`, got.out)
	require.Regexp(t, `Try again and allow\s+it\.`, got.out)

	session.Lock()
	got = <-start("logout", "--all")
	require.Equal(t, 1, got.code, got.out)
	require.Regexp(t, `The system keyring \(KeePassXC\)\s+is\s+locked\.`, got.out)
	require.Len(t, d.load().Links, 1)
}

// TestKWalletInTheWizard: a locked wallet asks in its window, and the wizard says
// so, waits for a person and goes on.
func TestKWalletInTheWizard(t *testing.T) {
	t.Parallel()
	session := keyringtest.Start(t, "kwalletd5")
	session.KWallet()
	session.Lock()
	d := newWorkplace(t, session.Env()...)
	x := d.open("--browser", "none")
	d.operator(x).walk(onStore)
	x.until("The system keyring", "is locked.")
	x.press("1" + enter)
	x.until("Answer the keyring's window on your desktop", "KWallet")
	session.Answer("KDE Wallet Service", time.Second, "Escape")
	x.until("KWallet", "stays locked")
	x.press("1" + enter)
	x.until("Answer the keyring's window on your desktop", "KWallet")
	session.Answer("KDE Wallet Service", keystore.CallLimit+time.Second, `"`+keyringtest.Password+`"`, "Return")
	x.to(onServiceAccount)
}
