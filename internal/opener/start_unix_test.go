//go:build !windows

package opener

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"confer/internal/testhost"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestARealProcessIsDetachedAndReaped starts a script that tells of itself over
// a pipe in the file system.
func TestARealProcessIsDetachedAndReaped(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("no /proc here")
	}
	dir := filepath.Join(t.TempDir(), "a b")
	require.NoError(t, os.Mkdir(dir, 0o700))
	pipe, script := filepath.Join(dir, "pipe"), filepath.Join(dir, "browser")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	require.NoError(t, testhost.WriteProgram(script, []byte(`#!/bin/sh
echo noise; echo noise >&2
files=$(readlink /proc/$$/fd/0 /proc/$$/fd/1 /proc/$$/fd/2)
{ echo "$1"; cut -d' ' -f5,6 /proc/$$/stat; echo "$files"; env; } > '`+pipe+`'
`)))
	m := Host()
	m.Environ = append(m.Environ, "CRONOFY_CLIENT_SECRET=hunter2")
	opened := make(chan error, 1)
	go func() { opened <- m.Open("'"+script+"'", address) }()
	told, err := os.ReadFile(pipe)
	require.NoError(t, err)
	require.NoError(t, <-opened)
	lines := strings.Split(string(told), "\n")
	require.Equal(t, address, lines[0])
	group, session, _ := strings.Cut(lines[1], " ")
	require.Equal(t, group, session, "leads a session of its own")
	require.Equal(t, []string{"/dev/null", "/dev/null", "/dev/null"}, lines[2:5])
	require.NotContains(t, string(told), "hunter2")
}

func TestABrowserThatCannotStartIsAnError(t *testing.T) {
	t.Parallel()
	script := filepath.Join(t.TempDir(), "browser")
	require.NoError(t, testhost.WriteProgram(script, []byte("\x00not a program")))
	require.Error(t, Host().Open(script, address))
}

// TestACommandThatEndsBadlyOpenedNothing: its reason is said, and the next one of
// BROWSER is tried.
func TestACommandThatEndsBadlyOpenedNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	fails, works, told := filepath.Join(dir, "fails"), filepath.Join(dir, "works"), filepath.Join(dir, "told")
	require.NoError(t, testhost.WriteProgram(fails, []byte("#!/bin/sh\nexit 3\n")))
	require.NoError(t, testhost.WriteProgram(works, []byte("#!/bin/sh\necho \"$1\" > '"+told+"'\n")))
	m := Host()
	err := m.Open(fails, address)
	require.EqualError(t, err, fails+" ended with exit status 3")

	m.Environ = []string{"BROWSER=" + fails + ":" + works, "PATH=" + os.Getenv("PATH")}
	require.NoError(t, m.Open(System, address))
	got, err := os.ReadFile(told)
	require.NoError(t, err)
	require.Equal(t, address+"\n", string(got))

	m.Environ = []string{"BROWSER=" + fails}
	require.EqualError(t, m.Open(System, address), fails+" ended with exit status 3", "says more than that there is no desktop")
}
