package keystore

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io/fs"
	"maps"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

const (
	// DefaultWorkFactor is age's own: sealing and opening take some 0.6 s and 256 MiB each.
	DefaultWorkFactor = 18

	lockSuffix = ".lock"
	lockPause  = 20 * time.Millisecond
)

// FileOption changes how OpenFile works.
type FileOption func(*FileStore)

// WithWorkFactor sets the scrypt work factor to 2^n, 1 <= n <= 20, in place of
// DefaultWorkFactor, for sealing; files of any factor up to 20 can be opened.
func WithWorkFactor(n int) FileOption {
	return func(f *FileStore) { f.factor = min(max(n, 1), maxWorkFactor) }
}

// FileStore keeps all secrets in one file, encrypted with age under a passphrase
// (https://age-encryption.org/v1, scrypt recipient).
//
// The file is the user's alone (0600 in a folder that others cannot write to, no
// symbolic links; on Windows an access list with the user and SYSTEM only) and is
// replaced as a whole. A lock file beside it, which stays, makes processes wait
// for each other's changes for at most CallLimit; then it is ErrBusy. The first
// use and each change cost one scrypt, which ctx cannot interrupt.
type FileStore struct {
	path       string
	passphrase func(context.Context) (string, error)
	factor     int
	sem        chan struct{} // holds the call that uses what follows

	phrase string            // once it is known to be right
	sum    [sha256.Size]byte // of the file that secrets was read from
	cached map[string][]byte
}

// OpenFile gives the store at path. It touches nothing yet. passphrase is asked
// at the first use, and again after a wrong one; its error ends the call as
// ErrNoPassphrase with that error as Error.Cause. When there is no file yet, the
// first Set makes it with whatever passphrase gives: have it typed twice then
// (see Exists).
func OpenFile(path string, passphrase func(context.Context) (string, error), options ...FileOption) *FileStore {
	f := &FileStore{path: path, passphrase: passphrase, factor: DefaultWorkFactor, sem: make(chan struct{}, 1)}
	for _, o := range options {
		o(f)
	}
	return f
}

// Kind is File.
func (f *FileStore) Kind() Kind { return File }

// Path is where the file is or will be.
func (f *FileStore) Path() string { return f.path }

// Exists tells whether there is a file, of whatever kind, without the passphrase.
func (f *FileStore) Exists() (bool, error) {
	there, err := exists(f.path)
	if err != nil {
		return false, f.failure("open", err)
	}
	return there, nil
}

// Check opens the file with the passphrase and keeps it open for later calls.
// It returns ErrNotFound, without asking, when there is no file.
func (f *FileStore) Check(ctx context.Context) error {
	return f.with(ctx, "open", func() error {
		_, err := f.read(ctx)
		return err
	})
}

// Get implements Store.
func (f *FileStore) Get(ctx context.Context, key string) (string, error) {
	if err := checkKey(key); err != nil {
		return "", f.failure("get", err)
	}
	var secret string
	err := f.with(ctx, "get", func() error {
		secrets, err := f.read(ctx)
		if err != nil {
			return err
		}
		s, ok := secrets[key]
		if !ok {
			return ErrNotFound
		}
		secret = string(s)
		return nil
	})
	return secret, err
}

// Set implements Store. What is read back is the file, byte by byte.
func (f *FileStore) Set(ctx context.Context, key, secret string) error {
	if err := checkItem(key, secret); err != nil {
		return f.failure("set", err)
	}
	return f.change(ctx, "set", func(secrets map[string][]byte) bool {
		secrets[key] = []byte(secret)
		return true
	})
}

// Delete implements Store. The file goes with its last secret, so that nobody has
// to know the passphrase of an empty one.
func (f *FileStore) Delete(ctx context.Context, key string) error {
	if err := checkKey(key); err != nil {
		return f.failure("delete", err)
	}
	return f.change(ctx, "delete", func(secrets map[string][]byte) bool {
		_, had := secrets[key]
		delete(secrets, key)
		return had
	})
}

// change reads, edits and writes under the lock of both this process and the file.
func (f *FileStore) change(ctx context.Context, op string, edit func(map[string][]byte) bool) error {
	return f.with(ctx, op, func() error {
		if err := prepareFolder(filepath.Dir(f.path)); err != nil {
			return err
		}
		unlock, err := f.lock(ctx)
		if err != nil {
			return err
		}
		defer unlock()
		secrets, err := f.load(ctx)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		there := err == nil
		secrets = maps.Clone(secrets)
		if secrets == nil {
			secrets = map[string][]byte{}
		}
		changed := edit(secrets)
		switch {
		case there && len(secrets) == 0:
			f.cached = nil
			return removePrivate(f.path)
		case !changed:
			return nil
		}
		return f.save(ctx, secrets)
	})
}

