//go:build unix

package keystore

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFileIsPrivate(t *testing.T) {
	t.Parallel()
	f := fileIn(t.TempDir(), "pass")
	require.NoError(t, f.Set(t.Context(), "k", "v"))
	for path, want := range map[string]os.FileMode{
		f.path: 0o600, filepath.Dir(f.path): 0o700 | os.ModeDir,
	} {
		info, err := os.Lstat(path)
		require.NoError(t, err)
		require.Equal(t, want, info.Mode(), path)
	}
}

// moveAway moves the file away and tells where to.
func moveAway(t *testing.T, f *FileStore) string {
	to := filepath.Join(t.TempDir(), "target")
	require.NoError(t, os.Rename(f.path, to))
	return to
}

func linkFolder(_ *testing.T, f *FileStore) error {
	dir := filepath.Dir(f.path)
	if err := os.Rename(dir, dir+"2"); err != nil {
		return err
	}
	return os.Symlink(dir+"2", dir)
}

func giveAway(t *testing.T, path string) error {
	if os.Geteuid() != 0 {
		t.Skip("only root can give something away")
	}
	return os.Chown(path, 65534, 65534)
}

func TestFileRefusesWhatIsNotPrivate(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(t *testing.T, f *FileStore) error{
		"readable by others":        func(_ *testing.T, f *FileStore) error { return os.Chmod(f.path, 0o644) },
		"writable by group":         func(_ *testing.T, f *FileStore) error { return os.Chmod(f.path, 0o620) },
		"symbolic link":             func(t *testing.T, f *FileStore) error { return os.Symlink(moveAway(t, f), f.path) },
		"broken link":               func(t *testing.T, f *FileStore) error { return os.Symlink(moveAway(t, f)+"x", f.path) },
		"fifo":                      func(t *testing.T, f *FileStore) error { moveAway(t, f); return syscall.Mkfifo(f.path, 0o600) },
		"folder":                    func(t *testing.T, f *FileStore) error { moveAway(t, f); return os.Mkdir(f.path, 0o700) },
		"folder writable by group":  func(_ *testing.T, f *FileStore) error { return os.Chmod(filepath.Dir(f.path), 0o770) },
		"folder writable by others": func(_ *testing.T, f *FileStore) error { return os.Chmod(filepath.Dir(f.path), 0o703) },
		"folder is a link":          linkFolder,
		"another user's":            func(t *testing.T, f *FileStore) error { return giveAway(t, f.path) },
		"another user's folder":     func(t *testing.T, f *FileStore) error { return giveAway(t, filepath.Dir(f.path)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := fileIn(t.TempDir(), "pass")
			require.NoError(t, f.Set(t.Context(), "k", "v"))
			require.NoError(t, spoil(t, f))
			for _, s := range []*FileStore{f, fileAt(f, "pass")} {
				_, err := s.Get(t.Context(), "k")
				require.NotEmpty(t, asError(t, err, ErrInsecure).Detail)
				asError(t, s.Set(t.Context(), "k", "w"), ErrInsecure)
			}
		})
	}
}

// Nothing that a link at the lock file's place points to is opened or made.
func TestFileLockIsNoLink(t *testing.T) {
	t.Parallel()
	f := fileIn(t.TempDir(), "pass")
	target := filepath.Join(t.TempDir(), "target")
	require.NoError(t, os.Mkdir(filepath.Dir(f.path), 0o700))
	require.NoError(t, os.Symlink(target, f.path+lockSuffix))
	asError(t, f.Set(t.Context(), "k", "v"), ErrInsecure)
	require.NoFileExists(t, target)
	require.NoFileExists(t, f.path)
}

func TestFileFolderCannotBeMade(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "confer"), nil, 0o600))
	f := fileIn(dir, "pass")
	require.NotEmpty(t, asError(t, f.Set(t.Context(), "k", "v"), ErrRefused).Detail)
	_, err := f.Get(t.Context(), "k")
	require.NotErrorIs(t, err, ErrNotFound)
}
