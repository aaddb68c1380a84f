// Package atomicfile is the one way in which confer writes files: whole or not at
// all, brought to the disk, readable by nobody else, and without leaving anything
// behind.
//
// A file is written beside the one that it replaces, synced, renamed, and its
// folder synced. What a killed process left beside it goes with the next write of
// the same file, told by a lock from that of a process that still writes. A pipe, a
// device, a folder or a symbolic link in the place of a file is an *UnsafeError.
package atomicfile

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Mode says what becomes of an earlier file, and who may read the new one.
type Mode int

const (
	// Private is the user's alone: 0600, and on Windows an access list with the user
	// and SYSTEM. It replaces an earlier file.
	Private Mode = iota
	// New is Private, and there must be no file of that name; its error is fs.ErrExist.
	New
	// Keep replaces an earlier file, also one that a symbolic link names, and keeps
	// who may read it: mode, group and access list. A file that is new is 0600.
	Keep
)

// UnsafeError says why something is not used as a file or a folder. Nothing was changed.
type UnsafeError struct {
	Path string
	Why  string // "is a symbolic link", "is unsafe: others can write to it (mode 0666)"
}

// Error is one line.
func (e *UnsafeError) Error() string { return e.Path + " " + e.Why }

// ErrReadBack is a file that does not hold what was written to it.
var ErrReadBack = errors.New("the file does not hold what was written")

// fsync is a variable for the test that it is called.
var fsync = (*os.File).Sync

// File is a file that is being written and has not got its name yet.
type File struct {
	*os.File
	path  string
	mode  Mode
	ended bool // committed or closed
}

