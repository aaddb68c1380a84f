//go:build windows

package links

import (
	"errors"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/windows"
)

const lockFlags = os.O_CREATE | os.O_RDONLY

// openPrivate opens a regular file, not what a link points to: what was opened
// must be what the name itself is.
func openPrivate(path string) (*os.File, error) {
	named, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !named.Mode().IsRegular() {
		return nil, unsafe("read", path, kindOf(named.Mode()))
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	opened, err := f.Stat()
	if err == nil && !os.SameFile(named, opened) {
		err = unsafe("read", path, "replaced while it was opened")
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

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
	}
	return nil
}

// rename tries again for a while: Windows refuses it while another process has
// the file open, which readers, indexers and virus scanners do for a moment.
func rename(from, to string) error {
	const tries, apart = 50, 20 * time.Millisecond
	for i := 1; ; i++ {
		err := os.Rename(from, to)
		busy := errors.Is(err, windows.ERROR_SHARING_VIOLATION) || errors.Is(err, windows.ERROR_ACCESS_DENIED)
		if !busy || i == tries {
			return err
		}
		time.Sleep(apart)
	}
}

// syncDir: NTFS journals renames, and a folder cannot be synced.
func syncDir(string) error { return nil }

func reasonOf(err error) error {
	switch {
	case errors.Is(err, fs.ErrPermission), errors.Is(err, windows.ERROR_WRITE_PROTECT):
		return ErrUnwritable
	case errors.Is(err, windows.ERROR_DISK_FULL), errors.Is(err, windows.ERROR_HANDLE_DISK_FULL):
		return ErrFull
	}
	return ErrIO
}
