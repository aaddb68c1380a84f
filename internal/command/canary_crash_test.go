package command

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"
)

// crashCommand is confer with a mistake in it: where the first argument says, it
// panics with a value that holds a secret.
func crashCommand() {
	harden()
	defer exitOnPanic(os.Stderr)
	s := streams{panicReader{}, os.Stdout, os.Stderr}
	env := readEnvironment(os.LookupEnv, os.Unsetenv)
	if os.Args[1] == "reading" {
		os.Exit(run(context.Background(), []string{"setup", "--sandbox", "--no-input", "--client-secret-file", "-"}, s))
	}
	f := newSettings()
	f.setupFlags(&cobra.Command{})
	f.sandbox, f.redirectURI = true, os.Args[2]
	w, err := newWorld(context.Background(), f, env, s)
	if err != nil {
		os.Exit(exitCode(err, os.Stderr))
	}
	w.runner.OpenURL = func(string) error { panic(errors.New(canarySecret)) }
	err = setupWizard(context.Background(), w, s, env)
	w.close()
	os.Exit(exitCode(err, os.Stderr))
}

type panicReader struct{}

func (panicReader) Read([]byte) (int, error) { panic(errors.New(canarySecret)) }

// TestCanaryPanic: of a panic's value only the type is told.
func TestCanaryPanic(t *testing.T) {
	t.Parallel()
	cmd := exec.Command("confer-crash", "reading")
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "CRONOFY_CLIENT_SECRET=" + canarySecret}
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit)
	require.Equal(t, 1, exit.ExitCode())
	require.Contains(t, string(out), "confer crashed (*errors.errorString)")
	require.Contains(t, string(out), "canary_crash_test.go", "the stack tells where")
	require.Empty(t, leaked(string(out), []string{canarySecret}))
}

// TestEnvironmentSecretIsRemoved: no child inherits it, whoever starts one.
func TestEnvironmentSecretIsRemoved(t *testing.T) {
	t.Parallel()
	env := map[string]string{"CRONOFY_CLIENT_SECRET": canarySecret, "CRONOFY_CLIENT_ID": "id"}
	e := readEnvironment(func(name string) (string, bool) { v, ok := env[name]; return v, ok }, func(name string) error { delete(env, name); return nil })
	require.Equal(t, canarySecret, e.clientSecret.Reveal())
	require.Equal(t, map[string]string{"CRONOFY_CLIENT_ID": "id"}, env)
}
