package links

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
)

// ErrClaimed: another process has the unfinished answers.
var ErrClaimed = errors.New("another process keeps its answers here")

// Claim makes this process the one whose unfinished answers the file keeps, until
// release is called or the process ends, however it does. It fails with ErrClaimed
// if another is that already, and with the errors of Update where the file could
// not be written: that is found out beside the file, which is left alone.
func (f *File) Claim() (release func(), err error) {
	dir := filepath.Dir(f.path)
	if err := makeDir(dir); err != nil {
		return nil, err
	}
	if err := f.try(dir); err != nil {
		return nil, failure("write", f.path, err)
	}
	path := f.path + ".draft.lock"
	l := flock.New(path, flock.SetFlag(lockFlags), flock.SetPermissions(0o600))
	switch got, err := l.TryLock(); {
	case err != nil:
		return nil, failure("lock", path, err)
	case !got:
		return nil, fmt.Errorf("claim %s: %w", f.path, ErrClaimed)
	}
	return func() { _ = l.Close() }, nil
}

// try writes a file as an Update would. One that a killed process leaves is taken
// away by the next Update.
func (f *File) try(dir string) error {
	tmp, err := os.CreateTemp(dir, f.leftover("*"))
	if err != nil {
		return err
	}
	_, err = tmp.WriteString("{}\n")
	return errors.Join(err, tmp.Close(), os.Remove(tmp.Name()))
}
