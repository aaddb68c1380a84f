package command

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"

	"confer/internal/profiles"
)

// recordsOut is where records go: standard output, a file that takes its name when
// all of them are in it, or a file that is added to.
type recordsOut struct {
	profiles.Writer
	done *profiles.Done // nil without --continue

	file   *os.File // nil for standard output
	name   string   // that file is to have; empty: it has it
	format profiles.Format
	lock   *flock.Flock
}

func (f *profilesFlags) toStdout() bool { return f.out == "" || f.out == "-" }

func openOutput(f *profilesFlags, format profiles.Format, stdout io.Writer) (*recordsOut, error) {
	o := &recordsOut{format: format}
	var err error
	switch {
	case f.toStdout():
		o.Writer, err = profiles.NewWriter(stdout, format)
	case f.resume:
		err = o.reopen(f.out, format)
	default:
		err = o.create(f.out, format)
	}
	if err != nil {
		o.close()
		return nil, outError(err)
	}
	return o, nil
}

// errOutBusy: another process adds to the same file.
var errOutBusy = errors.New("another confer is writing to this file")

func outError(err error) error {
	switch {
	case errors.Is(err, errOutBusy):
		return &usageError{summary: "--out: " + err.Error(), hint: "wait until it has ended, or name another file"}
	case errors.Is(err, profiles.ErrNotRecords):
		return &usageError{summary: "--out: " + err.Error(), hint: "--continue goes on with a file that confer wrote in the same format; name another file to begin anew"}
	}
	return &usageError{summary: "--out: " + reason(err), hint: "name a file that can be written"}
}

// create writes beside the file, so that it is either the old or the whole new
// one. What is no regular file (a pipe, a device) is written to as it is.
func (o *recordsOut) create(path string, format profiles.Format) (err error) {
	target, err := filepath.EvalSymlinks(path)
	if errors.Is(err, fs.ErrNotExist) {
		target, err = path, nil
	}
	if err != nil {
		return err
	}
	info, err := os.Stat(target)
	switch {
	case err == nil && info.IsDir():
		return &fs.PathError{Op: "open", Path: path, Err: errors.New("is a folder")}
	case err == nil && !info.Mode().IsRegular():
		o.file, err = os.OpenFile(target, os.O_WRONLY, 0)
	default:
		o.name = target
		o.file, err = os.CreateTemp(filepath.Dir(target), "."+filepath.Base(target)+".*.tmp") // 0600
	}
	if err != nil {
		return err
	}
	o.Writer, err = profiles.NewWriter(o.file, format)
	return err
}

// reopen goes on where an earlier run ended, cutting off what a crash left half
// written.
func (o *recordsOut) reopen(path string, format profiles.Format) (err error) {
	o.lock = flock.New(path+".lock", flock.SetPermissions(0o600))
	got, err := o.lock.TryLock()
	if err != nil {
		return err
	}
	if !got {
		return errOutBusy
	}
	if o.file, err = os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600); err != nil {
		return err
	}
	if o.done, err = profiles.ReadDone(o.file, format); err != nil {
		return err
	}
	if err := o.file.Truncate(o.done.Size); err != nil {
		return err
	}
	if _, err := o.file.Seek(0, io.SeekEnd); err != nil {
		return err
	}
	o.Writer, err = profiles.ResumeWriter(o.file, format, o.done)
	return err
}

// dropFailed takes the records in state error out of a file that is gone on with:
// those accounts are read again. A run that gets no record changes nothing. The
// file is replaced as a whole, and a kill after that leaves accounts without a
// record, which the next run reads.
func (o *recordsOut) dropFailed() error {
	if o.done == nil || o.done.Summary.Failed == 0 {
		return nil
	}
	target, err := filepath.EvalSymlinks(o.file.Name())
	if err != nil {
		return err
	}
	rest, err := o.withoutFailed(filepath.Dir(target))
	if err != nil {
		return err
	}
	defer os.Remove(rest)                  // gone when all went well
	if err := o.file.Close(); err != nil { // Windows replaces no open file
		return err
	}
	if err := os.Rename(rest, target); err != nil {
		return err
	}
	if o.file, err = os.OpenFile(target, os.O_WRONLY|os.O_APPEND, 0); err != nil {
		return err
	}
	o.Writer, err = profiles.ResumeWriter(o.file, o.format, o.done)
	return err
}

func (o *recordsOut) withoutFailed(dir string) (name string, err error) {
	info, err := o.file.Stat()
	if err != nil {
		return "", err
	}
	if _, err := o.file.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	rest, err := os.CreateTemp(dir, ".records.*.tmp")
	if err != nil {
		return "", err
	}
	err = errors.Join(rest.Chmod(info.Mode().Perm()), o.done.DropFailed(rest, o.file, o.format), rest.Sync(), rest.Close())
	if err != nil {
		_ = os.Remove(rest.Name())
	}
	return rest.Name(), err
}

// skip leaves out the accounts that the file has.
func (o *recordsOut) skip(accounts accountList) accountList {
	if o.done == nil {
		return accounts
	}
	return o.done.Skip(accounts)
}

// outputError is a record that could not be written.
type outputError struct{ err error }

func (e *outputError) Error() string { return "write records: " + e.err.Error() }

// Unwrap gives the system's error.
func (e *outputError) Unwrap() error { return e.err }

// commit makes the file whole and gives it its name.
func (o *recordsOut) commit() error {
	err := o.Close()
	if err == nil && o.file != nil {
		err = o.keep()
	}
	if err != nil {
		return &outputError{err}
	}
	return nil
}

func (o *recordsOut) keep() error {
	if err := o.file.Sync(); err != nil && o.name != "" {
		return err
	}
	if o.name == "" {
		return nil
	}
	if err := o.file.Close(); err != nil { // Windows renames no open file
		return err
	}
	if err := os.Rename(o.file.Name(), o.name); err != nil {
		return err
	}
	o.name = ""
	return nil
}

// close ends it; what has not got its name is taken away.
func (o *recordsOut) close() {
	if o.file != nil {
		_ = o.file.Close()
		if o.name != "" {
			_ = os.Remove(o.file.Name())
		}
	}
	if o.lock != nil {
		_ = o.lock.Close()
	}
}