// Create begins a file, so that a place that cannot be written is known early.
// Nothing is at path, or the earlier file is, until Commit.
func Create(path string, mode Mode) (*File, error) {
	if target, err := filepath.EvalSymlinks(path); mode == Keep && err == nil {
		path = target
	}
	old, err := regular(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, err
	case mode == New:
		return nil, &fs.PathError{Op: "create", Path: path, Err: fs.ErrExist}
	}
	removeDead(path)
	tmp, err := createTemp(path)
	if err != nil {
		return nil, err
	}
	f := &File{File: tmp, path: path, mode: mode}
	if mode == Keep && old != nil {
		err = copyAccess(tmp, path, old)
	} else if mode != Keep {
		err = makePrivate(tmp)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// regular gives what is at path if it is a regular file.
func regular(path string) (fs.FileInfo, error) {
	info, err := os.Lstat(path)
	if err == nil && !info.Mode().IsRegular() {
		return nil, &UnsafeError{path, kindOf(info.Mode())}
	}
	return info, err
}

func kindOf(m fs.FileMode) string {
	switch {
	case m&fs.ModeSymlink != 0:
		return "is a symbolic link"
	case m.IsDir():
		return "is a folder"
	}
	return "is not a regular file"
}

// createTemp makes an empty file beside path and locks it, again where another process
// took it in between for one that was left.
func createTemp(path string) (*os.File, error) {
	const tries = 10
	for i := 1; ; i++ {
		f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.tmp") // 0600, O_EXCL
		if err != nil {
			return nil, err
		}
		markAlive(f)
		if i == tries || stillNamed(f, f.Name()) {
			return f, nil
		}
		_ = f.Close()
	}
}

// stillNamed tells whether path is the file that is open as f.
func stillNamed(f *os.File, path string) bool {
	opened, err := f.Stat()
	if err != nil {
		return false
	}
	named, err := os.Lstat(path)
	return err == nil && os.SameFile(opened, named)
}

// removeDead removes what killed processes left when they wrote path.
func removeDead(path string) {
	dir := filepath.Dir(path)
	entries, _ := os.ReadDir(dir) // where that fails, the write after this does and says so
	for _, e := range entries {
		random, ok := strings.CutPrefix(e.Name(), "."+filepath.Base(path)+".")
		random, is := strings.CutSuffix(random, ".tmp")
		if ok && is && random != "" && strings.Trim(random, "0123456789") == "" {
			removeIfDead(filepath.Join(dir, e.Name()))
		}
	}
}

// Put writes b, reads it back and commits.
func (f *File) Put(b []byte) error {
	if _, err := f.Write(b); err != nil {
		return err
	}
	got, err := io.ReadAll(io.NewSectionReader(f, 0, int64(len(b))+1))
	if err != nil {
		return err
	}
	if !bytes.Equal(got, b) {
		return ErrReadBack
	}
	return f.Commit()
}

// Commit brings the file to the disk and gives it its name.
func (f *File) Commit() error {
	if err := fsync(f.File); err != nil {
		return err
	}
	if err := giveName(f.File, f.path, f.mode != New); err != nil {
		return err
	}
	f.ended = true
	return syncFolder(filepath.Dir(f.path))
}

// Close ends it. Without a Commit before nothing stays of it.
func (f *File) Close() error {
	if f.ended {
		return nil
	}
	f.ended = true
	err := f.File.Close()
	if errors.Is(err, fs.ErrClosed) { // a Commit got that far
		err = nil
	}
	return errors.Join(err, os.Remove(f.Name()))
}

// Write writes b to path as a whole and reads it back.
func Write(path string, b []byte, mode Mode) error {
	f, err := Create(path, mode)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Put(b)
}

// Remove removes a file, and what killed processes left when they wrote it, and
// makes that last. That there is none is fine.
func Remove(path string) error {
	removeDead(path)
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

// Open opens a file to read that nobody else can have put there or changed and, if it
// is secret, read. What is checked is the opened file, not its name.
func Open(path string, secret bool) (*os.File, error) {
	f, err := openNoFollow(path)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &UnsafeError{path, kindOf(info.Mode())}
	}
	if err == nil {
		err = checkAccess(path, info, secret)
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

// OpenInPlace opens a file to read and to write, and makes it if there is none, for
// what is added to bit by bit. It is made Private unless mode is Keep.
func OpenInPlace(path string, mode Mode) (*os.File, error) {
	// Opening alone can do something to a device, or wait at a pipe.
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, &UnsafeError{path, kindOf(info.Mode())}
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|noWait, 0o600)
	if err != nil {
		return nil, err
	}
	if mode != Keep {
		err = makePrivate(f)
	}
	if err == nil {
		err = syncFolder(filepath.Dir(path))
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

// MakeFolder makes a folder for private files if there is none; see CheckFolder.
func MakeFolder(dir string, secret bool) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return CheckFolder(dir, secret)
}

// CheckFolder tells whether a folder is fit for private files: it is the user's
// own, no symbolic link, and others cannot put files there.
func CheckFolder(dir string, secret bool) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return &UnsafeError{dir, strings.Replace(kindOf(info.Mode()), "a regular file", "a folder", 1)}
	}
	return checkAccess(dir, info, secret)
}

// CanWrite tries whether a folder takes files: only that tells on a full disk or
// a read-only file system.
func CanWrite(dir string) error {
	f, err := Create(filepath.Join(dir, "confer-test"), Private)
	if err != nil {
		return err
	}
	_, err = f.Write([]byte("x"))
	return errors.Join(err, f.Close())
}

// ErrLocked: another process, or another part of this one, has the lock.
var ErrLocked = errors.New("locked by another process")

// lockRetry is how long a Lock that waits sleeps between two tries.
const lockRetry = 20 * time.Millisecond

// Lock waits until nobody else has the file at path locked, at most for limit, and
// locks it: zero is one try. The lock ends with the process, however that ends. The
// file is empty, 0600, and goes with unlock.
func Lock(ctx context.Context, path string, limit time.Duration) (unlock func(), err error) {
	deadline := time.Now().Add(limit)
	for {
		unlock, err := tryLock(path)
		if !errors.Is(err, ErrLocked) {
			return unlock, err
		}
		if err := ctx.Err(); err != nil { // before the limit: who gave up is not told that another is slow
			return nil, err
		}
		if !time.Now().Before(deadline) {
			return nil, ErrLocked
		}
		select {
		case <-ctx.Done():
		case <-time.After(lockRetry):
		}
	}
}

func tryLock(path string) (unlock func(), err error) {
	if _, err := regular(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	f, err := openLock(path)
	if err != nil {
		return nil, err
	}
	if err := lockNamed(f, path); err != nil {
		_ = f.Close()
		return nil, err
	}
	return func() { unlockFile(f, path) }, nil
}

// lockNamed gives ErrLocked also where the name went while the file was opened: the
// next process finds another file than the one that was locked.
func lockNamed(f *os.File, path string) error {
	err := lockFile(f)
	if err == nil && !stillNamed(f, path) {
		err = ErrLocked
	}
	return err
}
