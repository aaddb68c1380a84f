//go:build unix

package profiles

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
)

// syncFolderOf makes a file's name last. Some file systems cannot sync a folder.
func syncFolderOf(path string) error {
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return nil
}
