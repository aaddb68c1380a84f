//go:build unix

package keystore

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
)

// lockFlag opens the lock file, and nothing that a link points to.
const lockFlag = os.O_CREATE | os.O_RDWR | syscall.O_NOFOLLOW | syscall.O_NONBLOCK

// readsLock: a rename leaves readers the whole old file or the whole new one.
const readsLock = false

func checkFolder(folder string) error {
	info, err := os.Lstat(folder)
	if err != nil {
		return err
	}
	switch perm := info.Mode().Perm(); {
	case !info.IsDir():
		return insecure(folder + " is not a folder")
	case !ours(info):
		return insecure(folder + " belongs to another user")
	case perm&0o022 != 0:
		return insecure(fmt.Sprintf("others can write to %s (mode %04o)", folder, perm))
	}
	return nil
}

func openPrivate(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	if isLink(err) {
		return nil, insecure(path + " is a symbolic link")
	}
	return f, err
}

// isLink tells what O_NOFOLLOW says of a symbolic link; EMLINK is FreeBSD's word.
func isLink(err error) bool {
	return errors.Is(err, syscall.ELOOP) || errors.Is(err, syscall.EMLINK)
}

func checkFile(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	switch perm := info.Mode().Perm(); {
	case !info.Mode().IsRegular():
		return insecure(f.Name() + " is not a regular file")
	case !ours(info):
		return insecure(f.Name() + " belongs to another user")
	case perm&0o077 != 0:
		return insecure(fmt.Sprintf("others can use %s (mode %04o)", f.Name(), perm))
	}
	return nil
}

func ours(info os.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(st.Uid) == os.Geteuid()
}

// makePrivate needs to do nothing: os.CreateTemp gives 0600 whatever the umask.
func makePrivate(*os.File) error { return nil }

func syncFolder(folder string) error {
	d, err := os.Open(folder)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, syscall.ENOTSUP) {
		return err
	}
	return nil
}

func globEscape(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}
