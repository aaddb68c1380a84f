//go:build unix

package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// noWait: a pipe does not make the one who opens it wait.
const noWait = syscall.O_NONBLOCK

// markAlive keeps removeDead of other processes from a file while it is open. A
// file system without locks has no removeDead either.
func markAlive(f *os.File) { _ = lockFile(f) }

func lockFile(f *os.File) error {
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		switch {
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EWOULDBLOCK):
			return ErrLocked
		case err != nil:
			return &fs.PathError{Op: "lock", Path: f.Name(), Err: err}
		default:
			return nil
		}
	}
}

func openLock(path string) (*os.File, error) { return open(path, os.O_CREATE|os.O_RDONLY) }

func openNoFollow(path string) (*os.File, error) { return open(path, os.O_RDONLY) }

func open(path string, flags int) (*os.File, error) {
	f, err := os.OpenFile(path, flags|syscall.O_NOFOLLOW|noWait, 0o600)
	if errors.Is(err, syscall.ELOOP) || errors.Is(err, syscall.EMLINK) { // FreeBSD's word for a symbolic link
		return nil, &UnsafeError{path, kindOf(fs.ModeSymlink)}
	}
	return f, err
}

// unlockFile removes the name while it has the lock, so that nobody else has it.
func unlockFile(f *os.File, path string) {
	_ = os.Remove(path)
	_ = f.Close()
}

// removeIfDead removes a file of ours that nobody has locked.
func removeIfDead(path string) {
	f, err := openNoFollow(path)
	if err != nil {
		return
	}
	defer f.Close()
	info, err := f.Stat()
	if err == nil && info.Mode().IsRegular() && ours(info) && lockFile(f) == nil {
		_ = os.Remove(path)
	}
}

// giveName renames while the file is open, and so locked: there is no moment in
// which it looks like one that was left.
func giveName(f *os.File, path string, replace bool) error {
	if replace {
		if err := os.Rename(f.Name(), path); err != nil {
			return err
		}
		return f.Close()
	}
	err := os.Link(f.Name(), path) // which replaces nothing
	switch {
	case err == nil:
		return errors.Join(f.Close(), os.Remove(f.Name()))
	case errors.Is(err, fs.ErrExist):
		return &fs.PathError{Op: "create", Path: path, Err: fs.ErrExist}
	}
	// A file system without hard links (FAT, some network shares).
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return &fs.PathError{Op: "create", Path: path, Err: fs.ErrExist}
	}
	return giveName(f, path, true)
}

// syncFolder makes a name last. Some file systems cannot sync a folder: there a
// name is as lasting as it gets. A folder that is not to be read cannot be synced.
func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if errors.Is(err, fs.ErrPermission) {
		return nil
	}
	if err != nil {
		return err
	}
	defer d.Close()
	if err := fsync(d); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return nil
}

func makePrivate(f *os.File) error {
	info, err := f.Stat()
	if err != nil || info.Mode().Perm()&^0o600 == 0 {
		return err
	}
	return f.Chmod(0o600)
}

// copyAccess gives f the mode and the group of the file that it replaces. Where
// the group cannot be kept, another group does not get its rights.
func copyAccess(f *os.File, _ string, old fs.FileInfo) error {
	perm := old.Mode().Perm()
	if st, ok := old.Sys().(*syscall.Stat_t); ok {
		_ = f.Chown(int(st.Uid), -1) // root alone can
		if f.Chown(-1, int(st.Gid)) != nil {
			perm &^= 0o070
		}
	}
	return f.Chmod(perm)
}

// checkAccess lets others see which files there are in a folder.
func checkAccess(path string, info fs.FileInfo, secret bool) error {
	perm, why := info.Mode().Perm(), ""
	switch {
	case !ours(info):
		return &UnsafeError{path, "belongs to another user"}
	case perm&0o022 != 0 && info.IsDir():
		why = "others can write there"
	case perm&0o022 != 0:
		why = "others can write to it"
	case perm&0o077 != 0 && secret && !info.IsDir():
		why = "others can read it"
	default:
		return nil
	}
	return &UnsafeError{path, fmt.Sprintf("is unsafe: %s (mode %04o)", why, perm)}
}

func ours(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(st.Uid) == os.Geteuid()
}
