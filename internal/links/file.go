package links

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// lockLimit bounds the wait for other processes, which hold the lock for
// milliseconds.
const lockLimit = 10 * time.Second

const lockRetry = 20 * time.Millisecond

// File is the file of links and unfinished answers. It may be used by several
// goroutines and processes at once.
type File struct {
	path         string
	lockLimit    time.Duration
	beforeRename func() // a test's; nil otherwise
}

// Open names a file. Nothing is read or made before it is needed.
func Open(path string) *File { return &File{path: path, lockLimit: lockLimit} }

// Path is where the file is or will be.
func (f *File) Path() string { return f.path }

// Load reads the file. No file is empty Contents. A file that is damaged, too
// large or of a newer version is set aside and gives empty Contents that say so;
// if it cannot be set aside that is an error, because the next Update would be
// in its way. Modes that let others read it are narrowed to 0600.
func (f *File) Load(ctx context.Context) (Contents, error) {
	if err := ctx.Err(); err != nil {
		return Contents{}, fmt.Errorf("read %s: %w", f.path, err)
	}
	c, _, err := f.read()
	if !misread(err) {
		return c, err
	}
	unlock, err := f.lock(ctx)
	if err != nil {
		return Contents{}, err
	}
	defer unlock()
	c, _, err = f.readOrSetAside()
	return c, err
}

// Update reads the file, lets change work on what it holds and writes it back,
// while no other Update does. If change fails or changes nothing, nothing is
// written. A file that had to be set aside is named in the Contents that change
// gets, and its place is taken by what change leaves.
func (f *File) Update(ctx context.Context, change func(*Contents) error) error {
	if err := makeDir(filepath.Dir(f.path)); err != nil {
		return err
	}
	unlock, err := f.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	f.removeLeftovers()
	c, before, err := f.readOrSetAside()
	if err != nil {
		return err
	}
	if err := change(&c); err != nil {
		return fmt.Errorf("change %s: %w", f.path, err)
	}
	c.scrub()
	after, err := encode(c)
	if err != nil {
		return fmt.Errorf("write %s: %w", f.path, err)
	}
	if len(after) > maxSize {
		return &Error{Op: "write", Path: f.path, Reason: ErrTooLarge, Detail: fmt.Sprintf("%d bytes", len(after))}
	}
	if before == nil { // no file is as good as one that holds nothing
		before, _ = encode(Contents{})
	}
	if bytes.Equal(before, after) {
		return nil
	}
	return failure("write", f.path, f.replace(after))
}

func misread(err error) bool { return errors.Is(err, errDamaged) || errors.Is(err, errNewer) }

// read gives what the file holds, and its bytes.
func (f *File) read() (Contents, []byte, error) {
	b, err := f.bytes()
	if err != nil || b == nil {
		return Contents{}, nil, err
	}
	c, err := decode(b)
	if err != nil {
		return Contents{}, nil, err
	}
	return c, b, nil
}

// bytes is nil without an error if there is no file.
func (f *File) bytes() ([]byte, error) {
	file, err := openPrivate(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, failure("read", f.path, err)
	}
	defer file.Close()
	b, err := io.ReadAll(io.LimitReader(file, maxSize+1))
	if err != nil {
		return nil, failure("read", f.path, err)
	}
	if len(b) > maxSize {
		return nil, fmt.Errorf("%w: more than %d bytes", errDamaged, maxSize)
	}
	return b, nil
}

// readOrSetAside is called with the lock held.
func (f *File) readOrSetAside() (Contents, []byte, error) {
	c, b, err := f.read()
	if !misread(err) {
		return c, b, err
	}
	c = Contents{Newer: errors.Is(err, errNewer)}
	c.SetAside, err = f.setAside(c.Newer)
	return c, nil, err
}

// setAside gives the file a free name: "links.json.damaged-1".
func (f *File) setAside(newer bool) (string, error) {
	why := "damaged"
	if newer {
		why = "newer"
	}
	const enough = 1000
	for i := 1; i <= enough; i++ {
		name := f.path + "." + why + "-" + strconv.Itoa(i)
		if _, err := os.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err := os.Rename(f.path, name); err != nil {
			return "", failure("set aside", f.path, err)
		}
		return name, nil
	}
	return "", &Error{Op: "set aside", Path: f.path, Reason: ErrIO, Detail: "too many files were set aside before"}
}

// lock waits for other processes. The lock file stays: taking it away would let
// two processes hold two files of the same name.
func (f *File) lock(ctx context.Context) (unlock func(), err error) {
	path := f.path + ".lock"
	if fi, err := os.Lstat(path); err == nil && !fi.Mode().IsRegular() {
		return nil, unsafe("lock", path, kindOf(fi.Mode()))
	}
	l := flock.New(path, flock.SetFlag(lockFlags))
	limited, cancel := context.WithTimeout(ctx, f.lockLimit)
	defer cancel()
	_, err = l.TryLockContext(limited, lockRetry)
	switch {
	case err == nil:
		return func() { _ = l.Close() }, nil
	case ctx.Err() != nil:
		return nil, fmt.Errorf("lock %s: %w", path, ctx.Err())
	case limited.Err() != nil:
		return nil, &Error{Op: "lock", Path: path, Reason: ErrBusy}
	}
	return nil, failure("lock", path, err)
}

// replace writes beside the file, syncs and renames, so that the file is either
// the old or the new one whenever the program or the machine stops.
func (f *File) replace(b []byte) error {
	dir := filepath.Dir(f.path)
	tmp, err := os.CreateTemp(dir, f.leftover("*")) // 0600 and O_EXCL: no link is followed
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // gone already after the rename
	_, err = tmp.Write(b)
	if err == nil {
		err = tmp.Sync()
	}
	if e := tmp.Close(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	if f.beforeRename != nil {
		f.beforeRename()
	}
	if err := rename(tmp.Name(), f.path); err != nil {
		return err
	}
	return syncDir(dir)
}

func (f *File) leftover(random string) string {
	return "." + filepath.Base(f.path) + "." + random + ".tmp"
}

// removeLeftovers takes away what a killed process left. The lock is held, so
// nobody is writing one.
func (f *File) removeLeftovers() {
	dir := filepath.Dir(f.path)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return // whatever it is, the write after this will meet it and say so
	}
	prefix, suffix, _ := strings.Cut(f.leftover("*"), "*")
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), prefix) && strings.HasSuffix(e.Name(), suffix) && e.Type().IsRegular() {
			_ = os.Remove(filepath.Join(dir, e.Name()))
		}
	}
}

func kindOf(m fs.FileMode) string {
	switch {
	case m&fs.ModeSymlink != 0:
		return "symbolic link"
	case m.IsDir():
		return "folder"
	}
	return "not a regular file"
}
