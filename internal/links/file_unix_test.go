//go:build unix

package links

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

func mode(t *testing.T, path string) os.FileMode {
	t.Helper()
	fi, err := os.Lstat(path)
	require.NoError(t, err)
	return fi.Mode()
}

func TestModes(t *testing.T) {
	t.Parallel()
	f := tempFile(t)
	update(t, f, func(c *Contents) { *c = full() })
	require.Equal(t, os.FileMode(0o600), mode(t, f.Path()))
	require.Equal(t, os.ModeDir|0o700, mode(t, filepath.Dir(f.Path())))
}

func TestReadableByOthersIsNarrowed(t *testing.T) {
	t.Parallel()
	f := tempFile(t)
	update(t, f, func(c *Contents) { *c = full() })
	require.NoError(t, os.Chmod(f.Path(), 0o644))
	require.Equal(t, full(), load(t, f))
	require.Equal(t, os.FileMode(0o600), mode(t, f.Path()))
}

func TestWhatIsNotOursAloneIsRefused(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(t *testing.T, path string) (untouched string){
		"symbolic link": func(t *testing.T, path string) string {
			target := filepath.Join(t.TempDir(), "target.json")
			require.NoError(t, os.Rename(path, target))
			require.NoError(t, os.Symlink(target, path))
			return target
		},
		"dangling link": func(t *testing.T, path string) string {
			require.NoError(t, os.Remove(path))
			require.NoError(t, os.Symlink(filepath.Join(t.TempDir(), "nowhere"), path))
			return ""
		},
		"pipe": func(t *testing.T, path string) string {
			require.NoError(t, os.Remove(path))
			require.NoError(t, syscall.Mkfifo(path, 0o600))
			return ""
		},
		"folder": func(t *testing.T, path string) string {
			require.NoError(t, os.Remove(path))
			require.NoError(t, os.Mkdir(path, 0o700))
			return ""
		},
		"writable by others": func(t *testing.T, path string) string {
			require.NoError(t, os.Chmod(path, 0o662))
			return path
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := tempFile(t)
			update(t, f, func(c *Contents) { *c = full() })
			before, err := os.ReadFile(f.Path())
			require.NoError(t, err)
			untouched := spoil(t, f.Path())
			was := mode(t, f.Path())
			_, err = f.Load(t.Context())
			require.ErrorIs(t, err, ErrUnsafe)
			require.ErrorIs(t, f.Update(t.Context(), func(*Contents) { t.Error("entered") }), ErrUnsafe)
			require.Equal(t, was, mode(t, f.Path()))
			if untouched != "" {
				after, err := os.ReadFile(untouched)
				require.NoError(t, err)
				require.Equal(t, before, after)
			}
		})
	}
}

func TestALockThatIsNoFileIsRefused(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(path string) error{
		"symbolic link": func(path string) error { return os.Symlink(filepath.Join(filepath.Dir(path), "elsewhere"), path) },
		"pipe":          func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"folder":        func(path string) error { return os.Mkdir(path, 0o700) },
	} {
		f := tempFile(t)
		require.NoError(t, os.MkdirAll(filepath.Dir(f.Path()), 0o700))
		require.NoError(t, spoil(f.Path()+".lock"), name)
		require.ErrorIs(t, f.Update(t.Context(), func(*Contents) { t.Error("entered") }), ErrUnsafe, name)
		require.NoFileExists(t, filepath.Join(filepath.Dir(f.Path()), "elsewhere"))
	}
}

func TestFolderOfOthersIsRefused(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(dir string) error{
		"others can write there (mode 0777)": func(dir string) error { return os.Chmod(dir, 0o777) },
		"is a symbolic link": func(dir string) error {
			return errors.Join(os.Rename(dir, dir+".real"), os.Symlink(dir+".real", dir))
		},
	} {
		f := tempFile(t)
		dir := filepath.Dir(f.Path())
		require.NoError(t, os.MkdirAll(dir, 0o700))
		require.NoError(t, spoil(dir))
		err := f.Update(t.Context(), func(*Contents) { t.Error("entered") })
		require.ErrorIs(t, err, ErrUnsafe, name)
		require.ErrorContains(t, err, name)
		require.Empty(t, names(t, f), name)
	}
}

func TestWhatBelongsToAnotherUserIsRefused(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can give a file away")
	}
	const nobody = 65534
	f := tempFile(t)
	update(t, f, func(c *Contents) { *c = full() })
	require.NoError(t, os.Chown(f.Path(), nobody, nobody))
	_, err := f.Load(t.Context())
	require.ErrorIs(t, err, ErrUnsafe)
	require.ErrorContains(t, err, "another user")
	require.NoError(t, os.Chown(f.Path(), 0, 0))
	require.NoError(t, os.Chown(filepath.Dir(f.Path()), nobody, nobody))
	err = f.Update(t.Context(), func(*Contents) { t.Error("entered") })
	require.ErrorIs(t, err, ErrUnsafe)
	require.ErrorContains(t, err, "another user")
}

func TestAFileInTheWay(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(top, "confer"), nil, 0o600))
	f := Open(filepath.Join(top, "confer", "links.json"))
	_, err := f.Load(t.Context())
	require.ErrorIs(t, err, syscall.ENOTDIR)
	require.ErrorIs(t, f.Update(t.Context(), func(*Contents) {}), syscall.ENOTDIR)
}

func TestReadOnlyFolder(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 {
		t.Skip("root may write everywhere")
	}
	f := tempFile(t)
	update(t, f, func(c *Contents) { *c = full() })
	dir := filepath.Dir(f.Path())
	require.NoError(t, os.WriteFile(f.Path(), []byte("damaged"), 0o600))
	require.NoError(t, os.Chmod(dir, 0o500))
	t.Cleanup(func() { _ = os.Chmod(dir, 0o700) })
	_, err := f.Load(t.Context())
	require.ErrorIs(t, err, fs.ErrPermission, "it cannot be set aside")
	require.FileExists(t, f.Path())
	require.ErrorIs(t, f.Update(t.Context(), func(*Contents) { t.Error("entered") }), fs.ErrPermission)
}

func TestASystemErrorIsSaidOnce(t *testing.T) {
	t.Parallel()
	err := failure("write", "/x/links.json", &os.PathError{Op: "openat", Path: "/x/.links.json.1.tmp", Err: syscall.ENOSPC})
	require.ErrorIs(t, err, syscall.ENOSPC)
	require.EqualError(t, err, "write /x/links.json: no space left on device")
	require.NoError(t, failure("write", "/x", nil))
}
