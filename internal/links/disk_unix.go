//go:build unix

package links

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// lockFlags: a link is not followed, and a pipe does not block.
const lockFlags = os.O_CREATE | os.O_RDONLY | syscall.O_NOFOLLOW | syscall.O_NONBLOCK

const others = 0o022 // write bits of group and others

// openPrivate opens a file that is ours alone. The opened file is looked at, not
// its name, so nothing can be put in its place in between.
func openPrivate(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if errors.Is(err, syscall.ELOOP) || errors.Is(err, syscall.EMLINK) { // EMLINK: FreeBSD
		return nil, unsafe("read", path, "symbolic link")
	}
	if err != nil {
		return nil, err
	}
	if err := checkPrivate(f, path); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func checkPrivate(f *os.File, path string) error {
	fi, err := f.Stat()
	if err != nil {
		return err
	}
	switch {
	case !fi.Mode().IsRegular():
		return unsafe("read", path, kindOf(fi.Mode()))
	case !ours(fi):
		return unsafe("read", path, "belongs to another user")
	case fi.Mode().Perm()&others != 0:
		return unsafe("read", path, fmt.Sprintf("mode %04o: others can write it", fi.Mode().Perm()))
	case fi.Mode().Perm()&^0o600 != 0:
		_ = f.Chmod(0o600) // a backup or a copy widened it; it holds no secret, so a failure stops nobody
	}
	return nil
}

func ours(fi fs.FileInfo) bool {
	st, ok := fi.Sys().(*syscall.Stat_t)
	return ok && int(st.Uid) == os.Geteuid()
}

// makeDir makes the folder, and refuses one where others could put files.
func makeDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return failure("make", dir, err)
	}
	fi, err := os.Lstat(dir)
	switch {
	case err != nil:
		return failure("make", dir, err)
	case !fi.IsDir():
		return unsafe("use", dir, kindOf(fi.Mode()))
	case !ours(fi):
		return unsafe("use", dir, "belongs to another user")
	case fi.Mode().Perm()&others != 0:
		return unsafe("use", dir, fmt.Sprintf("mode %04o: others can write there", fi.Mode().Perm()))
	}
	return nil
}

func rename(from, to string) error { return os.Rename(from, to) }

// syncDir makes a rename last. Some file systems cannot sync a folder (EINVAL,
// ENOTSUP): there the rename is as lasting as it gets.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return nil
}

func reasonOf(err error) error {
	switch {
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return ErrUnwritable
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return ErrFull
	}
	return ErrIO
}