// with runs do while no other call of this store does.
func (f *FileStore) with(ctx context.Context, op string, do func() error) error {
	if ctx.Err() != nil {
		return f.failure(op, &Error{Err: ErrTimeout, Cause: ctx.Err()})
	}
	select {
	case f.sem <- struct{}{}:
		defer func() { <-f.sem }()
	case <-ctx.Done():
		return f.failure(op, &Error{Err: ErrBusy, Cause: ctx.Err()})
	}
	if err := do(); err != nil {
		return f.failure(op, err)
	}
	return nil
}

// lock waits for other processes.
func (f *FileStore) lock(ctx context.Context) (unlock func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, CallLimit)
	defer cancel()
	l := flock.New(f.path+lockSuffix, flock.SetFlag(lockFlag), flock.SetPermissions(0o600))
	ok, err := l.TryLockContext(ctx, lockPause)
	switch {
	case ctx.Err() != nil && !ok:
		return nil, &Error{Err: ErrBusy, Cause: ctx.Err()}
	case isLink(err):
		return nil, insecure(f.path + lockSuffix + " is a symbolic link")
	case err != nil:
		return nil, err
	}
	return func() { _ = l.Close() }, nil
}

// read is load under the lock where reading needs one.
func (f *FileStore) read(ctx context.Context) (map[string][]byte, error) {
	if there, err := exists(f.path); err == nil && there && readsLock {
		unlock, err := f.lock(ctx)
		if err != nil {
			return nil, err
		}
		defer unlock()
	}
	return f.load(ctx)
}

// load gives the secrets of the file, which must not be changed, or ErrNotFound
// when there is no file.
func (f *FileStore) load(ctx context.Context) (map[string][]byte, error) {
	sealed, err := readPrivate(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(sealed)
	if f.cached != nil && sum == f.sum {
		return f.cached, nil
	}
	phrase, err := f.ask(ctx)
	if err != nil {
		return nil, err
	}
	secrets, err := open(sealed, phrase, maxWorkFactor)
	if errors.Is(err, ErrPassphrase) {
		f.phrase = "" // it was changed elsewhere, or was mistyped
	}
	if err != nil {
		return nil, err
	}
	f.phrase, f.cached, f.sum = phrase, secrets, sum
	return secrets, nil
}

func (f *FileStore) save(ctx context.Context, secrets map[string][]byte) error {
	phrase, err := f.ask(ctx)
	if err != nil {
		return err
	}
	sealed, err := seal(secrets, phrase, f.factor)
	if err != nil {
		return err
	}
	if ctx.Err() != nil {
		return &Error{Err: ErrTimeout, Cause: ctx.Err()}
	}
	f.cached = nil
	if err := writePrivate(f.path, sealed); err != nil {
		return err
	}
	got, err := readPrivate(f.path)
	if err != nil {
		return err
	}
	if !bytes.Equal(got, sealed) {
		return ErrReadBack
	}
	f.phrase, f.cached, f.sum = phrase, secrets, sha256.Sum256(sealed)
	return nil
}

func (f *FileStore) ask(ctx context.Context) (string, error) {
	if f.phrase != "" {
		return f.phrase, nil
	}
	phrase, err := f.passphrase(ctx)
	if err != nil {
		return "", &Error{Err: ErrNoPassphrase, Cause: err}
	}
	if phrase == "" {
		return "", ErrNoPassphrase
	}
	return phrase, nil
}

// failure makes an *Error of a sentinel, an *Error without a name, or a
// system's error, which is ErrRefused.
func (f *FileStore) failure(op string, err error) error {
	e := new(Error)
	if errors.As(err, &e) {
		return &Error{Op: op, Store: File, Err: e.Err, Cause: e.Cause, Detail: e.Detail, Path: f.path}
	}
	for _, s := range []error{ErrNotFound, ErrTooBig, ErrKey, ErrReadBack, ErrNoPassphrase, ErrPassphrase, ErrDamaged, ErrNewer, ErrInsecure} {
		if errors.Is(err, s) {
			return &Error{Op: op, Store: File, Err: s, Path: f.path}
		}
	}
	return &Error{Op: op, Store: File, Err: ErrRefused, Detail: detail(err, ""), Path: f.path}
}
