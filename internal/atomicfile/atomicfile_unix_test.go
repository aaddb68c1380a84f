//go:build unix

package atomicfile

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

func perm(t *testing.T, path string) os.FileMode {
	t.Helper()
	info, err := os.Lstat(path)
	require.NoError(t, err)
	return info.Mode().Perm()
}

func TestModes(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "out.csv")
	for mode, want := range map[Mode]os.FileMode{Private: 0o600, New: 0o600, Keep: 0o664} {
		require.NoError(t, os.RemoveAll(path))
		require.NoError(t, Write(path, nil, mode))
		require.Equal(t, os.FileMode(0o600), perm(t, path), "a new one is the user's alone")
		if mode == New {
			continue
		}
		require.NoError(t, os.Chmod(path, 0o664))
		require.NoError(t, Write(path, nil, mode))
		require.Equal(t, want, perm(t, path))
		require.NoError(t, os.Chmod(path, 0o664))
		f, err := OpenInPlace(path, mode)
		require.NoError(t, err)
		require.NoError(t, f.Close())
		require.Equal(t, want, perm(t, path))
	}
	unlock, err := Lock(t.Context(), path+".lock", 0)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), perm(t, path+".lock"))
	unlock()
}

func TestKeepFollowsALink(t *testing.T) {
	t.Parallel()
	path := earlier(t)
	link := filepath.Join(t.TempDir(), "link.csv")
	require.NoError(t, os.Symlink(path, link))
	require.NoError(t, Write(link, []byte("new"), Keep))
	require.Equal(t, "new", text(t, path))
	target, err := os.Readlink(link)
	require.NoError(t, err)
	require.Equal(t, path, target)
}

func TestWhatIsNoFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	pipe, folder, link := filepath.Join(dir, "pipe"), filepath.Join(dir, "folder"), filepath.Join(dir, "link")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	require.NoError(t, os.Mkdir(folder, 0o700))
	require.NoError(t, os.Symlink(filepath.Join(dir, "nowhere"), link))
	do := map[string]func(path string) error{
		"Open": func(path string) error { _, err := Open(path, false); return err },
		"Lock": func(path string) error { _, err := Lock(t.Context(), path, 0); return err },
	}
	for name, mode := range map[string]Mode{"Private": Private, "New": New, "Keep": Keep} {
		do["Create "+name] = func(path string) error { _, err := Create(path, mode); return err }
	}
	inPlace := func(path string) error { _, err := OpenInPlace(path, Keep); return err }
	for path, why := range map[string]string{
		pipe: "is not a regular file", "/dev/null": "is not a regular file", folder: "is a folder", link: "is a symbolic link",
	} {
		for name, try := range do {
			refused := new(UnsafeError)
			require.ErrorAs(t, try(path), &refused, "%s %s", name, path)
			require.Equal(t, UnsafeError{path, why}, *refused, name)
		}
		if path != link {
			require.ErrorContains(t, inPlace(path), why)
		}
	}
	require.ElementsMatch(t, []string{"pipe", "folder", "link"}, names(t, dir))
}

func TestOpenRefusesWhatOthersMayHaveChanged(t *testing.T) {
	t.Parallel()
	path := earlier(t)
	for mode, want := range map[os.FileMode][2]string{
		0o600: {"", ""},
		0o644: {"", "is unsafe: others can read it (mode 0644)"},
		0o620: {"is unsafe: others can write to it (mode 0620)", "is unsafe: others can write to it (mode 0620)"},
		0o602: {"is unsafe: others can write to it (mode 0602)", "is unsafe: others can write to it (mode 0602)"},
	} {
		require.NoError(t, os.Chmod(path, mode))
		for i, secret := range []bool{false, true} {
			f, err := Open(path, secret)
			if want[i] == "" {
				require.NoError(t, err)
				require.NoError(t, f.Close())
			} else {
				require.EqualError(t, err, path+" "+want[i])
			}
		}
		require.Equal(t, mode, perm(t, path))
	}
}

func TestFolder(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a", "b")
	require.NoError(t, MakeFolder(dir, true))
	require.Equal(t, os.FileMode(0o700), perm(t, dir))
	require.NoError(t, os.Chmod(dir, 0o755))
	require.NoError(t, MakeFolder(dir, true))
	require.NoError(t, os.Chmod(dir, 0o775))
	require.EqualError(t, MakeFolder(dir, true), dir+" is unsafe: others can write there (mode 0775)")
	link := dir + ".link"
	require.NoError(t, os.Symlink(dir, link))
	require.EqualError(t, CheckFolder(link, false), link+" is a symbolic link")
	file := dir + ".file"
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	require.EqualError(t, CheckFolder(file, false), file+" is not a folder")
}

func TestWhatBelongsToAnotherUser(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can give a file away")
	}
	const nobody = 65534
	path := earlier(t)
	require.NoError(t, os.Chown(path, nobody, nobody))
	_, err := Open(path, false)
	require.EqualError(t, err, path+" belongs to another user")
	require.NoError(t, Write(path, []byte("new"), Keep))
	info, err := os.Stat(path)
	require.NoError(t, err)
	st, ok := info.Sys().(*syscall.Stat_t)
	require.True(t, ok)
	require.Equal(t, [2]uint32{nobody, nobody}, [2]uint32{st.Uid, st.Gid}, "Keep keeps whose it is")

	left := filepath.Join(filepath.Dir(path), ".out.csv.1.tmp")
	require.NoError(t, os.WriteFile(left, nil, 0o600))
	require.NoError(t, os.Chown(left, nobody, nobody))
	require.NoError(t, Write(path, nil, Keep))
	require.FileExists(t, left, "another user's is not ours to remove")

	require.NoError(t, os.Chown(filepath.Dir(path), nobody, nobody))
	require.ErrorContains(t, CheckFolder(filepath.Dir(path), false), "belongs to another user")
}

// TestALockIsOnTheFileThatOthersFind: not on one that was opened before its name
// went.
func TestALockIsOnTheFileThatOthersFind(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.lock")
	unlock, err := Lock(t.Context(), path, 0)
	require.NoError(t, err)
	waiting, err := openLock(path)
	require.NoError(t, err)
	defer waiting.Close()
	unlock()
	require.ErrorIs(t, lockNamed(waiting, path), ErrLocked)
	unlock, err = Lock(t.Context(), path, 0)
	require.NoError(t, err)
	unlock()
}
