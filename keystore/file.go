package keystore

import (
	"bytes"
	"cmp"
	"context"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"time"

	"filippo.io/age"
	"golang.org/x/crypto/chacha20poly1305"
	"golang.org/x/text/unicode/norm"

	"confer/internal/atomicfile"
)

const (
	// DefaultWorkFactor is age's own: to derive a key takes some 0.6 s and 256 MiB.
	DefaultWorkFactor = 18

	maxWorkFactor = 20      // 2.5 s and 1 GiB: no file may make us do more
	maxFile       = 4 << 20 // bytes, some 1,000 secrets of full length
	fileVersion   = 1
	lockSuffix    = ".lock"
	quietWait     = 500 * time.Millisecond // for another process, before anybody is told
)

// FileStore keeps all secrets in one file, encrypted with age under a passphrase
// (https://age-encryption.org/v1, scrypt recipient).
//
// The file is the user's alone and is replaced as a whole: see internal/atomicfile. A
// lock file beside it makes processes wait for each other's changes (see LockLimit);
// then it is ErrBusy. The first use costs one scrypt (of a new file two), which ctx
// cannot interrupt.
//
// Passphrases are taken in Unicode's composed form (NFC), so that é opens the file
// however a keyboard makes it.
type FileStore struct {
	path       string
	passphrase func(context.Context) (string, error)
	factor     int // of scrypt, 2^factor, for a new file
	write      func(path string, b []byte) error

	mu  sync.Mutex // held by the call that uses what follows
	key fileKey    // once it is known to be right
}

// OpenFile gives the store at path. It touches nothing yet. passphrase is asked
// at the first use, and again after a wrong one; its error ends the call as
// ErrNoPassphrase with that error as Error.Cause. When there is no file yet, the
// first Set makes it with whatever passphrase gives: have it typed twice then
// (see Existing). workFactor is 0, or a small one for tests.
func OpenFile(path string, passphrase func(context.Context) (string, error), workFactor int) *FileStore {
	write := func(path string, b []byte) error { return atomicfile.Write(path, b, atomicfile.Private) }
	return &FileStore{path: path, passphrase: passphrase, factor: cmp.Or(workFactor, DefaultWorkFactor), write: write}
}

// WeakPassphrase tells whether a new passphrase could be guessed by a program that
// has the file: one that is short, or has few different characters.
func WeakPassphrase(phrase string) bool {
	const least, leastDifferent = 12, 6
	runes := []rune(norm.NFC.String(phrase))
	slices.Sort(runes)
	return len(runes) < least || len(slices.Compact(runes)) < leastDifferent
}

// Kind is File.
func (f *FileStore) Kind() Kind { return File }

// Existing is the path of an encrypted file, if there is one, of whatever kind; it does
// not open it. Empty: there is none, or s is another store.
func Existing(s Store) string {
	f, ok := s.(*FileStore)
	if !ok {
		return ""
	}
	if _, err := os.Lstat(f.path); errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	return f.path
}

// Opened tells whether the file was opened in this run, so that no passphrase is asked for.
func (f *FileStore) Opened() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.key.header != nil
}

// Unlock opens the file with the passphrase and keeps it open for later calls.
// It returns ErrNotFound, without asking, when there is no file.
func (f *FileStore) Unlock(ctx context.Context) error {
	return f.with(ctx, "open", func() error {
		_, err := f.load(ctx)
		return err
	})
}

