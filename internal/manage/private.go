package manage

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// ErrExists: there is a file of that name already.
var ErrExists = errors.New("there is a file of that name")

// PrivateFile is a file of the user's alone that is being made (0600; on Windows
// as private as its folder).
type PrivateFile struct {
	path    string
	file    *os.File
	replace bool
	written bool
}

// CreatePrivate makes the file, so that a place that cannot be written is known
// before tokens are asked for. Without replace a file, or a link, of that name is
// ErrExists. With it the old file stays until Write has put the new one in its
// place.
func CreatePrivate(path string, replace bool) (*PrivateFile, error) {
	if !replace {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
		if errors.Is(err, fs.ErrExist) {
			return nil, ErrExists
		}
		if err != nil {
			return nil, err
		}
		return &PrivateFile{path: path, file: f}, nil
	}
	if info, err := os.Lstat(path); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%w, and it is no regular file", ErrExists)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".confer-tokens-*.tmp") // O_EXCL, 0600
	if err != nil {
		return nil, err
	}
	return &PrivateFile{path: path, file: f, replace: true}, nil
}

// Write puts text into the file, brings it to the disk and reads it back.
func (p *PrivateFile) Write(text []byte) error {
	if _, err := p.file.Write(text); err != nil {
		return err
	}
	if err := p.file.Sync(); err != nil {
		return err
	}
	if err := p.same(text); err != nil {
		return err
	}
	if p.replace {
		if err := p.file.Close(); err != nil { // Windows renames no open file
			return err
		}
		if err := os.Rename(p.file.Name(), p.path); err != nil {
			return err
		}
	}
	p.written = true
	return nil
}

func (p *PrivateFile) same(text []byte) error {
	if _, err := p.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	got, err := io.ReadAll(p.file)
	if err == nil && !bytes.Equal(got, text) {
		err = errors.New("the file does not hold what was written")
	}
	return err
}

// Close ends it. Unless Write has succeeded nothing stays of the new file.
func (p *PrivateFile) Close() error {
	err := p.file.Close()
	if p.written {
		if errors.Is(err, os.ErrClosed) {
			return nil
		}
		return err
	}
	return os.Remove(p.file.Name())
}
