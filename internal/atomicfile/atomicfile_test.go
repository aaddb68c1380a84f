package atomicfile

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// What a copy of the test program does to the file that it is given, before it is
// killed.
const (
	roleWrite = "write" // writes half of a file
	roleLock  = "lock"  // holds a lock
	roleKey   = "ATOMICFILE_TEST_ROLE"
)

func TestMain(m *testing.M) {
	var err error
	var f *File
	switch os.Getenv(roleKey) {
	case "":
		os.Exit(m.Run())
	case roleWrite:
		if f, err = Create(os.Args[1], Private); err == nil {
			_, err = f.Write([]byte("half"))
		}
	case roleLock:
		_, err = Lock(context.Background(), os.Args[1], 0)
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("ready")
	_, _ = io.Copy(io.Discard, os.Stdin) // until it is killed
	runtime.KeepAlive(f)
}

// start gives a process in the role, which has got as far as it goes.
func start(t *testing.T, role, path string) (kill func()) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], path)
	cmd.Env = append(os.Environ(), roleKey+"="+role)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	_, err = cmd.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	kill = sync.OnceFunc(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	t.Cleanup(kill)
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "ready\n", line)
	return kill
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	all := []string{}
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

func text(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(b)
}

func earlier(t *testing.T) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "out.csv")
	require.NoError(t, os.WriteFile(path, []byte("old"), 0o600))
	return path
}

func TestWrite(t *testing.T) {
	t.Parallel()
	for _, mode := range []Mode{Private, New, Keep} {
		path := filepath.Join(t.TempDir(), "out.csv")
		require.NoError(t, Write(path, []byte("one"), mode))
		require.Equal(t, "one", text(t, path))
		err := Write(path, []byte("two"), mode)
		if mode == New {
			require.ErrorIs(t, err, fs.ErrExist)
			require.Equal(t, "one", text(t, path))
		} else {
			require.NoError(t, err)
			require.Equal(t, "two", text(t, path))
		}
		require.Equal(t, []string{"out.csv"}, names(t, filepath.Dir(path)))
	}
}

func TestNewDoesNotReplaceWhatCameMeanwhile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "tokens.json")
	f, err := Create(path, New)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, []byte("another's"), 0o600))
	require.ErrorIs(t, f.Put([]byte("ours")), fs.ErrExist)
	require.NoError(t, f.Close())
	require.Equal(t, "another's", text(t, path))
	require.Equal(t, []string{"tokens.json"}, names(t, filepath.Dir(path)))
}

func TestWithoutCommitNothingStays(t *testing.T) {
	t.Parallel()
	path := earlier(t)
	f, err := Create(path, Keep)
	require.NoError(t, err)
	_, err = f.Write([]byte("new"))
	require.NoError(t, err)
	require.Equal(t, "old", text(t, path))
	require.NoError(t, f.Close())
	require.NoError(t, f.Close())
	require.Equal(t, "old", text(t, path))
	require.Equal(t, []string{"out.csv"}, names(t, filepath.Dir(path)))
	require.ErrorIs(t, f.Commit(), fs.ErrClosed)
}

func TestWhatAKilledProcessLeftGoes(t *testing.T) {
	t.Parallel()
	path := earlier(t)
	dir := filepath.Dir(path)
	kept := []string{".out.csv.backup.tmp", ".out.csv.1.tmp.gz", ".other.csv.1.tmp"} // by others
	for _, name := range kept {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), nil, 0o600))
	}
	require.NoError(t, os.Mkdir(filepath.Join(dir, ".out.csv.2.tmp"), 0o700))
	kept = append(kept, ".out.csv.2.tmp", "out.csv")
	kill := start(t, roleWrite, path)
	require.Len(t, names(t, dir), len(kept)+1)
	require.NoError(t, Write(path, []byte("beside it"), Private))
	require.Len(t, names(t, dir), len(kept)+1, "what is still written stays")
	kill()
	require.Equal(t, "beside it", text(t, path))
	require.NoError(t, Write(path, []byte("new"), Private))
	require.ElementsMatch(t, kept, names(t, dir))
	require.Equal(t, "new", text(t, path))
}

func TestRemove(t *testing.T) {
	t.Parallel()
	path := earlier(t)
	start(t, roleWrite, path)()
	require.NoError(t, Remove(path))
	require.Empty(t, names(t, filepath.Dir(path)))
	require.NoError(t, Remove(path))
}

func TestReadBack(t *testing.T) {
	t.Parallel()
	path := earlier(t)
	f, err := Create(path, Private)
	require.NoError(t, err)
	_, err = f.File.WriteString("not ours")
	require.NoError(t, err)
	require.ErrorIs(t, f.Put([]byte("new")), ErrReadBack)
	require.NoError(t, f.Close())
	require.Equal(t, "old", text(t, path))
}

// Not in parallel: it replaces fsync.
func TestFileAndFolderAreSynced(t *testing.T) {
	path := earlier(t)
	var order []string
	real := fsync
	t.Cleanup(func() { fsync = real })
	fsync = func(f *os.File) error {
		order = append(order, filepath.Ext(f.Name())+" "+text(t, path))
		return real(f)
	}
	require.NoError(t, Write(path, []byte("new"), Private))
	want := []string{".tmp old", filepath.Ext(filepath.Dir(path)) + " new"} // the file before the rename, the folder after it
	if runtime.GOOS == "windows" {
		want = want[:1]
	}
	require.Equal(t, want, order)

	broken := errors.New("no more room")
	fsync = func(*os.File) error { return broken }
	require.ErrorIs(t, Write(path, []byte("newer"), Private), broken)
	require.Equal(t, "new", text(t, path))
	require.Equal(t, []string{"out.csv"}, names(t, filepath.Dir(path)))
}

func TestOneHoldsALock(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.lock")
	kill := start(t, roleLock, path)
	_, err := Lock(t.Context(), path, 0)
	require.ErrorIs(t, err, ErrLocked)
	kill()
	unlock, err := Lock(t.Context(), path, time.Minute)
	require.NoError(t, err, "a lock ends with its process")
	_, err = Lock(t.Context(), path, 0)
	require.ErrorIs(t, err, ErrLocked, "also within a process")
	ended, end := context.WithCancel(t.Context())
	end()
	_, err = Lock(ended, path, 0)
	require.ErrorIs(t, err, context.Canceled, "who gave up is told that, also when there is no time left")
	unlock()
	require.Empty(t, names(t, filepath.Dir(path)))
}

func TestManyLock(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.lock")
	var inside, most atomic.Int32
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for range 20 {
				unlock, err := Lock(t.Context(), path, time.Minute)
				if err != nil {
					t.Error(err)
					return
				}
				if inside.Add(1) > 1 {
					most.Add(1)
				}
				inside.Add(-1)
				unlock()
			}
		})
	}
	wait.Wait()
	require.Zero(t, most.Load(), "two had the lock at once")
	require.Empty(t, names(t, filepath.Dir(path)))
}

func TestOpenInPlace(t *testing.T) {
	t.Parallel()
	path := earlier(t)
	for _, mode := range []Mode{Private, Keep} {
		f, err := OpenInPlace(path, mode)
		require.NoError(t, err)
		_, err = f.WriteAt([]byte("new"), 3)
		require.NoError(t, err)
		require.NoError(t, f.Close())
		require.Equal(t, "oldnew", text(t, path))
	}
}

func TestCanWrite(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, ".confer-test.1.tmp"), nil, 0o600)) // of one that was killed
	require.NoError(t, CanWrite(dir))
	require.Empty(t, names(t, dir))
	require.Error(t, CanWrite(filepath.Join(dir, "nowhere")))
}
