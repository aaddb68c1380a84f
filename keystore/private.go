package keystore

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

const tempPattern = ".confer-secrets-*.tmp"

func insecure(why string) error {
	return &Error{Err: ErrInsecure, Detail: clean(why)}
}

func exists(path string) (bool, error) {
	_, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// prepareFolder makes the folder if need be and checks that it is the user's alone.
func prepareFolder(folder string) error {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	return checkFolder(folder)
}

// readPrivate reads a file that is the user's alone. It checks the opened file,
// not its name, so that nothing can be put in its place in between.
func readPrivate(path string) ([]byte, error) {
	if err := checkFolder(filepath.Dir(path)); err != nil {
		return nil, err
	}
	f, err := openPrivate(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if err := checkFile(f); err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(f, maxFile+1))
}

// writePrivate replaces path, and not what a link there points to. A crash leaves
// the old file or the new one whole. The caller holds the lock.
func writePrivate(path string, b []byte) error {
	folder := filepath.Dir(path)
	removeTemps(folder)
	f, err := os.CreateTemp(folder, tempPattern) // O_EXCL, 0600
	if err != nil {
		return err
	}
	if err := fill(f, b); err != nil {
		_ = os.Remove(f.Name())
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		_ = os.Remove(f.Name())
		return err
	}
	return syncFolder(folder)
}

// removePrivate removes path, and what a killed process left. The caller holds the lock.
func removePrivate(path string) error {
	folder := filepath.Dir(path)
	removeTemps(folder)
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return syncFolder(folder)
}

func fill(f *os.File, b []byte) error {
	err := makePrivate(f)
	if err == nil {
		_, err = f.Write(b)
	}
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// removeTemps removes what a killed process left; nobody else writes under the lock.
func removeTemps(folder string) {
	left, _ := filepath.Glob(filepath.Join(globEscape(folder), tempPattern))
	for _, name := range left {
		_ = os.Remove(name)
	}
}