// Get implements Store.
func (f *FileStore) Get(ctx context.Context, key string) (string, error) {
	var secret string
	err := f.with(ctx, "get", func() error {
		secrets, err := f.load(ctx)
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

// Set implements Store. What is read back is the file, decrypted.
func (f *FileStore) Set(ctx context.Context, key, secret string) error {
	return f.change(ctx, "set", func(secrets map[string][]byte) bool {
		secrets[key] = []byte(secret)
		return true
	})
}

// Delete implements Store. The file goes with its last secret, so that nobody has
// to know the passphrase of an empty one.
func (f *FileStore) Delete(ctx context.Context, key string) error {
	return f.change(ctx, "delete", func(secrets map[string][]byte) bool {
		_, had := secrets[key]
		delete(secrets, key)
		return had
	})
}

// change reads, edits and writes under the lock of both this process and the file.
func (f *FileStore) change(ctx context.Context, op string, edit func(map[string][]byte) bool) error {
	return f.with(ctx, op, func() error {
		if err := atomicfile.MakeFolder(filepath.Dir(f.path), true); err != nil {
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
		if secrets == nil {
			secrets = map[string][]byte{}
		}
		changed := edit(secrets)
		switch {
		case len(secrets) == 0:
			return atomicfile.Remove(f.path)
		case changed:
			return f.save(ctx, secrets)
		}
		return nil
	})
}

// with runs do while no other call of this store does.
func (f *FileStore) with(ctx context.Context, op string, do func() error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if ctx.Err() != nil {
		return f.failure(op, &Error{Err: ErrTimeout, Cause: ctx.Err()})
	}
	if err := do(); err != nil {
		return f.failure(op, err)
	}
	return nil
}

// lock waits for other processes, and tells for which one.
func (f *FileStore) lock(ctx context.Context) (unlock func(), err error) {
	path, start := f.path+lockSuffix, time.Now()
	unlock, err = atomicfile.Lock(ctx, path, quietWait)
	if errors.Is(err, atomicfile.ErrLocked) {
		end, patient := ctx.Deadline()
		if !patient {
			end = start.Add(LockLimit)
		}
		wait := Wait{Store: File, Who: holder(path), Until: end}
		tell(ctx, wait)
		for who := wait.Who; errors.Is(err, atomicfile.ErrLocked) && time.Now().Before(end); {
			unlock, err = atomicfile.Lock(ctx, path, quietWait)
			if now := holder(path); now != who && !patient { // one has finished, and there are many
				who, end = now, time.Now().Add(LockLimit)
			}
		}
		wait.Over = true
		tell(ctx, wait)
	}
	switch {
	case errors.Is(err, atomicfile.ErrLocked), err != nil && ctx.Err() != nil:
		return nil, &Error{Err: ErrBusy, Cause: ctx.Err(), Holder: holder(path)}
	case err != nil:
		return nil, err
	}
	if runtime.GOOS != "windows" { // where nobody else could read it
		_ = os.WriteFile(path, []byte(strconv.Itoa(os.Getpid())), 0o600)
	}
	return unlock, nil
}

// holder is the process that has the lock; empty: not known.
func holder(lock string) string {
	b, _ := os.ReadFile(lock)
	if pid, err := strconv.Atoi(string(b)); err == nil && pid > 0 {
		return "process " + strconv.Itoa(pid)
	}
	return ""
}

// read gives the file as it is on the disk, or ErrNotFound.
func (f *FileStore) read() ([]byte, error) {
	err := atomicfile.CheckFolder(filepath.Dir(f.path), true)
	var file *os.File
	if err == nil {
		file, err = atomicfile.Open(f.path, true)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	sealed, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if len(sealed) > maxFile {
		err = ErrDamaged
	}
	return sealed, err
}

// load gives the secrets of the file, or ErrNotFound when there is no file.
func (f *FileStore) load(ctx context.Context) (map[string][]byte, error) {
	sealed, err := f.read()
	if err != nil {
		return nil, err
	}
	if f.key.opens(sealed) {
		return f.key.open(sealed)
	}
	phrase, err := f.ask(ctx)
	if err != nil {
		return nil, err
	}
	key, err := deriveKey(sealed, phrase, maxWorkFactor)
	if err != nil {
		return nil, err
	}
	secrets, err := key.open(sealed)
	if err == nil {
		f.key = key
	}
	return secrets, err
}

// save writes the secrets and reads them back.
func (f *FileStore) save(ctx context.Context, secrets map[string][]byte) error {
	key := f.key
	if key.header == nil {
		phrase, err := f.ask(ctx)
		if err != nil {
			return err
		}
		if key, err = newKey(phrase, f.factor); err != nil {
			return err
		}
	}
	sealed, err := key.seal(secrets)
	if err != nil {
		return err
	}
	if ctx.Err() != nil {
		return &Error{Err: ErrTimeout, Cause: ctx.Err()}
	}
	if err := f.write(f.path, sealed); err != nil {
		return err
	}
	got, err := f.read()
	if err != nil {
		return err
	}
	if back, err := key.open(got); err != nil || !maps.EqualFunc(back, secrets, bytes.Equal) {
		return ErrReadBack
	}
	f.key = key
	return nil
}

func (f *FileStore) ask(ctx context.Context) (string, error) {
	phrase, err := f.passphrase(ctx)
	if err != nil || phrase == "" {
		return "", &Error{Err: ErrNoPassphrase, Cause: err}
	}
	return norm.NFC.String(phrase), nil
}

// failure makes an *Error of a sentinel, an *Error without a name, or a
// system's error, which is ErrRefused.
func (f *FileStore) failure(op string, err error) error {
	e := &Error{Err: ErrRefused, Status: Status{Detail: err.Error()}}
	var known sentinel
	switch {
	case errors.As(err, &e):
	case errors.As(err, &known):
		e = &Error{Err: known}
	case errors.Is(err, atomicfile.ErrReadBack):
		e = &Error{Err: ErrReadBack}
	case errors.As(err, new(*atomicfile.UnsafeError)):
		e.Err = ErrInsecure
	}
	e.Op, e.Store, e.Path = op, File, f.path
	return e
}

// fileKey is what a passphrase comes to with the header that begins a file. It
// stays when the rest of the file is written anew, with a nonce of its own, so
// that the slow derivation is done once in a run, whoever else writes the file.
type fileKey struct {
	header []byte // nil: there is no key yet
	key    []byte
}

func deriveKey(sealed []byte, phrase string, maxFactor int) (fileKey, error) {
	header, err := age.ExtractHeader(bytes.NewReader(sealed))
	if err != nil {
		return fileKey{}, damaged(err)
	}
	identity, err := age.NewScryptIdentity(phrase)
	if err != nil {
		return fileKey{}, err
	}
	identity.SetMaxWorkFactor(maxFactor)
	key, err := age.DecryptHeader(header, identity)
	if wrong, ok := errors.AsType[*age.NoIdentityMatchError](err); ok && slices.Contains(wrong.StanzaTypes, "scrypt") {
		return fileKey{}, ErrPassphrase
	}
	if err != nil {
		return fileKey{}, damaged(err)
	}
	return fileKey{header, key}, nil
}

// newKey is that of a new file: the header that age makes, and what it comes to.
func newKey(phrase string, factor int) (fileKey, error) {
	recipient, err := age.NewScryptRecipient(phrase)
	if err != nil {
		return fileKey{}, err
	}
	recipient.SetWorkFactor(factor)
	var file bytes.Buffer
	if _, err := age.Encrypt(&file, recipient); err != nil {
		return fileKey{}, err
	}
	return deriveKey(file.Bytes(), phrase, factor)
}

func (k fileKey) opens(sealed []byte) bool {
	return k.header != nil && bytes.HasPrefix(sealed, k.header)
}

// content is what is encrypted. Values are bytes, and so base64 in JSON, because
// a secret need not be UTF-8.
type content struct {
	Version int               `json:"version"`
	Secrets map[string][]byte `json:"secrets"`
}

// seal encrypts as age does (https://age-encryption.org/v1, "Payload"): age itself
// would derive a key anew for each file. What it makes is opened by age before it
// counts as stored.
func (k fileKey) seal(secrets map[string][]byte) ([]byte, error) {
	const chunk = 64 << 10
	plain, err := json.Marshal(content{fileVersion, secrets})
	if err != nil {
		return nil, err
	}
	salt := make([]byte, 16)
	rand.Read(salt)
	key, err := hkdf.Key(sha256.New, k.key, salt, "payload", chacha20poly1305.KeySize)
	if err != nil {
		return nil, err
	}
	aead, err := chacha20poly1305.New(key)
	if err != nil {
		return nil, err
	}
	out := slices.Concat(k.header, salt)
	nonce := make([]byte, aead.NonceSize()) // 11 bytes that count, and 1 for the last chunk
	for n := uint64(0); ; n++ {
		binary.BigEndian.PutUint64(nonce[3:], n)
		part := plain[:min(chunk, len(plain))]
		plain = plain[len(part):]
		if len(plain) == 0 {
			nonce[11] = 1
		}
		out = aead.Seal(out, nonce, part, nil)
		if len(plain) == 0 {
			break
		}
	}
	if len(out) > maxFile {
		return nil, ErrTooBig
	}
	return out, nil
}

// open decrypts; errors are ErrNewer, or ErrDamaged with details.
func (k fileKey) open(sealed []byte) (map[string][]byte, error) {
	r, err := age.Decrypt(bytes.NewReader(sealed), age.NewInjectedFileKeyIdentity(k.key))
	if err != nil {
		return nil, damaged(err)
	}
	plain, err := io.ReadAll(r)
	if err != nil {
		return nil, damaged(err)
	}
	return parse(plain)
}

func parse(plain []byte) (map[string][]byte, error) {
	var c content
	err := json.Unmarshal(plain, &c) // reads on where a member has another type
	switch {
	case c.Version > fileVersion:
		return nil, ErrNewer
	case err != nil, c.Version != fileVersion, c.Secrets == nil:
		return nil, ErrDamaged
	}
	return c.Secrets, nil
}

// damaged keeps age's words, which are about the format only; those of
// encoding/json may quote what was decrypted and are not passed.
func damaged(err error) error {
	return &Error{Err: ErrDamaged, Status: Status{Detail: err.Error()}}
}
