package links

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"confer/internal/atomicfile"
)

const (
	version     = 2                // of the format: every change raises it, and earlier ones are read
	maxSize     = 1 << 20          // in bytes: some 1,000 links with their secrets; nothing larger is written or read
	longestText = 2000             // that is written, in runes: no browser takes a longer redirect URI
	lockLimit   = 10 * time.Second // for other processes, which hold the lock for milliseconds
)

// What stands in the way of the file. Errors of File are *fs.PathError and answer
// errors.Is for one of these, or for the system's own error.
var (
	ErrDamaged     = errors.New("damaged")
	ErrNewer       = errors.New("written by a newer version of confer")
	ErrBusy        = errors.New("in use by another process") // the file, or a link, for too long
	ErrDraftLocked = errors.New("another process keeps its answers here")
	ErrUnsafe      = errors.New("not a private file") // see atomicfile.UnsafeError
	errRelative    = errors.New("the home folder is not an absolute path")
)

// failure sorts an error of the system or of atomicfile.
func failure(op, path string, err error) error {
	unsafe := new(atomicfile.UnsafeError)
	switch {
	case err == nil:
		return nil
	case errors.As(err, &unsafe):
		path, err = unsafe.Path, fmt.Errorf("%w (%s)", ErrUnsafe, unsafe.Why)
	case errors.Is(err, atomicfile.ErrLocked):
		err = ErrBusy
	default:
		for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(err) {
			err = inner // drops the path and the call that are named already
		}
	}
	return &fs.PathError{Op: op, Path: path, Err: err}
}

// DefaultPath is where the file is by the customs of the system. A relative
// XDG_STATE_HOME does not count:
// https://specifications.freedesktop.org/basedir-spec/latest/
func DefaultPath() (string, error) {
	dir, err := os.Getenv("XDG_STATE_HOME"), error(nil)
	switch {
	case filepath.IsAbs(dir):
	case runtime.GOOS == "windows":
		dir, err = os.UserCacheDir()
	case runtime.GOOS == "darwin":
		dir, err = os.UserConfigDir()
	default:
		dir, err = os.UserHomeDir()
		dir = filepath.Join(dir, ".local", "state")
	}
	if err == nil && !filepath.IsAbs(dir) {
		err = errRelative
	}
	return filepath.Join(dir, "confer", "links.json"), err
}

// File is the file of links. It may be used by several goroutines and processes at once.
type File struct {
	path      string
	lockLimit time.Duration
}

// Open names a file. Nothing is read or made before it is needed.
func Open(path string) *File { return &File{path, lockLimit} }

// Path is where the file is or will be.
func (f *File) Path() string { return f.path }

