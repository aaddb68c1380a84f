package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"confer/internal/links"
)

// Folder tells what is wrong with a folder for private files and with the files
// in it that are named; nil: nothing. A folder that is not there is in order if
// it can be made. Its errors are *links.Error.
func Folder(dir string, files ...string) (exists bool, err error) {
	info, err := os.Lstat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return false, writable(nearest(dir))
	}
	if err != nil {
		return false, &links.Error{Op: "use", Path: dir, Reason: links.ErrIO, Err: cause(err)}
	}
	if !info.IsDir() {
		return true, &links.Error{Op: "use", Path: dir, Reason: links.ErrUnsafe, Detail: "not a folder"}
	}
	const others = 0o022
	if err := private(dir, info, others); err != nil {
		return true, err
	}
	if err := writable(dir); err != nil {
		return true, err
	}
	for _, name := range files {
		if err := privateFile(filepath.Join(dir, name)); err != nil {
			return true, err
		}
	}
	return true, nil
}

func privateFile(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return &links.Error{Op: "use", Path: path, Reason: links.ErrIO, Err: cause(err)}
	}
	if !info.Mode().IsRegular() {
		return &links.Error{Op: "use", Path: path, Reason: links.ErrUnsafe, Detail: "not a regular file"}
	}
	const anybodyElse = 0o077
	return private(path, info, anybodyElse)
}

// private: on Windows, where modes mean nothing, the user's profile is private.
func private(path string, info fs.FileInfo, bits fs.FileMode) error {
	switch {
	case runtime.GOOS == "windows":
		return nil
	case !ours(info):
		return &links.Error{Op: "use", Path: path, Reason: links.ErrUnsafe, Detail: "belongs to another user"}
	case info.Mode().Perm()&bits != 0:
		return &links.Error{Op: "use", Path: path, Reason: links.ErrUnsafe, Detail: fmt.Sprintf("mode %04o: open to others", info.Mode().Perm())}
	}
	return nil
}

// nearest is the folder that there is, above one that there is not.
func nearest(dir string) string {
	for {
		up := filepath.Dir(dir)
		if _, err := os.Stat(up); err == nil || up == dir {
			return up
		}
		dir = up
	}
}

// writable tries, because only that tells on a full or read-only disk.
func writable(dir string) error {
	f, err := os.CreateTemp(dir, ".confer-doctor-*.tmp")
	if err != nil {
		return &links.Error{Op: "write", Path: dir, Reason: links.ErrUnwritable, Err: cause(err)}
	}
	_, err = f.WriteString("x")
	err = errors.Join(err, f.Close(), os.Remove(f.Name()))
	if err != nil {
		return &links.Error{Op: "write", Path: dir, Reason: links.ErrUnwritable, Err: cause(err)}
	}
	return nil
}

// cause drops the path that the error names once already.
func cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
