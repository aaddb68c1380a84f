package command

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"confer/flow"
)

// servedSandbox runs "confer sandbox" and gives what it printed; the returned
// function stops it and gives its exit code.
func servedSandbox(t *testing.T, args ...string) (map[string]string, func() int) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r, w := io.Pipe()
	code, said := make(chan int, 1), strings.Builder{}
	go func() {
		code <- run(ctx, append([]string{"sandbox"}, args...), streams{strings.NewReader(""), w, &said})
		w.Close()
	}()
	t.Cleanup(cancel)
	env := map[string]string{}
	line := regexp.MustCompile(`^export (\w+)='([^']*)'$`)
	for lines := bufio.NewScanner(r); lines.Scan(); {
		m := line.FindStringSubmatch(lines.Text())
		require.NotNil(t, m, lines.Text())
		env[m[1]] = m[2]
		if m[1] == "SANDBOX_CONTROL_URL" {
			break
		}
	}
	go io.Copy(io.Discard, r)
	return env, func() int {
		cancel()
		exit := <-code
		require.Equal(t, "Control page: "+env["SANDBOX_CONTROL_URL"]+"\nNothing here is real. Ctrl+C stops it.\n", said.String())
		return exit
	}
}

func TestSandboxServesUntilItIsStopped(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	people, envFile := filepath.Join(dir, "people.csv"), filepath.Join(dir, "env")
	env, stop := servedSandbox(t, "--people-file", people, "--env-file", envFile)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, env["CRONOFY_API_URL"]+"/v1/organizational_unit_authorization_link_tokens",
		strings.NewReader(`{"service_account_id":"`+env["CONFER_SERVICE_ACCOUNT"]+`"}`))
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+env["CRONOFY_CLIENT_SECRET"])
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	require.Equal(t, http.StatusOK, resp.StatusCode)
	for _, file := range []string{people, envFile} {
		fi, err := os.Stat(file)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), fi.Mode().Perm())
	}
	require.Equal(t, flow.ExitCancelled, stop())
}

func TestSandboxIsRepeatable(t *testing.T) {
	t.Parallel()
	a, stopA := servedSandbox(t, "--seed", "7")
	b, stopB := servedSandbox(t, "--seed", "7")
	require.Equal(t, a["CRONOFY_CLIENT_SECRET"], b["CRONOFY_CLIENT_SECRET"])
	stopA()
	stopB()
}

func TestSandboxRefusesOtherMachines(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"--listen-api", "0.0.0.0:0"}, {"--listen-app", "example.test:80"}, {"--listen-api", "127.0.0.1"}, {"--accounts", "-1"}, {"--permit-redirect-uri", "x"}} {
		var errs strings.Builder
		require.Equal(t, flow.ExitUsage, run(t.Context(), append([]string{"sandbox"}, args...), streams{strings.NewReader(""), io.Discard, &errs}), args)
		require.Contains(t, errs.String(), "confer: hint:")
	}
}

// TestSandboxExample runs what the documentation tells developers to type.
func TestSandboxExample(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../../docs/sandbox.md")
	require.NoError(t, err)
	m := regexp.MustCompile("(?s)<!-- a test runs this -->\n```sh\n(.*?)```").FindSubmatch(readme)
	require.NotNil(t, m, "the example is marked")
	if _, err := exec.LookPath("curl"); err != nil && os.Getenv("CI") == "" {
		t.Skip("curl is not installed")
	}
	dir := t.TempDir()
	env, stop := servedSandbox(t, "--env-file", filepath.Join(dir, "sandbox.env"), "--people-file", filepath.Join(dir, "people.csv"))
	defer stop()
	cmd := exec.Command("sh", "-eu", "-c", string(m[1]))
	cmd.Dir, cmd.Env = dir, append(home(t), "LC_ALL=C.UTF-8")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	for _, want := range []string{"ou_link_token", `"error":"invalid_grant"`, `"sub":"acc_`, `"event":"linked"`, `"state":"connected"`} {
		require.Contains(t, string(out), want)
	}
	require.NotContains(t, string(out), env["CRONOFY_CLIENT_SECRET"])
	for line := range strings.Lines(string(out)) {
		require.NotContains(t, line, "}{", "an answer on a line of its own")
	}
}
