package command

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// asNobody makes a command run as a user without rights, where we are root: root
// may read any process.
func asNobody(cmd *exec.Cmd) *exec.Cmd {
	const nobody = 65534
	if os.Geteuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
	return cmd
}

// publicCopy is this test's program where nobody may run it, as name.
func publicCopy(t *testing.T, name string) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "harden")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	require.NoError(t, os.Chmod(dir, 0o755))
	exe, err := os.Executable()
	require.NoError(t, err)
	path := filepath.Join(dir, name)
	require.NoError(t, exec.Command("cp", exe, path).Run()) // a file that we wrote ourselves may be "busy"
	require.NoError(t, os.Chmod(path, 0o755))
	return path
}

// TestProcessIsClosed: another process of the same user cannot read the memory
// of confer, nor the environment it was started with.
func TestProcessIsClosed(t *testing.T) {
	t.Parallel()
	const secret = "CRN_in_the_environment_of_the_start"
	program := publicCopy(t, "confer")
	for _, c := range []struct {
		name   string
		cmd    *exec.Cmd
		closed bool
	}{
		{"confer", exec.Command(program, "sandbox"), true},
		{"another program", exec.Command("sh", "-c", "echo ready; cat"), false}, // else this test could not fail
	} {
		t.Run(c.name, func(t *testing.T) {
			cmd := asNobody(c.cmd)
			cmd.Env = []string{"CRONOFY_CLIENT_SECRET=" + secret, "HOME=/nonexistent", "PATH=" + os.Getenv("PATH")}
			in, err := cmd.StdinPipe()
			require.NoError(t, err)
			defer in.Close()
			out, err := cmd.StdoutPipe()
			require.NoError(t, err)
			require.NoError(t, cmd.Start())
			defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
			_, err = out.Read(make([]byte, 4096)) // it has begun
			require.NoError(t, err)
			for _, file := range []string{"environ", "maps"} {
				text, err := asNobody(exec.Command("cat", fmt.Sprintf("/proc/%d/%s", cmd.Process.Pid, file))).CombinedOutput()
				if c.closed {
					require.Error(t, err, file)
					require.Contains(t, string(text), "Permission denied")
					require.NotContains(t, string(text), secret)
					continue
				}
				require.NoError(t, err, "%s: %s", file, text)
			}
			if c.closed {
				limits, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", cmd.Process.Pid))
				require.NoError(t, err)
				require.Regexp(t, `(?m)^Max core file size +0 `, string(limits))
			}
		})
	}
}
