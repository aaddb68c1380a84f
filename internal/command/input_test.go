//go:build unix

package command

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"confer/cronofy/sandbox"
)

func fifo(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fifo")
	require.NoError(t, unix.Mkfifo(path, 0o600))
	return path
}

// TestSilentInputEndsWithTheContext: whatever waits for a FIFO or a pipe to open
// or to give something is given up.
func TestSilentInputEndsWithTheContext(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	require.NoError(t, err)
	t.Cleanup(func() { _ = r.Close(); _ = w.Close() })
	s := streams{r, io.Discard, io.Discard}
	for name, read := range map[string]func(context.Context) error{
		"a FIFO that nobody opens": func(ctx context.Context) error { _, err := openInput(ctx, fifo(t), nil); return err },
		"the client secret": func(ctx context.Context) error {
			_, err := (&settings{secretFile: fifo(t)}).secret(ctx, environment{}, s)
			return err
		},
		"the client secret on standard input": func(ctx context.Context) error {
			_, err := (&settings{secretFile: "-"}).secret(ctx, environment{}, s)
			return err
		},
		"the passphrase": func(ctx context.Context) error {
			_, err := readPassphrase(ctx, r)
			return err
		},
		"the passphrase on standard input": func(ctx context.Context) error {
			_, err := (&settings{passphraseFD: "0"}).passphrase(ctx, s)
			return err
		},
		"the log":            func(ctx context.Context) error { return (&settings{debug: fifo(t)}).openLog(ctx) },
		"a list of accounts": func(ctx context.Context) error { _, err := openFile(ctx, fifo(t)); return err },
		"standard input": func(ctx context.Context) error {
			in, err := openInput(ctx, "-", r)
			if err == nil {
				_, err = in.Read(make([]byte, 1))
			}
			return err
		},
		"the service account's token": func(ctx context.Context) error {
			_, err := readSecret(ctx, fifo(t), s, "")
			return err
		},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- read(ctx) }()
		cancel()
		err := <-done
		require.ErrorIs(t, err, context.Canceled, name)
		require.NotErrorAs(t, err, new(*failure), name)
	}
}

// TestFirstSignalEndsAReader: a program that reads what nobody writes ends with
// the first signal, and says so to a script.
func TestFirstSignalEndsAReader(t *testing.T) {
	t.Parallel()
	server := sandbox.New(sandbox.Options{})
	require.NoError(t, server.Start())
	t.Cleanup(func() { _ = server.Close() })
	c := server.Credentials()
	secret := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(secret, []byte(c.ClientSecret.Reveal()), 0o600))
	set := []string{"setup", "--no-input", "--json", "--browser", "none", "--secret-store", "session", "--provider", "any"}
	for name, x := range map[string]struct {
		args   []string
		stdout string
	}{
		"client secret":           {append(set, "--client-secret-file"), `"event":"failed"`},
		"accounts of setup":       {append(set, "--client-secret-file", secret, "--accounts"), `"event":"failed"`},
		"client secret of a link": {[]string{"status", "--client-secret-file"}, ""},
		"accounts":                {[]string{"profiles", "--accounts"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := fifo(t)
			cmd := exec.Command("confer", append(x.args[:len(x.args):len(x.args)], path)...)
			cmd.Env = append(home(t), "CRONOFY_API_URL="+server.APIURL(), "CRONOFY_APP_URL="+server.AppURL(), "CRONOFY_CLIENT_ID="+c.ClientID, "CONFER_SERVICE_ACCOUNT="+c.ServiceAccountID)
			var out bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &out
			require.NoError(t, cmd.Start())
			t.Cleanup(func() { _ = cmd.Process.Kill() })
			w, err := os.OpenFile(path, os.O_WRONLY, 0) // as soon as it is opened for reading
			require.NoError(t, err)
			defer w.Close()
			require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
			err = cmd.Wait()
			exit := new(exec.ExitError)
			require.True(t, errors.As(err, &exit), "%v", err)
			require.Equal(t, 130, exit.ExitCode(), out.String())
			require.Contains(t, out.String(), x.stdout)
			if x.stdout != "" {
				require.Contains(t, out.String(), `"code":"cancelled"`)
			}
		})
	}
}

// TestTypedClientSecretIsNotShown: a terminal is asked for it, and shows nothing.
func TestTypedClientSecretIsNotShown(t *testing.T) {
	t.Parallel()
	args := []string{"setup", "--no-input", "--client-secret-file", "-", "--secret-store", "session", "--provider", "any", "--data-center", "de",
		"--client-id", "id", "--service-account", "ser_1", "--api-url", "http://127.0.0.1:1", "--app-url", "http://127.0.0.1:1"}
	x := startTerminal(t, terminalOptions{}, args...)
	x.until("Client secret:")
	x.press(canarySecret + "\r")
	x.until("could not be reached")
	require.Empty(t, leaked(x.exits(1), []string{canarySecret}))

	x = startTerminal(t, terminalOptions{}, args...)
	x.until("Client secret:")
	x.press("\x03")
	x.exits(130)
}

// TestTypedPaths: no shell reads what is typed in the wizard.
func TestTypedPaths(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("USERPROFILE", home)
	require.NoError(t, os.WriteFile(filepath.Join(home, "people.csv"), []byte("email\n"), 0o600))
	list, err := openFile(t.Context(), "~/people.csv")
	require.NoError(t, err)
	require.NoError(t, list.Close())
}
