package profiles

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/gofrs/flock"

	"confer/cronofy"
)

// Errors of a TokenFile.
var (
	// ErrTokensBusy: another process writes to the file.
	ErrTokensBusy = errors.New("another confer is writing to this file")
	// ErrTokensFormat: the file holds something that is not ours to add to.
	ErrTokensFormat = errors.New("the file holds something other than JSON lines")
	// ErrTokensLost: tokens could not be written. They are not used, and no more
	// are asked for.
	ErrTokensLost = errors.New("tokens could not be written")
)

// TokenFile collects accounts' tokens: JSON lines that ReadAccounts understands,
// 0600, only ever added to, each on disk before it counts. A line names the
// refresh token that it replaces by its SHA-256, so that a list from before
// leads to the newest. One process at a time has it open; its methods may be
// called from several goroutines.
type TokenFile struct {
	lock *flock.Flock

	mu     sync.Mutex
	file   *os.File
	size   int64
	index  map[tokenHash]place
	broken error
}

// tokenHash stands for a refresh token.
type tokenHash [sha256.Size / 2]byte

// place is where a line is.
type place struct {
	offset int64
	length int
	ours   bool // written by this process
}

// tokenLine is a line of a TokenFile: the one place where tokens become JSON.
type tokenLine struct {
	Email    string `json:"email,omitempty"`
	Sub      string `json:"sub,omitempty"`
	Access   string `json:"access_token,omitempty"`
	Refresh  string `json:"refresh_token,omitempty"`
	Replaces string `json:"replaces,omitempty"` // SHA-256 of a refresh token, in hexadecimal
}

// OpenTokens opens a file, or makes it, and keeps other processes from it until
// Close. Its error is ErrTokensBusy, ErrTokensFormat or the system's. A last
// line that a crash cut off is taken away: nothing in it was ever used.
func OpenTokens(path string) (*TokenFile, error) {
	lock := flock.New(path+".lock", flock.SetPermissions(0o600))
	got, err := lock.TryLock()
	if err != nil {
		return nil, err
	}
	if !got {
		return nil, ErrTokensBusy
	}
	t := &TokenFile{lock: lock, index: map[tokenHash]place{}}
	if err := t.open(path); err != nil {
		t.Close()
		return nil, err
	}
	return t, nil
}

func (t *TokenFile) open(path string) error {
	var err error
	if t.file, err = os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600); err != nil {
		return err
	}
	info, err := t.file.Stat()
	switch {
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return ErrTokensFormat
	case info.Mode().Perm()&0o077 != 0: // Windows has no such bits
		if err := t.file.Chmod(0o600); err != nil {
			return err
		}
	}
	if err := t.load(); err != nil {
		return err
	}
	if err := t.file.Truncate(t.size); err != nil {
		return err
	}
	if err := t.file.Sync(); err != nil {
		return err
	}
	return syncFolderOf(path)
}

// load indexes the lines that are there.
func (t *TokenFile) load() error {
	in := bufio.NewReaderSize(t.file, 64<<10)
	for {
		line, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return t.loadTail(line)
		}
		if err != nil {
			return err
		}
		if !t.add(line, false) {
			return ErrTokensFormat
		}
	}
}

// loadTail keeps a last line that only lacks its end.
func (t *TokenFile) loadTail(line []byte) error {
	if len(line) == 0 {
		return nil
	}
	if line[0] != '{' {
		return ErrTokensFormat
	}
	if !json.Valid(line) {
		return nil // cut off
	}
	at := t.size
	if !t.add(append(line, '\n'), false) {
		return ErrTokensFormat
	}
	_, err := t.file.WriteAt([]byte{'\n'}, at+int64(len(line)))
	return err
}

// add indexes a line that begins at the end of the others.
func (t *TokenFile) add(line []byte, ours bool) bool {
	p := place{t.size, len(line), ours}
	t.size += int64(len(line))
	if len(bytes.TrimSpace(line)) == 0 {
		return true
	}
	var l tokenLine
	if json.Unmarshal(line, &l) != nil {
		return false
	}
	if l.Refresh != "" {
		t.index[hashToken(l.Refresh)] = p
	}
	if h, err := hex.DecodeString(l.Replaces); err == nil && len(h) == sha256.Size {
		t.index[tokenHash(h)] = p
	}
	return true
}

func hashToken(refresh string) tokenHash {
	h := sha256.Sum256([]byte(refresh))
	return tokenHash(h[:])
}

// Close lets other processes have the file.
func (t *TokenFile) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	var err error
	if t.file != nil {
		err = t.file.Close()
	}
	return errors.Join(err, t.lock.Close())
}

// Append writes an account's tokens to the disk. replaced is the refresh token
// whose place they take; empty: none's. After an error, which wraps
// ErrTokensLost, the file takes nothing more.
func (t *TokenFile) Append(a Account, replaced cronofy.Secret) error {
	l := tokenLine{Email: a.Email, Sub: a.Sub, Access: a.AccessToken.Reveal(), Refresh: a.RefreshToken.Reveal()}
	if !replaced.Empty() {
		h := sha256.Sum256([]byte(replaced.Reveal()))
		l.Replaces = hex.EncodeToString(h[:])
	}
	line, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrTokensLost, err)
	}
	line = append(line, '\n')
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.broken != nil {
		return t.broken
	}
	if _, err = t.file.WriteAt(line, t.size); err == nil {
		err = t.file.Sync()
	}
	if err != nil {
		t.broken = fmt.Errorf("%w: %w", ErrTokensLost, err)
		return t.broken
	}
	t.add(line, true)
	return nil
}

// Broken is the error of the first Append that failed, nil if none did.
func (t *TokenFile) Broken() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.broken
}

// newest follows the replacements of a refresh token to their end. ours: this
// process wrote it. It is false when the file does not know the token.
func (t *TokenFile) newest(refresh cronofy.Secret) (a Account, ours, known bool) {
	if refresh.Empty() {
		return a, false, false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	h := hashToken(refresh.Reveal())
	for range len(t.index) { // a file that was tampered with may lead in a circle
		p, ok := t.index[h]
		if !ok {
			break
		}
		l, err := t.read(p)
		if err != nil || l.Refresh == "" {
			break
		}
		a = Account{Email: name(l.Email), Sub: name(l.Sub), AccessToken: cronofy.NewSecret(l.Access), RefreshToken: cronofy.NewSecret(l.Refresh)}
		ours, known = p.ours, true
		next := hashToken(l.Refresh)
		if next == h || t.index[next] == p {
			break
		}
		h = next
	}
	return a, ours, known
}

func (t *TokenFile) read(p place) (l tokenLine, err error) {
	line := make([]byte, p.length)
	if _, err := t.file.ReadAt(line, p.offset); err != nil {
		return l, err
	}
	return l, json.Unmarshal(line, &l)
}