// Load reads the file. No file is empty Contents. One that is damaged gets another
// name and gives empty Contents that say so; one of a newer version is ErrNewer, and
// is left alone.
func (f *File) Load(ctx context.Context) (Contents, error) {
	if err := ctx.Err(); err != nil {
		return Contents{}, fmt.Errorf("read %s: %w", f.path, err)
	}
	c, _, err := f.read()
	if !errors.Is(err, ErrDamaged) {
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

// Peek reads the file and changes nothing, whatever it finds.
func (f *File) Peek() (Contents, error) {
	c, _, err := f.read()
	return c, err
}

// Update reads the file as Load does, lets change work on what it holds and writes it
// back, while no other Update does. If that changes nothing, nothing is written.
func (f *File) Update(ctx context.Context, change func(*Contents)) error {
	if err := atomicfile.MakeFolder(filepath.Dir(f.path), false); err != nil {
		return failure("write", f.path, err)
	}
	unlock, err := f.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	c, before, err := f.readOrSetAside()
	if err != nil {
		return err
	}
	change(&c)
	after, err := encode(c)
	if err == nil && len(after) > maxSize {
		err = fmt.Errorf("too large: %d bytes", len(after))
	}
	if err != nil {
		return failure("write", f.path, err)
	}
	if before == nil { // no file is as good as one that holds nothing
		before, _ = encode(Contents{})
	}
	if bytes.Equal(before, after) {
		return nil
	}
	return failure("write", f.path, atomicfile.Write(f.path, after, atomicfile.Private))
}

// read gives what the file holds, and its bytes; nil if there is none.
func (f *File) read() (Contents, []byte, error) {
	none := Contents{Damaged: f.damaged()}
	file, err := atomicfile.Open(f.path, false)
	if errors.Is(err, fs.ErrNotExist) {
		return none, nil, nil
	}
	if err != nil {
		return none, nil, failure("read", f.path, err)
	}
	defer file.Close()
	b, err := io.ReadAll(io.LimitReader(file, maxSize+1))
	c := none
	switch {
	case err != nil:
	case len(b) > maxSize:
		err = ErrDamaged
	default:
		c, err = decode(b)
	}
	if err != nil {
		return none, nil, failure("read", f.path, err)
	}
	c.Damaged = none.Damaged
	if info, err := file.Stat(); err == nil && info.Mode().Perm()&0o077 != 0 && runtime.GOOS != "windows" {
		_ = file.Chmod(0o600) // a backup or a copy widened it; it holds no secret, so a failure stops nobody
	}
	return c, b, nil
}

func (f *File) lock(ctx context.Context) (unlock func(), err error) {
	unlock, err = atomicfile.Lock(ctx, f.path+".lock", f.lockLimit)
	return unlock, failure("lock", f.path+".lock", err)
}

const damagedSuffix = ".damaged-"

// readOrSetAside gives a file that is damaged another name. The lock is held.
func (f *File) readOrSetAside() (Contents, []byte, error) {
	c, b, err := f.read()
	if !errors.Is(err, ErrDamaged) {
		return c, b, err
	}
	for i := 1; ; i++ {
		name := f.path + damagedSuffix + strconv.Itoa(i)
		if _, err := os.Lstat(name); err != nil {
			c.Damaged = append(c.Damaged, name)
			return c, nil, failure("rename", f.path, os.Rename(f.path, name))
		}
	}
}

// damaged gives the files that were set aside and that nobody has dealt with.
func (f *File) damaged() (paths []string) {
	entries, _ := os.ReadDir(filepath.Dir(f.path))
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), filepath.Base(f.path)+damagedSuffix) {
			paths = append(paths, filepath.Join(filepath.Dir(f.path), e.Name()))
		}
	}
	return paths
}

// LockDraft makes this process the one whose unfinished answers the file keeps,
// until unlock is called or the process ends. Where another is that already it is
// ErrDraftLocked.
func (f *File) LockDraft() (unlock func(), err error) {
	if err := atomicfile.MakeFolder(filepath.Dir(f.path), false); err != nil {
		return nil, failure("write", f.path, err)
	}
	path := f.path + ".draft.lock"
	unlock, err = atomicfile.Lock(context.Background(), path, 0)
	if errors.Is(err, atomicfile.ErrLocked) {
		err = ErrDraftLocked
	}
	return unlock, failure("lock", path, err)
}

// versioned is the file as it is written.
type versioned struct {
	Version int `json:"version"`
	Contents
}

// decode is strict about what it knows: what it accepts is what this program could
// have written. Its texts are cleaned. Its error is ErrDamaged or ErrNewer.
func decode(b []byte) (Contents, error) {
	var head struct {
		Version int `json:"version"`
	}
	var v versioned
	switch {
	case !utf8.Valid(b) || json.Unmarshal(b, &head) != nil || head.Version < 1:
		return Contents{}, ErrDamaged
	case head.Version > version:
		return Contents{}, ErrNewer
	case json.Unmarshal(b, &v) != nil:
		return Contents{}, ErrDamaged
	}
	cleanTexts(reflect.ValueOf(&v.Contents).Elem())
	if !v.valid() {
		return Contents{}, ErrDamaged
	}
	for _, s := range v.needed() { // what an older program stored without listing it
		if !v.HasSecret(s) {
			v.Secrets = append(v.Secrets, s)
		}
	}
	return v.Contents, nil
}

// encode writes the file for people to read: one member a line. It writes what would
// be read, so that what was typed or pasted cannot make the file one that is refused.
func encode(c Contents) ([]byte, error) {
	b, err := json.Marshal(versioned{version, c})
	if err != nil {
		return nil, err
	}
	if c, err = decode(b); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err = e.Encode(versioned{version, c})
	return out.Bytes(), err
}
